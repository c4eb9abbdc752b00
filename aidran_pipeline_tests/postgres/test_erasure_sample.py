"""Erasure in the sample's newsroom, by the command line: stories told again from what is left, and no row that moves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aidran_pipeline.analyze import analyze_days, extract_claims
from aidran_pipeline.config.publication import Publication, load_publication
from aidran_pipeline.config.settings import Settings
from aidran_pipeline.erase import erase_records, reconcile
from aidran_pipeline.lineage import verify
from aidran_pipeline.publish import build_site
from aidran_pipeline.signal import compute_signals, replay_days
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.embedded import ensure_server, stop_server
from aidran_pipeline.store.provenance import Run
from aidran_pipeline.write import write_article
from aidran_pipeline_tests.erasure_scan import find_parts, parts_of, words

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DAYS = [date(2026, 5, 18) + timedelta(days=n) for n in range(3)]
RUN = Run("run-erase", datetime(2026, 5, 22, 8, tzinfo=UTC))
# What an edition run again may write: nothing here.
STANDING = ("records", "record_versions", "claims", "baselines", "signals", "signal_evidence", "storylines", "articles",
            "storyline_records", "article_versions", "article_sentences", "citations", "sentence_citations",
            "editorial_decisions", "topic_web_pages", "tombstones", "record_topics", "record_analysis")  # fmt: skip


@dataclass
class Sample:
    """A copy of the sample's newsroom: its database, and a home with its site."""

    conn: Connection
    url: str
    home: Path
    publication: Publication
    known: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known = self.differences()

    def aidran(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of the checkout on this newsroom."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AIDRAN_", "DAGSTER_"))
        }
        done = subprocess.run(
            [sys.executable, "-m", "aidran_pipeline.cli", *arguments], capture_output=True, text=True, timeout=300,
            env={**environment, "AIDRAN_HOME": str(self.home), "AIDRAN_DATABASE_URL": self.url},
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        return self.conn.execute(query, values).fetchall()

    def cited(self, slug: str) -> list[dict[str, Any]]:
        """Records that the version in force cites, in the order of their numbers."""
        return self.rows(
            """SELECT r.*, c.number FROM citations c JOIN current_article_versions v ON v.id = c.article_version_id
               JOIN articles a ON a.id = v.article_id JOIN records r ON r.id = c.record_id
               WHERE a.slug = %s AND r.erased_at IS NULL ORDER BY c.number""",
            slug,
        )

    def own_parts(self, records: list[int], urls: list[str]) -> list[str]:
        """What only these records, and their own pages, say: whole and by halves."""
        mine = [row["text"] for row in self.rows("SELECT text FROM record_versions WHERE record_id = ANY(%s)", records)]
        others = self.rows(
            """SELECT concat_ws(' ', title, text) AS text FROM record_versions WHERE record_id <> ALL(%s)
               UNION ALL SELECT concat_ws(' ', v.title, v.text) FROM web_page_versions v
               JOIN web_pages w ON w.id = v.web_page_id WHERE w.canonical_url <> ALL(%s)""",
            records, urls,
        )  # fmt: skip
        said = " ".join(words(row["text"]) for row in others)
        linked = self._link_texts()
        return [part for text in mine for part in parts_of(text) if part not in said and part not in linked]

    def _link_texts(self) -> str:
        """Headlines under "More from" on other pages of an outlet: that page's words."""
        found = []
        import re
        import zlib

        for row in self.rows(
            "SELECT p.body FROM payloads p JOIN fetches f ON f.payload_sha256 = p.sha256 WHERE f.purpose = 'page'"
        ):
            found += re.findall(r"<aside>.*?</aside>", zlib.decompress(row["body"]).decode(), re.DOTALL)
        return words(re.sub(r"<[^>]+>", " ", " ".join(found)))

    def find(self, parts: list[str]) -> list[str]:
        return find_parts(parts, self.url, self.home, work=self.home.parent)

    def holds(self) -> None:
        """verify and the replay of signals find nothing wrong."""
        report = verify(self.conn, publication=self.publication, site_dir=self.home / "site")
        assert report.ok, [m.message for m in report.mismatches[:4]]
        assert report.redacted["text"] and report.redacted["body"]
        assert self.differences() == self.known, "what an edited record changes in a recount it changed before"

    def differences(self) -> list[tuple[Any, ...]]:
        """Of the stored signals from their baselines (none, ever) and from the records as they were known."""
        first = DAYS[0] - timedelta(days=7)
        assert replay_days(self.conn, first, DAYS[-1]).differences == []
        found = replay_days(self.conn, first, DAYS[-1], records=True).differences
        return [(one.where, one.what, one.stored, one.computed) for one in found]

    def edition_again(self) -> None:
        """Every stage after ingest of the published days, as an edition would run it."""
        analyze_days(self.conn, DAYS, run=RUN)
        extract_claims(self.conn, DAYS, run=RUN)
        topics = [row["slug"] for row in self.rows("SELECT slug FROM topics ORDER BY slug")]
        compute_signals(
            self.conn, [(day, topic) for day in DAYS for topic in topics], run=RUN, publication=self.publication
        )
        for day in DAYS:
            for topic in topics:
                write_article(self.conn, day, topic, run=RUN, publication=self.publication)

    def standing(self) -> dict[str, list[str]]:
        return {
            table: [row["line"] for row in self.rows(f"SELECT t::text AS line FROM {table} t ORDER BY 1")]
            for table in STANDING
        }


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a demo that was played once; its server runs on, its database is copied for each test."""
    home = tmp_path_factory.mktemp("sample") / "home"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIDRAN_", "DAGSTER_"))}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "aidran_pipeline.cli", "demo"], env={**environment, "AIDRAN_HOME": str(home)},
            capture_output=True, text=True, timeout=580, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        _settle(home)
        yield home
    finally:
        stop_server(Settings(AIDRAN_HOME=home))


def _settle(home: Path) -> None:
    """Records that were edited on a later day make past stories' input another one: told once more, they stand."""
    url = ensure_server(Settings(AIDRAN_HOME=home))
    with connect(url) as conn:
        sample = Sample(conn, url, home, load_publication())
        sample.edition_again()
        build_site(conn, home / "site", sample.publication, run=RUN)


@pytest.fixture
def sample(played: Path, tmp_path: Path) -> Iterator[Sample]:
    source = ensure_server(Settings(AIDRAN_HOME=played))
    base, name = source.rsplit("/", 1)
    copy = f"copy_{time.monotonic_ns()}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        admin.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
    shutil.copytree(played / "site", tmp_path / "home" / "site")
    with connect(f"{base}/{copy}") as conn:
        yield Sample(conn, f"{base}/{copy}", tmp_path / "home", load_publication())
    with psycopg.connect(f"{base}/postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {copy} WITH (FORCE)")


def a_story(sample: Sample, least: int = 8) -> str:
    """The slug of a story of the first day with enough sources to lose one."""
    return str(
        sample.rows(
            """SELECT a.slug FROM articles a JOIN current_article_versions v ON v.article_id = a.id
               WHERE a.day = %s AND v.records_cited >= %s ORDER BY a.slug LIMIT 1""",
            DAYS[0], least,
        )[0]["slug"]
    )  # fmt: skip


def test_a_story_that_loses_two_sources_one_after_the_other_still_verifies(sample: Sample) -> None:
    """The version told after the first erasure counted the second source, which is erased in it later."""
    slug = a_story(sample)
    for number in (0, 1):
        record = sample.cited(slug)[number]
        done = json.loads(sample.aidran("erase", record["url"], "--reason", "asked", "--yes", "--json").stdout)
        slug = done["stories"][0]["slug"]
        sample.holds()


@pytest.mark.parametrize("platform", ["news", "bluesky", "reddit"])
def test_a_cited_record_goes_and_its_story_is_told_from_the_others(sample: Sample, platform: str) -> None:
    slug = next(
        row["slug"] for row in sample.rows("SELECT slug FROM articles WHERE day = %s ORDER BY slug", DAYS[0])
        if any(r["platform"] == platform for r in sample.cited(row["slug"])) and len(sample.cited(row["slug"])) >= 8
    )  # fmt: skip
    record = next(row for row in sample.cited(slug) if row["platform"] == platform)
    parts = sample.own_parts([record["id"]], [record["canonical_url"]])
    assert len(parts) >= 3
    assert sample.find(parts)
    done = json.loads(sample.aidran("erase", record["url"], "--reason", "a reader asked", "--yes", "--json").stdout)
    assert done["records"] == [record["id"]]
    assert done["stories"][0]["status"] == "published"
    assert sample.find(parts) == []
    sample.holds()
    new = done["stories"][0]["slug"]
    left = {row["id"] for row in sample.cited(new)}
    assert left and record["id"] not in left
    scores = sample.rows(
        """SELECT d.newsworthiness FROM editorial_decisions d JOIN article_versions v ON v.id = d.article_version_id
           JOIN articles a ON a.id = v.article_id WHERE a.slug = %s ORDER BY d.id DESC LIMIT 2""",
        new,
    )  # fmt: skip
    assert scores[0] == scores[1] and scores[0]["newsworthiness"] > 0, "the day's worth was decided before"
    page = (sample.home / "site" / "stories" / new / "index.html").read_text()
    assert "this version is told from the others" in page and "Withdrawn sources" in page
    marker = str(len(left) + 1)
    shown = sample.aidran("trace", new, marker).stdout
    assert "source withdrawn" in shown and "a reader asked" in shown
    before = sample.standing()
    sample.edition_again()
    assert {table for table, rows in sample.standing().items() if rows != before[table]} == set()
    assert sample.find(parts) == []


def test_an_uncited_record_goes_without_a_story_changing(sample: Sample) -> None:
    row = sample.rows(
        """SELECT r.* FROM records r JOIN claims c ON c.record_version_id IN
               (SELECT id FROM record_versions v WHERE v.record_id = r.id)
           WHERE r.day = %s AND NOT EXISTS (SELECT FROM citations x WHERE x.record_id = r.id)
             AND NOT EXISTS (SELECT FROM duplicate_members d WHERE d.record_id = r.id) ORDER BY r.id LIMIT 1""",
        DAYS[1],
    )[0]  # fmt: skip
    parts = sample.own_parts([row["id"]], [row["canonical_url"]])
    versions = sample.rows("SELECT id, content_hash FROM article_versions ORDER BY id")
    done = erase_records(sample.conn, [row["id"]], cause="request", reason="x", run=RUN, publication=sample.publication)
    build_site(sample.conn, sample.home / "site", sample.publication, run=RUN)
    assert done.stories == []
    assert sample.rows("SELECT id, content_hash FROM article_versions ORDER BY id") == versions
    assert sample.find(parts) == []
    sample.holds()
    before = sample.standing()
    sample.edition_again()
    assert {table for table, rows in sample.standing().items() if rows != before[table]} == set()


def test_copies_by_others_stay_and_are_not_quoted_in_its_stead(sample: Sample) -> None:
    first = sample.rows(
        """SELECT g.representative AS id, g.id AS own FROM duplicate_groups g
           JOIN citations c ON c.record_id = g.representative ORDER BY g.id LIMIT 1"""
    )  # fmt: skip
    group = (
        first[0]
        if first
        else sample.rows("SELECT representative AS id, id AS own FROM duplicate_groups ORDER BY id")[0]
    )
    copies = [row["record_id"] for row in sample.rows(
        "SELECT record_id FROM duplicate_members WHERE group_id = %s AND record_id <> %s", group["own"], group["id"]
    )]  # fmt: skip
    assert copies
    erase_records(sample.conn, [group["id"]], cause="request", reason="x", run=RUN, publication=sample.publication)
    build_site(sample.conn, sample.home / "site", sample.publication, run=RUN)
    texts = sample.rows("SELECT text FROM newest_record_versions WHERE record_id = ANY(%s)", copies)
    assert len(texts) == len(copies) and all(row["text"] for row in texts)
    sample.edition_again()
    cited = sample.rows(
        """SELECT c.record_id FROM citations c JOIN current_article_versions v ON v.id = c.article_version_id
           WHERE c.weight > 0"""
    )
    assert not {row["record_id"] for row in cited} & {*copies, group["id"]}
    assert sample.rows("SELECT FROM claims c JOIN record_versions v ON v.id = c.record_version_id WHERE v.record_id = ANY(%s)",
                       copies) == []  # fmt: skip
    build_site(sample.conn, sample.home / "site", sample.publication, run=RUN)
    sample.holds()


def test_an_author_killed_half_way_is_finished_by_reconcile(sample: Sample) -> None:
    """kill -9 while records go one by one: each is whole or gone, and the next reconcile ends it."""
    author = sample.rows(
        """SELECT platform, author_key, array_agg(id ORDER BY id) AS ids, array_agg(canonical_url) AS urls FROM records
           WHERE platform <> 'news' GROUP BY 1, 2 HAVING count(*) >= 3 ORDER BY count(*) DESC, 2 LIMIT 1"""
    )[0]  # fmt: skip
    parts = sample.own_parts(author["ids"], author["urls"])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIDRAN_", "DAGSTER_"))}
    with subprocess.Popen(
        [sys.executable, "-m", "aidran_pipeline.cli", "erase", author["author_key"], "--reason", "asked", "--yes"],
        env={**environment, "AIDRAN_HOME": str(sample.home), "AIDRAN_DATABASE_URL": sample.url},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        while not sample.rows("SELECT FROM tombstones WHERE kind = 'record'"):
            assert running.poll() is None, "it ended before a record was seen to go"
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
    gone = sample.rows("SELECT record_id FROM tombstones WHERE kind = 'record'")
    whole = sample.rows("SELECT FROM records WHERE id = ANY(%s) AND erased_at IS NULL", author["ids"])
    assert len(gone) + len(whole) == len(author["ids"])
    done = reconcile(
        sample.conn, run=RUN, settings=Settings(AIDRAN_HOME=sample.home), publication=sample.publication, ask=False
    )
    assert len(done.erasure.records) == len(whole)
    build_site(sample.conn, sample.home / "site", sample.publication, run=RUN)
    assert sample.find(parts) == []
    sample.holds()


def test_nobody_there_to_confirm_erases_nothing(sample: Sample) -> None:
    record = sample.cited(a_story(sample))[0]
    refused = sample.aidran("erase", str(record["id"]), "--reason", "x", check=False)
    assert refused.returncode == 2 and "--yes" in refused.stderr
    unknown = sample.aidran("erase", "at://did:plc:nobody/app.bsky.feed.post/1", "--reason", "x", "--yes", check=False)
    assert unknown.returncode == 1 and "no record and no author" in unknown.stderr
    assert sample.rows("SELECT FROM tombstones") == []
