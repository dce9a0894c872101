"""The data set's README: a Hugging Face data set card.

Nothing in it depends on the time or the machine: equal input gives equal bytes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from huggingface_hub import DatasetCardData

from onbrand import __version__
from onbrand.artifact import Manifest
from onbrand.config import BrandConfig
from onbrand.plural import plural
from scraper.clean.steps import MEANING
from scraper.dataset.statistics import UNKNOWN, Part, Statistics
from scraper.dataset.table import COLUMNS

_TEMPLATE = """\
---
{metadata}
---

# What {owner} says in public

{records:,} texts that {owner} published itself, cleaned, without repeats, and split so that no \
text in the holdout nearly repeats one in training. Made by `onbrand build`, to tune a language \
model to the brand's voice and to measure how well that went.

{splits}

{words:,} words; half of the texts have at least {median:g}, nine of ten have {p5:,} to {p95:,}. \
{emoji:.0%} of the texts hold emoji, {hashtags:.0%} hashtags. More is in `statistics.json`.

## Where the texts come from

{sources}

Published {dates}. {places}

## What was done to them

{steps}

{contact} Nothing that commenters wrote was taken in the first place.

## Languages

{languages}

Languages are BCP 47 tags, told where they are sure; `ur-Latn` is Urdu in Latin letters, mixed \
with English or not.

## Splits

Texts with a similarity (Jaccard, of word 3-grams) of {similarity:g} or more share a `group`; no \
group is in two splits. {rule} Test share {test_share:g}; validation share {validation_share:g} of \
the rest; seed {seed}.

## Columns

{columns}

## Personal data

{personal}

## Licence

The texts remain {owner}'s; this card gives nobody a right to them. Whoever uses, passes on or \
trains on them must have {owner}'s permission, or another right to do so in their country.

## How it was made

Onbrand {version}; {versions}. SHA-256 over the records: `{hash}`.
"""

_RULES = {
    "random": "Which group goes where is drawn from the seed.",
    "newest": "Test holds the newest texts: whole groups, as old as their oldest member, from the "
    "newest back. Groups with a text without a date are never in test, and its share is of the "
    "others. Validation is drawn from the rest, dated or not, by the seed.",
}
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}


def card(statistics: Statistics, config: BrandConfig, manifest: Manifest) -> str:
    """The card, in Markdown with the hub's YAML header.

    Args:
        statistics: of the data set.
        config: the settings it was made with.
        manifest: its versions and hash.
    """
    owner = _plain(" ".join(config.brand.name.split()) or "the brand")
    return _TEMPLATE.format(
        metadata=_metadata(statistics, config),
        owner=owner,
        records=statistics.records,
        splits=_splits(statistics),
        words=statistics.words.total,
        median=statistics.words.median,
        p5=statistics.words.p5,
        p95=statistics.words.p95,
        emoji=statistics.emoji.record_share,
        hashtags=statistics.hashtags.record_share,
        sources=_sources(statistics),
        dates=_dates(statistics),
        places=_places(statistics),
        steps=_steps(statistics),
        contact=_contact(config),
        languages=", ".join(
            f"{'not sure' if code == UNKNOWN else code} {part.records:,}"
            for code, part in _largest_first(statistics)
        )
        + ".",
        similarity=config.clean.near_duplicate,
        rule=_RULES[config.dataset.split],
        test_share=config.dataset.test_share,
        validation_share=config.dataset.validation_share,
        seed=config.dataset.seed,
        columns=_table(
            ["column", "type", "meaning"],
            [
                [f"`{name}`", "list of strings" if name == "tags" else "string", meaning]
                for name, meaning in COLUMNS.items()
            ],
        ),
        personal=_personal(config),
        version=__version__,
        versions=", ".join(f"{name} {value}" for name, value in manifest.versions.items()),
        hash=manifest.output_hash,
    )


def _metadata(statistics: Statistics, config: BrandConfig) -> str:
    """The YAML header; see https://huggingface.co/docs/hub/datasets-cards."""
    languages = sorted({tag.partition("-")[0] for tag in statistics.by_language if tag != UNKNOWN})
    size = next((name for below, name in _SIZES.items() if statistics.records < below), "n>1M")
    values = DatasetCardData(
        language=languages or None,
        license="other",
        license_name="the-texts-remain-the-brands",
        pretty_name=f"What {' '.join(config.brand.name.split()) or 'the brand'} says in public",
        size_categories=[size],
        task_categories=["text-generation"],
        tags=["brand-voice", "onbrand"],
    )
    return values.to_yaml(line_break="\n")


def _splits(statistics: Statistics) -> str:
    sources = list(statistics.by_source)
    rows = [
        [name, *(count.get(source, 0) for source in sources), part.records, part.groups]
        for name, part in statistics.by_split.items()
        for count in [statistics.sources_by_split[name]]
    ]
    return _table(["split", *sources, "all", "groups"], rows)


def _sources(statistics: Statistics) -> str:
    came_in = statistics.steps[0].came_in if statistics.steps else {}
    names = sorted({*came_in, *statistics.by_source})
    rows = []
    for name in names:
        part = statistics.by_source.get(name)
        rows.append([name, came_in.get(name, 0), part.records if part else 0])
    return _table(["source", "came in", "kept"], rows)


def _dates(statistics: Statistics) -> str:
    first, last = statistics.first_published, statistics.last_published
    undated = statistics.by_year.get(UNKNOWN)
    without = f"; {plural(undated.records, 'text')} without a date" if undated else ""
    if not first or not last:
        return "at times that the sources do not tell"
    return f"from {first[:10]} to {last[:10]}{without}"


def _places(statistics: Statistics) -> str:
    parts = [
        f"{what}: " + ", ".join(f"{_plain(name)} ({count:,})" for name, count in found.items())
        for what, found in (("Hosts", statistics.hosts), ("Accounts", statistics.accounts))
        if found
    ]
    return " ".join(f"{part}." for part in parts)


def _steps(statistics: Statistics) -> str:
    rows = [
        [
            step.step,
            MEANING.get(step.step, ""),
            sum(step.came_in.values()),
            sum(step.changed.values()),
            _per_source(step.dropped),
        ]
        for step in statistics.steps
    ]
    return _table(["step", "what it does", "came in", "changed", "dropped"], rows)


def _per_source(counts: Mapping[str, int]) -> str:
    """`12 (facebook 9, website 3)`."""
    total = sum(counts.values())
    listed = ", ".join(f"{source} {count:,}" for source, count in counts.items())
    return f"{total:,} ({listed})" if total else "0"


def _contact(config: BrandConfig) -> str:
    kinds, masks = _contact_data(config)
    if config.clean.contact == "mask":
        return f"{kinds} that were found are {masks}."
    if config.clean.contact == "remove":
        return f"{kinds} that were found are taken out."
    return f"{kinds} were left as they stand."


def _contact_data(config: BrandConfig) -> tuple[str, str]:
    """What counts as contact data, and what stands in its place where it is masked."""
    if config.clean.street_addresses:
        return (
            "Phone numbers, e-mail addresses and street addresses",
            "`[phone]`, `[email]` and `[address]`",
        )
    return "Phone numbers and e-mail addresses", "`[phone]` and `[email]`"


def _personal(config: BrandConfig) -> str:
    kinds, _ = _contact_data(config)
    masked = (
        f"{kinds} are masked or taken out where they were recognised; some may have been missed."
        if config.clean.contact != "keep"
        else f"{kinds} are **not** masked."
    )
    return (
        f"The brand's own public texts may name people (staff, customers, guests). {masked} "
        "`author` is the account that published a post. No commenter's name or words are held. To "
        "have a text removed, take it out at its source and build again."
    )


def _largest_first(statistics: Statistics) -> list[tuple[str, Part]]:
    return sorted(statistics.by_language.items(), key=lambda item: (-item[1].records, item[0]))


def _table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    body = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows]
    lines = [list(headings), ["---"] * len(headings), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)
