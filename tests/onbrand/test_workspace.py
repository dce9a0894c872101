import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace, exclusive, open_workspace

HOLD = """
import sys, time
from pathlib import Path
from onbrand.workspace import Workspace, exclusive
with exclusive(Workspace(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_writer_at_a_time_and_a_killed_one_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(OnbrandError, match="Another onbrand command"),
        exclusive(Workspace(tmp_path)),
    ):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with exclusive(Workspace(tmp_path)):
        pass


def test_the_environment_file_of_a_workspace_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APIFY_TOKEN", raising=False)
    (tmp_path / "brand.toml").touch()
    (tmp_path / ".env").write_text("APIFY_TOKEN=from-the-file")
    open_workspace(tmp_path)
    assert os.environ.pop("APIFY_TOKEN") == "from-the-file"
