from pathlib import Path

import pytest

from eval.half_split import Item, half_split
from eval.held_out import HeldOutText
from eval.models.local import LocalModel
from eval.models.model import Sampling
from eval.models.written import WrittenModel
from onbrand.config import Brand
from onbrand.errors import OnbrandError


@pytest.fixture
def items(base_model: LocalModel, texts: list[str]) -> list[Item]:
    rows = [HeldOutText(str(n), "facebook", "", text) for n, text in enumerate(texts[:3])]
    return half_split(rows, base_model.tokenizer, Brand(), 256).items


def test_texts_come_in_the_order_asked_for(items: list[Item], tmp_path: Path) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text('{"id": "1", "text": "b"}\n{"id": "0", "text": "a", "reference": "r"}\n')
    model = WrittenModel("theirs", path)
    found = model.greedy(items[:2])
    assert [(greedy.exact, greedy.reference) for greedy in found] == [("a", "r"), ("b", None)]
    assert model.sampled(items, Sampling(1, 1, 1)) is None
    assert model.likelihoods(items) is None
    with pytest.raises(OnbrandError, match="no continuation of 2"):
        model.greedy(items)


@pytest.mark.parametrize("line", ["{", '{"id": "1"}', "[]"])
def test_lines_that_are_no_continuations(line: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(OnbrandError, match=r"theirs.jsonl, line 1 is not a continuation"):
        WrittenModel("theirs", path)


def test_two_continuations_of_one_text(tmp_path: Path) -> None:
    """Which of them counts would be chance."""
    path = tmp_path / "theirs.jsonl"
    path.write_text('{"id": "1", "text": "b"}\n{"id": "1", "text": "a"}\n')
    with pytest.raises(OnbrandError, match="two continuations of 1; keep one"):
        WrittenModel("theirs", path)
