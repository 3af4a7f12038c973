from __future__ import annotations

import gzip
import json

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from tests.support.otlp import START_NS, a_log, a_request, a_span, as_protobuf, encoded
from trigger_box.ids import EnvironmentId
from trigger_box.telemetry.otlp.records import MalformedTelemetryError, Signal
from trigger_box.telemetry.parcels import (
    PROTOBUF,
    ContentEncodingError,
    ContentTypeError,
    Packed,
    Parcel,
    UnpackedTooLargeError,
    open_packed,
    unpack_gzip,
)

SPAN = "00f067aa0ba902b7"


def opened(
    body: bytes,
    *,
    signal: Signal = Signal.LOGS,
    content_type: str = "application/json",
    content_encoding: str = "",
) -> Parcel:
    return open_packed(
        Packed(
            signal=signal,
            environment_id=EnvironmentId("env_1"),
            received_ms=START_NS // 1_000_000,
            content_type=content_type,
            content_encoding=content_encoding,
            body=body,
        )
    )


def test_an_answer_in_json_says_that_nothing_was_refused() -> None:
    parcel = opened(encoded(a_request(Signal.LOGS, a_log("x"))))

    assert parcel.media_type == "application/json"
    assert json.loads(parcel.answer()) == {"partialSuccess": {}}


@pytest.mark.parametrize(
    ("signal", "field"),
    [(Signal.TRACES, "rejectedSpans"), (Signal.LOGS, "rejectedLogRecords")],
)
def test_an_answer_in_json_counts_what_was_refused(signal: Signal, field: str) -> None:
    record = a_span(SPAN) if signal is Signal.TRACES else a_log("x")
    body = encoded(a_request(signal, record, environment_id="env_other"))

    answer = json.loads(opened(body, signal=signal).answer())

    assert answer["partialSuccess"][field] == "1"
    assert "environment" in answer["partialSuccess"]["errorMessage"]


def test_an_answer_in_protobuf_is_an_export_response() -> None:
    request = a_request(Signal.LOGS, a_log("x"), environment_id="env_other")
    refused = opened(as_protobuf(Signal.LOGS, request), content_type=PROTOBUF)
    taken = opened(
        as_protobuf(Signal.LOGS, a_request(Signal.LOGS, a_log("x"))), content_type=PROTOBUF
    )

    answer = ExportLogsServiceResponse.FromString(refused.answer())

    assert answer.partial_success.rejected_log_records == 1
    assert answer.partial_success.error_message == refused.message
    assert taken.answer() == b""


def test_a_content_type_may_have_parameters_or_be_missing() -> None:
    body = encoded(a_request(Signal.LOGS, a_log("x")))

    assert len(opened(body, content_type="Application/JSON; charset=utf-8").rows) == 1
    assert len(opened(body, content_type="").rows) == 1


def test_other_content_types_and_encodings_are_refused_by_name() -> None:
    with pytest.raises(ContentTypeError):
        opened(b"<xml/>", content_type="text/xml")
    with pytest.raises(ContentEncodingError):
        opened(b"", content_encoding="br")


def test_a_packed_body_is_unpacked() -> None:
    body = gzip.compress(encoded(a_request(Signal.LOGS, a_log("x"), a_log("y"))))

    assert len(opened(body, content_encoding="gzip").rows) == 2


def test_a_bomb_is_stopped_at_the_bound() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)

    with pytest.raises(UnpackedTooLargeError):
        unpack_gzip(bomb, bytes_max=1_000_000)
    assert len(unpack_gzip(bomb, bytes_max=10_000_000)) == 10_000_000


def test_several_gzip_members_count_together() -> None:
    body = gzip.compress(b"a" * 600) + gzip.compress(b"b" * 600)

    assert unpack_gzip(body, bytes_max=1_200) == b"a" * 600 + b"b" * 600
    with pytest.raises(UnpackedTooLargeError):
        unpack_gzip(body, bytes_max=1_199)


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"x" * 1000)[:-5]])
def test_a_body_that_is_not_all_of_a_gzip_file_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedTelemetryError):
        unpack_gzip(body, bytes_max=1_000_000)
