"""One spelling for each address, so that a page is fetched once."""

import re
from functools import lru_cache
from posixpath import basename
from urllib.parse import quote, urlsplit

import idna

_CACHED = 65_536
"""Addresses kept: the same links stand on every page of a site."""

_TRACKING = frozenset(
    [
        "_ga", "_gl", "_hsenc", "_hsmi", "_kx", "_openstat", "dclid", "epik", "fbclid",
        "gad_campaignid", "gad_source", "gbraid", "gclid", "gclsrc", "hsa_acc", "hsa_ad", "hsa_cam",
        "hsa_grp", "hsa_kw", "hsa_la", "hsa_mt", "hsa_net", "hsa_ol", "hsa_src", "hsa_tgt",
        "hsa_ver", "igsh", "igshid", "li_fat_id", "mc_cid", "mc_eid", "mkt_tok", "msclkid",
        "mtm_campaign", "mtm_cid", "mtm_content", "mtm_group", "mtm_keyword", "mtm_kwd",
        "mtm_medium", "mtm_placement", "mtm_source", "pk_campaign", "pk_cid", "pk_content",
        "pk_keyword", "pk_kwd", "pk_medium", "pk_source", "rb_clickid", "s_kwcid", "scid",
        "srsltid", "ttclid", "twclid", "vero_conv", "vero_id", "wbraid", "wickedid", "yclid",
    ]
)  # fmt: skip
# Short ones such as `pk_` do not do: `pk_product` is a shop's own.
_TRACKING_PREFIXES = ("utm_", "piwik_", "matomo_")

_SESSIONS = frozenset(["phpsessid", "jsessionid", "oscsid", "zenid", "cftoken", "cfid", "xtcsid"])
_MAYBE_SESSIONS = frozenset(["sid", "sess", "session", "sessionid", "session_id"])
_TOKEN = re.compile(r"(?=\D*\d)[0-9A-Za-z]{16,}")
"""A value that is made up, not chosen: what tells `sid=4f1c…` from `sid=shoes`."""
_SESSION_IN_SEGMENT = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/;]*", re.IGNORECASE)
"""Java's `;jsessionid=…`."""
_SESSION_SEGMENT = re.compile(r"/\((?:[A-Z]\([^/()]*\))+\)(?=/|$)", re.IGNORECASE)
"""The `/(S(…))/` of ASP.NET."""

_NO_BREAKS = {9: None, 10: None, 13: None}
_AROUND = "".join(map(chr, range(33)))
_LABELS = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# What browsers leave as it is (https://url.spec.whatwg.org/#path-percent-encode-set).
_SAFE_IN_PATH = "%!$&'()*+,/:;=@[]^|~"
_SAFE_IN_QUERY = _SAFE_IN_PATH + "?`{}"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_INDEX_PAGE = re.compile(r"(?:index|default|home)\.(?:html?|php|aspx?|jsp)", re.IGNORECASE)


@lru_cache(_CACHED)
def normalise(url: str) -> str | None:
    """The one spelling of an http or https URL, or None where it is not one.

    Lower-case host without default port, login or closing dot; path without dot segments; escapes
    in capitals, and only where they are needed (RFC 3986, 6.2.2); no fragment (`#!` neither), no
    tracking parameters, no session ids. Other parameters keep their order, since servers may read
    it. Idempotent.
    """
    try:
        parts = urlsplit(url.strip(_AROUND).translate(_NO_BREAKS))
        host = _host(parts.hostname or "")
        if parts.scheme not in _DEFAULT_PORTS or not host:
            return None
        port = parts.port
        path, query = _path(parts.path), _query(parts.query)
    except ValueError:
        return None
    shown_port = f":{port}" if port not in (None, _DEFAULT_PORTS[parts.scheme]) else ""
    return f"{parts.scheme}://{host}{shown_port}{path}{'?' if query else ''}{query}"


@lru_cache(_CACHED)
def host_of(url: str) -> str:
    """The host of a normalised URL, an IPv6 address without its brackets."""
    return urlsplit(url).hostname or ""


@lru_cache(_CACHED)
def origin_of(url: str) -> str:
    """Scheme, host and port of a normalised URL: what a robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def loose_spelling(url: str) -> str:
    """What is left of a normalised URL where servers often make no difference.

    Scheme, `www.`, closing slash, `index.html` and the order of parameters: two pages of equal
    loose spelling are one only if their content is equal too.
    """
    parts = urlsplit(url)
    path = parts.path
    if _INDEX_PAGE.fullmatch(basename(path)):
        path = path[: -len(basename(path))]
    query = "&".join(sorted(parts.query.split("&")))
    return f"{parts.netloc.removeprefix('www.')}{path.rstrip('/')}?{query}"


def _host(host: str) -> str:
    if ":" in host:  # urlsplit has checked that it is an IPv6 address; a zone is of no use here
        return "" if "%" in host else f"[{host}]"
    host = host.rstrip(".")
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode("ascii")
    return host if _LABELS.fullmatch(host) else ""


def _path(path: str) -> str:
    spelled = _spell(path.replace("\\", "/"), _SAFE_IN_PATH)
    # In this order, since what one step leaves may be something for the next: `/..;sid=1`.
    bare = _SESSION_SEGMENT.sub("", _SESSION_IN_SEGMENT.sub("", spelled))
    return _without_dots(bare) or "/"


def _query(query: str) -> str:
    spelled = (_spell(parameter, _SAFE_IN_QUERY) for parameter in query.split("&"))
    return "&".join(parameter for parameter in spelled if _says_something(parameter))


def _spell(text: str, safe: str) -> str:
    return quote(_ESCAPE.sub(_escape, text), safe=safe)


def _escape(match: re.Match[str]) -> str:
    digits = match[1]
    if digits is None:
        return "%25"  # a percent sign that begins no escape
    character = chr(int(digits, 16))
    return character if character in _UNRESERVED else f"%{digits.upper()}"


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "..":
            del kept[max(1, len(kept) - 1) :]
        elif segment != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/".join(kept)


def _says_something(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    name = name.lower()
    if not parameter or name in _TRACKING or name.startswith(_TRACKING_PREFIXES):
        return False
    if name in _SESSIONS or name.startswith("aspsessionid"):
        return False
    return not (name in _MAYBE_SESSIONS and _TOKEN.fullmatch(value))
