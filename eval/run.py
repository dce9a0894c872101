"""The stages in their order: split, generate, judge, score. Each hands on files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eval.generate.cache import Cache
from eval.generate.continuations import generate
from eval.generate.stage_files import (
    Checked,
    Generated,
    Setup,
    samplings,
    split_texts,
    train_texts,
)
from eval.half_split import DecodingTokenizer, HalfSplit, half_split, items_hash, without_hashtags
from eval.held_out import read_held_out, read_training
from eval.models.local import tokenizer_in
from eval.models.named import Named, open_model
from eval.models.provenance import tuned_on_other_data
from eval.report.signatures import PACKAGES
from onbrand.artifact import versions
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


@dataclass(frozen=True)
class Splits:
    """The test texts, split: as they are, and with their hashtags removed."""

    full: HalfSplit
    no_hashtags: HalfSplit


def generated_by(
    workspace: Workspace,
    base: Path,
    named: Sequence[Named],
    kind: Literal["half-split", "comparison"],
    *,
    forget: bool,
) -> Generated:
    """Let every model continue the test split.

    Args:
        workspace: data set, settings, cache.
        base: folder of the base model, whose tokenizer is training's and decides the split.
        named: the models.
        kind: of the report.
        forget: empty the models' caches first.

    Raises:
        OnbrandError: no data set, an empty test split, texts that are all too short, a model that
            fails, or, for a half-split report, tokenizers that differ.
    """
    config = workspace.config
    tokenizer = tokenizer_in(base)
    splits = split(workspace, tokenizer)
    training = read_training(workspace.dataset)
    train = half_split(training, tokenizer, config.brand, config.eval.max_tokens)
    drawn = samplings(
        config.eval.seed, config.eval.sampled, config.eval.temperature, config.eval.top_p
    )
    cards, outputs, checked = [], [], []
    for wanted in named:
        model = open_model(wanted, workspace, tokenizer)
        if kind == "half-split" and model.view(splits.full) is not splits.full:
            raise OnbrandError(
                f"The tokenizers or chat templates of {base} and {workspace.merged} differ, so "
                "their figures could not be compared; run `onbrand merge --force` from the same "
                "base."
            )
        cache = cache_of(workspace, model.card.hash, forget=forget)
        own, checks = generate(
            model, splits.full, splits.no_hashtags, drawn, config.eval.batch_size, cache
        )
        outputs += own
        checked.append(Checked(model=wanted.name, checks=checks))
        card = model.card
        cards.append(card.model_copy(update={"where": _shown(card.where, workspace)}))
    setup = Setup(
        kind=kind,
        brand=config.brand.name,
        base_model=config.model.base,
        models=cards,
        data_hash=items_hash(splits.full.items),
        too_short=splits.full.too_short,
        too_short_no_hashtags=splits.no_hashtags.too_short,
        max_tokens=config.eval.max_tokens,
        samplings=drawn,
        seed=config.eval.seed,
        padding_checks=checked,
        versions=versions(*PACKAGES),
        tuned_on_other_data=tuned_on_other_data(named, workspace),
    )
    return Generated(
        setup=setup,
        texts=split_texts(splits.full),
        train=train_texts(training, train),
        outputs=outputs,
    )


def split(workspace: Workspace, tokenizer: DecodingTokenizer) -> Splits:
    """The test split in halves.

    Raises:
        OnbrandError: no data set, an empty test split, or only texts that are too short.
    """
    config = workspace.config
    texts = read_held_out(workspace.dataset, config.eval.max_samples, config.eval.seed)
    full = half_split(texts, tokenizer, config.brand, config.eval.max_tokens)
    if not full.items:
        raise OnbrandError(
            f"All {len(texts)} test texts of {workspace.dataset} are too short to split; "
            "add longer texts, then run `onbrand build` again."
        )
    # A text that was too short as it was is already listed, and is not counted again.
    kept = {item.id for item in full.items}
    plain = [without_hashtags(text) for text in texts if text.id in kept]
    return Splits(full, half_split(plain, tokenizer, config.brand, config.eval.max_tokens))


def cache_of(workspace: Workspace, identity: str, *, forget: bool) -> Cache:
    """What is remembered of one model."""
    cache = Cache(workspace.reports / "cache", identity)
    if forget:
        cache.clear()
    return cache


def _shown(where: str, workspace: Workspace) -> str:
    """A place as a report names it: below the workspace, else by its last part, no home folder."""
    if "://" in where:
        return where
    path = Path(where)
    return (
        str(path.relative_to(workspace.root)) if path.is_relative_to(workspace.root) else path.name
    )
