"""Other people's texts in the form that the brand's have here: pieces that begin in the middle.

Were they whole, a classifier could tell them by their length or by how they begin.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from eval.texts import Text


def pieces(texts: Iterable[Text], length: int) -> Iterator[Text]:
    """Short texts give their second half, long ones are cut into pieces of `length` characters.

    Cuts are between words. `group` stays the document's.
    """
    for text in texts:
        words = text.text.split()
        if len(text.text) <= 2 * length:
            parts = [words[len(words) // 2 :]]
        else:
            parts = list(_cut(words, length))
        for number, part in enumerate(parts):
            if part:
                yield Text(f"{text.id}/{number}", text.group, " ".join(part))


def at_most(texts: Sequence[Text], count: int, seed: int) -> list[Text]:
    """`count` of the texts, chosen by `seed`, in their order; all of them when there are fewer."""
    if len(texts) <= count:
        return list(texts)
    return [texts[index] for index in sorted(random.Random(seed).sample(range(len(texts)), count))]


def _cut(words: list[str], length: int) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for word in words:
        part.append(word)
        size += len(word) + 1
        if size >= length:
            yield part
            part, size = [], 0
    if size >= length / 2:
        yield part
