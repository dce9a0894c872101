"""A full disk, really: each stage writes into a file system that is too small for it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNSHARE = ["unshare", "--map-root-user", "--mount", "--", "sh", "-ec"]


def can_mount() -> bool:
    """May this user mount a file system of their own?"""
    return (
        subprocess.run([*UNSHARE, "mount -t tmpfs none /mnt"], capture_output=True).returncode == 0
    )


def in_small_disk(workspace: Path, size: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a copy of the workspace that lies in a tmpfs of the given size."""
    script = (
        f"mount -t tmpfs -o size={size} none /mnt && cp -r {workspace}/. /mnt && cd /mnt && "
        f"{sys.executable} -m onbrand -w /mnt {command}; code=$?; ls -R /mnt; exit $code"
    )
    return subprocess.run([*UNSHARE, script], capture_output=True, text=True, cwd=Path.cwd())


@pytest.mark.skipif(not can_mount(), reason="this user may not mount a file system")
@pytest.mark.parametrize(
    ("command", "size", "left_out"),
    [
        ("build", "60k", ["clean", "dataset", "models"]),
        ("tune", "1m", ["models"]),
        ("tune --processes 2", "1m", ["models"]),
        ("merge", "6m", ["models/merged"]),
    ],
)
def test_a_full_disk_is_one_sentence_and_leaves_no_half_artifact(
    command: str, size: str, left_out: list[str], small_workspace: Path
) -> None:
    for folder in left_out:
        shutil.rmtree(small_workspace / folder, ignore_errors=True)
    result = in_small_disk(small_workspace, size, command)
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.returncode == 1, result.stderr
    assert len(errors) == 1, result.stderr
    assert "The disk is full" in errors[0]
    assert "Traceback" not in result.stderr
    assert ".partial" not in result.stdout


@pytest.fixture
def small_workspace(tuned: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(tuned, tmp_path / "workspace")


@pytest.fixture(scope="module")
def tuned(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of 60 posts, tuned for two steps on a tiny base model."""
    folder = tmp_path_factory.mktemp("small")
    posts = [
        {
            "id": str(number),
            "shortCode": f"x{number}",
            "caption": f"Post {number}: kettle {number * 7} is on, come in and sit down.",
            "ownerUsername": "tea",
            "url": f"https://www.instagram.com/p/x{number}/",
        }
        for number in range(60)
    ]
    (folder / "instagram.json").write_text(json.dumps(posts))
    (folder / "brand.toml").write_text(
        f'[social]\ninstagram_exports = ["instagram.json"]\n[model]\nbase = "{tiny_llama}"\n'
        "[clean]\nnear_duplicate = 1.0\n[tune]\nmax_steps = 2\n"
    )
    for command in ("scrape", "build", "tune"):
        subprocess.run(
            [sys.executable, "-m", "onbrand", command],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    return folder
