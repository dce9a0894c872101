"""Failures in the shape OpenAI's clients expect: `{"error": {message, type, param, code}}`."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class ApiError(Exception):
    """A request that cannot be answered; becomes a response, or an event inside a stream."""

    def __init__(self, status: int, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        kind = "invalid_request_error" if self.status < 500 else "api_error"
        detail = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": detail}

    def response(self) -> JSONResponse:
        """The HTTP response."""
        return JSONResponse(self.body(), self.status)


def invalid_request(message: str, param: str | None = None) -> ApiError:
    """400: the body cannot be right."""
    return ApiError(400, message, code="invalid_request", param=param)


def install_error_handlers(app: FastAPI) -> None:
    """Give every failure of `app` the same shape."""

    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> JSONResponse:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid_body(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return invalid_request("The body is not valid JSON.").response()
        path = [str(part) for part in first["loc"] if part != "body"]
        # The value is left out: it may be what a person wrote, and errors end up in logs.
        where = ".".join(path) or "The body"
        what = first["msg"].removeprefix("Value error, ")
        return invalid_request(f"{where}: {what}.", ".".join(path) or None).response()

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{request.method} {request.url.path}: {error.detail}."
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        return ApiError(error.status_code, message, code=code).response()
