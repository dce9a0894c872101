"""What a run learns from, for a person to read: `onbrand tune --show N`."""

import random
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path

from rich.text import Text

from finetune.data import examples_from
from finetune.examples import Example
from finetune.material import Material
from finetune.model import check_base, load_tokenizer
from onbrand.console import notes
from onbrand.workspace import Workspace

TRAINED = "black on green"
SEEN = "dim"


def shown_examples(workspace: Workspace, base: Path, count: int) -> Iterator[Text]:
    """So many training examples, drawn by `[tune] seed`, the trained tokens coloured.

    They stand between ⟦ and ⟧ too, for readers without colours. The forms take turns, so that a
    few examples show all of them.

    Raises:
        OnbrandError: no causal language model in `base`; else as `examples_from`.
        UsageError: its context or chat template does not fit.
    """
    check_base(base, workspace.config.tune.max_tokens)
    tokenizer = load_tokenizer(base)
    material = Material(workspace, tokenizer)
    examples = examples_from(material, "train")
    if missing := len(material.missing_briefs()):
        notes.print(
            f"The teacher has still to be asked for {missing} briefs, which `onbrand tune` does; "
            "the records' own stand here in their place."
        )
    for example in islice(_drawn(examples, workspace.config.tune.seed), count):
        yield _shown(example, tokenizer.decode(example.prompt), tokenizer.decode(example.answer))


def _drawn(examples: list[Example], seed: int) -> Iterator[Example]:
    """All examples in a random order in which the forms take turns."""
    by_form: dict[str, list[Example]] = {}
    for example in random.Random(seed).sample(examples, len(examples)):
        by_form.setdefault(example.form, []).append(example)
    turns = zip_longest(*(by_form[form] for form in sorted(by_form)))
    return (example for example in chain.from_iterable(turns) if example)


def _shown(example: Example, prompt: str, answer: str) -> Text:
    head = (
        f"{example.record_id} ({example.form}): {len(example.prompt)} tokens seen, "
        f"{len(example.answer)} trained\n"
    )
    return Text.assemble((head, "bold"), (prompt, SEEN), "⟦", (answer, TRAINED), "⟧", "\n")
