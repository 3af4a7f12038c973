"""An export request from bytes to encoded rows, and the answer it gets. Pure, may run in a thread.

Storing is ``Telemetry.store``; what HTTP has to do with it is ``api/otlp.py``.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Final

import msgspec

from trigger_box.domain import limits
from trigger_box.domain.errors import InvalidError, TooLargeError
from trigger_box.ids import EnvironmentId
from trigger_box.telemetry.intake import Receipt, take_in
from trigger_box.telemetry.otlp.from_json import read_json
from trigger_box.telemetry.otlp.records import Group, MalformedTelemetryError, Signal
from trigger_box.telemetry.rows import encoded

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_PROTOBUF_NAMES: Final = frozenset({PROTOBUF, "application/protobuf"})
_DIGEST_BYTES: Final = 16
_GZIP: Final = 16 + zlib.MAX_WBITS
_REFUSED_FIELDS: Final = {
    Signal.TRACES: "rejectedSpans",
    Signal.LOGS: "rejectedLogRecords",
    Signal.METRICS: "rejectedDataPoints",
}


class UnpackedTooLargeError(TooLargeError):
    """The unpacked body is larger than the limit. Send smaller batches."""

    code = "otlp_too_large"


class ContentTypeError(InvalidError):
    """Send OTLP as application/json or application/x-protobuf."""

    code = "otlp_content_type"


class ContentEncodingError(InvalidError):
    """Send OTLP as it is, or packed with gzip."""

    code = "otlp_content_encoding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One export request as it came. ``content_type`` and ``content_encoding`` are headers."""

    signal: Signal
    environment_id: EnvironmentId
    received_ms: int
    content_type: str
    content_encoding: str
    body: bytes

    @property
    def media_type(self) -> str:
        """Return the encoding, which the answer has too.

        Raises:
            ContentTypeError: it is none of OTLP's.
        """
        name = self.content_type.partition(";")[0].strip().lower()
        if name in _PROTOBUF_NAMES:
            return PROTOBUF
        # JSON is also what is meant by who says nothing.
        if name in {JSON, ""}:
            return JSON
        raise ContentTypeError


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRow:
    """A row ready to be numbered. ``key`` is its run, or trace; ``trace_id`` may be empty."""

    key: str
    trace_id: str
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What an export request came to.

    Attributes:
        refused: records that were not taken, and why in ``message``.
        cut: attribute values that were shortened or left out.
        digest: of a request with log records, equal when a sender repeats it after a lost answer;
            empty when they have no times of their own: then equal ones may mean two of them.
    """

    signal: Signal
    media_type: str
    received_ms: int
    rows: list[EncodedRow]
    points: list[bytes]
    refused: int
    message: str
    cut: int
    digest: bytes = b""

    def answer(self) -> bytes:
        """Return the body of the answer: OTLP's export response (cli-protocol 10)."""
        if self.media_type == PROTOBUF:
            return _protobuf_answer(self.refused, self.message)
        partial = (
            {_REFUSED_FIELDS[self.signal]: str(self.refused), "errorMessage": self.message}
            if self.refused
            else {}
        )
        return msgspec.json.encode({"partialSuccess": partial})


def open_packed(packed: Packed) -> Parcel:
    """Unpack, read, judge and encode an export request.

    Raises:
        ContentTypeError, ContentEncodingError: the headers name something else than OTLP's.
        MalformedTelemetryError: the body is no export request.
        UnpackedTooLargeError: it is too large once unpacked.
    """
    media_type = packed.media_type
    body = _unpack(packed)
    groups = _read(packed.signal, media_type, body)
    receipt = take_in(groups, environment_id=packed.environment_id, received_ms=packed.received_ms)
    return Parcel(
        signal=packed.signal,
        media_type=media_type,
        received_ms=packed.received_ms,
        rows=[
            EncodedRow(key=row.key, trace_id=row.trace_id, record=encoded(row))
            for row in receipt.rows
        ],
        points=[encoded(point) for point in receipt.points],
        refused=receipt.refused,
        message=receipt.message,
        cut=receipt.cut,
        digest=_digest(packed, body, receipt),
    )


def _digest(packed: Packed, body: bytes, receipt: Receipt) -> bytes:
    """Return what a log request is known by: OTLP gives log records no id.

    Spans have one, and measurements are not shown one by one.
    """
    arrival_ns = packed.received_ms * 1_000_000
    if packed.signal is not Signal.LOGS or any(row.start_ns == arrival_ns for row in receipt.rows):
        return b""
    digest = hashlib.blake2b(packed.environment_id.encode(), digest_size=_DIGEST_BYTES)
    digest.update(body)
    return digest.digest()


def _unpack(packed: Packed) -> bytes:
    match packed.content_encoding.strip().lower():
        case "" | "identity":
            return packed.body
        case "gzip":
            return unpack_gzip(packed.body, bytes_max=limits.OTLP_UNPACKED_BYTES_MAX)
        case _:
            raise ContentEncodingError


def unpack_gzip(body: bytes, *, bytes_max: int) -> bytes:
    """Return unpacked bytes, never holding more than ``bytes_max`` of them.

    Raises:
        MalformedTelemetryError: it is not gzip, or ends too early.
        UnpackedTooLargeError: there are more.
    """
    unpacked = bytearray()
    while body:
        stream = zlib.decompressobj(_GZIP)
        try:
            unpacked += stream.decompress(body, bytes_max - len(unpacked) + 1)
        except zlib.error as error:
            raise MalformedTelemetryError("The body is not gzip.") from error
        if len(unpacked) > bytes_max:
            raise UnpackedTooLargeError(limit_bytes=bytes_max)
        if not stream.eof:
            raise MalformedTelemetryError("The gzip body ends too early.")
        body = stream.unused_data
    return bytes(unpacked)


def _read(signal: Signal, media_type: str, body: bytes) -> list[Group]:
    if media_type == PROTOBUF:
        from trigger_box.telemetry.otlp.from_protobuf import read_protobuf  # noqa: PLC0415 - late

        return read_protobuf(signal, body)
    return read_json(signal, body)


def _protobuf_answer(refused: int, message: str) -> bytes:
    """Return the export response. All three signals have the same shape, so it is written by hand.

    Field 1 is the partial success; in it field 1 counts, field 2 explains.
    """
    if not refused:
        return b""
    text = message.encode()
    partial = b"\x08" + _varint(refused) + b"\x12" + _varint(len(text)) + text
    return b"\x0a" + _varint(len(partial)) + partial


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
