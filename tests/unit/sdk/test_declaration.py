"""Declaring tasks: shapes, types, and what is refused where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import Base64Bytes, BaseModel, ConfigDict, computed_field
from typing_extensions import TypedDict

from tests.support.sdk import EPOCH, RecordingRuntime
from trigger_box import (
    CancelSignal,
    Context,
    DefinitionError,
    DuplicateQueueError,
    DuplicateTaskError,
    NotInTaskError,
    OptionError,
    OutputError,
    PayloadError,
    RunInfo,
    UnsendableError,
    json_schema,
    queue,
    retry,
    task,
)
from trigger_box.sdk.errors import UnreadablePayloadError
from trigger_box.sdk.packets import JSON, SUPERJSON, Packet
from trigger_box.sdk.registry import REGISTRY
from trigger_box.sdk.runtime import running
from trigger_box.sdk.task import AsyncTask, BlockingTask

HERE = Path(__file__)


class Welcome(BaseModel):
    to: str
    remind_after: timedelta = timedelta(days=1)


class Sent(BaseModel):
    message_id: str


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    at: datetime


@dataclass
class Point:
    x: int


class Options(TypedDict):
    width: int


def test_a_task_is_registered_with_its_place_and_its_options() -> None:
    @task(
        "send-welcome",
        description="Says hello.",
        machine="small-2x",
        retry=retry.policy(5, min_delay="2s", max_delay="1m", jitter=False),
        max_duration="10m",
        ttl="1h",
        concurrency_limit=1,
    )
    async def send_welcome(payload: Welcome) -> Sent:
        return Sent(message_id=payload.to)

    known = REGISTRY.tasks["send-welcome"]
    assert known is send_welcome
    assert isinstance(send_welcome, AsyncTask)
    assert known.file_path == str(HERE)
    assert known.symbol.endswith("send_welcome")
    assert known.definition.to_wire() == {
        "description": "Says hello.",
        "queue": {"concurrencyLimit": 1},
        "machine": {"preset": "small-2x"},
        "retry": {
            "maxAttempts": 5,
            "factor": 2.0,
            "minTimeoutInMs": 2_000,
            "maxTimeoutInMs": 60_000,
            "randomize": False,
        },
        "maxDuration": 600,
        "ttl": "1h",
    }


def test_a_number_of_attempts_and_no_limit_have_short_forms() -> None:
    @task("a", retry=7, max_duration=None, ttl=90)
    def a() -> None: ...

    @task("b", retry=None)
    def b() -> None: ...

    @task("c")
    def c() -> None: ...

    assert a.definition.retry is not None
    assert a.definition.retry.max_attempts == 7
    assert a.definition.max_duration_s == 2_147_483_647
    assert a.definition.ttl == 90
    assert b.definition.retry is not None
    assert b.definition.retry.max_attempts == 1
    assert c.definition.to_wire() == {}


def test_a_shared_queue_is_registered_once_and_named_by_its_tasks() -> None:
    mail = queue("mail", concurrency_limit=5)

    @task("a", queue=mail)
    def a() -> None: ...

    @task("b", queue="other")
    def b() -> None: ...

    assert REGISTRY.queues == {"mail": mail}
    assert mail.place[0] == str(HERE)
    assert a.definition.to_wire()["queue"] == {"name": "mail", "concurrencyLimit": 5}
    assert b.definition.to_wire()["queue"] == {"name": "other"}


def test_two_tasks_with_one_id_are_refused_with_both_places() -> None:
    @task("twin")
    def first() -> None: ...

    with pytest.raises(DuplicateTaskError) as caught:

        @task("twin")
        def second() -> None: ...

    assert caught.value.first == (str(HERE), first.line)
    assert caught.value.second[1] > first.line
    assert str(HERE) in str(caught.value)
    assert REGISTRY.tasks["twin"] is first


def test_the_same_lines_again_are_the_same_task() -> None:
    def declare() -> Any:
        @task("again")
        def again() -> None: ...

        return again

    declare()
    second = declare()

    assert REGISTRY.tasks["again"] is second


def test_a_notebooks_cell_can_be_run_again() -> None:
    def declare(cell: str) -> None:
        text = "from trigger_box import task\n@task('again')\ndef again() -> None: ..."
        exec(compile(text, cell, "exec"), {"__name__": "__main__"})  # noqa: S102 - a cell

    declare("<cell 1>")
    declare("<cell 2>")

    assert REGISTRY.tasks["again"].file_path == "<cell 2>"


def test_two_queues_with_one_name_and_different_limits_are_refused() -> None:
    queue("mail", concurrency_limit=5)

    queue("mail", concurrency_limit=5)
    with pytest.raises(DuplicateQueueError, match="mail"):
        queue("mail", concurrency_limit=6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_duration": 4}, "max_duration=4 must be at least 5"),
        ({"max_duration": "soon"}, "max_duration='soon'"),
        ({"ttl": "1.5h"}, "ttl='1.5h'"),
        ({"retry": 0}, "retry=0"),
        ({"queue": "no spaces"}, "'no spaces'"),
        ({"queue": "x" * 129}, "1 to 128 characters"),
        ({"concurrency_limit": -1}, "concurrency_limit=-1"),
        ({"queue": "q", "concurrency_limit": 1}, "the task's own queue"),
        ({"serializer": "pickle"}, "serializer='pickle'"),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        task("a", **options)


def test_a_task_without_an_id_is_refused_with_what_to_write() -> None:
    with pytest.raises(DefinitionError, match=r'@task\("my-task"\)'):

        @task  # type: ignore[arg-type]
        def nameless() -> None: ...


def two_payloads(first: int, second: int) -> None: ...
def many(*numbers: int) -> None: ...
def yields() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("fn", "words"),
    [
        (two_payloads, r"put '\*,' after it"),
        (many, r"takes \*numbers"),
        (yields, "generator"),
        (print, "must be a function"),
    ],
)
def test_a_function_that_can_not_be_a_task_is_refused_with_its_place(
    fn: Callable[..., Any], words: str
) -> None:
    with pytest.raises(DefinitionError, match=words):
        task("a")(fn)
    assert REGISTRY.tasks == {}


def open_keywords(**rest: int) -> None: ...
def by_position(first: int, /) -> None: ...


@pytest.mark.parametrize("fn", [open_keywords, by_position])
def test_an_unpacked_task_names_every_key(fn: Callable[..., Any]) -> None:
    with pytest.raises(DefinitionError, match="takes"):
        task("a", unpack=True)(fn)


def test_a_parameter_that_nothing_fills_is_refused_at_first_use() -> None:
    @task("a")
    def a(payload: int, *, database: object) -> None: ...

    with pytest.raises(DefinitionError, match="'database' after"):
        a.decode_payload("1", JSON)


def test_a_context_in_the_payloads_place_is_refused() -> None:
    @task("a")
    def a(ctx: Context) -> None: ...

    with pytest.raises(DefinitionError, match=r"write '\*,'"):
        a.payload_json_schema()


def test_an_annotation_that_names_nothing_is_refused_with_the_place() -> None:
    @task("a")
    def a(payload: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(DefinitionError, match=rf"{HERE.name}:\d+: the task 'a' .*Missing"):
        a.payload_json_schema()


def test_annotations_may_name_local_types_and_later_ones() -> None:
    class Local(BaseModel):
        n: int

    @task("a")
    def a(payload: Local) -> Later:
        return Later(payload.n)

    assert a.decode_payload('{"n":1}', JSON) == Local(n=1)
    assert a.encode_output(Later(2)) == Packet(data='{"x":2}')


@dataclass
class Later:
    x: int


def annotated(kind: Any) -> Any:
    def fn(payload: Any) -> None: ...

    fn.__annotations__["payload"] = kind
    return task("typed")(fn)


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        (
            Welcome,
            '{"to":"a","remind_after":"PT1H"}',
            Welcome(to="a", remind_after=timedelta(hours=1)),
        ),
        (Point, '{"x":1}', Point(1)),
        (Options, '{"width":1}', {"width": 1}),
        (list[Point], '[{"x":1}]', [Point(1)]),
        (int | str, '"a"', "a"),
        (Strict, '{"at":"1970-01-01T00:00:00Z"}', Strict(at=EPOCH)),
        (Base64Bytes, '"aGk="', b"hi"),
        (Any, '{"a":[1]}', {"a": [1]}),
        (None, "null", None),
    ],
)
def test_payloads_are_read_into_their_type(kind: Any, data: str, value: object) -> None:
    assert annotated(kind).decode_payload(data, JSON) == value


def test_a_payload_from_typescript_keeps_its_rich_values() -> None:
    data = '{"json":{"at":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"at":["Date"]},"v":1}}'

    assert annotated(Any).decode_payload(data, SUPERJSON) == {"at": EPOCH}
    REGISTRY.clear()
    assert annotated(Strict).decode_payload(data, SUPERJSON) == Strict(at=EPOCH)
    plain = '{"json":{"at":"1970-01-01T00:00:00.000Z"}}'
    assert annotated(Strict).check_payload(Strict(at=EPOCH)) == Strict(at=EPOCH)
    REGISTRY.clear()
    assert annotated(Strict).decode_payload(plain, SUPERJSON) == Strict(at=EPOCH)


def test_a_text_from_typescript_is_a_text() -> None:
    assert annotated(str).decode_payload("hello", "text/plain") == "hello"


def test_a_payload_that_does_not_fit_says_where_and_why() -> None:
    made = annotated(Welcome)

    with pytest.raises(PayloadError, match=r"'typed' does not fit: to: Field required"):
        made.decode_payload("{}", JSON)
    with pytest.raises(PayloadError, match="to: Input should be a valid string"):
        made.encode_payload({"to": 7})


@pytest.mark.parametrize("data", ["{", '{"to":NaN}'])
def test_a_payload_that_is_not_json_is_unreadable(data: str) -> None:
    with pytest.raises(UnreadablePayloadError, match="application/json"):
        annotated(Welcome).decode_payload(data, JSON)


def test_a_task_without_a_payload_takes_none_and_ignores_what_comes() -> None:
    @task("a")
    def a() -> None: ...

    assert a.encode_call() == Packet(data=None)
    assert a.decode_payload('{"some":"thing"}', JSON) is None
    with pytest.raises(PayloadError, match="takes no payload"):
        a.encode_call({"some": "thing"})


def test_a_payload_that_is_left_out_takes_the_default_or_is_refused() -> None:
    default = Welcome(to="nobody")

    @task("a")
    def a(payload: Welcome = default) -> None: ...

    @task("b")
    def b(payload: Welcome) -> None: ...

    assert a.encode_call() == Packet(data=None)
    assert a.decode_payload(None, JSON) is default
    with pytest.raises(PayloadError, match="needs a payload"):
        b.encode_call()
    with pytest.raises(PayloadError, match="does not fit"):
        b.decode_payload(None, JSON)


def test_what_json_can_not_say_is_refused_before_any_request() -> None:
    with pytest.raises(PayloadError, match="NaN"):
        annotated(float).encode_payload(float("nan"))
    REGISTRY.clear()
    with pytest.raises(PayloadError, match="base64"):
        annotated(Any).encode_payload({"file": b"raw"})
    REGISTRY.clear()
    with pytest.raises(PayloadError, match="surrogate"):
        annotated(list[Any]).encode_payload(["\ud800"])


def test_a_type_that_holds_bytes_is_refused_with_a_hint() -> None:
    class Upload(BaseModel):
        content: bytes

    with pytest.raises(DefinitionError, match=r"'content' is bytes.*Base64Bytes"):
        annotated(Upload).payload_json_schema()


def test_a_type_that_pydantic_does_not_know_is_refused() -> None:
    class Opaque: ...

    with pytest.raises(DefinitionError, match="payload type"):
        annotated(Opaque).payload_adapter()


def test_rich_values_go_to_typescript_when_asked_for() -> None:
    @task("a", serializer="superjson")
    def a(payload: dict[str, datetime]) -> set[int]:
        return {len(payload)}

    assert a.encode_payload({"d": EPOCH}) == Packet(
        data='{"json":{"d":"1970-01-01T00:00:00.000Z"},"meta":{"values":{"d":["Date"]}}}',
        type=SUPERJSON,
    )
    assert a.encode_output({1}).data == '{"json":[1],"meta":{"values":["set"]}}'


def test_an_output_is_checked_against_the_return_annotation() -> None:
    @task("a")
    def a() -> Sent:
        return Sent(message_id="m")

    assert a.encode_output(Sent(message_id="m")).data == '{"message_id":"m"}'
    assert a.encode_output({"message_id": "m"}).data == '{"message_id":"m"}'
    with pytest.raises(OutputError, match="message_id: Field required"):
        a.encode_output({})


def test_the_check_of_outputs_can_be_switched_off() -> None:
    @task("a", validate_output=False)
    def a() -> Sent: ...  # type: ignore[empty-body]

    assert a.encode_output({"anything": 1}).data == '{"anything":1}'


def test_no_output_and_a_null_output_are_told_apart() -> None:
    @task("a")
    def a() -> None: ...

    @task("b")
    def b() -> int | None: ...

    @task("c")
    def c():  # type: ignore[no-untyped-def]
        ...

    assert a.encode_output(None) == Packet(data=None)
    assert b.encode_output(None) == Packet(data="null")
    assert c.encode_output(None) == Packet(data=None)


def test_an_output_that_can_not_be_sent_is_no_output_error() -> None:
    @task("a")
    def a() -> Any: ...

    with pytest.raises(UnsendableError, match="The output of 'a'"):
        a.encode_output(object())


def test_injected_parameters_are_found_by_their_annotation() -> None:
    runtime = RecordingRuntime()

    @task("a")
    def a(payload: int, *, context: Context, stop: CancelSignal, run: RunInfo | None = None) -> Any:
        return payload, context, stop, run

    called = a.invoke(5, context=runtime.context, signal=runtime.cancel_signal)

    assert called == (5, runtime.context, runtime.cancel_signal, runtime.context.run)


def test_a_task_called_in_place_is_the_plain_function() -> None:
    @task("a")
    def a(payload: Welcome) -> str:
        return payload.to

    assert a(Welcome(to="ada")) == "ada"
    assert a.fn(Welcome(to="ada")) == "ada"
    assert isinstance(a, BlockingTask)


async def test_an_async_task_called_in_place_is_awaited() -> None:
    @task("a")
    async def a(payload: int) -> int:
        return payload + 1

    assert await a(1) == 2


def test_a_context_in_place_comes_from_the_caller_or_from_the_run() -> None:
    runtime = RecordingRuntime()

    @task("a")
    def a(*, ctx: Context) -> str:
        return ctx.run.id

    assert a(ctx=runtime.context) == "run_abc"
    with running(runtime):
        assert a() == "run_abc"
    with pytest.raises(NotInTaskError, match="ctx"):
        a()


def test_an_unpacked_tasks_payload_is_its_parameters() -> None:
    @task("resize", unpack=True)
    def resize(url: str, width: int = 800, sizes: list[int] = []) -> Any:  # noqa: B006 - may happen
        return url, width, sizes

    assert resize.encode_keywords(("u",), {"width": 5}).data == '{"url":"u","width":5,"sizes":[]}'
    payload = resize.decode_payload('{"url":"u"}', JSON)
    context = RecordingRuntime().context
    assert resize.invoke(payload, context=context, signal=CancelSignal()) == ("u", 800, [])
    assert resize("u", width=3) == ("u", 3, [])
    assert resize.payload_json_schema() == {
        "additionalProperties": False,
        "properties": {
            "url": {"title": "Url", "type": "string"},
            "width": {"default": 800, "title": "Width", "type": "integer"},
            "sizes": {"items": {"type": "integer"}, "title": "Sizes", "type": "array"},
        },
        "required": ["url"],
        "title": "Payload",
        "type": "object",
    }


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1,), {}), (("u",), {"hight": 1})])
def test_a_call_of_an_unpacked_task_that_does_not_fit_is_refused(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    @task("resize", unpack=True)
    def resize(url: str, width: int = 800) -> None: ...

    with pytest.raises(PayloadError, match="'resize' does not fit"):
        resize.encode_keywords(args, kwargs)


def test_a_misspelt_key_of_an_unpacked_task_is_refused() -> None:
    @task("resize", unpack=True)
    def resize(url: str = "", width: int = 800) -> None: ...

    with pytest.raises(PayloadError, match="widht"):
        resize.decode_payload('{"widht":1}', JSON)
    assert resize.decode_payload(None, JSON).width == 800


def test_an_unpacked_task_may_take_a_context() -> None:
    @task("resize", unpack=True)
    def resize(url: str, *, ctx: Context) -> tuple[str, str]:
        return url, ctx.run.id

    payload = resize.decode_payload('{"url":"u"}', JSON)

    context = RecordingRuntime().context
    assert resize.invoke(payload, context=context, signal=CancelSignal()) == ("u", "run_abc")


def test_json_schemas_describe_both_ends() -> None:
    @task("a")
    def a(payload: Welcome) -> Sent: ...  # type: ignore[empty-body]

    schemas = json_schema(a)

    assert schemas["payload"] is not None
    assert schemas["payload"]["required"] == ["to"]
    assert schemas["output"] is not None
    assert schemas["output"]["title"] == "Sent"


def test_a_hand_written_schema_takes_the_types_place() -> None:
    @task("a", schema={"type": "object"})
    def a(payload: Any) -> None: ...

    assert a.payload_json_schema() == {"type": "object"}


def test_computed_fields_are_told_in_outputs_and_left_out_of_payloads() -> None:
    class Order(BaseModel):
        model_config = ConfigDict(extra="forbid")

        price: int

        @computed_field
        @property
        def gross(self) -> int:
            return self.price * 2

    @task("a")
    def a(payload: Order) -> Order:
        return payload

    assert a.encode_payload(Order(price=1)).data == '{"price":1}'
    assert a.encode_output(Order(price=1)).data == '{"price":1,"gross":2}'


def test_a_moment_in_another_zone_keeps_its_instant() -> None:
    packet = annotated(datetime).encode_payload(datetime(2026, 1, 31, tzinfo=UTC))

    assert packet.data == '"2026-01-31T00:00:00Z"'
