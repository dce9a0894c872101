"""Ids of files and batches: they sort by age, so a list can go on after any of them."""

import re
import secrets
import time

from serving.api_errors import ApiError

_KNOWN = re.compile(r"(file-|batch_)[0-9a-f]{32}")


def new_id(prefix: str) -> str:
    """`file-` or `batch_`, then the time, then something nobody can guess."""
    return f"{prefix}{time.time_ns():016x}{secrets.token_hex(8)}"


def is_id(given: str) -> bool:
    """Whether it could be one of ours; databases need not be asked for others."""
    return _KNOWN.fullmatch(given) is not None


def not_found(what: str, given: str, param: str) -> ApiError:
    """404: no such file or batch, or another key's, which looks the same from outside."""
    shown = given.encode("unicode_escape").decode()[:80]
    message = f"There is no {what} {shown!r} of yours here."
    return ApiError(404, message, code="not_found", param=param)
