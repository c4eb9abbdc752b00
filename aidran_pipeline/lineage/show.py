"""Trace, report and decision as pages for a terminal. Nothing is read or judged here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aidran_pipeline.lineage.findings import KINDS, Report
from aidran_pipeline.lineage.lines import Line, Page, said
from aidran_pipeline.lineage.order import TERMS
from aidran_pipeline.lineage.trace import Trace
from aidran_pipeline.lineage.why import Why

RELATIONS = {"reply": "answers", "thread": "in the thread of", "crosspost": "passes on"}
RECORD = ("platform", "native_id", "community", "title", "author", "publisher", "published_at", "url")
NUMBERS = {
    "records_read": "records read", "records_with_claims": "with claims", "claims": "claims",
    "storylines": "storylines", "pages": "pages", "records_cited": "cited", "authors_cited": "authors",
    "families_cited": "families",
    "pages_cited": "pages cited", "sentences": "sentences", "history_days": "history days",
}  # fmt: skip


_WORTH = {"story": "a story", "dispatch": "a dispatch"}


def show_trace(trace: Trace, width: int = 100) -> list[Line]:
    """The chain from the sentence down to the source, then the runs that made each link."""
    if trace.tombstone is not None:
        return _tombstone(trace, trace.tombstone, width)
    page, story, cite = Page(width), trace.story, trace.citation
    shown = f"[{cite['number']}]" if cite["kind"] == "record" else cite["marker"]
    name = trace.cited.get("publisher") or trace.cited.get("site")
    page.line(("head", f"{shown}  {name}"), ("dim", f"  weight {cite['weight']:.2f}, used {_times(cite['uses'])}"))
    page.text(
        f"{story['slug']}\nversion {story['version']} of {story['versions']}, {story['label']}, {story['day']}, "
        f"published {said(story['published_at'])}",
        indent=0,
    )
    for number, use in enumerate(trace.uses, start=1):
        _use(page, use, f" {number} of {len(trace.uses)}" if len(trace.uses) > 1 else "")
    if cite["kind"] == "record":
        _record(page, trace.cited)
    else:
        _web_page(page, trace.cited)
    _fetches(page, trace.fetches, cite["kind"])
    _source(page, trace.source)
    page.head("RUNS", "asset, partition and Dagster run of each stage")
    page.table(
        ["stage", "asset", "partition", "run", "engine"],
        [
            [run["stage"], run["asset"], run["partition"], run["run_id"],
             " ".join(part for part in (run["engine"], run["engine_version"]) if part)]
            for run in trace.runs
        ],
    )  # fmt: skip
    for run in trace.runs:
        if run["detail"]:
            page.text(f"{run['asset']}: {run['detail']}", style="dim")
    return page.lines


def _tombstone(trace: Trace, lost: Mapping[str, Any], width: int) -> list[Line]:
    """A citation whose source was erased: when, why, and that nothing of it is kept."""
    page, story = Page(width), trace.story
    shown = f"[{lost['number']}]" if lost["kind"] == "record" else f"w{lost['number']}"
    page.line(("head", f"{shown}  source withdrawn"))
    page.text(
        f"{story['slug']}\nversion {story['version']} of {story['versions']}, {story['label']}, {story['day']}",
        indent=0,
    )
    page.head("TOMBSTONE", "its words, author and address are no longer kept")
    page.pairs({
        "platform": lost["platform"], "day": lost["day"], "erased": lost["erased_at"],
        "cause": {"source": "deleted or taken down at its source", "request": "on request"}.get(lost["cause"] or ""),
        "reason": lost["reason"] or "it went with the article whose page it was", "keyed hash": lost["keyed_hash"],
        "run": lost["run_id"],
    })  # fmt: skip
    for fetch in lost["fetches"]:
        page.head(f"FETCH {fetch['id']}", said(fetch["requested_at"]))
        kept = "a copy without it is kept" if fetch["redacted_at"] else "expired" if fetch["expired_at"] else "kept"
        page.pairs({"body sha256": fetch["payload_sha256"], "stored body": kept, "run": fetch["run_id"]})
    return page.lines


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _use(page: Page, use: Mapping[str, Any], which: str) -> None:
    sentence, support, quote, claim = use["sentence"], use["support"], use["quote"], use["claim"]
    place = f"{sentence['part'].replace('_', ' ')}"
    if sentence["section"]:
        place += f", section {sentence['section']}"
    page.head(f"SENTENCE{which}", f"{place}, sentence {sentence['ordinal']} of the story, {sentence['kind']}")
    page.text(sentence["text"].replace("[[", "[").replace("]]", "]"))
    page.pair(
        "support", f"{support['verdict']}, score {support['score']:.2f}, judge {support['judge']} "
        f"({support['judge_version']})", style="good" if support["verdict"] == "supported" else "bad",
    )  # fmt: skip
    page.head("QUOTE", f"{quote['unit']} {quote['start']} to {quote['end']} of the stored text")
    before = ("… " if quote["more_before"] else "") + quote["before"]
    page.marked(before, quote["text"], quote["after"] + (" …" if quote["more_after"] else ""))
    page.pair("stands there", "yes, word for word" if quote["stands"] else "NO: the text there is another",
              style="good" if quote["stands"] else "bad")  # fmt: skip
    if quote["bytes"]:
        page.pair(
            "in the body", f"bytes {quote['bytes']['start']} to {quote['bytes']['end']}, {quote['bytes']['written']}"
        )
    else:
        page.pair("in the body", "in no single run of bytes: markup or escapes stand between its words")
    if claim:
        page.head(f"CLAIM {claim['id']}", f"{claim['engine']} {claim['engine_version']}")
        page.pairs({
            "statement": claim["statement"], "kind": claim["kind"],
            "speaker": claim["speaker"] or "the author or outlet",
            "stance": claim["stance"] or "none stated",
            "offsets": f"{claim['start']} to {claim['end']} ({claim['unit']}; the quote lies within)",
            "superseded": claim["superseded_at"], "run": claim["run_id"],
        })  # fmt: skip


def _record(page: Page, record: Mapping[str, Any]) -> None:
    page.head(f"RECORD {record['id']}", f"version {record['version']} of {record['versions']}")
    page.pairs({name.replace("_", " ").replace(" at", ""): record[name] for name in RECORD})
    for each in record["relations"]:
        page.pair(RELATIONS[each["kind"]], " ".join(part for part in (each["target"], each["url"]) if part))
    page.pair("first seen", record["first_seen_at"])
    if record["version"] > 1:
        page.pair("this version", record["version_seen_at"])
    cut = [part for part in ("title", "body") if record[f"{part}_truncated"]]
    page.pair("cut off", f"the source cut its {' and '.join(cut)}: nothing is quoted up to the cut" if cut else None)
    page.pair("text sha256", record["text_sha256"])
    page.pair("text length", f"{len(record['text'])} code points")
    page.pair("run", record["run_id"])


def _web_page(page: Page, web: Mapping[str, Any]) -> None:
    page.head(f"WEB PAGE {web['id']}", f"version {web['version']} of {web['versions']}")
    page.pairs({
        "site": web["site"], "title": web["title"], "published": web["published_at"], "url": web["url"],
        "extractor": web["extractor"], "text sha256": web["text_sha256"],
        "text length": f"{len(web['text'])} code points", "run": web["run_id"],
    })  # fmt: skip


def _fetches(page: Page, fetches: list[dict[str, Any]], kind: str) -> None:
    if not fetches:
        page.head("FETCH", "none is stored")
        return
    first, *others = fetches
    body = first["body"]
    page.head(f"FETCH {first['id']}", "the first that showed this version" if kind == "record" else "")
    answer = f"HTTP {first['http_status']}" if first["http_status"] else "no status"
    took = f", {first['duration_ms']} ms" if first["duration_ms"] is not None else ""
    page.pairs({
        "asked": f"{first['method']} {first['url']}", "answered by": first["final_url"],
        "when": first["requested_at"], "status": f"{answer}, {first['content_type'] or 'no content type'}{took}",
        "etag": first["etag"], "modified": first["last_modified"], "run": first["run_id"],
    })  # fmt: skip
    page.pair("body sha256", body["sha256"])
    length = f"{body['byte_length']:,} bytes, " if body["byte_length"] is not None else ""
    if body["holds"]:
        kept = "a copy without what was erased is kept" if body["redacted"] else "kept"
        page.pair("stored body", f"{length}{kept}; hashed now, it has this SHA-256", style="good")
    else:
        problem = body["problem"] or f"hashed now, it is not the body fetched, whose key is {body['key']}"
        page.pair("stored body", f"{length}{problem}", style="bad")
    if first.get("found_again") is not None:
        page.pair("parsed again", f"gives {first['locator']} with the same text" if first["found_again"]
                  else f"does NOT give {first['locator']} with this text",
                  style="good" if first["found_again"] else "bad")  # fmt: skip
    if others:
        last = max(others, key=lambda each: each["requested_at"])
        broken = sum(not each["body"]["holds"] for each in others if each["body"]["kept"])
        told = f"{len(others)} more, the last fetch {last['id']} on {said(last['requested_at'])}"
        page.pair(
            "seen again", told + (f"; {broken} of their bodies do not hold" if broken else "") + " (--json lists all)"
        )


def _source(page: Page, source: Mapping[str, Any] | None) -> None:
    if source is None:
        page.head("SOURCE", "a web page that the topic's records link to, fetched on its own")
        return
    page.head(f"SOURCE {source['id']}", "left the configuration since" if source["removed_at"] else "")
    page.pairs({
        "kind": source["kind"], "publisher": source["publisher"], "family": source["publisher_family"],
        **{str(name): value for name, value in (source["config"] or {}).items()},
    })  # fmt: skip
    if source["configurations"] > 1:
        page.pair("configured", f"{source['configurations']} times in different ways; this is the present one")


def show_report(report: Report, width: int = 100, seconds: float | None = None) -> list[Line]:
    """What was checked and every mismatch, each with where it is, what was expected and what was found."""
    page = Page(width)
    took = f" in {seconds:.1f} s" if seconds is not None else ""
    page.line(
        (
            "head",
            f"{_many(len(report.stories), 'story', 'stories')} in {_many(report.versions, 'version')} checked{took}",
        )
    )
    broken = {kind: sum(m.kind == kind for m in report.mismatches) for kind in KINDS}
    for kind, (name, meaning) in KINDS.items():
        if report.checked[kind] or broken[kind]:
            meaning += f"; {report.redacted[kind]:,} redacted" if report.redacted[kind] else ""
            verdict = ("bad", f"{broken[kind]:>6} wrong") if broken[kind] else ("good", "    hold    ")
            page.line(f"  {report.checked[kind]:>8,}  {name:<16}", verdict, ("dim", f"  {meaning}"))
    for note in report.notes:
        page.text(f"note: {note}", style="dim")
    page.gap()
    if report.ok:
        page.line(
            ("good", "Everything checked holds." if report.stories else "Nothing is published: nothing to verify.")
        )
        return page.lines
    page.line(("bad", _many(len(report.mismatches), "mismatch", "mismatches")))
    for number, each in enumerate(report.mismatches, start=1):
        page.gap()
        page.line(("bad", f"{number:>3}  {each.kind}"))
        page.text(each.message, indent=5)
        page.pair("expected", each.expected, indent=5)
        page.pair("found", each.found, indent=5, style="bad")
        cited = each.where.get("cited_by")
        page.pair("cited by", ", ".join(cited) if cited else None, indent=5)
    return page.lines


def _many(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def show_why(answer: Why, width: int = 100) -> list[Line]:
    """The decision, its reasons by gate, what would have to change, the figures behind it, earlier decisions."""
    page = Page(width)
    if answer.decision is None:
        missing = answer.missing or {}
        page.line(("head", f"{answer.label}, {answer.day}: nothing was decided"))
        page.pair("missing", f"{missing.get('stage')}: {missing.get('says')}", style="bad")
        page.pair("remedy", missing.get("remedy"))
    else:
        _decision(page, answer)
    for baseline in answer.baselines:
        _baseline(page, baseline)
    for signal in answer.signals:
        page.head(f"SIGNAL {signal['id']}", f"{signal['severity']} {signal['kind']}")
        page.pairs({
            "observed": f"{signal['observed']:g}, {signal['expected']:.1f} expected, score {signal['score']:.2f}",
            "p-value": f"{signal['p_uncorrected']:.3g} alone, {signal['p_value']:.3g} corrected for the topics tested",
            "evidence": f"{signal['records']} voices, {signal['authors']} authors, {signal['families']} families",
            "engine": signal["engine_version"], "run": signal["run_id"],
        })  # fmt: skip
    for earlier in answer.earlier:
        told = ", ".join(gate["gate"] for gate in earlier["reasons"])
        page.head("EARLIER", f"{said(earlier['decided_at'])}, run {earlier['run_id']}")
        page.text(f"{earlier['decision']}{f' by {told}' if told else ''}{_headline(earlier)}")
    return page.lines


def _headline(decision: Mapping[str, Any]) -> str:
    if not decision.get("slug"):
        return ""
    return f": {decision.get('headline')}\n{decision['slug']}, version {decision.get('version')}"


def _decision(page: Page, answer: Why) -> None:
    decision = answer.decision or {}
    published = decision["decision"] == "published"
    page.line(("head", f"{answer.label}, {answer.day}: "), ("good" if published else "bad", decision["decision"]))
    if published:
        page.text(f"{decision.get('headline')}\n{decision.get('slug')}, version {decision.get('version')}", indent=0)
    for reason in answer.reasons:
        page.head(f"GATE {reason['gate']}", _many(len(reason["rules"]), "failure"))
        for rule in reason["rules"]:
            at = f"sentence {rule['sentence']}: " if rule["sentence"] else ""
            page.text(f"{at}{rule['rule']}: {rule['detail']}")
    if answer.needs:
        page.head("TO BE PUBLISHED")
        for need in answer.needs:
            page.text(need)
    news = answer.numbers.get("newsworthiness") or {}
    if news:
        page.head("WORTH", f"{news.get('score', 0):.2f}: enough for {_WORTH.get(str(news.get('worth')), 'nothing')}")
        page.pairs({name: f"{float(news[name]):.2f}" for name in TERMS if name in news})
    page.head("NUMBERS")
    page.pairs({name: answer.numbers.get(key) for key, name in NUMBERS.items()})
    page.pairs({
        "decided": decision["decided_at"], "by": decision["made_by"],
        "engine": f"{decision['engine']} {decision['engine_version']}", "run": decision["run_id"],
        "draft": "kept with the decision" if decision.get("draft_kept") else None,
    })  # fmt: skip


def _baseline(page: Page, baseline: Mapping[str, Any]) -> None:
    page.head("BASELINE", f"{baseline['kind']}, {'sealed' if baseline['sealed_at'] else 'not sealed yet'}")
    voices = (
        "unknown" if baseline["voices"] is None else f"{baseline['voices']} of {baseline['of_all_voices']} that day"
    )
    mean = f"; {baseline['mean_before']} a day before" if baseline["mean_before"] is not None else ""
    # Other kinds count something of their own: `aidran signals` prints it with its unit.
    own = None if baseline["kind"] != "volume_spike" else voices + mean
    page.pairs({
        "outcome": baseline["outcome"].replace("_", " "), "voices": own,
        "history": f"{baseline['history_days']} days",
        "sources": f"{baseline['sources_reached']} of {baseline['sources']} reached the day",
        "unknown": ", ".join(baseline["unknown_sources"][:12]), "engine": baseline["engine_version"],
        "run": baseline["run_id"],
    })  # fmt: skip
