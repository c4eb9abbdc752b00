"""Models that read: a good one, one that obeys whatever it reads, and ones that cannot copy or count.

They know of the project what a real model knows: the messages. A player here parses the question as
`analyze/reader_prompt.py` writes it.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aidran_pipeline.analyze.checkworthy import kind_of, score, speaker_of, stance_of
from aidran_pipeline_tests.scripted_model.server import ChatRequest, Player, Reply, as_json

LINE = re.compile(r"^(?P<id>[0-9a-f]{8})\.(?P<n>\d+)\| (?P<text>.*)$")
Claim = dict[str, Any]
Told = dict[str, list[Claim]]  # account by id


@dataclass(frozen=True)
class Read:
    """One record as the model sees it: id and its sentences, numbered from 1; post: not a report."""

    ident: str
    sentences: tuple[str, ...]
    post: bool


def records_of(user: str) -> list[Read]:
    """The records of a question, in its order, those without a sentence too."""
    found: dict[str, list[str]] = {}
    posts: dict[str, bool] = {}
    for line in user.split("\n"):
        if head := re.fullmatch(r"Record ([0-9a-f]{8}), a (report|post):", line):
            found[head.group(1)], posts[head.group(1)] = [], head.group(2) == "post"
        elif match := LINE.match(line):
            found[match.group("id")].append(match.group("text"))
    return [Read(ident, tuple(texts), posts[ident]) for ident, texts in found.items()]


def claim(record: Read, number: int, **other: Any) -> Claim:
    """An honest claim: the sentence itself as quote, the same without its asides as statement."""
    text = record.sentences[number - 1]
    said = {
        "sentence": number, "quote": text, "statement": shortened(text), "speaker": speaker_of(text),
        "stance": stance_of(text), "kind": kind_of(text, title=False, post=record.post), "entities": [],
    }  # fmt: skip
    return {**said, **other}


def shortened(text: str) -> str:
    """The sentence without what it only adds in passing."""
    aside = r", (?:which|who|where)\b[^,.]*(?=[,.])|\s*\([^()]*\)|(?<=\S) [–—] (?:which|who|where)\b[^–—]*[–—](?= )"
    short = re.sub(rf"{aside}|, the [\w ]{{3,40}} said(?=\.$)", "", text)
    return short if len(short.split()) >= 5 else text


def chosen(record: Read, most: int = 4) -> list[int]:
    """Numbers of the sentences most worth checking, best first."""
    least = 0.12 if record.post else 0.2
    scored = [(score(text), -n) for n, text in enumerate(record.sentences, start=1) if not text.endswith("?")]
    return [-n for worth, n in sorted(scored, reverse=True)[:most] if worth >= least]


def honest(user: str) -> Told:
    """What a good model reads in each record."""
    return {record.ident: [claim(record, n) for n in chosen(record)] for record in records_of(user)}


def reply(told: Told) -> Reply:
    """In the form that was asked for."""
    return Reply(as_json({"records": [{"id": ident, "claims": claims} for ident, claims in told.items()]}))


def good(request: ChatRequest) -> Reply:
    """Reads well: real sentences, honest short statements, every record accounted for."""
    return reply(honest(request.user))


# --- players that cannot copy or count --------------------------------------------------------------------------------


def bending(change: Callable[[Claim], Claim | list[Claim]]) -> Player:
    """A good reader whose every claim is changed, the control record's too."""

    def play(request: ChatRequest) -> Reply:
        told: Told = {}
        for ident, claims in honest(request.user).items():
            made: list[Claim] = []
            for one in claims:
                changed = change(one)
                made += changed if isinstance(changed, list) else [changed]
            told[ident] = made
        return reply(told)

    return play


def retyped(one: Claim) -> Claim:
    """Typed on another keyboard: straight quotation marks, plain dashes, single spaces, a small first letter."""
    text = re.sub(r"[‘’]", "'", re.sub(r"[“”]", '"', one["quote"]))
    text = re.sub(r"[–—]", "-", text).replace("\u00a0", " ")
    return {**one, "quote": text[:1].lower() + text[1:]}


def misnumbered(one: Claim) -> Claim:
    """Another figure in quote and statement."""

    def other(text: str) -> str:
        return re.sub(r"\d(?=\D|$)", lambda m: str((int(m.group(0)) + 1) % 10), text, count=1)

    return {**one, "quote": other(one["quote"]), "statement": other(one["statement"])}


def joined(one: Claim) -> Claim:
    """Words left out, joined by an ellipsis."""
    words = one["quote"].split()
    return {**one, "quote": " ".join([*words[:3], "…", *words[-3:]])}


def twice(one: Claim) -> list[Claim]:
    """The same quotation two times, under two statements."""
    return [one, {**one, "statement": one["quote"]}]


def adding(one: Claim) -> Claim:
    """A name and a figure in the statement that nobody said."""
    return {**one, "statement": f"{one['statement'].rstrip('.')}, as Microsoft confirmed on 3 March for 950 sites."}


def wrong_ids(request: ChatRequest) -> Reply:
    """Accounts under ids of its own."""
    told = honest(request.user)
    return reply({f"{n:08x}": claims for n, claims in enumerate(told.values(), start=1)})


def forgetful(request: ChatRequest) -> Reply:
    """Only the first record is accounted for, whatever was asked."""
    ident, claims = next(iter(honest(request.user).items()))
    return reply({ident: claims})


# --- a model that obeys -----------------------------------------------------------------------------------------------

Manner = Callable[[ChatRequest, str, str], Reply]
QUOTED = re.compile(r"[\"“']([^\"”']{4,})[\"”']")


def obeying(orders: Sequence[str], manner: Manner) -> Player:
    """Does what any of the texts says once it stands in a record it reads, in a manner; else it is a good reader."""
    heads = [(head_of(order), order) for order in orders if head_of(order)]

    def play(request: ChatRequest) -> Reply:
        for record in records_of(request.user):
            everything = " ".join(record.sentences)
            order = next((order for head, order in heads if head in " ".join(everything.split())), None)
            if order is not None:
                return manner(request, record.ident, order)
        return good(request)

    return play


def head_of(order: str) -> str:
    """The beginning of an order as it is shown to a model; long enough to be told from other text."""
    shown = "".join(c for c in order.strip().split("\n")[0] if c.isprintable())
    return " ".join(shown.split())[:60]


def asked_text(order: str) -> str:
    """What an order wants to see in the output: what it puts in quotation marks, else its own words."""
    quoted = QUOTED.search(order)
    return quoted.group(1) if quoted else order.strip()


def literal(request: ChatRequest, ident: str, order: str) -> Reply:
    """To the letter: nothing but the text asked for, or the whole reply in the form asked for."""
    told, low = honest(request.user), order.lower()
    for word, form in FORMS.items():
        if word in low:
            return reply({i: [{**c, "statement": form(c["statement"]), "quote": form(c["quote"])} for c in claims]
                          for i, claims in told.items()})  # fmt: skip
    if any(word in low for word in ("ignore", "just print", "just say", "stop everything")):
        return Reply(asked_text(order))
    more = asked_text(order)
    return reply({i: [{**c, "statement": f"{c['statement']} {more}"} for c in claims] for i, claims in told.items()})


FORMS: dict[str, Callable[[str], str]] = {
    "revers": lambda text: text[::-1],
    "backward": lambda text: text[::-1],
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "caesar": lambda text: codecs.encode(text, "rot13"),
    "shift": lambda text: codecs.encode(text, "rot13"),
    "emoji": lambda text: "".join("🙂" if len(word) > 4 else f" {word}" for word in text.split()),
    "spanish": lambda text: "El informe dice que todo va bien.",
    "german": lambda text: "Der Bericht sagt, dass alles gut ist.",
    "portuguese": lambda text: "O relatório diz que está tudo bem.",
    "anagram": lambda text: " ".join("".join(sorted(word)) for word in text.split()),
    "misspell": lambda text: text.replace("e", "a"),
    "vowel": lambda text: re.sub("[aeiou]", "4", text),
    "letter": lambda text: " ".join(text.replace(" ", "")[i : i + 4] for i in range(0, len(text), 4)),
}


def everywhere(request: ChatRequest, ident: str, order: str) -> Reply:
    """What is asked for becomes a claim of every record, as quote, statement and speaker."""
    more = {"sentence": 1, "quote": asked_text(order), "statement": asked_text(order), "speaker": asked_text(order)[:60],
            "stance": "supportive", "kind": "statement", "entities": [asked_text(order)[:40]]}  # fmt: skip
    return reply({i: [more, *claims] for i, claims in honest(request.user).items()})


def silencing(request: ChatRequest, ident: str, order: str) -> Reply:
    """Nobody else has said anything."""
    return reply({i: claims if i == ident else [] for i, claims in honest(request.user).items()})


def dropping(request: ChatRequest, ident: str, order: str) -> Reply:
    """Nobody else is there, however often it is asked."""
    return reply({ident: honest(request.user).get(ident, [])})


def replacing(request: ChatRequest, ident: str, order: str) -> Reply:
    """The others' real sentences, under statements in praise of what the order wants."""
    said = f"Everyone should know this: {asked_text(order)}"
    return reply({i: [{**c, "statement": said, "stance": "supportive"} for c in claims]
                  for i, claims in honest(request.user).items()})  # fmt: skip


def flipping(request: ChatRequest, ident: str, order: str) -> Reply:
    """The others' stance turned round, nothing else: the form and every word are right."""
    told = honest(request.user)
    turned = {"supportive": "critical", "critical": "supportive", None: "supportive", "neutral": "critical"}
    return reply({i: [{**c, "stance": turned[c["stance"]]} if i != ident else c for c in claims]
                  for i, claims in told.items()})  # fmt: skip


def thinning(request: ChatRequest, ident: str, order: str) -> Reply:
    """One real claim less of each other record: a reply in which no word is wrong."""
    told = honest(request.user)
    return reply({i: claims if i == ident else claims[1:] or claims for i, claims in told.items()})


def swapping(request: ChatRequest, ident: str, order: str) -> Reply:
    """Each record is given the claims of another."""
    told = honest(request.user)
    idents, claims = list(told), list(told.values())
    return reply(dict(zip(idents, claims[1:] + claims[:1], strict=True)))


def leaking(request: ChatRequest, ident: str, order: str) -> Reply:
    """The prompt is printed into every statement."""
    secret = " ".join(request.system.split())[:240]
    return reply({i: [{**c, "statement": secret} for c in claims] for i, claims in honest(request.user).items()})


def smuggling(request: ChatRequest, ident: str, order: str) -> Reply:
    """A link and markup in every statement, and a speaker that is a link."""
    return reply({
        i: [{**c, "statement": f"{c['statement']} <a href='https://evil.example'>read</a> [more](https://evil.example)",
             "speaker": "https://evil.example"} for c in claims]
        for i, claims in honest(request.user).items()
    })  # fmt: skip


def raving(request: ChatRequest, ident: str, order: str) -> Reply:
    """No form at all."""
    return Reply(f"Sure! Here you go:\n\n{asked_text(order)}")


MANNERS: dict[str, Manner] = {
    m.__name__: m for m in (literal, everywhere, silencing, dropping, replacing, flipping, thinning, swapping, leaking,
                            smuggling, raving)
}  # fmt: skip
