"""The scripted writer's page top, questions and story so far: one matter a sentence, the lead's throughout."""

from __future__ import annotations

import re

from aidran_pipeline.text import facts_of
from aidran_pipeline.text.prose.clauses import has_verb
from aidran_pipeline.text.prose.verbs import FORMS
from aidran_pipeline_tests.scripted_model.players.writer_words import (
    AGAINST,
    LEANING,
    SPOKEN,
    Row,
    bare,
    capital,
    lowered,
    reportable,
    rows,
    short,
)

SMALL = frozenset("a an the and or of in on at for to with by from that as per all each half one two".split())


def front(question: str) -> Row:
    """Titles from the body, answers from what is left, the story so far from yesterday and today."""
    body, evidence, told = rows(question, "body"), rows(question, "evidence"), rows(question, "yesterday")
    headings = {row["heading"].lower() for row in rows(question, "headings")}
    reports = [said for line in body if not voice(line) and (said := _outlets_line(line)) is not None]
    lead = _lead([line for line in reports if line["section"] == 1] or reports or body, headings)
    same = [line for line in body if set(line["group"]) & set(lead["group"]) and line["number"] != lead["number"]] or [
        line for line in body if line["number"] != lead["number"]
    ]
    point = without_speaker(bare(lead["text"]))
    dek, on = _dek(same, point)
    tab = _tab(point)
    answers = _answers(evidence, lead, [line for line in same if line["number"] not in on])
    asked = {
        "why": f"Why does it matter that {lowered(short(point))}?",
        "advice": f"What do the sources advise about {lowered(tab)}?",
        "counter": "Who disagrees, and why?",
    }
    return {
        "headline": {"text": bare(lead["text"]), "rests_on": [lead["number"]]},
        "short_title": {"text": tab, "rests_on": [lead["number"]]},
        "dek": {"text": dek, "rests_on": on},
        **{
            use: {"question": asked[use], "question_rests_on": [lead["number"]], "answer": answers[use]}
            for use in answers
        },
        "so_far": _so_far(told, body, [lead["number"], *on]),
    }  # fmt: skip


def _outlets_line(line: Row) -> Row | None:
    """What an outlet reports: a body sentence without quotation, or with one that is a whole statement, as that."""
    phrases = re.findall(r"“([^”]+)”", line["text"])
    if not phrases:
        return line
    whole = len(phrases) == 1 and has_verb(phrases[0]) and ":" not in phrases[0]
    return {**line, "text": f"{phrases[0]}."} if whole else None


def quoted(line: Row) -> bool:
    """Whether a body sentence holds a quotation."""
    return "“" in line["text"]


def voice(line: Row) -> bool:
    """Whether a body sentence tells what somebody posted."""
    return "@" in line["text"] or "user of" in line["text"].lower()


def without_speaker(text: str) -> str:
    """A statement without ", a test in X shows" behind it."""
    cut = SPOKEN.sub("", text)
    return cut if has_verb(cut) and len(cut.split()) >= 5 else text


def _lead(lines: list[Row], headings: set[str]) -> Row:
    """The statement with most names and figures that stands alone and is no heading."""

    def worth(line: Row) -> tuple[float, int]:
        text = bare(line["text"])
        names = sum(2 if fact.kind == "name" else 1 for fact in facts_of(text))
        bad = 4 * bool(LEANING.search(text)) + 6 * (short(text).lower() in headings or text.lower() in headings)
        fits = 45 <= len(text) <= 95 and has_verb(text)
        return names + 5 * fits - bad - 0.2 * line["number"], -line["number"]

    return max(lines, key=worth)


def _tab(point: str) -> str:
    """What the point is about, in two to five words: what stands before its verb, else its first words."""
    words = point.split()
    verb = next((n for n, word in enumerate(words) if n and (word in FORMS or word.endswith("ed"))), 0)
    kept = words[:verb] if 2 <= verb <= 5 else words[: 4 if words[2].lower() in SMALL else 3]
    while len(kept) > 2 and (kept[-1].lower().rstrip(",") in SMALL or re.search(r"\d", kept[-1])):
        kept.pop()
    return " ".join(kept).rstrip(",;:")


def _dek(same: list[Row], point: str) -> tuple[str, list[int]]:
    """A second fact of the lead beside a voice that weighs it; else the fact alone, else what one says."""
    plain = [line for line in same if not quoted(line)]
    facts = [line for line in plain if not voice(line) and 6 <= len(short(line["text"]).split()) <= 18]
    facts = [
        line for line in facts if short(line["text"]) not in point and not LEANING.search(short(line["text"]))
    ] or facts
    voices = [line for line in plain if voice(line) and len(line["text"].split()) <= 24 and line["text"][0] in "@A"]
    voices = [line for line in voices if AGAINST.search(line["text"])] or voices
    if facts and voices:
        text = f"{short(facts[0]['text'])}, while {lowered(voices[0]['text'])}"
        return text, [facts[0]["number"], voices[0]["number"]]
    other = (facts or plain or same)[0]
    return f"{bare(other['text'])}.", [other["number"]]


def _answers(evidence: list[Row], lead: Row, same: list[Row]) -> dict[str, list[Row]]:
    """For each question what was kept for it on the lead's matter, else what the body says of it, shorter."""
    from aidran_pipeline_tests.scripted_model.players.writer import Pen

    pen = Pen(len(evidence))
    own = [row for row in evidence if row["group"] in lead["group"]]
    spare = [row for row in own if not row.get("good_for")]
    left = [line for line in same if not quoted(line) and short(line["text"]) != bare(line["text"])]
    answers: dict[str, list[Row]] = {}
    for use in ("why", "advice", "counter"):
        chosen = [row for row in own if use in row.get("good_for", [])][:2]
        if not chosen and spare and use != "advice":
            chosen = [spare.pop(0)]
        answers[use] = [{"text": pen.sentence(row), "cites": [row["id"]], "rests_on": []} for row in chosen]
        fitting = [line for line in left if " objects " in line["text"] or " doubts " in line["text"]]
        fitting = fitting if use == "counter" else left
        if not chosen and fitting:
            line = fitting[0]
            left.remove(line)
            answers[use] = [{"text": f"{short(line['text'])}.", "cites": [], "rests_on": [line["number"]]}]
        elif not chosen:
            answers[use] = [_both(same, lead)]
    return answers


def _both(same: list[Row], lead: Row) -> Row:
    """A report and a voice of the lead's matter side by side; else the lead again."""
    plain = [line for line in same if not quoted(line)]
    report = next((line for line in plain if not voice(line)), None)
    spoken = next((line for line in plain if voice(line) and line["text"][0] in "@A"), None)
    if report is None or spoken is None:
        return {"text": f"{short(lead['text'])}.", "cites": [], "rests_on": [lead["number"]]}
    text = f"{short(report['text'])}, while {lowered(spoken['text'])}"
    return {"text": text, "cites": [], "rests_on": [report["number"], spoken["number"]]}


def _so_far(told: list[Row], body: list[Row], told_today: list[int]) -> list[Row]:
    """What the story before told beside its headline, and what today adds, said in fewer words than the body has."""
    earlier = [
        row for row in told[3:] if "“" not in row["text"] and "?" not in row["text"] and "page" not in row["text"]
        and 7 <= len(row["text"].split()) <= 30 and reportable(short(row["text"])) and not LEANING.search(short(row["text"]))
    ]  # fmt: skip
    lines: list[Row] = []
    if earlier:
        before = earlier[0]
        text = f"The story of {before['day']} also told that {lowered(short(before['text']))}."
        lines.append({"text": text, "cites": [], "rests_on": [], "earlier": [before["id"]]})
    rest = [line for line in body if line["number"] not in told_today and not quoted(line) and not voice(line)]
    for start, group in (("Today", 1), ("Elsewhere on the beat", 2), ("Besides", 3)):
        line = next(
            (
                one for one in rest
                if (one["section"] == 1) == (group == 1) and one["section"] == group
                and short(one["text"]) != bare(one["text"]) and not LEANING.search(short(one["text"]))
            ),
            None,
        )  # fmt: skip
        if line is not None and len(lines) < 3:
            said = f"{start}, {lowered(short(line['text']))}."
            lines.append({"text": capital(said), "cites": [], "rests_on": [line["number"]], "earlier": []})
    return lines
