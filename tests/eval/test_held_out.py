import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.held_out import read_held_out, read_training
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


def test_all_rows_when_they_are_few(
    make_workspace: Callable[[list[str]], Workspace], texts: list[str]
) -> None:
    found = read_held_out(make_workspace(texts[:5]).dataset, 5, 13)
    assert [row.text for row in found] == texts[:5]
    assert (found[0].id, found[0].source, found[0].title) == ("post-0", "instagram", "")


def test_a_seeded_choice_in_the_splits_order_when_they_are_many(
    make_workspace: Callable[[list[str]], Workspace], texts: list[str]
) -> None:
    dataset = make_workspace(texts).dataset
    chosen = [texts.index(row.text) for row in read_held_out(dataset, 9, 13)]
    assert len(set(chosen)) == 9
    assert chosen == sorted(chosen)
    assert chosen == [texts.index(row.text) for row in read_held_out(dataset, 9, 13)]
    assert chosen != [texts.index(row.text) for row in read_held_out(dataset, 9, 14)]


def test_what_training_saw(
    make_workspace: Callable[..., Workspace], texts: list[str], tmp_path: Path
) -> None:
    dataset = make_workspace(texts[:2], texts[2:7]).dataset
    assert [row.text for row in read_training(dataset)] == texts[2:7]
    shutil.copytree(dataset / "test", dataset / "validation")
    assert [row.text for row in read_training(dataset)] == [*texts[2:7], *texts[:2]]
    with pytest.raises(OnbrandError, match="onbrand build"):
        read_training(tmp_path)


def test_a_folder_that_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match="onbrand build"):
        read_held_out(tmp_path, 9, 13)
