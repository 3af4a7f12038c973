"""The built dashboard: one page for all of its addresses, and its files with hashed names.

Built by ``make web``, carried by wheel and binary. Without it, one plain page says so.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

import trigger_box
from trigger_box.api.authentication import NOBODY
from trigger_box.api.rooms import ApiRequest
from trigger_box.domain import limits
from trigger_box.domain.errors import NotFoundError

_OPEN: Final = {"auth": NOBODY, "unclaimed": True}
_PACKAGE: Final = Path(trigger_box.__file__).parent
_PLACES: Final = (
    _PACKAGE / "web_dist",  # in a wheel
    _PACKAGE.parent / "web_dist",  # in the binary
    _PACKAGE.parent / "web" / "dist",  # in a checkout
)
SAFETY: Final = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# Fonts are compressed by their own format.
_COMPRESSED: Final = frozenset({".html", ".js", ".css", ".svg", ".json"})
_GZIP: Final = re.compile(r"(?i)(?:^|,)\s*gzip\s*(?!;\s*q=0(?:\.0*)?\s*(?:,|$))(?:;|,|$)")
_FOREVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>trigger-box</title></head><body>
<h1>The dashboard is not built</h1>
<p>The box itself works. Build its pages with <code>make web</code>, then reload.</p>
<p>Without them, the command line does the same: <code>trigger-box --help</code>.</p>
</body></html>
"""


_NOTHING_HERE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Not found - trigger-box</title></head><body>
<h1>There is nothing at this address</h1>
<p>Try the <a href="/">first page</a>.</p>
</body></html>
"""
_PROGRAMS: Final = (
    "/api",
    "/dashboard/api",
    "/engine",
    "/local",
    "/otel",
    "/packets",
    "/realtime",
    "/socket.io",
)
"""Where programs call: they are answered in JSON, whatever they say they accept."""


class FileNotHereError(NotFoundError):
    """This file is not part of the dashboard. Reload the page: a newer version is here."""

    code = "file_not_here"


def folder() -> Path | None:
    """Return where the built dashboard lies, None if it is not built."""
    return next((place for place in _PLACES if (place / "index.html").is_file()), None)


def is_for_people(path: str, *, accept: str) -> bool:
    """Return whether a person typed this address into a browser: then the answer is a page."""
    is_programs = path in _PROGRAMS or path.startswith(tuple(f"{each}/" for each in _PROGRAMS))
    return "text/html" in accept and not is_programs


def nothing_here(accepts: str) -> Response[bytes]:
    """Return the page for an address that leads nowhere. It is small: this does not block."""
    return _page(accepts, status=404, without=_NOTHING_HERE)


def _page(accepts: str, *, status: int = 200, without: str = _NOT_BUILT) -> Response[bytes]:
    """Return the dashboard's page, or what to show where it is not built."""
    place = folder()
    if place is None:
        return Response(
            without.encode(), status_code=status, media_type="text/html", headers=SAFETY
        )
    content, headers = packed(place / "index.html", accepts)
    return Response(
        content,
        status_code=status,
        media_type="text/html",
        # Always asked for again: it names the files of the version that runs now.
        headers={**SAFETY, **headers, "cache-control": "no-cache"},
    )


@get(
    [
        "/",
        "/claim",
        "/login",
        "/account",
        "/account/{section:str}",
        "/account/authorization-code/{code:str}",
        "/orgs/{rest:path}",
        "/projects/v3/{rest:path}",
        "/runs/{run_id:str}",
        "/@/runs/{run_id:str}",
        "/_/{page:str}",
    ],
    opt=_OPEN,
    include_in_schema=False,
)
async def show_page(request: ApiRequest) -> Response[bytes]:
    """Return the dashboard's page; what it shows is up to its address."""
    return await asyncio.to_thread(_page, request.headers.get("accept-encoding", ""))


@get("/assets/{name:str}", opt=_OPEN, include_in_schema=False)
async def show_file(request: ApiRequest, name: FromPath[str]) -> Response[bytes]:
    """Return one file. Its name has its content's hash, so it never changes."""
    accepts = request.headers.get("accept-encoding", "")
    found = await asyncio.to_thread(asset, name, accepts)
    if found is None:
        raise FileNotHereError
    content, headers = found
    kind = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
    return Response(
        content,
        media_type=kind or "application/octet-stream",
        headers={**SAFETY, **headers, "cache-control": _FOREVER},
    )


def asset(name: str, accepts: str) -> tuple[bytes, dict[str, str]] | None:
    """Return a file by its name, and the headers it needs; None if there is none of this name."""
    place = folder()
    # Only names that are there: a name is never joined to a path unseen.
    if place is None:
        return None
    found = next((path for path in (place / "assets").iterdir() if path.name == name), None)
    return None if found is None else packed(found, accepts)


def packed(path: Path, accepts: str) -> tuple[bytes, dict[str, str]]:
    """Return a file for who accepts these encodings, with the headers that say how."""
    if path.suffix not in _COMPRESSED:
        return path.read_bytes(), {}
    vary = {"vary": "accept-encoding"}
    if not _GZIP.search(accepts):
        return path.read_bytes(), vary
    content = _compressed(path, path.stat().st_mtime_ns)
    return content, {**vary, "content-encoding": "gzip"}


@lru_cache(maxsize=limits.PAGE_FILES_COMPRESSED_MAX)
def _compressed(path: Path, changed_ns: int) -> bytes:
    del changed_ns  # only there so that a file that was built anew is compressed anew
    return gzip.compress(path.read_bytes(), mtime=0)


routes: list[ControllerRouterHandler] = [show_page, show_file]
