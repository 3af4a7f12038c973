from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from msgspec import structs

from trigger_box.access.actors import Environment, EnvironmentType
from trigger_box.api.wire import executions as wire
from trigger_box.domain.machines import PRESETS
from trigger_box.domain.packets import Packet
from trigger_box.domain.runs import RunState, RunStatus
from trigger_box.engine.executions import (
    AttemptStatus,
    Completed,
    Dequeued,
    Execution,
    LatestExecution,
    RunInfo,
    Snapshot,
    Started,
    TraceContext,
)
from trigger_box.ids import (
    EnvironmentId,
    OrganizationId,
    ProjectId,
    ProjectRef,
    RunId,
    SnapshotId,
    WorkerId,
)

RUN = RunId("run_00000000000000000000000001")
T0_MS = 1_769_853_600_000

ENVIRONMENT = Environment(
    id=EnvironmentId("env_1"),
    type=EnvironmentType.DEVELOPMENT,
    slug="dev",
    branch_name=None,
    parent_id=None,
    owner_id=None,
    project_id=ProjectId("project_1"),
    project_ref=ProjectRef("proj_abc"),
    project_slug="shop",
    project_name="Shop",
    organization_id=OrganizationId("org_1"),
    organization_slug="acme",
    organization_title="Acme",
)
INFO = RunInfo(id=RUN, status=RunStatus.EXECUTING, attempt_number=1)
SNAPSHOT = Snapshot(
    id=SnapshotId("snapshot_1"),
    number=2,
    state=RunState.EXECUTING,
    status=RunStatus.EXECUTING,
    attempt_number=1,
    description="Attempt created, starting execution",
    runner_id="runner_1",
    created_at_ms=T0_MS,
)
TRACE = TraceContext(trace_id="a" * 32, span_id="b" * 16)
EXECUTION = Execution(
    environment_id=ENVIRONMENT.id,
    run_id=RUN,
    task="greet",
    file_path="src/trigger/tasks.ts",
    export_name=None,
    attempt_number=1,
    attempt_started_at_ms=T0_MS,
    payload=Packet('{"json":{"n":12345678901234567890}}', "application/super+json"),
    metadata=None,
    tags=("a", "b"),
    is_test=False,
    is_replay=False,
    created_at_ms=T0_MS,
    started_at_ms=T0_MS,
    idempotency_key=None,
    idempotency_scope=None,
    max_attempts=None,
    max_duration_s=None,
    priority_ms=2_000,
    parent_run_id=None,
    root_run_id=None,
    usage_ms=0,
    cost_in_cents=0.0,
    base_cost_in_cents=0.0,
    queue_id="queue_1",
    queue_name="task/greet",
    machine=PRESETS["small-1x"],
    worker_id=WorkerId("worker_1"),
    version="20260131.1",
    trace=TRACE,
)
STARTED = Started(run=INFO, snapshot=SNAPSHOT, execution=EXECUTION)
DEQUEUED = Dequeued(
    run=INFO,
    snapshot=SNAPSHOT,
    dequeued_at_ms=T0_MS,
    task="greet",
    queue_name="task/greet",
    worker_id=WorkerId("worker_1"),
    version="20260131.1",
    runtime=None,
    machine=PRESETS["small-1x"],
    attempt_number=1,
    is_test=False,
    is_replay=False,
    annotations={},
    trace=TRACE,
)


def nulls_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{key}.{rest}" for key, part in value.items() for rest in nulls_in(part)]
    if isinstance(value, list):
        return [rest for part in value for rest in nulls_in(part)]
    return ["null"] if value is None else []


def sent(value: Any) -> Any:
    """Return a value as the client reads it: encoded and decoded again."""
    return msgspec.json.decode(msgspec.json.encode(value))


def test_the_attempt_in_the_answer_to_a_start_is_named_twice_and_alike():
    answer = sent(wire.started(STARTED, ENVIRONMENT, {"A": "1"}))

    assert answer["run"]["attemptNumber"] == answer["execution"]["attempt"]["number"] == 1
    assert answer["execution"]["run"]["id"] == RUN
    assert answer["execution"]["run"]["priority"] == 2
    assert answer["envVars"] == {"A": "1"}


@pytest.mark.parametrize(
    "answer",
    [
        wire.started(STARTED, ENVIRONMENT, {}),
        wire.dequeued_message(structs.replace(DEQUEUED, started=STARTED), ENVIRONMENT, {}),
        wire.completed(
            Completed(attempt_status=AttemptStatus.RUN_FINISHED, run=INFO, snapshot=SNAPSHOT),
            ENVIRONMENT,
            {},
        ),
        wire.run_execution_data(LatestExecution(run=INFO, snapshot=SNAPSHOT)),
    ],
)
def test_nothing_is_null_on_the_wire(answer: dict[str, Any]):
    assert nulls_in(sent(answer)) == []


def test_a_payload_goes_out_exactly_as_it_came_in():
    run = sent(wire.started(STARTED, ENVIRONMENT, {}))["execution"]["run"]

    assert run["payload"] == '{"json":{"n":12345678901234567890}}'
    assert run["payloadType"] == "application/super+json"


def test_an_absent_payload_is_an_empty_text():
    execution = structs.replace(EXECUTION, payload=Packet(None))

    run = sent(wire.started(structs.replace(STARTED, execution=execution), ENVIRONMENT, {}))

    assert run["execution"]["run"]["payload"] == ""


def test_metadata_is_an_object_whose_numbers_are_not_rounded():
    execution = structs.replace(EXECUTION, metadata=Packet('{"n":12345678901234567890123}'))

    encoded = msgspec.json.encode(
        wire.started(structs.replace(STARTED, execution=execution), ENVIRONMENT, {})
    )

    assert b'"metadata":{"n":12345678901234567890123}' in encoded


def test_a_handed_out_run_names_its_worker_by_the_id_that_registration_gave():
    message = sent(wire.dequeued_message(DEQUEUED, ENVIRONMENT, {}))

    assert message["backgroundWorker"]["friendlyId"] == "worker_1"
    assert message["deployment"] == {}
    assert "start" not in message


def test_annotations_that_the_client_would_refuse_are_left_out():
    partly = structs.replace(DEQUEUED, annotations={"triggerSource": "api"})
    whole = {"triggerSource": "api", "triggerAction": "trigger", "rootTriggerSource": "api"}

    assert "annotations" not in wire.dequeued_message(partly, ENVIRONMENT, {})["run"]
    assert (
        wire.dequeued_message(structs.replace(DEQUEUED, annotations=dict(whole)), ENVIRONMENT, {})[
            "run"
        ]["annotations"]
        == whole
    )


def test_the_callers_own_trace_is_kept_apart_from_the_runs():
    trace = structs.replace(TRACE, external={"traceparent": f"00-{'c' * 32}-{'d' * 16}-01"})

    context = sent(wire.dequeued_message(structs.replace(DEQUEUED, trace=trace), ENVIRONMENT, {}))[
        "run"
    ]["traceContext"]

    assert context["traceparent"] == f"00-{'a' * 32}-{'b' * 16}-01"
    assert context["external"]["traceparent"].endswith("-01")


def test_a_branch_tells_its_name():
    branch = replace(ENVIRONMENT, branch_name="feature")

    assert wire.started(STARTED, branch, {})["execution"]["environment"]["branchName"] == "feature"


def test_the_next_run_travels_with_a_completion_and_has_begun():
    value = Completed(
        attempt_status=AttemptStatus.RUN_FINISHED,
        run=INFO,
        snapshot=SNAPSHOT,
        next=structs.replace(DEQUEUED, started=STARTED),
    )

    answer = sent(wire.completed(value, ENVIRONMENT, {"A": "1"}))

    assert answer["result"]["attemptStatus"] == "RUN_FINISHED"
    assert answer["next"]["message"]["run"]["friendlyId"] == RUN
    assert answer["next"]["start"]["envVars"] == {"A": "1"}
