"""Tasks, the list of runs, one run, the test page: with a real box behind them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.box import ABOUT_RECEIPTS, LONG_TASK
from tests.browser.conftest import Held, Place


@pytest.fixture(autouse=True)
def drained(place: Place) -> Iterator[None]:
    """Leave no run behind: what a test began must not be the next one's to take."""
    yield
    runs = place.worker.open_runs()
    for run_id in runs:
        place.worker.cancel(run_id)


def row_of(page: Page, run_id: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=run_id))


def test_the_tasks_of_the_connected_version_are_listed(place: Place, page: Page) -> None:
    place.worker.complete(place.worker.begin("process-order", {"orderId": "ord_1"}))

    page.goto(place.base)

    expect(page.get_by_role("link", name="process-order", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("resize-images"))).to_be_visible()
    expect(
        page.get_by_role("row", name=re.compile("process-order")).get_by_text("Completed")
    ).to_be_attached()
    expect(page.get_by_text(ABOUT_RECEIPTS)).to_be_visible()
    page.get_by_role("searchbox", name="Search tasks and files").fill("emails")
    expect(page.get_by_role("link", name="process-order", exact=True)).to_have_count(0)
    expect(page).to_have_url(f"{place.base}?q=emails")


def test_a_run_changes_its_row_while_one_looks(place: Place, page: Page) -> None:
    run_id = place.worker.trigger("send-receipt", {"to": "a@b.c"})
    page.goto(f"{place.base}/runs?task=send-receipt")
    expect(row_of(page, run_id)).to_contain_text("Queued")

    begun = place.worker.start(place.worker.take())
    expect(row_of(page, run_id)).to_contain_text("Executing")
    place.worker.complete(begun)

    expect(row_of(page, run_id)).to_contain_text("Completed")


@pytest.mark.parametrize(
    ("path", "where"),
    [("/runs?task=send-receipt", "tbody tr"), ("/runs/{run_id}", "[aria-label=Timeline]")],
)
def test_what_changes_before_the_page_follows_is_not_missed(
    place: Place, page: Page, path: str, where: str
) -> None:
    run_id = place.worker.trigger("send-receipt", {"to": "a@b.c"})
    # Without a shared worker the stream is the page's own, so that it can be held back.
    page.add_init_script("delete window.SharedWorker")
    held = Held(page, "/dashboard/api/live")
    with page.expect_request(re.compile("/dashboard/api/live")):
        page.goto(place.base + path.format(run_id=run_id))
    state = page.locator(where).first
    expect(state).to_contain_text("Queued")

    place.worker.complete(place.worker.start(place.worker.take()))
    held.let_go()

    expect(state).to_contain_text("Completed")


def test_runs_that_come_before_the_page_follows_wait_behind_a_bar(place: Place, page: Page) -> None:
    first = place.worker.trigger("send-receipt", tags=["early"])
    page.add_init_script("delete window.SharedWorker")
    held = Held(page, "/dashboard/api/live")
    page.goto(f"{place.base}/runs?tag=early")
    expect(row_of(page, first)).to_be_visible()

    second = place.worker.trigger("send-receipt", tags=["early"])
    held.let_go()

    expect(page.get_by_role("button", name=re.compile("1 new run"))).to_be_visible()
    expect(row_of(page, second)).to_have_count(0)


def test_new_runs_wait_behind_a_bar(place: Place, page: Page) -> None:
    first = place.worker.trigger("send-receipt")
    page.goto(f"{place.base}/runs")
    expect(row_of(page, first)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()

    second = place.worker.trigger("send-receipt")
    bar = page.get_by_role("button", name=re.compile("1 new run"))
    expect(bar).to_be_visible()
    expect(row_of(page, second)).to_have_count(0)
    bar.click()

    expect(row_of(page, second)).to_be_visible()
    expect(bar).to_have_count(0)


def test_filters_live_in_the_address_and_survive_back(place: Place, page: Page) -> None:
    tagged = place.worker.trigger("send-receipt", tags=["order:1"])
    other = place.worker.trigger("process-order", {"orderId": "x", "items": []})
    page.goto(f"{place.base}/runs")
    expect(row_of(page, other)).to_be_visible()

    page.keyboard.press("f")
    menu = page.get_by_role("dialog", name="Add a filter")
    menu.get_by_role("button", name="Tags").click()
    menu.get_by_text("order:1").click()
    menu.get_by_role("button", name="Apply").click()

    expect(page).to_have_url(f"{place.base}/runs?tag=order%3A1")
    expect(row_of(page, tagged)).to_be_visible()
    expect(row_of(page, other)).to_have_count(0)
    page.reload()
    expect(row_of(page, tagged)).to_be_visible()
    page.get_by_role("button", name="Remove filter Tags").click()
    expect(row_of(page, other)).to_be_visible()
    page.go_back()
    expect(row_of(page, other)).to_have_count(0)


def test_a_time_range_is_chosen_with_the_keyboard(place: Place, page: Page) -> None:
    page.goto(f"{place.base}/runs")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()

    page.keyboard.press("d")
    expect(page.get_by_role("menuitemradio", name="Last 7 days")).to_be_focused()
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitemradio", name="Last 1 hour")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{place.base}/runs?period=1h")
    expect(page.get_by_role("button", name="Time range: Last 1 hour")).to_be_visible()


def test_nothing_found_says_so_and_helps_out(place: Place, page: Page) -> None:
    place.worker.trigger("send-receipt")
    page.goto(f"{place.base}/runs?status=TIMED_OUT")

    expect(page.get_by_role("heading", name="No runs match")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()

    expect(page).to_have_url(f"{place.base}/runs")


def test_pages_turn_and_the_keyboard_moves_through_them(place: Place, page: Page) -> None:
    ids = [place.worker.trigger("send-receipt", tags=["page"]) for _ in range(27)]
    page.goto(f"{place.base}/runs?tag=page")
    expect(page.get_by_text("1–25 of 27")).to_be_visible()  # noqa: RUF001 - the page's own dash

    page.keyboard.press("j")
    expect(page.get_by_role("link", name=ids[-1])).to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=ids[-2])).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_role("toolbar", name="Selected runs")).to_contain_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar", name="Selected runs")).to_have_count(0)
    page.get_by_role("button", name="Next").click()

    expect(row_of(page, ids[0])).to_be_visible()
    expect(row_of(page, ids[-1])).to_have_count(0)
    page.get_by_role("button", name="Previous").click()
    expect(row_of(page, ids[-1])).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=ids[-1])).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{place.base}/runs/{ids[-1]}")


def test_a_failed_run_opens_on_its_error(place: Place, page: Page) -> None:
    begun = place.worker.begin("process-order", {"orderId": "ord_7", "items": []})
    run_id = begun["run"]["friendlyId"]
    place.worker.fail(begun, "CarrierRejectedError", "address could not be verified")

    page.goto(f"{place.box.origin}/runs/{run_id}")

    expect(page).to_have_url(f"{place.base}/runs/{run_id}")
    error = page.get_by_role("region", name="Error")
    expect(error).to_contain_text("CarrierRejectedError")
    expect(error).to_contain_text("address could not be verified")
    expect(error).to_contain_text("tasks/orders.py:118:11")
    expect(page.get_by_role("region", name="Payload")).to_contain_text("ord_7")
    page.get_by_role("tab", name="Detail").click()
    expect(page).to_have_url(re.compile(r"\?tab=detail$"))
    expect(page.get_by_role("region", name="Attempts")).to_contain_text("Attempt 1")


def test_the_page_of_a_run_follows_it_from_queued_to_done(place: Place, page: Page) -> None:
    run_id = place.worker.trigger("send-receipt", {"to": "a@b.c"})
    page.goto(f"{place.base}/runs/{run_id}")
    expect(page.get_by_role("region", name="Why is it not running")).to_be_visible()
    expect(page.get_by_text("Nothing has run yet.")).to_be_visible()

    begun = place.worker.start(place.worker.take())
    expect(page.get_by_role("treeitem", name=re.compile("Attempt 1"))).to_be_visible()
    place.worker.report(begun)
    expect(page.get_by_role("treeitem", name=re.compile("charge the card"))).to_be_visible()
    expect(page.get_by_role("treeitem", name=re.compile("Order received"))).to_be_visible()
    place.worker.complete(begun, output='{"sent":true}')

    expect(page.get_by_role("region", name="Output")).to_contain_text("sent")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Attempt 1 succeeded")
    page.get_by_role("treeitem", name=re.compile("charge the card")).click()
    expect(page.get_by_role("region", name="Attributes")).to_contain_text("amount")
    expect(page).to_have_url(re.compile(r"\?span=b{16}$"))


def hidden_part(words: Locator) -> list[str]:
    """Return what lies over words or cuts them, at their two ends and in the middle."""
    return words.evaluate(
        """(it) => {
          const box = it.getBoundingClientRect();
          const y = (box.top + box.bottom) / 2;
          return [box.left + 1, (box.left + box.right) / 2, box.right - 1]
            .map((x) => document.elementFromPoint(x, y))
            .filter((top) => top === null || !(top === it || it.contains(top) || top.contains(it)))
            .map((top) => top?.outerHTML.slice(0, 80) ?? "out of the window");
        }"""
    )


@pytest.mark.parametrize("width", [390, 768, 1024, 1280, 1920])
def test_a_long_task_name_cuts_neither_the_id_nor_the_status_of_its_run(
    place: Place, page: Page, width: int
) -> None:
    begun = place.worker.begin(LONG_TASK)
    run_id = begun["run"]["friendlyId"]
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(f"{place.base}/runs/{run_id}")

    expect(page.get_by_text("Attempt 1 running")).to_be_attached()
    head = page.get_by_role("main").locator("header")
    for words in (run_id[-8:], "Executing"):
        assert hidden_part(head.get_by_text(words, exact=True)) == []
    if 900 < width < 1920:
        task = head.get_by_text(LONG_TASK).last
        task.hover()
        expect(task).to_have_attribute("title", LONG_TASK)
    for name in ("Cancel", "Replay"):
        expect(head.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)


def test_a_run_behind_a_full_queue_says_who_holds_it(place: Place, page: Page) -> None:
    begun = place.worker.begin("resize-images")
    waiting = place.worker.trigger("resize-images")

    page.goto(f"{place.base}/runs/{waiting}")

    why = page.get_by_role("region", name="Why is it not running")
    expect(why).to_contain_text("Queue images is at its limit")
    expect(why).to_contain_text("1 of 1")
    page.get_by_role("link", name="Show the 1 running").click()
    expect(row_of(page, begun["run"]["friendlyId"])).to_be_visible()
    place.worker.complete(begun)


def test_a_run_is_cancelled_after_one_was_asked(place: Place, page: Page) -> None:
    run_id = place.worker.trigger("send-receipt")
    page.goto(f"{place.base}/runs/{run_id}")

    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog", name="Cancel this run?")
    dialog.get_by_role("button", name="Keep running").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Queued").first).to_be_visible()
    page.keyboard.press("c")
    dialog.get_by_role("button", name="Cancel run").click()

    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Canceled")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)


def test_a_replay_takes_over_a_payload_that_was_changed(place: Place, page: Page) -> None:
    begun = place.worker.begin(
        "process-order", {"orderId": "ord_9", "items": [], "big": 9007199254740993}
    )
    old = begun["run"]["friendlyId"]
    place.worker.complete(begun)
    page.goto(f"{place.base}/runs/{old}")

    page.get_by_role("button", name="Replay", exact=True).click()
    editor = page.get_by_role("textbox", name="Payload as JSON")
    expect(editor).to_have_value(re.compile("9007199254740993"))
    editor.fill(editor.input_value().replace("ord_9", "ord_10"))
    page.get_by_role("button", name="Replay in Development").click()

    expect(page).not_to_have_url(re.compile(old))
    payload = page.get_by_role("region", name="Payload")
    expect(payload).to_contain_text("ord_10")
    page.get_by_role("tab", name="Related").click()
    expect(page.get_by_role("region", name="Replayed from").get_by_role("link")).to_have_attribute(
        "href", re.compile(old)
    )


def test_several_runs_are_cancelled_from_the_list(place: Place, page: Page) -> None:
    ids = [place.worker.trigger("send-receipt", tags=["many"]) for _ in range(2)]
    page.goto(f"{place.base}/runs?tag=many")

    page.get_by_role("checkbox", name="Select all on this page").check()
    page.get_by_role("toolbar", name="Selected runs").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel 2 runs").click()

    expect(page.get_by_text("2 runs canceled")).to_be_visible()
    for run_id in ids:
        expect(row_of(page, run_id)).to_contain_text("Canceled")


def test_shift_selects_all_rows_between(place: Place, page: Page) -> None:
    ids = [place.worker.trigger("send-receipt", tags=["range"]) for _ in range(4)]
    page.goto(f"{place.base}/runs?tag=range")

    page.get_by_role("checkbox", name=f"Select {ids[3]}").click()
    page.get_by_role("checkbox", name=f"Select {ids[1]}").click(modifiers=["Shift"])

    expect(page.get_by_role("toolbar", name="Selected runs")).to_contain_text("3 selected")
    expect(page.get_by_role("checkbox", name=f"Select {ids[2]}")).to_be_checked()
    expect(page.get_by_role("checkbox", name=f"Select {ids[0]}")).not_to_be_checked()


def test_a_delayed_run_says_until_when_and_a_cancelled_one_is_no_failure(
    place: Place, page: Page
) -> None:
    run_id = place.worker.trigger("send-receipt", delay="2h")
    page.goto(f"{place.base}/runs/{run_id}")

    expect(page.get_by_text("It is delayed until")).to_be_visible()
    expect(page.get_by_text("in 1h").or_(page.get_by_text("in 2h"))).to_be_visible()
    place.worker.cancel(run_id)

    expect(page.get_by_role("region", name="Canceled")).to_be_visible()
    expect(page.get_by_role("region", name="Error")).to_have_count(0)


def test_a_run_that_a_task_started_is_in_its_trace_and_one_click_away(
    place: Place, page: Page
) -> None:
    begun = place.worker.begin("process-order", {"orderId": "ord_1", "items": []})
    parent = begun["run"]["friendlyId"]
    child = place.worker.trigger_inside(begun, "send-receipt", {"to": "a@b.c"})
    page.goto(f"{place.base}/runs/{parent}")

    row = page.get_by_role("treeitem", name=re.compile("send-receipt"))
    expect(row).to_be_visible()
    row.click()
    expect(page.get_by_role("region", name="Child run")).to_contain_text(child)
    expect(page.get_by_role("region", name="Payload")).to_contain_text("a@b.c")
    page.get_by_role("link", name="Open run").click()

    expect(page).to_have_url(f"{place.base}/runs/{child}")
    expect(page.get_by_text("It is next, once a worker asks for a run.")).to_be_visible()
    page.keyboard.press("p")
    expect(page).to_have_url(f"{place.base}/runs/{parent}")


def test_a_key_pressed_while_a_run_loads_is_heard_once_it_is_there(
    place: Place, page: Page
) -> None:
    begun = place.worker.begin("process-order", {"orderId": "ord_1", "items": []})
    parent = begun["run"]["friendlyId"]
    child = place.worker.trigger_inside(begun, "send-receipt", {"to": "a@b.c"})
    held = Held(page, f"/dashboard/api/.*/runs/{child}$")
    page.goto(f"{place.base}/runs/{child}")
    expect(page.get_by_role("heading", name=child)).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_be_visible()

    page.keyboard.press("p")
    held.let_go()

    expect(page).to_have_url(f"{place.base}/runs/{parent}")


def test_the_test_page_checks_the_payload_and_starts_a_run(place: Place, page: Page) -> None:
    page.goto(f"{place.base}/test/tasks/process-order")
    editor = page.get_by_role("textbox", name="Payload as JSON")
    expect(editor).to_have_value(re.compile("ord_88207"))
    run = page.get_by_role("button", name="Run in Development")

    editor.fill('{"orderId": "ord_1", "items": [{"sku": "a", "qty": "2"}]}')
    expect(page.get_by_text("must be an integer, got a string.")).to_be_visible()
    expect(run).to_be_disabled()
    page.get_by_role("button", name="Change to 2").click()
    expect(page.get_by_text(re.compile("Fits the schema"))).to_be_visible()
    page.get_by_label("Tags").fill("by-hand")
    page.get_by_label("Tags").press("Enter")
    run.click()

    expect(page.get_by_role("region", name="Payload")).to_contain_text("ord_1")
    page.get_by_role("tab", name="Detail").click()
    expect(page.get_by_role("region", name="Where")).to_contain_text("by-hand")
    expect(page.get_by_role("region", name="Where")).to_contain_text("a test")


def test_what_a_task_says_about_itself_stands_where_it_is_tested(place: Place, page: Page) -> None:
    page.goto(f"{place.base}/test")
    expect(page.get_by_text(ABOUT_RECEIPTS)).to_be_visible()

    page.get_by_role("link", name=re.compile("^send-receipt")).click()

    expect(page.get_by_role("button", name="Task: send-receipt")).to_be_visible()
    expect(page.get_by_text(ABOUT_RECEIPTS)).to_be_visible()


EVIL = "<img src=x onerror=\"document.title='evil'\"><script>document.title='evil'</script>"


def test_what_programs_write_is_text_and_nothing_else(place: Place, page: Page) -> None:
    red = f"\x1b[31m{EVIL}\x1b[0m"
    begun = place.worker.begin(
        "process-order", {EVIL: EVIL, "big": 9007199254740993, "long": "x" * 20_000}, tags=[EVIL]
    )
    place.worker.report(begun, log_line=red)
    place.worker.fail(begun, f"{EVIL}Error", f"{red}\u202e{'y' * 5_000}", frame="z" * 2_000)

    page.goto(f"{place.base}/runs/{begun['run']['friendlyId']}")

    error = page.get_by_role("region", name="Error")
    expect(error.get_by_role("heading")).to_have_text(f"{EVIL}Error")
    expect(error).to_contain_text(f"{EVIL}\\u202eyyy")
    expect(error).not_to_contain_text("[31m")
    payload = page.get_by_role("region", name="Payload")
    expect(payload).to_contain_text(json.dumps(EVIL))
    expect(payload).to_contain_text("9007199254740993")
    log = page.get_by_role("treeitem", name=re.compile("img src"))
    expect(log).to_contain_text(EVIL)
    expect(log).not_to_contain_text("[31m")
    log.click()
    expect(page.get_by_role("region", name="Log line")).to_contain_text(EVIL)
    page.goto(f"{place.base}/runs")
    expect(page.get_by_text(EVIL).first).to_be_visible()
    expect(page).not_to_have_title("evil")
    assert page.locator("img").count() == 0
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


TURNING = "evil\u202eksat"
NOT_ISOLATED = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (!data.includes("\\u202e")) continue;
    const isAlone = parentElement.textContent === data && data.trim() === "evil\\u202eksat";
    if (!isAlone || !getComputedStyle(parentElement).unicodeBidi.startsWith("isolate"))
      found.push(parentElement.outerHTML);
  }
  return found;
}"""


@pytest.mark.parametrize("path", ["/runs/{run}", "/runs/{run}?tab=detail", "/runs"])
def test_a_name_that_turns_its_letters_turns_no_word_of_the_page(
    place: Place, page: Page, path: str
) -> None:
    run_id = place.worker.trigger(TURNING, {}, queue={"name": TURNING}, tags=[TURNING])

    page.goto(place.base + path.format(run=run_id))

    expect(page.get_by_text(re.compile("evil")).locator("visible=true").first).to_be_visible()
    assert page.evaluate(NOT_ISOLATED) == []


def test_a_run_that_waits_says_so_when_the_worker_goes(place: Place, page: Page) -> None:
    place.worker.trigger("send-receipt")
    begun = place.worker.start(place.worker.take())
    run_id = place.worker.trigger("send-receipt")
    page.goto(f"{place.base}/runs/{run_id}")
    expect(page.locator(".why")).to_be_visible()

    # Nobody asks any more: after a moment the worker counts as gone.
    expect(page.get_by_text("No dev process is connected")).to_be_visible()
    expect(page.locator(".why")).to_have_count(0)
    place.worker.complete(begun)


@pytest.mark.parametrize("path", ["/runs/{run}", "/test/tasks/process-order", "/runs", ""])
def test_without_a_worker_one_banner_says_so_and_how_to_start_one(
    place: Place, page: Page, path: str
) -> None:
    run_id = place.worker.trigger("process-order", {})

    page.goto(place.base + path.format(run=run_id))

    banner = page.get_by_role("status").filter(has_text=re.compile("connected|worker"))
    expect(banner).to_have_count(1)
    expect(banner).to_contain_text("trigger-box dev or npx trigger.dev@4.8.3 dev")
    expect(page.locator(".why, .where")).to_have_count(0)


def test_a_run_whose_task_is_not_in_the_current_version_is_not_said_to_have_one(
    place: Place, page: Page
) -> None:
    run_id = place.worker.trigger("not-in-any-version", {})

    page.goto(f"{place.base}/runs/{run_id}")

    checks = page.get_by_role("region", name="Why is it not running")
    expect(checks).to_contain_text("The current version does not have its task")
    expect(checks).not_to_contain_text("is here")


def test_the_test_page_says_the_ttl_that_its_run_gets(place: Place, page: Page) -> None:
    page.goto(f"{place.base}/test/tasks/send-receipt")
    ttl = page.get_by_role("textbox", name="TTL").get_attribute("placeholder")
    page.get_by_role("button", name="Run in Development").click()
    expect(page.get_by_role("region", name="Timeline")).to_be_visible()
    page.goto(f"{page.url}?tab=detail")

    assert ttl == "10m"
    queue = page.get_by_role("region", name="Queue")
    expect(queue.get_by_text("10m", exact=True)).to_be_visible()


def test_after_a_dialog_the_focus_is_where_it_was(place: Place, page: Page) -> None:
    run_id = place.worker.trigger("send-receipt", {"to": "a@b.c"})
    page.goto(f"{place.base}/runs/{run_id}")
    dialog = page.get_by_role("dialog")

    for name, opened in (("Cancel", "Cancel this run?"), ("Replay", "Replay a run")):
        button = page.get_by_role("button", name=name, exact=True)
        button.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name=opened)).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(button).to_be_focused()

    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("Cancel")
    expect(page.get_by_role("option", name=re.compile("Cancel")).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep running")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Replay", exact=True)).to_be_focused()


def test_a_run_is_found_looked_at_and_cancelled_with_the_keyboard_alone(
    place: Place, page: Page
) -> None:
    run_id = place.worker.trigger("send-receipt", tags=["keys"])
    page.goto(f"{place.base}/runs?tag=keys")
    expect(row_of(page, run_id)).to_be_visible()

    page.keyboard.press("j")
    expect(page.get_by_role("link", name=run_id)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Timeline")).to_be_visible()
    page.keyboard.press("d")
    expect(page.get_by_role("tab", name="Detail")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("c")
    expect(page.get_by_role("dialog", name="Cancel this run?")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("1 run canceled")).to_be_visible()
    page.keyboard.press("Escape")

    expect(row_of(page, run_id)).to_contain_text("Canceled")


def test_what_could_not_be_done_says_why(place: Place, page: Page) -> None:
    run_id = place.worker.trigger("send-receipt")
    page.goto(f"{place.base}/runs/{run_id}")
    refused = {"error": "The disk of the box is full. Free some space.", "code": "unavailable"}
    page.route(
        re.compile(f"/runs/{run_id}/cancel$"), lambda route: route.fulfill(status=503, json=refused)
    )

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel run").click()

    said = "1 run not canceled: The disk of the box is full. Free some space."
    expect(page.get_by_text(said)).to_be_visible()


def test_an_expired_run_is_no_failure(place: Place, page: Page) -> None:
    run_id = place.worker.trigger("send-receipt")
    reason = {"name": "Error", "message": "Its TTL (10m) was reached", "stack": None}

    def expire(route: Route) -> None:
        answer = route.fetch()
        facts = answer.json()
        facts["run"]["status"] = "EXPIRED"
        facts["error"] = {**reason, "code": None, "hint": None}
        route.fulfill(response=answer, json=facts)

    page.route(re.compile(f"/dashboard/api/.*/runs/{run_id}$"), expire)
    page.goto(f"{place.base}/runs/{run_id}")

    expect(page.get_by_role("region", name="Expired")).to_contain_text(reason["message"])
    expect(page.get_by_role("region", name="Error")).to_have_count(0)


def test_the_editor_offers_the_fields_of_the_schema(place: Place, page: Page) -> None:
    page.goto(f"{place.base}/test/tasks/process-order")
    editor = page.get_by_role("textbox", name="Payload as JSON")
    editor.fill("{")
    editor.press("End")

    page.keyboard.type('"exp')
    option = page.get_by_role("option", name=re.compile("express"))
    expect(option).to_be_visible()
    page.keyboard.press("Enter")

    expect(editor).to_have_value('{"express": ')


def test_the_palette_finds_tasks_and_runs(place: Place, page: Page) -> None:
    run_id = place.worker.trigger("send-receipt")
    page.goto(place.base)
    expect(page.get_by_role("link", name="send-receipt", exact=True)).to_be_visible()

    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill(run_id)
    expect(page.get_by_role("option", name=re.compile(run_id))).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{place.base}/runs/{run_id}")
    expect(page.get_by_role("combobox")).to_have_count(0)
    expect(page.get_by_role("region", name="Timeline")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_url(place.base)


def test_the_question_mark_lists_the_keys(place: Place, page: Page) -> None:
    page.goto(f"{place.base}/runs")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()

    page.keyboard.press("?")

    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Next row, then next page")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)


def test_links_of_the_cli_land_on_their_pages(place: Place, page: Page) -> None:
    page.goto(f"{place.box.origin}/projects/v3/{place.ref}")
    expect(page).to_have_url(place.base)
    page.goto(f"{place.box.origin}/projects/v3/{place.ref}/test?environment=prod")
    expect(page).to_have_url(place.base.replace("/dev", "/prod/test"))
    page.goto(f"{place.box.origin}/projects/v3/{place.ref}/runs?envSlug=dev")
    expect(page).to_have_url(f"{place.base}/runs")
    page.goto(f"{place.box.origin}/@/runs/run_nothing")
    expect(page.get_by_role("heading", name="No such run")).to_be_visible()


def test_an_unknown_address_says_so_and_leads_back(place: Place, page: Page) -> None:
    page.goto(f"{place.base}/schedules/sched_1")

    expect(page.get_by_role("heading", name="There is no such page here")).to_be_visible()
    expect(page).to_have_title(re.compile("Not found"))
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Tasks")).not_to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Go to the tasks").click()

    expect(page).to_have_url(place.base)
    expect(page.get_by_role("link", name="process-order", exact=True)).to_be_visible()


def test_another_environment_keeps_the_page_and_drops_the_filters(place: Place, page: Page) -> None:
    page.goto(f"{place.base}/runs?status=FAILED")
    page.get_by_role("button", name="Environment: Development").first.click()
    page.get_by_role("menuitemradio", name="Staging").click()

    expect(page).to_have_url(place.base.replace("/dev", "/stg/runs"))


def test_a_run_whose_code_waits_says_for_what_and_goes_on(place: Place, page: Page) -> None:
    run_id = place.worker.trigger("process-order", {"orderId": "ord_1", "items": []})
    begun = place.worker.start(place.worker.take())
    child = place.worker.trigger_and_wait(begun, "send-receipt")
    page.goto(f"{place.base}/runs/{run_id}")

    expect(page.get_by_text(f"It waits for the run {child}.")).to_be_visible()
    expect(page.get_by_text("Waiting").first).to_be_visible()
    place.worker.complete(place.worker.start(place.worker.take()))
    expect(page.get_by_text(f"It waits for the run {child}.")).to_have_count(0)
    expect(page.get_by_text("Executing").first).to_be_visible()
    place.worker.complete(begun)
    expect(page.get_by_text("Completed").first).to_be_visible()
