"""The environment variables that the box itself gives to task processes.

Source: cli-protocol 10 and 11. What users set comes between the two parts: overridable defaults,
then theirs, then the protected ones. A development worker gets its key from the CLI that runs it,
so the key is not among them.
"""

from __future__ import annotations

from typing import Final

from trigger_box.access.actors import Environment, EnvironmentType

OTLP_TOKEN_HEADER: Final = "x-tb-otlp-token"  # noqa: S105 - the header's name, no secret

_DEFAULTS: Final = {
    "TRIGGER_REALTIME_STREAM_VERSION": "v1",
}
_BRANCHING: Final = frozenset({EnvironmentType.DEVELOPMENT, EnvironmentType.PREVIEW})


def task_variables(environment: Environment, *, origin: str, otlp_token: str) -> dict[str, str]:
    """Return the variables of a task process in ``environment``.

    Args:
        origin: where the worker reaches the box, without a slash at the end.
        otlp_token: what lets the process store spans and logs of this environment, nothing else.
    """
    otlp = f"{origin}/otel"
    protected = {
        "TRIGGER_API_URL": origin,
        "TRIGGER_STREAM_URL": origin,
        # Task processes read the first, the process that lists the tasks reads the second.
        "TRIGGER_OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
        "OTEL_EXPORTER_OTLP_HEADERS": f"{OTLP_TOKEN_HEADER}={otlp_token}",
        # Without it every span and every log line is a request of its own.
        "TRIGGER_OTEL_BATCH_PROCESSING_ENABLED": "1",
    }
    if environment.branch_name is not None and environment.type in _BRANCHING:
        protected["TRIGGER_PREVIEW_BRANCH"] = environment.branch_name
    return _DEFAULTS | protected
