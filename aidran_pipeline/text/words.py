"""Tokens: lower-case stems without stop words (Snowball English), for overlap and term matching."""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

STOP_WORDS = frozenset(
    """a about above after again against all also am an and any are as at be because been before being below between
    both but by can could did do does doing down during each even every few for from further had has have having he her
    here hers him his how i if in into is it its itself just like made make many me more most much my new no nor not
    now of off on once one only or other our out over own per said same say says she should so some such than that the
    their them then there these they this those through to too under until up upon us use used using very via was we
    well were what when where which while who whom why will with within without would you your yet get got go going via
    amid among s t re ve ll d m don isn aren doesn didn won can't it's""".split()
)
DROP = re.compile(r"(?:https?://|www\.)\S+|[@#]?[\w.-]+\.(?:com|org|net|test|social)\b\S*|@[\w.]+", re.I)
WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*", re.U)
_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """The Snowball stem of a lower-case word; words with digits stay as they are."""
    return word if any(ch.isdigit() for ch in word) else _stemmer.stemWord(word)


def words(text: str) -> list[str]:
    """Lower-case words, addresses and handles dropped, apostrophes straightened, possessives cut."""
    found = []
    for match in WORD.finditer(DROP.sub(" ", text)):
        word = match.group(0).lower().replace("’", "'")
        found.append(word.removesuffix("'s"))
    return found


def tokens(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order, with repetitions."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS and len(word) > 1]
