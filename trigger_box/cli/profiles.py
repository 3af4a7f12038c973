"""The file that says where people are signed in. It is the npm CLI's own, shared with it.

Source: cli-protocol 3. Keys that this program does not know are kept as they are.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from trigger_box.cli.environment import Variables
from trigger_box.cli.exits import CliError, Exit

DEFAULT: Final = "default"
_VERSION: Final = 2
_FILE: Final = "config.json"
_OLD_FILE: Final = "default.json"
_SETTINGS: Final = {"hasSeenMCPInstallPrompt": False, "hasSeenRulesInstallPrompt": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One place to be signed in. Either part may be missing."""

    name: str
    api_url: str | None
    access_token: str | None = field(repr=False)


class Profiles:
    """The profiles of this person. Each call reads the file anew; writing replaces it whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / _FILE

    @classmethod
    def of(cls, variables: Variables) -> Profiles:
        """Return the profiles of whoever runs this process."""
        return cls(variables.config_folder)

    @property
    def current(self) -> str:
        """Return the name of the profile that is used when nobody names one."""
        name = self._read().get("currentProfile")
        return name if isinstance(name, str) and name else DEFAULT

    def all(self) -> list[Profile]:
        """Return all profiles, by name."""
        profiles = _profiles_in(self._read())
        return [_profile(name, profiles[name]) for name in sorted(profiles)]

    def get(self, name: str | None = None) -> Profile:
        """Return a profile, by default the current one; an empty one if nobody has signed in.

        Raises:
            CliError: the file can't be read.
        """
        content = self._read()
        wanted = name or self.current
        return _profile(wanted, _profiles_in(content).get(wanted, {}))

    def put(self, name: str, *, api_url: str, access_token: str) -> None:
        """Note where somebody has signed in, and use that from now on."""
        content = self._read()
        profile = _profiles_in(content).setdefault(name, {})
        profile |= {"accessToken": access_token, "apiUrl": api_url}
        content["currentProfile"] = name
        self._write(content)

    def forget_token(self, name: str) -> bool:
        """Drop a profile's token, keep its address; return whether there was one."""
        content = self._read()
        profile = _profiles_in(content).get(name)
        if profile is None or not profile.pop("accessToken", None):
            return False
        self._write(content)
        return True

    def switch(self, name: str) -> None:
        """Use a profile from now on.

        Raises:
            CliError: there is none of that name.
        """
        content = self._read()
        self._must_have(content, name)
        content["currentProfile"] = name
        self._write(content)

    def remove(self, name: str) -> None:
        """Remove a profile with its token. If it was in use, the default one is from now on.

        Raises:
            CliError: there is none of that name.
        """
        content = self._read()
        self._must_have(content, name)
        del _profiles_in(content)[name]
        if content.get("currentProfile") == name:
            content["currentProfile"] = DEFAULT
        self._write(content)

    def _must_have(self, content: dict[str, Any], name: str) -> None:
        profiles = _profiles_in(content)
        if name not in profiles:
            known = ", ".join(sorted(profiles)) or "none"
            raise CliError(
                f"There is no profile {name!r}. Profiles: {known}.",
                hint=f"trigger-box login --profile {name}",
                code=Exit.NOT_FOUND,
            )

    def _read(self) -> dict[str, Any]:
        content = _read_object(self.path)
        if content is not None:
            _profiles_in(content)
            return content
        # Before version 2 the file was another one, and held nothing but the profiles.
        old = _read_object(self._folder / _OLD_FILE)
        return {
            "version": _VERSION,
            "currentProfile": DEFAULT,
            "profiles": old or {},
            "settings": dict(_SETTINGS),
        }

    def _write(self, content: dict[str, Any]) -> None:
        """Replace the file: it is whole at any moment, and closed to other users from its first."""
        temporary = self.path.with_name(f".{_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(content, file, indent=2, ensure_ascii=False)
                    file.write("\n")
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(self.path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise CliError(
                f"The profile file {self.path} can't be written: {error.strerror or error}."
            ) from error


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise CliError(
            f"The profile file {path} can't be read: {error}.",
            hint="Repair it, or move it away and sign in again.",
        ) from error
    if not isinstance(content, dict):
        raise CliError(
            f"The profile file {path} is not a JSON object.",
            hint="Repair it, or move it away and sign in again.",
        )
    return cast("dict[str, Any]", content)


def _profiles_in(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the profiles inside the file's content, to read and to change."""
    profiles = content.setdefault("profiles", {})
    if not isinstance(profiles, dict) or not all(
        isinstance(profile, dict) for profile in cast("dict[str, object]", profiles).values()
    ):
        raise CliError(
            'The profile file has no object under "profiles".',
            hint="Repair it, or move it away and sign in again.",
        )
    return cast("dict[str, dict[str, Any]]", profiles)


def _profile(name: str, content: dict[str, Any]) -> Profile:
    return Profile(
        name=name,
        api_url=_text(content.get("apiUrl")),
        access_token=_text(content.get("accessToken")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
