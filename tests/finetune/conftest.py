import json
import shutil
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict

from onbrand.artifact import Manifest, now, write_manifest
from onbrand.record import Record, record_id
from onbrand.workspace import Workspace

_NOUNS = ["keel", "mast", "anchor", "rudder", "sail", "compass", "lantern", "harbour"]


def _record(number: int) -> Record:
    noun = _NOUNS[number % len(_NOUNS)]
    text = f"Ahoy, shipmate number {number}! The {noun} is oiled and the tide is in. Fair winds."
    return Record(
        id=record_id("instagram", str(number)), source="instagram", url=f"post:{number}", text=text
    )


@pytest.fixture
def workspace(tmp_path: Path, tiny_llama: Path) -> Workspace:
    """A workspace with a data set of 48 posts and a tiny base model; tuning takes seconds."""
    return make_workspace(tmp_path, tiny_llama)


@pytest.fixture(scope="session")
def tuned_once(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that was tuned; tests take a copy of it."""
    from finetune.tune import tune

    space = make_workspace(tmp_path_factory.mktemp("tuned"), tiny_llama)
    tune(space, tiny_llama)
    return space.root


@pytest.fixture(scope="session")
def merged_once(
    tuned_once: Path, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same with the merged model; tests that change anything take a copy of it."""
    from finetune.merge import merge

    root = shutil.copytree(tuned_once, tmp_path_factory.mktemp("merged") / "workspace")
    merge(Workspace(root), tiny_llama)
    return root


@pytest.fixture(scope="session")
def tiny_llama_in_bf16(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as most models are stored."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = shutil.copytree(tiny_llama, tmp_path_factory.mktemp("bf16") / "tiny-llama")
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def merged_in_bf16(tiny_llama_in_bf16: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with that model tuned and merged; tests that change anything take a copy."""
    from finetune.merge import merge
    from finetune.tune import tune

    space = make_workspace(tmp_path_factory.mktemp("merged-in-bf16"), tiny_llama_in_bf16)
    tune(space, tiny_llama_in_bf16)
    merge(space, tiny_llama_in_bf16)
    return space.root


def make_workspace(tmp_path: Path, tiny_llama: Path) -> Workspace:
    settings = {"epochs": 4, "checkpoint_steps": 5, "batch_size": 8, "learning_rate": 0.02}
    lines = [
        '[brand]\nname = "Saltmarsh"\npersona = "Speaks like an old sea captain."',
        f"[model]\nbase = {json.dumps(str(tiny_llama))}",
        "[tracking]\nenabled = false",  # a database of its own would take seconds each time
        "[tune]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
    ]
    (tmp_path / "brand.toml").write_text("\n".join(lines))
    space = Workspace(tmp_path)
    records = [_record(number).model_dump() for number in range(64)]
    splits = {"train": records[:48], "validation": records[48:56], "test": records[56:]}
    DatasetDict({name: Dataset.from_list(rows) for name, rows in splits.items()}).save_to_disk(
        str(space.dataset)
    )
    manifest = Manifest(
        command="build",
        config_hash="",
        output_hash="48-posts",
        started_at=now(),
        finished_at=now(),
    )
    write_manifest(space.dataset, manifest)
    return space
