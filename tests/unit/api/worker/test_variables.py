from __future__ import annotations

from dataclasses import replace

from tests.unit.api.wire.test_executions import ENVIRONMENT
from trigger_box.access.actors import EnvironmentType
from trigger_box.api.worker.variables import task_variables


def test_a_task_process_finds_the_box_and_where_its_spans_go():
    variables = task_variables(ENVIRONMENT, origin="http://127.0.0.1:3030", otlp_token="env_1.mac")

    assert variables["TRIGGER_API_URL"] == "http://127.0.0.1:3030"
    assert variables["TRIGGER_OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:3030/otel"
    assert variables["OTEL_EXPORTER_OTLP_HEADERS"] == "x-tb-otlp-token=env_1.mac"


def test_the_environments_key_is_not_among_the_variables():
    variables = task_variables(ENVIRONMENT, origin="http://box", otlp_token="t")

    assert "TRIGGER_SECRET_KEY" not in variables


def test_a_branch_tells_its_name_to_the_sdk():
    branch = replace(ENVIRONMENT, branch_name="feature", type=EnvironmentType.PREVIEW)

    assert (
        task_variables(branch, origin="http://box", otlp_token="t")["TRIGGER_PREVIEW_BRANCH"]
        == "feature"
    )
