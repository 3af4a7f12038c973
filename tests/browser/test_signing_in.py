"""Claim, sign in and out, let a terminal in."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Page, expect

from tests.browser.box import EMAIL, NAME, PASSWORD, BareWorker, Person, ServedBox
from tests.browser.conftest import Place


def test_the_printed_link_makes_the_first_account_and_project(
    fresh_box: ServedBox, stranger: Page
) -> None:
    stranger.goto(fresh_box.claim_link)
    expect(stranger.get_by_text("Valid", exact=False).first).to_be_visible()

    stranger.get_by_label("Your name").fill(NAME)
    stranger.get_by_label("E-mail").fill(EMAIL)
    stranger.get_by_label("Password", exact=True).fill(PASSWORD)
    stranger.get_by_role("button", name="Create admin account").click()
    stranger.get_by_label("Project name").fill("orders-api")
    stranger.get_by_role("button", name="Create project").click()

    expect(stranger.get_by_role("heading", name="Run your first task")).to_be_visible()
    expect(stranger.get_by_text(f"login -a {fresh_box.origin}")).to_be_visible()


def test_a_password_that_is_guessed_first_is_refused_where_it_is_typed(
    fresh_box: ServedBox, stranger: Page
) -> None:
    stranger.goto(fresh_box.claim_link)
    stranger.get_by_label("Your name").fill(NAME)
    stranger.get_by_label("E-mail").fill(EMAIL)
    stranger.get_by_label("Password", exact=True).fill("password1234")
    stranger.get_by_role("button", name="Create admin account").click()

    expect(stranger.get_by_text("This is one of the most common ones")).to_be_visible()
    expect(stranger.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")


def test_the_first_steps_are_ticked_while_one_looks(fresh_box: ServedBox, stranger: Page) -> None:
    person = Person(fresh_box.origin)
    person.claim(fresh_box.claim_link)
    ref = person.create_project("orders-api")
    stranger.context.add_cookies(person.cookies())  # type: ignore[arg-type] - as Playwright takes them
    stranger.goto(fresh_box.origin)
    steps = stranger.get_by_role("listitem").filter(has=stranger.get_by_role("heading"))
    expect(steps.nth(0)).to_have_attribute("aria-current", "step")

    person.let_in(_asked(fresh_box)[1])
    expect(steps.nth(0)).to_contain_text(f"Logged in as {EMAIL}")
    expect(steps.nth(1)).to_have_attribute("aria-current", "step")
    worker = BareWorker(fresh_box.origin, person.key(ref), ref)
    worker.register()

    expect(stranger.get_by_role("link", name="process-order", exact=True)).to_be_visible()
    worker.close()
    person.close()


def test_an_unclaimed_box_shows_nothing_but_the_claim_page(
    fresh_box: ServedBox, stranger: Page
) -> None:
    stranger.goto(f"{fresh_box.origin}/orgs/x/projects/y/env/dev/runs")

    expect(stranger.get_by_role("heading", name="Claim this box")).to_be_visible()
    stranger.get_by_label("Claim token").fill("tr_claim_wrong")
    expect(stranger.get_by_text("not the token of this box")).to_be_visible()


def test_after_signing_in_one_is_where_one_wanted_to_go(place: Place, stranger: Page) -> None:
    stranger.goto(f"{place.base}/runs?status=FAILED")

    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    stranger.get_by_label("E-mail").fill(EMAIL)
    stranger.get_by_label("Password", exact=True).fill("wrong password here")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("alert")).to_be_visible()
    stranger.get_by_label("Password", exact=True).fill(PASSWORD)
    stranger.get_by_role("button", name="Sign in").click()

    expect(stranger).to_have_url(f"{place.base}/runs?status=FAILED")
    expect(stranger.get_by_role("heading", name="Runs", exact=True)).to_be_visible()


def test_signing_out_ends_at_the_sign_in_page(place: Place, stranger: Page) -> None:
    stranger.goto(f"{place.box.origin}/login")
    stranger.get_by_label("E-mail").fill(EMAIL)
    stranger.get_by_label("Password", exact=True).fill(PASSWORD)
    stranger.get_by_role("button", name="Sign in").click()
    stranger.get_by_role("button", name="Project and account").click()
    stranger.get_by_role("menuitem", name="Sign out").click()

    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_link_to_another_site_is_not_followed_after_signing_in(
    place: Place, stranger: Page
) -> None:
    stranger.goto(f"{place.box.origin}/login?next=//evil.example/x")
    stranger.get_by_label("E-mail").fill(EMAIL)
    stranger.get_by_label("Password", exact=True).fill(PASSWORD)
    stranger.get_by_role("button", name="Sign in").click()

    expect(stranger).to_have_url(place.base)


def _asked(box: ServedBox) -> tuple[str, str]:
    answer = httpx.post(
        f"{box.origin}/api/v1/authorization-code", headers={"user-agent": "trigger.dev/4.8.3"}
    ).json()
    return answer["url"], answer["authorizationCode"]


def _token(place: Place, code: str) -> object:
    url = f"{place.box.origin}/api/v1/token"
    return httpx.post(url, json={"authorizationCode": code}).json()["token"]


def test_a_terminal_is_let_in_by_a_click_and_not_before(place: Place, page: Page) -> None:
    url, code = _asked(place.box)

    page.goto(url)
    expect(page.get_by_role("heading", name="Let a terminal in?")).to_be_visible()
    expect(page.get_by_text(f"Signed in as {EMAIL}")).to_be_visible()
    assert _token(place, code) is None
    page.get_by_role("button", name="Authorize").click()

    expect(page.get_by_role("heading", name="The terminal is in")).to_be_visible()
    assert _token(place, code)


def test_a_terminal_that_is_turned_away_gets_no_token(place: Place, page: Page) -> None:
    url, _ = _asked(place.box)

    page.goto(url)
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_role("heading", name="Not let in")).to_be_visible()


def test_an_unknown_authorization_code_says_what_to_do(place: Place, page: Page) -> None:
    page.goto(f"{place.box.origin}/account/authorization-code/tr_ac_nothing")

    expect(page.get_by_role("heading", name="This link is no longer valid")).to_be_visible()


def test_the_account_says_who_one_is_once(
    fresh_box: ServedBox, place: Place, page: Page, stranger: Page
) -> None:
    page.goto(f"{place.box.origin}/account")
    main = page.get_by_role("main")
    expect(main.get_by_text(NAME)).to_have_count(1)
    expect(main.get_by_text(EMAIL)).to_have_count(1)

    nameless = Person(fresh_box.origin)
    nameless.claim(fresh_box.claim_link, name="")
    stranger.context.add_cookies(nameless.cookies())  # type: ignore[arg-type] - as Playwright takes them
    nameless.close()
    stranger.goto(f"{fresh_box.origin}/account")

    expect(stranger.get_by_role("button", name="Sign out")).to_be_visible()
    expect(stranger.get_by_role("main").get_by_text(EMAIL)).to_have_count(1)


def test_a_token_is_shown_once_and_can_be_taken_back(place: Place, page: Page) -> None:
    page.goto(f"{place.box.origin}/account/tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill("nightly script")
    page.get_by_role("button", name="Create token").click()

    shown = page.get_by_role("dialog", name="Your new token").get_by_text(
        re.compile(r"^tr_pat_\w{20,}$")
    )
    expect(shown).to_be_visible()
    token = shown.inner_text()
    page.get_by_role("button", name="I have it").click()
    whoami = f"{place.box.origin}/api/v2/whoami"
    assert httpx.get(whoami, headers={"authorization": f"Bearer {token}"}).status_code == 200
    expect(page.get_by_text(token)).to_have_count(0)
    row = page.get_by_role("row", name=re.compile("nightly script"))
    row.hover()
    row.get_by_role("button", name=re.compile("Revoke… nightly script")).click()
    page.get_by_role("button", name="Revoke token").click()

    expect(page.get_by_role("row", name=re.compile("nightly script"))).to_have_count(0)
    assert httpx.get(whoami, headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_the_key_of_an_environment_is_hidden_until_asked_for(place: Place, page: Page) -> None:
    key = place.person.key(place.ref)
    page.goto(f"{place.base}/apikeys")

    expect(page.get_by_text(key[-4:]).first).to_be_visible()
    expect(page.get_by_text(key)).to_have_count(0)
    page.get_by_role("button", name="Reveal").click()

    expect(page.get_by_text(key, exact=True).first).to_be_visible()
    variables = page.get_by_role("region", name="Variables")
    expect(variables).to_contain_text(f"TRIGGER_SECRET_KEY={key}")
