"""A good writer: from the material in the question to sentences that say what the quotes say, with who says it.

It has no knowledge of the project's rules but what the prompts tell. Its prose is plain, close to the sources, and
varied: indirect speech, a quotation where someone speaks in the first person, two voices side by side.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aidran_pipeline_tests.scripted_model.server import ChatRequest, Reply, as_json

Row = dict[str, Any]
LOWER = frozenset(
    """a an the of in on at by for from to with without after before when while if every each most many some several
    all no two three four five six seven eight nine ten one both doctors patients teams people analysts engineers
    officials critics ministries contracts evaluators customers clinics hospitals agents models developers teachers
    artists lawyers courts companies firms buyers tenants whether procurement thermal data concrete control
    sovereign eight nobody half their its this that these those there it he she they""".split()
)
SPOKEN = re.compile(
    r"(?:, | )(?:\w+ ){0,6}(?:say|says|said|writes?|wrote|warns?|warned|shows?|finds?|found|reports?)$", re.I
)
FIRST = re.compile(r"\b(?:I|I'm|I’m|I've|I’ve|we|We|my|My|our|Our|us|me|you|your|You|Your)\b")
AGAINST = re.compile(
    r"\b(?:but|doubts?|critics?|wrong|cannot|never|still|without|not|no|nobody|worse|fails?|however)\b", re.I
)
VERB_AGAINST = ("objects", "disagrees", "answers")
TARGET = (150, 215)


def rows(question: str, mark: str) -> list[Row]:
    """The JSON lines between two marks."""
    found = re.search(rf"<{mark}>\n(.*?)\n?</{mark}>", question, re.S)
    return [json.loads(line) for line in found.group(1).splitlines() if line.strip()] if found else []


def lowered(quote: str) -> str:
    """A quote as it stands after "that": a small first letter unless it begins with a name."""
    first = re.split(r"[\s,’']", quote, maxsplit=1)[0]
    return quote[0].lower() + quote[1:] if first.lower() in LOWER else quote


def capital(text: str) -> str:
    """With a capital first letter."""
    return text[0].upper() + text[1:]


def is_post(row: Row) -> bool:
    """A voice on a platform."""
    return row["where"] in ("bluesky", "reddit")


def attributed(quote: str) -> bool:
    """Whether the quote says itself who says it."""
    return bool(SPOKEN.search(quote))


@dataclass
class Pen:
    """Writes one section: no frame twice in a row."""

    turn: int = 0

    def sentence(self, row: Row, *, again: bool = False) -> str:
        """One piece of evidence as one sentence."""
        self.turn += 1
        quote = row["quote"].rstrip(" .")
        if is_post(row):
            return self._post(row, quote)
        if attributed(quote):
            return f"{quote}."
        if again:
            return (f"It adds that {lowered(quote)}.", f"{quote}, the same report says.")[self.turn % 2]
        frames = (
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

    def _post(self, row: Row, quote: str) -> str:
        if FIRST.search(quote) or quote.endswith(("?", "!")):
            frames: tuple[str, ...] = ("“{Q}”, {who} writes on {place}.", "{Who} writes on {place}: “{Q}”.")
            if quote.endswith(("?", "!")):
                frames = ("{Who} asks on {place}: “{Q}”",) if quote.endswith("?") else ("{Who} writes: “{Q}”",)
        elif row.get("stance") == "critical" or AGAINST.search(quote):
            frames = ("{Who} objects on {place} that {q}.", "On {place}, {who} answers that {q}.")
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


def names_in(quotes: Sequence[str]) -> list[str]:
    """Names that stand in several quotes, most common first."""
    counted: dict[str, int] = {}
    for quote in quotes:
        inner = re.findall(r"(?<=[a-z,] )(?:[A-Z][\w’-]+|[a-z]?[A-Z]{2,}\w*)(?: [A-Z][\w’-]+)*", quote)
        for name in dict.fromkeys([*inner, *re.findall(r"^(?:[A-Z]{2,}\w*|[a-z][A-Z]\w+)", quote)]):
            if name not in ("AI", "US", "The"):
                counted[name] = counted.get(name, 0) + 1
    return sorted((n for n in counted if counted[n] > 1), key=lambda n: (-counted[n], n))


def outline(question: str) -> Row:
    """Groups in their order: the lead, its other side, then what else there is; answers kept apart."""
    evidence = rows(question, "evidence")
    kept: dict[str, list[str]] = {"why": [], "advice": [], "counter": []}
    for row in evidence:
        for use in row.get("good_for", []):
            if len(kept[use]) < 2:
                kept[use].append(row["id"])
    reserved = {key for keys in kept.values() for key in keys}
    groups: dict[str, list[Row]] = {}
    for row in evidence:
        if row["id"] not in reserved:
            groups.setdefault(row["group"], []).append(row)
    parts = _three(list(groups.values()))
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
    first, second = (reports, voices) if reports and voices else (_half(evidence))
    pen = Pen(len(evidence))
    paragraphs: list[list[Row]] = [[], []]
    total = 0
    for place, part in enumerate((first, second)):
        before = ""
        for row in part:
            if total > TARGET[1] - 20 or (place == 0 and total > TARGET[1] * 0.6 and second):
                break
            text = pen.sentence(row, again=row["who"] == before and not is_post(row))
            before = row["who"]
            paragraphs[place].append({"text": text, "cites": [row["id"]], "rests_on": [], "_row": row})
            total += len(text.split())
    flat = [line for paragraph in paragraphs for line in paragraph]
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


def _half(evidence: list[Row]) -> tuple[list[Row], list[Row]]:
    middle = -(-len(evidence) // 2)
    return evidence[:middle], evidence[middle:]


def _together(flat: list[Row]) -> Row | None:
    """A synthesis of two sentences: whom they name in common."""
    for name in names_in([line["_row"]["quote"] for line in flat]):
        said = [(n, line["_row"]) for n, line in enumerate(flat, start=1) if name in line["_row"]["quote"]]
        who = {row["who"]: n for n, row in said}
        if len(who) >= 2:
            (one, a), (other, b) = list(who.items())[:2]
            return {"text": f"Both {one} and {other} speak of {name}.", "cites": [], "rests_on": [a, b]}
    return None


def _heading(flat: list[Row]) -> tuple[str, list[int]]:
    """The first clause of a report that is short enough, else the names."""
    for n, line in enumerate(flat, start=1):
        row = line["_row"]
        clause = re.split(r",| and | as | because | while ", row["quote"])[0]
        if not is_post(row) and 24 <= len(clause) <= 80 and not SPOKEN.search(clause):
            return clause, [n]
    names = names_in([line["_row"]["quote"] for line in flat])[:2]
    return " and ".join(names) or flat[0]["_row"]["quote"][:80], list(range(1, len(flat) + 1))


def front(question: str) -> Row:
    """Titles from the body, answers from what is left, the story so far from yesterday and today."""
    body, evidence, told = rows(question, "body"), rows(question, "evidence"), rows(question, "yesterday")
    pen = Pen(len(body))
    plain = [line for line in body if 45 <= len(_bare(line["text"])) <= 95 and "“" not in line["text"]]
    lead = next((line for line in plain if line["section"] == 1), plain[0] if plain else body[0])
    title = _bare(lead["text"])
    other = next(
        (line for line in body if line is not lead and 12 <= len(line["text"].split()) <= 32 and "@" in line["text"]),
        next(line for line in body if line is not lead),
    )
    names = names_in([line["text"] for line in body if line["section"] == 1]) or ["this"]
    kept = {use: [r for r in evidence if use in r.get("good_for", [])] for use in ("why", "advice", "counter")}
    spare = [row for row in evidence if not row.get("good_for")]
    answers = {}
    for use in ("why", "advice", "counter"):
        chosen = kept[use][:2] or spare[:2]
        spare = [row for row in spare if row not in chosen]
        answers[use] = [{"text": pen.sentence(r), "cites": [r["id"]], "rests_on": []} for r in chosen] or [
            {"text": _bare(lead["text"]) + ".", "cites": [], "rests_on": [lead["number"]]}
        ]
    asked = {
        "why": f"Why does {names[0]} matter?",
        "advice": f"What do the sources advise or do about {names[0]}?",
        "counter": "What speaks most strongly against it?",
    }
    return {
        "headline": {"text": title, "rests_on": [lead["number"]]},
        "short_title": {"text": " ".join(names[:2]) if names != ["this"] else title[:30], "rests_on": [lead["number"]]},
        "dek": {"text": other["text"], "rests_on": [other["number"]]},
        **{
            use: {"question": asked[use], "question_rests_on": [lead["number"]], "answer": answers[use]}
            for use in answers
        },
        "so_far": _so_far(told, body, lead),
    }


def _bare(text: str) -> str:
    """A body sentence without its attribution, where that is at its end."""
    text = text.rstrip(".")
    return re.sub(r", (?:[A-Z][\w&’]*(?: [A-Z&][\w’]*)*) (?:reports|writes)$", "", text)


def _so_far(told: list[Row], body: list[Row], lead: Row) -> list[Row]:
    lines: list[Row] = []
    if told:
        first = told[0]
        lines.append(
            {"text": f"On {first['day']} the news was this: {lowered(first['text'])}.".replace("..", "."),
             "cites": [], "rests_on": [], "earlier": [first["id"]]}
        )  # fmt: skip
    last = next((line for line in reversed(body) if line is not lead and len(line["text"].split()) < 30), body[-1])
    lines.append(
        {"text": f"What is new today: {lowered(last['text'])}", "cites": [], "rests_on": [last["number"]],
         "earlier": []}
    )  # fmt: skip
    return lines


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
            text = "Why does this matter?"
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
