"""Each test has an empty registry, no run, and an environment without a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trigger_box.sdk.client import configure
from trigger_box.sdk.registry import REGISTRY

_VARIABLES = (
    "TRIGGER_API_URL",
    "TRIGGER_SECRET_KEY",
    "TRIGGER_ACCESS_TOKEN",
    "TRIGGER_PREVIEW_BRANCH",
    "TRIGGER_DEV_BRANCH",
    "VERCEL_GIT_COMMIT_REF",
    "TRIGGER_VERSION",
    "TRIGGER_EXTERNAL_DEPLOYMENT_ID",
    "TRIGGER_AUTOMATIC_SKEW_VERSION_PROTECTION",
    "TRIGGER_BOX_ALLOW_SYNC_IN_ASYNC",
)


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
    known_tasks, known_queues = dict(REGISTRY.tasks), dict(REGISTRY.queues)
    REGISTRY.clear()
    yield
    configure()
    REGISTRY.clear()
    REGISTRY.tasks.update(known_tasks)
    REGISTRY.queues.update(known_queues)
