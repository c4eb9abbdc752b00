"""Checks 1 and 2 of verify: what citations rest on, against the bytes that were fetched.

Each body is loaded, hashed and parsed once, whatever number of citations rests on it. What does not belong here:
how a body is parsed (bodies.py, ingest), quotes and articles (rows.py).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aidran_pipeline.ingest import NotParsable, extract_page, extractor_name
from aidran_pipeline.lineage.bodies import (
    RECORD_COLUMNS,
    VERSION_COLUMNS,
    Body,
    Difference,
    Reading,
    load_completed,
    load_configurations,
    load_fetches,
    page_differences,
    read_again,
    read_body,
)
from aidran_pipeline.lineage.findings import Progress, Report, difference, listed, shorten
from aidran_pipeline.store.db import Connection

RECORDS = """
SELECT v.id AS version_id, v.record_id, v.number, v.title, v.text, v.text_sha256, v.title_truncated, v.body_truncated,
       v.declared_lang, v.first_fetch_id AS version_fetch, o.locator,
       r.id AS found, r.platform, r.native_id, r.source_id, r.url, r.canonical_url, r.author_name, r.author_key,
       r.publisher, r.community, r.published_at, r.published_raw, r.day, r.first_fetch_id AS record_fetch, v.erased_at
FROM record_versions v
LEFT JOIN records r ON r.id = v.record_id
LEFT JOIN record_observations o ON o.record_version_id = v.id AND o.fetch_id = v.first_fetch_id
WHERE v.id = ANY(%s) ORDER BY v.id
"""
PAGES = """
SELECT v.id AS version_id, v.web_page_id, v.number, v.title, v.site_name, v.published_at, v.text, v.text_sha256,
       v.fetch_id, v.extractor, w.canonical_url, v.erased_at
FROM web_page_versions v LEFT JOIN web_pages w ON w.id = v.web_page_id
WHERE v.id = ANY(%s) ORDER BY v.id
"""
CitedBy = Mapping[tuple[str, int], list[str]]


@dataclass(frozen=True)
class _Task:
    """One comparison that needs a fetch's body: a record's own columns, its version's, or a page's text.

    what: record, version, completed (a version whose text is its page's; teaser: what it completes) or page.
    """

    what: str
    row: dict[str, Any]
    locator: str = ""
    teaser: dict[str, Any] | None = None


def check_originals(conn: Connection, cited: CitedBy, report: Report, progress: Progress) -> None:
    """Hash every body that a citation rests on, parse or extract it again, compare with what is stored.

    cited: ("record" or "web", version id) → who cites it, in words.
    """
    teasers = load_completed(conn, [key[1] for key in cited if key[0] == "record"])
    for version_id, completes in teasers.items():  # what a completed text starts from is checked as if cited too
        cited = {**cited, ("record", completes["version_id"]): cited["record", version_id]}
    records = conn.execute(RECORDS, ([key[1] for key in cited if key[0] == "record"],)).fetchall()
    pages = conn.execute(PAGES, ([key[1] for key in cited if key[0] == "web"],)).fetchall()
    _targets_exist(cited, records, pages, report)
    records, pages = _not_erased("record", records, report), _not_erased("page", pages, report)
    tasks: dict[int, list[_Task]] = defaultdict(list)
    for row in records:
        _text_holds(
            row, f"record {row['record_id']}, version {row['number']}", ("record", row["version_id"]), cited, report
        )
        if row["found"] is None:
            continue
        teaser = teasers.get(row["version_id"])
        what = "completed" if teaser else "version"
        tasks[row["version_fetch"]].append(_Task(what, row, row["locator"] or row["native_id"], teaser))
        tasks[row["record_fetch"]].append(_Task("record", row, row["native_id"]))
        _record_is_consistent(row, cited, report)
    for row in pages:
        _text_holds(row, f"web page {row['canonical_url']}", ("web", row["version_id"]), cited, report)
        tasks[row["fetch_id"]].append(_Task("page", row))
    report.count("record", len(records))
    report.count("page", len(pages))
    _Reader(conn, cited, report, progress).work_through(tasks)


def _not_erased(kind: str, rows: Sequence[Any], report: Report) -> list[Any]:
    """Without those that were erased: nothing of them is left to compare."""
    report.redact(kind, sum(row["erased_at"] is not None for row in rows))
    return [row for row in rows if row["erased_at"] is None]


def _targets_exist(cited: CitedBy, records: Sequence[Any], pages: Sequence[Any], report: Report) -> None:
    there = {("record", row["version_id"]) for row in records if row["found"] is not None}
    there |= {("web", row["version_id"]) for row in pages}
    for (kind, version), by in cited.items():
        if (kind, version) not in there:
            name = "record" if kind == "record" else "page"
            report.add(
                name, f"{listed(by)}: the {name} version {version} it cites does not exist", expected="a row",
                found="none", version_id=version, cited_by=by,
            )  # fmt: skip


def _text_holds(row: Mapping[str, Any], name: str, key: tuple[str, int], cited: CitedBy, report: Report) -> None:
    report.count("text")
    computed = hashlib.sha256(row["text"].encode("utf-8", "surrogatepass")).hexdigest()
    if computed != row["text_sha256"]:
        report.add(
            "text", f"{name}: its text no longer has the hash stored with it", expected=row["text_sha256"],
            found=computed, **_place(row, cited, key),
        )  # fmt: skip


def _record_is_consistent(row: Mapping[str, Any], cited: CitedBy, report: Report) -> None:
    """What a record's own columns say of each other."""
    name, key = f"record {row['record_id']}", ("record", row["version_id"])
    if row["locator"] is None:
        report.add(
            "record", f"{name}: no observation says that its first fetch showed version {row['number']}",
            expected=f"an observation by fetch {row['version_fetch']}", found="none", **_place(row, cited, key),
        )  # fmt: skip
    elif row["locator"] != row["native_id"]:
        report.add(
            "record", f"{name}: observed under another native id", expected=row["locator"], found=row["native_id"],
            **_place(row, cited, key),
        )  # fmt: skip
    if row["published_at"] is not None and row["day"] != row["published_at"].date():
        report.add(
            "record", f"{name}: its day is not that of its publication", expected=row["published_at"].date(),
            found=row["day"], **_place(row, cited, key),
        )  # fmt: skip


def _place(row: Mapping[str, Any], cited: CitedBy, key: tuple[str, int]) -> dict[str, Any]:
    """Where a mismatch of a cited version is."""
    if key[0] == "record":
        return {
            "record_id": row["record_id"], "record_version": row["number"], "native_id": row.get("native_id"),
            "cited_by": cited.get(key),
        }  # fmt: skip
    return {"url": row["canonical_url"], "page_version": row["number"], "cited_by": cited.get(key)}


class _Reader:
    """Goes through fetches, those of one body together, and holds one body at a time."""

    def __init__(self, conn: Connection, cited: CitedBy, report: Report, progress: Progress) -> None:
        self.conn, self.cited, self.report, self.progress = conn, cited, report, progress

    def work_through(self, tasks: Mapping[int, list[_Task]]) -> None:
        """Every fetch that a cited version names."""
        fetches = load_fetches(self.conn, list(tasks))
        configurations = load_configurations(
            self.conn, [fetch["source_id"] for fetch in fetches.values() if fetch["source_id"]]
        )
        for fetch_id in sorted(set(tasks) - fetches.keys()):
            by = self._cited_by(tasks[fetch_id])
            self.report.add(
                "body", f"fetch {fetch_id} does not exist; {listed(by)} rest on it", expected="a fetch row",
                found="none", fetch=fetch_id, cited_by=by,
            )  # fmt: skip
        order = sorted(fetches.values(), key=lambda f: (f["payload_sha256"] or "", f["id"]))
        resting: dict[str, list[_Task]] = defaultdict(list)
        for fetch in order:
            resting[fetch["payload_sha256"] or ""] += tasks[fetch["id"]]
        body: Body | None = None
        for number, fetch in enumerate(order, start=1):
            if body is None or body.sha256 != (fetch["payload_sha256"] or ""):
                body = read_body(self.conn, fetch["payload_sha256"])
                self._body_holds(body, fetch, resting[body.sha256])
            self._read(fetch, body, configurations.get(fetch["source_id"] or "", []), tasks[fetch["id"]])
            if number % 20 == 0 or number == len(order):
                self.progress(f"{number} of {len(order)} bodies read again")

    def _cited_by(self, tasks: Sequence[_Task]) -> list[str]:
        keys = dict.fromkeys(
            ("web" if task.what == "page" else "record", int(task.row["version_id"])) for task in tasks
        )
        return list(dict.fromkeys(name for key in keys for name in self.cited.get(key, [])))

    def _body_holds(self, body: Body, fetch: Mapping[str, Any], tasks: Sequence[_Task]) -> None:
        self.report.count("body")
        self.report.redact("body", int(body.copy is not None))
        if body.holds and fetch["byte_length"] in (None, body.byte_length):
            return
        by = self._cited_by(tasks)
        found = body.problem or f"sha256 {body.computed}, {len(body.data or b'')} bytes"
        message = f"stored body {body.sha256 or '(none)'} of fetch {fetch['id']} is not what was fetched"
        expected = f"sha256 {body.sha256}, {fetch['byte_length'] or body.byte_length} bytes"
        self.report.add(
            "body", message, expected=expected, found=found, payload=body.sha256, fetch=fetch["id"],
            url=fetch["url"], cited_by=by,
        )  # fmt: skip

    def _read(
        self, fetch: dict[str, Any], body: Body, configurations: Sequence[Mapping[str, Any]], tasks: Sequence[_Task]
    ) -> None:
        of_records = [task for task in tasks if task.what in ("record", "version")]
        if of_records:
            reading = read_again(fetch, body, configurations)
            for task in of_records:
                self._compare_record(task, reading)
        for task in tasks:
            if task.what == "page":
                self._compare_page(task, fetch, body)
            elif task.what == "completed":
                self._compare_completed(task, fetch, body)

    def _compare_record(self, task: _Task, reading: Reading) -> None:
        row = task.row
        key = ("record", row["version_id"])
        name = f"record {row['record_id']} ({row['native_id']})"
        columns: tuple[str, ...] = VERSION_COLUMNS if task.what == "version" else RECORD_COLUMNS
        if task.what == "record" and row["platform"] != "news":
            columns = (*columns, "author_key")
        place = {**_place(row, self.cited, key), "fetch": reading.fetch["id"], "payload": reading.body.sha256}
        if task.what == "record" and reading.fetch["source_id"] != row["source_id"]:
            self.report.add(
                "record", f"{name}: its first fetch is of another source", expected=reading.fetch["source_id"],
                found=row["source_id"], **place,
            )  # fmt: skip
        found = reading.differences(task.locator, row, columns)
        if found is None and reading.body.copy is not None and not reading.body.data:
            self.report.redact("record")
            self.report.note(
                f"{name} was not parsed again: its body went whole, as what was erased could not be cut out"
            )
            return
        if found is None:
            why = reading.body.problem or listed(reading.failures, 2) or f"the body holds no {task.locator}"
            self.report.add(
                "record", f"{name} cannot be found again in its stored body: {why}",
                expected=f"{task.locator} in the body of fetch {reading.fetch['id']}", found=why, **place,
            )  # fmt: skip
        for each in found or []:
            self._differs("record", name, each, place)

    def _compare_completed(self, task: _Task, fetch: Mapping[str, Any], body: Body) -> None:
        row = task.row
        assert task.teaser is not None
        name = f"record {row['record_id']} ({row['native_id']})"
        place = {
            **_place(row, self.cited, ("record", row["version_id"])), "fetch": fetch["id"], "payload": body.sha256,
        }  # fmt: skip
        try:
            differing = page_differences(fetch, body, task.teaser, row)
        except Exception as error:  # extraction runs third-party parsers on what may be altered markup
            self.report.add(
                "record", f"{name} cannot be completed again from the stored body of its page: {error}",
                expected="its readable text", found=shorten(error, 200), **place,
            )  # fmt: skip
            return
        for each in differing:
            self._differs("record", name, each, place)

    def _compare_page(self, task: _Task, fetch: Mapping[str, Any], body: Body) -> None:
        row = task.row
        name = f"web page {row['canonical_url']}"
        place = {**_place(row, self.cited, ("web", row["version_id"])), "fetch": fetch["id"], "payload": body.sha256}
        other = row["extractor"] != extractor_name()
        try:
            if body.data is None:
                raise NotParsable("empty", body.problem or "no body")
            page = extract_page(body.data, url=fetch["final_url"] or fetch["url"], content_type=fetch["content_type"])
        except Exception as error:  # extraction runs third-party parsers on what may be altered markup
            self.report.add(
                "page", f"{name} cannot be extracted again from its stored body: {error}",
                expected="its readable text", found=shorten(error, 200), **place,
            )  # fmt: skip
            return
        pairs: list[tuple[str, Any, Any]] = [("text", page.text, row["text"]), ("title", page.title, row["title"])]
        pairs.append(("published_at", page.published_at, row["published_at"]))
        pairs.append(("canonical_url", fetch["url"], row["canonical_url"]))  # a page is asked for under its own address
        if page.site_name is not None:  # else the name came from the records that link to it
            pairs.append(("site_name", page.site_name, row["site_name"]))
        differing = [Difference(column, wanted, found) for column, wanted, found in pairs if wanted != found]
        for each in differing:
            self._differs("page", name, each, place)
        if other:
            said = "and may read it otherwise" if differing else "and gives the same text"
            self.report.note(f"{name} was extracted by {row['extractor']}; {extractor_name()} is installed {said}")

    def _differs(self, kind: str, name: str, each: Difference, place: dict[str, Any]) -> None:
        if isinstance(each.expected, str) and isinstance(each.found, str):
            at, expected, found = difference(each.expected, each.found)
            message = f"{name}: its stored {each.column} is not what its body gives, from code point {at}"
            self.report.add(kind, message, expected=expected, found=found, column=each.column, **place)
            return
        message = f"{name}: its stored {each.column} is not what its body gives"
        self.report.add(
            kind, message, expected=shorten(each.expected), found=shorten(each.found), column=each.column, **place
        )
