"""The verb "add tags". How tags are cleaned and bounded is shared with ``trigger``."""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec

from trigger_box.domain.labels import clean_tags
from trigger_box.engine.changes import announce_unmoved
from trigger_box.engine.core import Core
from trigger_box.engine.heads import head_of
from trigger_box.ids import EnvironmentId, RunId
from trigger_box.store.queries import runs as sql
from trigger_box.store.writer import Transaction

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[str, ...]).decode


async def add_tags(
    core: Core, environment_id: EnvironmentId, run_id: str, tags: tuple[str, ...]
) -> int:
    """Add tags to a run; return how many of them it did not have.

    Raises:
        RunNotFoundError: no such run in this environment.
        TooManyTagsError: it would have more than ten; nothing was added.
        InvalidError: a tag is too long.
    """
    return await core.store.write(partial(_add, core, environment_id, RunId(run_id), tags))


def _add(
    core: Core, environment_id: EnvironmentId, run_id: RunId, tags: tuple[str, ...], tx: Transaction
) -> int:
    head = head_of(tx, run_id, environment_id)
    row = tx.one(sql.tags_of, {"id": run_id})
    assert row is not None, "its head was read just now"
    before = _decode(row["tags"])
    after = clean_tags((*before, *tags))
    new = after[len(before) :]
    if not new:
        return 0
    now_ms = core.clock.now_ms()
    tx.execute(sql.set_tags, {"id": run_id, "tags": _encode(after).decode(), "now_ms": now_ms})
    for tag in new:
        tx.execute(sql.insert_tag, {"environment_id": environment_id, "tag": tag, "run_id": run_id})
    announce_unmoved(tx, head, now_ms=now_ms)
    return len(new)
