"""Everything counted once for each text: the rows that scores and differences are sums of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.generate.stage_files import Generated, Output
from eval.honesty import null_rows
from eval.report.schema import BASE, NULLS
from eval.scores import METRICS, Metric, Rows, likelihood_rows, overlap_rows
from eval.statistics import Comparison, Difference, Interval
from eval.texts import Text
from eval.tone import TONE, Tone, built_in_registers, measure_tone
from onbrand.errors import UsageError

NO_HASHTAGS = "perplexity_no_hashtags"

LIKELIHOOD = ("perplexity", NO_HASHTAGS, "bits_per_byte")
"""Only models that say how likely a text is have these."""
BY_TOKEN = ("perplexity", NO_HASHTAGS)
"""Of these, the ones that mean nothing across two tokenizers."""
NATURAL = ("length_ratio", "tone")
"""On drawn continuations, as long as the model wanted them; all others on the exact length."""


def metric_of(figure: str) -> Metric:
    """The metric behind a figure of the report."""
    return TONE if figure == "tone" else METRICS["perplexity" if figure == NO_HASHTAGS else figure]


@dataclass(frozen=True)
class Counted:
    """Rows by the report's row and figure, and the resamples that they share."""

    rows: dict[str, dict[str, Rows]]
    texts: dict[str, list[str]]
    """What each row's overlap was counted on."""
    comparison: Comparison
    no_hashtags: Comparison
    """Over the texts that are long enough without their hashtags."""
    tone: Tone | None
    tone_trouble: str
    """Why there is no tone; empty when there is."""
    over_draws: Comparison
    """Over every drawn text, of which there may be several a prompt; for tone."""

    def interval(self, row: str, figure: str) -> Interval:
        """A score."""
        return self._over(figure).interval(metric_of(figure), self.rows[row][figure])

    def difference(self, a: str, b: str, figure: str) -> Difference:
        """Row `b` less row `a`."""
        one, other = self.rows[a][figure], self.rows[b][figure]
        return self._over(figure).difference(metric_of(figure), one, other)

    def score(self, row: str, figure: str, places: Sequence[int]) -> float:
        """A score on some of the texts."""
        rows, count = self.rows[row][figure], len(self.texts[row])
        draws = len(rows) // count if figure == "tone" else 1
        chosen = [draw * count + place for draw in range(draws) for place in places]
        return metric_of(figure).score(rows[chosen])

    def _over(self, figure: str) -> Comparison:
        if figure == "tone":
            return self.over_draws
        return self.no_hashtags if figure == NO_HASHTAGS else self.comparison


def count(generated: Generated, registers: Mapping[str, Sequence[Text]]) -> Counted:
    """Count everything; `registers` are other people's writing besides what comes with Onbrand."""
    setup, texts = generated.setup, generated.texts
    references = [text.second_half for text in texts]
    outputs = {card.name: generated.of(card.name) for card in setup.models}
    train = _second_halves(generated)
    exact = {name: [output.greedy.exact for output in own] for name, own in outputs.items()}
    exact |= null_rows([text.first_half for text in texts], train, setup.seed)
    shown = exact | {name: [output.shown for output in own] for name, own in outputs.items()}
    rows = {name: dict(overlap_rows(own, references)) for name, own in exact.items()}
    for name, own in shown.items():
        rows[name]["length_ratio"] = overlap_rows(own, references)["length_ratio"]
    for name, own_outputs in outputs.items():
        rows[name] |= _likelihoods(own_outputs, references)
    tone, trouble = _tone(generated, exact, train, registers)
    for name, found in (tone.rows if tone else {}).items():
        rows[name]["tone"] = found
    groups = [text.group for text in texts]
    return Counted(
        rows=rows,
        texts=exact,
        comparison=Comparison(groups, setup.seed),
        no_hashtags=Comparison(_groups_without_hashtags(generated) or groups, setup.seed),
        tone=tone,
        tone_trouble=trouble,
        over_draws=Comparison(groups * max(len(setup.samplings), 1), setup.seed),
    )


def _second_halves(generated: Generated) -> list[Text]:
    """Of what training saw."""
    return [
        Text(text.id, text.group, text.second_half)
        for text in generated.train
        if text.second_half.strip()
    ]


def _tone(
    generated: Generated,
    exact: Mapping[str, Sequence[str]],
    train: Sequence[Text],
    registers: Mapping[str, Sequence[Text]],
) -> tuple[Tone | None, str]:
    """Tone of every row that says something, on all drawn texts; or why there is none."""
    draws = len(generated.setup.samplings)
    if BASE not in exact:
        return None, "the base model is its zero and is not among the models"
    if not draws:
        return None, "eval.sampled is 0, and it is measured on drawn texts"
    rows = {
        name: [*own] * draws if name in NULLS else _drawn(generated, name, draws)
        for name, own in exact.items()
        if any(own)
    }
    texts = generated.texts * draws
    told = {
        name: [Text(text.id, text.group, own[place]) for place, text in enumerate(texts)]
        for name, own in rows.items()
    }
    real = [Text(text.id, text.group, text.second_half) for text in texts]
    others = {**built_in_registers(), **registers}
    try:
        return measure_tone(train, real, told, others, seed=generated.setup.seed), ""
    except UsageError as error:
        return None, str(error).rstrip(".")


def _drawn(generated: Generated, name: str, draws: int) -> list[str]:
    """One draw after the other; what draws nothing is heard with what it wrote."""
    outputs = generated.of(name)
    return [
        output.sampled[draw].text if output.sampled else output.greedy.exact
        for draw in range(draws)
        for output in outputs
    ]


def _likelihoods(outputs: Sequence[Output], references: Sequence[str]) -> dict[str, Rows]:
    nlls = [output.nll for output in outputs if output.nll is not None]
    if len(nlls) < len(outputs):
        return {}
    found = likelihood_rows(nlls, [output.tokens for output in outputs], references)
    rows = {"perplexity": found, "bits_per_byte": found}
    plain = [
        (output.nll_no_hashtags, output.tokens_no_hashtags, 0)
        for output in outputs
        if output.nll_no_hashtags is not None
    ]
    return rows | ({NO_HASHTAGS: np.array(plain, dtype=np.float64)} if plain else {})


def _groups_without_hashtags(generated: Generated) -> list[str]:
    left_out = set(generated.setup.too_short_no_hashtags)
    return [text.group for text in generated.texts if text.id not in left_out]
