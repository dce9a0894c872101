"""What an evaluation found: `report.json` and `samples.jsonl`.

Nothing in them but `created_at` depends on when they were made.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eval.figures import FIGURES, change_percent
from onbrand.errors import OnbrandError
from onbrand.record import Source

SCHEMA_VERSION: Literal[1] = 1
REPORT_NAME = "report.json"
SAMPLES_NAME = "samples.jsonl"

RowName = Literal["base", "tuned", "echo"]


class Sample(BaseModel):
    """One test text: what was given, what the brand wrote next, and what each model wrote."""

    id: str
    source: Source
    tokens: int
    """Number of tokens of the second half."""
    first_half: str
    second_half: str
    base: str
    tuned: str
    base_nll: float
    """Negative log-likelihood of the real second half, nats."""
    tuned_nll: float
    base_rougeL: float  # noqa: N815  (the metric's name)
    tuned_rougeL: float  # noqa: N815


class Score(BaseModel):
    """A value, and exactly how it was computed."""

    value: float
    signature: str


class Data(BaseModel):
    """What was measured on."""

    hash: str
    """Over every token id that was read or compared with."""
    items: int
    tokens: int
    """Number of second-half tokens."""
    too_short: list[str]
    """Ids of the texts left out because they have fewer than 8 tokens."""
    items_no_hashtags: int
    too_short_no_hashtags: list[str]
    """Ids left out of the perplexity without hashtags only."""


class Report(BaseModel):
    """`report.json`."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION
    kind: Literal["half-split"] = "half-split"
    created_at: str
    brand: str
    base_model: str
    """`model.base` of brand.toml."""
    model_hashes: dict[str, str]
    data: Data
    scores: dict[RowName, dict[str, Score]]
    """Of each row its scores by figure. `echo` says the first half again and has no perplexity."""
    change_percent: dict[str, float | None]
    """From base to tuned; None where the base's value is 0."""
    versions: dict[str, str]

    def value(self, row: RowName, figure: str) -> float | None:
        """One cell of the table; None where the row has no such score."""
        score = self.scores[row].get(figure)
        return score.value if score else None


def changes(base: dict[str, Score], tuned: dict[str, Score]) -> dict[str, float | None]:
    """Change of each figure from base to tuned, per cent."""
    return {
        figure.key: change_percent(base[figure.key].value, tuned[figure.key].value)
        for figure in FIGURES
        if figure.key in base and figure.key in tuned
    }


def parse_report(values: object, source: Path | str) -> Report:
    """Check a report that was read from `source`.

    Raises:
        OnbrandError: it is of another schema.
    """
    try:
        return Report.model_validate(values)
    except ValidationError as error:
        raise OnbrandError(
            f"{source} holds no report of schema {SCHEMA_VERSION}; run `onbrand eval --force`."
        ) from error


def write_samples(path: Path, samples: Sequence[Sample]) -> None:
    """One JSON object a line, in the order of the test split."""
    path.write_text("".join(sample.model_dump_json() + "\n" for sample in samples), "utf-8")


def read_samples(path: Path) -> list[Sample]:
    """Read `samples.jsonl`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Sample.model_validate_json(line) for line in lines]
