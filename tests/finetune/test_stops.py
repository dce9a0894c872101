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
from finetune.tune import tune
from finetune.verification import Stops, read_verification
from onbrand.artifact import read_manifest, write_manifest
from onbrand.config import Tune
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace
from tests.finetune.merging import CPU
from tests.finetune.tuned import configure

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
    with pytest.raises(OnbrandError, match=r"has not learned to end its answers: .* Tune longer"):
        merge(workspace, tiny_llama)
    verification = read_verification(workspace.verification)
    assert verification is not None
    assert [check.name for check in verification.failed] == ["end_not_learned"]
    assert verification.stops.stopped == verification.stops.ended == 0
    assert verification.stops.end_loss > verification.stops.base_end_loss
    assert read_manifest(workspace.merged) is None


STOPS = Stops(prompts=10, stopped=0, limit=64, answers=16, ended=0, end_loss=2.0, base_end_loss=9.0)


@pytest.mark.parametrize(
    ("figures", "learned"),
    [
        ({}, False),  # EOS is likelier than for the base, but never said
        ({"stopped": 8}, True),
        ({"stopped": 7}, False),
        ({"ended": 13}, True),  # greedy answers go round in circles, as those of small models do
        ({"ended": 12}, False),
        ({"prompts": 0, "answers": 0}, True),  # no whole text was learned
    ],
)
def test_eight_of_ten_answers_end_or_would(figures: dict[str, int], learned: bool) -> None:
    assert STOPS.model_copy(update=figures).learned is learned


def test_a_model_that_says_the_end_more_often_than_the_base_has_not_learned_it(
    workspace: Workspace, tiny_llama: Path
) -> None:
    """Tuned for one step with EOS: likelier than before, and still not said."""
    space = configure(workspace, max_steps=1, samples=0)
    tune(space, tiny_llama)
    with pytest.raises(OnbrandError, match=r"has not learned to end its answers: .* Tune longer"):
        merge(space, tiny_llama)
    verification = read_verification(space.verification)
    assert verification is not None
    assert verification.stops.end_loss < verification.stops.base_end_loss
    assert verification.stops.ended == 0


@pytest.mark.parametrize(("stopped", "warned"), [(4, True), (5, False)])
def test_answers_that_do_not_end_are_told(
    tuned_once: Path,
    tiny_llama: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stopped: int,
    warned: bool,
) -> None:
    """Of a model that knows EOS, and so is kept."""
    stops = STOPS.model_copy(update={"stopped": stopped, "ended": 16})
    monkeypatch.setattr("finetune.verify.measure_stops", lambda *_: stops)
    merge(Workspace(shutil.copytree(tuned_once, tmp_path / "workspace")), tiny_llama)
    said = " ".join(capsys.readouterr().err.split())
    assert ("Only 4 of 10 greedy answers end within 64 tokens" in said) is warned


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
