"""HTML pages that are one file and ask for nothing else.

Texts are escaped by the template. The Content-Security-Policy allows the page's own style sheet and
script by their hashes and nothing else, so that a text which looks like HTML could not run even if
it got into the page (https://www.w3.org/TR/CSP3/).
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def page(template: Path, *, style: str, script: str = "", **values: Any) -> str:
    """Fill a template; style and script come from files of ours and stand in it as they are."""
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    policy = (
        f"default-src 'none'; style-src '{_hash_source(style)}'; "
        f"script-src {_quoted(script)}; base-uri 'none'; form-action 'none'"
    )
    return environment.get_template(template.name).render(
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        policy=Markup(policy),  # noqa: S704
        **values,
    )


def _quoted(script: str) -> str:
    return f"'{_hash_source(script)}'" if script else "'none'"


def _hash_source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
