"""Answers that are given again to the same question: at temperature 0 the engine would repeat them.

Kept where the limits are: in Redis, which several gateways share, or in memory.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from serving.engine.delta import Usage
from serving.limits.counters import Counters
from serving.metrics import Metrics


class Known(BaseModel):
    """A whole answer, as it was given before."""

    text: str
    finish_reason: str
    usage: Usage | None


@dataclass(frozen=True)
class AnswerCache:
    """Whole answers by everything that decides them: model, messages, sampling.

    An adapter's are not kept, since another may be loaded under its name at any time.
    """

    counters: Counters
    metrics: Metrics
    seconds: float
    """How long an answer is kept; 0: not at all."""

    async def find(self, fields: dict[str, Any], model: str) -> Known | None:
        """The answer to this request, `fields` being as the engine gets them, by this model."""
        if not self._decided(fields):
            return None
        kept = await self.counters.get(_name(fields, model))
        self.metrics.cache(hit=kept is not None)
        return None if kept is None else Known.model_validate_json(kept)

    async def keep(self, fields: dict[str, Any], model: str, known: Known) -> None:
        """Remember an answer that came to its end."""
        if self._decided(fields):
            await self.counters.put(
                _name(fields, model), known.model_dump_json().encode(), self.seconds
            )

    def _decided(self, fields: dict[str, Any]) -> bool:
        """Whether nothing is left to chance, and the model is the one that never changes here."""
        return bool(self.seconds) and fields["temperature"] == 0 and "model" not in fields


def _name(fields: dict[str, Any], model: str) -> str:
    asked = json.dumps([model, fields], sort_keys=True)
    return f"answer:{hashlib.sha256(asked.encode()).hexdigest()}"
