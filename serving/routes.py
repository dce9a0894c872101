"""The gateway's routes; each says what it answers, the work is elsewhere."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from onbrand.config import Brand, Serving
from serving.answer import Answer
from serving.api_errors import ApiError
from serving.completion_format import events, whole
from serving.disconnect import ClientGoneError, unless_gone
from serving.engine_client import EngineClient
from serving.readiness import Readiness
from serving.schemas import ChatRequest
from serving.voice import engine_request, model_name

router = APIRouter()


@dataclass(frozen=True)
class Gateway:
    """What a request needs; one for the life of the app."""

    settings: Serving
    brand: Brand
    model_hash: str
    """`output_hash` of the merged model; empty: an engine elsewhere, which serves what it likes."""
    client: EngineClient
    readiness: Readiness
    started: int
    """Unix time, seconds."""

    def served(self) -> dict[str, str]:
        """Which brand speaks here with which model: a client may have expected another."""
        return {"brand": model_name(self.brand), "model": self.model_hash}


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


InGateway = Annotated[Gateway, Depends(_gateway)]


@router.get("/health")
async def health(gateway: InGateway) -> dict[str, str]:
    """200 while this process runs."""
    return {"status": "ok", **gateway.served()}


@router.get("/ready")
async def ready(gateway: InGateway) -> JSONResponse:
    """200 while the engine answers, else 503 with the reason."""
    reason = gateway.client.engine.failure() or gateway.readiness.reason
    if reason:
        return JSONResponse({"status": "not ready", "reason": reason, **gateway.served()}, 503)
    return JSONResponse({"status": "ready", **gateway.served()})


@router.get("/v1/models")
async def models(gateway: InGateway) -> dict[str, Any]:
    """The one model, in OpenAI's list shape."""
    model = {"object": "model", "created": gateway.started, "owned_by": "onbrand"}
    return {"object": "list", "data": [{"id": model_name(gateway.brand), **model}]}


@router.post("/v1/chat/completions")
async def chat_completions(body: ChatRequest, request: Request, gateway: InGateway) -> Response:
    """An answer in the brand's voice, whole or streamed."""
    model = model_name(gateway.brand)
    if body.model not in (None, model):
        message = f"There is no model {body.model!r} here; this gateway serves {model!r}."
        raise ApiError(404, message, code="model_not_found", param="model")
    answer = Answer(
        gateway.client,
        gateway.readiness,
        engine_request(body, gateway.settings, gateway.brand),
        request.state.request_id,
        gateway.settings.timeout_seconds,
    )
    try:
        if not body.stream:
            return JSONResponse(await unless_gone(request, whole(answer, model)))
        pieces = answer.pieces()
        # Before the status line goes out: a failure up to here is still an HTTP error.
        first = await unless_gone(request, _first(pieces))
    except ClientGoneError:
        return Response(status_code=499)
    with_usage = body.stream_options is not None and body.stream_options.include_usage
    return StreamingResponse(
        events(answer, pieces, first, model, with_usage=with_usage),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _first(pieces: AsyncGenerator[str, None]) -> str:
    return await anext(pieces, "")


def now() -> int:
    """Unix time, seconds."""
    return int(time.time())
