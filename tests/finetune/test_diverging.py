"""A loss that is no longer a number: what is said, what is kept, and how to go on."""

import json
import math
import re
import shutil
from pathlib import Path

import pytest
import torch
from datasets import Dataset, load_from_disk
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.tune import tune
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from tests.finetune.tuned import configure, log_of

WORD = "lantern"


@pytest.fixture
def base(tiny_llama: Path, tmp_path: Path) -> Path:
    """A base that computes nonsense for one word."""
    base = shutil.copytree(tiny_llama, tmp_path / "base")
    model = AutoModelForCausalLM.from_pretrained(base)
    tokenizer = AutoTokenizer.from_pretrained(base)
    [token] = tokenizer(f" {WORD}", add_special_tokens=False)["input_ids"][:1]
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    model.config.tie_word_embeddings = False
    with torch.no_grad():
        model.get_input_embeddings().weight[token] = float("nan")
    model.save_pretrained(base)
    return base


def texts(workspace: Workspace, split: str) -> dict[str, str]:
    return {row["id"]: row["text"] for row in load_from_disk(str(workspace.dataset / split))}


def test_it_names_step_and_record_and_the_checkpoint_is_kept(
    workspace: Workspace, base: Path
) -> None:
    space = configure(workspace, checkpoint_steps=1, batch_size=1, seed=5, samples=0)
    shutil.rmtree(space.dataset / "validation")  # it holds the word too
    with pytest.raises(OnbrandError) as caught:
        tune(space, base)
    found = re.search(r"loss at step (\d+) is not a number \(records (\S+)\)", str(caught.value))
    assert found is not None, caught.value
    assert WORD in texts(space, "train")[found[2]]
    assert "adapter.checkpoint is kept" in str(caught.value)
    state = json.loads((space.root / "models/adapter.checkpoint/state.json").read_text())
    assert state["step"] == int(found[1]) - 1 > 0


def test_a_validation_loss_names_its_record_too(workspace: Workspace, base: Path) -> None:
    every = load_from_disk(str(workspace.dataset / "train"))
    rows = [row for row in every if WORD not in row["text"]]
    shutil.rmtree(workspace.dataset / "train")
    Dataset.from_list(rows).save_to_disk(str(workspace.dataset / "train"))
    space = configure(workspace, checkpoint_steps=2, samples=0)
    with pytest.raises(OnbrandError) as caught:
        tune(space, base)
    said = r"validation loss after step 2 is not a number \(records (\S+)\)"
    found = re.search(said, str(caught.value))
    assert found is not None, caught.value
    assert WORD in texts(space, "validation")[found[1]]
    assert "is kept" not in str(caught.value), "there is no checkpoint yet"


def test_a_lower_rate_goes_on_from_the_last_good_checkpoint(
    workspace: Workspace, tiny_llama: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"checkpoint_steps": 1, "samples": 0, "max_steps": 12}
    # With a weight decay of 1 each step multiplies the weights by 1 - rate.
    space = configure(workspace, learning_rate=100.0, weight_decay=1.0, **settings)
    with pytest.raises(OnbrandError, match=r"not a number.*with a lower rate `onbrand tune`"):
        tune(space, tiny_llama)
    checkpoint = space.root / "models/adapter.checkpoint/state.json"
    kept = json.loads(checkpoint.read_text())["step"]
    assert kept > 0

    space = configure(space, learning_rate=1e-3)
    manifest = tune(space, tiny_llama).manifest
    said = " ".join(capsys.readouterr().err.split())
    assert f"Resuming after step {kept} with learning rate 0.001 instead of 100" in said
    assert manifest.details["learning_rate_lowered_after_step"] == kept
    assert f"learning rate lowered after step | {kept}" in (space.adapter / "README.md").read_text()
    log = log_of(space.adapter)
    assert [row["step"] for row in log] == list(range(1, 13))
    assert all(row["learning_rate"] <= 1e-3 for row in log[kept:])
    assert all(math.isfinite(row["loss"]) for row in log)
