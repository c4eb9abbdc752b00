"""An operator's work in a real browser, on an instance in which a small newsroom ran: graph, partition, check, backfill.

One `aidran dev` for all tests but the last. The backfill is launched before the pages are looked at and awaited after
them, since its daemon works in steps of half a minute.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from aidran_pipeline.defs.partitions import RANGE_END, RANGE_START
from aidran_pipeline_tests.office import TOPICS, Dev, Office, office

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
if CHROMIUM is None:
    pytest.skip("no Chromium on PATH: browser tests need one", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: browser tests need it")
Page = sync_api.Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
GROUPS = ["ingest", "analyze", "signal", "write", "publish"]
BACKFILLED = ["analyze", "signal", "write"]
ASSETS = [
    "bluesky_posts", "reddit_posts", "news_articles", "analyzed_records", "claims", "topic_signals", "web_pages",
    "articles", "site",
]  # fmt: skip
BACKFILL = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
    status error { message } assetBackfillData { assetBackfillStatuses {
        ... on AssetPartitionsStatusCounts { assetKey { path } targeted: numPartitionsTargeted
            materialized: numPartitionsMaterialized failed: numPartitionsFailed }
        } } } } }"""

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "aidran"}
SCHEDULE = """mutation ($at: Float!) { scheduleDryRun(timestamp: $at, selectorData: {scheduleName: "edition_schedule",
        repositoryName: "__repository__", repositoryLocationName: "aidran"}) { ... on DryRunInstigationTick {
    evaluationResult { error { message } runRequests { runKey tags { key value } } } } } }"""
LAUNCH = """mutation ($parameters: ExecutionParams!) { launchRun(executionParams: $parameters) { __typename
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } } } }"""
RUNS = """query ($day: String!) { runsOrError(filter: {tags: [{key: "aidran/edition", value: $day}]}, limit: 50) {
    ... on Runs { results { jobName status tags { key value } } } } }"""
SITE = """{ assetNodeOrError(assetKey: {path: ["site"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
    metadataEntries { label ... on TextMetadataEntry { text } } } } } }"""


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The newsroom after the edition of its newest day, made by the command line."""
    with office(tmp_path_factory.mktemp("office")) as made:
        ran = made.aidran("run", "--day", str(made.days[-1]), "--json")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        outcome = json.loads(ran.stdout)
        assert outcome["stories_decided"] == len(TOPICS)
        yield made


@pytest.fixture(scope="module")
def dev(newsroom: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """`aidran dev`, ready."""
    running = Dev(newsroom, tmp_path_factory.mktemp("dev") / "dev.log")
    try:
        running.wait_ready()
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def page(dev: Dev) -> Iterator[Page]:
    """A desk's window. Nothing is asked of any other server than the UI's own."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1700, "height": 1000})
        elsewhere: list[str] = []
        opened = context.new_page()
        opened.set_default_timeout(60_000)
        opened.on("request", lambda asked: elsewhere.append(asked.url) if _is_elsewhere(asked.url, dev.url) else None)
        yield opened
        browser.close()
        assert elsewhere == []


@pytest.fixture(scope="module")
def edition(dev: Dev, newsroom: Office) -> tuple[str, str]:
    """The edition of the day before the three, launched as the schedule would have; its day and run id."""
    at = datetime.combine(newsroom.days[0], time(5, 30), UTC).timestamp()
    tick = dev.ask(SCHEDULE, at=at)["scheduleDryRun"]["evaluationResult"]
    (request,) = tick["runRequests"]
    tags = [{"key": tag["key"], "value": tag["value"]} for tag in request["tags"]]
    parameters = {
        "selector": {"jobName": "edition_job", **REPOSITORY}, "executionMetadata": {"tags": tags}, "runConfigData": {}
    }  # fmt: skip
    run_id = dev.ask(LAUNCH, parameters=parameters)["launchRun"]["run"]["runId"]
    day = next(tag["value"] for tag in tags if tag["key"] == "aidran/edition")
    assert day == str(newsroom.days[0] - timedelta(days=1))
    return day, run_id


@pytest.fixture(scope="module")
def late(dev: Dev, newsroom: Office) -> date:
    """Today's ingest, launched in the UI's way, which finds a report of an older day; that day."""
    day = newsroom.days[0] - timedelta(days=3)
    text = "A court in Lindow heard the first case about an AI chatbot that gave legal advice to 300 tenants."
    newsroom.report_late("late", "Lindow court hears AI chatbot case", text, day)
    today = datetime.now(UTC).date()
    tags = [{"key": "dagster/partition", "value": str(today)}]
    parameters = {
        "selector": {"jobName": "ingest_job", **REPOSITORY}, "executionMetadata": {"tags": tags}, "runConfigData": {}
    }  # fmt: skip
    assert dev.ask(LAUNCH, parameters=parameters)["launchRun"]["__typename"] == "LaunchRunSuccess"
    return day


@pytest.fixture(scope="module")
def backfill(dev: Dev, page: Page, newsroom: Office) -> str:
    """A backfill of the three days from analysis to stories, launched in the graph's dialog; its id."""
    selected = " or ".join(f'group:"{group}"' for group in BACKFILLED)
    _open(page, f"{dev.url}/asset-groups~{quote(selected, safe='')}")
    page.get_by_text("Materialize all…").click()
    field = page.get_by_placeholder(re.compile("partition", re.I)).or_(
        page.locator(".bp5-dialog input, [role=dialog] input")
    )
    field.first.fill(f"[{newsroom.days[0]}...{newsroom.days[-1]}]")
    field.first.press("Enter")
    page.get_by_role("button", name=re.compile("Launch .*backfill")).click()
    found = dev.wait_until("backfill", lambda: _backfills(dev), 60)
    (launched,) = found
    return str(launched["id"])


def _backfills(dev: Dev) -> list[dict[str, Any]]:
    asked = "{ partitionBackfillsOrError(limit: 5) { ... on PartitionBackfills { results { id status } } } }"
    return list(dev.ask(asked)["partitionBackfillsOrError"]["results"])


def _is_elsewhere(url: str, own: str) -> bool:
    return not url.startswith((own, "data:", "blob:", own.replace("http", "ws", 1)))


def _open(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_load_state("networkidle")


def test_the_graph_shows_every_asset_in_its_group(
    page: Page, dev: Dev, backfill: str, edition: tuple[str, str], late: date
) -> None:
    _open(page, f"{dev.url}/asset-groups")
    for group in GROUPS:
        page.get_by_text(group, exact=True).first.wait_for()
    page.keyboard.press("Alt+e")  # expand all groups
    for asset in ASSETS:
        page.get_by_text(asset, exact=True).first.wait_for()


def test_a_partition_shows_what_was_decided_as_the_database_has_it(
    page: Page, dev: Dev, newsroom: Office, backfill: str
) -> None:
    day = newsroom.days[-1]
    decided = {
        row["topic"]: row
        for row in newsroom.rows(
            """SELECT d.topic, d.decision, d.reasons, a.slug, s.text AS headline FROM current_decisions d
               LEFT JOIN article_versions v ON v.id = d.article_version_id LEFT JOIN articles a ON a.id = v.article_id
               LEFT JOIN article_sentences s ON s.article_version_id = v.id AND s.part = 'headline'
               WHERE d.day = %s""",
            day,
        )
    }
    assert set(decided) == set(TOPICS)
    assert {row["decision"] for row in decided.values()} == {"published", "withheld"}
    for topic, row in decided.items():
        _open(page, f"{dev.url}/assets/articles?view=partitions&partition={day}%7C{topic}")
        page.get_by_text(f"{day}|{topic}", exact=True).first.wait_for()
        page.get_by_text("Materialized", exact=True).first.wait_for()
        assert _metadata(page, "decision") == row["decision"]
        assert _metadata(page, "topic_page") == f"http://127.0.0.1:8000/topics/{topic}/"
        if row["decision"] == "published":
            assert _metadata(page, "headline") == row["headline"]
            assert _metadata(page, "page") == f"http://127.0.0.1:8000/stories/{row['slug']}/"
            assert page.get_by_text(f"/stories/{row['slug']}/").first.get_attribute("href")
        else:
            assert row["reasons"][0]["detail"] in _metadata(page, "withheld_because")


def _metadata(page: Page, key: str) -> str:
    """The value beside a key in the partition's table of metadata."""
    row = page.locator("tr", has=page.get_by_role("cell", name=key, exact=True)).first
    return " ".join(row.locator("td").nth(1).inner_text().split())


def test_the_check_of_each_story_passed_and_is_shown_by_partition(
    page: Page, dev: Dev, newsroom: Office, backfill: str
) -> None:
    _open(page, f"{dev.url}/assets/articles?view=checks")
    page.get_by_text("articles_hold_their_gates").first.wait_for()
    page.get_by_text("Passed", exact=True).first.wait_for()
    page.get_by_role("tab", name="Partitions").last.click()
    page.get_by_text(re.compile(r"Passed \([1-9]")).wait_for()
    assert page.get_by_text("Failed (0)", exact=True).is_visible()
    assert page.get_by_text("Execution Failed (0)", exact=True).is_visible()


def test_runs_of_the_command_line_stand_in_the_list_of_runs(
    page: Page, dev: Dev, newsroom: Office, backfill: str
) -> None:
    _open(page, f"{dev.url}/runs?q[0]=tag%3Aaidran%2Fedition%3D{newsroom.days[-1]}")
    for job in ("ingest_job", "analyze_job", "signals_job", "web_pages_job", "articles_job", "site_job"):
        page.get_by_text(job, exact=True).first.wait_for()
    assert page.get_by_text("Failure", exact=True).count() == 0
    assert page.get_by_text("aidran/started_by: aidran run").first.is_visible()


def test_schedules_that_ask_and_publish_are_off_and_no_sensor_fails(
    page: Page, dev: Dev, newsroom: Office, backfill: str
) -> None:
    ticks = """{ repositoryOrError(repositorySelector: {repositoryName: "__repository__",
                   repositoryLocationName: "aidran"}) { ... on Repository {
        schedules { name scheduleState { status } }
        sensors { name sensorState { status ticks(limit: 20) { status error { message } } } } } } }"""

    def told() -> Any:
        found = dev.ask(ticks)["repositoryOrError"]
        return found if all(one["sensorState"]["ticks"] for one in found["sensors"]) else None

    found = dev.wait_until("tick of every sensor", told, 120)
    assert {one["name"]: one["scheduleState"]["status"] for one in found["schedules"]} == {
        "ingest_schedule": "STOPPED",
        "edition_schedule": "STOPPED",
        "purge_schedule": "RUNNING",
        "expire_schedule": "RUNNING",
        "reconcile_schedule": "STOPPED",
    }
    assert {one["sensorState"]["status"] for one in found["sensors"]} == {"RUNNING"}
    assert not [tick["error"] for one in found["sensors"] for tick in one["sensorState"]["ticks"] if tick["error"]]
    _open(page, f"{dev.url}/automation")
    page.get_by_text("edition_schedule", exact=True).first.wait_for()


def test_the_schedules_edition_is_followed_by_its_stories(
    dev: Dev, newsroom: Office, backfill: str, edition: tuple[str, str]
) -> None:
    day, _run_id = edition

    def decided() -> bool:
        found = dev.ask(RUNS, day=day)["runsOrError"]["results"]
        told = {next((t["value"] for t in run["tags"] if t["key"] == "dagster/partition"), run["jobName"]): run["status"]
                for run in found}  # fmt: skip
        return told == dict.fromkeys(["edition_job", *(f"{day}|{topic}" for topic in TOPICS)], "SUCCESS")

    dev.wait_until("story of every topic", decided, 300)
    rows = newsroom.rows("SELECT topic, decision FROM current_decisions WHERE day = %s", day)
    assert {row["topic"]: row["decision"] for row in rows} == dict.fromkeys(TOPICS, "withheld")


def test_what_ingest_found_of_an_older_day_is_analysed_by_automation(dev: Dev, newsroom: Office, late: date) -> None:
    claims = """SELECT c.run_id FROM claims c JOIN record_versions v ON v.id = c.record_version_id
                JOIN records r ON r.id = v.record_id WHERE r.native_id = 'outlet-0|late' AND r.day = %s"""
    found = dev.wait_until("claim of the late report", lambda: newsroom.rows(claims, late), 240)
    automated = """query ($id: ID!) { runOrError(runId: $id) { ... on Run { jobName tags { key value } } } }"""
    run = dev.ask(automated, id=found[0]["run_id"])["runOrError"]
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["dagster/from_automation_condition"] == "true"
    one = tags.get("dagster/partition")
    worked_on = {one} if one else {tags[RANGE_START], tags[RANGE_END]}
    assert worked_on == {str(late)}


def test_a_backfill_of_three_days_works(page: Page, dev: Dev, newsroom: Office, backfill: str) -> None:
    def ended() -> Any:
        found = dev.ask(BACKFILL, id=backfill)["partitionBackfillOrError"]
        return None if found["status"] == "REQUESTED" else found

    done = dev.wait_until("end of the backfill", ended, 480)
    assert (done["status"], done["error"]) == ("COMPLETED_SUCCESS", None)
    counts = {one["assetKey"]["path"][0]: one for one in done["assetBackfillData"]["assetBackfillStatuses"]}
    assert set(counts) == {"analyzed_records", "claims", "topic_signals", "web_pages", "articles"}
    by_topic = {"topic_signals", "web_pages", "articles"}
    for name, one in counts.items():
        wanted = 3 * len(TOPICS) if name in by_topic else 3
        assert (one["targeted"], one["materialized"], one["failed"]) == (wanted, wanted, 0), name
    decided = newsroom.rows("SELECT day, topic FROM current_decisions WHERE day >= %s", newsroom.days[0])
    assert {(row["day"], row["topic"]) for row in decided} == {(day, t) for day in newsroom.days for t in TOPICS}
    _open(page, f"{dev.url}/runs/b/{backfill}")
    page.get_by_text("Completed").first.wait_for()


def test_the_site_follows_by_sensor(page: Page, dev: Dev, newsroom: Office, backfill: str) -> None:
    (newest,) = newsroom.rows("SELECT max(id)::text AS id FROM editorial_decisions")

    def built() -> bool:
        found = dev.ask(SITE)["assetNodeOrError"]["assetMaterializations"][0]
        told = {entry["label"]: entry.get("text") for entry in found["metadataEntries"]}
        return told["newest_decision"] == newest["id"]

    dev.wait_until("site with every decision", built, 150)
    _open(page, f"{dev.url}/runs")
    assert page.get_by_text("site_after_stories", exact=True).count() == 1  # one build for all stories


def test_ctrl_c_ends_all_of_it_and_leaves_the_database(dev: Dev, page: Page, newsroom: Office) -> None:
    page.goto("about:blank")
    assert dev.stop(signal.SIGINT) == 0
    assert dev.left_over() == []
    assert newsroom.aidran("db", "status").returncode == 0


def test_killed_outright_it_leaves_nothing_running_and_a_usable_database(
    newsroom: Office, tmp_path: Path, page: Page
) -> None:
    page.goto("about:blank")
    running = Dev(newsroom, tmp_path / "dev.log")
    try:
        running.wait_until("webserver and daemon", lambda: len(running.left_over()) >= 5, 120)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(30)
        running.wait_gone(60)
    finally:
        running.end()
    again = newsroom.aidran("run", "--day", str(newsroom.days[-1]), "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads(again.stdout)["decisions_changed"] == 0
