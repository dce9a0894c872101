import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import GenerationConfig

from eval.half_split import Item, half_split
from eval.held_out import HeldOutText
from eval.models import decoding
from eval.models.decoding import continue_greedily, draw, padding_checks
from eval.models.local import LocalModel
from eval.models.model import Sampling, longest_sample
from onbrand.config import Brand


@pytest.fixture
def items(base_model: LocalModel, texts: list[str]) -> list[Item]:
    rows = [
        HeldOutText(str(number), "facebook", "", text[: 30 + 9 * number])
        for number, text in enumerate(texts[:11])
    ]
    return half_split(rows, base_model.tokenizer, Brand(name="Saltair"), 256).items


@pytest.fixture
def tuned(tuned_folder: Path) -> LocalModel:
    return LocalModel("tuned", tuned_folder, "tuned")


def greedily(local: LocalModel, batch: list[Item]) -> list[tuple[list[int], int | None]]:
    return continue_greedily(local.model, batch, local.pad_id)


def one_by_one(local: LocalModel, item: Item) -> list[int]:
    """Greedy by hand: no batch, no padding, no cache, the end-of-text token forbidden."""
    ids = list(item.context_ids)
    for _ in item.second_ids:
        logits = local.model(input_ids=torch.tensor([ids])).logits[0, -1]
        logits[local.tokenizer.eos_token_id] = -torch.inf
        ids.append(int(logits.argmax()))
    return ids[len(item.context_ids) :]


def wanting_to_end(local: LocalModel, strength: float) -> LocalModel:
    """The same model, in which the end is the likelier the stronger."""
    head = local.model.get_output_embeddings()
    assert head is not None
    head.bias = torch.nn.Parameter(torch.zeros(head.weight.shape[0]))
    head.bias.data[local.tokenizer.eos_token_id] = strength
    return local


@pytest.mark.parametrize("batch_size", [1, 11])
def test_continuations_are_greedy_exact_in_length_and_free_of_padding(
    base_model: LocalModel, items: list[Item], batch_size: int
) -> None:
    found = [
        ids
        for start in range(0, len(items), batch_size)
        for ids, _ in greedily(base_model, items[start : start + batch_size])
    ]
    assert found == [one_by_one(base_model, item) for item in items]
    assert [len(ids) for ids in found] == [len(item.second_ids) for item in items]


def test_a_model_that_wants_to_stop_goes_on_to_the_full_length(
    tuned: LocalModel, items: list[Item]
) -> None:
    """Here the end is the likeliest token everywhere."""
    found = greedily(wanting_to_end(tuned, 1000.0), items)
    assert [len(ids) for ids, _ in found] == [len(item.second_ids) for item in items]
    assert all(tuned.tokenizer.eos_token_id not in ids for ids, _ in found)
    assert [stop for _, stop in found] == [0] * len(items)


def test_where_it_wants_to_stop_is_where_generate_stops(
    base_model: LocalModel, items: list[Item]
) -> None:
    """Up to the noted place, exact and natural length are the same text."""
    local = wanting_to_end(base_model, 4.0)
    end = local.tokenizer.eos_token_id
    stops = []
    for item, (ids, stop) in zip(items, greedily(local, items), strict=True):
        count = len(item.second_ids)
        config = GenerationConfig(do_sample=False, max_new_tokens=count, eos_token_id=end)
        output = local.model.generate(torch.tensor([item.context_ids]), generation_config=config)
        natural = output[0, len(item.context_ids) :].tolist()
        stopped = natural[-1] == end
        assert ids[:stop] == (natural[:-1] if stopped else natural)
        assert stop == (len(natural) - 1 if stopped else None)
        stops.append(stop)
    assert None in stops
    assert any(stop for stop in stops if stop), "some must stop in the middle for this to mean much"


def test_what_is_drawn_for_a_text_does_not_depend_on_its_batch(
    base_model: LocalModel, items: list[Item]
) -> None:
    sampling = Sampling(0.8, 0.95, 13)
    together = draw(base_model.model, items, base_model.pad_id, sampling)
    for item, found in zip(items, together, strict=True):
        assert draw(base_model.model, [item], base_model.pad_id, sampling) == [found]
    other = draw(base_model.model, items, base_model.pad_id, Sampling(0.8, 0.95, 14))
    assert [ids for ids, _ in other] != [ids for ids, _ in together]


def test_draws_end_where_the_model_ends_them_or_at_the_limit(
    base_model: LocalModel, items: list[Item]
) -> None:
    local = wanting_to_end(base_model, 4.0)
    found = draw(local.model, items, local.pad_id, Sampling(1.0, 1.0, 13))
    assert {stopped for _, stopped in found} == {True, False}
    for item, (ids, stopped) in zip(items, found, strict=True):
        assert local.tokenizer.eos_token_id not in ids
        assert len(ids) < longest_sample(item) if stopped else len(ids) == longest_sample(item)


def test_draws_follow_the_models_probabilities(base_model: LocalModel, items: list[Item]) -> None:
    """400 draws of one token against its softmax at the same temperature."""
    [item] = [replace(items[0], second_ids=items[0].second_ids[:1])]
    with torch.inference_mode():
        logits = base_model.model(input_ids=torch.tensor([item.context_ids])).logits[0, -1]
    chances = torch.softmax(logits / 0.7, dim=-1)
    copies = [replace(item, id=str(number)) for number in range(400)]
    rows = draw(base_model.model, copies, base_model.pad_id, Sampling(0.7, 1.0, 13))
    counted = Counter(ids[0] for ids, _ in rows if ids)
    likely = chances.argsort(descending=True)[:5].tolist()
    for token in likely:
        chance = float(chances[token])
        spread = 5 * (400 * chance * (1 - chance)) ** 0.5
        assert abs(counted[token] - 400 * chance) <= spread + 1


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
    expected, found = greedily(base_model, items), greedily(local, items)
    unaffected = [index for index, (ids, _) in enumerate(expected) if 0 not in ids]
    assert unaffected
    assert [found[i][0] for i in unaffected] == [expected[i][0] for i in unaffected]


def test_the_padding_is_on_the_side_where_it_does_no_harm(
    tuned: LocalModel, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = padding_checks(tuned.model, items, tuned.pad_id)
    assert max(check.padding for check in checks) > 5
    assert min(check.padding for check in checks) == 0
    assert all(check.in_batch == check.alone for check in checks)

    monkeypatch.setattr(decoding, "_padded", padded_on_the_right)
    wrong = padding_checks(tuned.model, items, tuned.pad_id)
    assert any(check.in_batch != check.alone for check in wrong if check.padding)


def padded_on_the_right(rows: list[list[int]], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows))
    ids = [list(row) + [pad_id] * (width - len(row)) for row in rows]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


def test_only_the_likeliest_tokens_that_make_top_p_are_drawn(
    base_model: LocalModel, items: list[Item]
) -> None:
    [item] = [replace(items[0], second_ids=items[0].second_ids[:1])]
    with torch.inference_mode():
        logits = base_model.model(input_ids=torch.tensor([item.context_ids])).logits[0, -1]
    chances, order = torch.softmax(logits, dim=-1).sort(descending=True)
    needed = int((chances.cumsum(0) < 0.3).sum()) + 1
    nucleus = set(order[:needed].tolist())
    copies = [replace(item, id=str(number)) for number in range(200)]
    rows = draw(base_model.model, copies, base_model.pad_id, Sampling(1.0, 0.3, 13))
    drawn = {ids[0] for ids, _ in rows if ids}
    assert drawn <= nucleus
    assert len(drawn) > 1
