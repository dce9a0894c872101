"""`GET /metrics`: for Prometheus."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.gateway.access import MayReadMetrics
from serving.gateway.state import InGateway

router = APIRouter()
_STORE_SECONDS = 2.0
"""Prometheus waits 10 s for all of it."""


@router.get("/metrics", response_class=Response)
async def metrics(request: Request, gateway: InGateway, _: MayReadMetrics) -> Response:
    """Everything counted since the start, in Prometheus' text format."""
    counted = gateway.parts.metrics
    counted.engine(gateway.readiness.state, gateway.readiness.restarts)
    if store := gateway.parts.store:
        counted.part("store", await store.database.answers(_STORE_SECONDS))
    counted.queue(gateway.admission.running, gateway.admission.waiting)
    content, media_type = counted.render(request.headers.get("accept", ""))
    return Response(content, media_type=media_type)
