"""What people may call things: e-mail addresses, names, slugs, passwords. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError

# The npm client checks the address that whoami returns with this very rule, so an address that
# fails it would lock its owner out of the command line. Source: cli-protocol 4 ("valid e-mail").
_EMAIL: Final = re.compile(
    r"^(?!\.)(?!.*\.\.)[A-Z0-9_'+\-.]*[A-Z0-9_+-]@([A-Z0-9][A-Z0-9-]*\.)+[A-Z]{2,}$", re.IGNORECASE
)
_NOT_SLUG: Final = re.compile(r"[^a-z0-9]+")
_SLUG_CHARACTERS_MAX: Final = 40


def checked_email(text: str) -> str:
    """Return an e-mail address without the spaces around it.

    Raises:
        InvalidError: it is none.
    """
    email = text.strip()
    if len(email) > limits.EMAIL_CHARACTERS_MAX or not _EMAIL.match(email):
        raise InvalidError(
            f"email: {email[:80]!r} is not an e-mail address. Write it like ada@example.com.",
            field="email",
        )
    return email


def checked_password(
    password: str, *, email: str, characters_min: int = limits.PASSWORD_CHARACTERS_MIN
) -> str:
    """Return a password that is fit for use.

    Raises:
        InvalidError: too short, too long, or the address itself.
    """
    if len(password) < characters_min:
        raise InvalidError(f"password: use at least {characters_min} characters.", field="password")
    if len(password.encode("utf-8", "surrogatepass")) > limits.PASSWORD_BYTES_MAX:
        raise InvalidError(
            f"password: use at most {limits.PASSWORD_BYTES_MAX} bytes.", field="password"
        )
    if password.casefold() == email.casefold():
        raise InvalidError("password: do not use the e-mail address itself.", field="password")
    return password


def checked_name(text: str, *, field: str) -> str:
    """Return a name without the spaces around it.

    Raises:
        InvalidError: empty, too long, or with control characters.
    """
    name = text.strip()
    if not name or len(name) > limits.NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidError(
            f"{field}: use 1 to {limits.NAME_CHARACTERS_MAX} printable characters.", field=field
        )
    return name


def slug_of(name: str) -> str:
    """Return a name as it may stand in a link: lower-case letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")[:_SLUG_CHARACTERS_MAX].strip("-") or "project"
