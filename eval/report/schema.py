"""What an evaluation found, in `report.json` and `samples.jsonl`: only `created_at` tells when."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eval.models.card import ModelCard
from onbrand.errors import OnbrandError
from onbrand.record import Source

SCHEMA_VERSION: Literal[2] = 2
REPORT_NAME = "report.json"
SAMPLES_NAME = "samples.jsonl"

BASE = "base"
"""The untuned model's row."""
BRAND = "brand"
"""The real second halves, where they are looked at like a model's."""
NULLS = ("echo", "another", "empty")
"""Rows without a model: the first half again, another text of the brand, nothing."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Score(_Part):
    """A value with its 95% interval, and exactly how it was computed."""

    value: float
    low: float
    high: float
    signature: str


class Change(_Part):
    """Of one figure, model `b` less model `a` on the same texts; see `eval.statistics`."""

    a: str
    b: str
    figure: str
    value: float
    low: float
    high: float
    p_bootstrap: float
    p_randomisation: float
    visible: float
    """The smallest true difference that this sample finds four times in five."""
    units: int

    @property
    def is_seen(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


class Data(_Part):
    """What was measured on."""

    hash: str
    """Over every token id that was read or compared with."""
    items: int
    units: int
    """Source documents among the items: what counts as independent."""
    tokens: int
    """Number of second-half tokens."""
    sources: dict[str, int]
    too_short: list[str]
    """Ids of the texts left out because they have fewer than 8 tokens."""
    items_no_hashtags: int
    too_short_no_hashtags: list[str]
    """Ids left out of the perplexity without hashtags only."""
    train: int
    """Texts that training saw."""


class AlarmRow(_Part):
    """Something that makes figures mean less than they seem to."""

    fault: str
    sentence: str


class LeakRow(_Part):
    """A test text that training has seen, whole or in long pieces."""

    test_id: str
    train_id: str
    similarity: float
    shared_words: int
    shared: str


class CopyRow(_Part):
    """What one row's texts copy from training."""

    row: str
    """A model, or `brand` for the real second halves."""
    mean_words: float
    """Longest copied run of each text, on average."""
    longest: int
    mean_share: float
    example: str
    """The longest run of all."""
    train_id: str


class ToneControl(_Part):
    """Where somebody else's writing comes out."""

    name: str
    value: float
    low: float
    high: float
    texts: int


class ToldApart(_Part):
    """Area under the curve of a classifier that tells one row's texts from real ones."""

    row: str
    auc: float
    low: float
    high: float


class ToneRow(_Part):
    """The controls of tone; its scores and differences stand with the other figures."""

    is_valid: bool
    sentence: str
    controls: list[ToneControl]
    real_low: float
    real_high: float
    """Between which nine in ten of the brand's own held-out texts lie."""
    told_apart: list[ToldApart]


class SeedRow(_Part):
    """One row's figures on the continuations that one seed drew."""

    row: str
    seed: int
    figures: dict[str, float]
    stopped: float
    """Share that the model ended by itself."""


class SubsetRow(_Part):
    """The same difference on a random half of the texts."""

    seed: int
    items: int
    a: str
    b: str
    figures: dict[str, float]


class SourceRow(_Part):
    """Scores on the texts of one source."""

    source: str
    items: int
    scores: dict[str, dict[str, float]]
    """Of each model its scores by figure."""


class PreferenceRow(_Part):
    """Which of two rows was preferred, by a judge or by people."""

    by: str
    a: str
    b: str
    items: int
    a_wins: int
    b_wins: int
    ties: int
    share_b: float
    """Wins of `b`, a tie as half of one, over all."""
    low: float
    high: float
    p: float
    """Two-sided sign test over what was decided."""
    first_answers: float | None = None
    """Share of the answers for one place that were for the first; None for people."""
    longer_share_b: float
    """What `b` would get if the longer text always won."""
    longer_agreement: float | None
    """Share of the decided pairs that the longer text won; None when none was decided."""


class AgreementRow(_Part):
    """How far the people who rated agree."""

    alpha: float | None
    low: float | None
    high: float | None
    raters: int
    texts: int
    is_usable: bool


class Report(_Part):
    """`report.json`."""

    schema_version: Literal[2] = SCHEMA_VERSION
    kind: Literal["half-split", "comparison"]
    created_at: str
    brand: str
    base_model: str
    """`model.base` of brand.toml."""
    models: list[ModelCard]
    data: Data
    alarms: list[AlarmRow]
    notes: list[str]
    """What has to be known to read the figures rightly."""
    scores: dict[str, dict[str, Score]]
    """Of each model and null row its scores by figure."""
    changes: list[Change]
    leaks: list[LeakRow]
    copies: list[CopyRow]
    tone: ToneRow | None
    seeds: list[SeedRow]
    subsets: list[SubsetRow]
    sources: list[SourceRow]
    preferences: list[PreferenceRow] = []
    agreement: AgreementRow | None = None
    seed: int
    versions: dict[str, str]

    def value(self, row: str, figure: str) -> float | None:
        """One cell of the table; None where the row has no such score."""
        score = self.scores.get(row, {}).get(figure)
        return score.value if score else None

    def change(self, a: str, b: str, figure: str) -> Change | None:
        """One difference; None where one of the two has no such score."""
        wanted = (a, b, figure)
        return next((c for c in self.changes if (c.a, c.b, c.figure) == wanted), None)

    @property
    def names(self) -> list[str]:
        """The models, in the order in which they were asked for."""
        return [card.name for card in self.models]

    @property
    def nulls(self) -> list[str]:
        """The rows without a model."""
        return [row for row in NULLS if row in self.scores]


class SampleRow(_Part):
    """What one model made of one text."""

    exact: str
    """As long as the real second half; what overlap is counted on."""
    shown: str
    """As long as the model wanted it; what people and judges see."""
    nll: float | None
    """Negative log-likelihood of the real second half, nats."""
    scores: dict[str, float]
    copied_words: int
    copied: str
    """The longest run of words that stands in a training text too."""
    copied_from: str


class Sample(_Part):
    """One test text: what was given, what the brand wrote next, and what each model wrote."""

    id: str
    source: Source
    title: str
    tokens: int
    """Number of tokens of the second half."""
    first_half: str
    second_half: str
    rows: dict[str, SampleRow]
    """By model."""
    echo_rougeL: float  # noqa: N815  (the metric's name)


def parse_report(values: object, source: Path | str) -> Report:
    """Check a report that was read from `source`.

    Raises:
        OnbrandError: it is of another schema.
    """
    try:
        return Report.model_validate(values)
    except ValidationError as error:
        found = values.get("schema_version") if isinstance(values, dict) else None
        what = f"is a report of schema {found}" if found else "holds no report"
        raise OnbrandError(
            f"{source} {what}, and this version of Onbrand reads schema {SCHEMA_VERSION}; "
            "run `onbrand eval --force`."
        ) from error
