"""Whether the model has learned to stop."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from finetune.data import examples_of
from finetune.examples import Example
from finetune.merge import merge
from finetune.model import add_adapter, load_base, load_tokenizer
from finetune.stops import PROMPTS, shortest_prompts
from finetune.verification import Stops, read_verification
from onbrand.artifact import read_manifest, write_manifest
from onbrand.config import Tune
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from tests.finetune.merging import CPU

EOS = 2


def answered(prompt: int, tokens: int, end: int = EOS) -> Example:
    return Example("r", "write", [prompt], [7] * (tokens - 1) + [end])


def test_each_prompt_is_asked_once_and_the_shortest_are() -> None:
    examples = [answered(prompt, prompt + 3) for prompt in range(30)] * 2 + [answered(0, 20)]
    chosen = shortest_prompts(examples, EOS)
    assert len(chosen) == PROMPTS
    assert list(chosen)[:2] == [(1,), (2,)]
    assert chosen[1,] == 4
    assert (0,) not in chosen, "one of its answers is long"


def test_a_prompt_whose_answers_were_cut_is_not_asked() -> None:
    cut = [answered(1, 8, end=9), answered(1, 8)]
    whole = [answered(3, 8), answered(3, 8), answered(3, 9, end=9)]
    assert shortest_prompts([*cut, *whole], EOS) == {(3,): 9}


def test_a_model_that_never_saw_the_end_fails(
    tuned_once: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    workspace = Workspace(shutil.copytree(tuned_once, tmp_path / "workspace"))
    tune_without_end(workspace, tiny_llama)
    with pytest.raises(OnbrandError, match="end_not_learned is 1, the limit 0"):
        merge(workspace, tiny_llama)
    verification = read_verification(workspace.verification)
    assert verification is not None
    assert [check.name for check in verification.failed] == ["end_not_learned"]
    assert verification.stops.stopped == 0
    assert verification.stops.end_loss > verification.stops.base_end_loss
    assert read_manifest(workspace.merged) is None


def test_a_loop_alone_does_not_fail() -> None:
    """Greedy answers of a small model may go round in circles although EOS was learned."""
    stops = Stops(prompts=10, stopped=0, limit=64, end_loss=2.0, base_end_loss=9.0)
    assert stops.learned
    assert not stops.model_copy(update={"end_loss": 9.5}).learned
    assert stops.model_copy(update={"stopped": 8, "end_loss": 9.5}).learned
    assert not stops.model_copy(update={"end_loss": float("nan")}).learned


def tune_without_end(workspace: Workspace, base: Path) -> None:
    """An adapter for the same texts, but nothing was learned of what comes after them."""
    examples = examples_of(workspace, "train", load_tokenizer(base))[:8]
    model: Any = add_adapter(load_base(base, "lora", CPU, torch.float32), Tune())
    optimizer = torch.optim.AdamW(
        [parameter for parameter in model.parameters() if parameter.requires_grad], lr=0.02
    )
    for _ in range(5):
        for example in examples:
            ids = torch.tensor([example.prompt + example.answer[:-1]])
            start = len(example.prompt)
            logits = model(input_ids=ids).logits[0, start - 1 : -1]
            cross_entropy(logits, ids[0, start:]).backward()
            optimizer.step()
            optimizer.zero_grad()
    model.save_pretrained(workspace.adapter)
    manifest = read_manifest(workspace.adapter)
    assert manifest is not None
    manifest.details |= {"method": "lora", "dtype": "float32"}
    write_manifest(workspace.adapter, manifest)
