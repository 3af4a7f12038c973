"""Keeping secrets of the environment out of what leaves the process: errors and their traces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

from trigger_box.sdk.limits import SECRET_CHARACTERS_MIN

# Whole words: MONKEY and AUTHOR_NAME are no secrets, and SSH_AUTH_SOCK is a path.
_SECRET_NAME: Final = re.compile(
    r"(?:^|_)(?:KEYS?|TOKENS?|PRIVATE|DSN|COOKIE|WEBHOOK|SALT)(?:_|$)|(?:^|_)AUTH$"
    r"|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|APIKEY|ACCESSKEY",
    re.IGNORECASE,
)


class SecretMask:
    """Replaces the values of secret variables in a text by the variables' names.

    Secret are variables whose name says so, and passwords inside URLs. Short values are left
    alone: masking every ``1`` or ``test`` would hide the error, not the secret.

    Args:
        environment: name → value, as the task's process has it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        found: dict[str, str] = {}
        for name, value in environment.items():
            if _SECRET_NAME.search(name):
                found[value] = name
            elif (password := _password_in(value)) is not None:
                found[password] = name
                found[unquote(password)] = name
        self._names = {
            value: name for value, name in found.items() if len(value) >= SECRET_CHARACTERS_MIN
        }
        # Longest first: a secret may contain a shorter one.
        alternatives = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, alternatives))) if alternatives else None

    def apply(self, text: str) -> str:
        """Return ``text`` with each secret replaced by ``[NAME]``."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: f"[{self._names[found.group()]}]", text)


def _password_in(value: str) -> str | None:
    if "://" not in value or "@" not in value:
        return None
    try:
        netloc = urlsplit(value).netloc
    except ValueError:
        return None
    login, at, _ = netloc.rpartition("@")
    _, colon, password = login.partition(":")
    return password if at and colon else None
