"""What people are asked: pairs of continuations, in an order that tells nothing."""

import random
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from eval.generate.stage_files import Generated
from eval.report.schema import BRAND
from onbrand.errors import OnbrandError

KEY_NAME = "rating-key.json"
"""Which row is on which side. Not for those who rate."""

CONTROLS = 3
"""One question in so many sets the last model against the brand itself, which shows whether those
who rate can tell the brand at all."""


class Question(BaseModel):
    """One question, with what only the key may say."""

    number: int
    id: str
    """Of the text."""
    first_half: str
    left: str
    right: str
    """Names of rows; `brand` is the real second half."""
    left_text: str
    right_text: str


class Key(BaseModel):
    """`rating-key.json`."""

    version: Literal[1] = 1
    title: str
    questions: list[Question]


def questions_from(generated: Generated, rows: tuple[str, str], most_texts: int) -> list[Question]:
    """Questions about the first `most_texts` texts, drawn into a random order.

    Both which text is asked about next and who stands on the left are chance, by the report's seed.
    Pairs that are equal word for word are left out: there is nothing to choose.
    """
    chance = random.Random(generated.setup.seed)
    places = list(range(len(generated.texts)))
    chosen = sorted(chance.sample(places, min(most_texts, len(places))))
    shown = {name: [output.shown for output in generated.of(name)] for name in rows}
    shown[BRAND] = [text.second_half for text in generated.texts]
    pairs = [(place, *rows) for place in chosen]
    pairs += [(place, rows[1], BRAND) for place in chosen[::CONTROLS]]
    pairs = [(p, a, b) for p, a, b in pairs if shown[a][p].strip() != shown[b][p].strip()]
    chance.shuffle(pairs)
    questions = []
    for number, (place, a, b) in enumerate(pairs, start=1):
        left, right = (a, b) if chance.random() < 0.5 else (b, a)
        text = generated.texts[place]
        questions.append(
            Question(
                number=number,
                id=text.id,
                first_half=text.first_half,
                left=left,
                right=right,
                left_text=shown[left][place].strip(),
                right_text=shown[right][place].strip(),
            )
        )
    return questions


def read_key(folder: Path) -> Key:
    """Read the key of a report's sheet.

    Raises:
        OnbrandError: there is none, or it is of another version.
    """
    path = folder / KEY_NAME
    try:
        return Key.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OnbrandError(
            f"{folder} holds no sheet that was handed out; run `onbrand eval rate` first."
        ) from error
    except ValidationError as error:
        raise OnbrandError(
            f"{path} was written by another version of Onbrand; run `onbrand eval rate` again."
        ) from error
