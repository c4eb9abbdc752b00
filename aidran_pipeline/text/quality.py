"""Why a span must not be printed as a quotation. Each rule has a name; an empty list means that it may be printed."""

from __future__ import annotations

import re
from collections.abc import Callable

from aidran_pipeline.text.common import ORDINARY

VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|will|would|can|could|may|might|must|should|shall|won't|can't|don't|doesn't|"
    r"isn't|aren't|wasn't|didn't|says?|said|get|gets|got|makes?|made|need|needs|goes|went|let|lets|cut|cuts|put|puts|set|sets|hit|hits|"
    r"[a-z]{3,}(?:ed|ing|es|ises|izes)|[a-z]{2,}(?:ts|ns|ls|ds|ks|rs|ps|ms|ys|ws)|think|thinks|know|want|feel|seems?|becomes?|became|"
    r"means?|shows?|takes?|gives?|comes?|works?|runs?|keeps?|began|found|told|paid|built|sold|wrote|lost|won|led|grew|rose|fell|"
    r"use|try|help|buy|pay|build|run|write|learn|stop|start|matter|cost|turn|push|call)\b", re.I)  # fmt: skip
HANGING_START = re.compile(
    r"^(?:and|or|but|so|because|which|that's|thats|this|these|those|it|its|it's|he|she|his|her|him|they|their|them|that|such|then|"
    r"also|also,|there|here's why|same|both|either|neither|another|others|as a result|however|instead|meanwhile|moreover|otherwise|"
    r"yes|yeah|nope|lol|well|ok|okay|sure|agreed|exactly|right|true|thanks|thank|edit|update|source|via|re|ps|tl;dr|to be fair|"
    r"in other words|for example|e\.g|i\.e|more on|see also|plus|the (?:first|second|third|former|latter|idea was|point is|other)|"
    r"by the end|that said|even so|still|besides|anyway|anyways|overall|first|second|third|finally|lastly|similarly|likewise|hence|thus|"
    r"here|there's|there’s|unless|except|rather|like|kind of|not to mention|not sure|maybe|perhaps|probably|apparently|presumably|"
    r"show|see|look|check|read|imagine|note|wait|tell|give|compare|go|come)\b[ ,:’']|^no[,.!]", re.I)  # fmt: skip
HANGING_END = re.compile(
    r"(?:\b(?:and|or|but|of|the|a|an|to|in|on|at|for|with|by|from|as|that|which|who|than|into|its|their|is|are|was|were|be|about|"
    r"between|over|under|if|because|while|when|where|how|why|not|more|most|very|has|have|had|will|can|could|would|should|may|might|must|"
    r"do|does|did|this|these|those|such|so|just|also|even|only|per|via|vs|etc)|[,:;–—(\[-]|…|\.\.\.)$", re.I)  # fmt: skip
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("address", re.compile(r"https?://|www\.|\b\w+\.(?:com|org|net|io|ai|co|gov|edu|dev|de|eu|uk|fr|example|test|info|app|xyz)(?:/|\b)", re.I)),
    ("hashtags", re.compile(r"(?:#\w+\s*){2,}|^#\w|#\w+\s*$")),
    ("emoji", re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b06\U0001f1e6-\U0001f1ff]")),
    ("footnote", re.compile(r"\[\d+\]")),
    ("code or markup", re.compile(r"[{}<>`|\\]|\]\(|\*\*|__|^\s*[-*>]\s|=>|::|&\w+;|\$\w+\b(?<!\$\d)|~~")),
    ("cut off", re.compile(r"\[\+\d+ chars\]|\[…\]|\[\.\.\.\]|(?:…|\.\.\.)\s*$|\w\.\.\.\w|^(?:…|\.\.\.)")),
    ("boilerplate", re.compile(
        r"comments url|points:\s*\d|# comments|submitted by|read more|click here|sign up|subscribe|newsletter|all rights reserved|"
        r"cookies?\b.*\bpolicy|privacy policy|terms of service|advertisement|sponsored|affiliate|% off|coupon|promo code|"
        r"\b(?:best|today(?:'|’)s|prime day|early|friday) deals?\b|\bdeals? (?:of the|under|on)\b|discount code|\d% discount|"
        r"limited time|live updates|follow live|watch live|listen to|podcast episode|episode \d|image credit|photo:|getty images|"
        r"this (?:article|story|post) (?:was|is|first|originally)|originally published|appeared first on|join us|register now|"
        r"in this (?:article|post|video|episode)|link in bio|dm me|check out|giveaway|follow (?:me|us)|stay tuned|"
        r"(?:you|you(?:'|’)ll|we|we(?:'|’)ll) (?:will )?(?:learn|understand how|cover|demonstrate|explore|walk through|show (?:you )?how|dive)|this post|"
        r"we may earn|all you need to know|here(?:'|’)s what you need|today(?:'|’)s (?:wordle|connections|strands|hints)|quordle|play today|need a break|^comparison of|^quote of the day|^why you might already|^here are|in today(?:'|’)?s (?:issue|edition|episode)|"
        r"^(?:the )?(?:top )?\d+ (?:best|ways|things|tips|reasons|lessons|tools|takeaways)\b|^how to\b|"
        r"\bmarket (?:report|size|share|growth|research)\b|\bmarket: from\b|growth forecast|\basap\b|\bmust-(?:see|have|read|watch)\b|"
        r"you (?:need|have) to (?:watch|stream|see|read|try|know)\b|\bcagr\b|global forecast|forecast(?:ed)? (?:to|for|from) \d{4}|"
        r"\bstock watch\b|globe ?newswire|pr ?newswire|business wire|\bclick\b|\blog in\b", re.I)),
    ("aside", re.compile(r"\b(?:imo|imho|lol|lmao|rofl|tbh|ngl|fwiw|iirc|afaik|smh|wtf|omg|idk|btw|ianal|ymmv|/s|tldr)\b", re.I)),
    ("profanity", re.compile(r"\b(?:fuck\w*|shit\w*|bullshit|asshole\w*|cunt\w*|bitch\w*|dick(?:s|head)?|crap|bastards?|wank\w*|piss\w*|retard\w*)\b", re.I)),
    ("addressed to a model", re.compile(
        r"ignore (?:all |any )?(?:the )?(?:previous|prior|above|earlier)|disregard (?:the|all|any|your|previous)|system prompt|"
        r"you are (?:now )?(?:an? )?(?:ai|assistant|chatgpt|language model)|as an ai\b|<\|im_|\[inst\]|new instructions?:|"
        r"respond (?:only )?with|print the following|do not mention", re.I)),
    ("reply", re.compile(r"^(?:@\w|>|&gt;|“?you('re| are| can| should|’re)?\b)|\b(?:your (?:comment|post|point|argument)|parent comment|downvot\w+|upvot\w+|"
                         r"as (?:you|others) (?:said|mentioned)|i replied|my reply|this (?:thread|comment|sub(?:reddit)?))\b", re.I)),
    ("chatter", re.compile(r"^(?:i|i'm|i’m|i've|i’ve|i'd|i’d|my|me|we|we're|we’re)\b(?=.{0,60}$)|\b(?:anyone else|does anyone|can someone|any (?:tips|advice|recommendations)|"
                           r"please help|help me|what do you (?:think|guys)|thoughts\?|how do (?:i|you)|should i)\b", re.I)),
)  # fmt: skip


def _words(text: str) -> int:
    return len(re.findall(r"\w[\w’'-]*", text))


def _shouting(text: str) -> bool:
    letters = [ch for ch in text if ch.isalpha()]
    return len(letters) > 12 and sum(ch.isupper() for ch in letters) / len(letters) > 0.6


def _unbalanced(text: str) -> bool:
    pairs = (("(", ")"), ("[", "]"), ("“", "”"), ("«", "»"))
    return any(text.count(a) != text.count(b) for a, b in pairs) or text.count('"') % 2 == 1


def _lower_start(text: str) -> bool:
    first = re.match(r"\w+", text)
    return first is not None and text[0].islower() and not any(ch.isupper() or ch.isdigit() for ch in first.group(0)) and (
        first.group(0) in ORDINARY or first.group(0).isalpha()
    )  # fmt: skip


RULES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("too_short", lambda t: _words(t) < 4),
    ("too_long", lambda t: _words(t) > 48),
    ("no_verb", lambda t: not VERB.search(t)),
    ("starts hanging", lambda t: bool(HANGING_START.match(t))),
    ("starts in lower case", _lower_start),
    ("ends hanging", lambda t: bool(HANGING_END.search(t.rstrip(" .")))),
    ("unbalanced", _unbalanced),
    ("shouting", _shouting),
    ("repeated marks", lambda t: bool(re.search(r"[!?]{2,}|\.{4,}|(.)\1{4,}", t))),
    ("line break", lambda t: "\n" in t),
)


def quote_problems(text: str) -> list[str]:
    """Names of the rules a span breaks, in a fixed order."""
    text = text.strip()
    found = [name for name, broken in RULES if broken(text)]
    return found + [name for name, pattern in PATTERNS if pattern.search(text)]


def last_words_of(text: str) -> int:
    """Where the last word of a text that its source cut off begins: nothing quoted may reach it. Offset in code points."""
    trimmed = re.sub(r"(\s*(\[[^\]]*\]|…|\.\.\.)\s*)+$", "", text.rstrip())
    return max(0, trimmed.rstrip().rfind(" ") + 1)
