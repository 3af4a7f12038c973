"""A process that talks in lines, and somebody who listens: wait for words, never for time."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

# Spinners write over their own line: where the cursor moves, something new is said.
_LINE_ENDS = re.compile(r"\r?\n|\r|\x1b\[[0-9;?]*[ABCDEFGHJKhl]")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\]8;[^\x07]*\x07")
_UNFINISHED_ESCAPE = re.compile(r"\x1b[^A-Za-z\x07]*$")
_STOP_S_MAX = 15


class Talker:
    """A running process. Its output is kept; ``heard`` waits until it has said something."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], name: str
    ) -> None:
        self.name = name
        self._lines: list[str] = []
        self._unfinished = ""
        self._said = threading.Condition()
        self._ended = False
        # Its own session: a signal to the group reaches what the process has started, too.
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        # As a shell does, take note of its death at once: others watch whether its pid is alive.
        threading.Thread(target=self._process.wait, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    @property
    def lines_heard(self) -> int:
        """Return how many lines came so far: a place to start listening from."""
        with self._said:
            return len(self._lines)

    @property
    def words(self) -> str:
        """Return everything said so far."""
        with self._said:
            return "\n".join((*self._lines, self._unfinished))

    def tell(self, line: str) -> None:
        """Write one line to the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def heard(self, pattern: str, *, within_s: float = 30, after: int = 0) -> re.Match[str]:
        """Wait for a line that matches, from line ``after`` on.

        Raises:
            AssertionError: the process ended or the time is over; says what was heard instead.
        """
        wanted = re.compile(pattern)
        seen = after
        with self._said:

            def found() -> re.Match[str] | None:
                nonlocal seen
                while seen < len(self._lines):
                    seen += 1
                    if match := wanted.search(self._lines[seen - 1]):
                        return match
                return wanted.search(self._unfinished)

            result: re.Match[str] | None = None

            def done() -> bool:
                nonlocal result
                result = found()
                return result is not None or self._ended

            self._said.wait_for(done, timeout=within_s)
            if result is None:
                state = "ended" if self._ended else f"did not in {within_s} s"
                said = "\n  ".join(self._lines[after:][-60:])
                raise AssertionError(f"{self.name} should say {pattern!r}, but {state}:\n  {said}")
            return result

    def ended(self, *, within_s: float = 20) -> int:
        """Wait for the process to end; return its exit code."""
        try:
            code = self._process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} should end, but said:\n{self.words}") from None
        self._listener.join(timeout=_STOP_S_MAX)
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone, as ``kill`` does."""
        self._process.send_signal(number)

    def interrupt(self) -> None:
        """Do what Ctrl-C in a terminal does: SIGINT to the whole foreground group."""
        os.killpg(self._process.pid, signal.SIGINT)

    def stop(self) -> None:
        """End the process, politely at first, and what it has left behind. Safe to call twice."""
        if self.is_alive:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_STOP_S_MAX)
        # A CLI that was killed leaves its task processes behind; they hold its output open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join(timeout=_STOP_S_MAX)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        waiting = ""
        with contextlib.suppress(OSError, ValueError):  # closed by stop()
            while piece := os.read(self._process.stdout.fileno(), 65_536):
                waiting += decode(piece)
                if _UNFINISHED_ESCAPE.search(waiting):
                    continue
                *lines, waiting = _LINE_ENDS.split(waiting)
                with self._said:
                    self._lines += (_COLOURS.sub("", line) for line in lines if line)
                    self._unfinished = _COLOURS.sub("", waiting)
                    self._said.notify_all()
        with self._said:
            self._ended = True
            self._said.notify_all()
