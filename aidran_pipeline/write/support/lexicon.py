"""Words by which a sentence says more, less or the opposite of its source. Hand-made lists, English.

Verbs stand as their base form; `stem_of` brings irregular forms there ("sold" → "sell") and stems the rest.
"""

from __future__ import annotations

from functools import lru_cache

from aidran_pipeline.text.words import stem

NEGATIONS = frozenset(
    "not no never none nobody nothing neither nor cannot without n't nowhere hardly barely scarcely".split()
)
# Words that deny without "not": a sentence may say "did not" where its source has one of them, and the other way.
DENYING = frozenset(
    """fail refuse decline deny reject lack stop prevent avoid absent unable unlikely impossible false wrong untrue
    refute dismiss prohibit forbid oppose unclear unknown uncertain dispute halt rather unaware incapable disagree
    disallow withdraw overturn cease vanish disappear contest""".split()
)
# How sure a source is of what follows the word: 1 possible, 2 intended or expected, 3 announced. A fact has 4.
CERTAINTY = {
    **dict.fromkeys(
        """may might could possibly perhaps maybe potentially consider weigh explore mull discuss if unless whether
        suggest hint rumor rumour speculate seem appear unclear eye talks risk can""".split(), 1),
    **dict.fromkeys(
        """plan expect intend aim hope propose seek want likely should would poised prepare attempt try ask urge
        demand recommend threaten draft vow pledge promise forecast predict project ought""".split(), 2),
    **dict.fromkeys("will shall going set due".split(), 3),
}  # fmt: skip
HEARSAY = frozenset(
    """reportedly allegedly alleged purported supposedly apparently rumored rumoured unconfirmed claim allege accuse
    accusation allegation believe argue think contend insist suspect speculate""".split()
)
SPEECH = frozenset(
    """say tell report write state announce warn claim argue add note explain ask call describe according allege accuse
    believe think contend insist suggest reply answer post comment reveal confirm estimate predict expect credit cite
    quote blame urge opinion view statement critic account find show voice point criticise criticize complain wonder
    question concede admit acknowledge declare testify recall remark observe conclude maintain stress emphasise
    emphasize propose recommend""".split()
)
QUANTIFIERS: dict[str, frozenset[str]] = {
    "all": frozenset(
        "all every everyone everybody everything always entire entirely whole each universally completely".split()
    ),
    "only": frozenset("only sole solely exclusively alone uniquely unique".split()),
    "most": frozenset("most mostly majority largely".split()),
    "proof": frozenset(
        "prove proven guarantee definitely undoubtedly conclusively certainly unquestionably inevitably".split()),
    "superlative": frozenset(
        """largest biggest best worst fastest slowest highest lowest greatest smallest strongest weakest
        unprecedented oldest youngest newest cheapest richest longest shortest""".split()),
}  # fmt: skip
CAUSES = frozenset(
    """because cause caused causing thanks led leads leading prompt prompted prompting trigger triggered triggering
    sparked spark therefore thus hence consequently resulting resulted result owing forced forcing drove driven
    blamed blame attributed attributable thereby fuelled fueled""".split()
)
CAUSES_LOOSE = CAUSES | frozenset(
    """as since so for over amid citing cites cited reason reasons why make makes made means mean help helped helps
    push pushed response respond following contribute contributed bring brought given explains explained""".split()
)
PROPOSING = frozenset(
    """propose proposal draft seek ask urge call recommend recommendation petition request motion consider plan demand
    want suggest suggestion bill intend aim hope debate discuss negotiate bid offer""".split()
)
DECIDING = frozenset(
    "approve adopt pass enact order decide decision rule finalise finalize ratify sign impose mandate agree".split()
)
_OPPOSITES = """rise fall|increase decrease|increase fall|increase drop|rise drop|rise decline|grow shrink|
grow decline|grow fall|gain lose|win lose|buy sell|open close|open shut|approve reject|accept reject|
accept refuse|allow ban|allow block|allow forbid|allow prohibit|permit ban|permit prohibit|
support oppose|back oppose|favor oppose|favour oppose|confirm deny|admit deny|agree refuse|hire fire|
hire dismiss|join leave|start stop|start end|begin end|launch cancel|launch scrap|launch shut|
resume halt|continue stop|expand cut|raise cut|raise lower|boost cut|boost hurt|add remove|add cut|
strengthen weaken|tighten loosen|tighten ease|improve worsen|improve hurt|help hurt|help harm|
succeed fail|pass fail|praise criticise|praise criticize|praise condemn|welcome condemn|
welcome criticise|welcome criticize|lift impose|repeal enact|uphold overturn|uphold strike|enter exit|
arrive depart|lend borrow|profit loss|up down|more less|more fewer|higher lower|above below|
before after|over under|better worse|faster slower|larger smaller|bigger smaller|stronger weaker|
cheaper expensive|safer riskier|safe unsafe|safe dangerous|legal illegal|lawful unlawful|public private|
early late|earlier later|first last|most least|majority minority|true false|right wrong|
success failure|optimistic pessimistic|positive negative|include exclude|attack defend|accelerate slow|
advance retreat|appoint dismiss|guilty innocent|acquit convict|likely unlikely|able unable|
possible impossible|import export|inside outside|north south|east west|male female|men women|
with without|cooperate refuse|trust distrust|agree disagree|like dislike|prevent cause|protect harm|
encourage discourage|enable disable|enable prevent|lead trail|ahead behind|upgrade downgrade|
outperform underperform|exceed miss|beat miss|keep drop|keep abandon|restore suspend|extend shorten|
widen narrow|deepen ease|demand supply|recommend discourage|warn reassure|optional mandatory|
voluntary mandatory|temporary permanent|open closed|free paid|require waive|sue settle|hot cold|
strong weak|high low|old new|rich poor|big small|major minor|local national|national international"""

_IRREGULAR = """rise rose risen|fall fell fallen|grow grew grown|shrink shrank shrunk|lose lost|win won|buy bought|
sell sold|begin began begun|forbid forbade forbidden|leave left|hit hit|cut cut|say said|tell told|
write wrote written|think thought|make made|take took taken|give gave given|get got gotten|go went gone|
come came|become became|find found|know knew known|see saw seen|hold held|keep kept|let let|
mean meant|meet met|pay paid|put put|read read|run ran|send sent|set set|show showed shown|shut shut|
speak spoke spoken|spend spent|stand stood|steal stole stolen|strike struck stricken|teach taught|
understand understood|wear wore worn|withdraw withdrew withdrawn|bring brought|build built|catch caught|
choose chose chosen|deal dealt|draw drew drawn|drive drove driven|eat ate eaten|fight fought|
fly flew flown|forget forgot forgotten|freeze froze frozen|hide hid hidden|lay laid|lead led|lend lent|
overturn overturned|prove proved proven|quit quit|seek sought|shake shook shaken|shoot shot|
sink sank sunk|sit sat|slide slid|split split|spread spread|swear swore sworn|throw threw thrown|
undo undid undone|uphold upheld|wake woke woken|weep wept|arise arose arisen|bear bore borne|
beat beaten|bid bid|bind bound|break broke broken|feel felt|hear heard|rewrite rewrote rewritten|
overtake overtook overtaken|foresee foresaw foreseen|deny denied denies|criticise criticised|
do did done does|have had has|be is are was were been being|good better best|bad worse worst"""
_BASE: dict[str, str] = {}
for _entry in _IRREGULAR.replace("\n", "").split("|"):
    _first, *_rest = _entry.split()
    for _form in _rest:
        if _form not in ("better", "best", "worse", "worst"):
            _BASE.setdefault(_form, _first)

PAST = frozenset(_BASE)  # irregular forms


@lru_cache(maxsize=100_000)
def stem_of(word: str) -> str:
    """The stem of a lower-case word, irregular verbs by their base form."""
    return stem(_BASE.get(word, word))


def stems(words: frozenset[str]) -> frozenset[str]:
    """The stems of a list."""
    return frozenset(map(stem_of, words))


OPPOSITES = frozenset(
    pair
    for entry in _OPPOSITES.replace("\n", "").split("|")
    for a, b in [entry.split()]
    for pair in ((stem_of(a), stem_of(b)), (stem_of(b), stem_of(a)))
)
