"""SQLite and the journal on a disk that is full, really: a small file system of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_full_disk import UNSHARE, can_mount

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(not can_mount(), reason="this user may not mount a file system")
def test_no_usage_is_lost_on_a_full_disk() -> None:
    script = (
        "mount -t tmpfs -o size=600k none /mnt && "
        "printf '[store]\\nusage = true\\n' >/mnt/brand.toml && "
        f"{sys.executable} -m tests.serving.store.full_disk /mnt"
    )
    result = subprocess.run([*UNSHARE, script], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    outcome = json.loads(result.stdout)
    assert "is unavailable: database or disk is full" in outcome.pop("said")
    assert "is unavailable: database or disk is full" in outcome.pop("key")
    assert outcome == {"requests": 800, "segments": 0}
