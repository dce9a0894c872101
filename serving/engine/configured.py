"""The engine that brand.toml names."""

from contextlib import AbstractContextManager, nullcontext

from onbrand.errors import UsageError
from onbrand.secrets import secret
from onbrand.workspace import CONFIG_NAME, Workspace
from serving.engine.protocol import ENGINE_KEY, Engine, RemoteEngine
from serving.engine.transformers_serve import start_transformers
from serving.engine.vllm_server import start_vllm


def configured_engine(workspace: Workspace) -> AbstractContextManager[Engine]:
    """`serving.engine`; one that runs here is started on entry and ended on exit.

    Raises:
        UsageError: `engine = "remote"` without `engine_url`.
        OnbrandError: on entry: no vLLM where `vllm.python` points, or the log cannot be written.
    """
    settings = workspace.config.serving
    logs = workspace.root / "logs"
    if settings.engine == "transformers":
        return start_transformers(workspace.merged, logs, settings.context_tokens)
    if settings.engine == "vllm":
        vllm = workspace.config.vllm
        return start_vllm(workspace.merged, logs, vllm, settings.context_tokens)
    if not settings.engine_url:
        raise UsageError(
            f'{workspace.root / CONFIG_NAME}: serving.engine = "remote" needs serving.engine_url, '
            "such as http://127.0.0.1:8000/v1."
        )
    key = secret(ENGINE_KEY)
    return nullcontext(RemoteEngine(settings.engine_url, settings.engine_model, key))
