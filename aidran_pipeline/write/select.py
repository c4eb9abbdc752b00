"""Choosing: which storylines lead, which claims speak for them, which are kept for the questions.

Newsworthiness is one documented score (`Thread.score`), made only of counts that the database can give again. Two
storylines never share a paragraph; a claim is used once. What does not belong here: wording.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from aidran_pipeline.text import Span, clause_spans, facts_of, tokens
from aidran_pipeline.text.quality import quote_problems
from aidran_pipeline.write.material import Claim, Material, Page, Storyline

# Two quotes that share this much of their words say the same thing: the second is not printed again.
SAME_WORDS = 0.5
# An answer from outside of the story's own storylines shares at least this much of its words with the lead.
RELATED = 0.3
STRONG_RECORDS = 3
SECTION_RECORDS = 8
MIN_TOPIC_SCORE = 0.36
# A post stands in the story only on a subject of the beat: its topic score, and words of the subject in the quote itself.
MIN_POST_SCORE = 0.4
SUBJECT = re.compile(
    r"\b(?:AIs?|A\.I\.?|artificial intelligence|LLMs?|language models?|models?|machine learning|neural|GPT[\w.-]*|chatbots?|chatGPT|Claude|Gemini|"
    r"Copilot|Codex|agents?|agentic|OpenAI|Anthropic|DeepSeek|Nvidia|GPUs?|chips?|data cent(?:er|re)s?|robots?|deepfakes?|Mistral|Qwen|Llama|"
    r"vibe[- ]cod\w+|prompts?|inference|cloud|compute|automation|algorithms?)\b", re.I)  # fmt: skip
HEADLINE_LENGTH = (24, 100)

WHY = re.compile(r"\b(because|means that|that means|matters?|reason|consequence|implication|so that|at stake|first time|"
                 r"largest|biggest|risks?|threat|turning point|depends? on|leads? to|as a result|due to|therefore)\b", re.I)  # fmt: skip
ADVICE = re.compile(r"\b(should|must|need(s)? to|ought to|recommend\w*|urge[sd]?|advis\w+|plan(s|ned)? to|will|launch\w*|"
                    r"announc\w+|introduc\w+|requires?|adopt\w*|propos\w+|bans?|invest\w*|roll(s|ed|ing) out|set(s)? a deadline)\b", re.I)  # fmt: skip
COUNTER = re.compile(r"\b(but|however|critics?|sceptic\w*|skeptic\w*|not convinced|doubt\w*|overhyped|hype|wrong|although|"
                     r"despite|yet|disagree\w*|isn't|aren't|doesn't|don't|won't|can't|no evidence|without|fails?|failed|"
                     r"useless|worse|unlikely|problem)\b", re.I)  # fmt: skip


def is_post(claim: Claim) -> bool:
    """A voice of the conversation, as opposed to an outlet."""
    return claim.source.platform != "news"


def similarity(a: str, b: str) -> float:
    """Overlap of stems, intersection over the smaller set: 1 when one says nothing beyond the other."""
    left, right = set(tokens(a)), set(tokens(b))
    if not left or not right:
        return 0.0
    return len(left & right) / min(len(left), len(right))


def usable(claim: Claim) -> bool:
    """Fit to be printed: clean, quotable without nested quotation marks, of a length people read."""
    if any(mark in claim.quote for mark in '“”"\n') or not 20 <= len(claim.quote) <= 320:
        return False
    if claim.kind == "question" and claim.source.platform == "news":
        return False
    if is_post(claim) and (claim.source.topic_score < MIN_POST_SCORE or not SUBJECT.search(claim.quote)):
        return False
    if claim.quote[0] in "([*-–—•" or re.search(r"\[\d+\]", claim.quote):
        return False
    problems = quote_problems(claim.quote)
    return not [p for p in problems if not (p == "no_verb" and claim.kind == "headline")]


def headline_clauses(claim: Claim) -> list[str]:
    """The claim and its clauses that can stand as a headline: of a headline's length, complete, opening with a capital."""
    spans = [Span(claim.start, claim.end), *clause_spans(claim.source.text, Span(claim.start, claim.end))]
    texts = [s.of(claim.source.text).rstrip(" .,;:") for s in spans]
    low, high = HEADLINE_LENGTH
    return [
        t for t in texts
        if low <= len(t) <= high and (t[0].isupper() or t[0].isdigit()) and not t.endswith("?")
        and not [p for p in quote_problems(t) if p not in ("too_short", "no_verb")]
    ]  # fmt: skip


def claim_value(claim: Claim, material: Material) -> float:
    """How much a claim adds: check-worthiness, centrality, freshness, figures, copies and engagement, evidence weight."""
    recent = 0.3 if claim.source.day == material.day else 0.0
    figures = 0.15 if any(f.kind in ("number", "percent", "money") for f in facts_of(claim.quote)) else 0.0
    reach = min(0.3, math.log10(1 + claim.engagement + 5 * (claim.copies - 1)) / 10)
    length = 0.1 if 60 <= len(claim.quote) <= 220 else 0.0
    signal = 0.2 * material.signal_weight.get(claim.source.record_id or 0, 0.0)
    topic = 0.3 * claim.source.topic_score
    return claim.checkworthiness + 0.4 * claim.centrality + recent + figures + reach + length + signal + topic


@dataclass
class Thread:
    """A storyline with its usable claims, best first, and the pages that only its records link to."""

    storyline: Storyline
    claims: list[Claim]
    pages: list[Page]
    score: float = 0.0

    @property
    def records(self) -> int:
        """Distinct records with a usable claim."""
        return len({c.source.record_id for c in self.claims})

    @property
    def authors(self) -> int:
        """Distinct authors."""
        return len({c.source.author_key for c in self.claims})

    def news(self) -> list[Claim]:
        """Claims of outlets."""
        return [c for c in self.claims if not is_post(c)]

    def posts(self) -> list[Claim]:
        """Claims of people who post."""
        return [c for c in self.claims if is_post(c)]


@dataclass
class Plan:
    """What goes where. `sections` holds (kind, threads); the questions' claims are reserved and used nowhere else."""

    lead: Thread
    sections: list[tuple[str, list[Thread]]]
    reserved: dict[str, list[Claim]] = field(default_factory=dict)
    others: list[Thread] = field(default_factory=list)


class NotEnough(Exception):
    """There is no story in the material; `reasons` are (gate, rule, detail)."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.reasons = [{"gate": "evidence", "rule": rule, "detail": detail}]


def threads_of(material: Material) -> list[Thread]:
    """Storylines with at least one usable claim, most newsworthy first."""
    grouped: dict[int, list[Claim]] = {}
    for claim in material.claims:
        storyline = claim.source.storyline_id
        if storyline in material.storylines and claim.source.topic_score >= MIN_TOPIC_SCORE and usable(claim):
            grouped.setdefault(storyline, []).append(claim)
    threads = []
    for storyline, claims in grouped.items():
        ordered = sorted(claims, key=lambda c: (-claim_value(c, material), c.native_id, c.start))
        pages = [p for p in material.pages if p.storylines == (storyline,)]
        thread = Thread(material.storylines[storyline], ordered, pages)
        thread.score = newsworthiness(thread, material)
        threads.append(thread)
    return sorted(threads, key=lambda t: (-t.score, t.claims[0].native_id))


def newsworthiness(thread: Thread, material: Material) -> float:
    """Breadth (outlets, voices, platforms), freshness, reach, share of the signal's evidence, and topic fit.

    score = log2(1 + families) + 0.7 log2(1 + voices) + 0.4 (platforms - 1) + 0.8 today + reach + 0.8 signal + 0.6 fit,
    times 1.15 for an event. Each term is a count or a mean over the storyline's usable records.
    """
    records = {c.source.record_id: c for c in thread.claims}.values()
    families = {c.source.family for c in records if not is_post(c)}
    voices = {c.source.author_key for c in records if is_post(c)}
    platforms = {c.source.platform for c in records}
    today = sum(c.source.day == material.day for c in records) / len(records)
    reach = min(1.0, math.log10(1 + sum(c.engagement for c in records)) / 4)
    total = sum(material.signal_weight.values()) or 1.0
    signal = sum(material.signal_weight.get(c.source.record_id or 0, 0.0) for c in records) / total
    fit = sum(c.source.topic_score for c in records) / len(records)
    score = (
        math.log2(1 + len(families)) + 0.7 * math.log2(1 + len(voices)) + 0.4 * (len(platforms) - 1)
        + 0.8 * today + reach + 0.8 * signal + 0.6 * fit
    )  # fmt: skip
    return round(score * (1.15 if thread.storyline.kind == "event" else 1.0), 6)


def make_plan(material: Material) -> Plan:
    """Three sections and the claims kept for the questions. Raises NotEnough when there is no story."""
    threads = threads_of(material)
    if not threads:
        raise NotEnough("no usable claim", f"0 quotable claims from {material.records_read} records read")
    strong = [t for t in threads if t.records >= STRONG_RECORDS and t.authors >= 2]
    able = [t for t in threads if any(headline_clauses(c) for c in t.claims[:8])]
    if not able:
        raise NotEnough("headline", "no storyline offers a clause that can stand as a headline")
    lead = next((t for t in able if t in strong and t.news()), None) or next((t for t in able if t.news()), able[0])
    rest = [t for t in threads if t is not lead]
    sections: list[tuple[str, list[Thread]]] = [("storyline", [lead])]
    second = [t for t in rest if t in strong][:2]
    for thread in second:
        sections.append(("storyline", [thread]))
    rest = [t for t in rest if t not in second]
    if len(sections) < 3:
        sections.extend(_mixed(rest, 3 - len(sections)))
    if len(sections) < 3:
        raise NotEnough(
            "three sections", f"{len(threads)} storylines with a quotable claim make {len(sections)} of 3 sections"
        )
    used = {id(t) for _, group in sections for t in group}
    plan = Plan(lead, sections, others=[t for t in rest if id(t) not in used])
    plan.reserved = _reserve(plan, material)
    return plan


def _mixed(rest: list[Thread], wanted: int) -> list[tuple[str, list[Thread]]]:
    """Sections made of several small storylines, a paragraph each: outlets' news first, then the posters' themes."""
    reports = [t for t in rest if t.news()]
    voices = [t for t in rest if not t.news()]
    made: list[tuple[str, list[Thread]]] = []
    if wanted == 2 and len(reports) >= 2 and len(voices) < 2:
        half = max(1, (min(len(reports), 8) + 1) // 2)
        return [("roundup", reports[:half]), ("roundup", reports[half : half + 4])]
    if reports:
        made.append(("roundup", reports[:4]))
    if len(made) < wanted and voices:
        made.append(("voices", voices[:5]))
    if len(made) < wanted and len(reports) > 4:
        made.append(("roundup", reports[4:8]))
    if len(made) < wanted and len(voices) > 5:
        made.append(("voices", voices[5:10]))
    return made[:wanted]


def _reserve(plan: Plan, material: Material) -> dict[str, list[Claim]]:
    """Up to two claims a question, from the story's own threads first; the lead storyline keeps at least four claims."""
    reserved: dict[str, list[Claim]] = {"why": [], "advice": [], "counter": []}
    story = [t for _, group in plan.sections for t in group]
    taken: set[int] = set()
    subject = " ".join(c.quote for c in plan.lead.claims[:8])
    own = [t for kind, group in plan.sections if kind == "storyline" for t in group]
    pool = [
        (t, c) for t in [*story, *plan.others] for c in t.claims
        if t in own or similarity(c.quote, subject) >= RELATED
    ]  # fmt: skip
    for question, cue in (("counter", COUNTER), ("why", WHY), ("advice", ADVICE)):
        found = [(t, c) for t, c in pool if c.id not in taken and _fits(question, cue, c)]
        found.sort(key=lambda tc: (-_question_value(question, tc[1], tc[0] in story, material), tc[1].native_id))
        for thread, claim in found:
            left = [c for c in thread.claims if c.id not in taken and c.id != claim.id]
            enough = len({c.source.record_id for c in left}) >= min(2, thread.records) and len(left) >= 1
            repeated = any(
                similarity(claim.quote, other.quote) >= SAME_WORDS for chosen in reserved.values() for other in chosen
            )
            if (
                enough
                and not repeated
                and claim.source.record_id not in {c.source.record_id for c in reserved[question]}
            ):
                reserved[question].append(claim)
                taken.add(claim.id)
            if len(reserved[question]) == 2:
                break
    return reserved


def _fits(question: str, cue: re.Pattern[str], claim: Claim) -> bool:
    if claim.kind in ("headline", "question") or len(claim.quote) < 45:
        return False
    if question == "counter":
        return claim.stance == "critical" or (bool(cue.search(claim.quote)) and claim.kind in ("opinion", "statement"))
    if question == "advice":
        return claim.kind in ("advice", "announcement") or bool(cue.search(claim.quote))
    return bool(cue.search(claim.quote))


def _question_value(question: str, claim: Claim, in_story: bool, material: Material) -> float:
    value = claim_value(claim, material) + (0.6 if in_story else 0.0)
    if question == "counter":
        value += (0.5 if claim.stance == "critical" else 0.0) + (0.2 if claim.kind == "opinion" else 0.0)
    if question == "advice":
        value += 0.4 if claim.kind in ("advice", "announcement") else 0.0
    return value
