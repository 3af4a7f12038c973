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
# Tried first by whoever guesses: the frequent ones of published lists that are long enough.
_COMMON: Final = """
password password1 password12 password123 password1234 password12345 password123456
passwordpassword passw0rd passw0rd123 p@ssw0rd p@ssword p@ssw0rd1234
12345678 123456789 1234567890 12345678910 123456789012 1234567890123 0123456789 012345678901
87654321 987654321 0987654321 11223344 112233445566 111222333444 123123123 123123123123
12341234 123412341234 123456123456 147258369 123456789a a123456789 abc123456 abc123456789
abcd1234 abcdefgh abcdefghijkl 1234abcd qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty123456
qwertyqwerty qwertyui qwertyuiop qwertyuiop123 qwertyuiopasdfghjkl qwertzuiop 1234qwer qwer1234
1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4 q1w2e3r4t5y6 1qaz2wsx 1qaz2wsx3edc zaq12wsx
zaq12wsxcde3 qazwsxedc qazwsxedcrfv asdfghjkl asdfghjkl123 asdfasdf asdfasdfasdf asdf1234
zxcvbnm1 zxcvbnm123 zxcvbnm12345 iloveyou iloveyou1 iloveyou123 iloveyou1234 sunshine princess
football baseball superman trustno1 starwars whatever computer internet liverpool michelle
letmein1 letmein123 letmein12345 letmeinletmein welcome1 welcome123 welcome1234 welcome12345
admin123 admin1234 admin12345 admin123456 adminadmin adminadminadmin administrator
administrator1 changeme changeme1 changeme123 changeme1234 changemechangeme default1 secret123
test1234 testtest testtesttest passwort passwort1 passwort123 passwort1234 hallo123 hallo12345
triggerbox trigger-box triggerbox123 trigger-box123
"""
_COMMON_PASSWORDS: Final = frozenset(_COMMON.split())
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
        InvalidError: too short, too long, or among the first that anybody would guess.
    """
    if len(password) < characters_min:
        raise InvalidError(f"password: use at least {characters_min} characters.", field="password")
    if len(password.encode("utf-8", "surrogatepass")) > limits.PASSWORD_BYTES_MAX:
        raise InvalidError(
            f"password: use at most {limits.PASSWORD_BYTES_MAX} bytes.", field="password"
        )
    if (reason := _why_guessed(password.strip().casefold(), email.casefold())) is not None:
        raise InvalidError(
            f"password: {reason}. Use several words that do not belong together.",
            field="password",
        )
    return password


def _why_guessed(password: str, email: str) -> str | None:
    """Return what makes a password one of the first that are tried, None if nothing does."""
    if password == email:
        return "do not use the e-mail address itself"
    if password == email.partition("@")[0]:
        return "do not use the name in your e-mail address"
    if len(set(password)) <= 1:
        return "do not repeat a single character"
    if password in _COMMON_PASSWORDS:
        return "this is one of the most common ones, tried first by whoever guesses"
    return None


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
