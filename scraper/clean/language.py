"""The language of a text, or nothing where that is not sure."""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from scraper.clean.words import prose

LEAST_CONFIDENCE = 0.8
"""Probability. A mix such as Roman Urdu scores lower; a wrong tag is worse than none."""


def language_of(text: str) -> str:
    """ISO 639-1 code of the text's prose, or "" when it is unsure or has no two-letter code."""
    plain = " ".join(prose(text).split())
    if not plain:
        return ""
    code, confidence = _identifier().classify(plain)
    return code if confidence >= LEAST_CONFIDENCE and len(code) == 2 else ""


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
