"""Half split: a model is given the first half of a brand's text and is asked for the second.

Everything is token ids. The text is encoded once and its ids are cut in the middle, so what the
model reads and what it is compared with are the very ids that training used; decoding the half and
encoding it again would change some of them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

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


class DecodingTokenizer(Tokenizer, Protocol):
    """A tokenizer that can also be asked for the text of some ids."""

    def decode(
        self, ids: list[int], *, skip_special_tokens: bool, clean_up_tokenization_spaces: bool
    ) -> str:
        """The text."""


@dataclass(frozen=True)
class Item:
    """One test text, split. `first_ids + second_ids` are the text's ids, cut to `max_tokens`."""

    id: str
    source: Source
    title: str
    prompt_ids: tuple[int, ...]
    """System prompt and request, up to where the assistant starts to speak."""
    first_ids: tuple[int, ...]
    second_ids: tuple[int, ...]
    """The reference; the longer half when the count is odd."""
    first_half: str
    """`first_ids` as text, for what takes no ids."""
    second_half: str
    group: str = ""
    """The source document; texts of one document are no independent evidence."""

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
    texts: Iterable[HeldOutText], tokenizer: DecodingTokenizer, brand: Brand, max_tokens: int
) -> HalfSplit:
    """Cut each text to `max_tokens` tokens and split it in the middle."""
    items: list[Item] = []
    too_short: list[str] = []
    for text in texts:
        ids = encode_text(tokenizer, text.text)[:max_tokens]
        if len(ids) < MIN_TOKENS:
            too_short.append(text.id)
            continue
        items.append(_split(text, ids, tokenizer, brand))
    return HalfSplit(items, too_short)


def in_own_tokens(item: Item, tokenizer: DecodingTokenizer, brand: Brand) -> Item:
    """The same halves in another tokenizer's ids.

    The border stays where it is in the text, although this tokenizer may not have put one there;
    that costs the model a little likelihood at the first token, never the other way round.
    """
    prompt = encode_prompt(tokenizer, system_prompt(brand), request_for(item.source, item.title))
    return replace(
        item,
        prompt_ids=tuple(prompt),
        first_ids=tuple(encode_text(tokenizer, item.first_half)),
        second_ids=tuple(encode_text(tokenizer, item.second_half)),
    )


def text_of(tokenizer: DecodingTokenizer, ids: Iterable[int]) -> str:
    """The text of some ids, as it is scored and shown."""
    return tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)


def _split(text: HeldOutText, ids: list[int], tokenizer: DecodingTokenizer, brand: Brand) -> Item:
    prompt = encode_prompt(tokenizer, system_prompt(brand), request_for(text.source, text.title))
    first, second = split_half(ids)
    return Item(
        id=text.id,
        source=text.source,
        title=text.title,
        prompt_ids=tuple(prompt),
        first_ids=tuple(first),
        second_ids=tuple(second),
        first_half=text_of(tokenizer, first),
        second_half=text_of(tokenizer, second),
        group=text.group or text.id,
    )


def without_hashtags(text: HeldOutText) -> HeldOutText:
    """The text with its hashtags removed, and the gaps that they leave closed."""
    lines = (_HASHTAG.sub("", line) for line in text.text.splitlines())
    tidy = (regex.sub(r"[ \t]{2,}", " ", line).strip() for line in lines)
    return replace(text, text=regex.sub(r"\n{3,}", "\n\n", "\n".join(tidy)).strip())


def halves_hash(first_half: str, second_half: str) -> str:
    """SHA-256 over two halves, which tells whether they are still the two that were cut."""
    return hashlib.sha256(json.dumps([first_half, second_half]).encode()).hexdigest()


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
