"""``Ok`` and ``Err``: how a run ended, for ``match`` or ``.unwrap()``."""

from __future__ import annotations

from dataclasses import dataclass
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

    @property
    def ok(self) -> Literal[True]:
        """True."""
        return True

    @property
    def error(self) -> None:
        """None."""
        return None

    def unwrap(self) -> R_co:
        """Return the output."""
        return self.output


@dataclass(frozen=True, slots=True)
class Err:
    """The run failed, was cancelled or expired: ``case Err(error)``."""

    error: RunError
    id: str = ""
    task_id: str = ""

    @property
    def ok(self) -> Literal[False]:
        """False."""
        return False

    @property
    def output(self) -> None:
        """None."""
        return None

    def unwrap(self) -> NoReturn:
        """Raise what went wrong.

        Raises:
            SubtaskError: always.
        """
        raise SubtaskError(run_id=self.id, task_id=self.task_id, cause=self.error)


Result = Ok[R] | Err
