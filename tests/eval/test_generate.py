import shutil
from pathlib import Path

import pytest
import torch
from transformers import GenerationConfig

from eval.cache import Cache
from eval.generate import generate
from eval.half_split import Item, half_split
from eval.held_out import HeldOutText
from eval.models import LocalModel
from onbrand.config import Brand


@pytest.fixture
def items(base_model: LocalModel, texts: list[str]) -> list[Item]:
    rows = [
        HeldOutText(str(number), "facebook", "", text[: 30 + 9 * number])
        for number, text in enumerate(texts[:11])
    ]
    return half_split(rows, base_model.tokenizer, Brand(name="Saltair"), 256).items


def one_by_one(local: LocalModel, item: Item) -> list[int]:
    """Greedy by hand: no batch, no padding, no cache, the end-of-text token forbidden."""
    ids = list(item.context_ids)
    for _ in item.second_ids:
        logits = local.model(input_ids=torch.tensor([ids])).logits[0, -1]
        logits[local.tokenizer.eos_token_id] = -torch.inf
        ids.append(int(logits.argmax()))
    return ids[len(item.context_ids) :]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_continuations_are_greedy_exact_in_length_and_free_of_padding(
    base_model: LocalModel, items: list[Item], tmp_path: Path, batch_size: int
) -> None:
    found = generate(base_model, items, batch_size, Cache(tmp_path, "x"))
    assert found == [one_by_one(base_model, item) for item in items]
    assert [len(ids) for ids in found] == [len(item.second_ids) for item in items]


def test_a_model_that_wants_to_stop_goes_on_to_the_full_length(
    tuned_folder: Path, items: list[Item], tmp_path: Path
) -> None:
    """Here the end is the likeliest token everywhere."""
    local = LocalModel("stopper", tuned_folder, "stopper")
    end = local.tokenizer.eos_token_id
    head = local.model.get_output_embeddings()
    assert head is not None
    head.bias = torch.nn.Parameter(torch.zeros(head.weight.shape[0]))
    head.bias.data[end] = 1000.0
    with torch.inference_mode():
        logits = local.model(input_ids=torch.tensor([items[0].context_ids])).logits
    assert int(logits[0, -1].argmax()) == end

    found = generate(local, items, 4, Cache(tmp_path, "x"))
    assert [len(ids) for ids in found] == [len(item.second_ids) for item in items]
    assert all(end not in ids for ids in found)


def test_the_models_own_sampling_settings_are_not_used(
    base_folder: Path, base_model: LocalModel, items: list[Item], tmp_path: Path
) -> None:
    other = tmp_path / "sampling"
    shutil.copytree(base_folder, other)
    GenerationConfig(
        do_sample=True, temperature=0.6, top_p=0.9, repetition_penalty=5.0, eos_token_id=[2, 0]
    ).save_pretrained(other)
    local = LocalModel("sampling", other, "sampling")
    assert local.model.generation_config.eos_token_id == [0, 2]
    expected = generate(base_model, items, 4, Cache(tmp_path, "a"))
    found = generate(local, items, 4, Cache(tmp_path, "b"))
    unaffected = [index for index, ids in enumerate(expected) if 0 not in ids]
    assert unaffected
    assert [found[index] for index in unaffected] == [expected[index] for index in unaffected]


def test_what_is_cached_is_not_generated_again(
    base_model: LocalModel, items: list[Item], tmp_path: Path
) -> None:
    first = generate(base_model, items, 4, Cache(tmp_path, "x"))
    no_weights = LocalModel("base", base_model.folder, "x")
    again = generate(no_weights, items, 4, Cache(tmp_path, "x"))
    assert again == first
    assert "model" not in no_weights.__dict__
    # Another batch size may round differently, so it is another result.
    generate(no_weights, items, 2, Cache(tmp_path, "x"))
    assert "model" in no_weights.__dict__
