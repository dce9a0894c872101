import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from eval.models import LocalModel
from onbrand.errors import OnbrandError
from onbrand.model_identity import identity_of


@pytest.fixture
def copy(base_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(base_folder, tmp_path / "copy"))


def test_the_identity_follows_the_content(
    base_folder: Path, tuned_folder: Path, copy: Path
) -> None:
    assert identity_of(copy) == identity_of(base_folder)
    assert identity_of(tuned_folder) != identity_of(base_folder)
    (copy / "chat_template.jinja").write_text("{{ messages }}")
    assert identity_of(copy) != identity_of(base_folder)


def test_the_identity_of_large_weights_is_sampled_all_over(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    content = bytearray(4 << 20)
    weights.write_bytes(content)
    before = identity_of(tmp_path)
    for index in range(3 << 20, len(content)):
        content[index] = 1
    weights.write_bytes(content)
    assert identity_of(tmp_path) != before


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match=r"no .safetensors file"):
        identity_of(tmp_path)
    with pytest.raises(OnbrandError, match="no tokenizer"):
        _ = LocalModel("x", tmp_path, "").tokenizer


def test_weights_that_are_missing_are_not_made_up(copy: Path) -> None:
    path = copy / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(OnbrandError, match=r"lacks weights \(model.layers.1.mlp.up_proj.weight"):
        _ = LocalModel("x", copy, "").model


def test_weights_that_are_damaged(copy: Path) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(OnbrandError, match="no model that can be loaded"):
        _ = LocalModel("x", copy, "").model


def test_a_tokenizer_without_a_chat_template(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(OnbrandError, match="no chat template"):
        _ = LocalModel("x", copy, "").tokenizer


def test_unloading_frees_the_weights(base_model: LocalModel) -> None:
    first = base_model.model
    base_model.unload()
    assert base_model.model is not first
