"""Asking any server that speaks OpenAI's chat completions, and waiting for one that is busy.

https://platform.openai.com/docs/api-reference/chat
"""

import email.utils
import math
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from onbrand.chat_format import Message
from onbrand.errors import OnbrandError, UsageError
from onbrand.secrets import secret

_TIMEOUT = httpx.Timeout(300, connect=10)
_BUSY = {408, 409, 425, 429, *range(500, 600)}
_UNUSABLE_KEY = {401, 403}
_LONGEST_PAUSE = 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Reply:
    """One answer."""

    text: str
    stopped: bool
    """Whether the model itself ended it; False: it was cut off at `max_tokens`."""


class ChatClient:
    """One server; usable from several threads.

    Args:
        url: up to and with `/v1`; behind a `#` the model's name, else the first one it lists.
        key_variable: environment variable with its key, if it wants one.
        patience_seconds: how long a server that is busy or gone is asked again, each request.

    Raises:
        UsageError: it is no http or https address, or holds a password.
    """

    def __init__(self, url: str, key_variable: str, patience_seconds: float) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise UsageError(f"{url} is no address of a model, such as http://localhost:8000/v1.")
        if "@" in address.netloc:
            raise UsageError(
                f"The address of the model at {address.hostname} holds a user name or password; "
                f"leave them out and set {key_variable} in the environment."
            )
        self.url = address._replace(fragment="").geturl().rstrip("/")
        self._named = address.fragment
        self._key_variable = key_variable
        self._patience = patience_seconds
        self._was_reached = False
        key = secret(key_variable).strip()
        if not key.isascii() or not key.isprintable():
            raise UsageError(f"{key_variable} holds characters that no key has; set it anew.")
        self._key = key
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=_TIMEOUT,
            # A proxy from the environment has no business between two processes of one machine.
            trust_env=address.hostname not in _LOOPBACK,
        )

    def __enter__(self) -> Self:  # noqa: D105
        return self

    def __exit__(  # noqa: D105
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def model(self) -> str:
        """The name of the model that is asked.

        Raises:
            OnbrandError: the server cannot be reached, or lists none.
        """
        if not self._named:
            try:
                self._named = str(self._request("GET", f"{self.url}/models")["data"][0]["id"])
            except (LookupError, TypeError) as error:
                raise OnbrandError(
                    f"{self.url} lists no model; name one behind a #, as in {self.url}#NAME."
                ) from error
        return self._named

    def served_hash(self) -> str:
        """The hash of the weights that a gateway of ours serves, once it is ready.

        Raises:
            OnbrandError: it cannot be reached, is no gateway, or is not ready for too long.
        """
        ready = self._request("GET", f"{self.url.removesuffix('/v1')}/ready")
        try:
            return str(ready["model"] or ready["brand"])
        except (LookupError, TypeError) as error:
            raise OnbrandError(f"What answers at {self.url} is no Onbrand gateway.") from error

    def ask(self, messages: list[Message], **fields: Any) -> Reply:
        """The answer to a conversation; `fields` are OpenAI's, such as `max_tokens`.

        Raises:
            OnbrandError: the server cannot be reached, refuses, or is busy for too long.
        """
        body = {"model": self.model(), "messages": messages, **fields}
        answer = self._request("POST", f"{self.url}/chat/completions", body)
        try:
            choice = answer["choices"][0]
            return Reply(
                text=str(choice["message"]["content"] or ""),
                stopped=choice.get("finish_reason") != "length",
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise OnbrandError(f"What {self.url} answers is no chat completion.") from error

    def _request(self, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        """The parsed body of a successful answer, after as much waiting as patience allows."""
        started = time.monotonic()
        attempt = 0
        while True:
            reason, pause = self._try(method, url, body, attempt)
            if isinstance(reason, httpx.Response):
                return self._parsed(reason)
            attempt += 1
            waited = time.monotonic() - started
            if waited >= self._patience or pause > self._patience:
                asks = f" and asks for {pause:.0f} s more" if pause > self._patience else ""
                tries = "1 try" if attempt == 1 else f"{attempt} tries"
                raise OnbrandError(
                    f"The model at {self.url} still {reason} after {waited:.0f} s ({tries}){asks}; "
                    "try again later, or raise eval.patience_seconds in brand.toml. What was "
                    "answered so far is kept."
                )
            # The last try is made when patience ends, not before.
            time.sleep(min(pause, self._patience - waited))

    def _try(
        self, method: str, url: str, body: dict[str, Any] | None, attempt: int
    ) -> tuple[httpx.Response | str, float]:
        """An answer that counts; or why there is none yet, and the seconds to wait."""
        usual = min(2.0 ** min(attempt, 6), _LONGEST_PAUSE, self._patience)
        try:
            response = self._http.request(method, url, json=body)
        except httpx.TransportError as error:
            never = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            if never and not self._was_reached:
                raise OnbrandError(
                    f"No model answers at {self.url}; start its server or correct the address."
                ) from error
            return f"gives no answer ({type(error).__name__})", usual
        self._was_reached = True
        if response.status_code in _BUSY:
            return f"answers {response.status_code}", _asked_pause(response, usual)
        return response, 0.0

    def _parsed(self, response: httpx.Response) -> Any:
        if response.status_code in _UNUSABLE_KEY:
            what = "refuses the key in" if self._key else "wants a key; set"
            raise OnbrandError(f"The model at {self.url} {what} {self._key_variable}.")
        try:
            content = response.json()
        except ValueError as error:
            raise OnbrandError(
                f"{self.url} is no OpenAI-compatible server (status {response.status_code}); "
                "give its address up to and with /v1."
            ) from error
        if not response.is_success:
            raise OnbrandError(
                f"The model at {self.url} refuses the request (status {response.status_code}"
                f"{self._said(content)})."
            )
        return content

    def _said(self, content: Any) -> str:
        """The server's own words, which may repeat the key."""
        try:
            words = " ".join(str(content["error"]["message"]).split())
        except (LookupError, TypeError):
            return ""
        words = words.replace(self._key, self._key_variable) if self._key else words
        return f": {words[:200].rstrip('.')}"


def _asked_pause(response: httpx.Response, usual: float) -> float:
    """Seconds: what Retry-After says (a number or a date), else the usual pause."""
    given = response.headers.get("retry-after", "")
    try:
        seconds = float(given)
        if not math.isfinite(seconds):
            return usual
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(given).timestamp() - time.time()
        except ValueError:
            return usual
    return max(seconds, 0.1)
