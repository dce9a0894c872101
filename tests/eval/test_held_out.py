from collections.abc import Callable
from pathlib import Path

import pytest

from eval.held_out import read_held_out
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


def test_all_rows_when_they_are_few(
    make_workspace: Callable[[list[str]], Workspace], texts: list[str]
) -> None:
    found = read_held_out(make_workspace(texts[:5]).dataset, 5, 13)
    assert [row.text for row in found] == texts[:5]
    assert (found[0].id, found[0].source, found[0].title) == ("post-0", "facebook", "")


def test_a_seeded_choice_in_the_splits_order_when_they_are_many(
    make_workspace: Callable[[list[str]], Workspace], texts: list[str]
) -> None:
    dataset = make_workspace(texts).dataset
    chosen = [texts.index(row.text) for row in read_held_out(dataset, 9, 13)]
    assert len(set(chosen)) == 9
    assert chosen == sorted(chosen)
    assert chosen == [texts.index(row.text) for row in read_held_out(dataset, 9, 13)]
    assert chosen != [texts.index(row.text) for row in read_held_out(dataset, 9, 14)]


def test_a_folder_that_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(OnbrandError, match="onbrand build"):
        read_held_out(tmp_path, 9, 13)
