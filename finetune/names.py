"""The names of products and the like, as the brand's own pages give them: their short titles."""

from collections import Counter
from collections.abc import Iterable, Iterator

from finetune.overlap import WORD
from onbrand.record import Record

LONGEST = 4
"""Words of a title that may be a name."""


class Names:
    """Names to look for in texts."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_words = {_words(name): name for name in names}
        self._longest = max(map(len, self._by_words), default=0)

    @property
    def all(self) -> list[str]:
        """The names themselves."""
        return list(self._by_words.values())

    def found_in(self, text: str) -> list[str]:
        """The names that stand in a text, each once, by their first place.

        They stand there to the letter (the very first one may be small, as in "the Petrel"), as
        words of their own, and in no hashtag, address or longer name.
        """
        return list(
            dict.fromkeys(name for name, there in self.places(text) if _is_written(name, there))
        )

    def places(self, text: str) -> Iterator[tuple[str, str]]:
        """Each name with what stands in the text, which may differ in capitals."""
        words = list(WORD.finditer(text))
        position = 0
        while position < len(words):
            start = words[position].start()
            step = 1
            for count in range(min(self._longest, len(words) - position), 0, -1):
                there = text[start : words[position + count - 1].end()]
                name = self._by_words.get(_words(there))
                if name and len(there) == len(name) and text[start - 1 : start] not in set("#@/_"):
                    yield name, there
                    step = count
                    break
            position += step


def names_of(records: Iterable[Record], brand: str) -> Names:
    """The short titles of pages and files that the texts write as names.

    A title such as "Brands" or "Contact us" is none: the texts write its words with small letters
    at least as often. Nor is the name of the brand itself, which every text is about.
    """
    records = list(records)
    titles = {record.title.strip() for record in records if record.source in ("website", "file")}
    candidates = Names(
        title
        for title in sorted(titles)
        if 0 < len(title.split()) <= LONGEST
        and _may_be_name(title)
        and title.casefold() != brand.casefold()
    )
    balance: Counter[str] = Counter()
    for record in records:
        for name, there in candidates.places(record.text):
            balance[name] += 1 if _is_written(name, there) else -(there == there.lower())
    return Names(name for name in candidates.all if balance[name] > 0)


def _may_be_name(title: str) -> bool:
    """Does it begin and end in a word, and the last one in a capital or figure?

    "Come alongside, shipmate" is a sentence. In scripts without capitals every title may be a name.
    """
    words = list(WORD.finditer(title))
    if not words or (words[0].start(), words[-1].end()) != (0, len(title)):
        return False
    has_letters = any(map(str.isalpha, title))
    return has_letters and (title.lower() == title.upper() or not words[-1][0][0].islower())


def _is_written(name: str, there: str) -> bool:
    """To the letter; a small first one is the same name where a later letter is a capital."""
    return there == name or (
        there[1:] == name[1:] and there[1:] != there[1:].lower() and there[0] == name[0].lower()
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(text.casefold()))
