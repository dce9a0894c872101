"""`POST /v1/chat/completions`: an answer in the brand's voice, whole or streamed."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from serving.api_errors import CLIENT_GONE, no_such_model
from serving.gateway.access import MayChat, user_of
from serving.gateway.answer import Answer
from serving.gateway.completion_format import events, whole
from serving.gateway.disconnect import ClientGoneError, unless_gone
from serving.gateway.event_stream import EventStream
from serving.gateway.ledger import Ledger
from serving.gateway.opening import Opening
from serving.gateway.schemas import ChatRequest
from serving.gateway.state import Gateway, InGateway
from serving.gateway.voice import engine_request

router = APIRouter()
TRIMMED = "X-Onbrand-Trimmed"
"""Response header: how many of the oldest messages were left out to fit the context."""


@router.post("/v1/chat/completions")
async def chat_completions(
    body: ChatRequest, request: Request, gateway: InGateway, caller: MayChat
) -> Response:
    """An answer in the brand's voice, whole or streamed."""
    user = user_of(request, body.user)
    answer, headers = prepare(gateway, body, user, request.state.request_id)
    model = request.state.model = answer.fields.get("model", gateway.model)
    pieces = Opening(Ledger(gateway, caller, user, body, answer).watch())
    patience = gateway.settings.keep_alive_seconds
    try:
        if not body.stream:
            content = await unless_gone(request, whole(answer, pieces, model))
            return JSONResponse(content, headers=headers)
        # Before the status line goes out: a failure up to here is still an HTTP error.
        await unless_gone(request, _begin(pieces, patience))
    except BaseException as error:
        await pieces.aclose()
        if isinstance(error, ClientGoneError):
            return Response(status_code=CLIENT_GONE)
        raise
    with_usage = bool(body.stream_options and body.stream_options.include_usage)
    stream = events(answer, pieces, model, with_usage=with_usage)
    return EventStream(stream, pieces, patience, gateway.settings.timeout_seconds, headers)


async def _begin(pieces: Opening, patience_seconds: float) -> None:
    """Come out of the queue, and wait a while for the first word."""
    await anext(pieces)
    await pieces.wait(patience_seconds)


def prepare(
    gateway: Gateway, body: ChatRequest, user: str, request_id: str
) -> tuple[Answer, dict[str, str]]:
    """The answer to come, and the headers that say what was done to the question.

    Raises:
        ApiError: 404 for a model that is not served, 400 for a message that cannot fit.
    """
    fields = engine_request(body, gateway.settings, gateway.brand)
    adapter = _adapter(gateway, body.model, user, request_id)
    if adapter:
        fields["model"] = adapter
    fields["messages"], left_out = gateway.context.fit(fields["messages"], fields["max_tokens"])
    answer = Answer(
        gateway.client,
        gateway.readiness,
        gateway.admission,
        fields,
        request_id,
        gateway.settings.timeout_seconds,
        gateway.settings.queue_seconds,
        gateway.parts.cache,
        gateway.model_hash,
    )
    return answer, {TRIMMED: str(left_out)} if left_out else {}


def _adapter(gateway: Gateway, asked: str | None, user: str, request_id: str) -> str | None:
    """The adapter that answers; None: the model as it is."""
    adapters = gateway.parts.adapters
    if asked in (None, gateway.model):
        return adapters.choose(user, request_id) if adapters else None
    if asked not in gateway.models():
        raise no_such_model(asked, gateway.models())
    return asked
