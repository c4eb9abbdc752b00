"""What no printed sentence of a model may hold: its own voice, its instructions, markup, addresses. Patterns with reasons.

Looked for outside of quotations: a source may speak of prompts, the page itself may not.
"""

from __future__ import annotations

import re

# A model speaking of itself or to whoever asked it.
MODEL_VOICE = re.compile(
    r"\b(?:as an? (?:ai|artificial intelligence|(?:large )?language model|assistant|chatbot)\b(?=[, ])|i['’ ]?(?:a)?m (?:just |only )?an? (?:ai|language model|assistant)|"
    r"i (?:can(?:not|['’]t)|am unable to|do(?:n['’]t| not) have|apologi[sz]e|hope|will now|have (?:written|rewritten|followed|used)|would be happy|must|should note|note that)\b|"
    r"i['’](?:m|ve|ll|d) |my (?:training|knowledge|instructions|guidelines|previous (?:answer|response)|response|apologies)|knowledge cut-?off|training cut-?off|"
    r"(?:as of|in) my (?:last|latest) |let me (?:know|rewrite|summari[sz]e|explain)|(?:would|do) you (?:like|want) me to|feel free to|happy to help|"
    r"here(?:['’]s| is| are) (?:the|your|a|an|my|three|two)? ?(?:revised |rewritten |updated |final |requested |short )?(?:article|story|summary|json|draft|version|section|paragraph|headline|rewrite|response|answer)s?\b|"
    r"^(?:sure|certainly|of course|absolutely|okay|ok|great question)[,!.:]|i['’]?m sorry|sorry, (?:but )?i\b)", re.I | re.M)  # fmt: skip
# The instructions of a writer, a reader or a judge, and the shapes they ask for.
INSTRUCTION = re.compile(
    r"\b(?:(?:ignore|disregard|forget|override) (?:all |any |the |your |these )*(?:previous|prior|above|earlier|other|system|preceding)\b|system (?:prompt|message|instruction)s?\b|"
    r"(?:these|the|your|my|following|above|previous|new) (?:instructions?|prompt)\b(?= ?(?:[:.,]|say|require|state|are|above|below|ask|given|and|to|for))|you are (?:now )?(?:a|an|the) (?:\w+ )?(?:editor|writer|journalist|assistant|judge|reader|reporter|model|ai|expert)\b|"
    r"your (?:task|role|job|goal|output|answer|response) (?:is|must|should)|(?:claim|quote|sentence|source) ids?\b|claim_ids?|rests_on|\bc\d{2,}\b|"
    r"(?:provided|given|listed|supplied|numbered) (?:claims?|quotes?|context|sources?|list|records?|documents?|excerpts?)\b|claims? (?:above|below|listed|provided)|"
    r"based on the (?:provided|given|above|following)|(?:valid|only|as|in|return|output) json\b|json (?:object|schema|array|format)|(?:output|response|json) (?:schema|format)|"
    r"(?:respond|reply|answer|return|output) (?:only|with|in|exactly)\b|(?:do not|don['’]t|never) (?:include|invent|mention|use|reveal|write|add|quote|repeat|output|follow|cite)\b (?:any|the|these|this|markers?|urls?|links?|names?|numbers?|claims?|facts?|more|other|anything|a|it)\b|"
    r"(?:write|use|cite|name|give|keep to|return) (?:only|exactly|at most|at least|no more than|between|two|three) (?:\w+ )?(?:claims?|paragraphs?|sentences?|words?|json|quotes?|sections?|ids?)|"
    r"(?:use|cite) only (?:the )?(?:claims?|quotes?|ids?|facts?)|untrusted (?:data|text|content)|marked (?:as )?data|(?:begin|end|start) of (?:the )?(?:prompt|data|record|claims|instructions)|"
    r"as (?:instructed|requested|an editor)|word count|\d+ to \d+ words|max_?tokens|temperature ?[=:]|chain of thought|few-shot|placeholder|lorem ipsum|\bTODO\b|\[(?:insert|your|name|date|source|citation needed)[^\]]*\])"
    r"|<\|[^>]*\|?>|\[/?(?:INST|SYS)\]|<</?SYS>>|^\s*(?:#{1,6}\s|system|user|assistant|human|instruction|task|note|output|headline|dek|title|section \d|paragraph \d|answer|question)\s*:", re.I | re.M)  # fmt: skip
MARKUP = re.compile(
    r"<\s*/?\s*[a-zA-Z!?][^<>]*>?|</|&(?:[a-z]{2,8}|#x?[0-9a-f]+);|\]\(|!\[|`|\{\{|\}\}|[{}]|\*\*|__|~~|(?<!\w)\*\S[^*]*\S\*(?!\w)|(?<!\w)_\w[^_]*\w_(?!\w)|^\s*(?:#{1,6}\s|[-*•+>]\s|\d{1,2}[.)]\s)|"
    r"\\[nrtu\"\\]|\\u[0-9a-f]{4}|\|\s*-{2,}|^\s*[-=_*]{3,}\s*$|\\(?:text|emph|cite|begin|href)\b|\[/?(?:b|i|url|quote|code)\b[^\]]*\]|\n", re.I | re.M)  # fmt: skip
ADDRESS = re.compile(
    r"(?:https?|ftp|mailto|javascript|data|at)\s?:\s?//|\bmailto:|javascript:|\bwww\.|\bhxxps?|"
    r"(?<![@\w.])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|ai|co|gov|edu|dev|app|info|eu|uk|us|de|fr|ch|nl|se|no|jp|cn|ru|in|au|ca|me|tv|ly|gg|xyz|blog|news|social|"
    r"test|example|invalid|localhost)(?:\.\w{2})?(?:/[^\s]*|(?=[\s)\]”’\"',;:!?]|\.?$|\. ))|\b[\w.+-]+@[\w-]+\.[\w.]{2,}|\b\d{1,3}(?:\.\d{1,3}){3}\b|"
    r"\b(?:doi|arxiv)\s?:\s?\S+|\b\S+\s?\[(?:dot|\.)\]\s?\w+|\w+ dot (?:com|org|net|io)\b", re.I)  # fmt: skip
# A marker that code did not set: [3], [w1], 【2†source】, (c12), a superscript.
BARE_MARKER = re.compile(
    r"(?<!\[)\[(?:w?\d+|\^\d+|c\d+|source \d+|\d+(?:\s*[,–-]\s*\d+)+)\](?!\])|【[^】]*】|\(c\d+\)|\(source \d+\)|[⁰¹²³⁴-⁹]",
    re.I,
)
