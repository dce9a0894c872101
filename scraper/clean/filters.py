"""The filters that look at one record at a time, or at what came before it."""

import unicodedata
from collections.abc import Callable, Iterable, Set

from onbrand.record import Record
from scraper.clean.rejected import Verdict
from scraper.clean.words import prose, words
from scraper.social.fields import account_name

Judge = Callable[[Record], Verdict]


def has_text(record: Record) -> Verdict:
    """Drop records without a text, such as posts that are a picture alone."""
    return True if record.text else (False, "it has no text")


def is_first_of_its_place() -> Judge:
    """Drop a second record from the same place (a post that stands in two exports)."""
    seen: set[str] = set()

    def judge(record: Record) -> Verdict:
        if record.id in seen:
            return False, f"{record.url} came in before", record.id
        seen.add(record.id)
        return True

    return judge


def is_by_the_brand(accounts: Iterable[str]) -> Judge:
    """Drop posts by accounts that are not the brand's; without any accounts all are kept."""
    own = {account_name(account) for account in accounts}

    def judge(record: Record) -> Verdict:
        if not own or not record.author or record.author in own:
            return True
        return False, f"account {record.author} is not in social.accounts"

    return judge


def is_not_marked(marked: Set[str], name: str) -> Judge:
    """Drop posts that are marked so, such as `sponsored` ones."""

    def judge(record: Record) -> Verdict:
        if record.id not in marked:
            return True
        return False, f"it is marked as {name}, and clean.{name} is drop"

    return judge


def is_long_enough(min_words: int) -> Judge:
    """Drop texts with fewer words of prose: hashtags, mentions, URLs and emoji are not counted."""

    def judge(record: Record) -> Verdict:
        count = len(words(prose(record.text)))
        if count >= min_words:
            return True
        return False, f"{count} of {min_words} words (hashtags, mentions and URLs not counted)"

    return judge


def is_new_text() -> Judge:
    """Drop a text that came before, letter case, spacing and Unicode variants aside."""
    seen: dict[str, str] = {}

    def judge(record: Record) -> Verdict:
        key = " ".join(unicodedata.normalize("NFKC", record.text).casefold().split())
        earlier = seen.setdefault(key, record.id)
        return True if earlier == record.id else (False, f"the same text as {earlier}", earlier)

    return judge
