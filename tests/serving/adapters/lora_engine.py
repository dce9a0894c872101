"""A server with vLLM's routes for adapters, and one that says which model was asked."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse


@dataclass
class LoraEngine:
    """Loads what is a folder; forgets everything with `start_again`."""

    adapters: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    """Loads and unloads, oldest first: what, and of which adapter."""
    refuse: bool = False
    listing: Any = None
    """What `/v1/models` says instead of the truth."""

    def start_again(self) -> None:
        self.adapters.clear()

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/models")
        async def models() -> Any:
            if self.listing is not None:
                return self.listing
            return {"data": [{"id": name} for name in ("merged", *self.adapters)]}

        @app.post("/v1/load_lora_adapter")
        async def load(body: dict[str, Any]) -> Response:
            name, folder = body["lora_name"], body["lora_path"]
            self.calls.append(("load", name))
            if self.refuse or not Path(folder).is_dir():
                return JSONResponse({"error": {"message": "no adapter there"}}, 404)
            if name in self.adapters or body.get("load_inplace"):
                return JSONResponse({"error": {"message": "would be read with each token"}}, 400)
            self.adapters[name] = folder
            return Response()

        @app.post("/v1/unload_lora_adapter")
        async def unload(body: dict[str, Any]) -> Response:
            self.calls.append(("unload", body["lora_name"]))
            found = self.adapters.pop(body["lora_name"], None)
            return Response(status_code=200 if found else 404)

        @app.post("/v1/chat/completions")
        async def chat(request: Request) -> Response:
            model = (await request.json())["model"]
            if model not in ("merged", *self.adapters):
                return JSONResponse({"error": {"message": "no such model"}}, 404)
            return StreamingResponse(_said(model), media_type="text/event-stream")

        return app


async def _said(text: str) -> AsyncIterator[str]:
    for delta, reason in (({"content": text}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        yield f"data: {json.dumps({'choices': [choice]})}\n\n"
    yield "data: [DONE]\n\n"
