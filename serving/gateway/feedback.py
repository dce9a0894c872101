"""`POST /v1/feedback`: what people think of an answer, for the next round of tuning."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from serving.api_errors import ApiError
from serving.gateway.access import MayGiveFeedback, user_of
from serving.gateway.state import InGateway

router = APIRouter()


class Feedback(BaseModel):
    """An opinion of one answer."""

    model_config = ConfigDict(extra="forbid")

    request_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
    """X-Request-Id of the answer; its `id` without `chatcmpl-` is the same."""
    rating: Literal["up", "down"]
    text: Annotated[str, Field(max_length=4000)] = ""
    user: Annotated[str, Field(max_length=512)] | None = None


@router.post("/v1/feedback", status_code=201)
async def give_feedback(
    body: Feedback, request: Request, gateway: InGateway, _: MayGiveFeedback
) -> dict[str, str]:
    """Keep an opinion; it is exported with `onbrand feedback export`."""
    store = gateway.parts.store
    if store is None:
        raise ApiError(404, "This gateway keeps no feedback.", code="not_kept")
    await store.feedback.add(
        request_id=body.request_id,
        user=user_of(request, body.user),
        rating=body.rating,
        text=body.text,
    )
    return {"status": "kept"}
