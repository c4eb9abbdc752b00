"""What is kept of a model's account of one record: quotes found in the stored text, statements that add nothing.

A claim's quote is the whole sentence that holds the words the model copied: a part can lose its negation, its hedge or
whose words it repeats, so gate 1 prints no parts. Its characters are the source's own. Every rule here counts what it
refuses; none repairs a model's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from aidran_pipeline.analyze.checkworthy import kind_of, score, speaker_of, stance_of
from aidran_pipeline.analyze.claims import WHOLE, claims_of
from aidran_pipeline.analyze.reader_terms import Account, Examined, SaidClaim, Shown
from aidran_pipeline.text import Span, facts_of, find_quotes, split_sentences, supports_facts, tokens
from aidran_pipeline.text.addressed import is_addressed, speaks_to_assistant
from aidran_pipeline.text.quality import last_words_of, quote_problems

MOST_CLAIMS = 5
# Reasons that a second, closer look can mend: the model is asked once more about that record, alone.
MENDABLE = {
    "not found": "a quote does not stand in the record; copy it letter by letter",
    "ellipsis": "a quote leaves words out; copy one unbroken run of words",
    "several places": "a quote stands in several sentences; name the number of the sentence, or copy a longer one",
    "several sentences": "a quote runs over several sentences; copy from one sentence only",
}
ELLIPSIS = re.compile(r"…|\.\.\.|\[\s*…?\s*\]")
WRAPPED = re.compile(r"^[\"“”'‘’«»]+(.+?)[\"“”'‘’«»]+$", re.S)
# What no page may quote, even beside the sentence before it that says who "it" is.
UNFIT = frozenset(
    ("address", "code or markup", "cut off", "boilerplate", "addressed to a model", "emoji", "hashtags", "shouting",
     "repeated marks", "line break", "too_long", "profanity", "reply", "aside")
)  # fmt: skip
UNFIT_STATEMENT = UNFIT - {"too_long", "reply", "aside", "shouting"}
DENIAL = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|fail(?:s|ed)? to|refus\w+|"
    r"den(?:y|ies|ied)|false\w*|untrue|myth|hardly|unlikely)\b|n['’]t\b",
    re.I,
)
HEDGES = re.compile(
    r"\b(?:may|might|could|would|if|unless|plans?|planned|planning|proposes?d?|proposal|considers?|considering|alleged\w*|"
    r"allegations?|accus\w+|reportedly|rumou?r\w*|expected|expects?|hopes?|wants?|aims?|seeks?|likely|perhaps|possibl[ey]|"
    r"should|claims?|claimed|believes?|thinks?)\b",
    re.I,
)
# Words by which a statement may put what its quote says; anything else must be the record's.
NEUTRAL = frozenset(tokens(
    "according says said stated states statement reports reported reporting report post author outlet argues argued "
    "writes wrote adds added explains explained describes described announced announces company firm group "
    "organisation people person authority agency paper article text claims claimed also including includes about "
    "roughly around amount number figure percent year years month months week day today new part parts use used uses "
    "using"
))  # fmt: skip
FOREIGN_SHARE = 1 / 3  # of a statement's own words that its record need not hold
LONGEST_STATEMENT, LONGEST_SPEAKER = 320, 80


def examine(shown: Shown, account: Account, others: Iterable[Shown] = ()) -> Examined:
    """The claims of an account that hold, at most five and one a sentence, in the text's order; and what did not hold.

    others: the records that were read in the same call: a statement must hold none of their words. Pure.
    """
    found = Examined(said=len(account.claims))
    taken: set[Span] = set()
    foreign = _words_of(others)
    for said in account.claims[:MOST_CLAIMS]:
        place = _place(shown, said, found)
        if place is None:
            continue
        reason = "same sentence twice" if place in taken else unprintable(shown, place)
        if reason:
            found.dropped[reason] += 1
            continue
        taken.add(place)
        found.claims.append(_claim(shown, place, said, found, foreign))
    if len(account.claims) > MOST_CLAIMS:
        found.dropped["too many"] += len(account.claims) - MOST_CLAIMS
    if not account.claims and claims_of(shown.row):
        found.signs.add("emptied")
    found.claims.sort(key=lambda c: int(c["start"]))
    return found


def notes_of(found: Examined) -> list[str]:
    """What to tell the model when it is asked again: our words only, never a reply's."""
    return [words for reason, words in MENDABLE.items() if found.dropped[reason]]


# --- the quote --------------------------------------------------------------------------------------------------------


def _place(shown: Shown, said: SaidClaim, found: Examined) -> Span | None:
    """The sentence that the quote stands in; None with a reason counted."""
    spans = find_quotes(shown.text, said.quote)
    wrapped = WRAPPED.match(said.quote.strip())
    if not spans and wrapped:
        spans = find_quotes(shown.text, wrapped.group(1))
    holding = [s for s in shown.sentences if any(s.start <= q.start and q.end <= s.end for q in spans)]
    reason = None
    if not spans:
        reason = "ellipsis" if ELLIPSIS.search(said.quote) else "not found"
        if reason == "not found" and _other_words(said.quote, shown.text):
            found.signs.add("another's words as a quote")
    elif not holding:
        reason = "several sentences"
    elif len(holding) > 1:
        numbered = shown.sentences[said.sentence - 1] if 0 < said.sentence <= len(shown.sentences) else None
        holding = [s for s in holding if s == numbered]
        reason = None if holding else "several places"
    if reason:
        found.dropped[reason] += 1
        return None
    return holding[0]


def unprintable(shown: Shown, span: Span) -> str | None:
    """Why a sentence cannot be quoted: cut off by its source, markup, an address, spoken to an assistant.

    The last is wide: a title that begins like an order is lost, and nothing that could be one reaches the writer.
    """
    row, text = shown.row, shown.text
    sentence, post = span.of(text), row["platform"] != "news"
    title = row["title"] or ""
    in_title = bool(title) and text.startswith(title) and span.start < len(title)
    cut_title = row["title_truncated"] and in_title and span.end >= last_words_of(title)
    cut_body = row["body_truncated"] and not in_title and span.end >= last_words_of(text)
    if cut_title or cut_body or not (post or in_title or WHOLE.search(sentence)):
        return "cut off"
    problems = [p for p in quote_problems(sentence) if p in UNFIT]
    if problems:
        return f"unfit: {problems[0]}"
    return "addressed to an assistant" if speaks_to_assistant(sentence) else None


def _other_words(quote: str, text: str) -> bool:
    """Whether a supposed quote is no slip of the pen: most of its words do not stand in the record at all."""
    words = set(tokens(quote))
    return not words or len(words & _stems(text)) / len(words) < 0.5


# --- what is said of it -----------------------------------------------------------------------------------------------


def _claim(shown: Shown, span: Span, said: SaidClaim, found: Examined, foreign: frozenset[str]) -> dict[str, Any]:
    """A row for the table of claims. Of a record that speaks to an assistant only its own words are taken."""
    quote = span.of(shown.text)
    claim: dict[str, Any] = {
        "start": span.start, "end": span.end, "quote": quote, "worth": score(quote), "entities": _entities(quote, said),
        "kind": _kind(shown, span, quote, said), "statement": quote, "speaker": None, "stance": None,
    }  # fmt: skip
    if shown.alone:
        found.changed["only its own words"] += 1
        return {**claim, "entities": _entities(quote), "kind": _kind(shown, span, quote),
                "speaker": speaker_of(quote), "stance": stance_of(quote)}  # fmt: skip
    reason = unheld(said.statement, shown, quote, foreign)
    if reason:
        found.changed[f"statement replaced: {reason}"] += 1
        if reason in ("other words", "words of another record", "unfit", "not one statement"):
            found.signs.add("a statement of other words")
    else:
        claim["statement"] = " ".join(said.statement.split())
    claim["speaker"] = said.speaker.strip() if said.speaker and _stands(said.speaker, shown.text) else None
    if said.speaker and claim["speaker"] is None:
        found.changed["speaker not in the record"] += 1
    plain = stance_of(quote)
    claim["stance"] = said.stance
    if plain and said.stance and {plain, said.stance} == {"supportive", "critical"}:
        claim["stance"] = None
        found.changed["stance against the words"] += 1
    return claim


def unheld(statement: str, shown: Shown, quote: str, foreign: frozenset[str] = frozenset()) -> str | None:
    """Why a statement is not taken over, None when it may stand beside its quote.

    It may hold no number, name or quoted phrase that neither the quote nor the record's metadata hold; it denies and
    hedges what the quote does; two words in three are the record's own, and none another's that was read beside it.
    """
    text = statement.strip()
    if text == " ".join(quote.split()):
        return None
    own = set(tokens(text)) - NEUTRAL
    if not own or len(text) > LONGEST_STATEMENT:
        return "length"
    if len(split_sentences(text)) != 1 or text.endswith("?") != quote.rstrip().endswith("?"):
        return "not one statement"
    if any(p in UNFIT_STATEMENT for p in quote_problems(text)) or is_addressed(text):
        return "unfit"
    given = facts_of(" \n".join([quote, *shown.row.get("metadata", ())]))
    if supports_facts(facts_of(text), given):
        return "facts"
    if bool(DENIAL.search(text)) != bool(DENIAL.search(quote)):
        return "denial"
    if HEDGES.search(quote) and not HEDGES.search(text):
        return "hedge"
    new = own - _stems(shown.text) - set(tokens(" ".join(shown.row.get("metadata", ()))))
    if new & foreign:
        return "words of another record"
    if len(new) / len(own) > FOREIGN_SHARE:
        return "other words"
    return None


def _words_of(others: Iterable[Shown]) -> frozenset[str]:
    """Names and figures of other records, as stems: what a statement may not have got from them."""
    found: set[str] = set()
    for other in others:
        for fact in facts_of(other.text):
            found.update(tokens(fact.text))
    return frozenset(found - NEUTRAL)


def _kind(shown: Shown, span: Span, quote: str, said: SaidClaim | None = None) -> str:
    """The model's kind where the words allow it; a title is a headline, a question mark a question."""
    post, title = shown.row["platform"] != "news", shown.row["title"] or ""
    in_title = bool(title) and shown.text.startswith(title) and span.start < len(title)
    if said is None or (in_title and not post):
        return kind_of(quote, title=in_title, post=post)
    asks, figure = quote.rstrip().endswith("?"), any(f.kind in ("percent", "money", "number") for f in facts_of(quote))
    wrong = said.kind == "headline" or asks != (said.kind == "question") or (said.kind == "figure" and not figure)
    return kind_of(quote, title=False, post=post) if wrong else said.kind


def _entities(quote: str, said: SaidClaim | None = None) -> list[Mapping[str, str]]:
    """Names and figures of the quote; the model's names are added where they stand in it and are not yet there."""
    found = [{"text": f.text, "kind": f.kind} for f in facts_of(quote) if f.kind != "quoted"]
    known = " ".join(f["text"] for f in found).lower()
    for name in said.entities if said else ():
        name = " ".join(name.split())
        if 2 < len(name) <= LONGEST_SPEAKER and name[:1].isupper() and name.lower() not in known and name in quote:
            found.append({"text": name, "kind": "name"})
    return list(found)


def _stands(speaker: str, text: str) -> bool:
    """Whether a speaker is a name of the record, in its own spelling."""
    name = speaker.strip()
    return 2 < len(name) <= LONGEST_SPEAKER and any(c.isupper() for c in name) and name in text and "\n" not in name


@lru_cache(maxsize=2048)
def _stems(text: str) -> frozenset[str]:
    return frozenset(tokens(text))
