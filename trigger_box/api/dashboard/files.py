"""The built dashboard: one page for all of its addresses, and its files with hashed names.

Built by ``make web``, carried by wheel and binary. Without it, one plain page says so.
"""

from __future__ import annotations

import asyncio
import mimetypes
from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

import trigger_box
from trigger_box.api.authentication import NOBODY
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
_FOREVER: Final = "public, max-age=31536000, immutable"
_TYPES: Final = {".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
_NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>trigger-box</title></head><body>
<h1>The dashboard is not built</h1>
<p>The box itself works. Build its pages with <code>make web</code>, then reload.</p>
<p>Without them, the command line does the same: <code>trigger-box --help</code>.</p>
</body></html>
"""


class FileNotHereError(NotFoundError):
    """This file is not part of the dashboard. Reload the page: a newer version is here."""

    code = "file_not_here"


def folder() -> Path | None:
    """Return where the built dashboard lies, None if it is not built."""
    return next((place for place in _PLACES if (place / "index.html").is_file()), None)


def _page() -> Response[bytes]:
    place = folder()
    if place is None:
        return Response(_NOT_BUILT.encode(), media_type="text/html", headers=SAFETY)
    return Response(
        (place / "index.html").read_bytes(),
        media_type="text/html",
        # Always asked for again: it names the files of the version that runs now.
        headers={**SAFETY, "cache-control": "no-cache"},
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
async def show_page() -> Response[bytes]:
    """Return the dashboard's page; what it shows is up to its address."""
    return await asyncio.to_thread(_page)


@get("/assets/{name:str}", opt=_OPEN, include_in_schema=False)
async def show_file(name: FromPath[str]) -> Response[bytes]:
    """Return one file. Its name has its content's hash, so it never changes."""
    content = await asyncio.to_thread(_file, name)
    if content is None:
        raise FileNotHereError
    suffix = Path(name).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(content, media_type=kind, headers={**SAFETY, "cache-control": _FOREVER})


def _file(name: str) -> bytes | None:
    place = folder()
    # Only names that are there: a name is never joined to a path unseen.
    if place is None:
        return None
    found = next((path for path in (place / "assets").iterdir() if path.name == name), None)
    return None if found is None else found.read_bytes()


routes: list[ControllerRouterHandler] = [show_page, show_file]
