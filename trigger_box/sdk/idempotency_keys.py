"""Idempotency keys: two triggers with one key make one run.

The hashes are those of the npm client (rest-api 10.2), so that both languages mean the same run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final, Literal, Self, cast

from trigger_box.sdk.errors import OptionError
from trigger_box.sdk.packets import json_text, strict_json
from trigger_box.sdk.runtime import current_runtime

__all__ = ["IdempotencyKey", "Scope", "create", "from_payload"]

Scope = Literal["run", "attempt", "global"]

_SCOPES: Final = ("run", "attempt", "global")
_HASH_LENGTH: Final = 64


class IdempotencyKey(str):
    """A hashed key, with the words it was made of.

    Attributes:
        key: the original words, joined by ``-``; None for a hash that came from elsewhere.
        scope: what the hash was made unique by.
    """

    __slots__ = ("key", "scope")

    key: str | None
    scope: Scope

    def __new__(cls, hashed: str, *, key: str | None, scope: Scope) -> Self:
        """Return a key whose text is ``hashed``."""
        made = super().__new__(cls, hashed)
        made.key = key
        made.scope = scope
        return made


def create(key: str | Sequence[str], *, scope: Scope = "run") -> IdempotencyKey:
    """Return the hash of a key.

    Args:
        key: one text, or several that belong together.
        scope: ``run`` makes it unique to the run this is called from, ``attempt`` to its attempt,
            ``global`` to the environment. Outside of a run all three are one.

    Raises:
        OptionError: the key is empty or no text, or the scope is none of the three.
    """
    parts = list(key) if isinstance(key, list | tuple) else [key]
    if not parts or not all(isinstance(part, str) and part for part in parts):
        raise OptionError(f"idempotency_key={key!r} must be text, or a list of texts, not empty.")
    if scope not in _SCOPES:
        raise OptionError(f"scope={scope!r} must be one of {', '.join(_SCOPES)}.")
    words = cast("list[str]", parts)
    whole = "-".join([*words, *_suffix(scope)])
    try:
        hashed = hashlib.sha256(whole.encode()).hexdigest()
    except UnicodeEncodeError:
        raise OptionError("idempotency_key has a lone surrogate, which is no character.") from None
    return IdempotencyKey(hashed, key="-".join(words), scope=scope)


def from_payload(payload: object, *, scope: Scope = "global") -> IdempotencyKey:
    """Return a key made of a payload: equal payloads, whatever the order of keys, make one run.

    Raises:
        UnsendableError: the payload has no JSON form.
    """
    canonical = json.dumps(
        strict_json(json_text(payload)), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return create(hashlib.sha256(canonical.encode()).hexdigest(), scope=scope)


def read_key(key: str | Sequence[str]) -> IdempotencyKey:
    """Return what an ``idempotency_key=`` option stands for.

    A text of 64 characters is a hash already, and any other gets the scope ``run``.

    Raises:
        OptionError: the key is empty or no text.
    """
    if isinstance(key, IdempotencyKey):
        return key
    if isinstance(key, str) and _javascript_length(key) == _HASH_LENGTH:
        return IdempotencyKey(key, key=None, scope="global")
    return create(key)


def _suffix(scope: Scope) -> list[str]:
    runtime = current_runtime()
    if runtime is None or scope == "global":
        return []
    context = runtime.context
    if scope == "attempt":
        return [context.run.id, str(context.attempt.number)]
    return [context.run.id]


def _javascript_length(text: str) -> int:
    """Return the length as JavaScript counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
