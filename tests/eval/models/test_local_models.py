import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from eval.half_split import HalfSplit, half_split
from eval.held_out import HeldOutText
from eval.models.local import LocalModel
from onbrand.config import Brand
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


@pytest.fixture
def split(base_model: LocalModel, texts: list[str]) -> HalfSplit:
    rows = [HeldOutText(str(n), "facebook", "", text) for n, text in enumerate(texts[:5])]
    return half_split(rows, base_model.tokenizer, Brand(name="Saltair"), 256)


@pytest.fixture
def adapter(base_folder: Path, tmp_path: Path) -> Path:
    """A LoRA adapter with random weights, in PEFT's own format."""
    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model = get_peft_model(LlamaForCausalLM.from_pretrained(base_folder), config)
    model.save_pretrained(str(tmp_path / "adapter"))
    return tmp_path / "adapter"


def test_base_and_adapter_are_what_the_merged_model_is(
    base_folder: Path, adapter: Path, split: HalfSplit, tmp_path: Path
) -> None:
    beside = LocalModel("a", base_folder, "a", adapter=adapter, brand=Brand(name="Saltair"))
    assert beside.view(split) is split
    merged_folder = tmp_path / "merged"
    shutil.copytree(base_folder, merged_folder)
    model = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(base_folder), str(adapter))
    model.merge_and_unload().save_pretrained(merged_folder)
    merged = LocalModel("m", merged_folder, "m")
    plain = LocalModel("p", base_folder, "p").likelihoods(split.items)
    assert beside.likelihoods(split.items) == pytest.approx(
        merged.likelihoods(split.items), rel=1e-4
    )
    assert beside.likelihoods(split.items) != pytest.approx(plain, rel=1e-4)
    assert beside.greedy(split.items) == merged.greedy(split.items)
    assert (beside.card.kind, beside.card.where) == ("adapter", str(adapter))


def test_an_adapter_of_another_model(base_folder: Path, adapter: Path) -> None:
    config = adapter / "adapter_config.json"
    config.write_text(config.read_text().replace("q_proj", "no_such_module"))
    with pytest.raises(OnbrandError, match="no adapter that fits"):
        _ = LocalModel("a", base_folder, "a", adapter=adapter).model


def test_the_same_tokenizer_reads_the_very_ids(base_model: LocalModel, split: HalfSplit) -> None:
    assert base_model.view(split) is split
    assert not base_model.card.own_tokenizer


def test_another_tokenizer_reads_the_same_halves_in_its_own_tokens(
    copy: Path, split: HalfSplit
) -> None:
    """One without merges: every byte is a token."""
    path = copy / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["merges"] = []
    path.write_text(json.dumps(content))
    local = LocalModel("bytes", copy, "bytes", brand=Brand(name="Saltair"))
    own = local.view(split)
    assert local.card.own_tokenizer
    for item, mine in zip(split.items, own.items, strict=True):
        assert len(mine.second_ids) == len(item.second_half.encode())
        assert local.decode(mine.first_ids) == item.first_half
        assert local.decode(mine.second_ids) == item.second_half
