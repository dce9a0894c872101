"""The one way from a person to the model: the gateway's chat API, streamed."""

import json
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from httpx_sse import EventSource, SSEError

from onbrand.chat_format import Message
from onbrand.errors import OnbrandError, UsageError

_PATH = "/v1/chat/completions"


class _Gateway:
    """What the two clients share: where the gateway is, and what its answers mean."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise UsageError(f"{url} is not the URL of a gateway, such as http://127.0.0.1:8080.")
        self._url = url.rstrip("/")
        self._options: dict[str, Any] = {
            "base_url": self._url,
            "timeout": httpx.Timeout(timeout_seconds, connect=5.0),
            # A proxy from the environment has no business between two processes of one machine.
            "trust_env": address.hostname not in ("127.0.0.1", "localhost", "::1"),
        }

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what httpx and the SSE reader raise into one clear sentence."""
        try:
            yield
        except SSEError as error:  # httpx counts it among its own
            raise self._not_a_gateway() from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise OnbrandError(
                f"No gateway answers at {self._url}; `onbrand serve` starts it."
            ) from error
        except httpx.TimeoutException as error:
            raise OnbrandError(f"The gateway at {self._url} took too long to answer.") from error
        except httpx.HTTPError as error:
            raise self._cut_off() from error

    def _check_status(self, response: httpx.Response) -> None:
        if not response.is_error:
            return
        try:
            content = response.json()
            said = content["reason"] if "reason" in content else content["error"]["message"]
        except (ValueError, LookupError, TypeError):
            raise self._not_a_gateway() from None
        if response.status_code == 503:
            raise OnbrandError(f"The gateway at {self._url} is not ready: {said}")
        raise OnbrandError(f"The gateway at {self._url} could not answer: {said}")

    def _piece(self, data: str) -> str:
        """The text of one event; an error event raises."""
        try:
            content = json.loads(data)
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


class GatewayClient(_Gateway):
    """Asks the gateway at `url`, waiting for each piece; close it when done.

    Args:
        url: Where the gateway listens, without `/v1`.
        timeout_seconds: Longest wait for the next piece of an answer.

    Raises:
        UsageError: `url` is no http or https URL.
    """

    def __init__(self, url: str, timeout_seconds: float = 180.0) -> None:
        super().__init__(url, timeout_seconds)
        self._http = httpx.Client(**self._options)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def check_ready(self) -> None:
        """Return when the gateway can answer.

        Raises:
            OnbrandError: it cannot be reached, or its engine does not answer.
        """
        with self._explained():
            self._check_status(self._http.get("/ready"))

    def stream_reply(self, messages: Sequence[Message]) -> Generator[str, None, None]:
        """The answer, piece by piece; closing the generator stops the model.

        Raises:
            OnbrandError: unreachable, not ready, refused, or cut off in the middle.
        """
        with self._explained():
            with self._http.stream("POST", _PATH, json=_body(messages)) as response:
                if response.is_error:
                    response.read()
                self._check_status(response)
                for event in EventSource(response).iter_sse():
                    if event.data == "[DONE]":
                        return
                    if piece := self._piece(event.data):
                        yield piece
            raise self._cut_off()


class AsyncGatewayClient(_Gateway):
    """`GatewayClient` for programs that do other things while they wait."""

    def __init__(self, url: str, timeout_seconds: float = 180.0) -> None:
        super().__init__(url, timeout_seconds)
        self._http = httpx.AsyncClient(**self._options)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def stream_reply(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """As `GatewayClient.stream_reply`."""
        with self._explained():
            async with self._http.stream("POST", _PATH, json=_body(messages)) as response:
                if response.is_error:
                    await response.aread()
                self._check_status(response)
                async for event in EventSource(response).aiter_sse():
                    if event.data == "[DONE]":
                        return
                    if piece := self._piece(event.data):
                        yield piece
            raise self._cut_off()


def _body(messages: Sequence[Message]) -> dict[str, Any]:
    # No model is named: a gateway serves one, and its persona and defaults are its own.
    return {"messages": list(messages), "stream": True}
