"""Gate 3 for a model's prose: facts of a free sentence, and whether one source holds what one clause says together.

Merging two events is the commonest lie of a fluent writer: each fact is true, their union is not. A clause's figures,
moments and names must stand together in one source; what an outlet is said to report must be in that outlet's words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aidran_pipeline.text.prose import foreign, lower_words
from aidran_pipeline.text.prose.figures import carried, figures_of
from aidran_pipeline.text.prose.names import Name, held_by, names_of
from aidran_pipeline.text.prose.times import REPORTING, moments_of, times_missing
from aidran_pipeline.text.words import tokens
from aidran_pipeline.write.draft import MARKER, Draft, Sentence, Source, Use
from aidran_pipeline.write.gates.base import Context, grounds
from aidran_pipeline.write.judge import QUOTED, judge, whole_words

TITLES = frozenset(("headline", "short_title", "heading"))
CLAUSE = re.compile(
    r"(?<!\d),\s+|,\s+(?!\d{3})|[;:]\s+|\s+[—–]\s+|\s+(?:and|but|while|whereas|although|though|because|when|if|"
    r"(?<!much )(?<!many )(?<!little )as(?! much| many| little| well)|or|nor|yet|"
    r"beyond|unlike|alongside)\s+", re.I)  # fmt: skip
JOINS = re.compile(
    r",?\s+(?:after|before|because|since|as a result of|in response to|following|prompting|leading to|which led|"
    r"so that|thanks to|due to|once|in exchange for|in return for)\s+", re.I)  # fmt: skip

APART = re.compile(r",\s+(?:while|whereas|but)\s+|;\s+", re.I)  # what stands beside it is set apart, not tied to it


def foreign_in(draft: Draft, sentence: Sentence, context: Context) -> list[str]:
    """What a sentence of a model's draft states that its grounds do not hold, in its own words."""
    uses, before = grounds(draft, sentence), context.told_before(sentence)
    if judge(sentence, uses, context.topic_label)[0] == "supported":
        return []
    quotes = [*(use.quote for use in uses), *before]
    told = " \n ".join(use.source.metadata_text() for use in uses)
    days = [day for _, day in (context.earlier_sentences.get(i, ("", None)) for i in sentence.rests_on_earlier) if day]
    told += "".join(f" \n {day.day} {day:%B} {day.year} · {day:%A}" for day in days)
    text = without_counts(sentence)
    found = foreign(
        text, quotes, told, titled=sentence.part in TITLES, label=context.topic_label,
        around=[use.source.text for use in uses], known=lower_words(tuple(s.text for s in draft.sentences)),
        voices=frozenset((len({u.source.key for u in uses}), len({u.quote for u in uses}), len(sentence.rests_on))),
    )  # fmt: skip
    phrases = [phrase for phrase in QUOTED.findall(text) if not any(whole_words(phrase, quote) for quote in quotes)]
    return [*found, *phrases, *credited(text, uses), *mixed(text, uses)]


def without_counts(sentence: Sentence) -> str:
    """The sentence as read, without the counts that gate 9 takes again."""
    text = re.sub(r"\s+([.,;:?!)])", r"\1", MARKER.sub("", sentence.text)).strip()
    for fact in sorted(sentence.facts, key=lambda fact: -len(fact.text)):
        text = text.replace(fact.text, "some")
    return text


def credited(text: str, uses: Sequence[Use]) -> list[str]:
    """Outlets and authors named as if the quotes spoke of them: what only metadata holds must be who speaks."""
    found = []
    quotes = held_by(tuple(use.quote for use in uses))
    for use in uses:
        for name in (use.source.author_name, use.source.publisher):
            if not name or name not in text or quotes.word(name.split()[-1].lower()) or use.source.platform != "news":
                continue
            if not REPORTING.search(text) and not re.search(
                r"\b(?:survey\w*|by|interview\w*|analys\w+|investigat\w*|found|count\w*|poll\w*)\b", text
            ):
                found.append(name)
    return list(dict.fromkeys(found))


def mixed(text: str, uses: Sequence[Use]) -> list[str]:
    """Clauses whose figures, moments and names no single source holds together, and events of two sources made one."""
    sources = {use.source.key: use.source for use in uses}
    if len(sources) < 2:
        return _misdated(text, [use.quote for use in uses])
    quoted = {key: [use.quote for use in uses if use.source.key == key] for key in sources}
    found = [clause for clause in clauses_of(text) if _nobody_says(clause, sources, quoted)]
    return found + _misdated(text, [use.quote for use in uses]) + _joined(text, quoted)


def _misdated(text: str, quotes: Sequence[str]) -> list[str]:
    """Clauses whose figure stands in one quote and whose moment in another."""
    found = []
    for clause in clauses_of(text):
        figures = [f for f in figures_of(clause) if carried(f, figures_of(" ; ".join(quotes)), quotes)]
        moments = [m for m in moments_of(clause) if m.kind != "season" and not times_missing(m.text, quotes, "")]
        together = (
            all(carried(f, figures_of(quote), [quote]) for f in figures)
            and not any(times_missing(m.text, [quote], "") for m in moments)
            for quote in quotes
        )
        if figures and moments and not any(together):
            found.append(clause)
    return found


def clauses_of(text: str) -> list[str]:
    """The clauses of a sentence; who is said to report belongs to what is reported (", Fjord Business wrote")."""
    found: list[str] = []
    for part in CLAUSE.split(text):
        if found and part and len(part.split()) <= 5 and REPORTING.search(part):
            found[-1] += ", " + part
        elif part:
            found.append(part)
    return found


def _nobody_says(clause: str, sources: dict[tuple[str, int], Source], quoted: dict[tuple[str, int], list[str]]) -> bool:
    figures, moments = figures_of(clause), moments_of(clause)
    every = [quote for quotes in quoted.values() for quote in quotes]
    given = {key: [f for quote in quotes for f in figures_of(quote)] for key, quotes in quoted.items()}
    told = [f for f in figures if any(carried(f, given[key], quoted[key]) for key in quoted)]
    dated = [m for m in moments if not times_missing(m.text, every, "")]
    names = [n for n in names_of(clause) if n.start or not n.text.islower()]
    if len(told) + len(dated) + len(names) < 2 or not (told or dated):
        return False
    for key, source in sources.items():
        held = held_by((source.text, source.metadata_text()))
        holds = all(carried(f, given[key], quoted[key]) for f in told) and not any(
            times_missing(m.text, quoted[key], "") for m in dated
        )
        if holds and all(held.name(n) or not _anywhere(n, sources) for n in names):
            return False
    return True


def _anywhere(name: Name, sources: dict[tuple[str, int], Source]) -> bool:
    return any(held_by((s.text, s.metadata_text())).name(name) for s in sources.values())


def _joined(text: str, quoted: dict[tuple[str, int], list[str]]) -> list[str]:
    """Two happenings tied by time or cause, one out of each source: no source says that they belong together."""
    for part in APART.split(text):
        for match in JOINS.finditer(part):
            left, right = _nearest(part[: match.start()], quoted), _nearest(part[match.end() :], quoted)
            if left and right and left != right and not (left & right):
                return [match.group(0).strip(" ,") + " " + part[match.end() :][:60]]
    return []


def _nearest(part: str, quoted: dict[tuple[str, int], list[str]]) -> set[tuple[str, int]]:
    """The sources whose quotes share most of a part's words; none where no source is clearly the one."""
    words = set(tokens(part))
    shares = {key: len(words & {t for quote in quotes for t in tokens(quote)}) for key, quotes in quoted.items()}
    most = max(shares.values(), default=0)
    return {key for key, share in shares.items() if share >= max(2, most - 1)} if most >= 2 else set()
