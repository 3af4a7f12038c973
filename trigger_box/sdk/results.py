"""``Ok`` and ``Err``: how a run ended, for ``match`` or ``.unwrap()``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, NoReturn, TypeVar

from trigger_box.sdk.errors import SubtaskError

if TYPE_CHECKING:
    from trigger_box.sdk.models import RunError

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ok(Generic[R_co]):
    """The run completed: ``case Ok(output)``."""

    output: R_co
    id: str = ""
    task_id: str = ""
    # Fields, not properties: type checkers tell Ok from Err by them.
    ok: Literal[True] = field(default=True, init=False, repr=False)
    error: None = field(default=None, init=False, repr=False)

    def unwrap(self) -> R_co:
        """Return the output."""
        return self.output


@dataclass(frozen=True, slots=True)
class Err:
    """The run failed, was cancelled or expired: ``case Err(error)``."""

    error: RunError
    id: str = ""
    task_id: str = ""
    ok: Literal[False] = field(default=False, init=False, repr=False)
    output: None = field(default=None, init=False, repr=False)

    def unwrap(self) -> NoReturn:
        """Raise what went wrong.

        Raises:
            SubtaskError: always.
        """
        raise SubtaskError(run_id=self.id, task_id=self.task_id, cause=self.error)


Result = Ok[R] | Err
