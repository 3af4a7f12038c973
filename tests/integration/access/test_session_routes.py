from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.box import EMAIL, ORIGIN, PASSWORD, TestBox, a_box, client_of

API = "/dashboard/api"


async def sign_in(box: TestBox, *, origin: str = ORIGIN) -> httpx.AsyncClient:
    """Return a browser in which the owner has signed in with ``PASSWORD``."""
    await box.rooms.access.put_admin(EMAIL, password=PASSWORD)
    browser = client_of(box.app, None, origin=origin)
    answer = await browser.post(f"{API}/sign-in", json={"email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    browser.headers["x-csrf-token"] = answer.json()["csrfToken"]
    return browser


def cookie_of(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"]


async def test_before_it_is_claimed_a_box_answers_only_claim_session_and_health(
    tmp_path: Path,
) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        statuses: dict[str, int] = {}
        for method, path in (
            ("GET", f"{API}/session"),
            ("GET", f"{API}/claim?token=x"),
            ("GET", "/healthz"),
            ("GET", "/readyz"),
            ("POST", f"{API}/sign-in"),
            ("POST", "/api/v1/authorization-code"),
            ("POST", "/api/v1/token"),
            ("GET", "/api/v2/whoami"),
            ("POST", "/api/v1/tasks/x/trigger"),
            ("POST", "/local/v1/projects"),
        ):
            statuses[path] = (await box.local_owner.request(method, path, json={})).status_code

        assert [path for path, status in statuses.items() if status == 200] == [
            f"{API}/session",
            f"{API}/claim?token=x",
            "/healthz",
            "/readyz",
        ]
        assert {status for status in statuses.values() if status != 200} == {503}


@pytest.mark.parametrize(
    ("host", "is_ok", "words"),
    [
        ("localhost:3030", True, "no network"),
        ("127.0.0.1", True, "no network"),
        ("[::1]", True, "no network"),
        ("box.example.com", False, "can be read on the way"),
        ("localhost.example.com", False, "can be read on the way"),
    ],
)
async def test_who_claims_a_box_is_told_who_could_listen(
    tmp_path: Path, *, host: str, is_ok: bool, words: str
) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        token = await box.rooms.access.offer_claim()

        answer = await box.nobody.get(
            f"{API}/claim", params={"token": token}, headers={"host": host}
        )

    fact = answer.json()["facts"][1]
    assert (fact["isOk"], words in fact["text"]) == (is_ok, True)


async def test_the_claim_link_leads_to_a_signed_in_owner(tmp_path: Path) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        token = await box.rooms.access.offer_claim()
        wrong = await box.nobody.get(f"{API}/claim", params={"token": "wrong"})
        right = await box.nobody.get(f"{API}/claim", params={"token": token})
        assert wrong.json() == {"isValid": False, "expiresAtMs": None, "facts": []}
        assert right.json()["isValid"]
        assert len(right.json()["facts"]) == 2

        body = {"token": token, "email": EMAIL, "password": PASSWORD, "name": "Ada"}
        answer = await box.nobody.post(f"{API}/claim", json=body)

        assert answer.status_code == 200
        assert answer.json()["user"]["name"] == "Ada"
        assert answer.json()["box"]["isClaimed"]
        session = (await box.nobody.get(f"{API}/session")).json()
        assert session == answer.json()
        again = await client_of(box.app, None).post(f"{API}/claim", json=body)
        assert (again.status_code, again.json()["code"]) == (401, "claim_refused")
        assert "trigger-box admin claim-link" in again.json()["error"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"email": "ada"}, "email"),
        ({"name": "a\nb"}, "name"),
    ],
)
async def test_a_claim_that_is_no_good_names_the_field(
    tmp_path: Path, change: dict[str, str], field: str
) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        token = await box.rooms.access.offer_claim()

        answer = await box.nobody.post(
            f"{API}/claim", json={"token": token, "email": EMAIL, "password": PASSWORD} | change
        )

        assert answer.status_code == 400
        assert answer.json()["details"] == {"field": field}
        assert not box.rooms.access.is_claimed


async def test_the_cookie_is_closed_to_scripts_and_other_sites(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        await box.rooms.access.put_admin(EMAIL, password=PASSWORD)

        answer = await box.nobody.post(
            f"{API}/sign-in", json={"email": EMAIL, "password": PASSWORD}
        )

        assert "no-store" in answer.headers["cache-control"]
        name, _, rest = cookie_of(answer).partition("=")
        assert name == "tbx_session"
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(rest.split("; "))
        assert "Secure" not in rest
        assert "Domain" not in rest


async def test_on_tls_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    async with a_box(tmp_path, public_url="https://box.example.com") as box:
        browser = await sign_in(box, origin="https://box.example.com")

        answer = await client_of(box.app, None).post(
            f"{API}/sign-in", json={"email": EMAIL, "password": PASSWORD}
        )

        name, _, rest = cookie_of(answer).partition("=")
        assert name == "__Host-tbx_session"
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(rest.split("; "))
        # A cookie set without TLS, by whoever can write on the way, is not looked at.
        value = rest.partition(";")[0]
        plain = client_of(box.app, None, cookie=f"tbx_session={value}")
        bound = client_of(box.app, None, cookie=f"__Host-tbx_session={value}")
        assert (await plain.get(f"{API}/session")).json()["user"] is None
        assert (await bound.get(f"{API}/session")).json()["user"]["email"] == EMAIL
        await browser.aclose()


@pytest.mark.parametrize(
    "headers",
    [
        {"x-csrf-token": ""},
        {"x-csrf-token": "wrong"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_a_change_without_token_or_from_another_site_is_refused(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with a_box(tmp_path) as box:
        browser = await sign_in(box)

        answer = await browser.post(f"{API}/tokens", json={"name": "x"}, headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
        assert (await browser.get(f"{API}/tokens")).json()["tokens"][0]["name"] == "tests"
        assert len((await browser.get(f"{API}/tokens")).json()["tokens"]) == 1


@pytest.mark.parametrize("path", ["sign-in", "claim"])
async def test_another_site_can_not_sign_its_visitor_in(tmp_path: Path, path: str) -> None:
    async with a_box(tmp_path) as box:
        for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            answer = await box.nobody.post(
                f"{API}/{path}", json={"email": EMAIL, "password": PASSWORD}, headers=headers
            )

            assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


async def test_too_many_wrong_passwords_say_how_long_to_wait(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        answers = [
            await box.nobody.post(f"{API}/sign-in", json={"email": EMAIL, "password": "wrong"})
            for _ in range(7)
        ]

        assert [answer.status_code for answer in answers] == [401] * 6 + [429]
        assert answers[-1].json()["details"] == {"seconds": 60}
        assert answers[-1].headers["retry-after"] == "60"
        assert answers[0].json()["error"] == "The e-mail address or the password is not right."


async def test_behind_a_proxy_attempts_count_for_whom_it_forwards(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        wrong = {"email": EMAIL, "password": "wrong"}

        async def attempt(forwarded: str) -> int:
            headers = {"x-forwarded-for": forwarded}
            answer = await box.nobody.post(f"{API}/sign-in", json=wrong, headers=headers)
            return answer.status_code

        # What the caller claims stands first; what the proxy saw stands last.
        first = [await attempt(f"10.0.0.{number}, 192.0.2.1") for number in range(7)]

        assert first == [401] * 6 + [429]
        assert await attempt("192.0.2.2") == 401


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b'{"email": 1, "password": "x"}', b'{"email": "a"}', b'"x"'],
)
async def test_a_body_of_another_shape_is_refused(tmp_path: Path, body: bytes) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.nobody.post(f"{API}/sign-in", content=body)

        assert answer.status_code == 400
        assert answer.json()["error"]


async def test_a_password_that_a_proxy_asks_for_is_not_ours(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await sign_in(box)

        answer = await browser.get(f"{API}/tokens", headers={"authorization": "Basic YTpi"})

        assert answer.status_code == 200


async def test_signing_out_clears_the_cookie_and_ends_the_session(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await sign_in(box)
        cookie = browser.cookies["tbx_session"]

        answer = await browser.post(f"{API}/sign-out")

        assert answer.status_code == 204
        assert "Max-Age=0" in cookie_of(answer)
        stolen = client_of(box.app, None, cookie=f"tbx_session={cookie}")
        assert (await stolen.get(f"{API}/session")).json()["user"] is None
        assert (await stolen.get(f"{API}/tokens")).status_code == 401


async def test_the_session_says_where_the_person_can_go(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await sign_in(box)

        session: dict[str, Any] = (await browser.get(f"{API}/session")).json()

        assert session["box"]["apiUrl"] == ORIGIN
        (organization,) = session["organizations"]
        (project,) = organization["projects"]
        assert project["name"] == "Shop"
        assert [e["name"] for e in project["environments"]] == [
            "Development",
            "Staging",
            "Preview",
            "Production",
        ]
        assert not any(e["isPaused"] for e in project["environments"])


async def test_access_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await sign_in(box)

        made = (await browser.post(f"{API}/tokens", json={"name": "laptop"})).json()
        listed = (await browser.get(f"{API}/tokens")).json()["tokens"]
        revoked = await browser.delete(f"{API}/tokens/{made['row']['id']}")

        assert made["row"] in listed
        assert "no-store" in (await browser.get(f"{API}/session")).headers["cache-control"]
        assert made["token"] not in str(listed)
        assert listed[0]["obfuscated"] == f"tr_pat_****{made['token'][-4:]}"
        assert revoked.status_code == 204
        answer = await box.client(made["token"]).get("/api/v2/whoami")
        assert answer.status_code == 401
        missing = await browser.delete(f"{API}/tokens/{made['row']['id']}")
        assert (missing.status_code, missing.json()["code"]) == (404, "token_not_found")


async def test_a_password_is_changed_by_whoever_knows_the_current_one(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await sign_in(box)
        path = f"{API}/account/password"

        wrong = await browser.post(path, json={"current": "no", "password": "a brand new one"})
        right = await browser.post(path, json={"current": PASSWORD, "password": "a brand new one"})

        assert (wrong.status_code, wrong.json()["details"]) == (400, {"field": "current"})
        assert right.status_code == 204
        assert (await browser.get(f"{API}/session")).json()["user"]["email"] == EMAIL


async def test_a_terminal_is_let_in_by_a_click_and_by_nothing_less(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await sign_in(box)
        asked = (await box.nobody.post("/api/v1/authorization-code")).json()
        code = asked["authorizationCode"]
        path = f"{API}/cli-authorizations/{code}"
        assert asked["url"] == f"{ORIGIN}/account/authorization-code/{code}"
        assert (await box.nobody.get(path)).status_code == 401
        assert (await browser.get(path)).json()["state"] == "waiting"
        poll = {"authorizationCode": code}
        assert (await box.nobody.post("/api/v1/token", json=poll)).json() == {"token": None}

        answer = await browser.post(f"{path}/approve")

        assert answer.json()["state"] == "approved"
        assert answer.json()["address"] == "127.0.0.1"
        token = (await box.nobody.post("/api/v1/token", json=poll)).json()["token"]["token"]
        assert (await box.client(token).get("/api/v2/whoami")).json()["email"] == EMAIL
        again = await browser.post(f"{path}/deny")
        assert (again.status_code, again.json()["code"]) == (404, "authorization_not_found")


async def test_a_terminal_that_is_turned_away_gets_no_token(tmp_path: Path) -> None:
    async with a_box(tmp_path) as box:
        browser = await sign_in(box)
        code = (await box.nobody.post("/api/v1/authorization-code")).json()["authorizationCode"]

        answer = await browser.post(f"{API}/cli-authorizations/{code}/deny")

        assert answer.json()["state"] == "denied"
        refused = await box.nobody.post("/api/v1/token", json={"authorizationCode": code})
        assert refused.status_code == 400
        assert "denied" in refused.json()["error"]
