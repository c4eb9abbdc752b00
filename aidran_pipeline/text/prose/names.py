"""Proper names in running prose, and whether quotes and metadata hold them: surnames, demonyms, acronyms, possessives.

A capital at the start of a sentence or in a line set in title case says nothing of an ordinary word; what is ordinary
is spelling: the words of ordinary.txt and of text/common.py, with their endings. Everything else with a capital is a name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

from aidran_pipeline.text.common import MONTHS, NUMBER_WORDS, ORDINARY, WEEKDAYS
from aidran_pipeline.text.facts import title_cased
from aidran_pipeline.text.words import STOP_WORDS

WORD = re.compile(r"@?[^\W_](?:[\w’'&.-]*[^\W_])?", re.U)
JOINERS = frozenset("of de la van von der den for the du al el and &".split())
OPENS = re.compile(r"(?:^|[.!?:;]|[“\"‘(—–])\s*[“\"‘(]?\s*$")
POSSESSIVE = re.compile(r"(?:['’]s|['’])$")
ENDINGS = (
    ("ies", "y"), ("es", ""), ("es", "e"), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("d", ""), ("ing", ""), ("ing", "e"), ("er", ""), ("er", "e"),
    ("est", ""), ("est", "e"), ("iest", "y"), ("ly", ""), ("ily", "y"), ("ers", ""), ("ers", "e"), ("or", "e"), ("ors", "e"), ("ness", ""), ("less", ""),
    ("ment", ""), ("ments", ""), ("al", ""), ("ally", ""), ("ful", ""), ("able", ""), ("ation", "e"), ("ations", "e"), ("ion", "e"), ("ions", "e"), ("ion", ""),
)  # fmt: skip
LONG = re.compile(
    r"(?:tions?|ments?|ness|ities|ity|isms?|ists?|ships?|ances?|ences?|ologists?|ables?|ibles?|fully|ingly|ously)$"
)
PREFIX = re.compile(r"^(?:un|re|non|over|under|out|pre|anti|mis|co|inter|sub|super|counter)-?")
DEMONYMS = {
    adjective: place
    for place, adjectives in {
        "china": "chinese", "korea": "korean koreans south-korean", "japan": "japanese", "taiwan": "taiwanese", "india": "indian indians",
        "america": "american americans", "us": "american americans america u.s usa", "united states": "american americans america u.s us usa",
        "uk": "british britons britain u.k", "united kingdom": "british britons britain uk u.k", "britain": "british britons uk", "england": "english",
        "scotland": "scottish", "wales": "welsh", "ireland": "irish", "france": "french", "germany": "german germans", "italy": "italian italians",
        "spain": "spanish", "portugal": "portuguese", "netherlands": "dutch", "belgium": "belgian", "poland": "polish", "sweden": "swedish swedes",
        "norway": "norwegian norwegians", "denmark": "danish danes", "finland": "finnish finns", "iceland": "icelandic", "switzerland": "swiss",
        "austria": "austrian", "greece": "greek greeks", "turkey": "turkish", "türkiye": "turkish", "russia": "russian russians", "ukraine": "ukrainian ukrainians",
        "europe": "european europeans", "european union": "eu european", "eu": "european europeans", "africa": "african africans", "asia": "asian",
        "australia": "australian australians", "new zealand": "new-zealander", "canada": "canadian canadians", "mexico": "mexican mexicans",
        "brazil": "brazilian brazilians", "argentina": "argentine argentinian", "chile": "chilean", "colombia": "colombian", "peru": "peruvian",
        "israel": "israeli israelis", "iran": "iranian", "iraq": "iraqi", "saudi arabia": "saudi saudis", "uae": "emirati emiratis", "qatar": "qatari",
        "egypt": "egyptian", "nigeria": "nigerian nigerians", "kenya": "kenyan kenyans", "ghana": "ghanaian", "south africa": "south-african",
        "pakistan": "pakistani", "bangladesh": "bangladeshi", "indonesia": "indonesian", "malaysia": "malaysian", "vietnam": "vietnamese",
        "thailand": "thai", "philippines": "filipino philippine", "singapore": "singaporean", "hong kong": "hongkonger", "california": "californian",
        "texas": "texan", "london": "londoner londoners", "paris": "parisian", "rome": "roman", "venice": "venetian", "brussels": "eu",
    }.items()
    for adjective in adjectives.split()
}  # fmt: skip
PLACE_ENDINGS = ("ers", "er", "ians", "ian", "ans", "an", "ns", "n", "ish", "ese", "i", "is", "ites", "ite")


@dataclass(frozen=True)
class Name:
    """A run of words that is a proper name; words: its parts, folded."""

    start: int
    end: int
    text: str
    words: tuple[str, ...]


@lru_cache(maxsize=1)
def ordinary() -> frozenset[str]:
    """Words that running prose writes in lower case."""
    lines = (files("aidran_pipeline.text.prose") / "ordinary.txt").read_text(encoding="utf-8").splitlines()
    listed = {word for line in lines if not line.startswith("#") for word in line.split()}
    return frozenset(listed | ORDINARY | STOP_WORDS | set(NUMBER_WORDS))


@lru_cache(maxsize=50_000)
def common(word: str) -> bool:
    """Whether a word, whatever its case, is an ordinary one: listed, an inflection of a listed one, or made of two."""
    low = POSSESSIVE.sub("", word.lower().replace("’", "'"))
    if "-" in low:
        return all(common(part) for part in low.split("-") if part and not part.isdigit())
    listed = ordinary()
    if low in listed or low in ("i", "a", "o") or low.replace("'", "") in listed:
        return True
    if LONG.search(low) and len(low) > 7:
        return True
    for ending, instead in ENDINGS:
        base = low.removesuffix(ending) + instead
        if (
            low.endswith(ending)
            and len(base) > 2
            and (base in listed or (len(base) > 3 and base[-1] == base[-2] and base[:-1] in listed))
        ):
            return True
    rest = PREFIX.sub("", low)
    return rest != low and len(rest) > 3 and rest in listed


def marked(word: str) -> bool:
    """A form that no ordinary word has: an acronym, an inner capital, letters with digits (not "40-Second")."""
    core = POSSESSIVE.sub("", word)
    if "-" in core:
        return word.startswith("@") or any(marked(part) for part in core.split("-") if len(part) > 1)
    inner = any(ch.isupper() for ch in core.removesuffix("s")[1:])
    return word.startswith("@") or inner or (any(ch.isdigit() for ch in word) and any(ch.isupper() for ch in word))


def folded(word: str) -> str:
    """A word as names are compared: lower case, without possessive and stops."""
    return POSSESSIVE.sub("", word.lower().replace("’", "'")).strip(".@'").replace(".", "")


def names_of(text: str, *, titled: bool = False, known: frozenset[str] = frozenset()) -> list[Name]:
    """Names of a text. titled: set in title case, as headlines are. known: words that stand in lower case beside it."""
    titled = titled or title_cased(text)
    found: list[Name] = []
    run: list[re.Match[str]] = []

    def close() -> None:
        name = _trimmed(text, run, titled=titled, known=known)
        if name:
            found.append(name)
        run.clear()

    last = 0
    for match in WORD.finditer(text):
        word = match.group(0)
        if run and text[last : match.start()].strip(" \u00a0") not in ("", "&"):
            close()
        last = match.end()
        if _is_name(word, first=_opens(text, match), titled=titled, known=known):
            run.append(match)
            if POSSESSIVE.search(word):
                close()
        elif run and word.lower() in ("of", "de", "la", "van", "von", "der", "&", "for") and not titled:
            run.append(match)
        else:
            close()
    close()
    return found


def _trimmed(text: str, run: list[re.Match[str]], *, titled: bool, known: frozenset[str]) -> Name | None:
    """The name in a run of capitalised words, None where the run holds none."""
    while run and (run[-1].group(0).lower() in JOINERS or (titled and _plain(run[-1].group(0), known))):
        run.pop()
    while run and titled and _plain(run[0].group(0), known):
        run.pop(0)
    # "Chipmaker Norrvik" opens a sentence: the name is Norrvik. "Orbit Learning" does: the name is both.
    while (
        len(run) > 1 and _opens(text, run[0]) and _plain(run[0].group(0), known) and not _plain(run[1].group(0), known)
    ):
        run.pop(0)
    if not run or (len(run) == 1 and _opens(text, run[0]) and _plain(run[0].group(0), known)):
        return None
    words = tuple(folded(m.group(0)) for m in run if m.group(0).lower() not in JOINERS)
    return Name(run[0].start(), run[-1].end(), text[run[0].start() : run[-1].end()], words)


def _opens(text: str, match: re.Match[str]) -> bool:
    return OPENS.search(text[max(0, match.start() - 12) : match.start()]) is not None


def _plain(word: str, known: frozenset[str]) -> bool:
    return not marked(word) and (common(word) or folded(word) in known)


def _is_name(word: str, *, first: bool, titled: bool, known: frozenset[str]) -> bool:
    """Whether a word may be part of a name; what stands first is judged when its run ends."""
    if (
        not (word[0].isupper() or marked(word) or re.match(r"\d+-[A-Z]", word))
        or word.lower() in MONTHS
        or word.lower().rstrip("s") in WEEKDAYS
    ):
        return False
    if marked(word):
        return True
    if len(folded(word)) < 2 or (first and folded(word) in STOP_WORDS):
        return False
    return not (titled and _plain(word, known))


@lru_cache(maxsize=1024)
def lower_words(texts: tuple[str, ...]) -> frozenset[str]:
    """The words of the texts that stand in lower case."""
    return frozenset(
        POSSESSIVE.sub("", m.group(0)) for text in texts for m in WORD.finditer(text) if m.group(0).islower()
    )


class Held:
    """What quotes and metadata hold: their words, in order, and the forms that stand for them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.lines = [[folded(m.group(0)) for m in WORD.finditer(text)] for text in texts]
        self.words = {word for line in self.lines for word in line}
        self.words |= {part for word in self.words for part in word.split("-")}
        self.joined = " \n ".join(" ".join(line) for line in self.lines)
        self.initials = self._initials(texts)

    @staticmethod
    def _initials(texts: Sequence[str]) -> set[str]:
        """Acronyms that names of the texts would have: "World Health Organization" gives "who"."""
        found = set()
        for text in texts:
            for match in re.finditer(r"(?:[A-Z][\w’'-]*(?:\s+(?:of|for|and|the|on|de|&)\b)*\s*){2,}", text):
                words = [w for w in WORD.findall(match.group(0)) if w[0].isupper()]
                found |= {
                    "".join(w[0] for w in words[a:b]).lower()
                    for a in range(len(words))
                    for b in range(a + 2, len(words) + 1)
                }
        return found

    def word(self, word: str) -> bool:
        """Whether one word of a name is held, in itself or as a form of another."""
        if word in self.words or word in self.initials:
            return True
        if (
            any(word.endswith(s) and word.removesuffix(s) in self.words for s in ("s", "es"))
            or word + "s" in self.words
        ):
            return True
        return self._place(word)

    def _place(self, word: str) -> bool:
        """A people for its place, a place for its people."""
        for adjective, place in DEMONYMS.items():
            if word == adjective and any(p in self.joined for p in _places(adjective)):
                return True
            if word in place.split() and adjective in self.words:
                return True
        stems = {word.removesuffix(e) for e in PLACE_ENDINGS if word.endswith(e) and len(word.removesuffix(e)) > 3}
        return any(stem in self.words or stem + "a" in self.words or stem + "e" in self.words for stem in stems)

    def name(self, name: Name) -> bool:
        """Whether a name is held: each word, and words that stand together here stand together there."""
        words = [w for w in name.words if w]
        if not all(self.word(w) or all(self.word(p) for p in w.split("-")) for w in words):
            return self._expanded(words)
        return all(self._beside(a, b) for a, b in pairwise(words))

    def _expanded(self, words: list[str]) -> bool:
        """An organisation in full (World Health Organization) where the quotes have its letters."""
        initials = "".join(w[0] for w in words if w)
        return len(words) > 2 and initials in self.words

    def _beside(self, left: str, right: str) -> bool:
        for line in self.lines:
            places = [i for i, w in enumerate(line) if w == left]
            if any(right in line[i + 1 : i + 5] or right in line[max(0, i - 3) : i] for i in places):
                return True
        # A form of the word (a demonym, an acronym) or words that are no name together: "AI Chip", "European regulators".
        return left not in self.words or right not in self.words or common(left) or common(right)


@lru_cache(maxsize=1024)
def held_by(texts: tuple[str, ...]) -> Held:
    """What the texts hold, read once."""
    return Held(texts)


def _places(adjective: str) -> list[str]:
    return [place for word, place in _PAIRS if word == adjective]


_PAIRS = list(DEMONYMS.items())


def names_missing(
    sentence: str,
    quotes: Sequence[str],
    told: str,
    *,
    titled: bool = False,
    label: str = "",
    known: frozenset[str] = frozenset(),
) -> list[str]:
    """Names of a sentence that neither the quotes nor the metadata (nor the topic's label) hold."""
    held = held_by((*quotes, told, label))
    lower = known | lower_words((*quotes, told))
    return [name.text for name in names_of(sentence, titled=titled, known=lower) if not held.name(name)]
