"""Which unfinished run a new one goes on with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finetune import checkpoint
from finetune.examples import Example
from finetune.resume import hash_of, is_unfinished, new_state, state_to_start_from
from finetune.tune import tune
from onbrand.config import BrandConfig, Tune
from onbrand.workspace import Workspace
from tests.finetune.tuned import configure, log_of, losses

DECISIVE: dict[str, Any] = {
    "method": "lora",
    "rank": 4,
    "alpha": 8,
    "rslora": True,
    "dora": True,
    "modules": ["q_proj"],
    "warmup_share": 0.2,
    "epochs": 1.0,
    "max_steps": 7,
    "batch_size": 4,
    "max_tokens": 128,
    "weight_decay": 0.1,
    "clip": 0.5,
    "seed": 14,
    "dropout": 0.1,
}
COMPARED_APART = {"learning_rate": 1e-4}
FREE: dict[str, Any] = {
    "recompute": True,
    "shard": True,
    "checkpoint_steps": 3,
    "patience": 2,
    "samples": 0,
}
FREE_WITHOUT_DROPOUT: dict[str, Any] = {
    "micro_batch_size": 2,
    "packing": False,
    "pack_tokens": 512,
}
INPUTS = {"dataset": "d", "base": "b"}
DONE = 5
"""Steps of the checkpoint."""


def state_with(**tune: Any) -> checkpoint.RunState:
    return new_state(BrandConfig(tune=Tune(**tune)), INPUTS, tune.get("learning_rate", 1e-3))


def test_each_key_is_decided_upon() -> None:
    assert {*DECISIVE, *COMPARED_APART, *FREE, *FREE_WITHOUT_DROPOUT} == set(Tune.model_fields)


@pytest.mark.parametrize("key", DECISIVE)
def test_what_decides_the_steps_makes_another_run(key: str) -> None:
    assert state_with(**{key: DECISIVE[key]}).fingerprint != state_with().fingerprint


@pytest.mark.parametrize("key", [*FREE, *FREE_WITHOUT_DROPOUT, *COMPARED_APART])
def test_the_rest_does_not_but_makes_another_adapter(key: str) -> None:
    changed = state_with(**{key: (FREE | FREE_WITHOUT_DROPOUT | COMPARED_APART)[key]})
    assert changed.fingerprint == state_with().fingerprint
    assert changed.settings != state_with().settings


@pytest.mark.parametrize("key", FREE_WITHOUT_DROPOUT)
def test_with_dropout_the_passes_decide_too(key: str) -> None:
    changed = state_with(dropout=0.1, **{key: FREE_WITHOUT_DROPOUT[key]})
    assert changed.fingerprint != state_with(dropout=0.1).fingerprint


@pytest.mark.parametrize("key", FREE)
def test_with_dropout_the_rest_does_not(key: str) -> None:
    changed = state_with(dropout=0.1, **{key: FREE[key]})
    assert changed.fingerprint == state_with(dropout=0.1).fingerprint


def test_other_data_is_another_run() -> None:
    config = BrandConfig()
    assert (
        new_state(config, INPUTS | {"dataset": "e"}, 1e-3).fingerprint
        != new_state(config, INPUTS, 1e-3).fingerprint
    )


def test_other_examples_are_another_run() -> None:
    """A brief that was worded anew between the kill and the next start."""
    before = hash_of([Example("a", "brief", [1, 2], [3])])
    after = hash_of([Example("a", "brief", [1, 4], [3])])
    found, new = replace(state_with(), step=DONE, examples=before), state_with()
    for examples, step in ((before, DONE), (after, 0)):
        assert state_to_start_from(found, replace(new, examples=examples), Path("c")).step == step


@pytest.mark.parametrize(
    ("diverging", "rate", "goes_on"),
    [
        (False, 1e-3, True),
        (False, 1e-4, False),
        (False, 1e-2, False),
        (True, 1e-3, True),
        (True, 1e-4, True),
        (True, 1e-2, False),
    ],
)
def test_only_after_a_divergence_a_lower_rate_goes_on(
    diverging: bool, rate: float, goes_on: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    found = replace(state_with(), step=DONE, is_diverging=diverging)
    state = state_to_start_from(found, state_with(learning_rate=rate), Path("adapter.checkpoint"))
    said = capsys.readouterr().err
    assert state.step == (DONE if goes_on else 0)
    assert state.learning_rate == rate
    assert state.lowered_after == (DONE if goes_on and rate < 1e-3 else 0)
    assert ("Resuming after step 5" in said) == goes_on
    assert ("begins anew" in said) != goes_on
    assert not state.is_diverging, "it is not yet, at this rate"


def test_a_run_that_was_only_begun_has_nothing_to_go_on_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = state_with()
    checkpoint.begin(tmp_path / "adapter.checkpoint", new)
    found = checkpoint.read(tmp_path / "adapter.checkpoint")
    assert is_unfinished(found, new)
    assert not is_unfinished(found, state_with(samples=0))
    assert not is_unfinished(None, new)
    assert state_to_start_from(found, new, tmp_path) is new
    assert not capsys.readouterr().err


class StoppedError(BaseException):
    """As Ctrl-C or a kill would end a run."""


def stop(*_: object) -> None:
    raise StoppedError


def stop_after_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    real = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda *a: (real(*a), stop()))


def test_what_costs_only_memory_or_time_may_change_on_the_way(
    workspace: Workspace,
    tiny_llama: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = {"max_steps": 8, "checkpoint_steps": 4, "learning_rate": 2e-3, "samples": 0}
    space = configure(workspace, **settings)
    tune(space, tiny_llama)
    expected = losses(log_of(space.adapter))
    with monkeypatch.context() as patched:
        stop_after_a_checkpoint(patched)
        with pytest.raises(StoppedError):
            tune(space, tiny_llama, force=True)
    changed = {"micro_batch_size": 2, "recompute": True, "samples": 1, "checkpoint_steps": 2}
    space = configure(space, **changed)
    assert not tune(space, tiny_llama).was_current
    assert "Resuming after step 4." in capsys.readouterr().err
    assert losses(log_of(space.adapter)) == pytest.approx(expected, abs=1e-5)


def test_a_forced_run_that_did_not_end_is_gone_on_with(
    workspace: Workspace,
    tiny_llama: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the next one without --force, although the adapter of the run before is up to date."""
    space = configure(workspace, max_steps=4, checkpoint_steps=2, samples=0)
    tune(space, tiny_llama)
    with monkeypatch.context() as patched:
        patched.setattr("finetune.tune.train", stop)
        with pytest.raises(StoppedError):
            tune(space, tiny_llama, force=True)
    assert not tune(space, tiny_llama).was_current, "it was killed before its first checkpoint"
    assert tune(space, tiny_llama).was_current

    for force in (True, False):
        with monkeypatch.context() as patched:
            stop_after_a_checkpoint(patched)
            with pytest.raises(StoppedError):
                tune(space, tiny_llama, force=True)
        capsys.readouterr()
        assert not tune(space, tiny_llama, force=force).was_current
        resumed = "Resuming after step 2." in capsys.readouterr().err
        assert resumed is not force, "--force begins anew"


def test_another_runs_checkpoint_does_not_undo_an_adapter(
    workspace: Workspace, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something was tried and given up: with the old settings the old adapter is up to date."""
    space = configure(workspace, max_steps=4, checkpoint_steps=2, samples=0)
    tune(space, tiny_llama)
    for tried in ({"rank": 4}, {"rank": 16, "samples": 1}):
        with monkeypatch.context() as patched:
            stop_after_a_checkpoint(patched)
            with pytest.raises(StoppedError):
                tune(configure(space, **tried), tiny_llama)
        assert tune(configure(space, rank=16, samples=0), tiny_llama).was_current
