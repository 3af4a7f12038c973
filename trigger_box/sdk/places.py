"""Where in the user's code something was declared or called: ``(file, line)``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

Place = tuple[str, int]

_PACKAGE: Final = f"{Path(__file__).resolve().parent.parent}{os.sep}"


def is_ours(file: str) -> bool:
    """Return whether ``file`` belongs to the SDK or the worker, not to the user."""
    return file.startswith(_PACKAGE)


def calling_place() -> Place:
    """Return the innermost place outside of this package, or an unknown one."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the only cheap way
    while frame is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return ("<unknown>", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def code_place(code: CodeType) -> Place:
    """Return where a function's ``def`` (or its first decorator) stands."""
    return (code.co_filename, code.co_firstlineno)
