"""Who holds which office: an office that a sentence gives a person must be the one that the quotes give.

No table of office holders exists, and none could stay true: what the quotes do not say of a person, a page does not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

HEADS = {
    form: head
    for head, forms in {
        "minister": "minister", "premier": "premier", "president": "president", "secretary": "secretary", "chancellor": "chancellor", "governor": "governor",
        "mayor": "mayor", "senator": "senator|sen\\.", "congress member": "congressman|congresswoman|representative|rep\\.", "member of parliament": "mp|mep|lawmaker",
        "judge": "judge|justice", "prosecutor": "prosecutor|attorney general", "commissioner": "commissioner", "ambassador": "ambassador|envoy",
        "chief executive": "chief executive(?: officer)?|ceo", "chief financial officer": "chief financial officer|finance chief|cfo",
        "chief technology officer": "chief technology officer|cto", "chief operating officer": "chief operating officer|coo",
        "chief scientist": "chief scientist", "chief economist": "chief economist", "chief data officer": "chief data officer", "chief medical officer": "chief medical officer",
        "chief": "chief of staff|chief|head|boss", "chair": "chair|chairman|chairwoman|chairperson", "director": "director", "founder": "co-?founder|founder",
        "spokesperson": "spokesman|spokeswoman|spokesperson", "general": "general|colonel|admiral", "professor": "professor|prof\\.", "doctor": "dr\\.?|doctor",
        "king": "king|queen|prince|princess", "pope": "pope|bishop|archbishop", "editor": "editor", "dean": "dean|rector|provost", "principal": "principal|headteacher|superintendent",
        "sheriff": "sheriff", "leader": "leader", "treasurer": "treasurer", "manager": "manager", "analyst": "analyst", "economist": "economist",
        "researcher": "researcher|scientist", "lawyer": "lawyer|attorney|counsel|solicitor", "engineer": "engineer", "teacher": "teacher", "nurse": "nurse", "author": "novelist|author",
    }.items()
    for form in forms.split("|")
}  # fmt: skip
OFFICE = "|".join(sorted(HEADS, key=len, reverse=True))
TURNED = (
    r"former|ex|acting|interim|deputy|vice|then|outgoing|incoming|late|assistant|designate|elect|retired|honorary|past"
)
OFFICES = re.compile(rf"\b(?P<o>{OFFICE})\b(?!-(?:level|general purpose))", re.I)
NAME = r"(?:[A-Z][\w’'-]+|[A-Z]\.)(?:[ -](?:[A-Z][\w’'-]+|[A-Z]\.|de|van|von|al|der)){0,3}"
BEFORE = re.compile(
    rf"(?P<q>(?:[\w’'&-]+[ -]){{0,3}}?)\b(?P<o>(?i:{OFFICE}))(?:-elect)?(?P<of>(?: (?:of|for) (?:the )?[\w’'-]+(?: [A-Z][\w’'-]+)*)?),? (?P<n>{NAME})"
)
BEHIND = re.compile(
    rf"(?P<n>{NAME}),? (?:is |was |became |as |who is |who was )?(?:now )?(?:an? |the |its |their |his |her |[\w’'-]+(?: [\w’'-]+)?['’]s? )?"
    rf"(?P<q>(?:[\w’'&-]+[ -]){{0,3}}?)\b(?P<o>(?i:{OFFICE}))\b"
)
# Between a name and its office stands a comma or a verb of being; "Brandt told the minister" gives Brandt no office.
LINK = re.compile(r"^(?:, | is | was | became | as | who is |, who is | has been )")
HOLDS = frozenset(
    "minister premier president secretary chancellor governor mayor senator king pope judge ambassador commissioner".split()
)
WINDOW = 9


@dataclass(frozen=True)
class Holder:
    """A person's last name, the head of the office, the words that tell it from others, and what turns it (former, acting)."""

    name: str
    head: str
    qualifiers: frozenset[str]
    turned: frozenset[str]
    text: str


def holders_of(text: str) -> list[Holder]:
    """Every person of a text with the office that the text gives them."""
    found = []
    for match in BEFORE.finditer(text):
        if match.group("n").split()[0].lower() not in HEADS and not _capital_only(match):
            found.append(_holder(match, match.group("q") + " " + match.group("of")))
    for match in BEHIND.finditer(text):
        between = text[match.end("n") : match.start("o")]
        named = re.match(r",? (?:[A-Z][\w’'-]+ )+|,? [A-Z]", text[match.end("o") :])
        if (
            LINK.match(between)
            and "," not in between[1:]
            and not named
            and not re.match(r"^, (?:and|but|or|while)\b", between)
        ):
            found.append(_holder(match, between.replace(",", " ")))
    return found


def _capital_only(match: re.Match[str]) -> bool:
    """An office that ends one sentence before another begins."""
    return "." in match.group(0)[
        len(match.group("q") + match.group("o")) : match.start("n") - match.start()
    ] and not match.group("o").endswith(".")


def _holder(match: re.Match[str], around: str) -> Holder:
    words = {word.lower().strip("'’,") for word in re.split(r"[\s-]+", around)}
    turned = frozenset(word for word in words if re.fullmatch(TURNED, word))
    return Holder(
        re.sub(r"['’]s$", "", match.group("n")).split()[-1].lower(), head_of(match.group("o")),
        frozenset(w for w in words if len(w) > 2 and w.isalpha() and w not in _IDLE) - turned, turned, match.group(0).strip(),
    )  # fmt: skip


_IDLE = frozenset(
    "the its their his her for was who has been said told and but with that when while from which this now new our".split()
)


@lru_cache(maxsize=2048)
def _heads(text: str) -> frozenset[str]:
    """The offices that a text speaks of, whoever holds them."""
    return frozenset(head_of(m.group("o")) for m in OFFICES.finditer(text))


@lru_cache(maxsize=512)
def head_of(office: str) -> str:
    """The canonical office of a word for it."""
    low = office.lower()
    for form, head in HEADS.items():
        if re.fullmatch(form, low):
            return head
    return low


def offices_missing(sentence: str, texts: Sequence[str]) -> list[str]:
    """Offices that a sentence gives a person and the texts do not; offices of state that no text speaks of at all."""
    found = []
    for holder in holders_of(sentence):
        near = _near(holder.name, texts)
        if not near:
            continue  # another gate's business: the name itself is foreign
        if not any(_agrees(holder, words) for words in near):
            found.append(holder.text)
    whole = " ".join(texts).lower()
    told = frozenset().union(*(_heads(text) for text in texts))
    for match in OFFICES.finditer(sentence):
        head = head_of(match.group("o"))
        if head in HOLDS and head not in told and not re.search(rf"\b{re.escape(match.group('o').lower())}", whole):
            found.append(match.group("o"))
    return list(dict.fromkeys(found))


def _near(name: str, texts: Sequence[str]) -> list[list[str]]:
    """The words around each mention of a person, by text."""
    found = []
    for text in texts:
        words = [re.sub(r"['’]s$", "", w.strip('“”"(),;:').lower()) for w in text.replace("-", " ").split()]
        for place, word in enumerate(words):
            if word.rstrip(".!?'’") == name:
                found.append(
                    [w.rstrip(".!?") if len(w) > 4 else w for w in words[max(0, place - WINDOW) : place + WINDOW]]
                )
    return found


def _agrees(holder: Holder, words: list[str]) -> bool:
    joined = " ".join(words)
    heads = {head_of(m.group("o")) for m in re.finditer(rf"\b(?P<o>{OFFICE})(?=\W|$)", joined, re.I)}
    if holder.head not in heads:
        return False
    turned = frozenset(w for w in words if re.fullmatch(TURNED, w)) - {"late", "past", "then"}
    if (holder.turned - {"late", "past", "then"}) != turned:
        return False
    state = holder.head in ("minister", "secretary", "chief", "director")
    given = set(words)
    return not state or not holder.qualifiers or bool(holder.qualifiers & given) or not _qualified(holder.head, joined)


def _qualified(head: str, joined: str) -> bool:
    return (
        head in ("minister", "secretary", "chief", "director")
        and re.search(rf"\w{{4,}} (?:{OFFICE})", joined) is not None
    )
