"""Where the gateway's log goes, and in which form: lines for people, or JSON for programs."""

import logging
from logging.handlers import RotatingFileHandler

from pythonjsonlogger.json import JsonFormatter

from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

_KEPT_FILES = 5


def set_up_logs(workspace: Workspace) -> None:
    """Log requests to standard error, or to `serving.log_file`, which is rotated by size.

    Raises:
        OnbrandError: the file cannot be written.
    """
    log = logging.getLogger("onbrand")
    log.setLevel(logging.INFO)
    if log.handlers:
        return
    handler = _handler(workspace)
    if workspace.config.serving.log_format == "json":
        fields = ["asctime", "levelname", "name", "message"]
        renamed = {"asctime": "time", "levelname": "level", "name": "logger"}
        handler.setFormatter(JsonFormatter(fields, rename_fields=renamed))
    else:
        # Not through rich: it would wrap lines that a program may read.
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.propagate = False


def _handler(workspace: Workspace) -> logging.Handler:
    settings = workspace.config.serving
    if not settings.log_file:
        return logging.StreamHandler()
    path = workspace.input_path(settings.log_file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(
            path,
            maxBytes=settings.log_file_mb * 1_000_000,
            backupCount=_KEPT_FILES,
            encoding="utf-8",
        )
    except OSError as error:
        raise OnbrandError(
            f"{path} (serving.log_file) cannot be written: {error.strerror}."
        ) from error
