from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from trigger_box.api.dashboard import files


@pytest.fixture
def dist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built dashboard of three files."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "index-1.js").write_text("let a = 1;" * 100)
    (tmp_path / "assets" / "geist-1.woff2").write_bytes(b"\x00\x01")
    (tmp_path / "secret").write_text("not for you")
    monkeypatch.setattr(files, "_PLACES", (tmp_path,))
    return tmp_path


def test_the_first_place_with_a_page_is_where_the_dashboard_lies(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PLACES", (tmp_path / "nowhere", dist))

    assert files.folder() == dist


def test_a_file_is_sent_compressed_to_who_can_read_it(dist: Path) -> None:
    plain = (dist / "assets" / "index-1.js").read_bytes()

    packed, headers = files.packed(dist / "assets" / "index-1.js", "br, gzip;q=0.5")

    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain)
    assert headers == {"vary": "accept-encoding", "content-encoding": "gzip"}


@pytest.mark.parametrize(
    "accepts", ["", "br", "identity", "gzip;q=0", "x-gzip", "gzip; q=0.00, br"]
)
def test_a_file_is_sent_as_it_is_to_who_can_not(dist: Path, accepts: str) -> None:
    content, headers = files.packed(dist / "assets" / "index-1.js", accepts)

    assert content == (dist / "assets" / "index-1.js").read_bytes()
    assert headers == {"vary": "accept-encoding"}


def test_what_is_compressed_already_is_not_compressed_again(dist: Path) -> None:
    assert files.packed(dist / "assets" / "geist-1.woff2", "gzip") == (b"\x00\x01", {})


def test_a_page_that_was_built_anew_is_sent_anew(dist: Path) -> None:
    page = dist / "index.html"
    files.packed(page, "gzip")
    page.write_text("<!doctype html>new")
    os.utime(page, ns=(1, 1))

    content, _ = files.packed(page, "gzip")

    assert gzip.decompress(content) == b"<!doctype html>new"


@pytest.mark.parametrize("name", ["../secret", "..", "", "assets", "index-1.js/", "/etc/passwd"])
def test_only_files_of_the_dashboard_are_found(dist: Path, name: str) -> None:
    assert (dist / "assets" / "index-1.js").is_file()

    assert files.asset(name, "") is None
    assert files.asset("index-1.js", "") is not None
