"""Verbs with two sides, in groups of like meaning, and their forms. Tables for acts.py."""

from __future__ import annotations

from aidran_pipeline.text.words import stem

# A group a line: verbs that a paraphrase may exchange. "a/b" are converses: who buys from whom, who sells to whom.
_GROUPS = """sue prosecute|accuse allege charge blame fault|buy acquire purchase import|sell export supply ship deliver|hire recruit poach
fire dismiss sack oust|pay reimburse|fund finance bankroll back|fine penalise penalize|ban bar block prohibit forbid halt|allow permit let authorise authorize
approve pass endorse adopt|reject refuse decline "turn down" rebuff deny dispute contest question challenge doubt contradict|dismiss "throw out"
ask request urge|order require oblige compel force instruct|warn alert|tell inform|say claim state argue maintain insist write report put estimate measure find
praise applaud thank hail|criticise criticize condemn attack slam|beat outperform overtake defeat surpass outpace outsell trail|lend|borrow|lease rent|license licence|give grant donate hand award|offer propose
open launch start build|lead head run chair|own control|investigate probe examine|arrest detain|convict sentence|appoint name elect|replace|help assist support aid|oppose resist fight
threaten|copy clone imitate|train|teach coach|overrule overturn|exempt spare|defend|withdraw retract|recall|refund|trust believe|depend rely|fork|protest|meet|send|join|leave|follow
lobby|regulate|host|invite|interview|advise recommend|protect|cancel scrap|delay postpone|publish release|invest|partner|merge|outbid|pressure push|serve|want demand seek|owe|drain|miss|steer|rate rank|abandon drop|draft|delete remove erase|scrape harvest
answer reply respond|raise lift|cut lower reduce|close shut|design develop make create|use employ deploy|choose pick select|kill|injure hurt|save|test audit review|watch monitor
intend plan aim hope|expect|try attempt|agree|continue|need|appear seem|vow pledge promise|manage|prepare"""
_IRREGULAR = """buy bought|sell sold|pay paid|let let|forbid forbade forbidden|throw threw thrown|say said|tell told|write wrote written|put put|find found|
beat beat beaten|overtake overtook overtaken|outsell outsold|lend lent|give gave given|build built|lead led|run ran run|choose chose chosen|teach taught|withdraw withdrew withdrawn|
meet met|send sent|leave left|fight fought|seek sought|hurt hurt|cut cut|shut shut|make made|outbid outbid|take took taken|win won|lose lost|hold held|keep kept|show showed shown|
rise rose risen|fall fell fallen|grow grew grown|go went gone|come came come|begin began begun|become became become|see saw seen|know knew known|get got got|bring brought|drive drove driven|
break broke broken|hide hid hidden|steal stole stolen|spend spent|think thought|hear heard|read read|speak spoke spoken|stand stood|set set|hit hit|draw drew drawn|feed fed|catch caught|
understand understood|mean meant|sign signed|ship shipped|ban banned|bar barred|cancel cancelled canceled|scrap scrapped|drop dropped|outdo outdid outdone|rebuild rebuilt"""
# Things that somebody does, as nouns.
_DEEDS = "suit lawsuit complaint claim petition request offer bid takeover acquisition attack objection accusation allegation refusal purchase criticism proposal tally count estimate"
# Verbs whose infinitive is done by their object.
_CONTROL = "ask order want tell allow require force teach warn invite advise urge let help"
ANY = frozenset(
    """company companies firm firms group maker vendor startup start-up developer business people person user users member
    post thread report reports source""".split()
)  # who it is, another sentence says


def _forms() -> dict[str, str]:
    base: dict[str, str] = {}
    for entry in _IRREGULAR.replace("\n", "").split("|"):
        first, *rest = entry.split()
        base.setdefault(first, first)
        for form in rest:
            base.setdefault(form, first)
    return base


_SPECIAL = _forms()
_VERBS = [verb for line in _GROUPS.splitlines() for group in line.split("|") for verb in group.replace('"', "").split()]
BASES = frozenset(_VERBS) | frozenset(_SPECIAL.values())
ALSO = frozenset("be have do take go help act be".split())


def _inflected(verb: str) -> dict[str, str]:
    if verb.endswith("y") and verb[-2] not in "aeiou":
        third, past, ing = verb[:-1] + "ies", verb[:-1] + "ied", verb + "ing"
    elif verb.endswith("e"):
        third, past, ing = verb + "s", verb + "d", verb[:-1] + "ing"
    elif verb.endswith(("s", "x", "ch", "sh")):
        third, past, ing = verb + "es", verb + "ed", verb + "ing"
    else:
        third, past, ing = verb + "s", verb + "ed", verb + "ing"
    return {verb: verb, third: verb, past: verb, ing: verb}


FORMS: dict[str, str] = {form: verb for verb in sorted(BASES) for form in _inflected(verb)} | _SPECIAL | {
    "says": "say", "banning": "ban", "running": "run", "letting": "let", "putting": "put", "shipping": "ship",
    "cutting": "cut", "winning": "win", "dropping": "drop", "denial": "deny",
}  # fmt: skip
BASE = {form: verb for form, verb in FORMS.items() if form != verb}
# Words that are hardly ever nouns in the present tense: they need no determiner behind them to be read as verbs.
PLAIN = frozenset(
    """says accuses accuse alleges allege sues sue rejects reject denies deny disputes exports imports contests buys acquires sells hires fires dismisses funds pays owes
    wants asks tells warns teaches opposes defends praises criticises criticizes depends relies owns allows lets
    forbids requires puts argues insists maintains writes beats outperforms overtakes lends gives
    borrows meets sends joins leaves trusts say argue insist maintain let put sue""".split()
)


def past(word: str) -> bool:
    """Whether a word looks like a past tense or participle."""
    if "-" in word:
        return False
    return (word.endswith("ed") and (len(word) > 4 or word in FORMS)) or (word in _SPECIAL and _SPECIAL[word] != word)


def participle(word: str) -> bool:
    """Whether a word may be a past participle."""
    return past(word) or word in ("put", "let", "cut", "shut", "hurt", "set", "hit", "read", "run", "come")


def _groups() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _GROUPS.splitlines():
        for entry in line.split("|"):
            first = ""
            for verb in _split(entry):
                first = first or verb
                found.setdefault(stem(verb) if " " not in verb else verb, first)
    return found


def _split(entry: str) -> list[str]:
    parts, quoted = [], False
    for piece in entry.split('"'):
        parts += [piece] if quoted else piece.split()
        quoted = not quoted
    return parts


_GROUP = _groups()
DEEDS = frozenset(map(stem, _DEEDS.split()))


def group(word: str) -> str:
    """The first verb of a stem's group; the stem itself where it is in none."""
    return _GROUP.get(word, word)


SAY = group("say")
# Both sides are said to do it, or either side may be meant.
MUTUAL = frozenset(group(stem(verb)) for verb in "meet merge partner join".split())
EITHER = frozenset(group(stem(verb)) for verb in "lease license".split())
SAYING = frozenset(group(stem(verb)) for verb in "say tell warn deny accuse think believe know hear see show".split())
CONTROL = frozenset(group(stem(verb)) for verb in _CONTROL.split())
