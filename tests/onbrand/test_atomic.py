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


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_files_of_a_folder_are_as_open_as_the_umask_lets_them(
    tmp_path: Path, umask: int, expected: int
) -> None:
    """Whatever a library that writes for the owner alone has made of them."""
    before = os.umask(umask)
    try:
        with atomic_folder(tmp_path / "model") as partial:
            for name in ("weights", "deep/weights", "program"):
                (partial / name).parent.mkdir(exist_ok=True)
                (partial / name).touch()
                (partial / name).chmod(0o700 if name == "program" else 0o600)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "model").iterdir()}
    assert modes["weights"] == expected
    assert modes["program"] == expected | 0o700
    assert (tmp_path / "model" / "deep" / "weights").stat().st_mode & 0o777 == expected
    assert sorted(modes) == ["deep", "program", "weights"]


def test_a_link_in_a_folder_opens_nothing_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch()
    secret.chmod(0o600)
    with atomic_folder(tmp_path / "model") as partial:
        (partial / "link").symlink_to(secret)
    assert secret.stat().st_mode & 0o777 == 0o600
