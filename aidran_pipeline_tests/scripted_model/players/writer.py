"""A good writer: from the material in the question to sentences that say what the quotes say, with who says it.

It has no knowledge of the project's rules but what the prompts tell. Its prose is plain, close to the sources, and
varied: indirect speech, a quotation where someone speaks in the first person, two voices side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from aidran_pipeline.text.prose.clauses import has_verb
from aidran_pipeline_tests.scripted_model.players.writer_front import front
from aidran_pipeline_tests.scripted_model.players.writer_words import (
    Row,
    attributed,
    capital,
    is_post,
    lowered,
    names_in,
    reportable,
    rows,
)
from aidran_pipeline_tests.scripted_model.server import ChatRequest, Reply, as_json

FIRST = re.compile(r"\b(?:I|I'm|I’m|I've|I’ve|we|We|my|My|our|Our|us|me|you|your|You|Your)\b")
TARGET = (150, 215)


@dataclass
class Pen:
    """Writes one section: no frame twice in a row."""

    turn: int = 0

    def sentence(self, row: Row, *, again: bool = False) -> str:
        """One piece of evidence as one sentence."""
        self.turn += 1
        quote = row["quote"].rstrip(" .")
        if row.get("kind") == "headline":
            return self._headed(row, quote)
        if is_post(row):
            return self._post(row, quote)
        if attributed(quote):
            return f"{quote}."
        if not reportable(quote):
            return self._fill((("{Who} writes: “{Q}”.", "“{Q}”, {who} writes.")[self.turn % 2]), row, quote)
        if again:
            return (f"It adds that {lowered(quote)}.", f"{quote}, the same report says.")[self.turn % 2]
        frames: tuple[str, ...] = (
            "{Q}, {who} reports.",
            "{Who} reports that {q}.",
            "According to {who}, {q}.",
            "{Q}, {who} writes.",
        )
        if row["where"] == "web":
            frames = ("{Who}’s full text says that {q}.", "{Q}, according to {who}’s full text.")
        if "," in quote:
            frames = tuple(f for f in frames if f.startswith(("{Who}", "According"))) or frames
        return self._fill(frames[self.turn % len(frames)], row, quote)

    def joined(self, row: Row, other: Row) -> str:
        """Two pieces of one source in one sentence."""
        self.turn += 1
        one, two = (each["quote"].rstrip(" .") for each in (row, other))
        frame = ("{Who} reports that {q} and that {p}.", "{Q}, {who} writes, and {p}.")[self.turn % 2]
        return capital(frame.format(Who=capital(row["who"]), who=row["who"], Q=one, q=lowered(one), p=lowered(two)))

    def _headed(self, row: Row, quote: str) -> str:
        """A title is quoted as one: its grammar does not stand in a sentence."""
        frames = ("{Who} writes: “{Q}”.", "“{Q}”, {who} writes.")
        return self._fill(frames[0 if quote.endswith(("?", "!")) else self.turn % 2], row, quote)

    def _post(self, row: Row, quote: str) -> str:
        if FIRST.search(quote) or quote.endswith(("?", "!")) or not reportable(quote):
            frames: tuple[str, ...] = ("“{Q}”, {who} writes on {place}.", "{Who} writes on {place}: “{Q}”.")
            if quote.endswith(("?", "!")):
                frames = ("{Who} asks on {place}: “{Q}”",) if quote.endswith("?") else ("{Who} writes: “{Q}”",)
        elif row.get("stance") == "critical":
            frames = ("{Who} objects on {place} that {q}.", "On {place}, {who} warns that {q}.")
        else:
            frames = ("{Who} argues on {place} that {q}.", "On {place}, {who} writes that {q}.", "{Who} says that {q}.")
        if row["where"] == "reddit":
            frames = tuple(f.replace(" on {place}", "").replace("On {place}, ", "") for f in frames)
        return self._fill(frames[self.turn % len(frames)], row, quote)

    @staticmethod
    def _fill(frame: str, row: Row, quote: str) -> str:
        text = frame.format(
            Q=quote, q=lowered(quote), who=row["who"], Who=capital(row["who"]),
            place="Bluesky" if row["where"] == "bluesky" else "Reddit",
        )  # fmt: skip
        return capital(text)


def outline(question: str) -> Row:
    """Groups in their order: the lead, its other side, then what else there is; answers kept apart."""
    evidence = rows(question, "evidence")
    kept: dict[str, list[str]] = {"why": [], "advice": [], "counter": []}
    for row in evidence[3:]:
        for use in row.get("good_for", []):
            if len(kept[use]) < 2:
                kept[use].append(row["id"])
    reserved = {key for keys in kept.values() for key in keys}
    groups: dict[str, list[Row]] = {}
    for row in evidence:
        if row["id"] not in reserved:
            groups.setdefault(row["group"], []).append(row)
    parts = _three(list(groups.values()))
    if min(len(part) for part in parts) < 5:
        every = [row for group in groups.values() for row in group]
        third = -(-len(every) // 3)
        parts = [every[:third], every[third : 2 * third], every[2 * third :]]
    label = rows(question, "topic")[0]["topic"]
    return {
        "theme": f"What is said about {label} today, and by whom.",
        "tension": "Outlets report what is built and measured; people who post weigh what it is worth.",
        "changed": "",
        "sections": [
            {
                "title": f"Part {n} of {label}",
                "angle": "What is reported, then what people make of it.",
                "evidence": [row["id"] for row in part],
            }
            for n, part in enumerate(parts, start=1)
        ],
        "answers": kept,
    }


def _three(groups: list[list[Row]]) -> list[list[Row]]:
    """Three sections: big groups alone, small ones together; a lone big one is cut into reports and voices."""
    big = [g for g in groups if len(g) >= 6][:3]
    small = [row for g in groups if g not in big for row in g]
    while len(big) + bool(len(small) >= 3) < 3:
        if not big:
            third = -(-len(small) // 3)
            return [small[:third], small[third : 2 * third], small[2 * third :]]
        widest = max(big, key=len)
        reports, voices = [r for r in widest if not is_post(r)], [r for r in widest if is_post(r)]
        if min(len(reports), len(voices)) < 3:
            half = len(widest) // 2
            reports, voices = widest[:half], widest[half:]
        place = big.index(widest)
        big[place : place + 1] = [reports, voices]
    return [*big, small][:3] if len(small) >= 3 else big[:3]


def section(question: str) -> Row:
    """Two paragraphs: what is reported; what people make of it. At most one synthesis."""
    evidence = rows(question, "evidence")
    reports = [row for row in evidence if not is_post(row)]
    voices = [row for row in evidence if is_post(row)]
    parts = (reports, voices) if reports and voices else _half(evidence)
    pen = Pen(len(evidence))
    flat: list[Row] = []
    paragraphs: list[list[Row]] = []
    for place, part in enumerate(parts):
        room = TARGET[1] * (0.62 if place == 0 else 1) - sum(len(line["text"].split()) for line in flat)
        paragraphs.append(_paragraph(part, pen, room))
        flat += paragraphs[-1]
    drawn = _together(flat)
    if drawn is not None and paragraphs[1]:
        paragraphs[1].append(drawn)
    heading, on = _heading(flat)
    for line in flat:
        line.pop("_row")
    return {
        "heading": heading,
        "heading_rests_on": on,
        "paragraphs": [{"sentences": p} for p in paragraphs if p],
    }


def _paragraph(part: Sequence[Row], pen: Pen, room: float) -> list[Row]:
    """Sentences up to a number of words; two short pieces of one source share a sentence."""
    lines: list[Row] = []
    left = list(part)
    while left and len(lines) < 6 and room > 15:
        row = left.pop(0)
        before = lines[-1]["_row"]["who"] if lines else ""
        cites = [row["id"]]
        if left and joins(row, left[0]) and before != row["who"]:
            other = left.pop(0)
            text, cites = pen.joined(row, other), [row["id"], other["id"]]
        else:
            text = pen.sentence(row, again=row["who"] == before and not is_post(row))
        lines.append({"text": text, "cites": cites, "rests_on": [], "_row": row})
        room -= len(text.split())
    return lines


def joins(row: Row, other: Row) -> bool:
    """Whether two pieces fit into one sentence: of one source, short, and neither a title nor another's words."""
    same = row["who"] == other["who"] and row["where"] == other["where"] and not is_post(row)
    short = len((row["quote"] + other["quote"]).split()) <= 30
    plain = not any(each.get("kind") == "headline" or attributed(each["quote"]) for each in (row, other))
    return same and short and plain and not any("," in each["quote"] for each in (row, other))


def _half(evidence: list[Row]) -> tuple[list[Row], list[Row]]:
    middle = -(-len(evidence) // 2)
    return evidence[:middle], evidence[middle:]


def _together(flat: list[Row]) -> Row | None:
    """A synthesis: who brings the figures on a name and who takes it up, when both are there."""
    for name in names_in([line["_row"]["quote"] for line in flat]):
        said = [(n, line["_row"]) for n, line in enumerate(flat, start=1) if name in line["_row"]["quote"]]
        counts = [(n, row) for n, row in said if not is_post(row) and any(c.isdigit() for c in row["quote"])]
        voices = [(n, row) for n, row in said if is_post(row)]
        if counts and voices:
            (a, one), (b, other) = counts[0], voices[0]
            text = f"{capital(one['who'])} reports figures on {name}, and {other['who']} speaks of {name} too."
            return {"text": text, "cites": [], "rests_on": [a, b]}
    return None


def _heading(flat: list[Row]) -> tuple[str, list[int]]:
    """A clause out of a report other than the first, that is a statement; else whom the section's voices speak of."""
    found = []
    for n, line in enumerate(flat, start=1):
        row = line["_row"]
        clause = row["quote"].rstrip(".")
        if not is_post(row) and 24 <= len(clause) <= 76 and has_verb(clause) and not attributed(clause):
            found.append((n == 1, abs(len(clause.split()) - 8), clause, n))
    if found:
        return min(found)[2], [min(found)[3]]
    names = names_in([line["_row"]["quote"] for line in flat])[:2]
    told = [n for n, line in enumerate(flat, start=1) if any(name in line["_row"]["quote"] for name in names)]
    return (f"What people say about {' and '.join(names)}", told) if names else (flat[0]["_row"]["quote"][:80], [1])


def mend(question: str) -> Row:
    """What was refused, said in the source's own words between quotation marks; nothing where it has no id."""
    out = []
    for row in rows(question, "refused"):
        sources = row["sources"]
        first = sources[0] if sources else None
        text, cites = "", []
        if first and row["part"] in ("headline", "heading", "short_title"):
            text = next((s["quote"] for s in sources if len(s["quote"]) <= 90), "")
        elif first and row["part"] == "question":
            text = ""
        elif first and first["id"]:
            text, cites = f"{capital(first['who'])} writes: “{first['quote']}”.", [first["id"]]
        out.append({"number": row["number"], "text": text, "cites": cites, "rests_on": []})
    return {"sentences": out}


WRITES: dict[str, Callable[[str], Row]] = {
    "write-outline": outline, "write-section": section, "write-front": front, "write-mend": mend,
}  # fmt: skip


def written(request: ChatRequest) -> Row | None:
    """The good writer's answer as data, None for another's question."""
    return next((write(request.user) for name, write in WRITES.items() if request.prompt.startswith(name)), None)


def good_writer(request: ChatRequest) -> Reply:
    """Answers every question of the writer; others get an error."""
    answer = written(request)
    return Reply(as_json(answer)) if answer is not None else Reply(status=500)


def sentences_of(answer: Row) -> Iterable[Row]:
    """The body sentences of a section, the answers of a front: what a bad writer spoils."""
    for paragraph in answer.get("paragraphs", []):
        yield from paragraph["sentences"]
    for use in ("why", "advice", "counter"):
        yield from answer.get(use, {}).get("answer", [])
