"""Supervised tokens a second of `onbrand tune`, against a bare loop and against TRL's trainer.

    python benchmarks/tuning_speed.py WORKSPACE [--steps 10] [--trl FOLDER]

WORKSPACE holds a built data set. Fresh processes in the order ours, bare, bare, ours, and TRL
between them where it is installed (`pip install --no-deps --target FOLDER trl`). First the losses
of ours and of the bare loop are compared, step by step; speeds of two different computations would
say nothing. Aims: 0.97 of the bare loop, twice TRL with its defaults.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tomlkit

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--trl", type=Path, help="where trl is installed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        workspace = prepared(arguments.workspace, Path(name), arguments.steps)
        turns = [ours(workspace), peer("bare_loop.py", workspace)]
        trl = [peer("trl_peer.py", workspace, arguments.trl)] if arguments.trl else []
        turns += [peer("bare_loop.py", workspace)]
        trl += [peer("trl_peer.py", workspace, arguments.trl)] if arguments.trl else []
        turns += [ours(workspace)]
    report(turns, trl)


def prepared(workspace: Path, folder: Path, steps: int) -> Path:
    document = tomlkit.parse((workspace / "brand.toml").read_text())
    table: Any = document.setdefault("tune", {})
    table.update({"max_steps": steps, "checkpoint_steps": steps})
    (folder / "brand.toml").write_text(tomlkit.dumps(document))
    (folder / "dataset").symlink_to((workspace / "dataset").resolve())
    return folder


def ours(workspace: Path) -> dict[str, Any]:
    shutil.rmtree(workspace / "models", ignore_errors=True)
    process = subprocess.Popen([sys.executable, "-m", "onbrand", "-w", str(workspace), "tune"])
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert isinstance(usage, resource.struct_rusage)
    lines = (workspace / "models/adapter/log.jsonl").read_text().splitlines()
    return {"rows": [json.loads(line) for line in lines], "peak_bytes": usage.ru_maxrss * 1024}


def peer(script: str, workspace: Path, library: Path | None = None) -> dict[str, Any]:
    path = os.pathsep.join(filter(None, [str(library or ""), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, str(HERE / script), str(workspace)],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed(turn: dict[str, Any]) -> float:
    """Answer tokens a second, the first step (warming up) left out.

    A step of ours lasts until the next begins: log and progress bar count, a checkpoint does not.
    """
    rows = turn["rows"][1:]
    return float(sum(row["tokens"] for row in rows) / sum(row["seconds"] for row in rows))


def trl_speed(turn: dict[str, Any]) -> float:
    """The same of TRL, which mixes the examples: its steps hold equally many tokens on average."""
    seconds = turn["seconds"][1:]
    return float(turn["tokens"] / turn["steps"] * len(seconds) / sum(seconds))


def report(turns: list[dict[str, Any]], trl: list[dict[str, Any]]) -> None:
    losses = [[row["loss"] for row in turn["rows"]] for turn in turns]
    difference = max(
        abs(mine - other)
        for other in losses[1:]
        for mine, other in zip(losses[0], other, strict=True)
    )
    print(f"largest difference of a step's loss: {difference:.2g}")
    assert difference < 1e-5
    print("| | answer tokens/s | peak GB |\n|---|---:|---:|")
    for name, turn in zip(("Onbrand", "bare loop", "bare loop", "Onbrand"), turns, strict=True):
        print(f"| {name} | {speed(turn):.1f} | {turn['peak_bytes'] / 1e9:.2f} |")
    mine = sum(map(speed, (turns[0], turns[3]))) / 2
    bare = sum(map(speed, turns[1:3])) / 2
    for turn in trl:
        rate = trl_speed(turn)
        print(f"| TRL | {rate:.1f} | {turn['peak_bytes'] / 1e9:.2f} |")
    print(f"of the bare loop: {mine / bare:.3f}")
    if trl:
        theirs = sum(map(trl_speed, trl)) / len(trl)
        print(f"of TRL: {mine / theirs:.2f} (recompute {trl[0]['recompute']})")


if __name__ == "__main__":
    main()
