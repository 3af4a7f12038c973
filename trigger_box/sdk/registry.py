"""Every task and queue that was declared in this process, with the place of each.

Declaring is all an import does; the indexer reads ``REGISTRY`` afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trigger_box.sdk.errors import DuplicateQueueError, DuplicateTaskError

if TYPE_CHECKING:
    from trigger_box.sdk.declaration import DeclaredTask
    from trigger_box.sdk.queues import Queue


class Registry:
    """Tasks by id and queues by name, in the order of declaration."""

    def __init__(self) -> None:
        self.tasks: dict[str, DeclaredTask] = {}
        self.queues: dict[str, Queue] = {}

    def add_task(self, task: DeclaredTask) -> None:
        """Register ``task``.

        The same file and line again is the same task (a module imported under two names, or
        reloaded), and so is the same name in ``__main__`` (a notebook's cell run again): the newer
        one wins.

        Raises:
            DuplicateTaskError: another task has this id; it names both places.
        """
        known = self.tasks.get(task.id)
        if known is not None and not _is_same(known, task):
            raise DuplicateTaskError(task.id, first=known.place, second=task.place)
        self.tasks[task.id] = task

    def add_queue(self, queue: Queue) -> None:
        """Register ``queue``.

        Raises:
            DuplicateQueueError: it was declared elsewhere with another limit.
        """
        known = self.queues.get(queue.name)
        if (
            known is not None
            and known.place != queue.place
            and known.concurrency_limit != queue.concurrency_limit
        ):
            raise DuplicateQueueError(queue.name, first=known.place, second=queue.place)
        self.queues[queue.name] = queue

    def clear(self) -> None:
        """Forget everything: for tests, and for an indexer that starts over."""
        self.tasks.clear()
        self.queues.clear()


def _is_same(known: DeclaredTask, task: DeclaredTask) -> bool:
    if known.place == task.place:
        return True
    is_interactive = known.module == task.module == "__main__"
    return is_interactive and known.symbol == task.symbol


REGISTRY = Registry()
