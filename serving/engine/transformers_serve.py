"""The embedded engine: transformers' own OpenAI-compatible server, as a child process."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving.engine.child_process import ChildProcess, free_port
from serving.engine.local import LocalEngine

_LAUNCHER = Path(__file__).with_name("transformers_process.py")


class TransformersEngine(LocalEngine):
    """`transformers serve` with one model, in this Python environment.

    Source of its options and request fields: `transformers/cli/serve.py` and
    `transformers/cli/serving/` (5.23).
    """

    def extra_fields(self, temperature: float) -> dict[str, Any]:
        """Say whether to sample.

        This server takes a temperature but leaves `do_sample` as the model's generation_config.json
        has it, so a temperature alone is ignored by most models. Fields not given here keep the
        model's own defaults (its stop tokens among them).
        """
        return {"generation_config": json.dumps({"do_sample": temperature > 0})}


@contextmanager
def start_transformers(
    model: Path, logs: Path, context_tokens: int = 0
) -> Iterator[TransformersEngine]:
    """Start the engine on the model folder `model`; its log is `logs/engine.log`.

    It is not ready yet: it loads the model before it listens. `context_tokens` bounds a prompt with
    its answer (0: the model's own limit).

    Raises:
        OnbrandError: `logs` cannot be written.
    """
    port = free_port()
    process = ChildProcess(
        python=sys.executable,
        # A relative name: the server reads an @ in a path as the start of a hub revision.
        program=[str(_LAUNCHER), model.name, str(port), str(context_tokens)],
        folder=model.parent,
        log=logs / "engine.log",
        environment={
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "TYPER_STANDARD_TRACEBACK": "1",
        },
    )
    process.start()
    try:
        yield TransformersEngine(process, model.name, port)
    finally:
        process.close()
