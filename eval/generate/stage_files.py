"""What the stages hand on, as files in the report's folder.

`split.jsonl` the halves, `train.jsonl` what training saw, `outputs.jsonl` what the models wrote,
`verdicts.jsonl` and `ratings.jsonl` what a judge and people said of it, `setup.json` how all that
was made.

Everything after generation reads these files and no model.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from eval.half_split import HalfSplit, halves_hash
from eval.held_out import HeldOutText
from eval.models.card import ModelCard
from eval.models.model import Greedy, PaddingCheck, Sampled, Sampling
from onbrand.errors import OnbrandError
from onbrand.json_lines import read_json_lines, write_json_lines
from onbrand.record import Source

SPLIT_NAME = "split.jsonl"
TRAIN_NAME = "train.jsonl"
OUTPUTS_NAME = "outputs.jsonl"
VERDICTS_NAME = "verdicts.jsonl"
RATINGS_NAME = "ratings.jsonl"
SETUP_NAME = "setup.json"

STAGES_VERSION: Literal[1] = 1

Choice = Literal["first", "second", "neither"]
"""Of two texts, by the order in which they were shown; `neither` also for an unusable answer."""


class SplitText(BaseModel):
    """One test text, cut in half."""

    id: str
    source: Source
    title: str
    group: str
    """Its source document."""
    tokens: int
    """Number of tokens of the second half."""
    first_half: str
    second_half: str
    cut: str = ""
    """Hash of the two as they were cut; empty in files of before there was one."""


class TrainText(BaseModel):
    """One text that training saw."""

    id: str
    group: str
    text: str
    second_half: str
    """Cut as the test texts are; empty where the text is too short for that."""


class Output(BaseModel):
    """What one model made of one text."""

    model: str
    id: str
    greedy: Greedy
    sampled: list[Sampled] = []
    """One a seed."""
    tokens: int
    """Number of tokens of the real second half, in this model's own tokens."""
    nll: float | None = None
    """Negative log-likelihood of the real second half, nats."""
    tokens_no_hashtags: int | None = None
    """The same for the text without its hashtags; None where that is too short to split."""
    nll_no_hashtags: float | None = None

    @property
    def shown(self) -> str:
        """What people and judges are shown: as long as the model wanted it."""
        return self.sampled[0].text if self.sampled else self.greedy.natural


class Checked(BaseModel):
    """A model's answers to the same prompts in a batch and alone."""

    model: str
    checks: list[PaddingCheck]


class Verdict(BaseModel):
    """What a judge answered about one pair of continuations, asked in both orders."""

    judge: str
    id: str
    a: str
    b: str
    """The two models."""
    a_first: Choice
    """The answer when A's text was shown first."""
    b_first: Choice


class Rating(BaseModel):
    """One person's choice between two rows' texts, with the blinding taken off."""

    rater: str
    question: int
    id: str
    """Of the text."""
    a: str
    b: str
    """The two rows; `brand` is the real second half."""
    winner: Literal["a", "b", "tie"]


class Setup(BaseModel):
    """How the outputs were made."""

    stages_version: Literal[1] = STAGES_VERSION
    kind: Literal["half-split", "comparison"]
    brand: str
    base_model: str
    models: list[ModelCard]
    data_hash: str
    """Over every token id that was read or compared with."""
    too_short: list[str]
    too_short_no_hashtags: list[str]
    max_tokens: int
    samplings: list[Sampling]
    seed: int
    padding_checks: list[Checked]
    versions: dict[str, str]
    tuned_on_other_data: list[str] = []
    """Models that were tuned on another data set than this one."""


class Generated(BaseModel):
    """All that scoring starts from."""

    setup: Setup
    texts: list[SplitText]
    train: list[TrainText]
    outputs: list[Output]
    verdicts: list[Verdict] = []
    ratings: list[Rating] = []

    def of(self, model: str) -> list[Output]:
        """One model's outputs, in the order of the texts."""
        own = {output.id: output for output in self.outputs if output.model == model}
        return [own[text.id] for text in self.texts]


def split_texts(split: HalfSplit) -> list[SplitText]:
    """The items as they are written down."""
    return [
        SplitText(
            id=item.id,
            source=item.source,
            title=item.title,
            group=item.group,
            tokens=len(item.second_ids),
            first_half=item.first_half,
            second_half=item.second_half,
            cut=halves_hash(item.first_half, item.second_half),
        )
        for item in split.items
    ]


def train_texts(texts: Sequence[HeldOutText], split: HalfSplit) -> list[TrainText]:
    """What training saw, whole and cut."""
    halves = {item.id: item.second_half for item in split.items}
    return [
        TrainText(
            id=text.id,
            group=text.group or text.id,
            text=text.text,
            second_half=halves.get(text.id, ""),
        )
        for text in texts
    ]


def write_stages(folder: Path, generated: Generated) -> None:
    """Write the files."""
    write_json_lines(folder / SPLIT_NAME, generated.texts)
    write_json_lines(folder / TRAIN_NAME, generated.train)
    write_json_lines(folder / OUTPUTS_NAME, generated.outputs)
    if generated.verdicts:
        write_json_lines(folder / VERDICTS_NAME, generated.verdicts)
    if generated.ratings:
        write_json_lines(folder / RATINGS_NAME, generated.ratings)
    content = generated.setup.model_dump_json(indent=2) + "\n"
    (folder / SETUP_NAME).write_text(content, encoding="utf-8")


def read_stages(folder: Path) -> Generated:
    """Read the files.

    Raises:
        OnbrandError: one is missing, is of another version, or does not fit the others.
    """
    path = folder / SETUP_NAME
    try:
        setup = Setup.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OnbrandError(
            f"{folder} holds no {SETUP_NAME}, so it cannot be scored again; run `onbrand eval`."
        ) from error
    except ValidationError as error:
        raise OnbrandError(
            f"{path} was written by another version of Onbrand; run `onbrand eval --force`."
        ) from error
    remedy = "run `onbrand eval --force`"
    texts = read_json_lines(folder / SPLIT_NAME, SplitText, "a split text", remedy)
    train = read_json_lines(folder / TRAIN_NAME, TrainText, "a training text", remedy)
    outputs = read_json_lines(folder / OUTPUTS_NAME, Output, "a model's output", remedy)
    verdicts: Iterable[Verdict] = []
    if (folder / VERDICTS_NAME).is_file():
        verdicts = read_json_lines(folder / VERDICTS_NAME, Verdict, "a judge's verdict", remedy)
    ratings: Iterable[Rating] = []
    if (folder / RATINGS_NAME).is_file():
        ratings = read_json_lines(folder / RATINGS_NAME, Rating, "a person's rating", remedy)
    generated = Generated(
        setup=setup,
        texts=list(texts),
        train=list(train),
        outputs=list(outputs),
        verdicts=list(verdicts),
        ratings=list(ratings),
    )
    _check(folder, generated)
    return generated


def _check(folder: Path, generated: Generated) -> None:
    ids = [text.id for text in generated.texts]
    for card in generated.setup.models:
        own = [output.id for output in generated.outputs if output.model == card.name]
        if sorted(own) != sorted(ids):
            raise OnbrandError(
                f"{folder / OUTPUTS_NAME} does not hold exactly one output of {card.name} for each "
                f"text of {SPLIT_NAME}; correct it, or run `onbrand eval --force`."
            )


def samplings(seed: int, count: int, temperature: float, top_p: float) -> Sequence[Sampling]:
    """One a seed: `seed`, `seed + 1`, …"""
    return [Sampling(temperature, top_p, seed + number) for number in range(count)]
