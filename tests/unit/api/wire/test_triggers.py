from __future__ import annotations

from typing import Any

import msgspec
import pytest

from trigger_box.access.actors import Environment, EnvironmentType
from trigger_box.api.problems import BodyError, HeadersError
from trigger_box.api.wire.triggers import InvalidDelayError, InvalidTtlError, parse_body, request_of
from trigger_box.domain import limits
from trigger_box.domain.debounce import Debounce, DebounceMode
from trigger_box.domain.errors import InvalidError, RefusedError
from trigger_box.domain.packets import Packet
from trigger_box.engine.stored_packets import PacketPathError
from trigger_box.engine.trigger import TriggerRequest
from trigger_box.ids import EnvironmentId, OrganizationId, ProjectId, ProjectRef

NOW_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
ENVIRONMENT = Environment(
    id=EnvironmentId("env_1"),
    type=EnvironmentType.PRODUCTION,
    slug="prod",
    branch_name=None,
    parent_id=None,
    owner_id=None,
    project_id=ProjectId("project_1"),
    project_ref=ProjectRef("proj_1"),
    project_slug="shop",
    project_name="Shop",
    organization_id=OrganizationId("org_1"),
    organization_slug="acme",
    organization_title="Acme",
)


def asked(body: bytes, **headers: str) -> TriggerRequest:
    raw = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return request_of(ENVIRONMENT, "hello", parse_body(body), raw, now_ms=NOW_MS)


def with_options(**options: Any) -> TriggerRequest:
    return asked(msgspec.json.encode({"options": options}))


@pytest.mark.parametrize(
    ("body", "packet"),
    [
        (b"{}", Packet(None)),
        (b'{"payload": null}', Packet("null")),
        (b'{"payload": {"b": 1.0, "a": 12345678901234567890}}',
         Packet('{"b": 1.0, "a": 12345678901234567890}')),
        (b'{"payload": "text"}', Packet('"text"')),
        (b'{"payload":"{\\"json\\":1}","options":{"payloadType":"application/super+json"}}',
         Packet('{"json":1}', "application/super+json")),
        (b'{"payload":"hi","options":{"payloadType":"text/plain"}}', Packet("hi", "text/plain")),
        (b'{"payload":5,"options":{"payloadType":"text/plain"}}', Packet(None, "text/plain")),
        (b'{"payload":"trigger/packet_x/payload.json","options":{"payloadType":"application/store"}}',
         Packet("trigger/packet_x/payload.json", "application/store")),
    ],
)  # fmt: skip
def test_a_payload_is_stored_as_its_type_says(body: bytes, packet: Packet) -> None:
    assert asked(body).payload == packet


@pytest.mark.parametrize("payload", [b'""', b"5", b"null"])
def test_a_stored_packet_must_be_named_by_its_path(payload: bytes) -> None:
    with pytest.raises(PacketPathError):
        asked(b'{"payload":' + payload + b',"options":{"payloadType":"application/store"}}')


def test_options_of_the_real_sdk_are_read() -> None:
    request = asked(
        b'{"payload":"{\\"json\\":{}}","options":{"queue":{"name":"q1","concurrencyLimit":3},'
        b'"concurrencyKey":5,"payloadType":"application/super+json","payloadSize":80,'
        b'"idempotencyKey":"6ab9","idempotencyKeyOptions":{"key":"k1","scope":"run"},'
        b'"idempotencyKeyTTL":"1h","delay":"1h","tags":["x"],"maxAttempts":3,"maxDuration":60.5,'
        b'"machine":"small-2x","priority":1.5,"lockToVersion":"20260131.1","test":true,'
        b'"externalDeploymentId":null,"region":"eu","bulkActionId":"bulk_1"}}'
    )

    assert request.queue_name == "q1"
    assert request.concurrency_key == "5"
    assert request.idempotency_key == "6ab9"
    assert request.idempotency_ttl_ms == HOUR_MS
    assert request.idempotency_options is not None
    assert request.idempotency_options.key == "k1"
    assert request.delay_until_ms == NOW_MS + HOUR_MS
    assert request.tags == ("x",)
    assert (request.max_attempts, request.max_duration_s) == (3, 60.5)
    assert request.machine == "small-2x"
    assert request.priority_ms == 1_500
    assert request.lock_to_version == "20260131.1"
    assert request.is_test


def test_one_tag_may_come_as_plain_text() -> None:
    assert with_options(tags="solo").tags == ("solo",)


@pytest.mark.parametrize(("key", "text"), [(5, "5"), (5.0, "5"), (5.5, "5.5"), ("a", "a")])
def test_a_concurrency_key_becomes_text(key: float | str, text: str) -> None:
    assert with_options(concurrencyKey=key).concurrency_key == text


@pytest.mark.parametrize(
    ("delay", "until_ms"),
    [
        ("1h30m", NOW_MS + HOUR_MS + HOUR_MS // 2),
        ("2026-01-01T05:00:00Z", NOW_MS + 5 * HOUR_MS),
        ("2026-01-01T05:00:00+01:00", NOW_MS + 4 * HOUR_MS),
        (NOW_MS + 1_000, NOW_MS + 1_000),
    ],
)
def test_a_delay_is_a_date_or_a_duration(delay: str | int, until_ms: int) -> None:
    assert with_options(delay=delay).delay_until_ms == until_ms


def test_a_delay_that_is_neither_is_refused_by_name() -> None:
    with pytest.raises(InvalidDelayError, match="tomorrow-ish"):
        with_options(delay="tomorrow-ish")


@pytest.mark.parametrize(("priority", "ms"), [(1.5, 1_500), (-2, -2_000), (1e308, 10**15)])
def test_a_priority_is_bounded_before_it_is_counted_in_ms(priority: float, ms: int) -> None:
    assert with_options(priority=priority).priority_ms == ms


@pytest.mark.parametrize(
    ("ttl", "text"),
    [("1h", "1h"), (3600, "1h"), (90, "1m30s"), (0, ""), ("0s", ""), ("", None), (None, None)],
)
def test_a_ttl_is_a_duration_or_seconds(ttl: str | int | None, text: str | None) -> None:
    assert with_options(ttl=ttl).ttl == text


def test_a_ttl_that_is_no_duration_is_refused_by_name() -> None:
    with pytest.raises(InvalidTtlError, match="soon"):
        with_options(ttl="soon")


@pytest.mark.parametrize(
    "metadata", [{"b": 1, "a": [2]}, '{"b": 1, "a": [2]}'], ids=["object", "its text"]
)
def test_metadata_comes_as_an_object_or_its_text(metadata: object) -> None:
    packet = with_options(metadata=metadata).metadata

    assert packet is not None
    assert packet.data is not None
    assert msgspec.json.decode(packet.data) == {"b": 1, "a": [2]}


@pytest.mark.parametrize("metadata", [[1], "[]", "text", 5])
def test_metadata_that_is_no_object_is_refused_by_name(metadata: object) -> None:
    with pytest.raises(InvalidError, match=r"options\.metadata"):
        with_options(metadata=metadata)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"machine": "huge"}, "options.machine"),
        ({"ttl": -1}, "options.ttl"),
        ({"maxDuration": -1}, "options.maxDuration"),
        ({"idempotencyKey": "x" * 2_049}, "options.idempotencyKey"),
        ({"idempotencyKeyOptions": {"key": "k", "scope": "moon"}}, "options.idempotencyKeyOptions"),
        ({"tags": {"a": 1}}, "options.tags"),
        ({"queue": "q"}, "options.queue"),
        ({"debounce": {"key": "x" * 513, "delay": "1s"}}, "options.debounce.key"),
        ({"debounce": {"key": "k"}}, "options.debounce"),
        ({"debounce": {"key": "k", "delay": "1s", "mode": "middle"}}, "options.debounce.mode"),
        ({"test": "yes"}, "options.test"),
    ],
)
def test_a_bad_option_is_named(options: dict[str, object], field: str) -> None:
    with pytest.raises(BodyError) as caught:
        with_options(**options)

    assert caught.value.message.startswith(field)


@pytest.mark.parametrize("name", ["gates", "concurrency"])
def test_an_option_of_a_later_release_is_refused_instead_of_ignored(name: str) -> None:
    with pytest.raises(RefusedError, match=name):
        with_options(**{name: [{"queue": "q"}]})


def test_empty_options_of_a_later_release_are_fine() -> None:
    assert with_options(gates=[], concurrency=None).queue_name is None


def test_debounce_is_read() -> None:
    option = {"key": "k", "delay": "5s", "mode": "trailing", "maxDelay": "1h"}

    assert with_options(debounce=option).debounce == Debounce(
        key="k", delay_ms=5_000, mode=DebounceMode.TRAILING, max_delay_ms=HOUR_MS
    )
    assert with_options(debounce=None).debounce is None


def test_the_key_in_the_header_wins_over_the_body() -> None:
    request = asked(
        b'{"options":{"idempotencyKey":"body","idempotencyKeyTTL":"1d"}}',
        idempotency_key="header",
        idempotency_key_ttl="2h",
    )

    assert request.idempotency_key == "header"
    assert request.idempotency_ttl_ms == 2 * HOUR_MS


def test_a_key_in_the_header_has_a_limit() -> None:
    with pytest.raises(HeadersError):
        asked(b"{}", idempotency_key="x" * 2_049)


def test_a_ttl_of_a_key_that_is_none_means_the_default() -> None:
    assert (
        with_options(idempotencyKeyTTL="1h30m").idempotency_ttl_ms == limits.IDEMPOTENCY_KEY_TTL_MS
    )


@pytest.mark.parametrize(
    ("headers", "source"),
    [
        ({}, "api"),
        ({"x_trigger_source": "sdk"}, "sdk"),
        ({"x_trigger_source": "cli"}, "cli"),
        ({"x_trigger_source": "mcp"}, "mcp"),
        ({"x_trigger_source": "evil"}, "api"),
        ({"x_trigger_source": "cli", "x_trigger_worker": "true"}, "sdk"),
    ],
)
def test_who_triggers_is_what_the_client_may_say(headers: dict[str, str], source: str) -> None:
    assert asked(b"{}", **headers).source == source


def test_a_trace_from_outside_is_kept_apart_and_one_from_a_task_is_not() -> None:
    parent = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"

    outside = asked(b"{}", traceparent=parent)
    inside = asked(
        b"{}",
        traceparent=parent,
        x_trigger_worker="true",
        x_trigger_span_parent_as_link="1",
    )

    assert outside.trace.is_external
    assert not inside.trace.is_external
    assert inside.trace.is_link


def test_the_request_key_and_the_sdk_version_are_passed_on() -> None:
    request = asked(b"{}", x_trigger_request_idempotency_key="uuid", trigger_version="4.8.3")

    assert request.request_key == "uuid"
    assert request.sdk_version == "4.8.3"
