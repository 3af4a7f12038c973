"""The verb "reset": forget an idempotency key, so that it makes a new run next time.

Source: rest-api 10.3 and 13.6. How keys are looked up lives in ``idempotency.py``.
"""

from __future__ import annotations

from functools import partial

from trigger_box.domain.errors import NotFoundError
from trigger_box.engine.core import Core
from trigger_box.ids import EnvironmentId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction


class KeyNotFoundError(NotFoundError):
    """No run has this idempotency key."""

    code = "idempotency_key_not_found"


async def reset_key(core: Core, environment_id: EnvironmentId, task: str, key: str) -> None:
    """Take an idempotency key from the run that holds it.

    Raises:
        KeyNotFoundError: no run of this task in this environment has it.
    """
    await core.store.write(partial(_reset, core, environment_id, task, key))


def _reset(core: Core, environment_id: EnvironmentId, task: str, key: str, tx: Transaction) -> None:
    row = tx.one(
        sql.run_of_idempotency_key,
        {"environment_id": environment_id, "task": task, "idempotency_key": key},
    )
    if row is None:
        raise KeyNotFoundError(f"No runs found with idempotency key: {key} and task: {task}.")
    tx.execute(sql.release_idempotency_key, {"id": row["id"], "now_ms": core.clock.now_ms()})
