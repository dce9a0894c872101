"""Secrets from the environment: NAME itself, or a file that NAME_FILE names."""

import os
from pathlib import Path

from onbrand.errors import UsageError


def secret(name: str) -> str:
    """The secret, or "" when it is not given.

    `NAME_FILE` is how Docker and Kubernetes hand secrets over: as files, which unlike variables
    are not shown by `docker inspect` and not inherited by every child process.

    Raises:
        UsageError: the file cannot be read.
    """
    if value := os.environ.get(name, ""):
        return value
    path = os.environ.get(f"{name}_FILE", "")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}, which {name}_FILE names, cannot be read.") from error
