"""One spelling for each address, so that a page is fetched once."""

import httpx

LONGEST = 2000
"""Longer URLs are traps (calendars, filters that stack up), not pages."""

_TRACKING = frozenset(
    [
        "fbclid",
        "gclid",
        "gclsrc",
        "dclid",
        "gbraid",
        "wbraid",
        "msclkid",
        "yclid",
        "twclid",
        "ttclid",
        "igshid",
        "mc_cid",
        "mc_eid",
        "mkt_tok",
        "vero_id",
        "_ga",
        "_gl",
        "_hsenc",
        "_hsmi",
        "phpsessid",
        "jsessionid",
    ]
)


def normalise(url: str) -> str | None:
    """The one spelling of an http or https URL, or None where it is not one.

    Lower-case host without default port, login or closing dot, path without dot segments, no
    fragment, no tracking parameters; other parameters keep their order, since servers may read it.
    Idempotent.
    """
    try:
        parsed = httpx.URL(url.strip().translate({9: None, 10: None, 13: None}))
        if parsed.scheme not in {"http", "https"} or not parsed.host.strip("."):
            return None
        if "%" in parsed.host or (parsed.port or 0) > 65535:
            return None
        query = "&".join(p for p in parsed.query.decode("ascii").split("&") if _says_something(p))
        path = parsed.raw_path.partition(b"?")[0] or b"/"
        parsed = parsed.copy_with(
            host=parsed.raw_host.decode("ascii").rstrip("."),
            userinfo=b"",
            raw_path=path + b"?" + query.encode() if query else path,
            fragment=None,
        )
    except (httpx.InvalidURL, ValueError):
        return None
    return str(parsed) if len(str(parsed)) <= LONGEST else None


def host_of(url: str) -> str:
    """The host of a normalised URL."""
    return httpx.URL(url).host


def origin_of(url: str) -> str:
    """Scheme, host and port of a normalised URL: what a robots.txt speaks for."""
    return str(httpx.URL(url).copy_with(raw_path=b"")).rstrip("/")


def _says_something(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    return bool(parameter) and name not in _TRACKING and not name.startswith("utm_")
