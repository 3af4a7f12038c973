"""Somebody signed in at a box in process, and the addresses of the pages' routes."""

from __future__ import annotations

from typing import Any

import httpx

from tests.support.box import EMAIL, ORIGIN, TestBox, client_of
from trigger_box.access.sessions import cookie_name

API = "/dashboard/api"
OTHER = "bob@example.com"


async def signed_in(box: TestBox, email: str = EMAIL) -> httpx.AsyncClient:
    """Return the browser of somebody with an account; the first one owns the box."""
    access = box.rooms.access
    user = box.owner if email == EMAIL else await access.create_user(email, password=None)
    assert user is not None, "this box is claimed"
    begun = await access.begin_session(user)
    browser = client_of(box.app, None, origin=ORIGIN)
    browser.cookies.set(cookie_name(is_tls=False), begun.cookie)
    browser.headers["x-csrf-token"] = begun.session.csrf_token
    return browser


def at(box: TestBox, path: str = "", environment: str = "dev") -> str:
    """Return the address of a route of an environment."""
    return f"{API}/environments/{box.environments[environment].id}{path}"


async def read(browser: httpx.AsyncClient, address: str, **query: str) -> Any:
    """Return what a route answers."""
    answer = await browser.get(address, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()
