"""`onbrand worker`."""

import typer

from onbrand.cli.common import workspace_of


def worker(context: typer.Context) -> None:
    """Answer batches through the gateway, as a Celery worker; needs [batches] broker_url."""
    from serving.batches.worker import work

    work(workspace_of(context))
