"""What the command line refuses, with which code, and how fast it answers."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aidran_pipeline.cli import app
from aidran_pipeline.commands.console import UsageError, ago, choose_topics, clean, parse_day
from aidran_pipeline.commands.database import without_password

TODAY = date(2026, 5, 20)
runner = CliRunner()


def test_days_are_read_and_refused_by_name() -> None:
    assert parse_day("2026-05-19", today=TODAY) == date(2026, 5, 19)
    assert parse_day(None, today=TODAY) == TODAY
    assert parse_day("yesterday", today=TODAY) == date(2026, 5, 19)
    for given, said in (
        ("2026-05-21", "lies ahead"),
        ("2025-12-31", "before the newsroom's first day"),
        ("20th of May", "is not a date"),
        ("2026-02-30", "is not a date"),
    ):
        with pytest.raises(UsageError, match=said) as error:
            parse_day(given, today=TODAY)
        assert given in str(error.value)


def test_an_unknown_topic_is_answered_with_its_nearest_name() -> None:
    known = ["ai-law", "ai-geopolitics"]
    assert choose_topics([], known) is None
    assert choose_topics(["ai-law", "ai-law"], known) == ["ai-law"]
    with pytest.raises(UsageError, match="did you mean ai-geopolitics"):
        choose_topics(["ai-geopolitic"], known)
    with pytest.raises(UsageError, match="known are ai-law, ai-geopolitics"):
        choose_topics(["football"], known)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--day", "2199-01-01"], "lies ahead"),
        (["run", "--day", "nonsense"], "is not a date"),
        (["run", "--topic", "ai-geopolitic"], "did you mean ai-geopolitics"),
        (["why", "2026-05-20", "football"], "not a configured topic"),
        (["why", "someday", "ai-law"], "is not a date"),
    ],
)
def test_wrong_use_is_exit_2_in_one_line(arguments: list[str], said: str) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2
    assert "Traceback" not in result.output


def test_a_broken_configuration_is_exit_2_and_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "none.yaml"
    monkeypatch.setenv("AIDRAN_TOPICS", str(missing))
    result = runner.invoke(app, ["run", "--day", "2026-05-20"])
    assert result.exit_code == 2
    assert str(missing) in result.stderr


def test_an_unreachable_database_is_exit_1_and_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIDRAN_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    result = runner.invoke(app, ["db", "migrate"])
    assert result.exit_code == 1
    assert "AIDRAN_DATABASE_URL" in result.stderr
    assert "secret" not in result.output + result.stderr
    status = runner.invoke(app, ["db", "status", "--json"])
    assert status.exit_code == 1
    assert "secret" not in status.output


def test_an_external_server_is_not_ours_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIDRAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    result = runner.invoke(app, ["db", "stop"])
    assert result.exit_code == 1
    assert "stop it where it runs" in result.stderr


def test_help_imports_nothing_heavy() -> None:
    heavy = ("dagster", "pydantic", "psycopg", "numpy")
    code = f"import sys, aidran_pipeline.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_passwords_and_control_characters_stay_off_the_terminal() -> None:
    assert without_password("postgresql://a:b@host:5/x?y=1") == "postgresql://a@host:5/x?y=1"
    assert clean("a\x1b[31mb\x9b\x07c\n") == "a[31mbc\n"


def test_moments_are_told_in_one_unit() -> None:
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    assert ago(None, now) == "never"
    assert ago(now - timedelta(minutes=5), now) == "5 min ago"
    assert ago(now + timedelta(hours=2), now) == "in 2 h"
