"""How the gateway's chat API looks on the wire; the terminal and the bots read it alike.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx

from onbrand.errors import UsageError

CHAT = "/v1/chat/completions"
DONE = "[DONE]"
"""Data of the last event."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NotOursError(Exception):
    """What was read cannot come from an Onbrand gateway."""


class BrokenOffError(Exception):
    """The gateway said in the stream that it failed; the argument is what it said."""


def checked(url: str) -> str:
    """The URL as errors may show it: without a password, or a slash at its end.

    Raises:
        UsageError: `url` is no http or https URL.
    """
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise UsageError(f"{url} is not the URL of a gateway, such as http://127.0.0.1:8080.")
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl().rstrip("/")


def may_use_proxy(url: str) -> bool:
    """Whether a proxy from the environment counts: not between two processes of one machine."""
    return urlsplit(url).hostname not in _LOOPBACK


def piece_of(data: str) -> str:
    """The text in the data of one event; "" when it has none.

    Raises:
        BrokenOffError: it is an error event.
        NotOursError: it cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads(data)
        if "error" in content:
            raise BrokenOffError(str(content["error"]["message"]))
        choices = content["choices"]
        return str(choices[0]["delta"].get("content") or "") if choices else ""
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise NotOursError from error


def error_of(response: httpx.Response) -> tuple[str, str]:
    """Code and message of a response with an error; the code may be "".

    Raises:
        NotOursError: it has not the shape of the gateway's errors.
    """
    try:
        error = response.json()["error"]
        return str(error.get("code") or ""), str(error["message"])
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        raise NotOursError from problem


class Pairs:
    """Puts halves of characters together that came in two pieces.

    JSON can name half of an emoji (a lone surrogate), and no platform takes one.
    """

    def __init__(self) -> None:
        self._half = ""

    def whole(self, piece: str) -> str:
        """The piece with what was held back, as far as its characters are whole."""
        text, self._half = self._half + piece, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
