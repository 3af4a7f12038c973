from __future__ import annotations

import pytest

from trigger_box.access.names import checked_email, checked_name, checked_password, slug_of
from trigger_box.domain.errors import InvalidError


@pytest.mark.parametrize("email", ["ada@example.com", "a.b+c@x-y.co.uk", "  ada@example.com "])
def test_an_address_that_the_npm_client_takes_is_taken(email: str) -> None:
    assert checked_email(email) == email.strip()


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@localhost",
        "a..b@x.com",
        ".a@x.com",
        "a@x.c",
        "a b@x.com",
        "a@x.com\nb",
        "é@x.com",
        "a" * 250 + "@x.com",
    ],
)
def test_an_address_that_would_lock_its_owner_out_of_the_npm_client_is_refused(email: str) -> None:
    with pytest.raises(InvalidError, match="email") as caught:
        checked_email(email)

    assert caught.value.details["field"] == "email"


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("short", "at least 12"),
        ("x" * 1_025, "at most 1024 bytes"),
        ("é" * 600, "at most 1024 bytes"),
        ("Ada.Lovelace@Example.com", "the e-mail address itself"),
        ("ADA.Lovelace", "the name in your e-mail address"),
        ("aaaaaaaaaaaa", "a single character"),
        (" " * 12, "a single character"),
        ("Password1234", "one of the most common"),
        ("qwertyuiop123 ", "one of the most common"),
    ],
)
def test_a_password_that_is_no_good_says_why(password: str, complaint: str) -> None:
    with pytest.raises(InvalidError, match=complaint) as caught:
        checked_password(password, email="ada.lovelace@example.com")

    assert caught.value.details["field"] == "password"
    assert password not in str(caught.value)


def test_a_shorter_password_may_be_taken_but_none_that_is_guessed_first() -> None:
    assert checked_password("violet owl", email="a@example.com", characters_min=8) == "violet owl"
    with pytest.raises(InvalidError, match="most common"):
        checked_password("changeme", email="a@example.com", characters_min=8)


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x1b[31mb", "x" * 101])
def test_a_name_that_could_not_be_shown_is_refused(name: str) -> None:
    with pytest.raises(InvalidError, match="title: use 1 to 100"):
        checked_name(name, field="title")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Shop", "my-shop"),
        ("Ünder  Wörld!", "under-world"),
        ("--a--", "a"),
        ("日本", "project"),
        ("x" * 60, "x" * 40),
    ],
)
def test_a_slug_is_lower_case_letters_digits_and_single_hyphens(name: str, slug: str) -> None:
    assert slug_of(name) == slug
