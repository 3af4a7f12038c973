"""The built pages as a browser gets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.box import a_box
from trigger_box.api.dashboard import files


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built dashboard."""
    place = tmp_path / "dist"
    (place / "assets").mkdir(parents=True)
    (place / "index.html").write_text("<!doctype html><title>trigger-box</title>")
    (place / "assets" / "index-1.js").write_text("let a = 1;")
    monkeypatch.setattr(files, "_PLACES", (place,))
    return place


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/claim",
        "/login",
        "/account",
        "/account/tokens",
        "/account/authorization-code/tr_ac_1",
        "/orgs/acme/projects/shop/env/dev/runs/run_1",
        "/projects/v3/proj_1/runs/run_1",
        "/runs/run_1",
        "/@/runs/run_1",
        "/_/runs",
    ],
)
async def test_every_address_that_is_printed_somewhere_is_the_page(
    tmp_path: Path, dist: Path, path: str
) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        answer = await box.nobody.get(path)

    assert answer.status_code == 200
    assert answer.text == (dist / "index.html").read_text()
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-encoding"] == "gzip"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


async def test_files_are_kept_for_ever_and_unknown_ones_are_not_found(
    tmp_path: Path, dist: Path
) -> None:
    async with a_box(tmp_path) as box:
        found = await box.nobody.get("/assets/index-1.js")
        missing = await box.nobody.get("/assets/index-2.js")
        outside = await box.nobody.get("/assets/..%2findex.html")

    assert found.text == (dist / "assets" / "index-1.js").read_text()
    assert found.headers["content-type"].startswith("text/javascript")
    assert "immutable" in found.headers["cache-control"]
    assert found.headers["x-content-type-options"] == "nosniff"
    assert (missing.status_code, missing.json()["code"]) == (404, "file_not_here")
    assert outside.status_code == 404


BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nope", "/orgs", "/projects/x", "/dashboard", "/assets/old.js"])
async def test_an_address_that_leads_nowhere_is_a_page_for_people(
    tmp_path: Path, dist: Path, path: str
) -> None:
    async with a_box(tmp_path, is_claimed=False) as box:
        page = await box.nobody.get(path, headers=BROWSER)
        head = await box.nobody.head(path, headers=BROWSER)
        program = await box.nobody.get(path)

    assert page.status_code == head.status_code == 404
    assert page.text == (dist / "index.html").read_text()
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert program.status_code == 404
    assert program.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/api", "/api/v1/nope", "/dashboard/api/nope", "/engine/v1/nope"])
async def test_where_programs_call_a_wrong_address_is_told_in_json(
    tmp_path: Path, path: str
) -> None:
    async with a_box(tmp_path) as box:
        answer = await box.dev.get(path, headers=BROWSER)

    assert answer.status_code == 404
    assert answer.json()["error"] == "Not found"


async def test_without_pages_a_wrong_address_leads_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PLACES", ())
    async with a_box(tmp_path) as box:
        answer = await box.nobody.get("/nope", headers=BROWSER)

    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text
    assert 'href="/"' in answer.text


async def test_a_box_without_pages_says_how_to_build_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PLACES", ())
    async with a_box(tmp_path) as box:
        answer = await box.nobody.get("/")

    assert answer.status_code == 200
    assert "make web" in answer.text
