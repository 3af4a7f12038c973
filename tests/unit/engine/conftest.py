from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.builders import a_task
from tests.support.engine import Engine, an_engine, make_current
from trigger_box.access.actors import EnvironmentType


@pytest.fixture
async def dev(tmp_path: Path) -> AsyncIterator[Engine]:
    """A development environment with the task send-email."""
    async with an_engine(tmp_path, EnvironmentType.DEVELOPMENT) as engine:
        await engine.register()
        yield engine


@pytest.fixture
async def prod(tmp_path: Path) -> AsyncIterator[Engine]:
    """A production environment with the task send-email, which may be tried three times."""
    async with an_engine(tmp_path) as engine:
        # A policy without randomness, so that tests can name instants.
        policy = '{"maxAttempts":3,"minTimeoutInMs":1000,"factor":2,"randomize":false}'
        registered = await engine.register(a_task(retry=policy))
        await make_current(engine, registered.worker_id)
        yield engine


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Engine]:
    """A development environment without any version."""
    async with an_engine(tmp_path, EnvironmentType.DEVELOPMENT) as engine:
        yield engine
