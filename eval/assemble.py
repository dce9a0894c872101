"""From what the models did to a report: the scores of every row, and the samples."""

from collections.abc import Sequence

from eval.generate import DECODING
from eval.half_split import items_hash
from eval.measure import Measured, Splits
from eval.models import LocalModel
from eval.perplexity import perplexity
from eval.report import Data, Report, RowName, Sample, Score, changes
from eval.scores import overlap, rouge
from eval.signatures import PACKAGES, overlap_signature, perplexity_signature, run_signature
from onbrand.artifact import versions
from onbrand.config import BrandConfig


def build_samples(
    splits: Splits, decoder: LocalModel, base: Measured, tuned: Measured
) -> list[Sample]:
    """One sample per test text, in the order of the split."""
    samples = []
    for index, item in enumerate(splits.full.items):
        reference = decoder.decode(item.second_ids)
        samples.append(
            Sample(
                id=item.id,
                source=item.source,
                tokens=len(item.second_ids),
                first_half=decoder.decode(item.first_ids),
                second_half=reference,
                base=base.continuations[index],
                tuned=tuned.continuations[index],
                base_nll=base.nlls[index],
                tuned_nll=tuned.nlls[index],
                base_rougeL=rouge(reference, base.continuations[index]).rougeL,
                tuned_rougeL=rouge(reference, tuned.continuations[index]).rougeL,
            )
        )
    return samples


def build_report(
    created_at: str,
    config: BrandConfig,
    models: dict[str, LocalModel],
    splits: Splits,
    measured: dict[str, Measured],
    samples: Sequence[Sample],
) -> Report:
    """Score the rows base, tuned and echo."""
    run = run_signature(config.eval, models["base"])
    references = [sample.second_half for sample in samples]
    scores: dict[RowName, dict[str, Score]] = {
        "base": _likelihoods(measured["base"], splits, run)
        | _overlap(references, measured["base"].continuations, DECODING, splits, run),
        "tuned": _likelihoods(measured["tuned"], splits, run)
        | _overlap(references, measured["tuned"].continuations, DECODING, splits, run),
        "echo": _overlap(references, [s.first_half for s in samples], "echo", splits, run),
    }
    return Report(
        created_at=created_at,
        brand=config.brand.name,
        base_model=config.model.base,
        model_hashes={name: local.identity for name, local in models.items()},
        data=Data(
            hash=items_hash(splits.full.items),
            items=len(splits.full.items),
            tokens=splits.full.tokens,
            too_short=splits.full.too_short,
            items_no_hashtags=len(splits.no_hashtags.items),
            too_short_no_hashtags=splits.no_hashtags.too_short,
        ),
        scores=scores,
        change_percent=changes(scores["base"], scores["tuned"]),
        versions=versions(*PACKAGES),
    )


def _overlap(
    references: Sequence[str], texts: Sequence[str], decoding: str, splits: Splits, run: str
) -> dict[str, Score]:
    return {
        figure: Score(value=value, signature=overlap_signature(figure, splits.full, run, decoding))
        for figure, value in overlap(references, texts).items()
    }


def _likelihoods(measured: Measured, splits: Splits, run: str) -> dict[str, Score]:
    found = {"perplexity": (measured.nlls, splits.full)}
    if splits.no_hashtags.items:
        found["perplexity_no_hashtags"] = (measured.nlls_no_hashtags, splits.no_hashtags)
    return {
        figure: Score(
            value=perplexity(nlls, split.items), signature=perplexity_signature(figure, split, run)
        )
        for figure, (nlls, split) in found.items()
    }
