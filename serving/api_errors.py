"""Failures in the shape OpenAI's clients expect: `{"error": {message, type, param, code}}`."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from serving.store.database import StoreUnavailableError

CLIENT_GONE = 499
"""Nobody reads it; the log does."""
_STORE_SECONDS = 5
_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ApiError(Exception):
    """A request that cannot be answered; becomes a response, or an event inside a stream."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.retry_after = retry_after
        """Seconds after which it is worth another try; None: it is not, or nobody knows."""

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        kind = _KINDS.get(self.status) or (
            "invalid_request_error" if self.status < 500 else "api_error"
        )
        detail = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": detail}

    def response(self) -> JSONResponse:
        """The HTTP response."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body(), self.status, headers)


def overloaded(message: str, code: str, retry_after: int) -> ApiError:
    """503: not now, for want of room; `retry_after` is in seconds."""
    again = f"{message} Try again in {retry_after} s."
    return ApiError(503, again, code=code, retry_after=retry_after)


def no_such_model(asked: str, served: list[str]) -> ApiError:
    """The refusal of a model that is not among those that are `served`."""
    known = ", ".join(map(repr, served))
    message = f"There is no model {asked!r} here; this gateway serves {known}."
    return ApiError(404, message, code="model_not_found", param="model")


def over_quota(message: str, retry_after: int) -> ApiError:
    """429: this user or key has had its share; `retry_after` is in seconds."""
    return ApiError(429, message, code="rate_limit_exceeded", retry_after=retry_after)


def invalid_request(message: str, param: str | None = None) -> ApiError:
    """400: the body cannot be right."""
    return ApiError(400, message, code="invalid_request", param=param)


def invalid_body(error: RequestValidationError | ValidationError) -> ApiError:
    """400: what was wrong first, and where."""
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return invalid_request("The body is not valid JSON.")
    path = [str(part) for part in first["loc"] if part != "body"]
    # The value is left out: it may be what a person wrote, and errors end up in logs.
    where = ".".join(path) or "The body"
    what = first["msg"].removeprefix("Value error, ")
    return invalid_request(f"{where}: {what}.", ".".join(path) or None)


def install_error_handlers(app: FastAPI) -> None:
    """Give every failure of `app` the same shape."""

    def answered(error: ApiError) -> JSONResponse:
        gateway = getattr(app.state, "gateway", None)
        if gateway and error.retry_after is not None:
            gateway.parts.metrics.refused(error.status, error.code)
        return error.response()

    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> JSONResponse:
        return answered(error)

    @app.exception_handler(StoreUnavailableError)
    async def store_unavailable(_: Request, error: StoreUnavailableError) -> JSONResponse:
        message = "What this needs to read or write cannot be reached now."
        return answered(overloaded(message, "store_unavailable", _STORE_SECONDS))

    @app.exception_handler(ClientDisconnect)
    async def client_gone(_: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=CLIENT_GONE)

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        return invalid_body(error).response()

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path}: {error.detail}."
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        response = ApiError(error.status_code, message, code=code).response()
        response.headers.update(error.headers or {})  # a 405 has to say what is allowed
        return response
