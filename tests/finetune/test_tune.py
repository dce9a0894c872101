import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from finetune import material
from finetune.merge import merge
from finetune.model import compute_dtype
from finetune.tune import tune
from onbrand.artifact import read_manifest
from onbrand.errors import OnbrandError, UsageError
from onbrand.tracking_store import open_store
from onbrand.workspace import Workspace
from tests.finetune.tracked import give_database
from tests.finetune.tuned import configure, log_of, losses


def test_the_loss_falls_and_the_adapter_is_complete(workspace: Workspace, tiny_llama: Path) -> None:
    outcome = tune(workspace, tiny_llama)
    log = log_of(workspace.adapter)
    assert len(log) == outcome.manifest.counts["steps"] == 24
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]
    assert log[-1]["validation_loss"] < log[4]["validation_loss"]
    weights = load_file(workspace.adapter / "adapter_model.safetensors")
    assert any(tensor.abs().max() > 0 for name, tensor in weights.items() if "lora_B" in name)
    made = {path.name for path in workspace.adapter.iterdir()}
    assert {"adapter_config.json", "tokenizer.json", "loss.png", "manifest.json"} <= made
    assert not workspace.adapter.with_name("adapter.checkpoint").exists()


def test_nothing_changed_means_nothing_to_do(tuned_once: Path, tiny_llama: Path) -> None:
    workspace = Workspace(tuned_once)
    before = read_manifest(workspace.adapter)
    again = tune(workspace, tiny_llama)
    assert again.was_current
    assert again.manifest == before


def test_the_data_set_is_read_once_in_a_run(
    workspace: Workspace, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    real = material.load_from_disk
    monkeypatch.setattr(material, "load_from_disk", lambda path: (read.append(path), real(path))[1])
    tune(configure(workspace, max_steps=1, samples=0), tiny_llama)
    assert sorted(Path(path).name for path in read) == ["test", "train", "validation"]


def test_texts_are_written_on_the_way(tuned_once: Path) -> None:
    lines = (tuned_once / "models/adapter/samples.jsonl").read_text().splitlines()
    samples = [json.loads(line) for line in lines]
    assert [sample["step"] for sample in samples] == [5, 10, 15, 20, 24]
    assert samples[0]["text"] != samples[-1]["text"]
    assert samples[-1]["text"].startswith("Ahoy, shipmate number")


@pytest.mark.parametrize("kind", [{"rslora": True}, {"dora": True}, {"recompute": True}])
def test_other_kinds_of_adapter_learn_too(
    workspace: Workspace, tiny_llama: Path, kind: dict[str, bool]
) -> None:
    space = configure(workspace, max_steps=10, samples=0, **kind)
    tune(space, tiny_llama)
    found = losses(log_of(space.adapter))
    assert found[-1] < 0.8 * found[0]


def test_recomputing_changes_no_loss(workspace: Workspace, tiny_llama: Path) -> None:
    found = []
    for recompute in (False, True):
        space = configure(workspace, max_steps=4, samples=0, recompute=recompute)
        tune(space, tiny_llama)
        found.append(losses(log_of(space.adapter)))
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_it_stops_early_and_keeps_the_best(workspace: Workspace, tiny_llama: Path) -> None:
    """At a rate that soon makes things worse."""
    space = configure(workspace, epochs=40, checkpoint_steps=2, patience=2, learning_rate=0.3)
    manifest = tune(space, tiny_llama).manifest
    judged = {row["step"]: row["validation_loss"] for row in log_of(space.adapter)[1::2]}
    best = min(judged, key=lambda step: judged[step])
    assert manifest.details["stopped_early"]
    assert manifest.counts["steps"] == best + 4 < 240
    assert manifest.details["best_step"] == best
    assert manifest.details["best_validation_loss"] == judged[best]


def test_all_weights_of_a_small_model(workspace: Workspace, tiny_llama: Path) -> None:
    space = configure(workspace, method="full", max_steps=10, samples=0)
    manifest = tune(space, tiny_llama).manifest
    assert manifest.counts["trainable_parameters"] == manifest.counts["parameters"]
    found = losses(log_of(space.adapter))
    assert found[-1] < found[0]
    before, after = (
        load_file(folder / "model.safetensors") for folder in (tiny_llama, space.adapter)
    )
    assert before.keys() == after.keys()
    assert all(not torch.equal(after[name], tensor) for name, tensor in before.items())


def test_a_tuning_and_its_merge_are_recorded(workspace: Workspace, tiny_llama: Path) -> None:
    toml = workspace.root / "brand.toml"
    toml.write_text(toml.read_text().replace("enabled = false", "enabled = true"))
    give_database(workspace)
    space = configure(workspace, max_steps=12)
    manifest = tune(space, tiny_llama).manifest
    merge(space, tiny_llama)
    store = open_store(space, "")
    run = store.client.get_run(manifest.details["tracking"]["run"])
    assert run.info.status == "FINISHED"
    assert run.data.params["tune.rank"] == "16"
    history = store.client.get_metric_history(run.info.run_id, "loss")
    assert [metric.value for metric in history] == losses(log_of(space.adapter))
    kept = {file.path for file in store.client.list_artifacts(run.info.run_id)}
    assert {"log.jsonl", "loss.png", "samples.jsonl", "manifest.json"} <= kept
    [version] = store.client.search_model_versions()
    assert version.tags["onbrand.verification"] == "passed"


def test_a_context_that_is_too_short(workspace: Workspace, tiny_llama: Path) -> None:
    space = configure(workspace, max_tokens=4096)
    with pytest.raises(UsageError, match=r"max_tokens = 4096 is more than the 2048 tokens"):
        tune(space, tiny_llama)


def test_a_gpu_without_bfloat16_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert compute_dtype(torch.device("cuda", 0)) is torch.float32
    assert "no bfloat16; computing in float32" in capsys.readouterr().err
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert compute_dtype(torch.device("cuda", 0)) is torch.bfloat16


def test_no_data_set_is_one_sentence(tmp_path: Path, tiny_llama: Path) -> None:
    (tmp_path / "brand.toml").write_text("")
    with pytest.raises(OnbrandError, match="run `onbrand build` first"):
        tune(Workspace(tmp_path), tiny_llama)


def test_merge_needs_an_adapter(tmp_path: Path, tiny_llama: Path) -> None:
    (tmp_path / "brand.toml").write_text("")
    with pytest.raises(OnbrandError, match="run `onbrand tune` first"):
        merge(Workspace(tmp_path), tiny_llama)
