"""Batches in the gateway: whose they are, and lines answered as other requests are."""

from collections import Counter
from typing import Literal

from fastapi import Request
from pydantic import ValidationError

from onbrand.workspace import Workspace
from serving.api_errors import ApiError, invalid_body
from serving.batches.batches import Batches, make_batches
from serving.batches.hand import Reply
from serving.batches.lines import Line
from serving.gateway.access import Caller, MayBatch
from serving.gateway.chat import prepare
from serving.gateway.completion_format import whole
from serving.gateway.ledger import Ledger
from serving.gateway.opening import Opening
from serving.gateway.schemas import ChatRequest
from serving.gateway.state import Gateway
from serving.store.database import Database

_OUTCOMES: dict[str, Literal["answered", "failed"]] = {"done": "answered", "failed": "failed"}


async def owner(request: Request, caller: MayBatch) -> None:
    """A dependency of the routes of batches: they belong to the key that asks.

    Raises:
        ApiError: 404 where nothing is stored.
    """
    if getattr(request.app.state, "batches", None) is None:
        raise ApiError(404, "This gateway takes no batches.", code="not_found")
    request.state.owner = caller.key_id


def batches_of(workspace: Workspace, database: Database, gateway: Gateway) -> Batches:
    """The batches of a gateway, counted in its metrics.

    Raises:
        UsageError: the broker's URL cannot be right.
    """

    async def answer(line: Line) -> Reply:
        return await _answer(gateway, line)

    def finished(outcomes: Counter[str]) -> None:
        for outcome, count in outcomes.items():
            for _ in range(count):
                gateway.parts.metrics.batch_line(_OUTCOMES.get(outcome, "cancelled"))

    return make_batches(workspace, database, answer, finished)


async def _answer(gateway: Gateway, line: Line) -> Reply:
    """One line, through the same queue and the same limits of users as people's requests.

    It is noted for the key that made the batch, whose own limit is for people's requests only.
    """
    try:
        try:
            request = ChatRequest.model_validate({**line.body, "stream": False})
        except ValidationError as error:
            raise invalid_body(error) from error
        user = request.user or ""
        answer, _ = prepare(gateway, request, user, line.request_id)
        caller = Caller(line.owner, per_minute=0)
        pieces = Opening(Ledger(gateway, caller, user, request, answer).watch())
        try:
            model = answer.fields.get("model", gateway.model)
            return Reply(200, await whole(answer, pieces, model))
        finally:
            await pieces.aclose()
    except ApiError as error:
        return Reply(error.status, error.body(), error.retry_after)
