"""The examples of a split, as tuning, planning and showing them all make them."""

import json
from dataclasses import asdict
from typing import Any

from finetune.examples import Example, make_examples, question_examples
from finetune.material import Material
from finetune.teacher import ask_for_briefs
from onbrand.artifact import file_hash
from onbrand.atomic import write_text
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace

FEWEST = 10
"""Training examples that a run needs."""


def examples_of(workspace: Workspace, split: str, tokenizer: Any) -> list[Example]:
    """The examples of one split, for who needs no other; see `examples_from`."""
    return examples_from(Material(workspace, tokenizer), split)


def examples_from(material: Material, split: str) -> list[Example]:
    """The examples of one split; none where a share of 0 left the split out.

    No teacher is asked: briefs come from what `prepare_examples` left, and from the records
    themselves where it left none. Question files are for training alone.

    Raises:
        OnbrandError: no data set, too little to train on, or a record that yields no example.
        UsageError: a question file that cannot be used.
    """
    recipe, tokenizer = material.recipe, material.tokenizer
    examples = list(make_examples(material.records[split], recipe, tokenizer))
    if split != "train":
        return examples
    examples += question_examples(material.kept_questions(), recipe, tokenizer)
    if len(examples) < FEWEST:
        raise OnbrandError(
            f"{material.workspace.dataset} gives {len(examples)} training examples and a run needs "
            f"{FEWEST} at least; add sources or question files, or raise the shares in [examples]."
        )
    return examples


def prepare_examples(material: Material) -> None:
    """What tuning does once before it makes examples: everything that writes or asks.

    Leaves `models/questions-rejected.jsonl`, and `models/briefs.jsonl` with the teacher's briefs
    that were missing for the texts that are trained and validated on.

    Raises:
        OnbrandError: no data set, or a teacher that cannot be reached or gives no briefs.
        UsageError: a teacher or a question file that cannot be used.
    """
    _list_rejected_questions(material)
    if missing := material.missing_briefs():
        ask_for_briefs(material.workspace.config.teacher, missing, material.briefs_path)
        answered = material.answered_briefs().values()
        if count := len(material.wanted_briefs) - sum(not row.reason for row in answered):
            notes.print(
                f"{count} of {len(material.wanted_briefs)} briefs of the teacher are set aside, "
                f"with the reason in models/{material.briefs_path.name}; the records' own stand in."
            )


def example_inputs(workspace: Workspace) -> dict[str, str]:
    """Hash of each question file, by name: what examples depend on beside data set and settings.

    Raises:
        UsageError: a file cannot be read.
    """
    inputs = {}
    for name in workspace.config.examples.question_files:
        path = workspace.input_path(name)
        try:
            inputs[f"questions {name}"] = file_hash(path)
        except OSError as error:
            raise UsageError(
                f"{path} cannot be read ({error.strerror}); correct [examples] question_files."
            ) from error
    return inputs


def _list_rejected_questions(material: Material) -> None:
    """Write the rows that are set aside; where there is none, no file is left either."""
    path, rejected = material.rejected_questions_path, material.rejected_questions()
    if not rejected:
        path.unlink(missing_ok=True)
        return
    lines = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rejected]
    write_text(path, "".join(lines))
    notes.print(
        f"{len(rejected)} of {len(material.questions)} rows of the question files are set aside, "
        f"with the reason in models/{path.name}."
    )
