"""What the gateway needs to know of an engine: an OpenAI-compatible server, wherever it runs."""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from onbrand.errors import UsageError

ENGINE_KEY = "ONBRAND_ENGINE_KEY"
"""Environment variable with the API key for `engine = "remote"`."""

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Engine(Protocol):
    """A server with `/chat/completions` under `base_url`, as OpenAI's API reference describes it.

    https://platform.openai.com/docs/api-reference/chat
    """

    @property
    def base_url(self) -> str:
        """Up to and with `/v1`."""

    @property
    def model(self) -> str:
        """The name the server knows the model by; empty: the first it lists under `/models`."""

    @property
    def api_key(self) -> str:
        """Sent as a bearer token; empty: none is sent."""

    @property
    def metrics_url(self) -> str:
        """Where it counts its requests as vLLM does, for Prometheus; empty: nowhere."""

    def extra_fields(self, temperature: float) -> dict[str, Any]:
        """What this server has to be told beyond OpenAI's fields."""

    def failure(self) -> str | None:
        """Why its process cannot answer now, one sentence; None while it runs or is not ours."""


@dataclass(frozen=True)
class RemoteEngine:
    """A server that somebody else runs: vLLM, llama.cpp, a hosted API, …

    Raises:
        UsageError: `base_url` is no HTTP address, or holds a user name or password, which errors
            and `/ready` show.
    """

    base_url: str
    model: str = ""
    api_key: str = ""
    metrics_url: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no address, and a secret in it."""
        try:
            parts = urlsplit(self.base_url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise UsageError(
                f"serving.engine_url is {self.base_url!r}, which is no HTTP address; give it up to "
                "and with /v1, such as http://127.0.0.1:8000/v1."
            )
        if "@" in parts.netloc:
            raise UsageError(
                "serving.engine_url holds a user name or password; leave them out and put the key "
                f"into the environment variable {ENGINE_KEY}."
            )

    def extra_fields(self, temperature: float) -> dict[str, Any]:
        """Nothing: OpenAI's fields are enough."""
        return {}

    def failure(self) -> str | None:
        """It is not ours to know: it may always come back."""
        return None


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine, where a proxy from the environment has no business."""
    return urlsplit(url).hostname in _LOOPBACK
