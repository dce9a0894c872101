"""Where the gateway is reached; one rule for those who serve and those who ask."""

from onbrand.config import Serving

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def gateway_url(settings: Serving) -> str:
    """The gateway's URL for a client on this machine, without a slash at its end."""
    host = _ANY.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
