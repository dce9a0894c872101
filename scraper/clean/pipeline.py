"""All steps of cleaning, in order."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from onbrand.config import Clean
from onbrand.record import Record, text_hash
from scraper.clean.blocks import leave_own_text, remove_repeated_blocks
from scraper.clean.changes import Change
from scraper.clean.contact import mask_contacts, without_contacts
from scraper.clean.filters import (
    has_text,
    is_by_the_brand,
    is_first_of_its_place,
    is_long_enough,
    is_new_text,
    is_not_marked,
)
from scraper.clean.language import language_of
from scraper.clean.marks import Marks
from scraper.clean.near_duplicates import group_near_duplicates
from scraper.clean.rejected import Rejected, Sieve, StepCount
from scraper.clean.repair import mend_encoding, tidy
from scraper.clean.sources import in_order
from scraper.clean.titles import file_title


@dataclass(frozen=True)
class Cleaned:
    """What cleaning made of the records that came in."""

    records: list[Record]
    rejected: list[Rejected]
    changes: list[Change]
    steps: list[StepCount]

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
    records: Sequence[Record],
    settings: Clean,
    accounts: Sequence[str],
    file_roots: Sequence[str],
    marks: Marks = MappingProxyType({}),
    own_texts: Mapping[str, str] = MappingProxyType({}),
) -> Cleaned:
    """Clean the records; the result does not depend on the order they come in.

    Args:
        records: as `scraper.clean.sources` makes them.
        settings: the section `clean` of brand.toml.
        accounts: the brand's own accounts (empty: all are kept).
        file_roots: what the configured paths are called in file records; each is a site.
        marks: which records the platforms mark as sponsored or shared.
        own_texts: by a web page's id, its text without what its site's other pages repeat.
    """
    sieve = Sieve()
    found = sieve.keep(in_order(records), "same-place", is_first_of_its_place())
    found = sieve.run(found, "main-text", lambda all_: leave_own_text(all_, own_texts, sieve))
    found = sieve.change(found, "encoding", lambda r: _with_text(r, mend_encoding(r.text)))
    found = sieve.change(found, "white-space", lambda r: _with_text(r, tidy(r.text)))
    site_of = _site_of(file_roots)
    found = sieve.run(
        found,
        "repeated-blocks",
        lambda all_: remove_repeated_blocks(all_, settings.repeated_block_share, site_of, sieve),
    )
    if settings.contact != "keep":
        sieve.rejected = [_hidden(item, settings) for item in sieve.rejected]
        found = sieve.change(found, "contact-data", lambda r: _without_contacts(r, settings))
    kept = sieve.keep(found, "no-text", has_text)
    kept = sieve.keep(kept, "other-account", is_by_the_brand(accounts))
    for name, wish in (("sponsored", settings.sponsored), ("shared", settings.shared)):
        marked = marks.get(name, set()) if wish == "drop" else set()
        kept = sieve.keep(kept, name, is_not_marked(marked, name))
    kept = sieve.keep(kept, "too-short", is_long_enough(settings.min_words))
    kept = sieve.keep(kept, "exact-duplicate", is_new_text())
    kept = sieve.run(
        kept,
        "near-duplicate",
        lambda all_: group_near_duplicates(all_, settings.near_duplicate, sieve),
    )
    kept = sieve.change(kept, "description", lambda r: _described(r, settings))
    return Cleaned(kept, sieve.rejected, sieve.changes, sieve.steps)


def _with_text(record: Record, text: str) -> Record:
    return record.model_copy(update={"text": text})


def _hidden(dropped: Rejected, settings: Clean) -> Rejected:
    """One that was dropped before contact data was looked for, without what it would have lost."""
    mended = _with_text(dropped.record, tidy(mend_encoding(dropped.record.text)))
    return dropped.model_copy(update={"record": _without_contacts(mended, settings)})


def _without_contacts(record: Record, settings: Clean) -> Record:
    """The record without contact data in text, title and tags."""
    region = settings.phone_region
    return record.model_copy(
        update={
            "text": _hide(record.text, settings),
            "title": _hide(record.title, settings),
            "tags": [tag for tag in record.tags if mask_contacts(tag, region) == tag],
        }
    )


def _hide(text: str, settings: Clean) -> str:
    how, region, streets = settings.contact, settings.phone_region, settings.street_addresses
    while (hidden := without_contacts(text, how, region, streets=streets)) != text:
        text = tidy(mend_encoding(hidden))  # what comes together may be a broken character
    return text


def _described(record: Record, settings: Clean) -> Record:
    """What can be told once the text is final: title, language, hash."""
    title = record.title
    if record.source == "file":
        title = _hide(file_title(unquote(urlsplit(record.url).path), record.text), settings)
    return record.model_copy(
        update={
            "title": title,
            "language": language_of(record.text, settings.phone_region),
            "content_hash": text_hash(record.text),
        }
    )


def _site_of(file_roots: Sequence[str]) -> Callable[[Record], str]:
    """The folder whose files share furniture; of web pages it is gone since they were read."""

    def site_of(record: Record) -> str:
        if record.source == "file":
            path = unquote(urlsplit(record.url).path)
            roots = [root for root in file_roots if root == "." or path.startswith(f"{root}/")]
            return f"file {max(roots, key=len, default=path.rpartition('/')[0])}"
        return ""

    return site_of
