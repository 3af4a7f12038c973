"""Packets: a value as text and the type of that text (rest-api 9).

Any Python value goes in and comes out here; a task's own types are ``schemas.py``'s business, and
moving large packets through the server's packet store is ``uploads.py``'s.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final, Literal, cast

from trigger_box.sdk import superjson
from trigger_box.sdk.errors import UnsendableError
from trigger_box.sdk.limits import NESTING_MAX

JSON: Final = "application/json"
SUPERJSON: Final = "application/super+json"
TEXT: Final = "text/plain"
STORE: Final = "application/store"

Serializer = Literal["json", "superjson"]

_BYTES_HINT: Final = (
    "bytes have no JSON form. Send base64 text (pydantic.Base64Bytes does it), or upload the bytes"
    " somewhere and send a link."
)
_SURROGATE_HINT: Final = "the text has a lone surrogate, which is no character and has no UTF-8"
_NAN_HINT: Final = (
    "NaN and infinity have no JSON form. Use None, or serializer='superjson' on the task"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A payload or an output. ``data`` is None for no value at all (JavaScript's undefined)."""

    data: str | None
    type: str = JSON

    @property
    def size(self) -> int:
        """The bytes of ``data`` in UTF-8."""
        return 0 if self.data is None else len(self.data.encode())


def encode_packet(value: object, serializer: Serializer = "json") -> Packet:
    """Return the packet of any value: JSON, or superjson for readers in TypeScript.

    Raises:
        UnsendableError: something inside has no such form; the message says where and what to do.
    """
    if serializer == "superjson":
        return Packet(data=json_text(superjson.encode(value)), type=SUPERJSON)
    return Packet(data=json_text(value), type=JSON)


def decode_packet(data: str | None, packet_type: str) -> Any:  # noqa: ANN401 - any value may come
    """Return the value of a packet; None for no data.

    Raises:
        ValueError: the text is not what its type says, or the packet has to be fetched first.
    """
    if data is None or data == "":
        return None
    if packet_type == JSON:
        return strict_json(data)
    if packet_type == SUPERJSON:
        return superjson.decode(strict_json(data))
    if packet_type == STORE:
        raise ValueError("the packet is stored apart and has to be fetched first")
    return data


def json_text(value: object) -> str:
    """Return compact JSON text that any reader takes.

    Models, dataclasses, datetimes (ISO 8601), UUIDs, decimals, enums and sets are written the way
    pydantic does.

    Raises:
        UnsendableError: NaN, a lone surrogate, bytes, a cycle, or a value without a JSON form.
    """
    try:
        text = json.dumps(
            value, default=plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
        text.encode()
    except UnsendableError:
        raise
    except UnicodeEncodeError:
        raise UnsendableError(f"{_culprit(value)}: {_SURROGATE_HINT}.") from None
    except RecursionError:
        raise UnsendableError("The value is nested too deeply to be sent.") from None
    except (ValueError, TypeError) as error:
        if "circular" in str(error).lower():
            raise UnsendableError("The value contains itself, which JSON can't say.") from None
        if "JSON compliant" in str(error):
            raise UnsendableError(f"{_culprit(value)}: {_NAN_HINT}.") from None
        raise UnsendableError(f"The value has no JSON form: {error}.") from None
    return text


def strict_json(text: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Return parsed JSON; NaN and infinity, which Python's parser would take, are refused.

    Raises:
        ValueError: not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refused_constant)
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None


def plain(value: object, path: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - JSON-ready values
    """Return one step towards JSON of a value that JSON does not know.

    Raises:
        UnsendableError: there is none.
    """
    where = f"{'.'.join(path)}: " if path else ""
    if isinstance(value, bytes | bytearray | memoryview):
        raise UnsendableError(f"{where}{_BYTES_HINT}")
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if is_dataclass(value) and not isinstance(value, type) and not _has_pydantic(value):
        # One level only: json comes back for the members, so that bytes inside are seen too.
        return {field.name: getattr(value, field.name) for field in fields(value)}
    from pydantic_core import PydanticSerializationError, to_jsonable_python  # noqa: PLC0415 - late

    try:
        return to_jsonable_python(value, by_alias=True, inf_nan_mode="constants")
    except PydanticSerializationError:
        raise UnsendableError(
            f"{where}a value of type {type(value).__qualname__!r} has no JSON form."
        ) from None


def _has_pydantic(value: object) -> bool:
    return hasattr(type(value), "__pydantic_serializer__")


def _refused_constant(constant: str) -> object:
    raise ValueError(f"not JSON: {constant} is no JSON number")


def _culprit(value: object, path: str = "the value", depth: int = 0) -> str:
    """Return the path of the first number or text that JSON can't carry."""
    if depth > NESTING_MAX:
        return path
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        items = [(f"{path}.{key}", item) for key, item in mapping.items()]
        bad_key = next((f"a key in {path}" for key in mapping if _is_bad(key)), None)
        if bad_key is not None:
            return bad_key
    elif isinstance(value, list | tuple):
        members = cast("list[object]", value)
        items = [(f"{path}[{index}]", item) for index, item in enumerate(members)]
    else:
        return path
    for inner_path, item in items:
        if _is_bad(item):
            return inner_path.removeprefix("the value.")
        if (found := _culprit(item, inner_path, depth + 1)) != inner_path:
            return found
    return path


def _is_bad(value: object) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return True
    return False
