"""Each kind of page: from rows to (path, bytes). Links are relative, so that the site works below any address.

What does not belong here: SQL beyond one call of a reader, wording of articles, writing files (build.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from aidran_pipeline.publish import story, words
from aidran_pipeline.publish.chart import make_chart
from aidran_pipeline.publish.prose import plain, render
from aidran_pipeline.publish.read import Head, Index, read_related
from aidran_pipeline.publish.reasons import read_reasons
from aidran_pipeline.publish.safe import clean, hidden_characters, host_of, json_ld, plain_json, web_url
from aidran_pipeline.publish.sources import read_sources, sources_json
from aidran_pipeline.publish.story_rows import Body, Cite, read_body
from aidran_pipeline.publish.withdrawn import Lost, lost_json, read_lost
from aidran_pipeline.store.db import Connection

Page = tuple[str, bytes]
HOME_EDITIONS = 10
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "script-src 'none'; connect-src 'none'; object-src 'none'"
)


def environment() -> Environment:
    """Templates with escaping on and unknown names refused."""
    env = Environment(
        loader=PackageLoader("aidran_pipeline.publish"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    env.filters |= {
        "clean": clean, "plain": plain, "web_url": web_url, "host": host_of, "json_ld": json_ld,
        "hidden": hidden_characters, "iso": words.iso,
        "long_date": words.long_date, "short_date": words.short_date, "tiny_date": words.tiny_date,
        "moment": words.moment, "brief": words.brief,
        "outcome": lambda name: words.OUTCOMES.get(name, name),
        "count": words.count, "platform": words.platform, "reason": words.reason, "detail": words.detail,
    }  # fmt: skip
    env.globals |= {
        "csp": CSP,
        "support_words": words.SUPPORT,
        "signal_words": words.SIGNALS,
        "story_platforms": story.platforms,
    }
    return env


class Pages:
    """Renders pages of one index. `conn` must stay in the snapshot that the index was read from."""

    def __init__(self, conn: Connection, index: Index) -> None:
        self.conn = conn
        self.index = index
        self.env = environment()

    def html(self, template: str, path: str, *, root: str | None = None, **values: Any) -> Page:
        """One HTML page. path ends in / (its file is index.html) or names a file."""
        root = ("../" * path.count("/") or "./") if root is None else root
        text = self.env.get_template(template).render(
            index=self.index,
            publication=self.index.publication,
            root=root,
            path=path,
            url=self.index.url(path),
            **values,
        )
        return (path + "index.html" if path.endswith("/") or not path else path), text.encode("utf-8", "replace")

    def home(self) -> Page:
        """The editions, newest first."""
        return self.html(
            "home.html", "", editions=self.index.editions[:HOME_EDITIONS], more=len(self.index.editions) > HOME_EDITIONS
        )

    def topics(self) -> Iterator[Page]:
        """A page for each topic, retired ones included."""
        for topic in self.index.topics:
            baseline = self.index.baselines.get(topic.slug)
            signals = [row for row in self.index.signals if row["topic"] == topic.slug]
            spikes = {row["day"]: row for row in signals if row["kind"] == "volume_spike"}
            last = spikes.get(baseline["day"]) if baseline else None
            severity = {day: row["severity"] for day, row in spikes.items()}
            chart = make_chart(baseline["series"], severity, last["expected"] if last else None) if baseline else None
            latest = next((d for d in self.index.decisions if d.topic == topic.slug), None)
            yield self.html(
                "topic.html", topic.path, topic=topic, baseline=baseline, chart=chart, latest=latest,
                stories=self.index.of_topic(topic.slug),
                measured=self.index.measured.get((latest.day, topic.slug), []) if latest else [],
            )  # fmt: skip

    def plain_pages(self) -> Iterator[Page]:
        """Methodology, corrections, sources and the page for what is not there (which is served at any depth)."""
        yield self.html("methodology.html", "methodology/")
        updated = [heads for heads in self.index.by_article.values() if len(heads) > 1]
        yield self.html("corrections.html", "corrections/", updated=updated)
        shown = read_sources(self.conn, self.index.updated)
        yield "sources/index.json", plain_json(sources_json(shown))
        yield self.html("sources.html", "sources/", shown=shown)
        yield self.html("404.html", "404.html", root=self.index.publication.base_url.path or "/")

    def article(self, versions: list[Head]) -> Iterator[Page]:
        """All pages of one story: lineage pages first, so that a half-done build has no page that leads nowhere."""
        for head in versions:
            lost, current = read_lost(self.conn, head.version_id), head is versions[-1]
            if head.status == "withdrawn":
                yield from self._withdrawn(head, versions, lost, current)
                continue
            body = read_body(self.conn, head.version_id)
            own = f"{head.path}v/{head.number}/"
            base = head.path if current else own
            for cite in body.cites:
                yield self._lineage(head, body, cite, base, current)
            yield from self._tombstones(head, lost, base, current)
            yield self._story(head, versions, body, lost, own, base)
            if current:
                notes = story.methodology(self.index, head)
                yield self.html(
                    "why.html", f"{head.path}why/", head=head, reasons=read_reasons(self.conn, head),
                    without=story.why(head),
                )  # fmt: skip
                yield (
                    f"{head.path}index.json",
                    plain_json(
                        story.story_json(self.index, head, body, notes) | {"withdrawn_sources": lost_json(lost)}
                    ),
                )
                yield self._story(head, versions, body, lost, head.path, base)

    def _tombstones(self, head: Head, lost: list[Lost], base: str, current: bool) -> Iterator[Page]:
        """The lineage pages of sources that were erased."""
        for each in lost:
            yield self.html(
                "tombstone.html", f"{base}citations/{each.marker}/", head=head, lost=each, base=base, current=current
            )

    def _withdrawn(self, head: Head, versions: list[Head], lost: list[Lost], current: bool) -> Iterator[Page]:
        """In place of a story that was withdrawn; where one was published again later, among its versions."""
        own = f"{head.path}v/{head.number}/"
        base = head.path if current else own
        yield from self._tombstones(head, lost, base, current)
        for path in dict.fromkeys((own, base)):
            yield self.html("withdrawn.html", path, head=head, versions=versions, lost=lost, base=base)
        if current:
            said: dict[str, Any] = {"status": "withdrawn", "slug": head.slug, "topic": head.topic}
            said |= {"day": words.iso(head.day), "version": head.number, "withdrawn_at": words.iso(head.published_at)}
            yield f"{head.path}index.json", plain_json(said | {"withdrawn_sources": lost_json(lost)})

    def _story(self, head: Head, versions: list[Head], body: Body, lost: list[Lost], path: str, base: str) -> Page:
        root = "../" * path.count("/")
        link = self._link(root, base)
        related = read_related(self.conn, head)
        others = [h for h in self.index.stories if h.article_id != head.article_id]
        return self.html(
            "story.html", path, head=head, versions=versions, body=body, lost=lost, base=base,
            current=head is versions[-1],
            sections=story.sections(body, link), questions=story.questions(body, link),
            so_far=story.so_far(body, link, lambda slug: f"{root}stories/{slug}/"),
            dek=[render(line.text, body, link) for line in body.part("dek")],
            why=story.why(head), methodology=story.methodology(self.index, head),
            ld=story.story_ld(self.index, head, versions[0], body),
            related=[h for h in others if h.article_id in related and h.topic != head.topic][:4],
            same_day=[h for h in others if h.day == head.day and h.article_id not in related][:4],
            earlier=[h for h in others if h.topic == head.topic and h.day < head.day][:5],
        )  # fmt: skip

    def _lineage(self, head: Head, body: Body, cite: Cite, base: str, current: bool) -> Page:
        path = f"{base}citations/{cite.marker}/"
        link = self._link("../" * path.count("/"), base)
        by_ordinal = {line.ordinal: line for line in body.lines}
        uses = [{**use, "sentence_html": render(by_ordinal[use["ordinal"]].text, body, link)} for use in cite.uses]
        signals = [self.index.signals_by_id[i] for i in head.inputs.get("signals", []) if i in self.index.signals_by_id]
        before, after = self._neighbour(body, cite, -1), self._neighbour(body, cite, 1)
        return self.html(
            "lineage.html", path, head=head, cite=cite, uses=uses, base=base, current=current, signals=signals,
            before=before, after=after,
        )  # fmt: skip

    @staticmethod
    def _neighbour(body: Body, cite: Cite, step: int) -> str | None:
        at = body.cites.index(cite) + step
        return body.cites[at].marker if 0 <= at < len(body.cites) else None

    @staticmethod
    def _link(root: str, base: str) -> Callable[[str], str]:
        return lambda marker: f"{root}{base}citations/{marker}/"
