"""Runs as the server tells about them. Built with pydantic, so this module is imported late."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run did not succeed.

    Attributes:
        name: the exception's type, where there was one.
        stack_trace: the traceback as the worker wrote it.
    """

    message: str
    name: str | None = None
    stack_trace: str | None = None
