"""Subreddits against a real server: threads, withdrawals, edits, crossposts, adult posts, rate limits, the listing's end."""

from __future__ import annotations

import json
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from aidran_pipeline.analyze import analyze_days
from aidran_pipeline.ingest import parse_body
from aidran_pipeline.lineage.trace import RELATIONS
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.payloads import load_payload
from aidran_pipeline.store.provenance import Run
from aidran_pipeline_tests.ingest_server import Answer, Server
from aidran_pipeline_tests.readings import CREDENTIALS, NOW, configure, ingest, rows, snapshot

HOUR = timedelta(hours=1)


def post(number: int, *, hours: float = 1, **changes: Any) -> dict[str, Any]:
    """A post of so many hours before NOW."""
    plain = {
        "name": f"t3_p{number}",
        "title": f"Post number {number}",
        "selftext": "",
        "author": f"User{number}",
        "subreddit": "test",
        "permalink": f"/r/test/comments/p{number}/x/",
        "created_utc": (NOW - hours * HOUR).timestamp(),
        "score": number,
        "num_comments": 2,
        "is_self": True,
    }
    return plain | changes


def comment(
    name: str, text: str, *replies: Any, to: str = "t3_p9", thread: str = "t3_p9", **changes: Any
) -> dict[str, Any]:
    """A comment with its answers."""
    data = {
        "name": f"t1_{name}",
        "body": text,
        "author": f"By_{name}",
        "subreddit": "test",
        "permalink": f"/r/test/comments/{thread[3:]}/x/{name}/",
        "parent_id": to,
        "link_id": thread,
        "created_utc": (NOW - HOUR / 2).timestamp(),
        "score": 5,
        "replies": {"kind": "Listing", "data": {"children": list(replies)}} if replies else "",
    }
    return {"kind": "t1", "data": data | changes}


def stub(parent: str, *children: str) -> dict[str, Any]:
    return {
        "kind": "more",
        "data": {"id": children[0] if children else "_", "parent_id": parent, "children": list(children)},
    }


class Reddit:
    """A subreddit on loopback. posts: newest first. threads: comments by post. more: what the stubs stand for."""

    def __init__(self, server: Server) -> None:
        self.server, self.size = server, 100
        self.posts: list[dict[str, Any]] = []
        self.more: dict[str, dict[str, Any]] = {}
        self.headers: dict[str, str] = {}
        token = json.dumps({"access_token": "s3same", "expires_in": 86400}).encode()
        server.routes["/api/v1/access_token"] = (200, {}, token)
        server.routes["/r/test/new.json"] = self.listing
        server.routes["/api/morechildren.json"] = self.children

    def listing(self, handler: BaseHTTPRequestHandler) -> Answer:
        after = parse_qs(urlsplit(handler.path).query).get("after", [""])[0]
        start = next((n + 1 for n, each in enumerate(self.posts) if each["name"] == after), 0)
        shown = self.posts[start : start + self.size]
        more = shown[-1]["name"] if start + self.size < len(self.posts) else None
        return 200, self.headers, self.body([{"kind": "t3", "data": each} for each in shown], more)

    def children(self, handler: BaseHTTPRequestHandler) -> Answer:
        asked = parse_qs(urlsplit(handler.path).query)["children"][0].split(",")
        things = [self.more[name] for name in asked if name in self.more]
        return 200, {}, json.dumps({"json": {"errors": [], "data": {"things": things}}}).encode()

    def thread(self, number: int, *comments: dict[str, Any], path: str = "") -> None:
        head = [{"kind": "t3", "data": next(each for each in self.posts if each["name"] == f"t3_p{number}")}]
        body = b"[" + self.body(head) + b"," + self.body(list(comments)) + b"]"
        self.server.routes[f"/r/test/comments/p{number}{path}.json"] = (200, self.headers, body)

    @staticmethod
    def body(children: list[Any], after: str | None = None) -> bytes:
        return json.dumps({"kind": "Listing", "data": {"after": after, "children": children}}).encode()

    def asked(self) -> list[str]:
        """Paths asked for after the token, in order."""
        return [urlsplit(path).path for method, path, _headers in self.server.requests if method == "GET"]


@pytest.fixture
def reddit(server: Server) -> Reddit:
    return Reddit(server)


def subreddit(conn: Connection, tmp_path: Path, reddit: Reddit, more: str = "") -> None:
    configure(conn, tmp_path, f'{{id: rt, kind: reddit, subreddit: test, host: "{reddit.server.base}"{more}}}')


def texts(conn: Connection) -> dict[str, str]:
    """Newest text by native id."""
    return dict(
        rows(
            conn, "SELECT native_id, text FROM records r JOIN newest_record_versions v ON v.record_id = r.id ORDER BY 1"
        )
    )


def test_comments_of_the_days_top_threads_are_records_with_their_parents(
    conn: Connection, reddit: Reddit, tmp_path: Path
) -> None:
    reddit.posts = [post(9), post(8), post(7), post(6, hours=30), post(5, num_comments=0, score=99)]
    reddit.thread(9, comment("a", "One *answer*", comment("b", "Below it", to="t1_a")), comment("c", "![gif](x)"))
    reddit.thread(8)
    subreddit(conn, tmp_path, reddit, ", top_threads: 3")
    result = ingest(conn, "reddit", **CREDENTIALS)
    assert (result.failed, result.records) == (0, 7)
    # The post without comments ranks first and is not asked; the one of another day is not either.
    assert reddit.asked() == ["/r/test/new.json", "/r/test/comments/p9.json", "/r/test/comments/p8.json"]
    found = rows(
        conn, "SELECT native_id, url, author_name, community, day::text FROM records WHERE native_id ~ '^t1' ORDER BY 1"
    )
    assert found == [
        ("t1_a", "https://www.reddit.com/r/test/comments/p9/x/a/", "By_a", "test", "2026-07-05"),
        ("t1_b", "https://www.reddit.com/r/test/comments/p9/x/b/", "By_b", "test", "2026-07-05"),
    ]
    assert texts(conn)["t1_a"] == "One answer"
    assert rows(
        conn, "SELECT native_id, kind, target FROM record_relations JOIN records r ON r.id = record_id ORDER BY 1, 2"
    ) == [
        ("t1_a", "reply", "t3_p9"),
        ("t1_a", "thread", "t3_p9"),
        ("t1_b", "reply", "t1_a"),
        ("t1_b", "thread", "t3_p9"),
    ]
    (below,) = rows(conn, "SELECT id FROM records WHERE native_id = 't1_b'")[0]
    told = [tuple(row.values()) for row in conn.execute(RELATIONS, (below,)).fetchall()]
    assert told == [
        ("reply", "t1_a", "https://www.reddit.com/r/test/comments/p9/x/a/"),
        ("thread", "t3_p9", "https://www.reddit.com/r/test/comments/p9/x/"),
    ]
    assert rows(conn, "SELECT count(*) FROM fetches WHERE reach_since IS NOT NULL") == [(1,)]
    source = conn.execute("SELECT * FROM sources").fetchone()
    for fetch in conn.execute("SELECT * FROM fetches WHERE url LIKE '%/comments/p9%'").fetchall():
        body = load_payload(conn, fetch["payload_sha256"]) or b""
        again = parse_body("reddit", body, url=fetch["url"], content_type=None, source=source or {})
        assert [record.native_id for record in again] == ["t3_p9", "t1_a", "t1_b"]


def test_a_thread_is_read_again_only_when_its_count_of_comments_changed(
    conn: Connection, reddit: Reddit, tmp_path: Path
) -> None:
    reddit.posts = [post(9)]
    reddit.thread(9, comment("a", "One answer"))
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    before = snapshot(conn)
    again = ingest(conn, "reddit", now=NOW + HOUR, run="r2", **CREDENTIALS)
    assert (again.records, again.versions, reddit.asked().count("/r/test/comments/p9.json")) == (0, 0, 1)
    assert snapshot(conn) == before
    reddit.posts = [post(9, num_comments=3)]
    reddit.thread(9, comment("a", "One answer"), comment("d", "Another"))
    third = ingest(conn, "reddit", now=NOW + 2 * HOUR, run="r3", **CREDENTIALS)
    assert (third.records, reddit.asked().count("/r/test/comments/p9.json")) == (1, 2)


def test_threads_rank_by_score_or_by_comments_as_configured(conn: Connection, reddit: Reddit, tmp_path: Path) -> None:
    reddit.posts = [post(9, score=5, num_comments=50), post(8, score=70, num_comments=1)]
    reddit.thread(9)
    reddit.thread(8)
    subreddit(conn, tmp_path, reddit, ", top_threads: 1, threads_by: comments")
    ingest(conn, "reddit", **CREDENTIALS)
    assert reddit.asked()[1:] == ["/r/test/comments/p9.json"]
    subreddit(conn, tmp_path, reddit, ", top_threads: 1")
    ingest(conn, "reddit", now=NOW + HOUR, **CREDENTIALS)
    assert reddit.asked()[-1] == "/r/test/comments/p8.json"
    subreddit(conn, tmp_path, reddit, ", top_threads: 0")
    reddit.posts[1]["num_comments"] = 9
    ingest(conn, "reddit", now=NOW + 2 * HOUR, **CREDENTIALS)
    assert reddit.asked()[-1] == "/r/test/new.json"


def test_stubs_are_followed_within_bounds(conn: Connection, reddit: Reddit, tmp_path: Path) -> None:
    reddit.posts = [post(9)]
    reddit.more = {name: comment(name, f"Hidden {name}") for name in ("m1", "m2")}
    reddit.more["m2"]["data"]["replies"] = ""
    reddit.thread(9, comment("a", "Shown", stub("t1_a")), stub("t3_p9", "m1", "m2", "gone"), *[stub("t1_z")] * 9)
    reddit.thread(9, comment("deep", "Deep down", to="t1_a"), path="/_/a")
    reddit.thread(9, path="/_/z")
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    assert {name for name in texts(conn) if name.startswith("t1")} == {"t1_a", "t1_m1", "t1_m2", "t1_deep"}
    assert len(reddit.asked()) == 1 + 1 + 5
    subreddit(conn, tmp_path, reddit, ", thread_comments: 2")
    reddit.posts[0]["num_comments"] = 7
    reddit.server.requests.clear()
    ingest(conn, "reddit", now=NOW + HOUR, **CREDENTIALS)
    assert reddit.asked() == ["/r/test/new.json", "/r/test/comments/p9.json"]


def test_a_thread_that_fails_leaves_its_subreddit_well(conn: Connection, reddit: Reddit, tmp_path: Path) -> None:
    reddit.posts = [post(9), post(8)]
    reddit.server.routes["/r/test/comments/p9.json"] = (403, {}, b'{"reason": "private"}')
    reddit.thread(8, comment("a", "Never asked"))
    subreddit(conn, tmp_path, reddit)
    result = ingest(conn, "reddit", **CREDENTIALS)
    assert (result.failed, result.records) == (0, 2)
    assert rows(conn, "SELECT status, consecutive_failures FROM sources") == [("ok", 0)]
    assert rows(conn, "SELECT outcome, error_class FROM fetches WHERE purpose = 'source' ORDER BY id") == [
        ("ok", None),
        ("failed", "forbidden"),
    ]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"selftext": "[removed]", "removed_by_category": "moderator"}, "takendown"),
        ({"selftext": "[deleted]", "author": "[deleted]", "removed_by_category": "deleted"}, "deleted"),
        ({"author": "[deleted]"}, "deleted"),
        ({"title": "[ Removed by Reddit ]"}, "takendown"),
    ],
)
def test_a_withdrawn_post_is_noted_once_and_its_mark_is_no_text(
    conn: Connection, reddit: Reddit, tmp_path: Path, changes: dict[str, Any], status: str
) -> None:
    reddit.posts = [post(9, selftext="What it said"), post(8)]
    reddit.thread(9)
    reddit.thread(8, comment("a", "Said first"), comment("b", "Said second"))
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    before = texts(conn)
    reddit.posts[0] |= changes
    reddit.posts.append(post(7, selftext="[removed]"))  # never stored: nothing to note
    reddit.thread(8, comment("a", "[deleted]", author="[deleted]"), comment("b", "[removed]", author="[deleted]"))
    for hour in (1, 2):
        reddit.posts[1]["num_comments"] += hour
        ingest(conn, "reddit", now=NOW + hour * HOUR, run=f"r{hour}", **CREDENTIALS)
    assert texts(conn) == before
    assert rows(conn, "SELECT kind, target, status, happened_at FROM source_withdrawals ORDER BY target") == [
        ("post", "t1_a", "deleted", NOW + HOUR),
        ("post", "t1_b", "takendown", NOW + HOUR),
        ("post", "t3_p9", status, NOW + HOUR),
    ]


def test_an_edit_is_a_new_version(conn: Connection, reddit: Reddit, tmp_path: Path) -> None:
    reddit.posts = [post(9, selftext="First wording")]
    reddit.thread(9, comment("a", "As first said"))
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    reddit.posts = [post(9, selftext="Second wording", edited=NOW.timestamp(), num_comments=3)]
    reddit.thread(9, comment("a", "As said later", edited=NOW.timestamp()))
    second = ingest(conn, "reddit", now=NOW + HOUR, run="r2", **CREDENTIALS)
    assert (second.records, second.versions) == (0, 2)
    assert (texts(conn)["t3_p9"], texts(conn)["t1_a"]) == ("Post number 9\n\nSecond wording", "As said later")


def test_a_crosspost_is_a_voice_of_its_own_without_the_origins_text(
    conn: Connection, reddit: Reddit, tmp_path: Path
) -> None:
    origin = post(3, selftext="The origin's long text", subreddit="other")
    reddit.posts = [post(9, num_comments=0, crosspost_parent="t3_p3", crosspost_parent_list=[origin], is_self=False)]
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    assert texts(conn) == {"t3_p9": "Post number 9"}
    assert rows(conn, "SELECT kind, target FROM record_relations") == [("crosspost", "t3_p3")]


def test_a_crosspost_counts_as_a_copy_of_its_origin(conn: Connection, reddit: Reddit, tmp_path: Path) -> None:
    text = "OpenAI released a model today and the ministry's chatbot will use it from next month on"
    reddit.posts = [
        post(9, num_comments=0, title="This is why I left", crosspost_parent="t3_p3", is_self=False),
        post(8, num_comments=0, title="Passed on from elsewhere", crosspost_parent="t3_zz", is_self=False),
        post(3, num_comments=0, hours=5, title="A model for the ministry", selftext=text),
    ]
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    for run in ("a1", "a2"):
        analyze_days(conn, [NOW.date()], run=Run(run, NOW))
        members = rows(conn, "SELECT r.native_id, g.size FROM duplicate_members m JOIN duplicate_groups g ON g.id = m.group_id "
                             "JOIN records r ON r.id = m.record_id ORDER BY 1")  # fmt: skip
        assert members == [("t3_p3", 2), ("t3_p9", 2)]


def test_adult_and_quarantined_posts_are_kept_by_setting_only(conn: Connection, reddit: Reddit, tmp_path: Path) -> None:
    reddit.posts = [post(9, over_18=True), post(8, quarantine=True), post(7)]
    for number in (9, 8, 7):
        reddit.thread(number)
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    assert texts(conn).keys() == {"t3_p7"}
    assert rows(conn, "SELECT config FROM sources") == [({"subreddit": "test", "host": reddit.server.base},)]
    subreddit(conn, tmp_path, reddit, ", include_nsfw: true")
    reddit.posts[2]["score"] = 44
    ingest(conn, "reddit", now=NOW + HOUR, **CREDENTIALS)
    assert texts(conn).keys() == {"t3_p7", "t3_p9"}
    subreddit(conn, tmp_path, reddit, ", include_nsfw: true, include_quarantined: true")
    reddit.posts[2]["score"] = 45
    ingest(conn, "reddit", now=NOW + 2 * HOUR, **CREDENTIALS)
    assert texts(conn).keys() == {"t3_p7", "t3_p8", "t3_p9"}


def test_a_used_up_rate_limit_ends_the_reading_with_its_reason(
    conn: Connection, reddit: Reddit, tmp_path: Path
) -> None:
    reddit.posts, reddit.size = [post(number) for number in (9, 8, 7, 6)], 2
    reddit.headers = {"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "3000"}
    subreddit(conn, tmp_path, reddit)
    result = ingest(conn, "reddit", **CREDENTIALS)
    assert (result.records, result.failed, reddit.asked()) == (2, 1, ["/r/test/new.json"])
    failed = rows(conn, "SELECT error_class, http_status, next_check_at >= requested_at + interval '900 s' FROM fetches "
                        "WHERE outcome = 'failed'")  # fmt: skip
    assert failed == [("rate_limited", None, True)]
    reddit.headers = {"x-ratelimit-remaining": "99.0", "x-ratelimit-reset": "300"}
    for number in (9, 8, 7, 6):
        reddit.thread(number)
    assert ingest(conn, "reddit", now=NOW + 5 * HOUR, **CREDENTIALS).records == 2


def test_a_limit_used_up_by_a_thread_leaves_the_other_threads_unasked(
    conn: Connection, reddit: Reddit, tmp_path: Path
) -> None:
    reddit.posts = [post(9), post(8)]
    reddit.thread(8)
    reddit.headers = {"x-ratelimit-remaining": "0.4", "x-ratelimit-reset": "30"}
    reddit.thread(9)
    reddit.headers = {}
    subreddit(conn, tmp_path, reddit)
    assert ingest(conn, "reddit", **CREDENTIALS).failed == 0
    assert reddit.asked() == ["/r/test/new.json", "/r/test/comments/p9.json"]


def test_a_429_without_retry_after_waits_for_the_reset_of_its_limit(
    conn: Connection, reddit: Reddit, tmp_path: Path
) -> None:
    reddit.server.routes["/r/test/new.json"] = (429, {"x-ratelimit-reset": "800"}, b"{}")
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    (moment,) = rows(conn, "SELECT next_check_at FROM sources")[0]
    assert moment >= NOW + timedelta(seconds=800)


def test_a_first_listing_ends_at_the_edge_and_at_its_bound(conn: Connection, reddit: Reddit, tmp_path: Path) -> None:
    reddit.posts, reddit.size = [post(n, hours=24 * (60 - n), num_comments=0) for n in range(60, 0, -1)], 10
    subreddit(conn, tmp_path, reddit)
    assert ingest(conn, "reddit", **CREDENTIALS).records == 30  # the third page ends more than 28 days back
    reddit.posts = [post(n, hours=0.01 * (300 - n), num_comments=0) for n in range(300, 100, -1)]
    assert ingest(conn, "reddit", now=NOW + 24 * HOUR, **CREDENTIALS).records == 100
    assert len(reddit.asked()) == 3 + 10


def test_a_cursor_that_is_no_post_is_not_followed(conn: Connection, reddit: Reddit, tmp_path: Path) -> None:
    evil = "t3_a&limit=1#"
    body = Reddit.body([{"kind": "t3", "data": post(9, num_comments=0)}], evil)
    reddit.server.routes["/r/test/new.json"] = (200, {}, body)
    subreddit(conn, tmp_path, reddit)
    ingest(conn, "reddit", **CREDENTIALS)
    assert reddit.asked() == ["/r/test/new.json"]
