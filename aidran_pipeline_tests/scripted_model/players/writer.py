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

from aidran_pipeline.text import facts_of
from aidran_pipeline.text.common import ORDINARY
from aidran_pipeline_tests.scripted_model.server import ChatRequest, Reply, as_json

Row = dict[str, Any]
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
    first = re.split(r"[\s,’'-]", quote, maxsplit=1)[0]
    name = any(fact.kind == "name" and fact.start == 0 for fact in facts_of(quote))
    plain = first.lower() in ORDINARY or (first.islower() is False and first[1:].islower() and not name)
    return quote[0].lower() + quote[1:] if plain and first not in ("AI", "I") else quote


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
        if row.get("kind") == "headline":
            return self._headed(row, quote)
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

    def joined(self, row: Row, other: Row) -> str:
        """Two pieces of one source in one sentence."""
        self.turn += 1
        one, two = (each["quote"].rstrip(" .") for each in (row, other))
        frame = ("{Who} reports that {q} and that {p}.", "{Q}, {who} writes, and {p}.")[self.turn % 2]
        return capital(frame.format(Who=capital(row["who"]), who=row["who"], Q=one, q=lowered(one), p=lowered(two)))

    def _headed(self, row: Row, quote: str) -> str:
        """A title is quoted as one: its grammar does not stand in a sentence."""
        if is_post(row):
            frames = ("{Who} opened a thread with the words “{Q}”.", "“{Q}” is how {who} headed a thread.")
        else:
            frames = ("{Who} put it in a line: “{Q}”.", "“{Q}” was the headline at {who}.")
        if quote.endswith(("?", "!")):
            frames = frames[:1]
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
    """A synthesis of two sentences: whom they name in common."""
    for name in names_in([line["_row"]["quote"] for line in flat]):
        said = [(n, line["_row"]) for n, line in enumerate(flat, start=1) if name in line["_row"]["quote"]]
        who = {row["who"]: n for n, row in said}
        if len(who) >= 2:
            (one, a), (other, b) = list(who.items())[:2]
            return {"text": f"Both {one} and {other} report on {name}.", "cites": [], "rests_on": [a, b]}
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
    reports = [
        line for line in body if "“" not in line["text"] and "@" not in line["text"] and "user of" not in line["text"]
    ]
    plain = [line for line in reports if 45 <= len(bare(line["text"])) <= 95]
    first = [line for line in plain if line["section"] == 1] or plain or reports or body
    lead = max(first, key=lambda line: (len(facts_of(bare(line["text"]))), -line["number"]))
    told_names = names_in([line["text"] for line in body if line["section"] == 1])
    outlets = {row["who"] for row in evidence} | {"Bluesky", "Reddit", "According"}
    told_names = [n for n in told_names if n not in outlets and n in bare(lead["text"])] or told_names[:1]
    names = [n for n in told_names[:2] if not any(n != other and other in n for other in told_names)]
    grounds = [line["number"] for line in body if any(name in line["text"] for name in names)] or [lead["number"]]
    dek, on = _dek(lead, body, reports)
    asked = _asked(names)
    answers = _answers(evidence, pen, [line for line in body if line is not lead])
    tab = [name for name in names_in([bare(lead["text"])] * 2) if len(name) > 2][:2]
    return {
        "headline": {"text": bare(lead["text"]), "rests_on": [lead["number"]]},
        "short_title": {"text": " and ".join(tab) or bare(lead["text"])[:40].rsplit(" ", 1)[0], "rests_on": [lead["number"]]},
        "dek": {"text": dek, "rests_on": on},
        **{
            use: {"question": asked[use], "question_rests_on": grounds[:8], "answer": answers[use]} for use in answers
        },
        "so_far": _so_far(told, body, [lead["number"], *on]),
    }  # fmt: skip


def _asked(names: list[str]) -> Row:
    """Three questions about what the first section names."""
    about = " and ".join(names)
    return {
        "why": f"Why {'do' if len(names) > 1 else 'does'} {about or 'this'} matter?",
        "advice": f"What do the sources advise or do about {about or 'it'}?",
        "counter": f"What speaks against {about or 'it'}?",
    }


def _answers(evidence: list[Row], pen: Pen, body: list[Row]) -> dict[str, list[Row]]:
    """For each question what was kept for it, else something that no section tells, else two of its sentences as one."""
    spare = [row for row in evidence if not row.get("good_for")]
    pairs = [line for line in body if "“" not in line["text"] and 6 <= len(line["text"].split()) <= 24]
    answers: dict[str, list[Row]] = {}
    for use in ("why", "advice", "counter"):
        chosen = [row for row in evidence if use in row.get("good_for", [])][:2]
        while spare and len(chosen) < 2:
            chosen.append(spare.pop(0))
        answers[use] = [{"text": pen.sentence(row), "cites": [row["id"]], "rests_on": []} for row in chosen]
        if not chosen and len(pairs) >= 2:
            one, two = pairs.pop(0), pairs.pop()
            text = f"{capital(bare(one['text']))}, and {lowered(bare(two['text']))}."
            answers[use] = [{"text": text, "cites": [], "rests_on": [one["number"], two["number"]]}]
        elif not chosen:
            answers[use] = [{"text": body[-1]["text"], "cites": [], "rests_on": [body[-1]["number"]]}]
    return answers


def _dek(lead: Row, body: list[Row], reports: list[Row]) -> tuple[str, list[int]]:
    """A second fact beside a voice that weighs it, in one sentence; else the second fact alone."""
    others = [line for line in reports if line is not lead]
    second = next((line for line in others if 6 <= len(bare(line["text"]).split()) <= 16), None)
    spoken = [line for line in body if "@" in line["text"] and "“" not in line["text"]]
    voices = [line for line in spoken if len(line["text"].split()) <= 22]
    if second is not None and voices:
        text = f"{capital(bare(second['text']))}, while {lowered(voices[0]['text'])}"
        return text, [second["number"], voices[0]["number"]]
    other = second or next(line for line in body if line is not lead)
    return f"{capital(bare(other['text']))}.", [other["number"]]


def bare(text: str) -> str:
    """A body sentence without its attribution: the fact alone, for a title."""
    text = text.strip().rstrip(".")
    text = re.sub(r", (?:[A-Z][\w&’]*(?: [A-Z&][\w’]*)*) (?:reports|writes)$", "", text)
    text = re.sub(r", the same report says$", "", text)
    text = re.sub(r"^(?:It adds|[A-Z][\w&’ ]*? reports) that ", "", text)
    text = re.sub(r"^According to [A-Z][\w&’ ]*?, ", "", text)
    return capital(text)


def _so_far(told: list[Row], body: list[Row], told_today: list[int]) -> list[Row]:
    """What the story before led with and what today adds to it, said in fewer words than the body has."""
    rest = [line for line in body if line["number"] not in told_today and line["section"] != 1]
    short = [line for line in rest if "“" not in line["text"] and len(line["text"].split()) <= 30]
    before = next((row for row in told if "“" not in row["text"] and 6 <= len(row["text"].split()) <= 30), None)
    lines: list[Row] = []
    if before is not None:
        text = f"{capital(before['text'].rstrip('.'))}: that was the news of {before['day']}."
        lines.append({"text": text, "cites": [], "rests_on": [], "earlier": [before["id"]]})
    if len(short) >= 2:
        one, two = short[0], short[-1]
        text = f"{capital(bare(one['text']))}, and {lowered(bare(two['text']))}."
        lines.append({"text": text, "cites": [], "rests_on": [one["number"], two["number"]], "earlier": []})
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
