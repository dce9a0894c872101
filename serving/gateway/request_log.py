"""A request id on every response, and one log line per request that never holds what was said."""

import logging
import re
import time
import traceback
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api_errors import ApiError

_log = logging.getLogger("onbrand.gateway")
_LONGEST_PATH = 200
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class RequestLog:
    """ASGI middleware: takes X-Request-Id or makes one, returns it, logs method, path, status.

    Plain ASGI, since Starlette's BaseHTTPMiddleware hides disconnects from the routes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            # Where it happened, without the message: that may quote the request.
            frames = "".join(traceback.format_tb(error.__traceback__))
            _log.error("%s %s\n%s", request_id, type(error).__name__, frames)
            if not status:
                failure = ApiError(500, "The gateway itself failed.", code="internal_error")
                await failure.response()(scope, receive, send_with_id)
        finally:
            spent = time.monotonic() - started
            # Supervisors ask every few seconds, and their questions would drown the others.
            level = logging.DEBUG if scope["path"] in ("/health", "/ready") else logging.INFO
            # A path may hold line ends, decoded: escaped, it cannot forge a line of its own.
            path = scope["path"].encode("unicode_escape").decode()[:_LONGEST_PATH]
            known = {
                "request_id": request_id,
                "method": scope["method"],
                "path": path,
                "status": status,
                "seconds": round(spent, 3),
            }
            if gateway := getattr(scope["app"].state, "gateway", None):
                model = scope["state"].get("model", "")
                gateway.parts.metrics.request(scope["path"], status, model, spent)
            line = f"{scope['method']} {path} {status} {spent:.3f}s"
            _log.log(level, "%s %s", request_id, line, extra=known)
