"""The same figures looked at from other sides: by seed, by random half, by source."""

import random
from collections.abc import Iterator

from eval.generate.stage_files import Generated
from eval.report.rows import Counted
from eval.report.schema import SeedRow, SourceRow, SubsetRow
from eval.scores import METRICS, overlap_rows

SUBSETS = 5
"""Random halves of the texts on which the differences are looked at again."""
_FEWEST = 2
"""Texts; a source or a half of fewer says nothing."""
_BRIEF = ("bits_per_byte", "perplexity", "tone", "chrf", "rougeL")


def by_seed(generated: Generated) -> Iterator[SeedRow]:
    """How far another draw moves what drawn text is measured by."""
    references = [text.second_half for text in generated.texts]
    for card in generated.setup.models:
        outputs = generated.of(card.name)
        for place, sampling in enumerate(generated.setup.samplings):
            if not all(len(output.sampled) > place for output in outputs):
                continue
            drawn = [output.sampled[place] for output in outputs]
            rows = overlap_rows([sample.text for sample in drawn], references)
            yield SeedRow(
                row=card.name,
                seed=sampling.seed,
                figures={
                    name: METRICS[name].score(rows[name])
                    for name in ("chrf", "rougeL", "distinct_2", "length_ratio")
                },
                stopped=sum(sample.stopped for sample in drawn) / len(drawn),
            )


def by_subset(generated: Generated, counted: Counted) -> Iterator[SubsetRow]:
    """From the first model to the last, on random halves of the texts."""
    names = [card.name for card in generated.setup.models]
    if len(names) < 2 or len(generated.texts) < 2 * _FEWEST:
        return
    a, b = names[0], names[-1]
    figures = [f for f in _BRIEF if f in counted.rows[a] and f in counted.rows[b]]
    for number in range(SUBSETS):
        seed = generated.setup.seed + number
        places = range(len(generated.texts))
        chosen = sorted(random.Random(seed).sample(places, len(places) // 2))
        yield SubsetRow(
            seed=seed,
            items=len(chosen),
            a=a,
            b=b,
            figures={
                figure: counted.score(b, figure, chosen) - counted.score(a, figure, chosen)
                for figure in figures
            },
        )


def by_source(generated: Generated, counted: Counted) -> Iterator[SourceRow]:
    """Every source with enough texts."""
    for source in sorted({text.source for text in generated.texts}):
        places = [place for place, text in enumerate(generated.texts) if text.source == source]
        if len(places) < _FEWEST:
            continue
        yield SourceRow(
            source=source,
            items=len(places),
            scores={
                card.name: {
                    figure: counted.score(card.name, figure, places)
                    for figure in _BRIEF
                    if figure in counted.rows[card.name]
                }
                for card in generated.setup.models
            },
        )
