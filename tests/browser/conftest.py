"""A real box, a real Chromium, somebody signed in; each test gets a page of its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from tests.browser.box import BareWorker, Person, ServedBox

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WEB = Path(__file__).parents[2] / "web"
EXPECT_MS = 10_000

expect.set_options(timeout=EXPECT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class Place:
    """A claimed box with one project, and the worker of its development environment."""

    box: ServedBox
    person: Person
    worker: BareWorker
    ref: str

    @property
    def base(self) -> str:
        """Return the address of the development environment's pages."""
        return f"{self.box.origin}/orgs/my-organization/projects/orders-api/env/dev"


class Held:
    """Requests of a page that wait for their answers until they are let go."""

    def __init__(self, page: Page, address: str) -> None:
        self._waiting: list[Route] | None = []
        page.route(re.compile(address), self._hold)

    def let_go(self) -> None:
        """Answer those that wait, and all that come."""
        waiting, self._waiting = self._waiting, None
        for route in waiting or ():
            route.continue_()

    def _hold(self, route: Route) -> None:
        if self._waiting is None:
            route.continue_()
        else:
            self._waiting.append(route)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "these tests need Debian's chromium: apt-get install chromium"
    assert (WEB / "dist" / "index.html").is_file(), "these tests need the pages: make web"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def fresh_box(tmp_path: Path) -> Iterator[ServedBox]:
    """A box that nobody has claimed."""
    with ServedBox(tmp_path) as box:
        yield box


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A claimed box with a project and three tasks."""
    with ServedBox(tmp_path_factory.mktemp("box")) as box:
        person = Person(box.origin)
        person.claim(box.claim_link)
        ref = person.create_project("orders-api")
        worker = BareWorker(box.origin, person.key(ref), ref)
        worker.register()
        yield Place(box=box, person=person, worker=worker, ref=ref)
        worker.close()
        person.close()


@pytest.fixture
def faults() -> list[str]:
    """What the pages of a test complained about; checked at its end."""
    return []


def watched(context: BrowserContext, faults: list[str]) -> Page:
    """Return a page that notes every error, and everything the policy forbids."""
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: _note(said, faults))
    return page


def close(context: BrowserContext) -> None:
    """Close a context's pages once nobody answers their requests in a test's stead any more."""
    for page in context.pages:
        page.unroute_all(behavior="wait")
    context.close()


def _note(said: Any, faults: list[str]) -> None:
    # A refused request is no fault of the page: tests that provoke one look at what is shown.
    if said.type == "error" and "Failed to load resource" not in said.text:
        faults.append(said.text)


@pytest.fixture
def page(browser: Browser, place: Place, faults: list[str]) -> Iterator[Page]:
    """A signed-in page, dark and wide."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.add_cookies(place.person.cookies())  # type: ignore[arg-type] - as Playwright takes them
    yield watched(context, faults)
    close(context)
    assert faults == []


@pytest.fixture
def stranger(browser: Browser, faults: list[str]) -> Iterator[Page]:
    """A page of somebody who is not signed in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    yield watched(context, faults)
    close(context)
    assert faults == []
