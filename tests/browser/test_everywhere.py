"""What holds on every page: axe finds nothing, phones fit, stale is said, nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.box import ServedBox
from tests.browser.conftest import WEB, Held, Place, watched

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"wide": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def run_ids(place: Place) -> Iterator[dict[str, str]]:
    """A run of each kind that has a look of its own."""
    failed = place.worker.begin("process-order", {"orderId": "ord_1", "items": []})
    place.worker.report(failed)
    place.worker.fail(failed, "CarrierRejectedError", "address could not be verified")
    done = place.worker.begin("send-receipt", {"to": "a@b.c"}, tags=["order:1", "vip"])
    place.worker.complete(done)
    queued = place.worker.trigger("resize-images")
    yield {
        "failed": failed["run"]["friendlyId"],
        "done": done["run"]["friendlyId"],
        "queued": queued,
    }
    place.worker.cancel(queued)


@pytest.fixture(params=[(theme, size) for theme in ("dark", "light") for size in SIZES])
def anywhere(
    request: pytest.FixtureRequest, browser: Browser, place: Place, faults: list[str]
) -> Iterator[Page]:
    """A signed-in page in each theme and width."""
    theme, size = request.param
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, bypass_csp=True
    )
    context.add_cookies(place.person.cookies())  # type: ignore[arg-type] - as Playwright takes them
    yield watched(context, faults)
    context.close()
    assert faults == []


def found_by_axe(page: Page) -> list[str]:
    """Return what axe calls serious or critical, with where it is."""
    page.add_script_tag(path=AXE)
    result = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in result["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


def settle(page: Page, address: str, shows: str) -> None:
    page.goto(address)
    expect(page.get_by_text(shows).first).to_be_attached()
    page.wait_for_load_state("load")


def assert_fits(page: Page) -> None:
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"the page is {wide} px wider than the window"


def overlapping(page: Page) -> list[str]:
    """Return the controls in bars and heads that lie on others, by their names."""
    return page.evaluate(
        """() => {
          const named = (it) => it.getAttribute("aria-label") || it.textContent.trim();
          // What scrolls may lie under what stands.
          const apart =
            "table, [role=tree], [popover], dialog, ul, [role=tabpanel], [aria-label=Options]";
          const all = [...document.querySelectorAll("main :is(button, a, input, [role=tab])")]
            .filter((it) => !it.closest(apart))
            .map((it) => [named(it), it.getBoundingClientRect(), it])
            .filter(([, box]) => box.width > 1 && box.height > 1);
          const found = [];
          for (const [one, a, first] of all)
            for (const [other, b, second] of all) {
              if (first === second || first.contains(second) || second.contains(first)) continue;
              const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
              const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
              if (across > 1 && down > 1 && a.left <= b.left) found.push(`${one} / ${other}`);
            }
          return found;
        }"""
    )


def out_of_reach(page: Page) -> list[str]:
    """Return the controls of heads and bars that the window cuts off, by their words."""
    return page.evaluate(
        """() => [...document.querySelectorAll("main :is(header, .bar, .foot-bar) :is(button, a)")]
          .filter((it) => {
            const box = it.getBoundingClientRect();
            return box.width > 1 && (box.left < 0 || box.right > innerWidth);
          })
          .map((it) => it.getAttribute("aria-label") || it.textContent.trim())"""
    )


@pytest.mark.parametrize("width", [390, 768, 1024, 1280, 1920])
@pytest.mark.parametrize(
    ("path", "shows"),
    [
        ("", "process-order"),
        ("/runs?status=FAILED&status=COMPLETED&tag=vip&task=send-receipt", "send-receipt"),
        ("/runs/{failed}", "CarrierRejectedError"),
        ("/runs/{queued}", "Place in queue"),
        ("/test/tasks/process-order", "Payload"),
        ("/apikeys", "Root key"),
    ],
)
def test_no_control_lies_on_another(
    place: Place, run_ids: dict[str, str], page: Page, path: str, shows: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    settle(page, place.base + path.format(**run_ids), shows)

    assert overlapping(page) == []
    assert out_of_reach(page) == []
    assert_fits(page)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_key_that_is_shown_fits_with_its_variables(place: Place, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    settle(page, f"{place.base}/apikeys", "Root key")

    page.get_by_role("button", name="Reveal").click()
    page.get_by_role("button", name="Docker").click()

    expect(page.get_by_role("region", name="Variables")).to_contain_text('-e TRIGGER_API_URL="')
    scroller = page.get_by_role("region", name="API keys")
    assert scroller.evaluate("it => it.scrollWidth - it.clientWidth") == 0
    for name in ("Hide", "Copy", "Copy the variables with the key"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    assert overlapping(page) == []


@pytest.mark.parametrize(
    ("path", "shows"),
    [
        ("", "process-order"),
        ("/runs", "send-receipt"),
        ("/runs?status=TIMED_OUT", "No runs match"),
        ("/test", "tasks/orders.py"),
        ("/test/tasks/process-order", "Payload"),
        ("/apikeys", "Root key"),
    ],
)
def test_axe_finds_nothing_on_the_pages_of_an_environment(
    place: Place, run_ids: dict[str, str], anywhere: Page, path: str, shows: str
) -> None:
    del run_ids
    settle(anywhere, place.base + path, shows)

    assert found_by_axe(anywhere) == []
    assert_fits(anywhere)


@pytest.mark.parametrize(
    ("kind", "tab", "shows"),
    [
        ("failed", "", "CarrierRejectedError"),
        ("failed", "?tab=trace", "CarrierRejectedError"),
        ("failed", "?span=" + "b" * 16, "Attributes"),
        ("done", "?tab=detail", "order:1"),
        ("done", "?tab=context", "Context"),
        ("done", "?tab=metadata", "Set it in a task"),
        ("done", "?tab=related", "Child runs"),
        ("queued", "", "Why is it not running"),
    ],
)
def test_axe_finds_nothing_on_the_page_of_a_run(
    place: Place, run_ids: dict[str, str], anywhere: Page, kind: str, tab: str, shows: str
) -> None:
    settle(anywhere, f"{place.base}/runs/{run_ids[kind]}{tab}", shows)

    assert found_by_axe(anywhere) == []
    assert_fits(anywhere)


@pytest.mark.parametrize(
    ("path", "shows"),
    [
        ("/account", "Personal access tokens"),
        ("/account/authorization-code/tr_ac_nothing", "no longer valid"),
        ("/runs/run_nothing", "No such run"),
        ("/orgs/a/projects/b/env/dev", "nothing at this address"),
    ],
)
def test_axe_finds_nothing_outside_of_environments(
    place: Place, anywhere: Page, path: str, shows: str
) -> None:
    settle(anywhere, place.box.origin + path, shows)

    assert found_by_axe(anywhere) == []
    assert_fits(anywhere)


def test_axe_finds_nothing_in_dialogs_and_menus(
    place: Place, run_ids: dict[str, str], anywhere: Page
) -> None:
    open_dialog = anywhere.get_by_role("dialog")
    settle(anywhere, f"{place.base}/runs/{run_ids['done']}", "Payload")
    anywhere.keyboard.press("r")
    expect(anywhere.get_by_role("dialog", name="Replay a run")).to_contain_text("Run in")
    assert found_by_axe(anywhere) == []
    anywhere.keyboard.press("Escape")
    expect(open_dialog).to_have_count(0)
    anywhere.keyboard.press("Control+k")
    expect(anywhere.get_by_role("option").first).to_be_visible()
    assert found_by_axe(anywhere) == []
    anywhere.keyboard.press("Escape")
    expect(open_dialog).to_have_count(0)
    anywhere.keyboard.press("?")
    expect(anywhere.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert found_by_axe(anywhere) == []
    settle(anywhere, f"{place.base}/runs", "send-receipt")
    anywhere.keyboard.press("d")
    expect(anywhere.get_by_role("dialog", name=re.compile("Time range"))).to_be_visible()
    assert found_by_axe(anywhere) == []


@pytest.mark.parametrize(
    ("path", "opener", "shows"),
    [
        ("/runs/{done}", "Replay", "Open the new run"),
        ("/runs/{queued}", "Cancel", "Keep running"),
        ("/test/tasks/process-order", "Schema", "orderId"),
        ("/account", "New token", "Create token"),
    ],
)
@pytest.mark.parametrize("width", [360, 390, 768])
def test_a_dialog_fits_the_window(
    place: Place,
    run_ids: dict[str, str],
    page: Page,
    path: str,
    opener: str,
    shows: str,
    width: int,
) -> None:
    page.set_viewport_size({"width": width, "height": 780})
    base = place.box.origin if path == "/account" else place.base
    page.goto(base + path.format(**run_ids))
    page.get_by_role("button", name=opener, exact=True).click()

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(shows)
    outside = dialog.evaluate(
        """(it) => [...it.querySelectorAll("button, input, textarea")]
          .filter((control) => {
            const box = control.getBoundingClientRect();
            return box.width > 0 && (box.left < 0 || box.right > innerWidth);
          })
          .map((control) => control.textContent || control.outerHTML)"""
    )
    assert outside == []


def test_axe_finds_nothing_before_signing_in(fresh_box: ServedBox, browser: Browser) -> None:
    for theme in ("dark", "light"):
        context = browser.new_context(color_scheme=theme, bypass_csp=True)  # type: ignore[arg-type] - one of its words
        page = context.new_page()
        settle(page, fresh_box.claim_link, "Claim this box")
        assert found_by_axe(page) == []
        context.close()


def test_a_page_says_when_it_is_not_live(fresh_box: ServedBox, stranger: Page) -> None:
    from tests.browser.box import Person  # noqa: PLC0415 - the one test with a box of its own

    person = Person(fresh_box.origin)
    person.claim(fresh_box.claim_link)
    person.create_project("orders-api")
    stranger.context.add_cookies(person.cookies())  # type: ignore[arg-type] - as Playwright takes them
    person.close()
    stranger.clock.install()
    stranger.goto(f"{fresh_box.origin}/_/runs")
    expect(stranger.get_by_text("Live", exact=True)).to_be_visible()

    fresh_box.freeze()
    stranger.clock.fast_forward(21_000)
    expect(stranger.get_by_text(re.compile("Not live for"))).to_be_visible()
    stranger.clock.fast_forward(60_000)
    expect(stranger.get_by_text(re.compile("What you see is from"))).to_be_visible()
    fresh_box.thaw()
    stranger.clock.run_for(10_000)

    expect(stranger.get_by_text("Live", exact=True)).to_be_visible()


def test_what_does_not_load_says_why_and_can_be_tried_again(place: Place, page: Page) -> None:
    refused = {"error": "History is being rebuilt.", "code": "unavailable"}

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json=refused)

    # Once it is live the page asks for nothing by itself.
    page.goto(place.base)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.route(re.compile(r"/dashboard/api/environments/[^/]+/runs"), refuse)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Runs").click()
    expect(page.get_by_role("heading", name="The list of runs did not load")).to_be_visible()
    expect(page.get_by_text("History is being rebuilt.")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("heading", name="The list of runs did not load")).to_have_count(0)


def test_loading_shows_the_shape_of_the_rows(
    place: Place, run_ids: dict[str, str], page: Page
) -> None:
    del run_ids
    held = Held(page, "/dashboard/api/environments/[^/]+/runs")
    page.goto(f"{place.base}/runs")

    expect(page.get_by_role("table")).to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("columnheader", name="Status")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Select all on this page")).to_be_disabled()
    held.let_go()
    expect(page.get_by_role("table")).not_to_have_attribute("aria-busy", "true")


def test_the_theme_is_kept(place: Place, page: Page) -> None:
    page.goto(place.base)
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")

    page.get_by_role("button", name="Project and account").click()
    page.get_by_role("menuitemradio", name="Light").click()
    expect(html).to_have_attribute("data-theme", "light")
    page.reload()

    expect(html).to_have_attribute("data-theme", "light")


def test_nothing_is_fetched_from_elsewhere(place: Place, page: Page) -> None:
    origins: set[str] = set()
    page.on("request", lambda request: origins.add("/".join(request.url.split("/")[:3])))

    page.goto(place.base)
    expect(page.get_by_role("link", name="process-order", exact=True)).to_be_visible()

    assert origins == {place.box.origin}
