"""Saved pages with their main text as gold, and the word F1 that extraction is measured by."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scraper.extract.words import words


@dataclass(frozen=True)
class Saved:
    """A page of the corpus."""

    name: str
    kind: str
    """article, service, product, collection, listing, documentation or forum."""
    html: str
    gold: str


def saved_pages(corpus: Path) -> Iterator[Saved]:
    """The pages of a folder laid out as the Web Content Extraction Benchmark is.

    `html/ID.html.gz` beside `ground-truth/ID.json`; pages without a gold text are left out.
    Source: https://arxiv.org/abs/2605.21097
    """
    for path in sorted((corpus / "ground-truth").glob("*.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        gold = truth["ground_truth"].get("main_content") or ""
        if gold:
            packed = (corpus / "html" / f"{path.stem}.html.gz").read_bytes()
            html = gzip.decompress(packed).decode("utf-8", "replace")
            yield Saved(path.stem, truth["_internal"]["page_type"]["primary"], html, gold)


def fingerprint(pages: list[Saved]) -> str:
    """SHA-256 over names, pages and gold texts: a figure holds for one fingerprint only."""
    digest = hashlib.sha256()
    for page in pages:
        for part in (page.name, page.html, page.gold):
            digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()


def word_f1(found: str, gold: str) -> float:
    """Harmonic mean of precision and recall over the two bags of words."""
    ours, theirs = Counter(words(found)), Counter(words(gold))
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total()) if shared else float(ours == theirs)


def mean_by_kind(scores: list[tuple[str, float]]) -> dict[str, float]:
    """The mean of each kind of page, and of all pages as `overall`."""
    kinds: dict[str, list[float]] = {"overall": [score for _, score in scores]}
    for kind, score in scores:
        kinds.setdefault(kind, []).append(score)
    return {kind: sum(of) / len(of) for kind, of in sorted(kinds.items())}
