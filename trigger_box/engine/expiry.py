"""A run that waited longer than its ttl for a first start expires (run-engine 12.2).

The keeper looks for such runs; a claim that comes before it must not start one either.
"""

from __future__ import annotations

from trigger_box.domain.failures import StringError
from trigger_box.domain.runs import RunEvent, RunStatus
from trigger_box.engine.core import Core
from trigger_box.engine.endings import Ending, finish
from trigger_box.engine.rows import RunHead
from trigger_box.store.writer import Transaction


def expire(core: Core, tx: Transaction, head: RunHead, *, now_ms: int) -> None:
    """End a run whose ttl has passed, inside the writer's thread."""
    assert head.started_at_ms is None, "a claim drops the ttl"
    text = f"Run expired because the TTL ({head.ttl}) was reached"
    ending = Ending(
        event=RunEvent.EXPIRED,
        status=RunStatus.EXPIRED,
        description=text,
        error=StringError(raw=text),
    )
    finish(core, tx, head, ending, now_ms=now_ms)
