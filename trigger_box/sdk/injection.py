"""A task's function as the SDK reads it: which parameter is the payload, which are given by us.

One rule (python-sdk 4): the first parameter is the whole payload; what stands after ``*`` is
injected by annotation. Annotations are resolved at first use, so that they may name things that
are defined further down.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from trigger_box.sdk.cancellation import CancelSignal
from trigger_box.sdk.context import Context, RunInfo
from trigger_box.sdk.errors import DefinitionError
from trigger_box.sdk.places import Place

Injected = Literal["context", "signal", "run"]
_INJECTED_TYPES: Final[Mapping[object, Injected]] = {
    Context: "context",
    CancelSignal: "signal",
    RunInfo: "run",
}
_EMPTY: Final = inspect.Parameter.empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter that the payload fills. ``default`` is ``inspect.Parameter.empty`` for none."""

    name: str
    annotation: Any
    default: Any

    @property
    def is_required(self) -> bool:
        """Whether the function can't be called without it."""
        return self.default is _EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a task's function takes and gives.

    Attributes:
        payload: the parameters the payload fills: none, one, or all of an unpacked task.
        injected: parameter name → what it is given.
        optional: the injected parameters that have a default.
        returns: the return annotation; ``Any`` where there is none.
    """

    payload: tuple[Parameter, ...]
    injected: Mapping[str, Injected]
    optional: frozenset[str]
    returns: Any


def check_parameters(
    fn: Callable[..., object], *, task_id: str, place: Place, unpack: bool
) -> None:
    """Refuse functions that can't be tasks, without resolving any annotation.

    Raises:
        DefinitionError: with the place and what to write instead.
    """
    if inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn):
        raise _error(task_id, place, "is a generator, which is not supported; return a value")
    positional = 0
    for parameter in inspect.signature(fn).parameters.values():
        match parameter.kind:
            case inspect.Parameter.VAR_POSITIONAL:
                raise _error(task_id, place, f"takes *{parameter.name}; a payload has no positions")
            case inspect.Parameter.VAR_KEYWORD if unpack:
                raise _error(task_id, place, f"takes **{parameter.name}; name each key instead")
            case inspect.Parameter.POSITIONAL_ONLY if unpack:
                raise _error(task_id, place, f"takes {parameter.name!r} by position; drop the '/'")
            case inspect.Parameter.POSITIONAL_ONLY | inspect.Parameter.POSITIONAL_OR_KEYWORD:
                positional += 1
            case _:
                pass
    if positional > 1 and not unpack:
        raise _error(
            task_id,
            place,
            "takes more than one parameter. The first is the whole payload: put '*,' after it for"
            " ctx and the like, or say unpack=True to make the parameters the payload's keys",
        )


def read_shape(
    fn: Callable[..., object],
    *,
    task_id: str,
    place: Place,
    unpack: bool,
    namespace: Mapping[str, object],
) -> Shape:
    """Return the shape of a task's function, with its annotations resolved.

    Args:
        namespace: names of the function's surroundings that its globals lack.

    Raises:
        DefinitionError: an annotation names something unknown, or an injected parameter has none.
    """
    try:
        hints = typing.get_type_hints(fn, localns=dict(namespace), include_extras=True)
    except (NameError, TypeError, AttributeError) as error:
        raise _error(task_id, place, f"has an annotation that can't be resolved: {error}") from None
    payload: list[Parameter] = []
    injected: dict[str, Injected] = {}
    optional: set[str] = set()
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        annotation = hints.get(parameter.name, Any)
        kind = _injected_kind(annotation)
        is_named = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if kind is not None and (is_named or unpack):
            injected[parameter.name] = kind
            if parameter.default is not _EMPTY:
                optional.add(parameter.name)
        elif unpack or not is_named:
            if kind is not None:
                raise _error(task_id, place, f"takes {parameter.name!r} as its payload: write '*,'")
            payload.append(
                Parameter(name=parameter.name, annotation=annotation, default=parameter.default)
            )
        elif parameter.default is _EMPTY:
            raise _error(
                task_id,
                place,
                f"has a parameter {parameter.name!r} after '*' that nothing fills: annotate it"
                " with Context, CancelSignal or RunInfo, or give it a default",
            )
    return Shape(
        payload=tuple(payload),
        injected=injected,
        optional=frozenset(optional),
        returns=hints.get("return", Any),
    )


def _injected_kind(annotation: object) -> Injected | None:
    """Return what an annotation asks for; ``Context | None`` asks for a Context."""
    arguments = typing.get_args(annotation)
    if type(None) in arguments:
        rest = [argument for argument in arguments if argument is not type(None)]
        annotation = rest[0] if len(rest) == 1 else annotation
    try:
        return _INJECTED_TYPES.get(annotation)
    except TypeError:  # an annotation that can't be hashed is none of ours
        return None


def _error(task_id: str, place: Place, what: str) -> DefinitionError:
    return DefinitionError(f"{place[0]}:{place[1]}: the task {task_id!r} {what}.")
