"""What the documents say and what the code does are the same: commands, options, variables, links, pins."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aidran_pipeline.config.settings import Settings
from aidran_pipeline_tests.conftest import REPOSITORY, SERVER_VARIABLE

# Read by the command line itself, before settings are loaded.
EARLY_VARIABLES = {"AIDRAN_DEBUG"}
VARIABLES = {str(field.validation_alias) for field in Settings.model_fields.values()} | EARLY_VARIABLES
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
README = (REPOSITORY / "README.md").read_text()
# `aidran trace SLUG 3 --json` in code spans, and lines of code blocks that begin with the command.
_CALL = re.compile(
    r"`(?:\.venv/bin/)?aidran ([^`\n]+)`|^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?aidran ([^\n#|]+)", re.MULTILINE
)
_VARIABLE = re.compile(r"\b(?:AIDRAN|BLUESKY|REDDIT|OPENAI)_[A-Z_]+\b")


def root() -> Any:
    from aidran_pipeline.cli import app

    return typer.main.get_command(app)


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every visible command with its words, such as `db start`."""
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def options(command: Any) -> list[Any]:
    """The visible options, without arguments and --help."""
    return [p for p in command.params if p.param_type_name == "option" and not p.hidden and p.name != "help"]


def resolve(words: list[str]) -> Any:
    """The command that a documented call names; None when there is none."""
    command = root()
    for word in words:
        if not hasattr(command, "commands"):
            break
        if word not in command.commands:
            return None
        command = command.commands[word]
    return None if hasattr(command, "commands") else command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documented_calls_exist_with_their_options(document: Path) -> None:
    text = document.read_text()
    wrong = []
    for match in _CALL.finditer(text):
        call = match.group(1) or match.group(2)
        for variant in _alternatives(call):
            words = variant.split()
            if words == ["db"]:
                continue
            command = resolve([word for word in words if not word.startswith(("-", "["))])
            if command is None:
                wrong.append(f"aidran {variant}: no such command")
                continue
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            wrong += [
                f"aidran {variant}: no option {word}"
                for word in re.findall(r"--?[a-z][\w-]*", variant)
                if word.startswith("--") and word not in known | {"--help"}
            ]
    assert wrong == []


def _alternatives(call: str) -> list[str]:
    """`db start|stop` means two calls."""
    for word in call.split():
        if "|" in word and not word.startswith(("[", "-")):
            return [call.replace(word, part) for part in word.split("|")]
    return [call]


def test_every_command_stands_in_the_readme_with_its_options() -> None:
    rows = {match[1]: match[0] for match in re.finditer(r"^\| `aidran ([a-z -]+?)` \|.*$", README, re.MULTILINE)}
    assert sorted(rows) == sorted(name for name, _ in commands(root()))
    missing = []
    for name, command in commands(root()):
        for option in options(command):
            longest = max(option.opts, key=len)
            if f"`{longest}`" not in rows[name]:
                missing.append(f"aidran {name} {longest}")
    assert missing == []


def test_every_command_and_option_explains_itself() -> None:
    silent = []
    for name, command in commands(root()):
        if not (command.help or "").strip():
            silent.append(name)
        silent += [f"{name} {option.opts[0]}" for option in options(command) if not option.help]
    assert silent == []


def test_variables_of_the_settings_and_of_the_readme_are_the_same() -> None:
    table = README.partition("## The environment")[2].partition("\n## ")[0]
    documented = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in _VARIABLE.findall(line.split(" | ")[0])
    }
    assert documented == VARIABLES


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_no_unknown_variable(document: Path) -> None:
    assert set(_VARIABLE.findall(document.read_text())) <= VARIABLES | {SERVER_VARIABLE}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    folder = document.parent
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())
    assert [target for target in targets if not (folder / target).exists()] == []


def test_continuous_integration_runs_the_test_command_of_the_readme() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text().strip().splitlines()
    assert script[-1] in README.splitlines()


# --- requirements -----------------------------------------------------------------------------------------------------


def pins(name: str) -> dict[str, set[str]]:
    """Pinned versions by package; several when they differ between Python versions."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (REPOSITORY / name).read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(package), set()).add(version)
    return found


def wanted(*groups: str) -> list[Requirement]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    lines = list(project["project"]["dependencies"])
    for group in groups:
        lines += [line for line in project["dependency-groups"][group] if isinstance(line, str)]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("file", "groups"), [("requirements.txt", ["build"]), ("requirements-dev.txt", ["build", "dev"])]
)
def test_pins_are_those_that_the_project_asks_for(file: str, groups: list[str]) -> None:
    pinned = pins(file)
    wrong = [
        str(requirement)
        for requirement in wanted(*groups)
        if not any(
            requirement.specifier.contains(version) for version in pinned.get(canonicalize_name(requirement.name), ())
        )
    ]
    assert wrong == [], "make requirements"


def test_tools_do_not_change_what_runs() -> None:
    everyone, developers = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: developers.get(name) for name in everyone} == everyone


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_pins_carry_hashes_and_no_address(file: str) -> None:
    text = (REPOSITORY / file).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=sha256:)", text, re.MULTILINE)
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []
