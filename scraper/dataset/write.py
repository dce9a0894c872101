"""The whole of `dataset/`: splits, card, statistics, preview."""

from collections.abc import Sequence
from pathlib import Path

from onbrand.artifact import Manifest
from onbrand.config import BrandConfig
from scraper.clean.rejected import Rejected, StepCount
from scraper.dataset.card import card
from scraper.dataset.files import CARD, PREVIEW, STATISTICS
from scraper.dataset.preview import preview
from scraper.dataset.split import Splits
from scraper.dataset.statistics import describe
from scraper.dataset.table import save


def write_dataset(
    folder: Path,
    splits: Splits,
    rejected: Sequence[Rejected],
    steps: Sequence[StepCount],
    config: BrandConfig,
    manifest: Manifest,
) -> None:
    """Write everything but the manifest into an empty folder; equal input gives equal bytes.

    Args:
        folder: where to.
        splits: the data set.
        rejected: what was dropped; the preview shows it too.
        steps: each cleaning step's balance, in order.
        config: the settings it was made with.
        manifest: of the data set; its versions and hash stand in the card.
    """
    statistics = describe(splits, steps)
    save(folder, splits)
    texts = {
        CARD: card(statistics, config, manifest),
        STATISTICS: statistics.model_dump_json(indent=2) + "\n",
        PREVIEW: preview(splits, rejected, statistics, config.brand.name),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
