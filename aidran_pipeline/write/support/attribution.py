"""Who says it, taken off a sentence: what the sources' metadata states needs no quote, so it must not cost score."""

from __future__ import annotations

import re

from aidran_pipeline.write.support.distortions import SPEECH
from aidran_pipeline.write.support.lexicon import stem_of
from aidran_pipeline.write.support.reading import read

LEADING = re.compile(r"^(?P<who>[^“”]{3,120}?)\b(?:that\b|:)\s+(?=\S)|^According to (?P<whom>[^,“”]{2,80}),\s+", re.I)
TRAILING = re.compile(
    r"(?:,[”\"]|[”\"],|,)\s+(?P<who>[^,“”]{3,90})[.?!]?$|\s+\(?according to (?P<whom>[^,“”]{2,80})[.?!]?$", re.I
)
VOICES = frozenset(
    map(stem_of, "user member post thread full text page paper outlet site here there object reply add hold".split())
)


def unattributed(sentence: str, told: frozenset[str]) -> str:
    """A sentence without "X says that" before it or ", X writes" behind it, where X is all metadata (stems).

    Only words of the metadata, of speech and of voices ("a user of") are taken off: a name that no source has stays.
    """
    text = sentence
    for pattern in (LEADING, TRAILING):
        match = pattern.search(text)
        if match is None:
            continue
        who = next(group for group in match.groups() if group is not None)
        words = {token.stem for token in read(who).tokens if token.content}
        if words & told and words <= told | SPEECH | VOICES:
            text = (text[: match.start()] + text[match.end() :]).strip()
    return text or sentence
