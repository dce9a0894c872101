"""The benchmark that settings are chosen by."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tuning_quality import best_choice, main
from tests.finetune.conftest import make_workspace
from tests.finetune.tuned import configure


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]


def test_the_choice_is_by_validation_over_all_seeds() -> None:
    figures = {
        "base": 1.0,
        "seed=1": 4.0,
        "seed=2": 2.0,
        "rank=4 seed=1": 1.9,
        "rank=4 seed=2": 9.0,
    }
    best, loss = best_choice({"setting": name, "ppl": ppl} for name, ppl in figures.items())
    assert best == ""
    assert math.exp(loss) == pytest.approx(math.sqrt(8))


@pytest.mark.slow
def test_what_was_tuned_again_is_measured_again(tiny_llama: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    workspace = configure(make_workspace(source, tiny_llama), samples=0)
    command = [str(source), str(out), "max_steps=4", "max_steps=1"]
    main(command)
    first = rows(out)
    assert [(row["setting"], row["split"]) for row in first] == [
        ("base", "validation"),
        ("max_steps=4", "validation"),
        ("max_steps=1", "validation"),
        ("base", "test"),
        ("max_steps=4", "test"),
    ], "the test split is not read for what was not chosen"
    assert first[1]["ppl"] < first[2]["ppl"]

    main(command)
    assert rows(out) == first, "nothing was tuned anew"

    configure(workspace, learning_rate=0.001)
    main([*command[:2], "max_steps=4"])
    again = rows(out)[len(first) :]
    assert [(row["setting"], row["split"]) for row in again] == [
        ("max_steps=4", "validation"),
        ("max_steps=4", "test"),
    ]
    assert again[0]["ppl"] != first[1]["ppl"]
