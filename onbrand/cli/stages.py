"""The pipeline's commands: `scrape`, `build`, `tune`, `merge`, and `run` for them and `eval`.

Each imports its stage only when it runs, so that `onbrand --help` stays instant.
"""

import typer

from onbrand.artifact import Outcome, required_manifest
from onbrand.cli.common import AsJson, Force, base_folder, show, workspace_of
from onbrand.cli.dataset import Explain, show_story
from onbrand.cli.evaluation import show_evaluation
from onbrand.cli.tuning import (
    MergeBase,
    MergeOnto,
    Plan,
    Processes,
    ShowExamples,
    print_examples,
    print_plan,
)
from onbrand.errors import UsageError
from onbrand.workspace import Workspace, exclusive


def scrape(context: typer.Context, force: Force = False, as_json: AsJson = False) -> None:
    """Collect the brand's pages, posts and files into raw/."""
    with exclusive(workspace := workspace_of(context)):
        show(_scrape(workspace, force), as_json)


def build(
    context: typer.Context, force: Force = False, as_json: AsJson = False, explain: Explain = None
) -> None:
    """Clean what was collected and make the data set, or tell the story of one record in it."""
    if explain is not None:
        if force:
            raise UsageError("--explain tells of the last build and repeats nothing; omit --force.")
        show_story(workspace_of(context), explain, as_json)
        return
    with exclusive(workspace := workspace_of(context)):
        show(_build(workspace, force), as_json)


def tune(
    context: typer.Context,
    force: Force = False,
    as_json: AsJson = False,
    plan: Plan = False,
    show_examples: ShowExamples = None,
    processes: Processes = 1,
) -> None:
    """Tune the base model to the brand's tone (QLoRA), or say what that would take."""
    if plan and show_examples:
        raise UsageError("--plan and --show ask for different things; give one of them.")
    if plan:
        print_plan(workspace_of(context), as_json, processes)
        return
    if show_examples:
        print_examples(workspace_of(context), show_examples)
        return
    with exclusive(workspace := workspace_of(context)):
        show(_tune(workspace, force, processes), as_json)


def merge(
    context: typer.Context, base: MergeOnto = None, force: Force = False, as_json: AsJson = False
) -> None:
    """Merge adapter and base into the model that is served, and verify it."""
    with exclusive(workspace := workspace_of(context)):
        show(_merge(workspace, force, base), as_json)


def run(context: typer.Context, force: Force = False, as_json: AsJson = False) -> None:
    """Do all of it, skipping what is up to date."""
    with exclusive(workspace := workspace_of(context)):
        for stage in (_scrape, _build, _tune, _merge):
            show(stage(workspace, force), as_json=False)
        show_evaluation(workspace, force, as_json)


def _scrape(workspace: Workspace, force: bool) -> Outcome:
    from scraper.scrape import scrape as stage

    return stage(workspace, force=force)


def _build(workspace: Workspace, force: bool) -> Outcome:
    from scraper.build import build as stage

    return stage(workspace, force=force)


def _tune(workspace: Workspace, force: bool, processes: int = 1) -> Outcome:
    from finetune.tune import tune as stage

    required_manifest(workspace.dataset, "data set", "build")  # before a large model is fetched
    return stage(workspace, base_folder(workspace), force=force, processes=processes)


def _merge(workspace: Workspace, force: bool, onto: MergeBase | None = None) -> Outcome:
    from finetune.merge import merge as stage

    required_manifest(workspace.adapter, "adapter", "tune")
    return stage(workspace, base_folder(workspace), onto=onto.value if onto else None, force=force)
