"""A parent that waits for its child: ``triggerAndWait`` (run-engine 10.1, 10.2, 15).

Inside the writer's thread.
"""

from __future__ import annotations

from trigger_box.domain.errors import RefusedError, RunNotFoundError
from trigger_box.engine.blocking import block, may_wait
from trigger_box.engine.core import Core
from trigger_box.engine.heads import head_of
from trigger_box.engine.requests import Triggered, TriggerRequest
from trigger_box.engine.rows import RunHead
from trigger_box.engine.waitpoints import of_run
from trigger_box.ids import RunId
from trigger_box.store.queries import waits as sql
from trigger_box.store.writer import Transaction


class NoParentError(RefusedError):
    """Only a run of this environment that is executing can wait for another one."""

    code = "no_parent"


def parent_of(tx: Transaction, request: TriggerRequest) -> RunHead:
    """Return the parent that is to wait.

    Raises:
        NoParentError: none was named, it is not there, or it can't wait now.
    """
    if request.parent_run_id is None:
        raise NoParentError("parentRunId must name the run that waits for this one.")
    try:
        parent = head_of(tx, RunId(request.parent_run_id), request.environment.id)
    except RunNotFoundError:
        raise NoParentError("parentRunId names no run of this environment.") from None
    if not may_wait(parent):
        raise NoParentError(f"The parent run {parent.id} is not executing: it can't wait.")
    return parent


def await_child(core: Core, tx: Transaction, parent: RunHead, child: Triggered) -> None:
    """Let a parent wait for a child; one that has ended already lets it go on at once."""
    head = head_of(tx, child.run_id, parent.environment_id)
    waitpoint_id = of_run(core, tx, head)
    if child.is_repeated and _waits_already(tx, parent, waitpoint_id):
        return
    if not child.is_cached:
        tx.execute(sql.set_resumes_parent, {"id": child.run_id})
    block(core, tx, parent, waitpoint_id)


def _waits_already(tx: Transaction, parent: RunHead, waitpoint_id: str) -> bool:
    return tx.one(sql.wait, {"run_id": parent.id, "waitpoint_id": waitpoint_id}) is not None
