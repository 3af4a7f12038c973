"""House rules that no linter knows."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "trigger_box"
QUERIES = PACKAGE / "store" / "queries"
LINES_MAX = 450

SQL = re.compile(
    r"\b(SELECT\s+[\w*(]|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s)"
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TEST = re.compile(r"\]\(\.\./\.\./tests/[\w/]+\.py\)")
ADDRESS = re.compile(r"https?://([A-Za-z0-9.-]*[A-Za-z0-9])")
# Written like addresses, but nobody is called there: the issuer of tokens, a kind of picture.
NAMES = {"id.trigger.dev", "api.trigger.dev", "www.w3.org"}
OWN_HOST = re.compile(r"127\.0\.0\.1|localhost|([\w-]+\.)?example\.(com|org)|box|HOST")


@cache
def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - git is where the developer has it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_no_sql_text_lives_in_python() -> None:
    # migrate.py reads SQLite's own catalogue to write schema.sql: there is no table file for it.
    allowed = {PACKAGE / "store" / "migrate.py"}

    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in python_files()
        if path not in allowed
        for line in text_of(path).splitlines()
        if SQL.search(line)
    ]

    assert found == []


def test_every_named_query_is_used() -> None:
    code = "\n".join(text_of(path) for path in python_files())

    unused = [
        f"{file.name}: {name}"
        for file in [*QUERIES.glob("*.sql"), *(PACKAGE / "telemetry").rglob("*.sql")]
        for name in re.findall(r"^-- name: (\w+)", text_of(file), re.MULTILINE)
        if not re.search(rf"\.{name}\b", code)
    ]

    assert unused == []


def test_every_query_says_why_it_is_written_so_or_is_plain() -> None:
    silent = [
        f"{file.name}: {name}"
        for file in QUERIES.glob("*.sql")
        for name, body in re.findall(
            r"^-- name: (\w+)[ \t]*\n(.*?)(?=^-- name: |\Z)",
            text_of(file),
            re.MULTILINE | re.DOTALL,
        )
        if body.count("\n") > 6 and not body.lstrip().startswith("--")
    ]

    assert silent == []


def test_modules_stay_small() -> None:
    code = [*python_files(), *(ROOT / "web" / "src").rglob("*.ts*")]

    long = {
        str(path.relative_to(ROOT)): lines
        for path in code
        if ".d.ts" not in path.name and (lines := len(text_of(path).splitlines())) > LINES_MAX
    }

    assert long == {}


def test_links_in_the_documents_lead_somewhere() -> None:
    pages = [path for path in tracked() if path.suffix == ".md"]

    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(text_of(page))
        if "://" not in target
        and not target.startswith(("#", "mailto:"))
        and not (page.parent / target.split("#")[0]).exists()
    ]

    assert broken == []


def test_features_are_answered_once_and_done_ones_name_a_test() -> None:
    rows = re.findall(
        r"^\| (\d+\.\d+) \| [^|]+ \| ([^|]+) \| ([^|]*) \|$",
        text_of(ROOT / "docs" / "reference" / "features.md"),
        re.MULTILINE,
    )

    ids = [row[0] for row in rows]
    untested = [row[0] for row in rows if row[1].strip() == "done" and not TEST.search(row[2])]
    silent = [row[0] for row in rows if not row[2].strip()]

    assert len(ids) == 506
    assert len(ids) == len(set(ids))
    assert {row[1].strip() for row in rows} <= {"done", "part", "not yet", "no"}
    assert untested == []
    assert silent == []


def test_the_program_names_no_address_of_elsewhere() -> None:
    # Nothing is asked, fetched or told anywhere but at the box itself.
    code = [*python_files(), *(ROOT / "web" / "src").rglob("*.*"), ROOT / "web" / "index.html"]

    found = {
        f"{path.relative_to(ROOT)}: {host}"
        for path in code
        if path.suffix in {".py", ".ts", ".tsx", ".js", ".css", ".svg", ".html"}
        for host in ADDRESS.findall(text_of(path))
        if not OWN_HOST.fullmatch(host) and host not in NAMES
    }

    assert found == set()


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(name for group in extras.values() for name in group)]
    reasons = text_of(ROOT / "docs" / "internals" / "dependencies.md")

    missing = [
        name
        for requirement in wanted
        if (name := re.split(r"[\[><=]", requirement)[0]) != "trigger-box"
        and f"| {name} |" not in reasons
    ]

    assert missing == []


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "misc"])
def test_no_module_is_called_after_nothing(word: str) -> None:
    assert [path for path in PACKAGE.rglob(f"{word}*") if path.suffix in {".py", ""}] == []


def test_no_path_of_a_machine_is_committed() -> None:
    pattern = re.compile(r"(?<![\w./-])/(?:work|farm|root)/")

    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:100]}"
        for path in tracked()
        if path.suffix in {".py", ".md", ".sh", ".toml", ".ts", ".tsx", ".json", ".sql", ""}
        and path != Path(__file__)
        and path.stat().st_size < 2_000_000
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if pattern.search(line)
    ]

    assert found == []
