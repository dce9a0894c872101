"""vLLM as the engine: its OpenAI-compatible server, as a child process in its own environment."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from onbrand.config import Vllm
from onbrand.errors import OnbrandError
from onbrand.workspace import CONFIG_NAME
from serving.engine.child_process import ChildProcess, free_port
from serving.engine.local import LocalEngine

_SERVER = "vllm.entrypoints.openai.api_server"
_IN_VLLM = Path(__file__).with_name("in_vllm")
_MEETING_PLACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
_GUARD = "onbrand_guard.OnlyWithKey"


class VllmEngine(LocalEngine):
    """vLLM with one model and, where `vllm.max_adapters` allows them, adapters.

    Its port takes only requests with a key that is made at each start of the gateway: other people
    on this machine can reach the port, but nothing behind it.
    """

    def __init__(self, process: ChildProcess, model: str, port: int, api_key: str) -> None:
        super().__init__(process, model, port)
        self.api_key = api_key
        self.metrics_url = f"http://127.0.0.1:{port}/metrics"


@contextmanager
def start_vllm(
    model: Path, logs: Path, settings: Vllm, context_tokens: int = 0
) -> Iterator[VllmEngine]:
    """Start vLLM on the model folder `model`; its log is `logs/engine.log`.

    It is not ready yet: it loads the model before it listens.

    Args:
        model: A folder as `save_pretrained` leaves it.
        logs: Where the log goes.
        settings: `[vllm]` of brand.toml.
        context_tokens: Longest prompt with its answer (0: the model's own limit).

    Raises:
        OnbrandError: no vLLM at `vllm.python`, or `logs` cannot be written.
    """
    python = shutil.which(settings.python)
    if python is None:
        raise OnbrandError(
            f"There is no Python at {settings.python}; build vLLM's environment with "
            f"`make vllm-cpu`, or say in {CONFIG_NAME} which Python has vLLM: vllm.python."
        )
    port = free_port()
    key = secrets.token_urlsafe()
    process = ChildProcess(
        # Not resolved: a link is what tells Python which environment it is in.
        python=str(Path(python).absolute()),
        program=[_SERVER, *server_arguments(model, port, settings, context_tokens)],
        folder=logs.absolute(),
        log=logs / "engine.log",
        environment=_environment(settings, key),
    )
    process.start()
    try:
        yield VllmEngine(process, model.name, port, key)
    finally:
        process.close()


def server_arguments(model: Path, port: int, settings: Vllm, context_tokens: int) -> list[str]:
    """What the server is told on its command line.

    Source: https://docs.vllm.ai/en/stable/cli/serve/ (0.32). Of an option that stands twice
    the last counts: `vllm.arguments` overrules all but the address, which never leaves loopback.
    """
    arguments = [
        *("--model", str(model.absolute())),
        *("--served-model-name", model.name),
        *("--dtype", settings.dtype),
        *("--tensor-parallel-size", str(settings.tensor_parallel)),
        *("--gpu-memory-utilization", str(settings.memory_share)),
        "--enable-prefix-caching" if settings.prefix_caching else "--no-enable-prefix-caching",
        # The gateway logs requests; a line for each of them here would only fill the disk.
        "--disable-uvicorn-access-log",
        *("--middleware", _GUARD),
    ]
    if context_tokens:
        arguments += ["--max-model-len", str(context_tokens)]
    if settings.max_adapters:
        arguments += [
            "--enable-lora",
            *("--max-loras", str(settings.max_adapters)),
            # One more than answer at once: the new version of one is loaded beside the old.
            *("--max-cpu-loras", str(settings.max_adapters + 1)),
            *("--max-lora-rank", str(settings.max_adapter_rank)),
        ]
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [*arguments, *settings.arguments, *address]


def _environment(settings: Vllm, key: str) -> dict[str, str]:
    environment = {
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_IN_VLLM), os.getenv("PYTHONPATH")])),
        # Not an argument: those are shown to everybody who lists processes.
        "VLLM_API_KEY": key,
        "VLLM_CPU_KVCACHE_SPACE": str(settings.cpu_cache_gb),
        # Its processes talk to one another; on this machine only. Whoever spreads them over
        # several machines has said on which interface they meet.
        "VLLM_HOST_IP": "127.0.0.1",
        **{name: "lo" for name in _MEETING_PLACES if name not in os.environ},
        "VLLM_NO_USAGE_STATS": "1",
    }
    if settings.max_adapters:
        environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "True"
    return environment
