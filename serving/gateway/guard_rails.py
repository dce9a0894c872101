"""Around every route: how large a body may be, and headers that keep browsers safe."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api_errors import ApiError

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers"""


class GuardRails:
    """ASGI middleware.

    Args:
        app: What it guards.
        max_body_bytes: Largest body; larger ones get 413 before they are read.
        exempt: Paths with a limit of their own.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, exempt: frozenset[str]) -> None:
        self._app = app
        self._max = max_body_bytes
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["path"] in self._exempt:
            await self._app(scope, receive, send_with_headers)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isascii() and announced.isdigit() and int(announced) > self._max:
            await self._too_large().response()(scope, receive, send_with_headers)
            return
        received, refused = 0, False

        async def receive_within_limit() -> Message:
            nonlocal received, refused
            message = await receive()
            received += len(message.get("body", b""))
            if received <= self._max or refused:
                return message
            # Answered here: frameworks turn what is raised while they read into a 400.
            refused = True
            await self._too_large().response()(scope, receive, send_with_headers)
            return {"type": "http.disconnect"}

        async def send_unless_refused(message: Message) -> None:
            if not refused:
                await send_with_headers(message)

        await self._app(scope, receive_within_limit, send_unless_refused)

    def _too_large(self) -> ApiError:
        message = f"The body is larger than the {self._max} bytes that serving.max_body_kb allows."
        return ApiError(413, message, code="request_too_large")
