from __future__ import annotations

import json
import os
import socket

import pytest

from trigger_box.worker import frames
from trigger_box.worker.frames import (
    FrameReader,
    FrameTooLargeError,
    encode,
    receive,
    receive_with_files,
)


def test_frames_come_out_as_they_went_in_however_the_bytes_arrive() -> None:
    sent = [{"kind": "a", "text": "é\n"}, {"kind": "b"}, {"kind": "c", "list": [1, None]}]
    data = b"".join(encode(frame) for frame in sent)
    reader = FrameReader()

    whole = FrameReader().feed(data)
    by_byte = [frame for byte in data for frame in reader.feed(bytes([byte]))]

    assert whole == by_byte == sent


def test_a_lone_surrogate_does_not_stop_a_frame() -> None:
    assert FrameReader().feed(encode({"text": "a\ud800b"})) == [{"text": "a?b"}]


def test_a_frame_over_the_limit_is_refused_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    large = encode({"text": "x" * 100})
    monkeypatch.setattr(frames, "FRAME_BYTES_MAX", 50)

    with pytest.raises(FrameTooLargeError):
        encode({"text": "x" * 100})
    with pytest.raises(FrameTooLargeError):
        FrameReader().feed(large)


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(json.JSONDecodeError):
        FrameReader().feed(b"\0\0\0\2no")


def test_receive_waits_for_a_whole_frame_and_ends_with_the_channel() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        data = encode({"kind": "a"})
        theirs.sendall(data[:3])
        theirs.sendall(data[3:])
        reader = FrameReader()

        assert receive(ours, reader) == [{"kind": "a"}]
        theirs.close()
        assert receive(ours, reader) is None


def test_files_travel_with_their_frame() -> None:
    ours, theirs = socket.socketpair()
    readable, writable = os.pipe()
    with ours, theirs:
        socket.send_fds(theirs, [encode({"kind": "fork"})], [writable])
        os.close(writable)

        received = receive_with_files(ours, FrameReader(), 1)

        assert received is not None
        found, files = received
        assert found == [{"kind": "fork"}]
        os.write(files[0], b"through")
        assert os.read(readable, 16) == b"through"
        os.close(files[0])
        theirs.close()
        assert receive_with_files(ours, FrameReader(), 1) is None
    os.close(readable)
