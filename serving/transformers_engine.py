"""The embedded engine: transformers' own OpenAI-compatible server, as a child process."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onbrand.errors import OnbrandError

_LAUNCHER = Path(__file__).with_name("engine_process.py")


class TransformersEngine:
    """`transformers serve` with one model, on a loopback port, in this Python environment.

    Source of its options and request fields: `transformers/cli/serve.py` and
    `transformers/cli/serving/` (5.23).
    """

    api_key = ""

    def __init__(self, process: subprocess.Popen[bytes], model: str, port: int, log: Path) -> None:
        self._process = process
        self._log = log
        self.model = model
        self.base_url = f"http://127.0.0.1:{port}/v1"

    @property
    def pid(self) -> int:
        """Process id; it leads its own process group."""
        return self._process.pid

    def extra_fields(self, temperature: float) -> dict[str, Any]:
        """Say whether to sample.

        This server takes a temperature but leaves `do_sample` as the model's generation_config.json
        has it, so a temperature alone is ignored by most models. Fields not given here keep the
        model's own defaults (its stop tokens among them).
        """
        return {"generation_config": json.dumps({"do_sample": temperature > 0})}

    def failure(self) -> str | None:
        """How the process ended, with the last line it wrote; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"left with code {code}"
        line = last_meaningful_line(self._log)
        said = f" ({line})" if line else ""
        return f"The engine {how}{said}; its log is {self._log}."

    def stop(self) -> None:
        """End the engine and everything it started."""
        if self._process.poll() is None:
            # It keeps nothing that would be worth a slower goodbye.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@contextmanager
def start_transformers(model: Path, logs: Path) -> Iterator[TransformersEngine]:
    """Start the engine on the model folder `model`; its log is `logs/engine.log`.

    It is not ready yet: it loads the model before it listens.

    Raises:
        OnbrandError: `logs` cannot be written.
    """
    log = logs / "engine.log"
    hub = logs / "hub"
    try:
        # Its /v1/models fails when the hub's cache folder does not exist.
        hub.mkdir(parents=True, exist_ok=True)
        output = log.open("wb")
    except OSError as error:
        raise OnbrandError(f"{log} cannot be written: {error.strerror}.") from error
    port = _free_port()
    with output:
        process = subprocess.Popen(
            # -P: neither this folder nor the working directory may hide a library.
            [sys.executable, "-P", str(_LAUNCHER), model.name, str(port)],
            # A relative name: the server reads an @ in a path as the start of a hub revision.
            cwd=model.parent,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the gateway, which lets answers finish before it stops the engine.
            start_new_session=True,
            env={
                **os.environ,
                "HF_HUB_OFFLINE": "1",
                "HF_HUB_CACHE": str(hub),
                "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                "PYTHONUNBUFFERED": "1",
                "TYPER_STANDARD_TRACEBACK": "1",
            },
        )
    engine = TransformersEngine(process, model.name, port, log)
    try:
        yield engine
    finally:
        engine.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def last_meaningful_line(log: Path) -> str:
    """The last line of a log that says something: not blank, not a server's routine note."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    telling = [line for line in lines if line and not line.startswith("INFO:")]
    return telling[-1][:300] if telling else ""
