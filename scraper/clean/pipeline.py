"""All steps of cleaning, in order."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from onbrand.config import Clean
from onbrand.record import Record, text_hash
from scraper.clean.blocks import remove_repeated_blocks
from scraper.clean.contact import mask_contacts
from scraper.clean.filters import (
    has_text,
    is_by_the_brand,
    is_first_of_its_place,
    is_long_enough,
    is_new_text,
)
from scraper.clean.language import language_of
from scraper.clean.near_duplicates import group_near_duplicates
from scraper.clean.rejected import Rejected, Sieve
from scraper.clean.repair import repair
from scraper.clean.sources import in_order
from scraper.clean.titles import file_title


@dataclass(frozen=True)
class Cleaned:
    """What cleaning made of the records that came in."""

    records: list[Record]
    rejected: list[Rejected]

    def counts(self) -> dict[str, int]:
        """Records per source that came in, dropped per step, and kept."""
        came_in = Counter(
            record.source for record in [*self.records, *(r.record for r in self.rejected)]
        )
        dropped = Counter(rejected.step for rejected in self.rejected)
        return {
            **{f"in.{source}": count for source, count in sorted(came_in.items())},
            **{f"dropped.{step}": count for step, count in dropped.most_common()},
            "kept": len(self.records),
        }


def clean(
    records: Sequence[Record], settings: Clean, accounts: Sequence[str], file_roots: Sequence[str]
) -> Cleaned:
    """Clean the records; the result does not depend on the order they come in.

    Args:
        records: as `scraper.clean.sources` makes them.
        settings: the section `clean` of brand.toml.
        accounts: the brand's own accounts (empty: all are kept).
        file_roots: what the configured paths are called in file records; each is a site.
    """
    sieve = Sieve()
    found = list(sieve.keep(in_order(records), "same-place", is_first_of_its_place()))
    found = [_with_text(record, repair(record.text)) for record in found]
    found = remove_repeated_blocks(
        found, settings.repeated_block_share, _site_of(file_roots), sieve
    )
    if settings.contact == "mask":
        found = [_masked(record, settings.phone_region) for record in found]
    kept = sieve.keep(found, "no-text", has_text)
    kept = sieve.keep(kept, "other-account", is_by_the_brand(accounts))
    kept = sieve.keep(kept, "too-short", is_long_enough(settings.min_words))
    kept = sieve.keep(kept, "exact-duplicate", is_new_text())
    grouped = group_near_duplicates(list(kept), settings.near_duplicate, sieve)
    return Cleaned([_described(record) for record in grouped], sieve.rejected)


def _with_text(record: Record, text: str) -> Record:
    return record.model_copy(update={"text": text})


def _masked(record: Record, region: str) -> Record:
    text, title = mask_contacts(record.text, region), mask_contacts(record.title, region)
    return record.model_copy(update={"text": text, "title": title})


def _described(record: Record) -> Record:
    """What can be told once the text is final: title, language, hash."""
    title = record.title
    if record.source == "file":
        title = file_title(unquote(urlsplit(record.url).path), record.text)
    return record.model_copy(
        update={
            "title": title,
            "language": language_of(record.text),
            "content_hash": text_hash(record.text),
        }
    )


def _site_of(file_roots: Sequence[str]) -> Callable[[Record], str]:
    """The site whose pages share furniture: a host, or the configured folder of a file."""

    def site_of(record: Record) -> str:
        if record.source == "website":
            return f"website {urlsplit(record.url).netloc}"
        if record.source == "file":
            path = unquote(urlsplit(record.url).path)
            roots = [root for root in file_roots if root == "." or path.startswith(f"{root}/")]
            return f"file {max(roots, key=len, default=path.rpartition('/')[0])}"
        return ""

    return site_of
