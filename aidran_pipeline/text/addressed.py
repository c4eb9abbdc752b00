"""Whether a text speaks to an assistant instead of to people: rules over its words, each with a name.

They decide no truth and drop nothing. A record that trips one is read by a model in a call of its own, where it cannot
touch what is read beside it, and only its own words count. So they are wide on purpose: a false alarm costs one call.
The families follow the collections of BIPIA (requests hidden in a mail), agentdojo (orders to an agent), garak's
promptinject (overrides) and its payloads (markup, code, encodings).
"""

from __future__ import annotations

import re

from aidran_pipeline.text.sentences import split_sentences

# Verbs with which one tells an assistant what to do. At the head of a sentence only: "Write your reply backward."
ORDERS = (
    r"print|say|output|repeat|echo|reply|respond|answer|translate|summari[sz]e|paraphrase|rewrite|write|compose|draft|"
    r"provide|explain|describe|define|list|enumerate|generate|create|craft|produce|add|append|prepend|insert|include|"
    r"integrate|incorporate|embed|weave|work in|modify|alter|change|adjust|edit|enhance|augment|extend|enrich|expand|"
    r"replace|substitute|swap|encode|encrypt|decode|decrypt|encipher|cipher|reverse|rearrange|scramble|shuffle|jumble|"
    r"misspell|anagram|group|shift|rotate|convert|transform|capitali[sz]e|omit|remove|drop|skip|return|express|render|"
    r"break down|analy[sz]e|evaluate|assess|compare|classify|calculate|compute|solve|suggest|recommend|mention|promote|"
    r"advertise|endorse|praise|tease|hint|emphasi[sz]e|highlight|state|claim|pretend|act|imagine|roleplay|tell|send|"
    r"transfer|delete|forward|concatenate|upload|execute|invoke|book|pay|buy|reserve|schedule|remind|email|retrieve|"
    r"get|give|show|make|find|search|look up|read|open|visit|click|download|install|use|do|stop|ignore|disregard|forget|"
    r"end|conclude|close|begin|start|finish|assume|consider|treat|mark|set|label|refuse|reveal|leak|disclose|share|post|"
    r"publish|outline|identify|discuss|elaborate|clarify|interpret|simplify|teach|help|guide|walk|draw|sketch|plan|"
    r"design|develop|implement|build|code|debug|fix|correct|proofread|format|sort|rank|rate|review|critique|choose|pick|"
    r"select|name|count|spell|sing|rhyme|complete|continue|fill|present|report|note|phrase|speak|talk|type|put|place|"
    r"apply|follow|obey|never|always|don[’']t|do not|recount|narrate|detail|demonstrate|illustrate|inform|invert|flip|mirror|"
    r"conceal|hide|slip|sneak|infuse|inject|blend|attach|encourage|urge|invite|persuade|convince|offer|introduce|feature|"
    r"showcase|link|refer|redirect|ask|request|notify|warn|alert|update|check|verify|turn|switch|cancel|move|save|store|"
    r"paste|sum up|estimate|predict|forecast|examine|explore|investigate|compile|gather|collect|fetch|extract|determine|"
    r"decide|employ|utili[sz]e|exchange|interchange|mix|merge|combine|split|separate|eliminate|erase|double|triple|"
    r"alternate|leave|keep|let|try|ensure|provide"
)
LEAD = r"[\W_]*(?:[\W_]*(?:please|now|then|also|first|next|finally|instead|nevermind|never mind|and|so|kindly|just|hey|hi|ok(?:ay)?|dear \w+)\b[\W_]*){0,4}"  # fmt: skip
RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("override", re.compile(
        r"\b(?:ignor(?:e|ing|ez)|disregard|forget|override|bypass|ignoriere|ignora|discard|neglect)\b.{0,60}\b(?:previous|prior|above|"
        r"earlier|preceding|following|all|any|instructions?|prompts?|rules?|guidelines|context|everything|anweisungen|"
        r"instrucciones)\b|忽略|無視して|\b(?:instead|rather),? (?:just )?(?:print|say|output|reply|respond|write|return)\b|"
        r"\b(?:when|before|after|while) (?:you )?(?:respond|answer|reply|summari[sz])\w*|\bfrom now on\b|"
        r"\bstop everything\b|\bjust (?:print|say|output)\b", re.I | re.S)),
    ("role", re.compile(
        r"<\|[\w ]{1,30}\|>|\[/?inst\]|<<sys>>|^\s*#{2,}\s*(?:instruction|system|response|input|task)|"
        r"^\s*(?:system|assistant|user|human|ai)\s*:|"
        r"\bsystem (?:prompt|message|note|instruction)|\bdeveloper (?:mode|message)|\bjailbreak|\bnew (?:instructions?|task|rules?)\b|"
        r"\byou are (?:now |only |actually )?(?:an? |the )?(?:\w+ ){0,2}(?:ai\b|assistant|chatgpt|gpt|language model|bot\b|reader|model)|"
        r"\bas an? (?:ai|language) (?:model|assistant)?|\bdear (?:ai|assistant|model|llm|chatgpt|claude|reader model)\b|"
        r"\b(?:attention|note|message|memo|instructions?) (?:to|for|all)\b.{0,30}\b(?:ai|assistants?|models?|llms?|chatbots?|agents?|crawlers?|bots?)\b", re.I | re.M)),
    ("reply", re.compile(
        r"\b(?:your|the|this|every|each|its|my)\s+(?:(?:next|final|own|entire|whole|full|generated|previous)\s+)?"
        r"(?:answers?|responses?|repl(?:y|ies)|outputs?|completions?|summar(?:y|ies)|translation)\b(?:['’]s\b)?", re.I)),
    ("the reading", re.compile(
        r"\b(?:return|omit|skip|drop|leave|exclude|delete|remove|set|mark|change|report|give|use|copy|extract|replace|invent|make up)\b"
        r".{0,60}\b(?:records?|claims?|entries|schema|json|stances?|speakers?|quot(?:e|ation)s?|ids?|sentence numbers?|batch|"
        r"fields?|other (?:posts?|articles?|texts?|items?|documents?)|no claims|nothing)\b", re.I | re.S)),
    ("request", re.compile(
        r"\b(?:can|could|would|will) you\b.{0,80}(?:\?|$)|\bi (?:need|want|would like|['’]d like) you to\b|\bhelp me\b|"
        r"\btell (?:me|us|the user|users|them|readers)\b|\bthe user(?:s|[’']s)?\b|\bmy (?:new )?e-?mail address\b|"
        r"\b(?:passport|credit card|bank account|security code|password|api key|iban)\b", re.I | re.S)),
    ("markup or code", re.compile(
        r"<\s*/?\s*[a-z!][^<]{0,200}|javascript:|vbscript:|data:\w+/\w+|&#x?\w+;|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\bon\w{3,12}\s*=|"
        r"\b(?:drop|alter|truncate) table\b|\binsert into\b|\bdelete from\b|\bunion select\b|\bselect\b[^.]{1,60}\bfrom\b|\bor 1\s*=\s*1|"
        r"['\"]\s*;|;\s*(?:shutdown|drop|select|insert|exec)\b|--\s*$|/\*|\*/|\.\w+\([^)]*\);|\$\{|\{\{|\beval\(|\bfromcharcode\b|"
        r"```|\bEICAR\b|!\[[^\]]*\]\(|\]\((?:https?|javascript|data):", re.I | re.M)),
    ("encoded", re.compile(r"(?<![\w/])(?=[A-Za-z0-9+/=_-]*\d)(?=[A-Za-z0-9+/=_-]*[A-Z])[A-Za-z0-9+/=_-]{24,}(?![\w/])|"
                           r"\b(?:[0-9a-f]{2}[ :]){8,}|\b(?:base ?(?:16|32|64|85)|rot ?13|caesar|morse|cipher|leet ?speak)\b", re.I)),
    ("hidden characters", re.compile("[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]|(?:[\u200b-\u200d\u2060\ufeff][^\u200b]?){4,}")),
)  # fmt: skip
ORDER = re.compile(rf"^{LEAD}(?:{ORDERS})\b(?!\s*[:–—|]|['’]s)", re.I)
ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.I)
# Any question: whether it is put to people or to an assistant cannot be told.
QUESTION = re.compile(
    rf"^{LEAD}(?:what|who|whom|whose|how|when|where|which|why|is|are|was|were|do|does|did|can|could|would|will|should|"
    r"have|has)\b[^?]*\?",
    re.I,
)


def speaks_to_assistant(text: str) -> list[str]:
    """Names of the rules that the text trips, in a fixed order; empty for a text that speaks to people."""
    bare = ADDRESS.sub(" ", text)  # keys in an address look encoded
    found = [name for name, pattern in RULES if pattern.search(bare if name == "encoded" else text)]
    sentences = [span.of(text) for span in split_sentences(text)]
    if any(ORDER.match(sentence) for sentence in sentences):
        found.append("order")
    if any(QUESTION.match(sentence) for sentence in sentences):
        found.append("question")
    return found


# An order or a question alone may be a title ("Use of AI in courts doubles"); with one of these it is not.
BEYOND_DOUBT = frozenset(("override", "role", "the reading", "markup or code", "hidden characters", "encoded"))
PAIRS = (frozenset(("reply", "order")), frozenset(("request", "order")), frozenset(("reply", "question")))


def is_addressed(sentence: str) -> bool:
    """Whether a sentence by itself speaks to an assistant beyond doubt: it is nobody's claim about the world."""
    names = set(speaks_to_assistant(sentence))
    return bool(names & BEYOND_DOUBT) or any(pair <= names for pair in PAIRS)
