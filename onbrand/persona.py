"""What a model is told and asked: one place, so that training, evaluation and serving agree."""

from collections.abc import Sequence

from onbrand.config import Brand
from onbrand.record import Source

_KINDS: dict[Source, str] = {
    "facebook": "a Facebook post",
    "instagram": "an Instagram post",
    "website": "a text for our website",
    "file": "a text for our website",
}


def system_prompt(brand: Brand) -> str:
    """The system message: who the assistant is and how it speaks.

    It is never empty: some chat templates put in a persona of their own when there is none.
    """
    name = brand.name or "the brand"
    return f"You are the voice of {name}. {brand.persona}".strip()


def request_for(source: Source, title: str = "") -> str:
    """The user message that a record's text answers.

    A title makes the request specific; posts have none.
    """
    if title:
        return f"Tell me about {title}."
    return f"Write {kind_of(source)}."


def kind_of(source: Source) -> str:
    """What a text of this source is called, with its article."""
    return _KINDS[source]


def brief_for(
    kind: str,
    *,
    about: Sequence[str] = (),
    naming: Sequence[str] = (),
    hashtags: Sequence[str] = (),
    length: str = "",
) -> str:
    """A short brief in one sentence; what is not given is not mentioned.

    `Write an Instagram post about Tezdum, with #TapalTezdum #Chai, in about 40 words.`
    """
    request = f"Write {kind}"
    if about:
        request += f" about {_listed(about)}"
    if naming:
        request += f", naming {_listed(naming)}"
    details = []
    if hashtags:
        details.append(f"with {' '.join(f'#{tag}' for tag in hashtags)}")
    if length:
        details.append(f"in {length}")
    if details and not about and not naming:
        request += f" {details.pop(0)}"
    return f"{', '.join([request, *details])}."


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
