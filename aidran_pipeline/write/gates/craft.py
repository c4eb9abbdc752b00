"""Gate 7, what free prose must do to be read: whole statements, titles that say something, nothing stitched together.

For a model's draft; sentences that are templates of wording.py are the engine's own and are passed over, but for the
length of titles. Each rule wants positive evidence. What does not belong here: whether a sentence is true (support.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aidran_pipeline.text import tokens
from aidran_pipeline.text.prose import common
from aidran_pipeline.text.prose.clauses import has_verb
from aidran_pipeline.write.draft import Draft, Sentence
from aidran_pipeline.write.gates.base import Context, GateFailure, grounds, shown
from aidran_pipeline.write.judge import own_words

SAYS = (
    r"(?:says|said|writes|wrote|argues|argued|objects|objected|answers|answered|adds|added|reports|reported|warns|"
    r"warned|claims|claimed|insists|notes|noted|maintains|holds|believes|thinks|replies|counters|complains|complained|"
    r"explains|explained|states|stated|suggests|suggested|finds|found|shows|showed)"
)
REPORTED = re.compile(rf"\b{SAYS}(?: on \w+| in r/\w+)?,? that (?P<clause>[^“”;:]+)$", re.I)
CREDITED = re.compile(rf"^(?P<clause>[^“”:;]+), (?:@?[\w’'.&/-]+ ){{1,7}}{SAYS}(?: on \w+)?[.]?$")
CAPITAL = re.compile(rf"\b{SAYS}(?: on \w+)? that ([A-Z][a-z]+) (?=[a-z])")
POINTING = re.compile(
    rf"^(?:It|The (?:same )?(?:report|outlet|paper|post|page)|The same \w+) (?:also |then )?{SAYS}\b|"
    rf"\bthe same (?:report|outlet|paper|post|page) {SAYS}\b", re.I)  # fmt: skip
JOINT = re.compile(r"(?:,|;)\s+(?:and|while|but|whereas)\s+|;\s+", re.I)
SMALL = frozenset("a an the and or of in on at for to with by from".split())
ASKING = frozenset(
    tokens(
        "why matters matter important what who how do does cited sources records advise advice say speaks against "
        "strongest argument counter counter-argument objection case next step happen mean significant story care open"
    )
)
LEAST_SHARE = 0.6  # of a half's words that one ground holds
ALIKE = 2  # words that two grounds share where they speak of the same
MOST_REPEATED = 5  # words of an earlier sentence that may stand here in a row


def well_made(draft: Draft, context: Context) -> list[GateFailure]:
    """The failures of a draft, in reading order."""
    found = []
    for position, sentence in enumerate(draft.sentences):
        rules = dict.fromkeys(_title(sentence))
        if draft.engine == "model" and not _template(draft, sentence, context):
            rules |= dict.fromkeys(_of_a_model(draft, position, context))
        found += [GateFailure("language", rule, shown(sentence.plain()), position) for rule in rules]
    return found


def only_names(text: str, quotes: Sequence[str]) -> bool:
    """Whether a title is nothing but names: words that the quotes write with a capital within a sentence."""
    words = [word for word in re.findall(r"[\w’'&.-]+", text) if word.lower() not in SMALL]
    told = " ".join(quotes)
    return bool(words) and all(_a_name(word, told) for word in words)


def asks_nothing(text: str, quotes: Sequence[str]) -> bool:
    """Whether a question asks after a bare name: nothing beside it but what every question says."""
    told = " ".join(quotes)
    left = [word for word in re.findall(r"[\w’'-]+", text) if set(tokens(word)) - ASKING]
    return bool(left) and all(_a_name(word, told) for word in left)


def _a_name(word: str, told: str) -> bool:
    plain = re.sub(r"['’]s$", "", word)
    if not plain[:1].isupper():
        return False
    within = re.search(rf"[\w,’'] {re.escape(plain)}\b", told)
    return bool(within) or (not common(plain) and bool(re.search(rf"\b{re.escape(plain)}\b", told)))


def _template(draft: Draft, sentence: Sentence, context: Context) -> bool:
    return own_words(sentence, grounds(draft, sentence), context.topic_label) is None


def _title(sentence: Sentence) -> Iterator[str]:
    if sentence.part in ("heading", "short_title", "headline") and len(sentence.plain().split()) < 2:
        yield "title of one word"


def _of_a_model(draft: Draft, position: int, context: Context) -> Iterator[str]:
    sentence = draft.sentences[position]
    plain, quotes = sentence.plain(), [use.quote for use in grounds(draft, sentence)]
    for pattern in (REPORTED, CREDITED):
        match = pattern.search(plain.rstrip("."))
        if match and not has_verb(match["clause"]):
            yield "half a sentence as a statement"
    match = CAPITAL.search(plain)
    if match and common(match[1]) and not re.search(rf"[\w,’'] {match[1]}\b", " ".join(quotes)):
        yield "capital within a sentence"
    if sentence.part == "heading" and only_names(plain, quotes):
        yield "title of names alone"
    if sentence.part == "question" and asks_nothing(plain, quotes):
        yield "question without an event"
    if POINTING.search(plain) and not _same_source_before(draft, position):
        yield "points at a report that is not there"
    if sentence.part == "story_so_far" and _told_word_for_word(sentence, context):
        yield "word for word as before"
    if sentence.part in ("answer", "story_so_far", "dek") and _stitched(draft, sentence, context):
        yield "two matters in one sentence"
    if sentence.part == "answer" and _elsewhere(draft, sentence, context):
        yield "answers something else"


def _same_source_before(draft: Draft, position: int) -> bool:
    """Whether the sentence before, in the same part, cites a source of this one."""
    sentence, before = draft.sentences[position], draft.sentences[position - 1] if position else None
    if before is None or (before.part, before.section) != (sentence.part, sentence.section):
        return False
    return bool({u.source.key for u in grounds(draft, sentence)} & {u.source.key for u in grounds(draft, before)})


def _told_word_for_word(sentence: Sentence, context: Context) -> bool:
    said = re.sub(r"“[^”]*”", " “” ", sentence.plain()).lower()
    told = [headline for headline, _ in context.earlier_headlines.values()] + context.told_before(sentence)
    return any(len(one.split()) > MOST_REPEATED and one.lower().rstrip(". ") in said for one in told)


def _stitched(draft: Draft, sentence: Sentence, context: Context) -> bool:
    """Two halves, each out of a ground of its own, and the grounds speak of different matters."""
    known = [draft.sentences[n] for n in sentence.rests_on if 0 <= n < len(draft.sentences)]
    for match in JOINT.finditer(sentence.plain()):
        halves = sentence.plain()[: match.start()], sentence.plain()[match.end() :]
        nearest = [_nearest(half, known) for half in halves]
        one, two = nearest
        if one is not None and two is not None and one is not two and _apart(draft, [one], [two], context):
            return True
    return False


def _nearest(half: str, known: Sequence[Sentence]) -> Sentence | None:
    """The ground that holds most of a half's words; None where none holds enough, or a few hold as much."""
    words = set(tokens(half))
    shares = [(len(words & set(tokens(other.plain()))), other) for other in known]
    most = max((share for share, _ in shares), default=0)
    best = [other for share, other in shares if share == most]
    return best[0] if len(best) == 1 and len(words) >= 4 and most >= LEAST_SHARE * len(words) else None


def _elsewhere(draft: Draft, sentence: Sentence, context: Context) -> bool:
    """An answer that shares neither storyline nor words with what its question is about."""
    asked = [s for s in draft.sentences if s.part == "question" and s.section == sentence.section]
    about = [draft.sentences[n] for s in asked for n in s.rests_on if 0 <= n < len(draft.sentences)]
    about = [one for one in about if one.part == "body"]
    return bool(about) and _apart(draft, [sentence], about, context)


def _apart(draft: Draft, some: Sequence[Sentence], others: Sequence[Sentence], context: Context) -> bool:
    """Whether sentences speak of different matters: known storylines, none shared, and hardly a word in common."""
    lines, words = zip(*(_matter(draft, group, context) for group in (some, others)), strict=True)
    return bool(lines[0] and lines[1] and not lines[0] & lines[1] and len(words[0] & words[1]) < ALIKE)


def _matter(draft: Draft, group: Sequence[Sentence], context: Context) -> tuple[set[int], set[str]]:
    uses = [use for sentence in group for use in grounds(draft, sentence)]
    lines = {use.source.storyline_id for use in uses if use.source.storyline_id is not None}
    words = {word for use in uses for word in tokens(use.quote)} - set(tokens(context.topic_label))
    return lines, words
