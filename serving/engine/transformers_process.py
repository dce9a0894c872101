"""`transformers serve` as Onbrand starts it; run by path, through `lifeline.py`.

What it changes of that server stands here and nowhere else. Imports nothing of Onbrand: it must run
wherever the gateway's Python finds transformers.
"""

import sys
from typing import Any


def main() -> None:
    """Serve the model folder `argv[1]` (relative to the working directory) on port `argv[2]`.

    `argv[3]` is the longest prompt with its answer, tokens; 0: the model's own limit.
    """
    model, port, context_tokens = sys.argv[1:]
    # uvicorn takes WebSocket support from any websockets package and cannot be imported with the
    # old one that pyppeteer pins; this server needs none (None: as if it were not installed).
    sys.modules["websockets"] = None  # type: ignore[assignment]

    import torch

    # The command itself (`main`) would first ask the network for a newer version.
    from transformers.cli.transformers import app

    _bound_context(int(context_tokens))
    _list_only(model)
    # "auto" spreads a model over the GPUs; without one it may offload weights to disk.
    device = "auto" if torch.cuda.is_available() else "cpu"
    app(["serve", model, "--host", "127.0.0.1", "--port", port, "--device", device])


def _bound_context(context_tokens: int) -> None:
    """Refuse a prompt that does not fit, and end an answer where the context ends.

    The server itself goes on past the positions the model was trained with, into nonsense and ever
    more memory.
    """
    from fastapi import HTTPException
    from transformers.cli.serving import chat_completion

    class BoundedHandler(chat_completion.ChatCompletionHandler):
        def _streaming(self, *args: Any, **kwargs: Any) -> Any:
            bound(*args, **kwargs)
            return super()._streaming(*args, **kwargs)

        async def _non_streaming(self, *args: Any, **kwargs: Any) -> Any:
            bound(*args, **kwargs)
            return await super()._non_streaming(*args, **kwargs)

    def bound(
        request_id: str, model: Any, processor: Any, model_id: str, inputs: Any, gen_config: Any,
        **_: Any,
    ) -> None:  # fmt: skip
        limits = [context_tokens, getattr(model.config, "max_position_embeddings", 0)]
        limit = min((limit for limit in limits if limit), default=0)
        prompt = inputs["input_ids"].shape[-1]
        if limit and prompt >= limit:
            message = f"The prompt has {prompt} tokens; with the answer {limit} fit the context."
            raise HTTPException(400, message)
        if limit:
            gen_config.max_new_tokens = min(gen_config.max_new_tokens, limit - prompt)

    chat_completion.ChatCompletionHandler = BoundedHandler  # type: ignore[misc]


def _list_only(model: str) -> None:
    """Have `/v1/models` name the model that is served.

    The server itself lists what is in the hub's cache, and fails where there is none.
    """
    from transformers.cli.serving.model_manager import ModelManager

    listed = [{"id": model, "object": "model", "owned_by": "onbrand", "created": 0}]
    manager: Any = ModelManager
    manager.get_gen_models = staticmethod(lambda: listed)


if __name__ == "__main__":
    main()
