"""What a running task changes on its run: metadata and tags, flushed each second and at the end.

Metadata that is left at the end travels in the completion (``flushedMetadata``).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from trigger_box.worker.calls import AnswerError, CallError
from trigger_box.worker.limits import (
    METADATA_OPERATIONS_MAX,
    METADATA_PAUSE_S,
    SETTLE_S_MAX,
)

Operation = dict[str, Any]

_FIELDS: Final[Mapping[str, str]] = {
    "self": "operations",
    "parent": "parentOperations",
    "root": "rootOperations",
}


class UpdateRoutes(Protocol):
    """The two routes that updates go through."""

    async def change_metadata(
        self, run_id: str, operations: Mapping[str, object], *, key: str
    ) -> None:
        """Apply metadata operations once, however often it is called with this ``key``."""
        ...

    async def add_tags(self, run_id: str, tags: list[str]) -> None:
        """Add tags."""
        ...


class Updates:
    """The pending updates of one run. Not for more than one flush at a time: it sees to that."""

    def __init__(
        self, run_id: str, routes: UpdateRoutes, *, on_refused: Callable[[str], None]
    ) -> None:
        self._run_id = run_id
        self._routes = routes
        self._on_refused = on_refused
        self._pending: dict[str, list[Operation]] = {}
        self._tags: list[str] = []
        # A batch whose answer never came: it is repeated with its key before anything newer.
        self._unsure: tuple[str, dict[str, list[Operation]]] | None = None
        self._flushing = asyncio.Lock()
        self._flushed_s = -METADATA_PAUSE_S

    @property
    def is_dirty(self) -> bool:
        """Whether there is anything to flush."""
        return bool(self._pending or self._tags or self._unsure)

    @property
    def is_due(self) -> bool:
        """Whether there is something to flush, and the last flush is a while ago."""
        now_s = asyncio.get_running_loop().time()
        return self.is_dirty and now_s - self._flushed_s >= METADATA_PAUSE_S

    def change_metadata(self, target: str, operation: Operation) -> None:
        """Note one operation. A later ``set`` of the same key makes an earlier one superfluous."""
        operations = self._pending.setdefault(_FIELDS[target], [])
        if operations and _supersedes(operation, operations[-1]):
            operations[-1] = operation
        elif operations and _adds_up(operation, operations[-1]):
            last = operations[-1]
            operations[-1] = {**last, "value": last["value"] + operation["value"]}
        elif len(operations) < METADATA_OPERATIONS_MAX:
            operations.append(operation)
        elif len(operations) == METADATA_OPERATIONS_MAX:
            operations.append(operation)
            self._on_refused(
                f"more than {METADATA_OPERATIONS_MAX} metadata changes wait to be sent: "
                "later ones are dropped"
            )

    def add_tags(self, tags: list[str]) -> None:
        """Note tags to add."""
        self._tags += [tag for tag in tags if tag not in self._tags]

    async def flush(self) -> None:
        """Send what is pending. What could not be sent stays for the next time."""
        async with self._flushing:
            self._flushed_s = asyncio.get_running_loop().time()
            await self._flush_tags()
            await self._flush_metadata()

    async def settle(self) -> dict[str, object] | None:
        """End: send tags, wait for a flush on its way; return ``flushedMetadata`` of the rest."""
        if not self.is_dirty and not self._flushing.locked():
            return None
        try:
            async with asyncio.timeout(SETTLE_S_MAX), self._flushing:
                await self._flush_tags()
                if self._unsure is not None:
                    await self._flush_metadata()
        except TimeoutError:
            pass
        rest = self._pending
        if self._unsure is not None:
            for field, operations in self._unsure[1].items():
                rest[field] = operations + rest.get(field, [])
        self._pending, self._unsure = {}, None
        if not rest:
            return None
        return {
            "data": json.dumps(rest, separators=(",", ":")),
            "dataType": "application/json",
        }

    async def _flush_tags(self) -> None:
        if not self._tags:
            return
        tags, self._tags = self._tags, []
        try:
            await self._routes.add_tags(self._run_id, tags)
        except AnswerError as error:
            self._on_refused(f"tags were not added: {error.message}")
        except (CallError, asyncio.CancelledError) as error:
            self._tags = tags + self._tags
            if isinstance(error, asyncio.CancelledError):
                raise

    async def _flush_metadata(self) -> None:
        if self._unsure is None:
            if not self._pending:
                return
            self._unsure, self._pending = (secrets.token_hex(16), self._pending), {}
        key, operations = self._unsure
        try:
            await self._routes.change_metadata(self._run_id, operations, key=key)
        except AnswerError as error:
            self._on_refused(f"metadata was not changed: {error.message}")
        except CallError:
            return
        self._unsure = None


def _supersedes(newer: Operation, older: Operation) -> bool:
    return (
        newer["type"] == "set" and older["type"] == "set" and newer.get("key") == older.get("key")
    )


def _adds_up(newer: Operation, older: Operation) -> bool:
    return (
        newer["type"] == "increment"
        and older["type"] == "increment"
        and newer.get("key") == older.get("key")
    )
