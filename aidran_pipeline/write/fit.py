"""Which claims may be printed, and which of their clauses can stand as a headline. Rules, each with its reason.

What does not belong here: choosing among what may be printed (select.py); what makes a span unfit as such
(text/quality.py).
"""

from __future__ import annotations

import re

from aidran_pipeline.text import Span, clause_spans, tokens
from aidran_pipeline.text.facts import title_cased
from aidran_pipeline.text.prose.clauses import has_verb
from aidran_pipeline.text.quality import quote_problems
from aidran_pipeline.text.terms import stems_of
from aidran_pipeline.write.draft import Use
from aidran_pipeline.write.material import Claim, Material

# Two quotes that share this much of their words say the same thing: the second is not printed again.
SAME_WORDS = 0.5
# A record stands in a story only on a subject of the beat: by its topic score, and by a term in the quote itself.
MIN_TOPIC_SCORE = 0.38
MIN_POST_SCORE = 0.45
TERM_WEIGHT = 0.5
HEADLINE_LENGTH = (24, 100)
SUBJECT = re.compile(
    r"\b(?:AIs?|A\.I\.?|artificial intelligence|LLMs?|language models?|models?|machine learning|neural|GPT[\w.-]*|chatbots?|chatGPT|Claude|Gemini|"
    r"Copilot|Codex|agents?|agentic|OpenAI|Anthropic|DeepSeek|Nvidia|GPUs?|chips?|data cent(?:er|re)s?|robots?|deepfakes?|Mistral|Qwen|Llama|"
    r"vibe[- ]cod\w+|prompts?|inference|cloud|compute|automation|algorithms?)\b", re.I)  # fmt: skip
# A beat on AI has neither sports nor recipes nor party politics in it, whatever else such a text mentions.
OFF_BEAT = re.compile(
    r"\b(?:elections?|midterms?|ballots?|polling stations?|world cup|fifa|football(?:ers?)?|premier league|nba|nfl|mlb|olympics?|wimbledon|tennis|"
    r"marathon|recipes?|salads?|horoscopes?|wordle|mattress(?:es)?|prime day|black friday)\b", re.I)  # fmt: skip
# What the next sentence takes back must not stand without it.
TAKEN_BACK = re.compile(
    r"[\s.!?]*(?:but|however|that said|yet|still|though|although|on the other hand|then again|just kidding|not)\b", re.I
)
# A sentence that speaks of something named before it: not the first that a page quotes of a report.
POINTING = re.compile(r"^(?:The|Those|Both|Each|Another|Such|Its|Their|His|Her) [a-z]")
FIRST_PERSON = re.compile(r"^(?:I|I'm|I’m|I've|I’ve|I'd|I’d|My|We|We're|We’re|Our|You|Your|Me)\b")
ASKING = re.compile(
    r"^(?:what|how|why|who|whose|when|where|which|should|can|could|is|are|do|does|did|will|would)\b", re.I
)
ANECDOTE = re.compile(
    r"^(?:a (?:few|couple of) (?:days|weeks|months|years) ago|last (?:week|month|year|night)|yesterday|the other day|"
    r"(?:about|around|almost) \d+|one (?:day|time)|back in|when i|at my|in my)\b", re.I)  # fmt: skip


def is_post(claim: Claim) -> bool:
    """A voice of the conversation, as opposed to an outlet."""
    return claim.source.platform != "news"


def similarity(a: str, b: str) -> float:
    """Overlap of stems, intersection over the smaller set: 1 when one says nothing beyond the other."""
    left, right = set(tokens(a)), set(tokens(b))
    if not left or not right:
        return 0.0
    return len(left & right) / min(len(left), len(right))


def repeats(quote: str, earlier: str) -> bool:
    """Whether an earlier quotation says most of this one already; a longer one that adds as much is no repetition."""
    words = set(tokens(quote))
    return bool(words) and len(words & set(tokens(earlier))) / len(words) >= SAME_WORDS


def on_topic(text: str, material: Material) -> bool:
    """Whether the words themselves hold a telling term of the topic."""
    return material.terms.total(stems_of(text)) >= TERM_WEIGHT


def printable(text: str, *, headline: bool = False) -> bool:
    """Whether a span can be set in quotation marks: clean, whole, of a length people read."""
    if any(mark in text for mark in "“”\n") or not 20 <= len(text) <= 320 or text[0] in "([*-–—•":
        return False
    if OFF_BEAT.search(text):
        return False
    return not [p for p in quote_problems(text) if not (p == "no_verb" and headline)]


def usable(claim: Claim, material: Material) -> bool:
    """Fit to be printed in this topic's story."""
    source = claim.source
    if TAKEN_BACK.match(source.text, claim.end):
        return False
    if not printable(claim.quote, headline=claim.kind == "headline") or source.topic_score < MIN_TOPIC_SCORE:
        return False
    if is_post(claim):
        return _usable_post(claim, material)
    if claim.kind == "question" or FIRST_PERSON.search(claim.quote):
        return False
    return bool(SUBJECT.search(f"{source.title or ''} {claim.quote}"))


def _usable_post(claim: Claim, material: Material) -> bool:
    """A voice is printed when it says something of the subject that stands without the thread around it."""
    if claim.source.text.lstrip().startswith(">"):  # an answer to a text it quotes, which the page does not show
        return False
    event = material.storylines[claim.source.storyline_id or 0].kind == "event"
    if claim.kind == "question" and len(claim.quote) < 50:
        return False
    if ANECDOTE.search(claim.quote) or not SUBJECT.search(claim.quote):
        return False
    return event or (claim.source.topic_score >= MIN_POST_SCORE and on_topic(claim.quote, material))


def opens(claim: Claim) -> bool:
    """Whether a claim can be the first that a page quotes of its record: its opening, or one that names its subject."""
    source, title_end = claim.source, len(claim.source.title or "")
    first = claim.start <= title_end or not source.text[title_end : claim.start].strip()
    return first or is_post(claim) or not POINTING.search(claim.quote)


def headline_clauses(claim: Claim) -> list[str]:
    """The claim and its clauses that can stand as a headline: of a headline's length, whole, with a capital."""
    spans = [Span(claim.start, claim.end), *clause_spans(claim.source.text, Span(claim.start, claim.end))]
    texts = [s.of(claim.source.text).rstrip(" .,;:") for s in spans]
    low, high = HEADLINE_LENGTH
    whole = texts[0]
    return [t for t in texts if low <= len(t) <= high and stands_alone(t) and (t == whole or has_verb(t))]


def clauses(use: Use) -> list[str]:
    """A quotation and the clauses in it that stand alone, longest first, without a final stop."""
    spans = clause_spans(use.source.text, Span(use.start, use.end))
    texts = {use.quote} | {use.source.text[s.start : s.end].rstrip(" .,;:") for s in spans}
    return sorted((t for t in texts if t and t in use.quote), key=lambda t: (-len(t), t))


def telling_clauses(use: Use) -> list[str]:
    """Those that may be made a title.

    An outlet's own headline may do without a verb; a part cut out of a sentence may not: it says nothing.
    """
    return [text for text in clauses(use) if text == use.quote or has_verb(text)]


def stands_alone(clause: str) -> bool:
    """Whether a clause can be set as a title: opens with a capital or a figure, is no question, breaks no rule."""
    if not (clause[0].isupper() or clause[0].isdigit()) or '"' in clause:
        return False
    if clause.endswith("?") or ASKING.search(clause) or FIRST_PERSON.search(clause):
        return False
    return not [p for p in quote_problems(clause) if p not in ("too_short", "no_verb")] and not OFF_BEAT.search(clause)


def sentence_case(text: str) -> bool:
    """Whether a line is set like a sentence, not With Every Word Capitalised."""
    return not title_cased(text)
