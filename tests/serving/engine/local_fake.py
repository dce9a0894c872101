"""The misbehaving engine as a process of its own, to be killed, stopped and started again.

Run by path: `local_fake.py PORT FOLDER`. FOLDER/mode holds how it behaves, one word per start, the
last one for all further starts; FOLDER/starts counts them.
"""

import sys
from pathlib import Path

import uvicorn

from gateway_harness import MisbehavingEngine
from serving.engine.child_process import ChildProcess, free_port
from serving.engine.local import LocalEngine

TESTS = Path(__file__).parents[2]


def local_fake(folder: Path, *modes: str) -> LocalEngine:
    """An engine that is not started yet."""
    (folder / "mode").write_text("\n".join(modes))
    port = free_port()
    process = ChildProcess(
        python=sys.executable,
        program=[__file__, str(port), str(folder)],
        folder=folder,
        log=folder / "engine.log",
        environment={"PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
    )
    return LocalEngine(process, "first-model", port)


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    counted = folder / "starts"
    start = int(counted.read_text()) if counted.exists() else 0
    counted.write_text(str(start + 1))
    modes = (folder / "mode").read_text().split("\n")
    mode = modes[min(start, len(modes) - 1)]
    if mode == "broken":
        sys.exit("OSError: no weights")
    app = MisbehavingEngine(mode).app()
    uvicorn.run(app, host="127.0.0.1", port=port, ws="none", log_level="warning")


if __name__ == "__main__":
    main()
