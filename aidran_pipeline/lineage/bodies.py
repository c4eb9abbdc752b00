"""From a stored body back to what was read in it: hash it, parse it again as ingest did, find a record in it.

Used by trace (one body) and verify (each cited body once). What does not belong here: judging what is found.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aidran_pipeline.ingest import NotParsable, ParsedRecord, extract_page, parse_body, record_row
from aidran_pipeline.ingest.extract import completed
from aidran_pipeline.store.db import Connection
from aidran_pipeline.store.payloads import load_payload

FETCHES = """
SELECT f.id, f.source_id, f.purpose, f.method, f.url, f.final_url, f.requested_at, f.duration_ms, f.http_status,
       f.outcome, f.content_type, f.etag, f.last_modified, f.payload_sha256, f.byte_length, f.run_id
FROM fetches f WHERE f.id = ANY(%s)
"""
CONFIGURATIONS = """
SELECT c.source_id AS id, c.kind, c.platform, c.config, c.publisher, c.publisher_family, c.config_hash, c.recorded_at
FROM source_configurations c JOIN sources s ON s.id = c.source_id
WHERE c.source_id = ANY(%s)
ORDER BY c.source_id, c.config_hash <> s.config_hash, c.recorded_at DESC, c.config_hash
"""
# The feed's version that a version with the text of the article's own page completes.
COMPLETED = """
SELECT p.record_version_id, v.id AS version_id, v.number, v.title, v.title_truncated, v.declared_lang,
       v.first_fetch_id AS fetch_id
FROM record_page_texts p JOIN record_versions v ON v.id = p.completes
WHERE p.record_version_id = ANY(%s)
"""
# What a record's row and its version's row take from the body; publisher_family also depends on the packaged table of
# owners, which may learn of a sale tomorrow, and so does the author_key of a byline.
RECORD_COLUMNS = (
    "url", "canonical_url", "author_name", "publisher", "community", "published_at", "published_raw",
)  # fmt: skip
VERSION_COLUMNS = ("title", "text", "title_truncated", "body_truncated", "declared_lang")


@dataclass(frozen=True)
class Body:
    """A stored body. data None: it cannot be had, `problem` says why (missing, expired, unreadable).

    computed: SHA-256 of data, its own and not the key. byte_length: as stored beside it. copy: SHA-256 of the copy that
    stands in the body's place since something in it was erased; key and byte_length stay those of the body as fetched.
    """

    sha256: str
    data: bytes | None
    computed: str | None
    byte_length: int | None
    problem: str | None
    copy: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the body is there and is what its key and length say; of a redacted one, the copy put there."""
        if self.copy is not None:
            return self.data is not None and self.computed == self.copy
        return self.data is not None and self.computed == self.sha256 and len(self.data) == self.byte_length


def read_body(conn: Connection, sha256: str | None) -> Body:
    """Load and hash one body. Never raises for what is stored: a broken body is a Body with its problem."""
    if sha256 is None:
        return Body("", None, None, None, "the fetch names no body")
    row = conn.execute(
        "SELECT byte_length, body IS NULL AS gone, expired_at, redacted_sha256 FROM payloads WHERE sha256 = %s",
        (sha256,),
    ).fetchone()
    if row is None:
        return Body(sha256, None, None, None, "missing: no payload has this key")
    if row["gone"]:
        when = f" on {row['expired_at']:%Y-%m-%d}" if row["expired_at"] else ""
        return Body(sha256, None, None, row["byte_length"], f"expired{when}: only its hash is left")
    try:
        data = load_payload(conn, sha256)
    except ValueError as error:
        return Body(sha256, None, None, row["byte_length"], f"unreadable: {error}")
    if data is None:
        return Body(sha256, None, None, row["byte_length"], "missing: it went while it was read")
    return Body(sha256, data, hashlib.sha256(data).hexdigest(), row["byte_length"], None, row["redacted_sha256"])


@dataclass(frozen=True)
class Parse:
    """One body parsed under one configuration of its source: what ingest would store, by locator."""

    configuration: Mapping[str, Any]
    records: dict[str, ParsedRecord]


@dataclass
class Reading:
    """A fetch with its body, parsed under every configuration that its source had, the present one first.

    failures: why the body does not parse, in words, when no configuration fits.
    """

    fetch: dict[str, Any]
    body: Body
    parses: list[Parse] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def differences(self, locator: str, stored: Mapping[str, Any], columns: Sequence[str]) -> list[Difference] | None:
        """How a stored row differs from what its body gives, under the configuration that comes nearest.

        None: no parse of this body holds the locator. stored: the row, with `platform`.
        """
        best: list[Difference] | None = None
        for parse in self.parses:
            record = parse.records.get(locator)
            if record is None:
                continue
            found = _compare(record, parse.configuration, self.fetch, stored, columns)
            if best is None or len(found) < len(best):
                best = found
        return best


@dataclass(frozen=True)
class Difference:
    """A column whose stored value is not what the body gives."""

    column: str
    expected: Any
    found: Any


def _compare(
    record: ParsedRecord,
    configuration: Mapping[str, Any],
    fetch: Mapping[str, Any],
    stored: Mapping[str, Any],
    columns: Sequence[str],
) -> list[Difference]:
    row = record_row(record, fetch["id"], configuration["platform"], configuration, fetch["requested_at"])
    pairs = [(name, getattr(row, name), stored[name]) for name in columns]
    if configuration["platform"] != stored["platform"]:
        pairs.append(("platform", configuration["platform"], stored["platform"]))
    return [Difference(name, expected, found) for name, expected, found in pairs if expected != found]


def load_fetches(conn: Connection, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Fetch rows by id."""
    return {row["id"]: row for row in conn.execute(FETCHES, (sorted(set(ids)),)).fetchall()}


def load_completed(conn: Connection, version_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """For each record version whose text is its page's: the feed's version that it completes."""
    rows = conn.execute(COMPLETED, (sorted(set(version_ids)),)).fetchall()
    return {row["record_version_id"]: row for row in rows}


def page_differences(
    fetch: Mapping[str, Any], body: Body, teaser: Mapping[str, Any], stored: Mapping[str, Any]
) -> list[Difference]:
    """How a version differs from the feed's version completed with its page, extracted again from the page's body.

    Raises NotParsable, and whatever extraction raises on altered markup, when the body gives no text.
    """
    if body.data is None:
        raise NotParsable("empty", body.problem or "no body")
    page = extract_page(body.data, url=fetch["final_url"] or fetch["url"], content_type=fetch["content_type"])
    expected = completed(teaser, title=page.title, text=page.text)
    return [
        Difference(name, expected[name], stored[name]) for name in VERSION_COLUMNS if expected[name] != stored[name]
    ]


def load_configurations(conn: Connection, source_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Every configuration of each source, the present one first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in conn.execute(CONFIGURATIONS, (sorted(set(source_ids)),)).fetchall():
        found.setdefault(row["id"], []).append(row)
    return found


def read_again(fetch: dict[str, Any], body: Body, configurations: Sequence[Mapping[str, Any]]) -> Reading:
    """Parse a fetch's body as ingest did. Never raises for what is stored; failures are words in the reading."""
    reading = Reading(fetch, body)
    if body.data is None:
        return reading
    for configuration in _distinct(configurations):
        try:
            records = parse_body(
                str(configuration["kind"]),
                body.data,
                url=fetch["final_url"] or fetch["url"],
                content_type=fetch["content_type"],
                source=configuration,
            )
        except NotParsable as failure:
            reading.failures.append(f"{failure.error_class}: {failure}")
        except Exception as error:  # an altered body may break a parser anywhere
            reading.failures.append(f"{type(error).__name__}: {error}"[:200])
        else:
            reading.parses.append(Parse(configuration, {record.locator: record for record in records}))
    if not configurations:
        reading.failures.append("its source has no configuration")
    return reading


def _distinct(configurations: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Configurations that can make a difference to a parse: not those that differ in an address only."""
    seen = set()
    for each in configurations:
        config = each["config"] or {}
        told = (config.get(name) for name in ("subreddit", "include_nsfw", "include_quarantined"))
        key = (each["kind"], each["platform"], each["publisher"], *told)
        if key not in seen:
            seen.add(key)
            yield each


def place_in_body(data: bytes, quote: str) -> tuple[int, int, str] | None:
    """The bytes of a body that hold a quote, half-open, and how it is written there; None when it is not literal.

    A quote that runs across markup, or that a parser decoded in another way, stands in no single place.
    """
    escaped = html.escape(quote, quote=False)
    forms = (
        ("as it stands", quote),
        ("escaped for JSON", json.dumps(quote, ensure_ascii=False)[1:-1]),
        ("escaped for JSON, ASCII only", json.dumps(quote)[1:-1]),
        ("escaped for HTML", escaped),
        ("escaped for HTML in XML", html.escape(escaped, quote=False)),
    )
    for name, text in forms:
        wanted = text.encode("utf-8", "surrogatepass")
        at = data.find(wanted)
        if at >= 0:
            return at, at + len(wanted), name
    return None
