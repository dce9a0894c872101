"""The examples of a split, as tuning, planning and showing them all make them."""

from typing import Any

from datasets import load_from_disk

from finetune.examples import Example, make_examples
from onbrand.artifact import required_manifest
from onbrand.errors import OnbrandError
from onbrand.record import Record
from onbrand.workspace import Workspace


def examples_of(workspace: Workspace, split: str, tokenizer: Any) -> list[Example]:
    """The examples of one split; none where a share of 0 left the split out.

    Raises:
        OnbrandError: no data set, nothing to train on, or a record that yields no example.
    """
    required_manifest(workspace.dataset, "data set", "build")
    folder = workspace.dataset / split
    rows = load_from_disk(str(folder)) if folder.is_dir() else []
    records = [Record.model_validate(row) for row in rows]
    config = workspace.config
    examples = make_examples(records, config.brand, tokenizer, config.tune.max_tokens)
    if split == "train" and not examples:
        raise OnbrandError(f"{workspace.dataset} has no training texts; add sources and rebuild.")
    return examples
