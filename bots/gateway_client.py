"""The one way from a person to the model: the gateway's chat API, streamed."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from httpx_sse import EventSource, SSEError
from pydantic import BaseModel, ValidationError

from onbrand.chat_format import Message
from onbrand.errors import OnbrandError, UsageError


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
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise UsageError(f"{url} is not the URL of a gateway, such as http://127.0.0.1:8080.")
        # As errors show it: without a password that a proxy in front of the gateway may ask for.
        host = address.netloc.rpartition("@")[2]
        self._url = address._replace(netloc=host).geturl().rstrip("/")
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(timeout_seconds, connect=5.0),
            # A proxy from the environment has no business between two processes of one machine.
            trust_env=address.hostname not in ("127.0.0.1", "localhost", "::1"),
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
            raise self._not_a_gateway() from error

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
            with self._http.stream("POST", "/v1/chat/completions", json=body) as response:
                if response.is_error:
                    response.read()
                    raise self._refusal(response)
                for event in EventSource(response).iter_sse():
                    if event.data == "[DONE]":
                        return
                    if piece := self._piece(event.data):
                        yield piece
            raise self._cut_off()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what httpx and the SSE reader raise into one clear sentence."""
        try:
            yield
        except SSEError as error:  # httpx counts it among its own
            raise self._not_a_gateway() from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NoGatewayError(
                f"No gateway answers at {self._url}; `onbrand serve` starts it."
            ) from error
        except httpx.TimeoutException as error:
            raise OnbrandError(f"The gateway at {self._url} took too long to answer.") from error
        except httpx.HTTPError as error:
            raise self._cut_off() from error

    def _refusal(self, response: httpx.Response) -> OnbrandError:
        try:
            said = response.json()["error"]["message"]
        except (ValueError, LookupError, TypeError):
            return self._not_a_gateway()
        return OnbrandError(f"The gateway at {self._url} could not answer: {said}")

    def _piece(self, data: str) -> str:
        """The text of one event; an error event raises."""
        try:
            content: dict[str, Any] = json.loads(data)
            if "error" in content:
                said = content["error"]["message"]
                raise OnbrandError(f"The gateway at {self._url} broke off: {said}")
            choices = content["choices"]
            return str(choices[0]["delta"].get("content") or "") if choices else ""
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise self._not_a_gateway() from error

    def _cut_off(self) -> OnbrandError:
        return OnbrandError(f"The answer from {self._url} was cut off; is the gateway still there?")

    def _not_a_gateway(self) -> OnbrandError:
        return OnbrandError(f"What answers at {self._url} is not an Onbrand gateway.")
