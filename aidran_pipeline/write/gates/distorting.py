"""Words that turn a sentence: denials, opposites, doubts, strong words, acts with two sides. Tables for distortion.py."""

from __future__ import annotations

import re

from aidran_pipeline.text.words import stem

# Forms that no stemmer brings together.
FORMS = {
    form: base
    for base, forms in {
        "buy": "bought", "sell": "sold", "win": "won", "lose": "lost loss losses", "rise": "rose risen", "fall": "fell fallen", "grow": "grew grown growth",
        "give": "gave given", "take": "took taken", "write": "wrote written", "say": "said says", "find": "found", "keep": "kept", "make": "made", "hold": "held",
        "pay": "paid", "leave": "left", "go": "went gone", "come": "came", "begin": "began begun", "tell": "told", "see": "saw seen", "build": "built",
        "spend": "spent", "throw": "threw thrown", "teach": "taught", "lead": "led", "lend": "lent", "stop": "stopped", "apology": "apologised apologized apologise apologize",
        "choose": "chose chosen", "drive": "drove driven", "deny": "denial denied denies", "refuse": "refusal", "approve": "approval", "reject": "rejection",
        "sue": "sued suing", "decide": "decision decisions", "dismiss": "dismissal dismissals",
    }.items()
    for form in forms.split()
}  # fmt: skip
DENIAL = re.compile(
    r"\b(?:not(?! only| just| merely| least)|never|no(?! (?:more|less|fewer|later|sooner|earlier) than)|nobody|none|nothing|neither|nor|without|cannot|no-one|nowhere|hardly|scarcely)\b|n['’]t\b|\byet to\b|\b(?:refus|declin|fail)\w* to\b|\bstop(?:s|ped)? short of\b", re.I)  # fmt: skip
DENIED_WORD = re.compile(
    r"\b(?:not(?! only| just| merely| least)|never|no(?! (?:more|less|fewer|later|sooner|earlier) than)|nobody|none|neither|without|cannot)\b|n['’]t\b",
    re.I,
)
# A denial of a denial: "has not ruled out".
DOUBLE = re.compile(
    r"(?:\b(?:not|never)|n['’]t)\s+(?:\w+\s+)?(?:rul\w+ out|refus|reject|den(?:y|ied)|declin|fail|exempt|spar|prevent|stop|oppos|exclud|dismiss)", re.I)  # fmt: skip
# Words that carry a denial in themselves: they may stand for one, so they answer one.
TURNING = re.compile(
    r"\b(?:refus\w+|reject\w*|den(?:y|ies|ied|ial)\w*|declin\w+|fail\w*|lack\w*|disput\w+|contest(?:s|ed)?|contradict\w*|dismiss\w*|rul(?:e|es|ed|ing) out|threw out|throw(?:s|n|ing)? out|"
    r"exempt\w*|exclud\w+|spar(?:e|es|ed|ing)\b|prevent\w*|avoid\w*|doubt\w*|oppos\w+|stop\w*|halt\w*|vanish\w*|disappear\w*|absent|absence|missing|unable|un(?!i|der|til|less|ion)\w{4,}|impossible|"
    r"turn(?:s|ed|ing)? down|remain\w*|stay\w*|instead|rather than|only|few|little|free of|apart from|untouched|left out|less|nor|ban(?:s|ned|ning)?|block\w*|suspend\w*|withh\w+|despite|although|though|"
    r"\w{3,}less|harder|hard|other than|except|alone|far from|short of|out of|no longer|wait\w*|open)\b", re.I)  # fmt: skip
# "not X but Y", "rather than X": the writer's contrast, no denial of what a source says.
CONTRAST = re.compile(
    r"\bnot (?:only|just|merely|least)\b|\bnot (?:an?|the|in|on|as)? ?[\w’' -]{2,40}(?:,|—| but)|^\W*not\b|^\W*no (?:doubt|wonder)\b",
    re.I,
)


def _set(text: str) -> frozenset[str]:
    return frozenset(stem(FORMS.get(word, word)) for word in text.split())


OPPOSITES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (_set(left), _set(right))
    for left, right in (
        ("open opened opens reopen", "close closed closes closure shut shutter"),
        ("rise increase climb gain surge grow jump soar", "fall drop decline decrease shrink sink plunge slump halve tumble"),
        ("raise lift increase", "cut lower reduce slash halve trim"),
        ("approve accept endorse uphold adopt agree back", "reject refuse oppose block veto deny dismiss overturn"),
        ("allow permit authorise authorize let", "ban prohibit bar forbid outlaw"),
        ("win", "lose"), ("buy purchase acquire", "sell"), ("hire recruit", "fire sack dismiss"), ("start begin launch resume", "end stop halt cease cancel suspend pause"),
        ("admit concede confess acknowledge confirm", "deny dispute contest reject"), ("include cover affect", "exclude exempt spare omit"),
        ("unchanged keep maintain hold retain", "cut change lower raise drop slash abandon scrap"), ("stay remain", "leave quit depart"),
        ("likely", "unlikely"), ("legal lawful", "illegal unlawful"), ("safe safer", "unsafe dangerous"), ("possible", "impossible"), ("faster quicker", "slower"),
        ("higher", "lower"), ("praise welcome applaud relieved", "criticise criticize condemn lament regret"), ("strengthen", "weaken"), ("expand widen", "narrow shrink"),
        ("more", "fewer less"), ("success succeed", "failure fail"), ("support favour favor", "oppose resist"), ("set impose introduce", "lift repeal scrap abolish"),
        ("majority most", "minority few"), ("improve better", "worsen worse"), ("gain profit", "loss"), ("guilty", "innocent acquitted"),
        ("before", "after"), ("public", "private"), ("join", "leave quit"), ("extend renew prolong", "end terminate expire"), ("publish disclose reveal", "hide conceal withhold"),
    )
)  # fmt: skip
_MODAL = (
    r"may|might|could|can|would|should|possibl\w+|potential\w*|risk\w*|prospect\w*|likely|perhaps|if|fear\w*|threat\w*|chance|danger|hope\w*|suggest\w*|appear\w*|seem\w*|"
    r"expect\w*|allow\w*|let|lets|permit\w*|able|right to|power to|free to|cleared?|estimat\w*|project\w*|predict\w*|forecast\w*|believ\w*|think\w*|wheth\w+|ask\w*|question\w*|"
    r"up to|as much as|as many as|at most|at risk|doubt\w*|promis\w*|aim\w*|plan\w*|unless|consider\w*|get|gets|argu\w+ for|offer\w*|what|sees?"
)  # fmt: skip
_FUTURE = (
    r"will|would|plan\w*|set to|due|intend\w*|expect\w*|aim\w*|promis\w*|pledg\w*|going to|(?:is|are|was|were) to|next|from|until|future|upcoming|propos\w*|want\w*|seek\w*|vow\w*|"
    r"commit\w*|prospect\w*|about to|to be|may|could|can|should|likely|rul\w+ out|starts?|begins?|carry|carries|continu\w*|paus\w+|suspend\w*|hold|stay\w*|keep\w*|when|once|"
    r"ahead|await\w*|wait\w*|demand\w*|ask\w*|scheduled|threat\w*|hop\w*|prepar\w*|(?:is|are) \w+ing|on the way|spending"
)  # fmt: skip
_SAYS = (
    r"alleg\w*|accus\w*|claim\w*|sa(?:y|ys|id|ying)|according|reported\w*|argu\w*|suit|sued?|charg\w*|complain\w*|call\w*|contend\w*|wrote|writes?|writing|put\w*|maintain\w*|insist\w*|suspect\w*|"
    r"rumou?r\w*|describ\w*|account|question\w*|whether|face\w*|disput\w*|told|suggest\w*|point\w*|hold\w*|predict\w*|warn\w*|estimat\w*|expect\w*|views?|believ\w*"
)  # fmt: skip
# What a quote marks, and what of it a sentence must keep in some form.
DOUBTS: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = (
    ("possibility", re.compile(r"\b(?:may|might|could)\b", re.I), re.compile(rf"\b(?:{_MODAL})\b", re.I)),
    ("appearance", re.compile(r"\b(?:suggests?|suggested|appears?|appeared|seems?|seemed|indicates?)\b", re.I),
     re.compile(r"\b(?:suggest\w*|appear\w*|seem\w*|indicat\w*|may|might|could|point\w*|hint\w*|sign\w*|apparent\w*|evidence|likely|would)\b", re.I)),
    ("intention", re.compile(r"\b(?:plans?|planned|intends?|intended|proposes?|proposed|aims?|wants?|hopes?|considering|promised|pledged) (?:to|a|an)\b", re.I),
     re.compile(rf"\b(?:{_FUTURE}|ask\w*|call\w*|idea|propos\w*|push\w*|urg\w*|sought|offer\w*|draft)\b", re.I)),
    ("announcement", re.compile(r"\b(?:will|would)\b(?! be able)", re.I), re.compile(rf"\b(?:{_FUTURE}|{_MODAL}|put off|on hold)\b", re.I)),
    ("threat", re.compile(r"\bthreat(?:en\w*|s)\b", re.I), re.compile(r"\b(?:threat\w*|may|might|could|would|warn\w*|says? it|said it|look\w*)\b", re.I)),
    ("allegation", re.compile(r"\b(?:accus\w+|alleg\w+|suspect\w*|rumou?r\w*|people familiar|sources (?:say|said)|unconfirmed|reportedly)\b", re.I),
     re.compile(rf"\b(?:{_SAYS})\b", re.I)),
    ("estimate", re.compile(r"\b(?:estimat\w+|predict\w*|forecast\w*|project(?:s|ed|ions?)|expects?|expected)\b", re.I),
     re.compile(r"\b(?:estimat\w*|predict\w*|forecast\w*|project\w*|expect\w*|anticipat\w*|may|might|could|would|due|likely|should|see[sn]?|allows?|reckon\w*|according|study|plan\w*|aim\w*|doubt\w*|put\w*|hope\w*|set to|thinks?|believ\w*|about to|in sight)\b", re.I)),
    ("condition", re.compile(r"\b(?:if|unless|provided that|assuming)\b", re.I),
     re.compile(r"\b(?:if|unless|provided|assum\w*|would|could|might|may|predict\w*|warn\w*|fear\w*|suffic\w*|when|once|depend\w*|so long as|as long as|condition\w*|should|needs?|without|takes?|for a|for those|wheth\w+|enough|argu\w+)\b", re.I)),
)  # fmt: skip
# What a source may have said for a strong word to be fair.
FAIR = re.compile(r"\b(?:reject\w*|declin\w*|turn(?:s|ed) down|says? no|said no)\b", re.I)
STRONG: tuple[re.Pattern[str], ...] = tuple(
    re.compile(rf"\b(?:{group})\b", re.I)
    for group in (
        r"prov(?:es?|ed|en|ing)(?! (?:to be )?(?:difficult|hard|popular|costly|right|wrong))|demonstrat(?:es|ed)|confirms? that", r"destroy\w*|wreck\w*|ruin(?:s|ed|ing)?|devastat\w*|crippl\w*|cripples",
        r"kill(?:s|ed|ing)?|die[sd]?|dead|deaths?|murder\w*", r"ended|for good|forever|once and for all|permanently", r"ban(?:s|ned|ning)?|outlaw\w*|prohibit\w*|forbid\w*",
        r"fires|fired|sack(?:s|ed)|lay(?:s)? off|laid off|dismiss(?:es)? (?:all|every)", r"wins|won|winning(?= (?:the|their|its|a|his|her) (?:case|suit|trial|race|vote))|win(?= (?:the|their|its|a|his|her) )|victor(?:y|ious)|triumph\w*",
        r"scraps?|scrapped|lifts?|lifted|cancel(?:s|led|ed)|abolish\w*|abandon(?:s|ed)|repeal\w*", r"resign\w*|quits?|steps? down|stepped down|oust\w*", r"threaten(?:s|ed)?|ultimatum", r"admit(?:s|ted)?|confess\w*|conced(?:es|ed)",
        r"refus(?:es?|ed|ing|al)|rebuff\w*", r"inquiry|inquiries|investigat\w*|probe[sd]?|indict\w*|prosecut\w*|convict\w*|fined|raid(?:s|ed)?", r"arrest\w*|detain\w*|caught", r"guaranteed|guarantees that|cur(?:es|ed)|solv(?:es|ed)|eliminat\w*|eradicat\w*",
        r"collaps\w*|crash(?:es|ed)?|catastroph\w*|disast\w*|bankrupt\w*", r"everyone|everybody|all of (?:them|its|their|the)|every single|all its|all their|entire(?:ly)?|universal\w*|unanimous\w*|without exception",
        r"from every|in every|every (?:school|hospital|worker|driver|company|country|firm|bank|user|patient|teacher|student|pupil)", r"illegal\w*|criminal\w*|fraud\w*|corrupt\w*|unlawful\w*|discriminat\w*|racist|sexist",
        r"lied|lies about|lying|liars?|hoax|cover-?up|conspir\w*", r"secret(?:ly)?|behind closed doors", r"unprecedented|historic|revolution\w*|first ever|first-ever|world['’]s first|biggest ever|largest ever", r"declared? war|invad\w*|attack(?:s|ed)|bomb\w*",
        r"slash(?:es|ed)|plung(?:es|ed)|soar(?:s|ed)|skyrocket\w*|surg(?:es|ed)", r"raised? (?:interest|taxes|prices)|interest rates", r"overturn\w*|struck down|strikes down", r"certain(?:ly)?|undoubted\w*|definite\w*|inevitab\w*|undeniab\w*|beyond doubt",
    )
)  # fmt: skip
# A thing done: "has put", "was built"; a bare past tense is too often the telling itself.
DONE = re.compile(r"\b(?:has|have|had|was|were|been)\b", re.I)
MODALS = frozenset("could can may might must will would should".split())
