import os
from pathlib import Path

import pytest

from onbrand.atomic import atomic_file, atomic_folder, recover_folder, write_text


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError), atomic_file(path) as partial:
        partial.write_text("half \ud800", encoding="utf-8")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failed_folder_leaves_the_old_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with atomic_folder(folder) as partial:
        (partial / "weights").write_text("old")
    with pytest.raises(FileNotFoundError), atomic_folder(folder) as partial:
        (partial / "weights").rename(partial / "nowhere" / "weights")
    assert (folder / "weights").read_text() == "old"
    assert os.listdir(tmp_path) == ["model"]


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    with atomic_folder(folder) as partial:
        (partial / "weights").write_text("old")
    folder.rename(tmp_path / "model.old")  # as a kill would leave it
    recover_folder(folder)
    assert (folder / "weights").read_text() == "old"
    assert os.listdir(tmp_path) == ["model"]


def test_what_a_killed_write_left_behind_does_not_get_in(tmp_path: Path) -> None:
    left = tmp_path / "model.partial"
    left.mkdir()
    (left / "stale").touch()
    with atomic_folder(tmp_path / "model") as partial:
        (partial / "fresh").touch()
    assert os.listdir(tmp_path / "model") == ["fresh"]
