"""Messages between controller and executor: four bytes of length, then JSON.

Both ends use this module; what the messages mean is in ``attempt.py`` and
``executor.py``.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

from trigger_box.worker.limits import FRAME_BYTES_MAX, FRAME_READ_BYTES

Frame = dict[str, Any]

_HEADER: Final = struct.Struct(">I")
_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


class FrameTooLargeError(ValueError):
    """A message between controller and executor is larger than its limit."""


def encode(frame: Mapping[str, object]) -> bytes:
    """Return the bytes that carry ``frame``.

    Lone surrogates become ``?``: they have no UTF-8 form, and a log line must not end a run.

    Raises:
        FrameTooLargeError: more than ``FRAME_BYTES_MAX``.
    """
    body = _dumps(frame).encode("utf-8", "replace")
    if len(body) > FRAME_BYTES_MAX:
        raise FrameTooLargeError(f"{len(body)} bytes; the limit is {FRAME_BYTES_MAX}")
    return _HEADER.pack(len(body)) + body


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes as they came; return the frames that are now whole, in order.

        Raises:
            FrameTooLargeError: the other side announced more than ``FRAME_BYTES_MAX``.
        """
        self._buffer += data
        frames: list[Frame] = []
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer, start)
            if length > FRAME_BYTES_MAX:
                raise FrameTooLargeError(f"{length} bytes; the limit is {FRAME_BYTES_MAX}")
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append(json.loads(self._buffer[start + _HEADER.size : end]))
            start = end
        del self._buffer[:start]
        return frames


def receive(channel: socket.socket, reader: FrameReader) -> list[Frame] | None:
    """Block until at least one frame is whole; return None when the other side is gone."""
    while True:
        try:
            data = channel.recv(FRAME_READ_BYTES)
        except ConnectionError:
            return None
        if not data:
            return None
        frames = reader.feed(data)
        if frames:
            return frames


def receive_with_files(
    channel: socket.socket, reader: FrameReader, files_max: int
) -> tuple[list[Frame], list[int]] | None:
    """Like ``receive``, for a channel whose messages may carry open files.

    A message with files is sent in one call and read alone: the kernel does not merge reads across
    the files' boundary.
    """
    files: list[int] = []
    while True:
        try:
            data, received, _flags, _address = socket.recv_fds(channel, FRAME_READ_BYTES, files_max)
        except ConnectionError:
            return None
        files += received
        if not data:
            return None
        frames = reader.feed(data)
        if frames:
            return frames, files
