"""Reconcile: what sources say is withdrawn is erased, what they do not say stays; bodies expire."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aidran_pipeline.erase import Reconciled, reconcile
from aidran_pipeline.lineage import verify
from aidran_pipeline.publish import build_site
from aidran_pipeline.store.db import Connection, connect
from aidran_pipeline.store.payloads import expire_payloads
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.conftest import _create_database, _drop_database
from aidran_pipeline_tests.ingest_server import Server, serving
from aidran_pipeline_tests.lineage_story import DID, FAST, NOW, Story, ingest_all, publish_story, settings_for

LATER = NOW + timedelta(hours=1)
JSON = {"Content-Type": "application/json"}


class Desk:
    """A newsroom that reconciles, on a copy of a published story."""

    def __init__(self, conn: Connection, home: Path, server: Server, story: Story) -> None:
        self.conn, self.home, self.server, self.story = conn, home, server, story

    def reconcile(self, *, hours: float = 0, ask: bool = True) -> Reconciled:
        return reconcile(
            self.conn, run=Run("run-reconcile", LATER + timedelta(hours=hours)), settings=settings_for(self.home),
            publication=self.story.publication, ask=ask, limits=FAST,
        )  # fmt: skip

    def erased(self) -> set[int]:
        rows = self.conn.execute("SELECT id FROM records WHERE erased_at IS NOT NULL")
        ids = {row["id"] for row in rows}
        return {number for number, (record, _) in self.story.records.items() if record in ids}

    def withdraw(self, kind: str, target: str, status: str, hours: float = 0) -> None:
        self.conn.execute(
            """INSERT INTO source_withdrawals (platform, kind, target, status, happened_at, fetch_id, noted_at)
               SELECT 'bluesky', %s, %s, %s, %s, min(id), %s FROM fetches""",
            (kind, target, status, NOW + timedelta(hours=hours), NOW),
        )

    def there(self, posts: Callable[[list[str]], list[str]], gone: dict[str, str] | None = None) -> None:
        """What the look-ups answer: which of the posts asked for, and Reddit's post whole or with marks of `gone`."""

        def bluesky(handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
            asked = parse_qs(urlsplit(handler.path).query)["uris"]
            views = [{"uri": uri, "author": {"did": uri[5:36]}, "record": {}} for uri in posts(asked)]
            return 200, JSON, json.dumps({"posts": views}).encode()

        data = {"name": "t3_0006", "author": "ward_six", "title": "t", "selftext": "s", **(gone or {})}
        listing = {"kind": "Listing", "data": {"children": [{"kind": "t3", "data": data}]}}
        self.server.routes["/xrpc/app.bsky.feed.getPosts"] = bluesky
        self.server.routes["/api/info.json"] = (200, JSON, json.dumps(listing).encode())

    def asked(self, path: str) -> int:
        return sum(urlsplit(request[1]).path == path for request in self.server.requests)


@pytest.fixture(scope="module")
def once(
    server_url: str, template_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, Server, Story]]:
    home = tmp_path_factory.mktemp("reconcile") / "home"
    url = _create_database(server_url, "reconcile", f"TEMPLATE {template_url.rsplit('/', 1)[1]}")
    with serving() as server:
        with connect(url) as conn:
            story = publish_story(conn, server, home)
        yield url, home, server, story
    _drop_database(server_url, url)


@pytest.fixture
def desk(server_url: str, once: tuple[str, Path, Server, Story], tmp_path: Path) -> Iterator[Desk]:
    template, home, server, story = once
    url = _create_database(server_url, "desk", f"TEMPLATE {template.rsplit('/', 1)[1]}")
    shutil.copytree(home, tmp_path / "home")
    routes = dict(server.routes)
    server.requests.clear()
    with connect(url) as conn:
        found = Desk(conn, tmp_path / "home", server, story)
        found.there(lambda asked: asked)
        yield found
    server.routes.clear()
    server.routes.update(routes)
    _drop_database(server_url, url)


def uri(number: int) -> str:
    return f"at://{DID}{number}/app.bsky.feed.post/3kpost{number}"


# --- what sources tell ------------------------------------------------------------------------------------------------


def test_a_post_that_its_source_says_is_deleted_is_erased_in_one_run(desk: Desk) -> None:
    desk.withdraw("post", uri(5), "deleted")
    done = desk.reconcile(ask=False)
    assert (done.told, desk.erased()) == (1, {5})
    assert desk.asked("/xrpc/app.bsky.feed.getPosts") == 0
    stone = desk.conn.execute("SELECT cause, reason FROM tombstones").fetchone()
    assert stone == {"cause": "source", "reason": "deleted"}
    assert desk.conn.execute("SELECT target LIKE 'erased:%' AS keyed FROM source_withdrawals").fetchall() == [
        {"keyed": True}
    ]
    assert desk.reconcile(ask=False).erasure.records == []


@pytest.mark.parametrize("status", ["deleted", "takendown", "suspended", "deactivated", "private"])
def test_an_account_that_is_gone_takes_its_posts_with_it(desk: Desk, status: str) -> None:
    desk.withdraw("account", f"{DID}4", status)
    desk.reconcile(ask=False)
    assert desk.erased() == {4}
    assert desk.conn.execute("SELECT count(*) AS n FROM source_withdrawals WHERE target LIKE 'did:%'").fetchone() == {
        "n": 0
    }


@pytest.mark.parametrize("status", ["active", "other"])
def test_an_account_that_is_back_or_that_its_host_stumbles_over_stays(desk: Desk, status: str) -> None:
    desk.withdraw("account", f"{DID}4", "deactivated")
    desk.withdraw("account", f"{DID}4", status, hours=0.5)
    done = desk.reconcile(ask=False)
    assert (done.told, desk.erased()) == (0, set())


# --- what look-ups find -----------------------------------------------------------------------------------------------


def test_a_cited_post_that_is_no_longer_there_is_erased(desk: Desk) -> None:
    desk.there(lambda asked: [each for each in asked if each != uri(5)])
    done = desk.reconcile()
    assert desk.erased() == {5}
    assert done.looked_up == {"gone": 1, "there": 2}
    assert desk.asked("/xrpc/app.bsky.feed.getPosts") == 2, "what was left out is asked for once more"
    rows = desk.conn.execute(
        "SELECT url, payload_sha256, purpose, outcome FROM fetches WHERE purpose = 'lookup'"
    ).fetchall()
    assert {row["outcome"] for row in rows} == {"ok"}
    assert not [row for row in rows if "did:" in row["url"] or "t3_" in row["url"] or row["payload_sha256"]]


def test_a_post_that_the_second_answer_shows_is_still_there(desk: Desk) -> None:
    desk.there(lambda asked: asked if len(asked) == 1 else [each for each in asked if each != uri(5)])
    assert desk.reconcile().looked_up == {"there": 3}
    assert desk.erased() == set()


@pytest.mark.parametrize(
    "mark", [{"author": "[deleted]"}, {"selftext": "[removed]"}, {"removed_by_category": "moderator"}], ids=str
)
def test_a_post_that_reddit_shows_as_deleted_or_removed_is_erased(desk: Desk, mark: dict[str, str]) -> None:
    desk.there(lambda asked: asked, mark)
    assert desk.reconcile().looked_up == {"gone": 1, "there": 2}
    assert desk.erased() == {6}


BROKEN: dict[str, Any] = {
    "an error": (500, {}, b"down"),
    "a login page": (200, {"Content-Type": "text/html"}, b"<html>Please sign in</html>"),
    "something else": (200, JSON, b'{"posts": 7}'),
    "an empty answer": (200, JSON, b""),
    "too many requests": (429, {"Retry-After": "1"}, b""),
}


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_a_source_that_does_not_answer_says_nothing(desk: Desk, what: str) -> None:
    desk.server.routes["/xrpc/app.bsky.feed.getPosts"] = BROKEN[what]
    desk.server.routes["/api/info.json"] = BROKEN[what]
    done = desk.reconcile()
    assert (desk.erased(), done.looked_up) == (set(), {"unknown": 3})


def test_posts_are_not_asked_for_again_before_their_time(desk: Desk) -> None:
    assert desk.reconcile().looked_up == {"there": 3}
    assert desk.reconcile(hours=5).looked_up == {}
    assert desk.reconcile(hours=7).looked_up == {"there": 3}
    assert desk.reconcile(hours=24 * 9).looked_up == {"there": 3}
    assert desk.reconcile(hours=24 * 9 + 23).looked_up == {}


def test_a_source_that_knows_nothing_any_more_is_not_believed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aidran_pipeline.erase.reconciling.FEW", 2)
    desk.there(lambda asked: [])
    done = desk.reconcile()
    assert (desk.erased(), done.doubted) == (set(), 2)
    assert "not believed" in " ".join(done.failures)


def test_news_are_not_looked_for(desk: Desk) -> None:
    desk.server.routes["/article/1"] = (410, {}, b"gone")
    desk.reconcile()
    assert desk.asked("/article/1") == 0
    assert desk.erased() == set()


# --- bodies that expire -----------------------------------------------------------------------------------------------


def test_uncited_bodies_expire_and_those_that_stories_rest_on_stay(desk: Desk) -> None:
    for name in list(desk.server.routes):
        if name.endswith(".xml"):
            status, head, body = desk.server.routes[name]  # type: ignore[misc]
            head = {key: value for key, value in head.items() if key != "ETag"}
            desk.server.routes[name] = (status, head, body.replace(b"</channel>", b"<!-- later --></channel>"))
    ingest_all(desk.conn, settings_for(desk.home), now=NOW + timedelta(hours=2), run="run-2")
    count = "SELECT count(*) FILTER (WHERE body IS NULL) AS gone, count(*) AS all FROM payloads"
    before = desk.conn.execute(count).fetchone()
    assert before is not None and before["gone"] == 0
    assert expire_payloads(desk.conn, NOW - timedelta(days=1), NOW) == 0, "nothing is that old"
    gone = expire_payloads(desk.conn, NOW + timedelta(days=30), NOW + timedelta(days=60))
    assert gone == 4, "the second bodies of four feeds: their records rest on the first ones"
    after = desk.conn.execute(count).fetchone()
    assert after == {"gone": 4, "all": before["all"]}
    assert expire_payloads(desk.conn, NOW + timedelta(days=30), NOW + timedelta(days=60)) == 0
    build_site(desk.conn, settings_for(desk.home).site_dir, desk.story.publication, run=Run("run-site", NOW))
    report = verify(desk.conn, publication=desk.story.publication, site_dir=settings_for(desk.home).site_dir)
    assert report.ok, report.mismatches[:2]
    assert any("4 stored bodies expired" in note for note in report.notes)
