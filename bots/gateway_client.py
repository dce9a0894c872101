"""The one way from a person to the model: the gateway's chat API, streamed."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import httpx
from httpx_sse import EventSource, SSEError
from pydantic import BaseModel, ValidationError

from bots.gateway_wire import (
    CHAT,
    DONE,
    BrokenOffError,
    NotOursError,
    checked,
    error_of,
    may_use_proxy,
    piece_of,
)
from onbrand.chat_format import Message
from onbrand.errors import OnbrandError


class NoGatewayError(OnbrandError):
    """Nothing accepts connections at the gateway's address."""


class Served(BaseModel):
    """What a gateway says of itself at `/ready`."""

    brand: str
    """The brand's name as a slug; the name its model goes by."""
    model: str
    """Hash of the merged model; empty when the engine runs elsewhere."""
    reason: str = ""
    """Why it cannot answer yet; empty when it can."""


class GatewayClient:
    """Asks the gateway at `url`, waiting for each piece; close it when done.

    Args:
        url: Where the gateway listens, without `/v1`.
        timeout_seconds: Longest wait for the next piece of an answer.

    Raises:
        UsageError: `url` is no http or https URL.
    """

    def __init__(self, url: str, timeout_seconds: float = 180.0) -> None:
        self._url = checked(url)
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(timeout_seconds, connect=5.0),
            trust_env=may_use_proxy(url),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def served(self) -> Served:
        """Who speaks there, ready or not.

        Raises:
            NoGatewayError: nothing listens there.
            OnbrandError: it does not answer, or is no Onbrand gateway.
        """
        with self._explained():
            response = self._http.get("/ready")
            try:
                return Served.model_validate_json(response.content)
            except ValidationError as error:
                raise NotOursError from error

    def check_ready(self) -> Served:
        """Who speaks there, once it can answer.

        Raises:
            OnbrandError: it cannot be reached, or its engine does not answer.
        """
        served = self.served()
        if served.reason:
            raise OnbrandError(f"The gateway at {self._url} is not ready: {served.reason}")
        return served

    def stream_reply(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """The answer, piece by piece; closing the generator stops the model.

        Raises:
            OnbrandError: unreachable, refused, or cut off in the middle.
        """
        # No model is named: a gateway serves one, and its persona and defaults are its own.
        body = {"messages": list(messages), "stream": True}
        with self._explained():
            with self._http.stream("POST", CHAT, json=body) as response:
                if response.is_error:
                    response.read()
                    raise self._refusal(response)
                for event in EventSource(response).iter_sse():
                    if event.data == DONE:
                        return
                    if piece := piece_of(event.data):
                        yield piece
            raise self._cut_off()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what httpx and the SSE reader raise into one clear sentence."""
        try:
            yield
        except (SSEError, NotOursError) as error:  # httpx counts the first among its own
            raise OnbrandError(f"What answers at {self._url} is not an Onbrand gateway.") from error
        except BrokenOffError as error:
            raise OnbrandError(f"The gateway at {self._url} broke off: {error}") from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NoGatewayError(
                f"No gateway answers at {self._url}; `onbrand serve` starts it."
            ) from error
        except httpx.TimeoutException as error:
            raise OnbrandError(f"The gateway at {self._url} took too long to answer.") from error
        except httpx.HTTPError as error:
            raise self._cut_off() from error

    def _refusal(self, response: httpx.Response) -> OnbrandError:
        _, said = error_of(response)
        return OnbrandError(f"The gateway at {self._url} could not answer: {said}")

    def _cut_off(self) -> OnbrandError:
        return OnbrandError(f"The answer from {self._url} was cut off; is the gateway still there?")
