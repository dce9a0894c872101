"""An MLflow database without runs; making one takes seconds, so it is made once."""

import functools
import tempfile
from pathlib import Path

from onbrand.workspace import Workspace


@functools.cache
def _empty_database() -> bytes:
    from mlflow import MlflowClient

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
        return path.read_bytes()


def give_database(space: Workspace) -> None:
    folder = space.root / "models/mlflow"
    folder.mkdir(parents=True)
    (folder / "mlflow.db").write_bytes(_empty_database())
