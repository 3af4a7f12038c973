"""One box for all; per CLI version one install, one project and one shared ``trigger dev``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compat.box import RealBox
from tests.compat.cli import Cli
from tests.compat.dev import DevSession
from tests.compat.gate import Gate
from tests.compat.installs import Install, install
from tests.compat.node import find_node
from tests.compat.talker import Talker

VERSIONS = ("4.8.3", "4.5.0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.compat)


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealBox]:
    running = RealBox(tmp_path_factory.mktemp("box"))
    yield running
    running.stop()


@pytest.fixture(scope="session", params=VERSIONS)
def packages(request: pytest.FixtureRequest) -> Install:
    return install(request.param)


@pytest.fixture(scope="session")
def cli(packages: Install, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(packages, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def project(packages: Install, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packages.project(tmp_path_factory.mktemp("work") / "project")


@pytest.fixture(scope="session")
def made(packages: Install, box: RealBox) -> dict[str, Any]:
    return box.create_project(f"Compat {packages.version}")


@pytest.fixture(scope="session")
def shared_dev(cli: Cli, project: Path, made: dict[str, Any], box: RealBox) -> Iterator[DevSession]:
    with Gate(box.port) as gate:
        session = DevSession(cli, project=project, made=made, token=box.token, gate=gate)
        yield session
        session.close()


@pytest.fixture
def dev(shared_dev: DevSession) -> DevSession:
    shared_dev.ensure_running()
    return shared_dev


class Sdk:
    """The real SDK in a plain Node process."""

    def __init__(self, talker: Talker) -> None:
        self._talker = talker

    def __call__(self, call: str, *args: object) -> Any:
        """Call a function of the SDK; return its value."""
        answer = self._ask(call, args)
        assert "error" not in answer, answer
        return answer.get("value")

    def refused(self, call: str, *args: object) -> dict[str, Any]:
        """Call a function of the SDK that throws; return what it threw."""
        return self._ask(call, args)["error"]

    def _ask(self, call: str, args: tuple[object, ...]) -> dict[str, Any]:
        after = self._talker.lines_heard
        self._talker.tell(json.dumps({"call": call, "args": args}))
        return json.loads(self._talker.heard(r"^ANSWER (.*) END$", after=after)[1])


@pytest.fixture(scope="session")
def sdk(project: Path, made: dict[str, Any], box: RealBox, cli: Cli) -> Iterator[Sdk]:
    environ = cli.environ(
        {"TRIGGER_API_URL": box.origin, "TRIGGER_SECRET_KEY": made["keys"]["dev"]}
    )
    command = [str(find_node().node), "bridge.mjs"]
    with Talker(command, cwd=project, environ=environ, name="the SDK") as talker:
        yield Sdk(talker)
