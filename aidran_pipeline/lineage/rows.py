"""Checks 3 to 5 of verify: quotes at their offsets, markers, gates, counts, weights and hashes of versions.

Everything here compares rows with rows. What does not belong here: fetched bodies (originals.py) and built pages.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aidran_pipeline.config.publication import Publication
from aidran_pipeline.lineage.findings import Progress, Report, difference, listed
from aidran_pipeline.store.db import Connection
from aidran_pipeline.write import GATES, check_article, content_hash_of, load_draft

# substring() counts code points, as every stored offset does.
USES = """
SELECT sc.id, sc.article_version_id, sc.sentence_id, sc.claim_id, sc.quote, sc.start_at, sc.end_at, sc.support,
       sc.judge, sc.judge_version, s.ordinal, c.id AS citation_id, c.kind, c.number, c.record_id, c.record_version_id,
       c.web_page_version_id, c.article_version_id AS citation_of, rv.record_id AS version_record,
       COALESCE(rv.id, wv.id) AS source_id,
       substring(COALESCE(rv.text, wv.text) FROM sc.start_at + 1 FOR greatest(sc.end_at - sc.start_at, 0)) AS stands,
       cl.id AS claim_found, cl.record_version_id AS claim_version, cl.start_at AS claim_start, cl.end_at AS claim_end,
       cl.quote AS claim_quote,
       substring(cv.text FROM cl.start_at + 1 FOR greatest(cl.end_at - cl.start_at, 0)) AS claim_stands
FROM sentence_citations sc
LEFT JOIN article_sentences s ON s.id = sc.sentence_id
LEFT JOIN citations c ON c.id = sc.citation_id
LEFT JOIN record_versions rv ON rv.id = c.record_version_id
LEFT JOIN web_page_versions wv ON wv.id = c.web_page_version_id
LEFT JOIN claims cl ON cl.id = sc.claim_id
LEFT JOIN record_versions cv ON cv.id = cl.record_version_id
WHERE sc.article_version_id = ANY(%s) ORDER BY sc.article_version_id, s.ordinal, sc.start_at, sc.id
"""
SENTENCES = """
SELECT id, article_version_id, ordinal, part, text FROM article_sentences
WHERE article_version_id = ANY(%s) ORDER BY article_version_id, ordinal
"""
CITATIONS = """
SELECT c.id, c.article_version_id, c.kind, c.number, c.weight, c.record_id, c.record_version_id, c.web_page_version_id,
       t.record_version_id AS scored_version, COALESCE(rv.erased_at, wv.erased_at) AS erased
FROM citations c
LEFT JOIN record_versions rv ON rv.id = c.record_version_id
LEFT JOIN web_page_versions wv ON wv.id = c.web_page_version_id
JOIN article_versions av ON av.id = c.article_version_id
JOIN articles a ON a.id = av.article_id
LEFT JOIN record_topics t ON t.record_id = c.record_id AND t.topic = a.topic
WHERE c.article_version_id = ANY(%s) ORDER BY c.article_version_id, c.kind, c.number
"""
DECISIONS = """
SELECT v.id, d.numbers FROM article_versions v
JOIN editorial_decisions d ON d.article_version_id = v.id AND d.input_hash = v.input_hash AND d.decision = 'published'
WHERE v.id = ANY(%s) ORDER BY d.id
"""
MARKER = re.compile(r"\[\[(w?)(\d+)\]\]")
ROUNDED = 0.00001  # weights are stored with four decimals, in single precision


def marker_of(row: Mapping[str, Any]) -> str:
    """As printed and typed: 3 for a record, w1 for a web page."""
    return f"{'w' if row['kind'] == 'web' else ''}{row['number']}"


class Stories:
    """The versions under verification with their sentences, citations and uses, read in three queries."""

    def __init__(self, conn: Connection, versions: Sequence[Mapping[str, Any]]) -> None:
        self.versions = versions
        ids = [row["version_id"] for row in versions]
        self.head = {row["version_id"]: row for row in versions}
        self.sentences = conn.execute(SENTENCES, (ids,)).fetchall()
        self.citations = conn.execute(CITATIONS, (ids,)).fetchall()
        self.uses = conn.execute(USES, (ids,)).fetchall()

    def name(self, version_id: int) -> str:
        """A version for people: its slug, with its number unless it is the newest."""
        row = self.head[version_id]
        return str(row["slug"]) + ("" if row["newest"] else f" (version {row['number']})")

    def place(self, version_id: int) -> dict[str, Any]:
        """Where a mismatch of a version is."""
        row = self.head[version_id]
        return {"slug": row["slug"], "version": row["number"]}

    def cited(self) -> dict[tuple[str, int], list[str]]:
        """("record" or "web", version id) → the citations that name it, in words."""
        found: dict[tuple[str, int], list[str]] = defaultdict(list)
        for row in self.citations:
            target = row["record_version_id"] if row["kind"] == "record" else row["web_page_version_id"]
            if target is not None:
                found[(row["kind"], target)].append(f"{self.name(row['article_version_id'])} [{marker_of(row)}]")
        return dict(found)


def check_uses(stories: Stories, report: Report) -> None:
    """Each use of a citation: the quote at its offsets, the claim at its own, the target whole, the verdict."""
    claims = set()
    for use in stories.uses:
        report.count("quote")
        place = _place(stories, use)
        name = f"{stories.name(use['article_version_id'])} [{place['citation']}], sentence {use['ordinal']}"
        if use["stands"] != use["quote"] or len(use["quote"]) != use["end_at"] - use["start_at"]:
            _not_verbatim(report, "quote", f"{name}: the cited quote", use["stands"], use["quote"], place)
        for message, expected, found in _target_faults(use):
            report.add("quote", f"{name}: {message}", expected=expected, found=found, **place)
        head = stories.head[use["article_version_id"]]
        judged = (use["support"], use["judge"], use["judge_version"])
        if judged != ("supported", head["judge"], head["judge_version"]):
            report.add(
                "marker", f"{name}: its support verdict is not that of the version",
                expected=f"supported by {head['judge']} {head['judge_version']}", found=" ".join(judged), **place,
            )  # fmt: skip
        if use["claim_found"] is not None and use["claim_found"] not in claims:
            claims.add(use["claim_found"])
            report.count("claim")
            if use["claim_stands"] != use["claim_quote"]:
                what = f"claim {use['claim_id']} of record {use['record_id']}, cited by {name}: its quote"
                _not_verbatim(report, "claim", what, use["claim_stands"], use["claim_quote"], place)


def _place(stories: Stories, use: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **stories.place(use["article_version_id"]),
        "sentence": use["ordinal"],
        "citation": marker_of(use) if use["kind"] else None,
        "claim": use["claim_id"],
        "record_id": use["record_id"],
    }


def _not_verbatim(
    report: Report, kind: str, name: str, stands: str | None, quote: str, place: Mapping[str, Any]
) -> None:
    if stands is None:
        report.add(kind, f"{name} has no text to stand in", expected="a text", found="none", **place)
        return
    at, expected, found = difference(stands, quote)
    message = f"{name} is not what stands at its offsets, from its code point {at}"
    report.add(kind, message, expected=expected, found=found, **place)


def _target_faults(use: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What is wrong with where a use points: (message, expected, found)."""
    if use["citation_id"] is None:
        return [("names a citation that does not exist", "a citation", "none")]
    faults = []
    if use["citation_of"] != use["article_version_id"]:
        faults.append(("names a citation of another version", str(use["article_version_id"]), str(use["citation_of"])))
    if use["ordinal"] is None:
        faults.append(("belongs to no sentence", "a sentence", f"none has id {use['sentence_id']}"))
    if use["kind"] == "web":
        if use["claim_id"] is not None:
            faults.append(("a web citation names a claim", "none", f"claim {use['claim_id']}"))
        return faults
    if use["version_record"] != use["record_id"]:
        target = f"version {use['record_version_id']} of record {use['version_record']}"
        faults.append(("the citation's version is of another record", f"record {use['record_id']}", target))
    span = f"claim {use['claim_id']} of version {use['claim_version']}, {use['claim_start']} to {use['claim_end']}"
    if use["claim_found"] is None or use["claim_version"] != use["record_version_id"]:
        found = "no such claim" if use["claim_found"] is None else span
        faults.append(("its claim is not one of the cited version", f"version {use['record_version_id']}", found))
    elif not use["claim_start"] <= use["start_at"] < use["end_at"] <= use["claim_end"]:
        faults.append(("its quote lies outside its claim", span, f"{use['start_at']} to {use['end_at']}"))
    return faults


def check_versions(conn: Connection, stories: Stories, report: Report) -> None:
    """Markers, counts, weights, numbering, decision and content hash of every version."""
    uses: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for use in stories.uses:
        uses[use["sentence_id"]].append(use)
    _markers(stories, uses, report)
    for version_id, head in stories.head.items():
        if head["status"] == "withdrawn":
            report.redact("version")
            continue
        cites = [row for row in stories.citations if row["article_version_id"] == version_id]
        own = [use for use in stories.uses if use["article_version_id"] == version_id]
        _counts(stories, version_id, cites, own, report)
        _weights(conn, stories, version_id, cites, report)
        _content(conn, stories, version_id, report)
        if head["place"] != head["number"]:
            report.add(
                "version", f"{head['slug']}: version numbers have a gap", expected=head["place"], found=head["number"],
                **stories.place(version_id),
            )  # fmt: skip
    _decisions(conn, stories, report)


def _markers(stories: Stories, uses: Mapping[int, list[dict[str, Any]]], report: Report) -> None:
    for row in stories.sentences:
        report.count("marker")
        printed = {match.group(1) + match.group(2) for match in MARKER.finditer(row["text"])}
        cited = {marker_of(use) for use in uses.get(row["id"], []) if use["kind"]}
        if printed != cited:
            name = f"{stories.name(row['article_version_id'])}, sentence {row['ordinal']} ({row['part']})"
            report.add(
                "marker", f"{name}: the markers printed are not its citations",
                expected=listed(sorted(cited)) or "none", found=listed(sorted(printed)) or "none",
                **stories.place(row["article_version_id"]), sentence=row["ordinal"],
            )  # fmt: skip


def _counts(stories: Stories, version_id: int, cites: Sequence[Any], own: Sequence[Any], report: Report) -> None:
    head, used = stories.head[version_id], {use["citation_id"] for use in own}
    for column, kind in (("records_cited", "record"), ("pages_cited", "web")):
        report.count("count")
        # What was erased later was counted when the version was made; what its erasure made it do without was not.
        counted = sum(
            row["kind"] == kind and not (head["withdraws"] and row["erased"] and row["erased"] <= head["published_at"])
            for row in cites
        )
        if counted != head[column]:
            report.add(
                "count", f"{stories.name(version_id)}: {column.replace('_', ' ')} is not the number of its citations",
                expected=counted, found=head[column], **stories.place(version_id), column=column,
            )  # fmt: skip
    for row in cites:
        if row["id"] not in used and (row["erased"] or head["redacted_at"] is not None):
            report.redact("quote")
        elif row["id"] not in used:
            report.add(
                "count", f"{stories.name(version_id)} [{marker_of(row)}]: no sentence uses this citation",
                expected="a use", found="none", **stories.place(version_id), citation=marker_of(row),
            )  # fmt: skip


def _weights(conn: Connection, stories: Stories, version_id: int, cites: Sequence[Any], report: Report) -> None:
    """What a weight is stands with its column; the writer's own definition is applied to the rows again."""
    if stories.head[version_id]["redacted_at"] is not None:
        report.redact("weight", len(cites))
        return
    moved = [row for row in cites if row["scored_version"] not in (None, row["record_version_id"])]
    if moved:
        report.note(f"{stories.name(version_id)}: weights left unchecked, {len(moved)} of its records were scored anew")
        return
    try:
        with conn.transaction():
            draft = load_draft(conn, version_id)
        numbers = draft.numbers()
        weights = {(key[0], numbers[key]): weight for key, weight in draft.weights().items()}
    except Exception:  # rows that no longer fit together: the content hash says so
        return
    for row in cites:
        if row["erased"]:
            continue
        report.count("weight")
        expected = weights.get((row["kind"], row["number"]))
        if expected is None or abs(expected - float(row["weight"])) > ROUNDED:
            report.add(
                "weight", f"{stories.name(version_id)} [{marker_of(row)}]: its weight is not that of its uses",
                expected=expected, found=round(float(row["weight"]), 4), **stories.place(version_id),
                citation=marker_of(row),
            )  # fmt: skip


def _content(conn: Connection, stories: Stories, version_id: int, report: Report) -> None:
    report.count("content")
    report.redact("content", int(stories.head[version_id]["redacted_at"] is not None))
    stored = stories.head[version_id]["content_hash"]
    try:
        with conn.transaction():
            computed = content_hash_of(conn, version_id)
    except Exception as error:  # rows that no longer fit together
        computed = f"not computable: {type(error).__name__}: {error}"[:200]
    if computed != stored:
        report.add(
            "content", f"{stories.name(version_id)}: its sentences, quotes or grounds are not those published",
            expected=stored, found=computed, **stories.place(version_id),
        )  # fmt: skip


def _decisions(conn: Connection, stories: Stories, report: Report) -> None:
    """Each version was published by a decision made from the same input, with the same figures."""
    rows = conn.execute(DECISIONS, (list(stories.head),)).fetchall()
    decided = {row["id"]: row["numbers"] for row in rows}
    report.count("version", len(stories.head))
    for version_id, head in stories.head.items():
        name, place = stories.name(version_id), stories.place(version_id)
        if head["status"] == "withdrawn":
            continue
        if version_id not in decided:
            report.add(
                "version", f"{name}: no editorial decision published this version from its input",
                expected="a decision", found="none", **place,
            )  # fmt: skip
            continue
        numbers = decided[version_id] if isinstance(decided[version_id], dict) else {}
        for column in ("records_read", "records_cited", "pages_cited"):
            if column in numbers and numbers[column] != head[column]:
                report.add(
                    "version", f"{name}: its decision counted other {column.replace('_', ' ')}",
                    expected=numbers[column], found=head[column], **place, column=column,
                )  # fmt: skip


def check_gates(
    conn: Connection, stories: Stories, publication: Publication, report: Report, progress: Progress
) -> None:
    """Every gate over the rows of each story's newest version; older ones were held to the world of their time."""
    newest = [head for head in stories.versions if head["newest"] and head["status"] == "published"]
    for number, head in enumerate(newest, start=1):
        report.count("gate", len(GATES))
        place, name = stories.place(head["version_id"]), head["slug"]
        try:
            with conn.transaction():
                failures = check_article(conn, head["version_id"], publication)
        except Exception as error:  # rows that no longer fit together
            said = f"{type(error).__name__}: {error}"[:200]
            report.add("gate", f"{name}: the gates cannot be run: {said}", expected="a verdict", found=said, **place)
            continue
        for failure in failures:
            sentence = failure.sentence + 1 if failure.sentence >= 0 else None
            at = f", sentence {sentence}" if sentence else ""
            report.add(
                "gate", f"{name}{at}: gate {failure.gate} fails: {failure.rule}: {failure.detail}",
                expected=f"gate {failure.gate} holds", found=f"{failure.rule}: {failure.detail}", **place,
                sentence=sentence, gate=failure.gate,
            )  # fmt: skip
        if number % 10 == 0 or number == len(newest):
            progress(f"gates of {number} of {len(newest)} stories")
