"""The demo from a fresh folder to a site: killed once on the way, finished, played again. One run for all tests."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from aidran_pipeline.config.settings import Settings
from aidran_pipeline.sample.days import load_sample, moment_of
from aidran_pipeline.store.db import connect
from aidran_pipeline.store.embedded import ensure_server, stop_server
from aidran_pipeline_tests.newsroom import build_newsroom
from aidran_pipeline_tests.tempting import tempting

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LAST = date(2026, 5, 20)
# Texts of the sample that have nothing to do with the subject, by words that stand in nothing else.
OFF_TOPIC = re.compile(
    r"\b(?:marathon|salads?|recipes?|tomato(?:es)?|slugs?|football|tennis|election|ferry|asparagus|horoscope|derby|"
    r"swimming pool|knitting|soup|semi-final|sovereign cloud coin|flea market|bark)\b",
    re.IGNORECASE,
)


@dataclass
class Played:
    """What came of it. output: of the play that finished; again: of the next one; rows, site: before and after that."""

    home: Path
    url: str
    killed_at: str
    output: str = ""
    again: str = ""
    seconds_again: float = 0.0
    resisted: bool = False
    rows: list[dict[str, tuple[int, str]]] = field(default_factory=list)
    site: list[dict[str, str]] = field(default_factory=list)

    def query(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the demo's database."""
        with psycopg.connect(self.url, row_factory=dict_row) as conn:
            return conn.execute(sql, values).fetchall()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    home = tmp_path_factory.mktemp("demo") / "home"
    settings = Settings(AIDRAN_HOME=home)
    try:
        with tempting(home.parent) as temptation:
            killed_at = _kill_on_the_way(home, temptation.environment)
            found = Played(home, ensure_server(settings), killed_at)
            found.output = _play(home, temptation.environment)
            found.resisted = temptation.resisted
        found.rows.append(_rows(found.url))
        found.site.append(_files(home / "site"))
        started = time.monotonic()
        found.again = _play(home)
        found.seconds_again = time.monotonic() - started
        found.rows.append(_rows(found.url))
        found.site.append(_files(home / "site"))
        yield found
    finally:
        stop_server(settings)


def _environment(home: Path) -> dict[str, str]:
    """Keys and choices of a user, none of which may matter."""
    return {
        **os.environ,
        "AIDRAN_HOME": str(home),
        "AIDRAN_ENGINE": "model",
        "AIDRAN_SOURCES": "/nowhere/sources.yaml",
        "AIDRAN_PUBLICATION": "/nowhere/publication.yaml",
        "AIDRAN_TOPICS": "/nowhere/topics.yaml",
        "OPENAI_API_KEY": "sk-spend-nothing",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "BLUESKY_HANDLE": "someone.social",
        "BLUESKY_APP_PASSWORD": "secret",
        "REDDIT_CLIENT_ID": "x",
        "REDDIT_CLIENT_SECRET": "secret",
    }


def _command() -> list[str]:
    return [sys.executable, "-m", "aidran_pipeline.cli", "demo"]


def _play(home: Path, more: Mapping[str, str] | None = None) -> str:
    environment = {**_environment(home), **(more or {})}
    done = subprocess.run(_command(), env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def _kill_on_the_way(home: Path, more: Mapping[str, str]) -> str:
    """Start a demo and kill it outright while its third day is read; returns the last line it had said."""
    environment = {**_environment(home), **more}
    with subprocess.Popen(_command(), env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        ingested, line = 0, ""
        for line in running.stdout:
            ingested += line.startswith("ingest")
            if ingested == 2 and line.startswith("claims"):
                time.sleep(0.4)
                break
        running.send_signal(signal.SIGKILL)
        running.wait(30)
    assert running.returncode == -signal.SIGKILL
    return line


def _rows(url: str) -> dict[str, tuple[int, str]]:
    """Count and content hash of each table of ours, fetches left out."""
    with psycopg.connect(url) as conn:
        names = conn.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        ).fetchall()
        found = {}
        for (name,) in names:
            if name == "fetches" or "yoyo" in name:
                continue
            row = conn.execute(
                f"SELECT count(*), md5(string_agg(t::text, E'\n' ORDER BY t::text COLLATE \"C\")) FROM {name} t"
            ).fetchone()
            assert row is not None
            found[name] = (row[0], row[1])
        return found


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


STORIES = """
SELECT a.day, a.topic, a.slug, v.id, v.records_cited, v.pages_cited, v.engine, v.number, h.text AS headline
FROM articles a JOIN current_article_versions v ON v.article_id = a.id
JOIN article_sentences h ON h.article_version_id = v.id AND h.part = 'headline' ORDER BY a.day, a.topic
"""


def test_a_killed_demo_goes_on_where_it_was(played: Played) -> None:
    assert played.killed_at.startswith("claims")
    assert [line for line in played.output.splitlines() if line.endswith("stands as it was made before")] == [
        f"2026-05-{day}  stands as it was made before" for day in (11, 12)
    ]
    assert "FAILED" not in played.output


def test_a_key_and_a_server_at_hand_are_left_alone(played: Played) -> None:
    """No connection to the model server, no import of its client, in any process, whatever the environment offers."""
    assert played.resisted


def test_every_text_of_the_sample_is_a_record(played: Played) -> None:
    sample = load_sample()
    end = moment_of(LAST)
    shown = [item for item in sample.items if item.published <= end]
    counted = Counter(item.platform for item in shown)
    rows = played.query("SELECT platform, count(*) AS n FROM records GROUP BY platform")
    assert {row["platform"]: row["n"] for row in rows} == dict(counted)
    assert sum(counted.values()) >= 400
    days = {row["day"] for row in played.query("SELECT DISTINCT day FROM records")}
    assert days == set(sample.days)


def test_edited_items_have_both_versions(played: Played) -> None:
    edited = [item for item in load_sample().items if len(item.wordings) > 1]
    rows = played.query(
        """SELECT r.published_at, array_agg(v.text ORDER BY v.number) AS texts FROM records r
           JOIN record_versions v ON v.record_id = r.id GROUP BY r.id HAVING count(*) > 1"""
    )
    assert {row["published_at"] for row in rows} == {item.published for item in edited}
    assert all(len(row["texts"]) == 2 and row["texts"][0] != row["texts"][1] for row in rows)


def test_copies_are_one_voice_and_three_languages_are_told_apart(played: Played) -> None:
    sizes = [row["size"] for row in played.query("SELECT size FROM duplicate_groups ORDER BY size DESC")]
    assert sizes[0] == 15 and len(sizes) >= 5
    spoken = played.query("SELECT lang, count(*) AS n FROM record_analysis GROUP BY lang")
    counted = {row["lang"]: row["n"] for row in spoken}
    assert set(counted) == {"en", "de", "es"}
    assert min(counted["de"], counted["es"]) >= 8


def test_every_request_went_to_the_sample_and_none_failed(played: Played) -> None:
    rows = played.query("SELECT url, final_url, outcome, error_class, purpose FROM fetches")
    assert {re.sub(r"https?://([^/]+).*", r"\1", row["final_url"] or row["url"]) for row in rows} <= set(
        load_sample().hosts()
    )
    assert {row["purpose"] for row in rows} == {"source", "page", "session"}
    failures = Counter((row["purpose"], row["error_class"]) for row in rows if row["outcome"] == "failed")
    assert set(failures) <= {("page", "robots")} and failures[("page", "robots")] > 0
    assert played.query("SELECT count(*) AS n FROM host_pacing") == [{"n": 0}]


def test_the_lead_story_is_the_race_for_concrete(played: Played) -> None:
    stories = {(row["day"], row["topic"]): row for row in played.query(STORIES)}
    lead = stories[LAST, "ai-geopolitics"]
    assert re.search(r"AI race .*concrete", lead["headline"])
    assert 18 <= lead["records_cited"] <= 22
    assert lead["pages_cited"] == 6
    assert max(row["records_cited"] for row in stories.values()) == lead["records_cited"]
    home = (played.home / "site" / "index.html").read_text()
    assert home.index(lead["slug"]) == min(home.index(row["slug"]) for row in stories.values())
    sections = played.query(
        """SELECT section, string_agg(text, ' ') AS text FROM article_sentences
           WHERE article_version_id = %s AND part IN ('heading', 'body') GROUP BY section ORDER BY section""",
        lead["id"],
    )
    subjects = (("SovereignSecure", "Gulf"), ("DeepSeek", "NIST", "eight months"), ("iHBM", "30 percent", "SK Hynix"))
    for section, subject in zip(sections, subjects, strict=True):
        assert all(word in section["text"] for word in subject), section
    answers = played.query(
        "SELECT section, string_agg(text, ' ') AS text FROM article_sentences WHERE article_version_id = %s "
        "AND part = 'answer' GROUP BY section ORDER BY section",
        lead["id"],
    )
    assert "matters because" in answers[0]["text"]
    assert "without a capable model" in answers[2]["text"] or "frontier" in answers[2]["text"]


def test_the_last_three_days_have_stories_of_many_topics_and_the_rest_has_reasons(played: Played) -> None:
    stories = played.query(STORIES)
    assert {row["day"] for row in stories} == {date(2026, 5, day) for day in (18, 19, 20)}
    assert 10 <= len(stories) <= 24
    assert len({row["topic"] for row in stories}) >= 6
    assert {row["engine"] for row in stories} == {"extractive"}
    withheld = played.query("SELECT day, topic, reasons FROM current_decisions WHERE decision = 'withheld'")
    assert len(withheld) + len(stories) == 3 * 24
    assert all(row["reasons"] and row["reasons"][0]["detail"] for row in withheld)
    assert {row["reasons"][0]["rule"] for row in withheld} >= {"no signal"}


def test_nothing_off_topic_is_in_a_story(played: Played) -> None:
    """Neither in its words, nor among what it cites: sports, recipes, elections, gardening, advertising."""
    words = played.query("SELECT text FROM article_sentences")
    assert [row["text"] for row in words if OFF_TOPIC.search(row["text"])] == []
    cited = played.query("SELECT DISTINCT v.text FROM citations c JOIN record_versions v ON v.id = c.record_version_id")
    assert cited and [row["text"] for row in cited if OFF_TOPIC.search(row["text"])] == []
    spoken = played.query(
        """SELECT DISTINCT a.lang FROM citations c JOIN record_analysis a ON a.record_version_id = c.record_version_id"""
    )
    assert [row["lang"] for row in spoken] == ["en"]


def test_the_site_says_that_it_is_a_sample(played: Played) -> None:
    pages = list((played.home / "site").rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        assert "Sample data: stories of 11 May to 20 May 2026 are made of invented posts" in page.read_text(), page
    assert not any("127.0.0.1:" in p.read_text().replace("127.0.0.1:8000", "") for p in pages)


def test_played_again_it_recomputes_nothing(played: Played) -> None:
    assert played.rows[0] == played.rows[1]
    assert played.site[0] == played.site[1] and len(played.site[0]) > 50
    lines = played.again.splitlines()
    assert sum(line.endswith("stands as it was made before") for line in lines) == 10
    assert not any(line.startswith(("ingest", "analyze", "claims", "stories")) for line in lines)
    assert played.seconds_again < 40  # 6 s on an idle machine


def test_it_tells_where_the_site_is_and_how_to_open_it(played: Played) -> None:
    index = played.home / "site" / "index.html"
    for output in (played.output, played.again):
        assert f"The site: {index}" in output
        assert f"AIDRAN_HOME={played.home} aidran site --serve" in output
        assert "The AI race" in output
    assert "secret" not in played.output + played.again


def test_run_ids_are_the_same_on_every_machine(played: Played) -> None:
    """They stand on the site's lineage pages. The day that was interrupted has second attempts."""
    import uuid

    from aidran_pipeline.commands.demo import RUN_IDS

    for day in (12, 20):
        moment = moment_of(date(2026, 5, day)).isoformat()
        expected = str(uuid.uuid5(RUN_IDS, f"{('ingest_job', f'2026-05-{day}', moment)} 0"))
        known = {
            row["run_id"]
            for row in played.query("SELECT DISTINCT run_id FROM records WHERE day = %s", date(2026, 5, day))
        }
        assert expected in known


def test_a_newsroom_at_work_is_left_alone(database_url: str, tmp_path: Path) -> None:
    with connect(database_url) as conn:
        build_newsroom(conn)
    before = _rows(database_url)
    environment = {**_environment(tmp_path / "home"), "AIDRAN_DATABASE_URL": database_url}
    done = subprocess.run(_command(), env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "this database holds records of live sources" in done.stderr and "AIDRAN_HOME=" in done.stderr
    after = _rows(database_url)
    assert after == before
