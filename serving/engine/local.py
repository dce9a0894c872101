"""An engine that runs here: a child process that listens on a loopback port."""

from typing import Any

from serving.engine.child_process import ChildProcess, last_meaningful_line


class LocalEngine:
    """The part that every engine started here shares; it keeps its port when it starts again.

    Args:
        process: Started, and ended, by whoever made this engine.
        model: The name it knows the model by.
        port: Where it listens, on 127.0.0.1 only.
    """

    api_key = ""
    metrics_url = ""

    def __init__(self, process: ChildProcess, model: str, port: int) -> None:
        self._process = process
        self.model = model
        self.base_url = f"http://127.0.0.1:{port}/v1"

    @property
    def pid(self) -> int:
        """Process id; it leads its own process group."""
        return self._process.pid

    def extra_fields(self, temperature: float) -> dict[str, Any]:
        """Nothing: OpenAI's fields are enough."""
        return {}

    def failure(self) -> str | None:
        """How the process ended, with the last line it wrote; None while it runs."""
        return self._process.ended()

    def bound_log(self) -> None:
        """Keep its log from growing without end; see `ChildProcess.bound_log`."""
        self._process.bound_log()

    def progress(self) -> str:
        """The last thing it wrote down, for whoever waits; may be empty."""
        return last_meaningful_line(self._process.log)

    def stop(self) -> None:
        """End it; `start` brings it back."""
        self._process.stop()

    def start(self) -> None:
        """Start it, in place of the one that may still be there.

        Raises:
            OnbrandError: its Python cannot be run.
        """
        self._process.start()
