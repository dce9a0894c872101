"""Whether the model has learned to stop."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers.modeling_outputs import CausalLMOutput

from finetune.data import examples_of
from finetune.examples import Example
from finetune.merge import merge
from finetune.model import add_adapter, load_base, load_tokenizer
from finetune.stops import PROMPTS, measure_stops, shortest_prompts
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


class SaysOneToken:
    """A model that always says the same, however it is asked."""

    def __init__(self, said: int) -> None:
        self.said, self.generation_config = said, SimpleNamespace(eos_token_id=EOS)

    def __call__(self, *, input_ids: torch.Tensor, logits_to_keep: int) -> CausalLMOutput:
        logits = torch.zeros(1, logits_to_keep, 10)
        logits[..., self.said] = 5
        return CausalLMOutput(logits=logits)

    def generate(self, *, input_ids: torch.Tensor, **_: object) -> torch.Tensor:
        return torch.cat([input_ids, torch.full((len(input_ids), 1), self.said)], dim=1)


def measured(model: SaysOneToken, examples: list[Example]) -> Stops:
    tokenizer = SimpleNamespace(eos_token_id=EOS, pad_token_id=0)
    return measure_stops(model, model, tokenizer, examples)


CUT = [answered(1, 8, end=9), answered(1, 8, end=9), answered(1, 4)]
"""A long text in three pieces."""


def test_where_all_texts_were_cut_their_last_pieces_are_asked_for() -> None:
    good, bad = measured(SaysOneToken(EOS), CUT * 30), measured(SaysOneToken(7), CUT * 30)
    assert (good.prompts, good.ended, good.answers) == (0, 16, 16)
    assert good.learned
    assert (bad.prompts, bad.ended, bad.answers) == (0, 0, 16)
    assert not bad.learned


def test_where_no_answer_ends_nothing_is_learned() -> None:
    stops = measured(SaysOneToken(EOS), CUT[:2])
    assert (stops.prompts, stops.answers) == (0, 0)
    assert not stops.learned


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"answers": 0}, "No training answer ends in EOS, since all texts were cut, .*max_tokens"),
        ({"answers": 9}, "has not learned to end its answers: after 0 of 9 training answers"),
    ],
)
def test_what_was_not_asked_is_not_told(
    tuned_once: Path,
    tiny_llama: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: dict[str, int],
    says: str,
) -> None:
    stops = STOPS.model_copy(update={"prompts": 0, "limit": 0, **figures})
    monkeypatch.setattr("finetune.verify.measure_stops", lambda *_: stops)
    with pytest.raises(OnbrandError, match=says):
        merge(Workspace(shutil.copytree(tuned_once, tmp_path / "workspace")), tiny_llama)


STOPS = Stops(prompts=10, stopped=0, limit=64, answers=16, ended=0, end_loss=2.0, base_end_loss=9.0)


@pytest.mark.parametrize(
    ("figures", "learned"),
    [
        ({}, False),  # EOS is likelier than for the base, but never said
        ({"stopped": 8}, True),
        ({"stopped": 7}, False),
        ({"ended": 13}, True),  # greedy answers go round in circles, as those of small models do
        ({"ended": 12}, False),
        ({"prompts": 0, "answers": 0}, False),  # nothing was asked
        ({"prompts": 0, "ended": 13}, True),  # all texts were cut; asked after their last pieces
        ({"prompts": 0, "ended": 12}, False),
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
