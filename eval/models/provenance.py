"""Which data set a model of the workspace was tuned on."""

from collections.abc import Iterable

from eval.models.named import Named
from onbrand.artifact import read_manifest
from onbrand.workspace import Workspace


def tuned_on_other_data(models: Iterable[Named], workspace: Workspace) -> list[str]:
    """Names of the models that were tuned on another data set than the workspace's present one.

    A data set that is built again after tuning may hold out what was in training. Of models from
    elsewhere, and of a merged model whose adapter is gone, nothing is known.
    """
    dataset, adapter = read_manifest(workspace.dataset), read_manifest(workspace.adapter)
    merged = read_manifest(workspace.merged)
    tuned_on = adapter.inputs.get("dataset") if adapter else None
    if dataset is None or adapter is None or not tuned_on or tuned_on == dataset.output_hash:
        return []
    is_of_it = merged is not None and merged.inputs.get("adapter") == adapter.output_hash
    return [
        model.name
        for model in models
        if model.adapter == workspace.adapter or (is_of_it and model.where == workspace.merged)
    ]
