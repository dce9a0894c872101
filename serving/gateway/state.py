"""What a request needs of the gateway: one object for the life of the app."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from onbrand.config import Brand, Serving
from serving.engine.client import EngineClient
from serving.engine.readiness import Readiness
from serving.gateway.admission import Admission
from serving.gateway.context import Context
from serving.gateway.parts import Parts
from serving.gateway.voice import model_name


@dataclass(frozen=True)
class Gateway:
    """Made at startup, read by every route."""

    settings: Serving
    brand: Brand
    model_hash: str
    """`output_hash` of the merged model; empty: an engine elsewhere, which serves what it likes."""
    client: EngineClient
    readiness: Readiness
    admission: Admission
    context: Context
    parts: Parts
    started: int
    """Unix time, seconds."""
    model: str = field(init=False)
    """The public name of the model."""

    def __post_init__(self) -> None:
        """Name the model once, not with every request."""
        object.__setattr__(self, "model", model_name(self.brand))

    def models(self) -> list[str]:
        """The names that can be asked for: the model's, then the adapters'."""
        adapters = self.parts.adapters
        return [self.model, *(adapters.names() if adapters else [])]

    def served(self) -> dict[str, str]:
        """Which brand speaks here with which model: a client may have expected another."""
        return {"brand": self.model, "model": self.model_hash}


def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


InGateway = Annotated[Gateway, Depends(_gateway)]
