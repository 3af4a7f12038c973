"""The generated reference pages, written from the code itself.

``python -m tests.tidy.pages`` writes all of them; ``test_pages.py`` fails when one has drifted. The
generators stand here and not in the package, since nothing that runs needs them.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

import trigger_box
from trigger_box.api.problems import problem_of
from trigger_box.cli import reference
from trigger_box.cli.serve import serve
from trigger_box.domain import errors, failures
from trigger_box.domain.errors import BoxError
from trigger_box.domain.failures import ErrorCode, InternalError, Retry
from trigger_box.sdk import errors as sdk_errors
from trigger_box.settings import FILE_NAME, FILE_VARIABLE, PREFIX, Settings

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"
WRITE: Final = "python -m tests.tidy.pages"

_SETTINGS_HEAD: Final = f"""\
# Settings

What the owner of a box may set. Later ones win: built-in default, settings file, variable, option
of `trigger-box serve`. `trigger-box config show --origin` tells what holds on a machine and where
it comes from. A value that can't be used stops the start with the setting's name and where it is.

The settings file is `{FILE_NAME}` in the data folder, or the one named by `--config` or
`{FILE_VARIABLE}`. It is TOML:

```toml
public_url = "https://tasks.example.com"
telemetry_days = 14
```

| Setting | Default | Takes | What it is | Variable | Option |
|---|---|---|---|---|---|
"""

_DEFAULT_OF: Final = {"data_dir": "`$XDG_DATA_HOME/trigger-box`, or `~/.local/share/trigger-box`"}

_ERRORS_HEAD: Final = """\
# Errors

## What the API answers

The body is JSON: `error` is a sentence for people, `code` is stable and never reused, and `details`
names the field, the limit or the names that are known. The SDKs of both languages repeat 408, 409,
429 and 5xx with a growing pause, unless `x-should-retry: false` says that the same call can't
succeed later.

"""

_ERRORS_OF_NO_CLASS: Final = """\
Some answers have no error class behind them: `method_not_allowed` (405, the header `allow` names
the methods there are), `hung_up` (400, the caller closed its own body half-way) and
`internal_error` (500, a bug of the box; the same `incident` stands in its log).

"""

_START_HEAD: Final = """\
## Why a box does not start, or stops

`trigger-box serve` ends with one of these sentences and a non-zero exit code
([exit codes](commands.md#exit-codes)).

| Code | Said when nothing more is known |
|---|---|
"""

_RUNS_HEAD: Final = """\
## Why a run failed

An exception of the task's own code keeps its type, message and stack, and is tried again while the
task's policy allows. Where the platform or the process is at fault, the error has one of these
codes; they are the npm SDK's. *Again* says whether another attempt may follow, *Ends as* is the
status of a run that had no attempt left.

| Code | Again | Ends as |
|---|---|---|
"""

_SDK_HEAD: Final = """\
## What the Python SDK raises

Import them from `trigger_box`; what is indented is a subclass of what stands above it.

| Exception | Means |
|---|---|
"""

_AGAIN: Final = {
    Retry.NEVER: "no",
    Retry.IF_SENT: "as the worker asked",
    Retry.LOOKUP: "by the task's policy",
    Retry.OUT_OF_MEMORY: "on the larger machine that the policy names",
}

# Told by ``serve`` before or after the box answers requests, never over HTTP.
_OF_THE_START: Final = (
    "address_unusable",
    "database_newer",
    "folder_in_use",
    "folder_unusable",
    "key_file_unusable",
    "port_taken",
    "room_failed",
)
_FAMILIES: Final = tuple(
    family
    for family in vars(errors).values()
    if inspect.isclass(family) and BoxError in family.__bases__
)


def settings_page() -> str:
    """Return the page of the box's settings, from ``trigger_box/settings.py``."""
    options = {option.name: option.opts[0] for option in serve.params if option.name}
    rows = [
        (
            f"`{name}`",
            _DEFAULT_OF.get(name) or _default(field.default),
            _takes(field),
            field.description or "",
            f"`{PREFIX}{name.upper()}`",
            f"`{options[name]}`" if name in options else "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return _SETTINGS_HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def errors_page() -> str:
    """Return the page of everything that can go wrong, from the classes themselves."""
    classes = error_classes()
    of_the_start = {code: classes.pop(code) for code in _OF_THE_START}
    parts = [_ERRORS_HEAD]
    for family in _FAMILIES:
        answer = problem_of(family(), path="/")
        rows = [
            f"| `{code}` | {_said(members)} |"
            for code, members in sorted(classes.items())
            if issubclass(members[0], family)
        ]
        again = answer.headers.get("x-should-retry") == "true" or issubclass(
            family, errors.LimitError
        )
        parts.append(
            f"### {answer.status}: {_said([family])}\n\n"
            + ("Worth a repeat after the pause that `retry-after` names.\n\n" if again else "")
            + "| Code | Said when nothing more is known |\n|---|---|\n"
            + "\n".join(rows)
            + "\n\n"
        )
    parts.append(_ERRORS_OF_NO_CLASS)
    parts.append(_START_HEAD)
    parts.append("".join(f"| `{code}` | {_said(of_the_start[code])} |\n" for code in _OF_THE_START))
    parts.append("\n" + _RUNS_HEAD)
    parts += [
        f"| `{code}` | {_AGAIN[failures.retry_of(error)]} |"
        f" {failures.status_of_failure(error).value} |\n"
        for code in ErrorCode
        for error in [InternalError(code=code)]
    ]
    parts.append("\n" + _SDK_HEAD)
    parts.append("".join(_sdk_rows(sdk_errors.TriggerBoxError, depth=0)))
    for lonely in (sdk_errors.RunCancelled, sdk_errors.UnawaitedCallWarning):
        parts.append(f"| `{lonely.__name__}` | {_first_line(lonely)} |\n")
    return "".join(parts)


def error_classes() -> dict[str, list[type[BoxError]]]:
    """Return every error class of the box by its code, in the order of their names."""
    for module in pkgutil.walk_packages(trigger_box.__path__, "trigger_box."):
        import_module(module.name)
    found: dict[str, list[type[BoxError]]] = {}
    for kind in sorted(_below(BoxError), key=lambda kind: (kind.__module__, kind.__name__)):
        found.setdefault(kind.code, []).append(kind)
    return found


def _below(kind: type[Any]) -> set[type[Any]]:
    children = set(kind.__subclasses__())
    return children.union(*(_below(child) for child in children))


def _sdk_rows(kind: type[BaseException], *, depth: int) -> Iterable[str]:
    yield f"| {'&emsp;' * depth}`{kind.__name__}` | {_first_line(kind)} |\n"
    for child in kind.__subclasses__():  # in the order of the source: the general comes first
        if child.__name__ in trigger_box.__all__:
            yield from _sdk_rows(child, depth=depth + 1)


def _first_line(kind: type) -> str:
    first = (kind.__doc__ or "").strip().split("\n\n", 1)[0]
    return " ".join(first.split()).replace("``", "`").replace("|", "\\|")


def _said(kinds: Iterable[type]) -> str:
    return " / ".join(dict.fromkeys(_first_line(kind) for kind in kinds))


def _default(value: object) -> str:
    if value is None:
        return "not set"
    return f"`{value.value if isinstance(value, StrEnum) else value}`"


def _takes(field: FieldInfo) -> str:
    kind = field.annotation
    if inspect.isclass(kind) and issubclass(kind, StrEnum):
        return ", ".join(f"`{member.value}`" for member in kind)
    words = {Ge: "from", Gt: "more than", Le: "to", Lt: "less than"}
    bounds = [
        f"{words[type(bound)]} {getattr(bound, type(bound).__name__.lower())}"
        for bound in field.metadata
        if type(bound) in words
    ]
    return " ".join(bounds) or "text"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "commands.md": reference.render,
    "errors.md": errors_page,
    "settings.md": settings_page,
}


@click.command()
def write() -> None:
    """Write every generated page anew."""
    for name, render in PAGES.items():
        FOLDER.joinpath(name).write_text(render(), encoding="utf-8")
        click.echo(f"docs/reference/{name}")


if __name__ == "__main__":
    write()
