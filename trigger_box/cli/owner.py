"""What the owner of a data folder may do, whether its box runs or not.

A running box is asked over HTTP with the secret in its folder. A stopped one is opened here, under
its lock, and closed again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from trigger_box.cli.api import Api
from trigger_box.cli.exits import CliError, Exit
from trigger_box.store.folder import DataFolder, FolderInUseError

if TYPE_CHECKING:
    from trigger_box.access.access import Access

T = TypeVar("T")

_START_S_MAX: Final = 10.0
_PAUSE_S: Final = 0.1
_ADDRESS_FILE: Final = "address"


class Owner(Protocol):
    """The owner's commands. Answers are the JSON values of ``api/local.py``."""

    def put_admin(self, *, email: str, name: str | None, password: str | None) -> Any:  # noqa: ANN401 - JSON
        """Make an administrator, or give one another password."""
        ...

    def create_token(self, *, email: str, name: str) -> Any:  # noqa: ANN401 - JSON
        """Make a personal access token for an account."""
        ...

    def create_project(self, *, name: str, email: str | None) -> Any:  # noqa: ANN401 - JSON
        """Make a project with its environments and keys."""
        ...

    def claim_link(self) -> str | None:
        """Return a new claim link; None once the box has an owner."""
        ...


def data_folder(flag: str | None) -> DataFolder:
    """Return the folder meant: the flag, else what the settings say."""
    from trigger_box.settings import Settings, SettingsError  # noqa: PLC0415 - late

    try:
        return DataFolder(Settings.load({"data_dir": flag}).data_dir)
    except SettingsError as error:
        raise CliError(str(error), code=Exit.USAGE) from error


def public_url() -> str | None:
    """Return how others reach the box of this machine, where its settings say so."""
    from trigger_box.settings import Settings  # noqa: PLC0415 - late

    return Settings.load().public_url


def running_address(folder: DataFolder) -> str | None:
    """Return the address of the box that runs on a data folder, None if none does."""
    try:
        return _address(folder.run)
    except CliError:
        return None


def has_box(folder: DataFolder) -> bool:
    """Return whether a box lies in a folder; a folder that can't be looked into has none."""
    try:
        return folder.database.exists()
    except OSError:
        return False


def owner_of(folder: DataFolder, *, may_create: bool) -> Owner:
    """Return how to act as the owner of a data folder.

    Args:
        folder: the data folder.
        may_create: whether a new box may begin here.

    Raises:
        CliError: there is no box here.
    """
    if not may_create and not has_box(folder):
        raise CliError(
            f"There is no box in {folder.root}.",
            hint="Name its folder with --data-dir, or start one: trigger-box serve.",
            code=Exit.NOT_FOUND,
        )
    return _Either(folder)


class _Either:
    """Opens the folder, or asks the box that has it open. Which one may change between calls."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    def put_admin(self, *, email: str, name: str | None, password: str | None) -> Any:  # noqa: ANN401 - JSON
        async def stopped(access: Access) -> Any:  # noqa: ANN401 - JSON
            user, was_created = await access.put_admin(email, password=password, name=name)
            return {"id": user.id, "email": user.email, "created": was_created}

        body = {"email": email, "name": name, "password": password}
        return self._do(stopped, "/local/v1/admins", body)

    def create_token(self, *, email: str, name: str) -> Any:  # noqa: ANN401 - JSON
        async def stopped(access: Access) -> Any:  # noqa: ANN401 - JSON
            user = await access.user_by_email(email)
            return {"token": (await access.create_token(user, name)).token}

        return self._do(stopped, "/local/v1/tokens", {"email": email, "name": name})

    def create_project(self, *, name: str, email: str | None) -> Any:  # noqa: ANN401 - JSON
        async def stopped(access: Access) -> Any:  # noqa: ANN401 - JSON
            made = await access.create_project_for(email, name=name)
            return {
                "ref": made.project.ref,
                "name": made.project.name,
                "slug": made.project.slug,
                "keys": made.keys,
            }

        return self._do(stopped, "/local/v1/projects", {"name": name, "email": email})

    def claim_link(self) -> str | None:
        async def stopped(access: Access) -> Any:  # noqa: ANN401 - JSON
            if not access.is_claimed:
                raise CliError(
                    "The box is not running, so there is nothing to open a claim link on.",
                    hint="trigger-box serve prints one, or: trigger-box admin create --email …",
                    code=Exit.UNAVAILABLE,
                )
            return {"link": None}

        return self._do(stopped, "/local/v1/claim-links", None)["link"]

    def _do(self, stopped: Callable[[Access], Awaitable[T]], path: str, body: object) -> T:
        try:
            return asyncio.run(_with_stopped(self._folder, stopped))
        except FolderInUseError:
            return self._ask_running(path, body)

    def _ask_running(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Ask the box that has the folder open; one that just starts is waited for."""
        from trigger_box.access.keyring import read_local_owner_token  # noqa: PLC0415 - late

        deadline_s = time.monotonic() + _START_S_MAX
        while True:
            try:
                token = read_local_owner_token(self._folder.keys)
                with Api(_address(self._folder.run), token) as api:
                    return api.post(path, body)
            except CliError as error:
                is_late = time.monotonic() > deadline_s
                if error.code is not Exit.UNAVAILABLE or is_late:
                    raise
            time.sleep(_PAUSE_S)


async def _with_stopped(folder: DataFolder, act: Callable[[Access], Awaitable[T]]) -> T:
    from trigger_box.access.access import open_access  # noqa: PLC0415 - half the server
    from trigger_box.clock import SystemClock  # noqa: PLC0415 - as above
    from trigger_box.ids import IdSource  # noqa: PLC0415 - as above
    from trigger_box.store.store import Store  # noqa: PLC0415 - as above

    clock = SystemClock()
    store = await Store.open(folder)
    try:
        access = await open_access(store, clock, IdSource(clock), folder.keys)
        try:
            return await act(access)
        finally:
            access.close()
    finally:
        await store.close()


def _address(run_folder: Path) -> str:
    try:
        return (run_folder / _ADDRESS_FILE).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CliError(
            "The box has its folder open but does not answer yet.", code=Exit.UNAVAILABLE
        ) from error
