from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trigger_box.sdk.registry import REGISTRY
from trigger_box.worker import discovery
from trigger_box.worker.discovery import (
    Discovery,
    Project,
    discover,
    install_advice,
    is_ignored,
    is_users,
    module_name,
    task_files,
)


@pytest.fixture(autouse=True)
def clean_process() -> Iterator[None]:
    """Imports of a project happen in a process of their own; here they are undone."""
    modules, path = dict(sys.modules), list(sys.path)
    REGISTRY.clear()
    yield
    REGISTRY.clear()
    for name in sys.modules.keys() - modules.keys():
        del sys.modules[name]
    sys.path[:] = path


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        file = folder / (name.replace("__slash__", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def found(folder: Path, *dirs: str, ignore: tuple[str, ...] = ()) -> Discovery:
    return discover(Project(folder=folder, dirs=dirs or ("tasks",), ignore=ignore))


TASK = 'from trigger_box import task\n@task("{0}")\ndef f(): pass\n'


def test_modules_are_imported_once_under_the_name_users_import_them_by(tmp_path: Path) -> None:
    write(
        tmp_path,
        tasks__slash__mail=TASK.format("mail"),
        tasks__slash__report="from tasks.mail import f\n" + TASK.format("report"),
    )

    discovery = found(tmp_path)

    assert discovery.problems == ()
    assert [module.name for module in discovery.modules] == ["tasks.mail", "tasks.report"]
    assert list(REGISTRY.tasks) == ["mail", "report"]


def test_init_py_comes_before_everything_in_its_folder(tmp_path: Path) -> None:
    write(
        tmp_path,
        tasks__slash__aaa="import sys; assert 'tasks.init' in sys.modules",
        tasks__slash__init="ORDER = 1",
        tasks__slash__deep__slash__b="",
    )

    discovery = found(tmp_path)

    assert discovery.problems == ()
    assert [module.name for module in discovery.modules] == [
        "tasks.init",
        "tasks.aaa",
        "tasks.deep.b",
    ]


def test_a_file_that_is_no_identifier_is_imported_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, **{"tasks__slash__send-mail": TASK.format("mail")})

    assert found(tmp_path).problems == ()
    assert list(REGISTRY.tasks) == ["mail"]


def test_a_folder_with_the_name_of_an_installed_package_works(tmp_path: Path) -> None:
    write(tmp_path, json__slash__mine=TASK.format("mine"))

    assert found(tmp_path, "json").problems == ()
    assert list(REGISTRY.tasks) == ["mine"]


def test_ignored_files_and_foreign_folders_are_left_alone(tmp_path: Path) -> None:
    write(
        tmp_path,
        tasks__slash__a="",
        tasks__slash__test_a="raise ValueError",
        tasks__slash____pycache____slash__b="raise ValueError",
        tasks__slash__node_modules__slash__c="raise ValueError",
    )
    (tmp_path / "tasks" / ".hidden").mkdir()
    (tmp_path / "tasks" / ".hidden" / "d.py").write_text("raise ValueError")

    discovery = found(tmp_path, ignore=("**/test_*.py",))

    assert [module.name for module in discovery.modules] == ["tasks.a"]
    assert discovery.problems == ()


@pytest.mark.parametrize(
    ("code", "line", "message", "advice"),
    [
        ("x = 1\nimport nothing_like_it", 2, "nothing_like_it", "Install it, for example: "),
        ("def f(:\n  pass", 1, "SyntaxError", "Correct the line"),
        ("\n\nboom()", 3, "NameError", "Correct it and save"),
        ("import os\nos.environ['API_KEY']", 2, "API_KEY", ".env"),
        ("import sys\nsys.exit(2)", 2, "SystemExit", "must not end the process"),
        ("from os import nothing_there", 1, "nothing_there", "Check the name"),
    ],
)
def test_a_module_that_fails_is_named_with_line_and_advice(
    tmp_path: Path, code: str, line: int, message: str, advice: str
) -> None:
    write(tmp_path, tasks__slash__bad=code, tasks__slash__good=TASK.format("good"))

    discovery = found(tmp_path)

    (problem,) = discovery.problems
    assert (problem.file, problem.line) == ("tasks/bad.py", line)
    assert message in problem.message
    assert advice in problem.advice
    assert list(REGISTRY.tasks) == ["good"]


def test_the_line_is_the_users_deepest_not_a_librarys(tmp_path: Path) -> None:
    write(
        tmp_path,
        tasks__slash__a="from helper import parse\nparse()",
        helper="import json\ndef parse():\n    json.loads('no')",
    )

    (problem,) = found(tmp_path).problems

    assert (problem.file, problem.line) == ("helper.py", 3)
    assert "tasks/a.py" in problem.trace
    assert "json/decoder.py" not in problem.trace


def test_tasks_of_a_module_that_fails_later_are_not_kept(tmp_path: Path) -> None:
    write(tmp_path, tasks__slash__bad=TASK.format("half") + "boom()")

    assert len(found(tmp_path).problems) == 1
    assert list(REGISTRY.tasks) == []


def test_a_folder_that_does_not_exist_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, "jobs").problems

    assert "jobs" in problem.message
    assert "trigger.config.py" in problem.advice


def test_a_source_folder_is_part_of_the_search_path(tmp_path: Path) -> None:
    write(
        tmp_path,
        src__slash__shop__slash____init__="",
        src__slash__shop__slash__tasks__slash____init__="",
        src__slash__shop__slash__tasks__slash__mail="import shop\n" + TASK.format("mail"),
    )

    discovery = found(tmp_path, "src/shop/tasks")

    assert discovery.problems == ()
    assert "shop.tasks.mail" in [module.name for module in discovery.modules]


def test_names_follow_packages_and_the_search_path(tmp_path: Path) -> None:
    write(tmp_path, a__slash__b__slash__c="", p__slash____init__="", p__slash__q="")
    root = tmp_path.resolve()

    assert module_name(root / "a/b/c.py", [str(root)]) == "a.b.c"
    assert module_name(root / "a/b/c.py", [str(root), str(root / "a")]) == "b.c"
    assert module_name(root / "p/q.py", [str(root), str(root / "p")]) == "p.q"
    assert module_name(root / "p/__init__.py", [str(root)]) == "p"
    assert module_name(root / "a/b/c.py", ["/elsewhere"]) == "c"


def test_patterns_match_at_any_depth(tmp_path: Path) -> None:
    project = Project(folder=tmp_path, dirs=(), ignore=("**/test_*.py", "tasks/old/*"))
    root = tmp_path.resolve()

    assert is_ignored(root / "test_a.py", project)
    assert is_ignored(root / "x/y/test_a.py", project)
    assert is_ignored(root / "tasks/old/a.py", project)
    assert not is_ignored(root / "tasks/new/a.py", project)
    assert not is_ignored(Path("/elsewhere/a.py"), project)


def test_installed_packages_are_not_the_users_code(tmp_path: Path) -> None:
    assert is_users(str(tmp_path / "a.py"), tmp_path)
    assert not is_users(str(tmp_path / ".venv/lib/site-packages/x.py"), tmp_path)
    assert not is_users("/usr/lib/x.py", tmp_path)
    assert not is_users("<string>", tmp_path)


def test_a_folder_that_cannot_be_read_gives_no_files(tmp_path: Path) -> None:
    project = Project(folder=tmp_path, dirs=())

    assert list(task_files(tmp_path / "missing", project)) == []


def test_two_tasks_with_one_id_name_both_places_and_block_the_version(tmp_path: Path) -> None:
    write(
        tmp_path,
        tasks__slash__a=TASK.format("mail"),
        tasks__slash__b="\n" + TASK.format("mail"),
    )

    (problem,) = found(tmp_path).problems

    assert problem.message == "two tasks have the id 'mail': tasks/a.py:2 and tasks/b.py:3"
    assert (problem.file, problem.line, problem.blocks) == ("tasks/b.py", 3, True)


def test_a_module_that_fails_blocks_nothing(tmp_path: Path) -> None:
    write(tmp_path, tasks__slash__bad="boom()")

    (problem,) = found(tmp_path).problems

    assert not problem.blocks


@pytest.mark.parametrize(
    ("pip", "command"),
    [(None, f"uv pip install -p {sys.executable} pandas"), (sys, "-m pip install pandas")],
)
def test_the_advice_to_install_names_a_tool_that_is_there(
    monkeypatch: pytest.MonkeyPatch, pip: object, command: str
) -> None:
    monkeypatch.setattr(discovery.importlib.util, "find_spec", lambda _name: pip)

    assert install_advice("pandas").endswith(command)
