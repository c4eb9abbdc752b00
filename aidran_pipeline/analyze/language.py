"""Language of a text, offline (py3langid), with the source's own declaration as evidence for short texts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LANGUAGES = [
    "en",
    "de",
    "es",
    "fr",
    "it",
    "pt",
    "nl",
    "pl",
    "sv",
    "da",
    "no",
    "fi",
    "cs",
    "tr",
    "ru",
    "uk",
    "ja",
    "ko",
    "zh",
    "ar",
    "hi",
    "id",
]
SHORT = 40


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier


def language_of(text: str, declared: str | None) -> tuple[str, float]:
    """(ISO 639-1 code, confidence 0 to 1). A short text in Latin letters keeps its declared language, else English."""
    lang, confidence = _identifier().classify(text[:600])
    declared = (declared or "").split("-")[0].lower()[:2] or None
    if len(text) < SHORT and text.isascii() and lang != "en":
        return declared or "en", 0.5
    if declared and declared != lang and confidence < 0.9:
        return declared, round(float(1 - confidence), 4)
    return str(lang), round(float(confidence), 4)
