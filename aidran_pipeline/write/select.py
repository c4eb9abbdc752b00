"""Choosing: which storylines lead, which fill which section, which claims are kept for the questions.

A claim is used once, and a paragraph about an event holds that event alone. What does not belong here: which claims may
be printed (fit.py), how storylines are ranked (threads.py), wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from aidran_pipeline.write.draft import Form
from aidran_pipeline.write.fit import SAME_WORDS, headline_clauses, is_post, on_topic, opens, similarity
from aidran_pipeline.write.material import Claim, Material
from aidran_pipeline.write.threads import Thread, claim_value, threads_of

# Signals whose records are one matter; those of the others are all that was said that day.
OF_ONE_MATTER = frozenset({"entity_surge", "narrative_shift", "novelty", "cross_platform_spread"})
STRONG_RECORDS = 3
SAME_MATTER, JOINS = 0.3, 0.4  # not told again; told with it
# A small storyline stands in a section of several only with at least this topic score.
MIN_FIT = 0.45
REACTIONS = 3  # this many voices on the lead make a section of their own
LEAST_VOICES = 3
ROUNDUP, VOICES = 5, 7  # most small storylines in one section
ANSWERS = 2

MATTERS = re.compile(r"\b(?:matters?|at stake|the reason|turning point|consequences?)\b", re.I)
WHY = re.compile(r"\b(because|means that|that means|matters?|reason|consequence|implication|so that|at stake|first time|"
                 r"largest|biggest|(?<!high-)risks?|threat|turning point|depends? on|leads? to|as a result|due to|therefore|why)\b", re.I)  # fmt: skip
ADVICE = re.compile(r"\b(should|must|need(s)? to|ought to|recommend\w*|urge[sd]?|advis\w+|plan(s|ned)? to|launch\w*|"
                    r"announc\w+|introduc\w+|requires?|adopt\w*|propos\w+|bans?|invest\w*|roll(s|ed|ing) out|set(s)? a deadline)\b", re.I)  # fmt: skip
COUNTER = re.compile(r"\b(however|critics?|sceptic\w*|skeptic\w*|not convinced|doubt\w*|overhyped|hype|wrong|disagree\w*|no evidence|"
                     r"isn['’]t|aren['’]t|doesn['’]t|won['’]t|can['’]t|cannot|fails?|failed|useless|worse|unlikely|not (?:a|the|just|about|enough|worth))\b", re.I)  # fmt: skip
# A headline answers a question only when it says so outright.
TOLD = {
    "why": re.compile(r"\b(because|means that|why it matters|at stake|first time|turning point|as a result|due to|warns? that|threatens?)\b", re.I),
    "advice": re.compile(r"\b(should|must|needs? to|ought to|recommends?|urges?|advises?|calls? (?:on|for)|tells? \w+ to|plans? to)\b", re.I),
    "counter": re.compile(r"\b(but (?!not)|however|skeptic\w*|sceptic\w*|doubts?|critics|disagrees?|pushes back|despite|"
                          r"overhyped|not so fast|wrong about|rejects?|denies|disputes?|false)\b", re.I),
}  # fmt: skip
CUES = (("counter", COUNTER), ("why", WHY), ("advice", ADVICE))


@dataclass
class Plan:
    """What goes where. `sections` holds (kind, threads); the questions' claims are reserved and used nowhere else.

    kinds: storyline (one thread, reports and voices), reactions (the lead's voices alone), roundup (reports of several
    small threads), voices (posts of several small threads).
    """

    lead: Thread
    sections: list[tuple[str, list[Thread]]]
    reserved: dict[str, list[Claim]] = field(default_factory=dict)
    others: list[Thread] = field(default_factory=list)

    @property
    def lead_voices_apart(self) -> bool:
        """Whether the voices on the lead have a section of their own."""
        return any(kind == "reactions" for kind, _ in self.sections)


class NotEnough(Exception):
    """There is no story in the material; `reasons` are (gate, rule, detail)."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.reasons = [{"gate": "evidence", "rule": rule, "detail": detail}]


def nothing_to_tell(material: Material) -> NotEnough:
    """Why no storyline can be told: nothing may be quoted, or nothing came since an earlier story told them."""
    told = [s for s in material.storylines.values() if s.told_on is not None]
    if told:
        last = max(s.told_on for s in told if s.told_on is not None)
        detail = f"{len(told)} storylines were told before, {last} last, and nothing came since that may be quoted"
        return NotEnough("nothing new", detail)
    return NotEnough("no usable claim", f"0 quotable claims from {material.records_read} records read")


# Sections by form: at least, at most.
SECTIONS = {"story": (3, 3), "dispatch": (1, 2)}


def make_plan(material: Material, without: frozenset[int] = frozenset(), form: Form = "story") -> Plan:
    """The form's sections and, for a story, the claims kept for its questions.

    Raises NotEnough when the material makes none of this form.
    """
    least, most = SECTIONS[form]
    threads = threads_of(material, without)
    if not threads:
        raise nothing_to_tell(material)
    strong = [t for t in threads if t.records >= STRONG_RECORDS and t.authors >= 2]
    lead = _lead(threads, strong, _matter(material))
    sections: list[tuple[str, list[Thread]]] = [("storyline", [lead])]
    second = [t for t in strong if t is not lead][: most - 1]
    if len(second) < most - 1 and lead.news() and len({c.source.author_key for c in lead.posts()}) >= REACTIONS:
        sections.append(("reactions", [lead]))
    sections += [("storyline", [t]) for t in second]
    rest = [t for t in threads if t is not lead and t not in second]
    joined = [t for t in rest if t.news() and same_matter(t, lead, JOINS)]
    lead = _with(lead, joined, material)
    sections = [(kind, [lead if t.storyline is lead.storyline else t for t in group]) for kind, group in sections]
    rest = [t for t in rest if t not in joined]
    apart = [t for t in rest if not any(same_matter(t, told) for _, group in sections for told in group)]
    sections = sections[:most]
    sections += _mixed(apart, most - len(sections), material, heard=len(sections) > 1 and bool(lead.posts()))
    if len(sections) < least:
        detail = f"{len(threads)} storylines with a quotable claim make {len(sections)} of {least} sections"
        raise NotEnough("three sections", detail)
    used = {id(t) for _, group in sections for t in group}
    plan = Plan(lead, sections, others=[t for t in rest if id(t) not in used])
    if form == "story":
        plan.reserved = _reserve(plan, material)
    return plan


def _with(lead: Thread, joined: list[Thread], material: Material) -> Thread:
    """The lead with the claims and pages of small storylines that are its event; every sentence keeps its own id."""
    if not joined:
        return lead
    claims = [*lead.claims, *(c for t in joined for c in t.claims)]
    claims.sort(key=lambda c: (-claim_value(c, material), c.native_id, c.start))
    return Thread(lead.storyline, claims, [*lead.pages, *(p for t in joined for p in t.pages)], lead.score)


def same_matter(one: Thread, told: Thread, least: float = SAME_MATTER) -> bool:
    """Whether a small storyline may be the event that a section tells already: it is not told a second time.

    It shares a leading name, and this much of the wording, with a claim of the other.
    """
    if not set(one.names()[:3]) & set(told.names()[:3]):
        return False
    return any(similarity(a.quote, b.quote) >= least for a in one.claims[:4] for b in told.claims[:12])


def _matter(material: Material) -> frozenset[int]:
    """Records of the matter that the page is written for, where its most telling signal is of one matter."""
    strongest = next(iter(material.signals), None)
    if strongest is None or strongest["kind"] not in OF_ONE_MATTER:
        return frozenset()
    return frozenset(int(record) for record in strongest["evidence"] or {})


def _lead(threads: list[Thread], strong: list[Thread], matter: frozenset[int]) -> Thread:
    """The most newsworthy storyline with a headline in it, one that several outlets carried if there is one.

    matter: records of what the page is written for; a storyline with one of them comes before all others.
    """
    able = [t for t in threads if any(headline_clauses(c) for c in t.claims[:8])]
    if not able:
        raise NotEnough("headline", "no storyline offers a clause that can stand as a headline")
    able = [t for t in able if any(c.source.record_id in matter for c in t.claims)] or able
    tests: tuple[Callable[[Thread], bool], ...] = (
        lambda t: t in strong and t.families >= 2,
        lambda t: t.families >= 2,
        lambda t: t in strong and bool(t.news()),
        lambda t: bool(t.news()),
    )
    return next((t for test in tests for t in able if test(t)), able[0])


def _mixed(rest: list[Thread], wanted: int, material: Material, *, heard: bool) -> list[tuple[str, list[Thread]]]:
    """Sections made of several small storylines: reports side by side, voices side by side.

    heard: whether the sections so far hold voices; when not, voices come before a second set of reports.
    """
    fitting = [t for t in rest if t.fit >= MIN_FIT and any(on_topic(c.quote, material) for c in t.claims[:4])]
    reports = [t for t in fitting if t.news()]
    voices = [t for t in fitting if not t.news()]
    offers: list[tuple[str, list[Thread]]] = []
    if len(reports) >= 2:
        offers.append(("roundup", reports[:ROUNDUP]))
    if len(voices) >= LEAST_VOICES:
        offers.insert(0 if wanted == 1 and not heard else len(offers), ("voices", voices[:VOICES]))
    if len(reports) >= ROUNDUP + 2:
        offers.append(("roundup", reports[ROUNDUP : 2 * ROUNDUP]))
    if len(voices) >= VOICES + 3:
        offers.append(("voices", voices[VOICES : 2 * VOICES]))
    if len(offers) < wanted:
        offers = _thin(reports, voices, wanted)
    return offers[:wanted]


def _thin(reports: list[Thread], voices: list[Thread], wanted: int) -> list[tuple[str, list[Thread]]]:
    """On a thin day: reports in as many parts as there are sections to fill, the voices as one of them."""
    parts = wanted - (1 if voices else 0)
    size = -(-len(reports) // parts) if parts else 0
    cut = [reports[i : i + size] for i in range(0, len(reports), size)] if size else []
    offers = [("roundup" if len(part) > 1 else "storyline", part) for part in cut]
    return [*offers, ("voices", voices)] if voices else offers


def _reserve(plan: Plan, material: Material) -> dict[str, list[Claim]]:
    """Up to two claims a question, of the lead and what may be its event; the lead keeps enough to be told."""
    reserved: dict[str, list[Claim]] = {"why": [], "advice": [], "counter": []}
    # An answer speaks of the event that the page leads with, or it is none.
    near = [plan.lead, *(t for t in plan.others if same_matter(t, plan.lead))]
    opened = {c.source.record_id for t in near for c in t.claims if opens(c)}
    pool = [(t, c) for t in near for c in t.claims if opens(c) or c.source.record_id in opened]
    taken: set[int] = set()
    for question, cue in CUES:
        found = [(t, c) for t, c in pool if c.id not in taken and _fits(question, cue, c)]
        found.sort(key=lambda tc: (-_answer_value(question, tc[1], tc[0] is plan.lead, material), tc[1].native_id))
        for thread, claim in found:
            if len(reserved[question]) == ANSWERS:
                break
            if _leaves_enough(thread, claim, taken) and not _repeats(claim, reserved):
                reserved[question].append(claim)
                taken.add(claim.id)
    return reserved


def _leaves_enough(thread: Thread, claim: Claim, taken: set[int]) -> bool:
    """Whether the thread can still be told without this claim."""
    left = [c for c in thread.claims if c.id not in taken and c.id != claim.id]
    return len({c.source.record_id for c in left}) >= min(2, thread.records)


def _repeats(claim: Claim, reserved: dict[str, list[Claim]]) -> bool:
    """Whether an answer already says this, or already quotes this record."""
    chosen = [other for claims in reserved.values() for other in claims]
    return any(
        other.source.record_id == claim.source.record_id or similarity(claim.quote, other.quote) >= SAME_WORDS
        for other in chosen
    )


def _fits(question: str, cue: re.Pattern[str], claim: Claim) -> bool:
    if claim.kind == "question" or len(claim.quote) < 45:
        return False
    if claim.kind == "headline":
        return bool(TOLD[question].search(claim.quote))
    if question == "counter":
        told = TOLD["counter"] if not is_post(claim) else cue
        if MATTERS.search(claim.quote):  # "the doubt matters because …" says why, not what is to be said against it
            return False
        return claim.stance == "critical" or (bool(told.search(claim.quote)) and claim.kind in ("opinion", "statement"))
    if question == "advice":
        return claim.kind == "advice" or bool(cue.search(claim.quote))
    return bool(cue.search(claim.quote))


def _answer_value(question: str, claim: Claim, of_lead: bool, material: Material) -> float:
    value = claim_value(claim, material) + (0.8 if of_lead else 0.0) - (0.5 if claim.kind == "headline" else 0.0)
    if question == "counter":
        value += (0.5 if claim.stance == "critical" else 0.0) + (0.2 if claim.kind == "opinion" else 0.0)
        value += 0.2 if is_post(claim) else 0.0
    if question == "why":
        value += 0.6 if MATTERS.search(claim.quote) else 0.0
    if question == "advice":
        value += 0.4 if claim.kind in ("advice", "announcement") else 0.0
    return value
