"""Check-worthiness of a sentence, its kind, speaker and stance: documented rules, no model.

Features after Hassan et al. (ClaimBuster, KDD 2017): figures, names, reporting and change verbs, comparatives raise the
score; questions, first-person chatter and wishes lower it. Measured in benchmarks/checkworthiness.
"""

from __future__ import annotations

import re

from aidran_pipeline.text import facts_of

REPORT = re.compile(
    (
        r"\b(?:said|says|told|announc\w+|report\w*|according to|confirm\w+|warn\w*|argu\w+|estimat\w+"
        r"|claim\w*|reveal\w*|disclos\w+|found|finds|shows?|showed|publish\w+)\b"
    ),
    re.I,
)
CHANGE = re.compile(
    (
        r"\b(?:cuts?|rais\w+|launch\w*|releas\w+|ban\w*|acquir\w+|sign\w*|su(?:e|es|ed)|fil(?:e|es|ed)"
        r"|approv\w+|reject\w*|open\w*|clos\w+|hir\w+|fir(?:e|ed|es)|lay\w* off|grew|grow\w*|fell|falls?|rose"
        r"|rises?|doubl\w+|tripl\w+|halv\w+|reduc\w+|increas\w+|declin\w+|drop\w*|buil[dt]\w*|invest\w*"
        r"|deploy\w*|replac\w+|introduc\w+|adopt\w*|requires?|limits?|delet\w+|beat|beats|outperform\w*)\b"
    ),
    re.I,
)
COMPARE = re.compile(
    (
        r"\b(?:more than|less than|fewer than|at least|up to|compared (?:to|with)|higher|lower|larger|smaller"
        r"|faster|slower|cheaper|better|worse|most|least|first|largest|biggest|record|times as|per cent"
        r"|percent|%)"
    ),
    re.I,
)
CAUSE = re.compile(r"\b(?:because|due to|as a result|leads? to|led to|caus\w+|therefore|thanks to|driven by)\b", re.I)
HEDGE = re.compile(
    r"\b(?:i think|i guess|i feel|i wonder|i hope|i wish|maybe|perhaps|imo|imho|probably|kind of|sort of)\b", re.I
)
FIRST = re.compile(r"\b(?:i|i'm|i’m|i've|i’ve|my|me|mine)\b", re.I)
OPINION = re.compile(
    (
        r"\b(?:should|shouldn't|must|ought|i think|i believe|in my opinion|it's (?:just|clear|obvious)"
        r"|is (?:just|clearly|obviously)|terrible|awful|great|amazing|useless|worth|overrated|overhyped|hype"
        r"|ridiculous|good|bad|wrong|right|stupid|smart|dangerous|better|worse|problem|nobody|everyone"
        r"|real(?:ly)?|never|always|matters?|point is|trust)\b"
    ),
    re.I,
)
PREDICTION = re.compile(
    (
        r"\b(?:will|won't|going to|by 20[2-4]\d|expects?|expected to|forecasts?|predict\w*|next year|soon"
        r"|within (?:a|two|three|five|ten) (?:years?|months?))\b"
    ),
    re.I,
)
ADVICE = re.compile(
    r"\b(?:should|must|need to|needs to|ought to|recommend\w*|urge[sd]?|advis\w+|call(?:s|ed)? (?:on|for))\b", re.I
)
ANNOUNCE = re.compile(
    (
        r"\b(?:announc\w+|launch\w*|unveil\w*|releas\w+|introduc\w+|roll(?:s|ed|ing)? out|opens?|opened"
        r"|debut\w*|publish\w+)\b"
    ),
    re.I,
)
SPEAKER = (
    re.compile(
        r"\b(?:said|says|told \w+|argued|argues|warned|warns|wrote|added|explained|insists?"
        r"|insisted)\s+(?P<s>(?:the )?[A-Z][\w’'.-]+(?: (?:of|for|de|van|von|&)? ?[A-Z][\w’'.-]+){0,4})"
    ),
    re.compile(
        r"(?P<s>(?:The )?[A-Z][\w’'.&-]+(?: [A-Z][\w’'.&-]+){0,4})(?:, [^,]{3,60},)? (?:said|says|told"
        r"|argued|argues|warned|warns|wrote|added|explained|insisted|announced|confirmed|estimates?)\b"
    ),
    re.compile(r"\b[Aa]ccording to (?P<s>(?:the )?[A-Z][\w’'.&-]+(?: [A-Z][\w’'.&-]+){0,4})"),
)
CRITICAL = re.compile(
    (
        r"\b(?:terrible|awful|useless|dangerous|harmful|worse|worst|broken|scam|fraud|nonsense|overhyped|hype"
        r"|hate|disaster|fail(?:s|ed|ure)?|garbage|slop|lies|lying|exploit\w*|unethical|nightmare"
        r"|not convinced|doubt\w*|misleading|overrated|pointless|waste of|empty|doesn[’']t work"
        r"|don[’']t trust)\b"
    ),
    re.I,
)
SUPPORTIVE = re.compile(
    (
        r"\b(?:excellent|amazing|impressive|great|love|useful|helpful|brilliant|fantastic|game changer"
        r"|incredible|best|promising|works well|solid|sensible|welcome|delighted|thrilled|breakthrough)\b"
    ),
    re.I,
)
NEGATED = re.compile(r"\b(?:not|never|no|isn't|isn’t|wasn't|don't|don’t|hardly)\s+(?:\w+\s+){0,2}$", re.I)


# What a longer sentence says more of, up to 45 words. Weight chosen on CheckThat! 2020 train, reported on dev.
LENGTH = 0.3


def score(sentence: str) -> float:
    """Check-worthiness, 0 to 1."""
    facts = facts_of(sentence)
    figures = sum(f.kind in ("number", "percent", "money", "date") for f in facts)
    names = sum(f.kind == "name" for f in facts)
    words = len(sentence.split())
    value = 0.16 + 0.15 * min(2, figures) + 0.09 * min(3, names)
    for pattern, weight in ((REPORT, 0.1), (CHANGE, 0.13), (COMPARE, 0.1), (CAUSE, 0.08), (HEDGE, -0.1)):
        value += weight if pattern.search(sentence) else 0.0
    value += LENGTH * min(1.0, words / 45)
    value -= 0.25 if sentence.rstrip().endswith("?") else 0.0
    value -= 0.12 if FIRST.search(sentence) else 0.0
    value -= 0.1 if sentence.rstrip().endswith("!") else 0.0
    return round(min(1.0, max(0.0, value)), 4)


def kind_of(sentence: str, *, title: bool, post: bool) -> str:
    """Headline for an outlet's title; else question, figure, announcement, advice, prediction, opinion or statement."""
    if sentence.rstrip().endswith("?"):
        return "question"
    if title:
        return "headline"
    if post and (OPINION.search(sentence) or FIRST.search(sentence)):
        return "advice" if ADVICE.search(sentence) and not FIRST.search(sentence) else "opinion"
    if any(f.kind in ("percent", "money") for f in facts_of(sentence)):
        return "figure"
    for pattern, kind in ((ANNOUNCE, "announcement"), (ADVICE, "advice"), (PREDICTION, "prediction")):
        if pattern.search(sentence):
            return kind
    return "opinion" if post else "statement"


def speaker_of(sentence: str) -> str | None:
    """Who is plainly said to speak, else None: then the author or outlet speaks."""
    for pattern in SPEAKER:
        match = pattern.search(sentence)
        if (
            match
            and len(match.group("s")) > 2
            and match.group("s") not in ("It", "He", "She", "They", "We", "The", "This", "That", "I", "But", "And")
        ):
            return match.group("s").strip(" .,’'")
    return None


def stance_of(sentence: str) -> str | None:
    """Critical or supportive where the words are plain and not negated; None when both or neither."""
    found = set()
    for pattern, stance in ((CRITICAL, "critical"), (SUPPORTIVE, "supportive")):
        for match in pattern.finditer(sentence):
            negated = bool(NEGATED.search(sentence[: match.start()]))
            found.add({"critical": "supportive", "supportive": "critical"}[stance] if negated else stance)
    return found.pop() if len(found) == 1 else None
