"""The language of a text, or nothing where that is not sure.

py3langid knows no mixture: on Urdu typed in Latin letters, with English between, it is unsure or
wrong. There a few function words say more than letter statistics, so they are counted first, unless
it is certain of a third language.
"""

from functools import cache

import regex
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from scraper.clean.function_words import (
    ENGLISH,
    HINDUSTANI,
    HINDUSTANI_PARTICLES,
    HINDUSTANI_SHARED,
)
from scraper.clean.words import prose, words

LEAST_CONFIDENCE = 0.8
"""Probability that py3langid must give; a wrong tag is worse than none."""
CERTAIN = 0.95
"""Probability from which another language than English, Urdu and Hindi needs no second look."""
LEAST_ENGLISH = 0.5
"""Probability that is enough where English function words speak for it."""
LEAST_SHARED = 3
"""Function words that speak for Urdu or Hindi where other languages have each of them as well."""
LEAST_MIXED = 0.1
"""Share of function words from which a text in Latin letters counts as Urdu or Hindi: about every
other word is one, so these make up a fifth of the text."""
LEAST_FUNCTION_WORDS = 0.2
"""Share of the words, from which function words speak for English."""

_MIXED = ("", "en", "hi", "ur")
"""What py3langid says of Urdu and Hindi in Latin letters, with English between or not."""
_LATIN = regex.compile(r"\p{Latin}")
_LETTER = regex.compile(r"\p{L}")


def language_of(text: str, region: str = "") -> str:
    """BCP 47 tag of the text's prose, or "" when it is unsure.

    Two letters (ISO 639-1), or `ur-Latn` for Urdu in Latin letters, also where English is mixed in:
    then about a fifth of the words or more are Urdu's. Hindi typed so has the same function words;
    the tag is `hi-Latn` where the region is India.

    Args:
        text: any text; hashtags, mentions and URLs are left out of account.
        region: ISO 3166 code of the brand's country.
    """
    plain = " ".join(prose(text).split())
    if not plain:
        return ""
    if not _is_latin(plain):
        return _identified(plain, LEAST_CONFIDENCE)
    if (certain := _identified(plain, CERTAIN)) not in _MIXED:
        return certain
    found, probable = words(plain), _identified(plain, LEAST_CONFIDENCE)
    if _is_hindustani(found, probable):
        return "hi-Latn" if region == "IN" else "ur-Latn"
    english = sum(word in ENGLISH for word in found) / len(found) if found else 0.0
    likely = _identified(plain, LEAST_ENGLISH)
    if likely == "en" and english >= LEAST_FUNCTION_WORDS:
        return "en"
    return probable


def _is_latin(text: str) -> bool:
    return 2 * len(_LATIN.findall(text)) > len(_LETTER.findall(text))


def _is_hindustani(found: list[str], probable: str) -> bool:
    """Whether two different function words or more make up enough of the text.

    Args:
        found: the words of the text.
        probable: the language that letter statistics speak for. Words that it may have as well are
            enough where they are many: different ones in English, any where it is none.
    """
    known = [word for word in found if word in HINDUSTANI]
    different = set(known)
    many = {"en": len(different), "": len(known), "hi": len(known), "ur": len(known)}
    weight = sum(0.5 if word in HINDUSTANI_PARTICLES else 1.0 for word in known)
    return (
        len(different) >= 2
        and (not different <= HINDUSTANI_SHARED or many.get(probable, 0) >= LEAST_SHARED)
        and weight >= LEAST_MIXED * len(found)
    )


def _identified(text: str, confidence: float) -> str:
    code, probability = _identifier().classify(text)
    return code if probability >= confidence and len(code) == 2 else ""


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
