"""The half-split evaluation itself: split, measure both models, score."""

from collections.abc import Mapping
from pathlib import Path

from eval.assemble import build_report, build_samples
from eval.held_out import read_held_out
from eval.measure import measure, split_texts
from eval.models import LocalModel
from eval.report import Report, Sample
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace


def run(
    workspace: Workspace, base: Path, inputs: Mapping[str, str], started: str, *, forget: bool
) -> tuple[Report, list[Sample]]:
    """Let base and merged model continue the test split.

    `inputs` holds the models' hashes as `base` and `merged`; `forget` empties their caches first.

    Raises:
        OnbrandError: as `evaluate`.
    """
    config = workspace.config
    texts = read_held_out(workspace.dataset, config.eval.max_samples, config.eval.seed)
    models = {
        "base": LocalModel("base", base, inputs["base"]),
        "tuned": LocalModel("tuned", workspace.merged, inputs["merged"]),
    }
    splits = split_texts(texts, models["base"], config)
    if splits != split_texts(texts, models["tuned"], config):
        raise OnbrandError(
            f"The tokenizers or chat templates of {base} and {workspace.merged} differ, so their "
            "figures could not be compared; run `onbrand merge --force` from the same base."
        )
    if not splits.full.items:
        raise OnbrandError(
            f"All {len(texts)} test texts of {workspace.dataset} are too short to split; "
            "add longer texts, then run `onbrand build` again."
        )
    cache = workspace.reports / "cache"
    measured = {
        name: measure(model, splits, config.eval.batch_size, cache, forget)
        for name, model in models.items()
    }
    samples = build_samples(splits, models["base"], measured["base"], measured["tuned"])
    return build_report(started, config, models, splits, measured, samples), samples
