from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.generate.cache import Cache
from eval.generate.continuations import generate
from eval.generate.stage_files import samplings
from eval.half_split import HalfSplit, Item, half_split, without_hashtags
from eval.held_out import HeldOutText
from eval.models.local import LocalModel
from onbrand.config import Brand

BRAND = Brand(name="Saltair")
DRAWN = samplings(13, 2, 0.8, 0.95)


@pytest.fixture
def rows(texts: list[str]) -> list[HeldOutText]:
    return [
        HeldOutText(str(n), "facebook", "", text[: 30 + 9 * n]) for n, text in enumerate(texts[:7])
    ]


@pytest.fixture
def full(base_model: LocalModel, rows: list[HeldOutText]) -> HalfSplit:
    return half_split(rows, base_model.tokenizer, BRAND, 256)


@pytest.fixture
def plain(base_model: LocalModel, rows: list[HeldOutText]) -> HalfSplit:
    return half_split(map(without_hashtags, rows[:6]), base_model.tokenizer, BRAND, 256)


def test_every_text_has_all_that_scoring_needs(
    base_model: LocalModel, full: HalfSplit, plain: HalfSplit, tmp_path: Path
) -> None:
    outputs, checks = generate(base_model, full, plain, DRAWN, 4, Cache(tmp_path, "x"))
    assert [output.id for output in outputs] == [item.id for item in full.items]
    for output, item in zip(outputs, full.items, strict=True):
        assert output.tokens == len(item.second_ids) == output.greedy.tokens
        assert output.nll is not None
        assert len(output.sampled) == 2
        assert (output.nll_no_hashtags is None) == (output.id == "6")
    assert checks
    assert "model" not in base_model.__dict__, "unloaded, since the next one needs the memory"


def test_what_is_cached_is_not_asked_again(
    base_model: LocalModel, full: HalfSplit, plain: HalfSplit, tmp_path: Path
) -> None:
    first = generate(base_model, full, plain, DRAWN, 4, Cache(tmp_path, "x"))

    class NoWeights(LocalModel):
        @property
        def model(self) -> None:  # type: ignore[override]
            raise AssertionError("everything was known")

    again = NoWeights("base", base_model.folder, "x", brand=BRAND)
    assert generate(again, full, plain, DRAWN, 4, Cache(tmp_path, "x")) == first
    # Another batch size may round differently, so it is another result; so is another seed.
    with pytest.raises(AssertionError, match="known"):
        generate(again, full, plain, samplings(99, 1, 0.8, 0.95), 4, Cache(tmp_path, "x"))
    smaller = NoWeights("base", base_model.folder, "x", brand=BRAND, batch_size=2)
    with pytest.raises(AssertionError, match="known"):
        generate(smaller, full, plain, DRAWN, 2, Cache(tmp_path, "x"))


def test_a_resumed_run_gives_what_an_uninterrupted_one_gives(
    base_model: LocalModel, full: HalfSplit, plain: HalfSplit, tmp_path: Path
) -> None:
    """Stopped within every kind of answer in turn, and run again."""
    base_model.unload = lambda: None  # type: ignore[method-assign]  # loading is not what is tested
    whole = generate(base_model, full, plain, DRAWN, 2, Cache(tmp_path, "whole"))
    entries = len((tmp_path / "whole.jsonl").read_text().split("\n\n"))

    class StoppedError(Exception):
        pass

    class Stopping(Cache):
        left = 0

        def add(self, results: object) -> None:
            if not self.left:
                raise StoppedError
            self.left -= 1
            super().add(results)  # type: ignore[arg-type]

    for batches in range(0, entries, 4):  # a kind has three or four batches
        name = f"stopped-{batches}"
        cache = Stopping(tmp_path, name)
        cache.left = batches
        with pytest.raises(StoppedError):
            generate(base_model, full, plain, DRAWN, 2, cache)
        assert generate(base_model, full, plain, DRAWN, 2, Cache(tmp_path, name)) == whole


def test_a_model_without_likelihoods_or_chance(
    base_model: LocalModel, full: HalfSplit, plain: HalfSplit, tmp_path: Path
) -> None:
    class Greedy(LocalModel):
        def likelihoods(self, batch: Sequence[Item]) -> None:  # type: ignore[override]
            return None

        def sampled(self, batch: Sequence[Item], sampling: object) -> None:  # type: ignore[override]
            return None

    model = Greedy("plain", base_model.folder, "y", brand=BRAND)
    outputs, _ = generate(model, full, plain, DRAWN, 4, Cache(tmp_path, "y"))
    assert all(output.nll is None and not output.sampled for output in outputs)
    assert [output.shown for output in outputs] == [output.greedy.natural for output in outputs]
