"""Pages that ask for a login instead of saying something."""

import re
from typing import Any
from urllib.parse import urlsplit

from scraper.website.document import visible_text

HARDLY_ANY = 15
"""Words beside the form; a page with fewer is nothing but the form."""
FEW = 60
"""Words beside the form, where the page's title, heading or address speaks of a login."""

_DOORS = frozenset([
    "login", "log-in", "log_in", "signin", "sign-in", "sign_in", "wp-login.php", "login.php",
    "login.html", "login.aspx", "logon", "auth", "sso", "anmelden", "connexion", "iniciar-sesion",
])  # fmt: skip
_SPEAKS_OF_LOGIN = re.compile(
    r"\b(?:log|sign)[\s-]?(?:in|on)\b|\bpassword|\bmembers? (?:area|only)|\banmeld|\bpasswort|"
    r"\bconnexion\b|\bmot de passe|\biniciar sesi[oó]n|\bcontrase[nñ]a|\baccedi\b|\binloggen\b|"
    r"\bgiriş\b|تسجيل الدخول",
    re.IGNORECASE,
)


def leads_to_login(url: str, target: str) -> bool:
    """Whether a redirect goes from a page to the site's login."""
    return _is_door(target) and not _is_door(url)


def asks_for_login(tree: Any, url: str) -> bool:
    """Whether a page consists of a login form.

    It has a password field, and beside the form, header, footer and navigation under 15 words; or
    under 60, where title, heading or address speak of a login. So a shop whose every page carries
    a login drawer stays.
    """
    body = tree.find("body")
    fields = [
        field for field in tree.iter("input") if (field.get("type") or "").lower() == "password"
    ]
    if body is None or not fields:
        return False
    form = next((above for above in fields[0].iterancestors("form")), None)
    beside = len(visible_text(body).split()) - (0 if form is None else _words(form))
    heading = " ".join(visible_text(place) for place in (*tree.iter("h1"), *tree.iter("h2")))
    named = _is_door(url) or _SPEAKS_OF_LOGIN.search(f"{tree.findtext('.//title') or ''} {heading}")
    return beside < HARDLY_ANY or (beside < FEW and bool(named))


def _words(form: Any) -> int:
    return len(visible_text(form).split())


def _is_door(url: str) -> bool:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2].lower() in _DOORS
