from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_box.api.worker import socketio
from trigger_box.api.worker.socketio import Incoming, Kind


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("3", Incoming(kind=Kind.PONG)),
        ("40/dev-worker,", Incoming(kind=Kind.CONNECT, namespace="/dev-worker")),
        ('40/dev-worker,{"a":1}', Incoming(kind=Kind.CONNECT, namespace="/dev-worker")),
        ("40/dev-worker?x=1,", Incoming(kind=Kind.CONNECT, namespace="/dev-worker")),
        ("40", Incoming(kind=Kind.CONNECT)),
        ("41/dev-worker,", Incoming(kind=Kind.DISCONNECT, namespace="/dev-worker")),
        (
            '42/dev-worker,["run:subscribe",{"version":"1","runFriendlyIds":["run_1"]}]',
            Incoming(
                kind=Kind.EVENT,
                namespace="/dev-worker",
                name="run:subscribe",
                value={"version": "1", "runFriendlyIds": ["run_1"]},
            ),
        ),
        (
            '42/dev-worker,17["hello"]',
            Incoming(kind=Kind.EVENT, namespace="/dev-worker", ack="17", name="hello"),
        ),
        ('42["hello",[1]]', Incoming(kind=Kind.EVENT, name="hello", value=[1])),
    ],
)
def test_packets_of_clients_are_understood(text: str, packet: Incoming):
    assert socketio.parse(text) == packet


@pytest.mark.parametrize("text", ["", "1", "2probe", "5", "43/dev-worker,1[]", "451-[]"])
def test_packets_that_nobody_needs_are_ignored(text: str):
    assert socketio.parse(text) is None


@pytest.mark.parametrize(
    "text", ["42", "42/dev-worker,", "42[]", "42[1]", '42{"a":1}', "42[nope", "42" + "[" * 100_000]
)
def test_a_broken_event_is_an_error(text: str):
    with pytest.raises(ValueError, match=r".*"):
        socketio.parse(text)


@given(st.text())
def test_no_text_does_worse_than_a_value_error(text: str):
    with contextlib.suppress(ValueError):
        socketio.parse(text)


def test_the_first_packet_says_how_the_connection_is_kept_alive():
    text = socketio.opened(sid="s", ping_interval_s=25, ping_timeout_s=20, bytes_max=10)

    assert text[0] == "0"
    assert json.loads(text[1:]) == {
        "sid": "s",
        "upgrades": [],
        "pingInterval": 25_000,
        "pingTimeout": 20_000,
        "maxPayload": 10,
    }


def test_answers_name_their_namespace_unless_it_is_the_root():
    assert socketio.welcomed("/dev-worker", sid="s") == '40/dev-worker,{"sid":"s"}'
    assert socketio.welcomed("/", sid="s") == '40{"sid":"s"}'
    assert socketio.refused("/x", reason="no") == '44/x,{"message":"no"}'
    assert socketio.acknowledged("/dev-worker", ack="17") == "43/dev-worker,17[]"


def test_an_event_carries_its_name_and_one_value():
    text = socketio.event("/dev-worker", "run:notify", {"version": "1"})

    assert text == '42/dev-worker,["run:notify",{"version":"1"}]'
