"""Who asks, and whether they may: keys with scopes, and users as the client names them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from serving.api_errors import ApiError
from serving.gateway.state import InGateway
from serving.store.users import kept_name

USER_HEADER = "X-Onbrand-User"

_bearer = HTTPBearer(auto_error=False, description="A key of `onbrand keys create`")


@dataclass(frozen=True)
class Caller:
    """Whose key it is; all fields are empty or None where the gateway asks for no key."""

    key_id: str = ""
    per_minute: int | None = None
    """The key's own limit, requests in a minute."""


def _may(scope: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who holds a key with `scope` where keys are asked for."""

    async def caller(
        gateway: InGateway,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Caller:
        if not gateway.settings.require_key:
            return Caller()
        if given is None:
            message = "This gateway asks for a key: send Authorization: Bearer, then the key."
            raise ApiError(401, message, code="missing_api_key")
        keys = gateway.parts.keys()
        # Metrics are how people hear that the store is away.
        verify = keys.verify_or_remember if scope == "metrics" else keys.verify
        key = await verify(given.credentials)
        if key is None:
            raise ApiError(401, "This key is not known or was revoked.", code="invalid_api_key")
        if scope not in key.scopes:
            message = f"This key lacks the scope {scope}."
            raise ApiError(403, message, code="missing_scope")
        return Caller(key.id, key.per_minute)

    return caller


MayChat = Annotated[Caller, Depends(_may("chat"))]
MayGiveFeedback = Annotated[Caller, Depends(_may("feedback"))]
MayReadMetrics = Annotated[Caller, Depends(_may("metrics"))]
MayBatch = Annotated[Caller, Depends(_may("batches"))]


def user_of(request: Request, named_in_body: str | None) -> str:
    """The person behind a request: a header of ours, or OpenAI's `user`; "" when not given.

    A name that no log or database should meet raw is replaced by its hash.
    """
    return kept_name(_as_sent(request.headers.get(USER_HEADER, "")) or named_in_body or "")


def _as_sent(header: str) -> str:
    """A header's text, which clients write in UTF-8 and Starlette reads as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header
