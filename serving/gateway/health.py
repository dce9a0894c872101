"""What supervisors and clients ask before they ask anything else."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from serving.api_errors import no_such_model
from serving.gateway.access import MayChat
from serving.gateway.state import Gateway, InGateway

router = APIRouter()


@router.get("/health")
async def health(gateway: InGateway) -> dict[str, str]:
    """200 while this process runs."""
    return {"status": "ok", **gateway.served()}


@router.get("/ready", responses={503: {"description": "Not ready, with the reason"}})
async def ready(gateway: InGateway) -> JSONResponse:
    """200 while the engine answers and the gateway takes requests, else 503 with the reason."""
    engine = {"engine": gateway.readiness.state, "restarts": gateway.readiness.restarts}
    said = {**gateway.served(), **engine}
    reason = gateway.client.engine.failure() or gateway.readiness.reason
    if gateway.admission.draining:
        reason = "The gateway is shutting down."
    if reason:
        return JSONResponse({"status": "not ready", "reason": reason, **said}, 503)
    return JSONResponse({"status": "ready", **said})


@router.get("/v1/models")
async def models(gateway: InGateway, _: MayChat) -> dict[str, Any]:
    """The brand's model and the adapters that can be asked for, in OpenAI's list shape."""
    return {"object": "list", "data": [_model(gateway, name) for name in gateway.models()]}


@router.get("/v1/models/{name}", responses={404: {"description": "No such model here"}})
async def one_model(gateway: InGateway, _: MayChat, name: str) -> dict[str, Any]:
    """One of them; raises `ApiError` with 404 where it is none."""
    if name not in gateway.models():
        raise no_such_model(name, gateway.models())
    return _model(gateway, name)


def _model(gateway: Gateway, name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": gateway.started, "owned_by": "onbrand"}
