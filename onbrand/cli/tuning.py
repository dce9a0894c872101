"""What a person asks before a run, the base of the merge after it, and the export."""

from enum import StrEnum
from typing import Annotated

import typer

from onbrand.artifact import required_manifest
from onbrand.cli.common import AsJson, Force, base_folder, show, workspace_of
from onbrand.console import results
from onbrand.workspace import Workspace, exclusive

Plan = Annotated[
    bool, typer.Option("--plan", help="Only say what it would take: memory, time, steps.")
]
ShowExamples = Annotated[
    int | None,
    typer.Option(
        "--show", metavar="N", min=1, help="Only show N examples, the trained part marked."
    ),
]
Processes = Annotated[
    int, typer.Option("--processes", metavar="N", min=1, help="So many at once, each on its GPU.")
]


class MergeBase(StrEnum):
    """The base weights that the adapter is added to."""

    DEQUANTISED = "dequantised"
    ORIGINAL = "original"


MergeOnto = Annotated[
    MergeBase | None,
    typer.Option(
        "--base",
        help="Add to the NF4 weights of the training, or to the original ones where that measures "
        "better. [default: as the last time, at first dequantised]",
    ),
]


class Precision(StrEnum):
    """How exactly the exported file keeps the weights."""

    F16 = "f16"
    Q8_0 = "q8_0"


def export(
    context: typer.Context,
    precision: Annotated[
        Precision, typer.Option(help="16 bits a weight, or 8 for half the size.")
    ] = Precision.F16,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write the merged model as a GGUF file, for llama.cpp and Ollama."""
    with exclusive(workspace := workspace_of(context)):
        required_manifest(workspace.merged, "merged model", "merge")
        from finetune.export import export as stage

        show(stage(workspace, precision.value, force=force), as_json)


def print_plan(workspace: Workspace, as_json: bool, processes: int) -> None:
    """Print what tuning would take; a run that cannot fit is refused with the reason."""
    required_manifest(workspace.dataset, "data set", "build")  # before a large model is fetched
    from finetune.fit import refuse_what_cannot_fit, table
    from finetune.plan import make_plan

    plan = make_plan(workspace, base_folder(workspace), processes)
    if as_json:
        results.print_json(plan.model_dump_json())
    else:
        results.print(table(plan))
    refuse_what_cannot_fit(plan, workspace.config.tune)


def print_examples(workspace: Workspace, count: int) -> None:
    """Print training examples as the model sees them."""
    required_manifest(workspace.dataset, "data set", "build")
    from finetune.show import shown_examples

    for shown in shown_examples(workspace, base_folder(workspace), count):
        results.print(shown, soft_wrap=True)
