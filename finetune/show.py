"""What a run learns from, for a person to read: `onbrand tune --show N`."""

import random
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from finetune.data import examples_of
from finetune.examples import Example
from finetune.model import load_tokenizer
from onbrand.workspace import Workspace

TRAINED = "black on green"
SEEN = "dim"


def shown_examples(workspace: Workspace, base: Path, count: int) -> Iterator[Text]:
    """So many training examples, drawn by `[tune] seed`, the trained tokens coloured.

    They stand between ⟦ and ⟧ too, for readers without colours.

    Raises:
        OnbrandError: as `examples_of`.
    """
    tokenizer = load_tokenizer(base)
    examples = examples_of(workspace, "train", tokenizer)
    drawn = random.Random(workspace.config.tune.seed).sample(examples, min(count, len(examples)))
    for example in drawn:
        yield _shown(example, tokenizer.decode(example.prompt), tokenizer.decode(example.answer))


def _shown(example: Example, prompt: str, answer: str) -> Text:
    head = (
        f"{example.record_id} ({example.form}): {len(example.prompt)} tokens seen, "
        f"{len(example.answer)} trained\n"
    )
    return Text.assemble((head, "bold"), (prompt, SEEN), "⟦", (answer, TRAINED), "⟧", "\n")
