"""Half split: a model is given the first half of a brand's text and is asked for the second.

Everything is token ids. The text is encoded once and its ids are cut in the middle, so what the
model reads and what it is compared with are the very ids that training used; decoding the half and
encoding it again would change some of them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import regex  # comes with nltk; `re` has no \p{M}

from eval.held_out import HeldOutText
from onbrand.chat_format import Tokenizer, encode_prompt, encode_text, split_half
from onbrand.config import Brand
from onbrand.hashtag import HASHTAG
from onbrand.persona import request_for, system_prompt
from onbrand.record import Source

MIN_TOKENS = 8
"""Texts of fewer tokens are left out: half of them says nothing."""

_HASHTAG = regex.compile(HASHTAG)


@dataclass(frozen=True)
class Item:
    """One test text, split. `first_ids + second_ids` are the text's ids, cut to `max_tokens`."""

    id: str
    source: Source
    prompt_ids: tuple[int, ...]
    """System prompt and request, up to where the assistant starts to speak."""
    first_ids: tuple[int, ...]
    second_ids: tuple[int, ...]
    """The reference; the longer half when the count is odd."""

    @property
    def context_ids(self) -> tuple[int, ...]:
        """What the model reads: the request, and the answer's first half already written."""
        return self.prompt_ids + self.first_ids


@dataclass(frozen=True)
class HalfSplit:
    """The items, and the ids of the texts that were too short to split."""

    items: list[Item]
    too_short: list[str]

    @property
    def tokens(self) -> int:
        """Number of reference tokens."""
        return sum(len(item.second_ids) for item in self.items)


def half_split(
    texts: Iterable[HeldOutText], tokenizer: Tokenizer, brand: Brand, max_tokens: int
) -> HalfSplit:
    """Cut each text to `max_tokens` tokens and split it in the middle."""
    items: list[Item] = []
    too_short: list[str] = []
    for text in texts:
        ids = encode_text(tokenizer, text.text)[:max_tokens]
        if len(ids) < MIN_TOKENS:
            too_short.append(text.id)
            continue
        prompt = encode_prompt(
            tokenizer, system_prompt(brand), request_for(text.source, text.title)
        )
        first, second = split_half(ids)
        items.append(Item(text.id, text.source, tuple(prompt), tuple(first), tuple(second)))
    return HalfSplit(items, too_short)


def without_hashtags(text: HeldOutText) -> HeldOutText:
    """The text with its hashtags removed, and the gaps that they leave closed."""
    lines = (_HASHTAG.sub("", line) for line in text.text.splitlines())
    tidy = (regex.sub(r"[ \t]{2,}", " ", line).strip() for line in lines)
    return replace(text, text=regex.sub(r"\n{3,}", "\n\n", "\n".join(tidy)).strip())


def items_hash(items: Iterable[Item]) -> str:
    """SHA-256 over every id that a model reads or is compared with, in order."""
    content = [[item.id, item.prompt_ids, item.first_ids, item.second_ids] for item in items]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def batches(items: list[Item], size: int) -> Iterator[list[Item]]:
    """Batches of texts of similar length, longest first, so that little is spent on padding.

    Longest first also means that what does not fit into memory fails at once.
    """
    ordered = sorted(
        items, key=lambda item: (len(item.second_ids), len(item.context_ids)), reverse=True
    )
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
