"""One model's part of an evaluation: its continuations and its likelihoods."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress, TaskID

from eval.cache import Cache
from eval.generate import generate
from eval.half_split import HalfSplit, half_split, without_hashtags
from eval.held_out import HeldOutText
from eval.models import LocalModel
from eval.perplexity import negative_log_likelihoods
from onbrand.config import BrandConfig
from onbrand.progress import progress_bar


@dataclass(frozen=True)
class Splits:
    """The test texts, split: as they are, and with their hashtags removed."""

    full: HalfSplit
    no_hashtags: HalfSplit


@dataclass(frozen=True)
class Measured:
    """What one model did; each list in the order of the split's items."""

    continuations: list[str]
    nlls: list[float]
    nlls_no_hashtags: list[float]


def split_texts(texts: Sequence[HeldOutText], model: LocalModel, config: BrandConfig) -> Splits:
    """Split the test texts by this model's tokenizer and chat template."""
    full = half_split(texts, model.tokenizer, config.brand, config.eval.max_tokens)
    # A text that was too short as it was is already listed, and is not counted again.
    kept = {item.id for item in full.items}
    plain = [without_hashtags(text) for text in texts if text.id in kept]
    return Splits(full, half_split(plain, model.tokenizer, config.brand, config.eval.max_tokens))


def measure(
    model: LocalModel, splits: Splits, batch_size: int, cache_folder: Path, force: bool
) -> Measured:
    """Measure one model; it is loaded only for what the cache does not know, and unloaded after.

    `force` forgets the cache first.
    """
    cache = Cache(cache_folder, model.identity)
    if force:
        cache.clear()
    full, plain = splits.full.items, splits.no_hashtags.items
    with _progress(model.name, 2 * len(full) + len(plain)) as (progress, task):

        def advance(done: int) -> None:
            progress.advance(task, done)

        nlls = negative_log_likelihoods(model, full, batch_size, cache, advance)
        nlls_plain = negative_log_likelihoods(model, plain, batch_size, cache, advance)
        continuations = generate(model, full, batch_size, cache, advance)
    model.unload()
    return Measured([model.decode(ids) for ids in continuations], nlls, nlls_plain)


@contextmanager
def _progress(name: str, total: int) -> Iterator[tuple[Progress, TaskID]]:
    with progress_bar() as progress:
        yield progress, progress.add_task(f"Measuring the {name} model", total=total)
