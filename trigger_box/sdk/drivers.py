"""The two ways to carry out an operation: awaited on the user's loop, or blocking this thread.

Neither creates, sets or closes an event loop, and neither uses a thread pool (python-sdk 5.5).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from trigger_box.sdk.transport import Answer, Line, Operation, Pause, Request, UnreachableError

if TYPE_CHECKING:
    from trigger_box.sdk.connections import Connections

T = TypeVar("T")


async def drive(begin: Callable[[Line], Operation[T]], line: Line, connections: Connections) -> T:
    """Carry out an operation on the running loop."""
    operation = begin(line)
    answer: Answer | None = None
    failure: UnreachableError | None = None
    try:
        while True:
            step = operation.send(answer) if failure is None else operation.throw(failure)
            answer = failure = None
            match step:
                case Pause():
                    await asyncio.sleep(_seconds(step, line))
                case Request():
                    try:
                        answer = await connections.exchange(step, line.now_ms)
                    except UnreachableError as error:
                        failure = error
    except StopIteration as stop:
        return stop.value
    finally:
        operation.close()


def drive_blocking(
    begin: Callable[[Line], Operation[T]], line: Line, connections: Connections
) -> T:
    """Carry out an operation on this thread.

    Raises:
        RunCancelled: the run this is called from was cancelled.
    """
    signal = None if line.runtime is None else line.runtime.cancel_signal
    operation = begin(line)
    answer: Answer | None = None
    failure: UnreachableError | None = None
    try:
        while True:
            step = operation.send(answer) if failure is None else operation.throw(failure)
            answer = failure = None
            if signal is not None:
                signal.raise_if_cancelled()
            match step:
                case Pause():
                    if signal is None:
                        time.sleep(_seconds(step, line))
                    else:
                        signal.wait(_seconds(step, line))
                case Request():
                    try:
                        answer = connections.exchange_blocking(step, line.now_ms)
                    except UnreachableError as error:
                        failure = error
    except StopIteration as stop:
        return stop.value
    finally:
        operation.close()


def _seconds(pause: Pause, line: Line) -> float:
    return pause.seconds + pause.jitter_s * line.random_unit()
