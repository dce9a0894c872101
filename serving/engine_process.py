"""Run `transformers serve` for as long as the process that started this one lives.

Started by path, in its own session, with a pipe as standard input that only the gateway holds open
for writing. When the gateway ends, however it ends (SIGKILL too), the kernel closes that pipe, and
the engine kills its whole process group. Unlike Linux's PR_SET_PDEATHSIG this works on every Unix,
and it does not fire when merely the thread that started the engine ends.

Imports nothing of Onbrand: it must run wherever the gateway's Python finds transformers.
"""

import os
import signal
import sys
import threading


def _die_with_parent() -> None:
    # Not through sys.stdin: its lock would be held for the whole life of the process.
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> None:
    """Serve the model folder `argv[1]` (relative to the working directory) on port `argv[2]`."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    model, port = sys.argv[1:]
    # uvicorn takes WebSocket support from any websockets package and cannot be imported with the
    # old one that pyppeteer pins; this server needs none (None: as if it were not installed).
    sys.modules["websockets"] = None  # type: ignore[assignment]

    import torch

    # The command itself (`main`) would first ask the network for a newer version.
    from transformers.cli.transformers import app

    # "auto" spreads a model over the GPUs; without one it may offload weights to disk.
    device = "auto" if torch.cuda.is_available() else "cpu"
    app(["serve", model, "--host", "127.0.0.1", "--port", port, "--device", device])


if __name__ == "__main__":
    main()
