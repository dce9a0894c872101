"""The data set's README: a Hugging Face data set card."""

from collections import Counter

from onbrand.config import BrandConfig
from scraper.dataset import Splits

_TEMPLATE = """\
---
{languages_yaml}
license: other
---

# What {owner} says in public

Made by `onbrand build`; load it with `datasets.load_from_disk`.

{table}

Languages (records): {languages}.

## Provenance

The main text of the brand's web pages, its own Facebook and Instagram posts, and text files it \
gave. `url` says where each text was found, `author` which account wrote it{authors}. Page \
furniture was removed and {contact}; what was dropped, and why, is in `clean/rejected.jsonl`. \
Nothing that commenters wrote was kept.

## Splits

Texts with a Jaccard similarity of word 3-grams of at least {similarity} share a `group`; no group \
is in two splits. Seed {seed}, test share {test_share}, validation share {validation_share} of the \
rest.

## Licence

The texts belong to {owner}. Have its permission before you pass them on or train on them.
"""


def card(splits: Splits, config: BrandConfig) -> str:
    """The card of these splits, in Markdown with the hub's YAML header."""
    records = [record for part in splits.values() for record in part]
    languages = Counter(record.language or "not sure" for record in records)
    known = sorted(language for language in languages if language != "not sure")
    authors = Counter(record.author for record in records if record.author)
    return _TEMPLATE.format(
        owner=config.brand.name or "the brand",
        languages_yaml="\n".join(["language:", *(f"- {code}" for code in known)])
        if known
        else "language: []",
        table=_table(splits),
        languages=", ".join(f"{code} {count}" for code, count in languages.most_common()),
        authors=f" ({_listed(authors)})" if authors else "",
        contact="contact data masked" if config.clean.contact == "mask" else "contact data kept",
        similarity=config.clean.near_duplicate,
        seed=config.dataset.seed,
        test_share=config.dataset.test_share,
        validation_share=config.dataset.validation_share,
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.most_common())


def _table(splits: Splits) -> str:
    sources = sorted({record.source for records in splits.values() for record in records})
    lines = [["split", *sources, "all", "groups"], ["---"] * (len(sources) + 3)]
    for name, records in splits.items():
        per_source = [sum(record.source == source for record in records) for source in sources]
        groups = len({record.group for record in records})
        lines.append([name, *map(str, per_source), str(len(records)), str(groups)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
