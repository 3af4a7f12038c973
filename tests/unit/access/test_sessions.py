from __future__ import annotations

import pytest

from trigger_box.access.actors import Session, User
from trigger_box.access.sessions import (
    CrossSiteError,
    check_csrf_token,
    check_same_site,
    cookie_name,
)
from trigger_box.ids import UserId

OWN = frozenset({"https://box.example"})
SESSION = Session(
    user=User(id=UserId("user_1"), email="a@b.co", name=None, is_admin=True),
    csrf_token="right",
    expires_at_ms=1,
)


@pytest.mark.parametrize(
    ("origin", "fetch_site", "is_fine"),
    [
        ("https://box.example", None, True),
        ("https://box.example", "same-origin", True),
        (None, "same-origin", True),
        ("https://evil.example", None, False),
        ("http://box.example", None, False),
        ("https://box.example.evil.example", None, False),
        ("null", None, False),
        ("", "same-origin", False),
        (None, "same-site", False),
        (None, "cross-site", False),
        (None, "none", False),
        (None, None, False),
    ],
)
def test_a_change_must_come_from_our_own_pages(
    origin: str | None, fetch_site: str | None, *, is_fine: bool
) -> None:
    if is_fine:
        check_same_site(method="POST", origin=origin, fetch_site=fetch_site, own_origins=OWN)
        return

    with pytest.raises(CrossSiteError):
        check_same_site(method="POST", origin=origin, fetch_site=fetch_site, own_origins=OWN)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_fine_from_everywhere(method: str) -> None:
    check_same_site(method=method, origin="https://evil.example", fetch_site=None, own_origins=OWN)
    check_csrf_token(method=method, header=None, session=SESSION)


@pytest.mark.parametrize("header", [None, "", "wrong", "right ", "ë"])
def test_a_change_must_carry_the_token_of_its_session(header: str | None) -> None:
    check_csrf_token(method="POST", header="right", session=SESSION)

    with pytest.raises(CrossSiteError):
        check_csrf_token(method="POST", header=header, session=SESSION)


def test_on_tls_the_cookie_is_bound_to_the_host() -> None:
    assert cookie_name(is_tls=True) == "__Host-tbx_session"
    assert cookie_name(is_tls=False) == "tbx_session"


def test_secrets_do_not_show_in_a_representation() -> None:
    assert "right" not in repr(SESSION)
