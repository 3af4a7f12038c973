"""The executor's way out: frames to the controller from any thread, whole and in order."""

from __future__ import annotations

import os
import socket
import sys
from collections import deque
from collections.abc import Mapping
from threading import Lock

from trigger_box.worker.frames import FrameTooLargeError, encode


class Outbox:
    """Sends frames at once, so that what was logged before a crash has left the process.

    A thread never waits for another one's frame, and a signal handler may log while its own thread
    is sending: whoever holds the lock sends what the others have put down.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._pending: deque[bytes] = deque()
        self._lock = Lock()
        self._is_open = True
        # A process that user code forks shares the channel: its frames would land amid ours.
        os.register_at_fork(after_in_child=self._leave)

    @property
    def is_open(self) -> bool:
        """Whether frames can still arrive. False in processes forked by user code."""
        return self._is_open

    def send(self, frame: Mapping[str, object]) -> None:
        """Send a frame. Blocks only while the controller's socket is full.

        Raises:
            FrameTooLargeError: the frame is over its limit; nothing was sent.
        """
        if not self._is_open:
            return
        self._pending.append(encode(frame))
        while self._pending and self._lock.acquire(blocking=False):
            try:
                while self._pending:
                    self._channel.sendall(self._pending.popleft())
            except OSError:
                # The controller is gone. The reader sees it, too, and ends the process.
                self._is_open = False
                self._pending.clear()
            finally:
                self._lock.release()

    def send_or_drop(self, frame: Mapping[str, object]) -> bool:
        """Send a frame that the run can do without; return whether it was small enough."""
        try:
            self.send(frame)
        except FrameTooLargeError:
            return False
        return True

    def _leave(self) -> None:
        self._is_open = False
        self._pending.clear()
        self._lock = Lock()
        # What the fork prints goes through the plain pipe, which the controller reads by lines.
        sys.stdout = sys.__stdout__
        sys.stderr = sys.__stderr__
