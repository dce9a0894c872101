import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from eval.half_split import Item, half_split
from eval.held_out import HeldOutText
from eval.models import likelihood
from eval.models.local import LocalModel
from onbrand.config import Brand
from onbrand.errors import OnbrandError
from onbrand.model_identity import identity_of

PROSE = [
    "The old harbour wakes before the town does. Fishermen carry their nets down to the water, "
    "and the smell of fresh bread drifts from the bakery on the corner.",
    "A good cup of tea needs very little: fresh water, a warm pot, and the patience to wait four "
    "minutes before you pour it for a friend.",
    "We opened our first shop in 2003 with two tables and a borrowed kettle. Today we serve five "
    "hundred guests a week, and the kettle is still on the shelf.",
]


@pytest.fixture
def items(base_model: LocalModel, texts: list[str]) -> list[Item]:
    """Twenty items of many different lengths."""
    cut = [text[: 40 + 7 * number] for number, text in enumerate(texts[:20])]
    rows = [HeldOutText(str(number), "facebook", "", text) for number, text in enumerate(cut)]
    return half_split(rows, base_model.tokenizer, Brand(name="Saltair"), 256).items


def by_transformers(local: LocalModel, item: Item) -> float:
    """transformers' own loss, on one unpadded row, times its number of tokens."""
    ids = torch.tensor([item.context_ids + item.second_ids])
    labels = ids.clone()
    labels[0, : len(item.context_ids)] = -100
    return float(local.model(input_ids=ids, labels=labels).loss) * len(item.second_ids)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_likelihoods_equal_transformers_own_loss(
    base_model: LocalModel, items: list[Item], batch_size: int
) -> None:
    found = [
        nll
        for start in range(0, len(items), batch_size)
        for nll in base_model.likelihoods(items[start : start + batch_size])
    ]
    assert found == pytest.approx([by_transformers(base_model, item) for item in items], abs=1e-4)
    assert len({len(item.second_ids) for item in items}) > 5


def test_logits_in_parts_change_nothing(
    base_model: LocalModel, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = base_model.likelihoods(items)
    monkeypatch.setattr(likelihood, "_LOGITS_AT_ONCE", 40_000)
    assert base_model.likelihoods(items) == pytest.approx(whole, abs=1e-4)


def test_a_model_of_nan_is_refused(base_model: LocalModel, items: list[Item]) -> None:
    torch.nn.init.constant_(base_model.model.get_input_embeddings().weight, math.nan)
    with pytest.raises(OnbrandError, match="finite"):
        base_model.likelihoods(items)


@pytest.mark.slow
def test_a_real_model_prefers_english_to_shuffled_english(smollm2: Path) -> None:
    local = LocalModel("smollm2", smollm2, identity_of(smollm2))

    def measured(change: Callable[[str], str]) -> float:
        rows = [HeldOutText(str(n), "website", "", change(text)) for n, text in enumerate(PROSE)]
        items = half_split(rows, local.tokenizer, Brand(name="Saltair"), 256).items
        assert len(items) == len(PROSE)
        tokens = sum(len(item.second_ids) for item in items)
        return math.exp(sum(local.likelihoods(items)) / tokens)

    def shuffled(text: str) -> str:
        words = text.split()
        random.Random(1).shuffle(words)
        return " ".join(words)

    plain, mixed = measured(str), measured(shuffled)
    assert 1 < plain < 60
    assert mixed > 5 * plain
