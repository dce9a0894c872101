"""Loaded by vLLM, in its own environment: no request without the key, on whatever path.

vLLM 0.32 asks for its key under `/v1` and a few others only; `/invocations`, say, answers the same
questions to everybody who can reach the port.

Imports nothing of Onbrand.
"""

import hmac
import os

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_OPEN = ("/health", "/metrics")
"""For whoever watches; they show nothing of what was said."""


class OnlyWithKey:
    """ASGI middleware, for vLLM's `--middleware`; the key is `VLLM_API_KEY`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._wanted = f"Bearer {os.environ['VLLM_API_KEY']}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] == "lifespan" or scope["path"] in _OPEN or self._has_key(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse("This needs the key.", 401)(scope, receive, send)

    def _has_key(self, scope: Scope) -> bool:
        said = Headers(scope=scope).get("Authorization", "").encode()
        return hmac.compare_digest(said, self._wanted)
