"""`models/merged-verification.json`: what was measured about the merged model, and its limits.

Knows no torch, so that `onbrand status` reads it at once.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

Onto = Literal["dequantised", "original"]
"""The base weights that the adapter is added to: those of its training, or the unquantised."""


class Check(BaseModel):
    """One figure, and the limit it must not be above."""

    model_config = ConfigDict(ser_json_inf_nan="strings")  # JSON has no other way to keep NaN

    name: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """True when the value is a number within the limit."""
        return self.value <= self.limit


LEARNED = 0.8
"""Share of greedy answers that have to end."""


class Stops(BaseModel):
    """Whether the model has learned to stop."""

    prompts: int
    """Training prompts that were asked, each another one; 0 where the answers to all were cut."""
    stopped: int
    """Answered greedily within `limit` tokens, EOS included."""
    limit: int
    """Tokens an answer may take; 0 where no prompt was asked."""
    answers: int = 0
    """Training answers with EOS after which the model was asked for its next token; 0: none has."""
    ended: int = 0
    """Of these the ones that EOS followed, greedily."""
    end_loss: float
    """-log p of EOS after training answers, in nats: of the merged model."""
    base_end_loss: float
    """The same of the base model."""

    @property
    def learned(self) -> bool:
        """Most greedy answers end, or would have ended where the training answers did.

        Where nothing was asked nothing is known, and so nothing was learned.
        """
        return _most(self.stopped, self.prompts) or _most(self.ended, self.answers)


def _most(count: int, asked: int) -> bool:
    return asked > 0 and count >= LEARNED * asked


class Verification(BaseModel):
    """The file's content."""

    model_config = ConfigDict(ser_json_inf_nan="strings")

    passed: bool
    merged: str
    """`output_hash` of the merged model this speaks of."""
    dtype: str
    onto: Onto
    texts: int
    checks: list[Check]
    stops: Stops
    held_out_loss: dict[str, float]
    """Nats per answer token on validation examples: of `base`, `adapter` and `merged`."""
    distance_from_trained: float
    """Relative logit error against the model as it was trained; the judge of a merge onto the
    dequantised base, no judge of one onto the original base."""

    def value(self, name: str) -> float:
        """The figure of the check `name`."""
        return next(check.value for check in self.checks if check.name == name)

    @property
    def failed(self) -> list[Check]:
        """The checks that did not pass."""
        return [check for check in self.checks if not check.passed]

    @property
    def reason(self) -> str:
        """Why it did not pass: a sentence without its full stop, for errors to go on from."""
        failed, stops = self.failed[0], self.stops
        if failed.name == "end_not_learned" and not (stops.prompts or stops.answers):
            return (
                "No training answer ends in EOS, since all texts were cut, so the model cannot "
                "have learned to end its own; raise [tune] max_tokens or [examples] write"
            )
        if failed.name == "end_not_learned":
            greedy = ""
            if stops.prompts:
                greedy = f"{stops.stopped} of {stops.prompts} end within {stops.limit} tokens, and "
            return (
                f"The model has not learned to end its answers: {greedy}after {stops.ended} of "
                f"{stops.answers} training answers it would. Tune longer ([tune] epochs or "
                "max_steps)"
            )
        return (
            f"The merged model is not the model that was trained ({failed.name} is "
            f"{failed.value:.3g}, the limit {failed.limit:.3g})"
        )


def read_verification(path: Path) -> Verification | None:
    """The verification in `path`, or None when there is none that can be read."""
    try:
        return Verification.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
