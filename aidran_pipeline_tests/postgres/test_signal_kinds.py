"""Every kind of signal on one scene: what it finds, and what must move none of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from aidran_pipeline.signal import KINDS, list_signals, replay_days
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline_tests.conftest import _create_database, _drop_database
from aidran_pipeline_tests.signal_scene import DAY, DAYS, MORNING, TOPICS, Said, Scene, changes, usual_days
from aidran_pipeline_tests.world import at

Found = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def built(server_url: str, template_url: str) -> Iterator[tuple[str, Scene]]:
    """A database with the scene, made once and copied for each test."""
    url = _create_database(server_url, "scene", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    with connect(url) as conn:
        made = Scene(conn).build([*usual_days(), *changes()])
    yield url, made
    _drop_database(server_url, url)


@pytest.fixture
def scene(server_url: str, built: tuple[str, Scene]) -> Iterator[Scene]:
    url = _create_database(server_url, "scene", f"TEMPLATE {built[0].rsplit('/', 1)[1]}")
    with connect(url) as conn:
        yield Scene.of(conn, built[1])
    _drop_database(server_url, url)


def found_by(scene: Scene) -> Found:
    """What is measured, and then undone, so that a scene can be measured again after a change."""
    with scene.conn.transaction(force_rollback=True):
        return scene.measure(at(DAY, 22))


def signals_in(found: Found) -> dict[str, set[str]]:
    told: dict[str, set[str]] = {}
    for (kind, topic), row in found.items():
        if row["outcome"] == "signal":
            told.setdefault(kind, set()).add(topic)
    return told


# --- what each finds -----------------------------------------------------------------------------------------------------


def test_an_entity_that_far_more_voices_name_is_a_surge_and_is_named(scene: Scene) -> None:
    row = found_by(scene)["entity_surge", "ai-law"]
    assert row["outcome"] == "signal" and row["subject"] == "Nvidia" and row["observed"] == 10
    assert row["expected"] < 1 and row["records"] == 10 and row["families"] == 2
    last = row["series"][-1]
    assert last["tested"] == 4, "three usual names and the new one"
    assert row["p_value"] == pytest.approx(row["p_uncorrected"] * row["tests"], rel=1e-6)
    assert {e.split("=")[0].split("|")[-1][:5] for e in row["evidence"]} == {"surge"}


def test_a_storyline_that_crosses_says_who_had_it_first(scene: Scene) -> None:
    row = found_by(scene)["cross_platform_spread", "ai-finance"]
    assert row["outcome"] == "signal" and row["observed"] == 12
    assert row["subject"] == "Reddit first, then Bluesky and news"
    (told,) = row["series"][-1]["spread"]
    assert told["first"] == "reddit" and told["since"].startswith(f"{DAY - timedelta(days=1)}T20:00")
    assert "leak-0=0" in row["evidence"] and len(row["evidence"]) == 13, "who had it first stands there, uncounted"
    assert row["records"] == 12
    assert told["then"] == {"bluesky": f"{DAY}T05:00:00+00:00", "news": f"{DAY}T05:01:00+00:00"}
    assert sum(day["count"] for day in row["series"][:-1]) == 3, "it happened before, now and then"


def test_one_text_by_many_new_accounts_is_a_warning(scene: Scene) -> None:
    row = found_by(scene)["coordinated_posting", "ai-military"]
    assert row["outcome"] == "signal" and row["subject"] == "20 accounts, one text"
    assert row["series"][-1]["groups"][0] | {"accounts": 20, "young": 20} == row["series"][-1]["groups"][0]
    assert row["tests"] == len(TOPICS) and row["kinds"] == 1, "a warning is not counted among the story kinds"
    assert row["records"] == row["authors"] == 20
    assert found_by(scene)["volume_spike", "ai-military"]["series"][-1]["count"] < 30, "for volume it is one voice"


def test_platforms_that_speak_of_different_names_diverge(scene: Scene) -> None:
    row = found_by(scene)["platform_divergence", "ai-energy"]
    assert row["outcome"] == "signal", row["series"][-1]
    assert row["subject"].startswith("Bluesky: Microsoft; news: Anthropic") and row["observed"] > 3 * row["expected"]


def test_a_day_without_change_is_quiet_for_every_kind(conn: Connection) -> None:
    found = Scene(conn).build([*usual_days()]).measure()
    assert len(found) == len(KINDS) * len(TOPICS)
    assert signals_in(found) == {} and {row["outcome"] for row in found.values()} <= {"quiet", "thin", "warming_up"}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a wire story", [Said("gazette", "push-wire", DAY, 1, "ai-military", group="push")]),
        ("one account", []),
        ("accounts that were here before", []),
    ],
)
def test_what_is_no_coordination(conn: Connection, what: str, said: list[Said]) -> None:
    pushed = [one for one in changes() if one.group == "push"]
    if what == "one account":
        pushed = [Said(**{**vars(one), "author": "fresh-0"}) for one in pushed]
    if what == "accounts that were here before":
        earlier = DAY - timedelta(days=9)
        said = [Said("bsky", f"old-{i}", earlier, i, "ai-law", author=f"fresh-{i}") for i in range(20)]
    row = Scene(conn).build([*usual_days(), *pushed, *said]).measure()["coordinated_posting", "ai-military"]
    assert row["outcome"] == "quiet" and row["series"][-1]["count"] == 0


def test_accounts_that_posted_one_text_together_before_are_linked(conn: Connection) -> None:
    earlier = DAY - timedelta(days=9)
    before = [Said("bsky", f"old-{i}", earlier, i, "ai-law", group="before", author=f"fresh-{i}") for i in range(20)]
    found = Scene(conn).build([*usual_days(), *before, *changes()]).measure()["coordinated_posting", "ai-military"]
    group = found["series"][-1]["groups"][0]
    assert found["outcome"] == "signal" and (group["young"], group["linked"]) == (0, 20)


# --- what must move none -------------------------------------------------------------------------------------------------


def test_the_replay_equals_the_rows_of_every_kind(scene: Scene) -> None:
    found = scene.measure()
    told = replay_days(scene.conn, DAY, DAY, records=True)
    assert told.differences == [] and told.notes == []
    assert told.baselines == told.recounted == len(KINDS) * len(TOPICS)
    assert told.signals == sum(row["outcome"] == "signal" for row in found.values()) >= 4
    listed = {(row["kind"], row["topic"]): row for row in list_signals(scene.conn, DAY)}
    assert listed["entity_surge", "ai-law"]["subject"] == "Nvidia"


def loud(source: str, days: int, first: int) -> Iterator[Said]:
    """A source that says everything a signal could be made of, on its last `days` days up to `first` days back."""
    for back in range(first, first + days):
        day = DAY - timedelta(days=back)
        for topic in TOPICS:
            for i in range(12):
                yield Said(source, f"{source}-{topic}-{back}-{i}", day, 30 + i, topic, ("Apple", "Nvidia"),
                           story=f"{source}-{topic}-{back}" if i < 4 else None, author=f"{source}-{i}",
                           group=f"{source}-{topic}-{back}" if i > 5 else None)  # fmt: skip


@pytest.mark.parametrize("kind", ["rss", "bluesky_search", "reddit"])
def test_a_new_source_moves_no_kind(scene: Scene, kind: str) -> None:
    before = found_by(scene)
    scene.world.source("newcomer", kind)
    scene.world.reach("newcomer", DAY - timedelta(days=3), DAY)
    scene.say(list(loud("newcomer", 4, 0)))
    assert found_by(scene) == before


@pytest.mark.parametrize("kind", ["rss", "bluesky_search", "reddit"])
def test_a_source_that_died_moves_no_kind(scene: Scene, kind: str) -> None:
    """All that it said in the past leaves the comparison with what it did not say today."""
    before = found_by(scene)
    scene.world.source("dead", kind)
    scene.world.reach("dead", DAY - timedelta(days=DAYS), DAY - timedelta(days=1))
    scene.say(list(loud("dead", DAYS, 1)))
    assert found_by(scene) == before


def test_no_order_of_arrival_matters(conn: Connection) -> None:
    said = [*usual_days(), *changes()]
    shuffled = random.Random(3).sample(said, len(said))
    with conn.transaction(force_rollback=True):
        plain = Scene(conn).build(said).measure(at(DAY, 22))
    assert Scene(conn).build(shuffled).measure(at(DAY, 22)) == plain


def test_exact_copies_of_a_post_move_no_story_kind(conn: Connection) -> None:
    """Forty copies, by forty people: one voice. As a warning they are what it is about, unless one account made them."""
    said = [*usual_days(), *changes()]
    copied = Said("bsky", "original", DAY, 100, "ai-law", ("OpenAI",), story="leak", group="copied", author="bsky-1")
    with conn.transaction(force_rollback=True):
        plain = Scene(conn).build([*said, copied]).measure(at(DAY, 22))
    copies = [
        Said("bsky", f"copy-{i}", DAY, 101 + i, "ai-law", ("OpenAI",), group="copied", author=f"bsky-{i % 4}")
        for i in range(40)
    ]
    many = Scene(conn).build([*said, copied, *copies]).measure(at(DAY, 22))
    without = [{k: v for k, v in each.items() if k[0] != "coordinated_posting"} for each in (plain, many)]
    assert weightless(without[1]) == weightless(without[0])
    assert many["coordinated_posting", "ai-law"]["outcome"] == "quiet"


def weightless(found: Found) -> Found:
    """Copies share the weight of one and stand among the evidence: that alone differs."""
    return {key: {k: v for k, v in row.items() if k != "evidence"} for key, row in found.items()}


def test_late_records_move_no_kind(scene: Scene) -> None:
    before = found_by(scene)
    late = [
        Said(**{**vars(one), "name": f"late-{one.name}", "seen": MORNING + timedelta(hours=1)})
        for one in [*changes(), *loud("bsky", 5, 0)]
    ]  # fmt: skip
    scene.say(late)
    assert found_by(scene) == before
    scene.measure()
    assert replay_days(scene.conn, DAY, DAY, records=True).differences == []


def test_a_table_of_entities_that_grew_is_no_surge(scene: Scene) -> None:
    """The day was read by another table than the days before: they say nothing of each other."""
    scene.conn.execute("UPDATE record_analysis SET entities_version = 'grown' WHERE day = %s", (DAY,))
    found = found_by(scene)
    assert found["entity_surge", "ai-law"]["outcome"] == "warming_up"
    assert found["platform_divergence", "ai-energy"]["outcome"] == "warming_up"
    assert found["cross_platform_spread", "ai-finance"]["outcome"] == "signal", "it reads no entities"


def test_a_platform_that_was_silent_makes_nobody_the_first(scene: Scene) -> None:
    """News were not read yesterday: whether Reddit had the leak first cannot be told, so nothing crossed to news."""
    scene.conn.execute("DELETE FROM fetches WHERE reach_since IS NOT NULL AND source_id IN ('ledger', 'gazette')")
    for name in ("ledger", "gazette"):
        scene.world.reach(name, DAY - timedelta(days=DAYS), DAY - timedelta(days=2))
        scene.world.reach(name, DAY, DAY)
    row = found_by(scene)["cross_platform_spread", "ai-finance"]
    assert row["series"][-1]["count"] == 4, "to Bluesky, which was read"
    assert row["series"][-1]["spread"][0]["then"].keys() == {"bluesky"}
