import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from onbrand.errors import UsageError
from onbrand.workspace import Workspace
from serving.adapters.add import add_adapter
from serving.adapters.registry import changed_registry, read_registry, registry_path
from tests.serving.adapters.lora import BRAND_TOML, distance, logits, make_lora, manifest


def test_what_is_served_is_base_plus_adapter(
    workspace: Workspace, other_adapter: Path, tiny_llama: Path
) -> None:
    """On the merged model, although that has another adapter in it already."""
    added = add_adapter(workspace, "other", other_adapter, 10)
    wanted = logits(tiny_llama, other_adapter)
    assert distance(logits(workspace.merged, Path(added.folder)), wanted) < 1e-5
    # What would be served if it were loaded as it is, or not at all.
    assert distance(logits(workspace.merged, other_adapter), wanted) > 0.05
    assert distance(logits(workspace.merged), wanted) > 0.05


def test_an_adapter_of_the_merged_model_is_taken_as_it_is(
    workspace: Workspace, tmp_path: Path
) -> None:
    second = make_lora(workspace.merged, tmp_path / "second", seed=3)
    added = add_adapter(workspace, "second", second, 0)
    wanted = logits(workspace.merged, second)
    assert distance(logits(workspace.merged, Path(added.folder)), wanted) < 1e-6
    assert json.loads((Path(added.folder) / "adapter_config.json").read_text())["r"] == 4


def test_the_source_may_go_away(workspace: Workspace, tiny_llama: Path, tmp_path: Path) -> None:
    source = make_lora(tiny_llama, tmp_path / "source", seed=4)
    added = add_adapter(workspace, "x", source, 5)
    shutil.rmtree(source)
    assert read_registry(registry_path(workspace)).adapters == [added]
    assert sorted(path.name for path in Path(added.folder).iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "manifest.json",
    ]


def test_what_was_replaced_stays_for_an_hour(
    workspace: Workspace, tiny_llama: Path, tmp_path: Path
) -> None:
    folders: list[Path] = []
    for seed in (5, 6, 7):
        source = make_lora(tiny_llama, tmp_path / str(seed), seed=seed)
        for folder in folders:  # even what was added long ago, if it was served until now
            long_ago = folder.stat().st_mtime - 3601
            os.utime(folder, (long_ago, long_ago))
        folders.append(Path(add_adapter(workspace, "x", source, seed).folder))
    assert len({*folders}) == 3
    assert {*folders[0].parent.iterdir()} == {*folders[1:]}
    (adapter,) = read_registry(registry_path(workspace)).adapters
    assert (adapter.weight, adapter.folder) == (7, str(folders[2]))


def test_replacing_keeps_the_weight_unless_another_is_given(
    workspace: Workspace, other_adapter: Path
) -> None:
    weights = [add_adapter(workspace, "x", other_adapter, each).weight for each in (None, 5, None)]
    assert weights == [0, 5, 5]


def config(**values: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


def of_another_base(folder: Path) -> None:
    manifest(folder, "tune", {"base": "0" * 64})


def no(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def no_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(b"x" * 100)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (no("adapter_config.json"), "holds no adapter in PEFT's format"),
        (no("adapter_model.safetensors"), "is missing or holds no 32 or 16 bit"),
        (no("manifest.json"), "its base is not known"),
        (no_weights, "is missing or holds no 32 or 16 bit"),
        (config(r=0), "holds no LoRA adapter that can be read"),
        (config(use_dora=True), "is a DoRA adapter, which vLLM cannot load"),
        (config(modules_to_save=["lm_head"]), "holds whole layers, which vLLM cannot load"),
        (of_another_base, "was tuned neither on the base of"),
    ],
)
def test_folders_that_cannot_be(
    workspace: Workspace,
    other_adapter: Path,
    tmp_path: Path,
    fault: Callable[[Path], None],
    says: str,
) -> None:
    folder = Path(shutil.copytree(other_adapter, tmp_path / "copy"))
    fault(folder)
    with pytest.raises(UsageError, match=says):
        add_adapter(workspace, "x", folder, 1)
    assert not registry_path(workspace).exists()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('engine = "vllm"', 'engine = "transformers"', 'need serving.engine = "vllm"'),
        ("max_adapters = 2", "max_adapters = 0", "vllm.max_adapters is 0"),
        ("max_adapters = 2", "max_adapters = 2\nmax_adapter_rank = 8", "comes to rank 12, "),
    ],
)
def test_settings_that_cannot_be(
    workspace: Workspace, other_adapter: Path, before: str, after: str, says: str
) -> None:
    (workspace.root / "brand.toml").write_text(BRAND_TOML.replace(before, after))
    with pytest.raises(UsageError, match=says):
        add_adapter(Workspace(workspace.root), "x", other_adapter, 1)


@pytest.mark.parametrize("name", ["base", "merged", "", "Upper", "../up", "a/b", "a" * 64, "é"])
def test_names_that_cannot_be(workspace: Workspace, other_adapter: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be|stands for"):
        add_adapter(workspace, name, other_adapter, 1)
    assert not (workspace.root / "models" / "adapters").exists()


def test_no_more_than_fit(workspace: Workspace, other_adapter: Path) -> None:
    add_adapter(workspace, "one", other_adapter, 1)
    add_adapter(workspace, "two", other_adapter, 1)
    add_adapter(workspace, "two", other_adapter, 2)  # in its own place
    with pytest.raises(UsageError, match="retire one, or raise it"):
        add_adapter(workspace, "three", other_adapter, 1)
    with changed_registry(registry_path(workspace)) as registry:
        registry.named("one").state = "retired"
    add_adapter(workspace, "three", other_adapter, 1)


def test_an_adapter_tuned_again_but_not_merged(
    workspace: Workspace, other_adapter: Path, tiny_llama: Path
) -> None:
    make_lora(tiny_llama, workspace.adapter, seed=9)
    with pytest.raises(UsageError, match="run `onbrand merge` first"):
        add_adapter(workspace, "x", other_adapter, 1)


def _raise_weight(path: Path) -> None:
    for _ in range(20):
        with changed_registry(path) as registry:
            registry.weigh("base", registry.base_weight + 1)


def test_commands_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "models" / "adapters.json"
    context = multiprocessing.get_context("fork")
    commands = [context.Process(target=_raise_weight, args=[path]) for _ in range(4)]
    for command in commands:
        command.start()
    for command in commands:
        command.join(30)
    assert read_registry(path).base_weight == 180
