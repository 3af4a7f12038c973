from __future__ import annotations

import json
from pathlib import Path

import httpx

from tests.support.box import ORIGIN, TestBox, a_box


async def begin(box: TestBox, **headers: str) -> str:
    answer = await box.client(None, **headers).post("/api/v1/authorization-code")
    assert answer.status_code == httpx.codes.OK
    code = answer.json()["authorizationCode"]
    assert answer.json() == {
        "authorizationCode": code,
        "url": f"{ORIGIN}/account/authorization-code/{code}",
    }
    return code


async def poll(box: TestBox, code: str) -> httpx.Response:
    # The npm CLI sends JSON and calls it plain text.
    return await box.nobody.post(
        "/api/v1/token",
        content=json.dumps({"authorizationCode": code}),
        headers={"content-type": "text/plain;charset=UTF-8"},
    )


async def test_a_cli_gets_its_token_once_a_person_has_approved(tmp_path: Path):
    async with a_box(tmp_path) as box:
        code = await begin(box)
        pending = await poll(box, code)
        assert box.owner is not None
        await box.rooms.access.approve_authorization(code, box.owner)

        approved = (await poll(box, code)).json()["token"]
        who = await box.client(approved["token"]).get("/api/v2/whoami")
        again = await poll(box, code)

        assert pending.json() == {"token": None}
        assert approved["obfuscatedToken"] == f"tr_pat_****{approved['token'][-4:]}"
        assert who.json()["email"] == box.owner.email
        assert again.status_code == httpx.codes.BAD_REQUEST
        assert "Start `login` again" in again.json()["error"]


async def test_a_cli_that_was_turned_away_is_told(tmp_path: Path):
    async with a_box(tmp_path) as box:
        code = await begin(box)
        assert box.owner is not None
        await box.rooms.access.deny_authorization(code, box.owner)

        answer = await poll(box, code)

        assert answer.status_code == httpx.codes.BAD_REQUEST


async def test_a_newer_cli_that_offers_a_proof_can_poll_without_it(tmp_path: Path):
    offered = {"codeChallenge": "a" * 43, "codeChallengeMethod": "S256", "callbackPort": 5000}
    async with a_box(tmp_path) as box:
        begun = await box.nobody.post("/api/v1/authorization-code", json=offered)

        answer = await poll(box, begun.json()["authorizationCode"])

        assert "approval" not in begun.json()
        assert answer.json() == {"token": None}


async def test_the_person_is_shown_which_program_asks(tmp_path: Path):
    async with a_box(tmp_path) as box:
        npm = await begin(box, **{"user-agent": "node"})
        ours = await begin(box, **{"user-agent": "trigger-box/0.1.0"})

        shown = [await box.rooms.access.authorization(code) for code in (npm, ours)]

        assert [one.requested_by for one in shown] == ["npm trigger.dev CLI", "trigger-box/0.1.0"]


async def test_nobody_signs_in_to_a_box_without_an_owner(tmp_path: Path):
    async with a_box(tmp_path, is_claimed=False) as box:
        answer = await box.nobody.post("/api/v1/authorization-code")

        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "claim link" in answer.json()["error"]


async def test_a_wrong_token_is_told_so_in_the_words_that_the_cli_shows(tmp_path: Path):
    async with a_box(tmp_path) as box:
        answer = await box.client("tr_pat_" + "1" * 40).get("/api/v2/whoami")

        assert answer.status_code == httpx.codes.UNAUTHORIZED
        assert answer.json()["error"] == "Invalid or Missing Access Token"


async def test_whoami_adds_the_project_that_was_asked_about_if_it_can_be_seen(tmp_path: Path):
    async with a_box(tmp_path) as box:
        assert box.project is not None
        ref = box.project.project.ref
        known = await box.person.get("/api/v2/whoami", params={"projectRef": ref})
        unknown = await box.person.get("/api/v2/whoami", params={"projectRef": "proj_unknown"})

        assert known.json()["dashboardUrl"] == ORIGIN
        assert known.json()["project"] == {
            "name": "Shop",
            "url": f"{ORIGIN}/projects/v3/{ref}",
            "orgTitle": box.project.project.organization.title,
        }
        assert "project" not in unknown.json()


async def test_an_older_cli_finds_whoami_at_its_old_place(tmp_path: Path):
    async with a_box(tmp_path) as box:
        new = await box.person.get("/api/v2/whoami")
        old = await box.person.get("/api/v1/whoami")

        assert old.json() == new.json()


async def test_a_person_can_be_given_a_name(tmp_path: Path):
    async with a_box(tmp_path) as box:
        first = await box.person.post("/api/v1/profile/complete", json={"name": "Ada Lovelace"})
        second = await box.person.post("/api/v1/profile/complete", json={"name": "Ada Lovelace"})

        assert first.json() == {"updated": True}
        assert second.json() == {"updated": False}


async def test_there_is_no_news(tmp_path: Path):
    async with a_box(tmp_path) as box:
        answer = await box.person.get("/api/v1/platform-notifications")

        assert answer.json() == {"notification": None}
