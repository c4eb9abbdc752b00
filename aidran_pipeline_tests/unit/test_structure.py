"""The shape of the tree: what no tool checks by itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aidran_pipeline_tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "aidran_pipeline"
STAGES = ("ingest", "analyze", "signal", "write", "publish", "lineage", "text")
LONGEST_FILE = 450
_SYSTEM_TIME = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}
# Put together, so that this file does not match itself.
_FORBIDDEN = {
    "a package registry's address": "|".join(
        ("pypi" + r"\.org", "python" + r"hosted\.org", r"registry\.npm" + "js", r"--(?:extra-)?index-" + "url")
    ),
    "a folder of one machine": r"(?<![\w.:/])/(?:root|work|home/\w+|Users/\w+|tmp/lab)/",
    "a secret": r"AKIA[0-9A-Z]{16}|sk-[A-Za-z0-9]{20,}|BEGIN (?:RSA |EC )?PRIVATE KEY",
}


def tracked(*suffixes: str) -> list[Path]:
    """Files under version control; the whole tree where there is no git."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
        paths = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        hidden = {".venv", ".aidran", ".git"}
        paths = [path for path in REPOSITORY.rglob("*") if not hidden & set(path.relative_to(REPOSITORY).parts)]
    return sorted(path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes))


def calls(tree: ast.AST) -> set[tuple[str, str]]:
    """Calls written as owner.name(), such as datetime.now()."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            found.add((name, node.func.attr))
    return found


def name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def test_no_python_file_is_too_long_to_read() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in tracked(".py")}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_stages_do_not_ask_the_system_for_the_time() -> None:
    found = {}
    for stage in STAGES:
        for path in sorted((PACKAGE / stage).rglob("*.py")):
            if hits := calls(ast.parse(path.read_text())) & _SYSTEM_TIME:
                found[name(path)] = hits
    assert found == {}


def test_only_settings_and_the_way_to_dagster_touch_the_environment() -> None:
    allowed = {
        "config/settings.py",
        "cli.py",  # AIDRAN_DEBUG, before anything heavy is imported
        "commands/dev.py",  # hands the environment on to Dagster's own process
        "defs/instance.py",  # Dagster is configured by variables
    }
    found = [
        name(path)
        for path in sorted(PACKAGE.rglob("*.py"))
        if str(path.relative_to(PACKAGE)) not in allowed
        and any(
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "os"
            and node.attr in {"environ", "getenv", "putenv"}
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert found == []


@pytest.mark.parametrize("what", sorted(_FORBIDDEN))
def test_tracked_files_hold_no(what: str) -> None:
    pattern = re.compile(_FORBIDDEN[what])
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name(path)}: {match.group(0)}" for match in pattern.finditer(text)]
    assert found == []


def test_every_module_says_what_belongs_in_it() -> None:
    silent = [
        name(path) for path in sorted(PACKAGE.rglob("*.py")) if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_every_module_is_used() -> None:
    """A module that nothing imports is dead code; entry points are named here."""
    entries = {"aidran_pipeline.cli", "aidran_pipeline.definitions"}
    modules = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if path.stem not in {"__init__", "__main__"}
    }
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
    assert sorted(modules - imported - entries) == []


def test_wheel_holds_migrations_and_every_data_file(tmp_path: Path) -> None:
    """An installed wheel works without the checkout: what is not Python must be in it."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(REPOSITORY)) for path in tracked() if path.is_relative_to(PACKAGE)}
    wanted |= {
        f"aidran_pipeline/_sql/migrations/{path.name}" for path in tracked(".sql") if path.parent.name == "migrations"
    }
    wanted |= {f"aidran_pipeline/_dagster/{name}.yaml" for name in ("dagster", "workspace")}
    assert wanted - inside == set()
    assert not [entry for entry in inside if entry.startswith(("aidran_pipeline_tests", "benchmarks"))]
