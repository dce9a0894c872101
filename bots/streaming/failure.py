"""What went wrong with an answer: a sentence for the person, details for the log.

The sentences name no address, status or model: they may be read by everyone in a public channel.
"""

import math

from onbrand.errors import OnbrandError


class AnswerError(OnbrandError):
    """No answer, or not all of it.

    Args:
        sentence: For the person who waits.
        detail: For the log; nothing that anybody wrote.
        may_retry: Whether another try may succeed.
        again_after_seconds: When the bot may ask again by itself; None: it does not.
    """

    def __init__(
        self,
        sentence: str,
        detail: str,
        *,
        may_retry: bool = True,
        again_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.sentence = sentence
        self.may_retry = may_retry
        self.again_after_seconds = again_after_seconds


def unreachable(detail: str, again_after_seconds: float) -> AnswerError:
    """No connection to the gateway."""
    return AnswerError(
        "I can't reach my words right now. Please try again in a moment.",
        f"The gateway cannot be reached: {detail}.",
        again_after_seconds=again_after_seconds,
    )


def silent(seconds: float) -> AnswerError:
    """Nothing came for too long."""
    return AnswerError(
        "The answer took too long, so I gave up. Please try again.",
        f"The gateway sent nothing for {seconds:g} s.",
    )


def broken(detail: str) -> AnswerError:
    """The stream broke in the middle."""
    return AnswerError(
        "The answer broke off here. Please try again.", f"The gateway's stream broke: {detail}."
    )


def empty() -> AnswerError:
    """The model said nothing."""
    return AnswerError("I have no answer to that. Please try again.", "The model said nothing.")


def refused(status: int, code: str, said: str, retry_after: float | None) -> AnswerError:
    """The gateway answered with an error.

    Args:
        status: Of the response.
        code: The error's, such as `queue_full`.
        said: Its message; not for the person, as it may name parts of the system.
        retry_after: Seconds of the header Retry-After; None: there was none.
    """
    detail = f"The gateway refused with {status} {code}: {said}"
    if code == "context_length_exceeded" or status == 413:
        sentence = "That is too long for me. Please shorten it."
        return AnswerError(sentence, detail, may_retry=False)
    if status == 429:
        sentence = f"That was a lot at once. Please try again{_in_time(retry_after)}."
        return AnswerError(sentence, detail, again_after_seconds=retry_after)
    if status == 503:
        sentence = f"I'm very busy right now. Please try again{_in_time(retry_after)}."
        return AnswerError(sentence, detail, again_after_seconds=retry_after)
    if status in (401, 403):
        sentence = "I'm not set up to answer here yet. Please tell whoever runs me."
        return AnswerError(sentence, f"{detail} Set ONBRAND_GATEWAY_KEY to a key with scope chat.")
    return AnswerError("Something went wrong with the answer. Please try again.", detail)


def _in_time(seconds: float | None) -> str:
    if seconds is None:
        return " in a moment"
    if seconds < 90:
        return f" in {math.ceil(seconds)} second{'' if math.ceil(seconds) == 1 else 's'}"
    return f" in {math.ceil(seconds / 60)} minutes"
