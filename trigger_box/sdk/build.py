"""What images are made of: ``Build``, and the extensions that add to it.

Values only. Deployments read them; nothing is built or run here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Target = Literal["dev", "deploy"]
EnvironmentLoader = Callable[[], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Something an extension adds to an image.

    Attributes:
        id: names the layer in build logs.
        apt: Debian packages.
        pip: requirements beside the project's own.
        commands: shell commands, run as root after the packages are there.
        files: patterns of project files that are copied beside the code.
        env: variables of the image.
    """

    id: str
    apt: Sequence[str] = ()
    pip: Sequence[str] = ()
    commands: Sequence[str] = ()
    files: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])


class Extension(Protocol):
    """Adds to an image. Write your own by giving a class these members."""

    @property
    def name(self) -> str:
        """Names the extension in messages."""
        ...

    def layers(self, target: Target) -> Sequence[Layer]:
        """Return what to add for ``target``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a project becomes an image.

    Attributes:
        dependencies: ``"auto"`` takes the first of uv.lock, poetry.lock, pdm.lock,
            requirements.txt and pyproject.toml; else the path of one of them.
        base_image: what the image starts from; None for the slim image of ``Config.python``.
        include, exclude: patterns of project files to copy, beside ``dirs``.
    """

    dependencies: str = "auto"
    extensions: Sequence[Extension] = ()
    base_image: str | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ("**/.venv",)
