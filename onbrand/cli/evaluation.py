"""`onbrand eval`: base against tuned; and what else can be asked of models on held-out texts.

Each command imports its stage only when it runs, so that `onbrand --help` stays instant.
"""

from pathlib import Path
from typing import Annotated

import typer

from onbrand.artifact import Outcome, required_manifest
from onbrand.cli.common import AsJson, Force, base_folder, show, workspace_of
from onbrand.console import notes, results
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace, exclusive

app = typer.Typer(
    help="Measure base and tuned model side by side on the held-out texts.",
    invoke_without_command=True,
    no_args_is_help=False,
)

FromReport = Annotated[
    str, typer.Option("--report", help="Folder of a report. [default: the newest]")
]


@app.callback()
def evaluate(context: typer.Context, force: Force = False, as_json: AsJson = False) -> None:
    """Measure base and tuned model side by side on the held-out texts."""
    if context.invoked_subcommand is None:
        with exclusive(workspace := workspace_of(context)):
            show_evaluation(workspace, force, as_json)


@app.command()
def compare(
    context: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="A B …",
            help="base, tuned, adapter, gateway, a folder, an OpenAI-compatible address "
            "(http://host:8000/v1#NAME), or a .jsonl file of continuations; NAME=… to call it so.",
        ),
    ],
    judge: Annotated[
        str, typer.Option(help="OpenAI-compatible address of a model that is asked to choose.")
    ] = "",
    judge_texts: Annotated[
        int, typer.Option(min=1, help="Texts that the judge is asked about, at most.")
    ] = 100,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Measure any models on the same prompts, each difference with interval and p."""
    from eval.evaluate import JudgedBy
    from eval.evaluate import compare as stage

    if len(models) < 2:
        raise UsageError("Give at least two models to compare, such as base tuned.")
    with exclusive(workspace := workspace_of(context)):
        required_manifest(workspace.dataset, "data set", "build")
        asked = JudgedBy(judge, judge_texts) if judge else None
        _print(stage(workspace, base_folder(workspace), models, asked, force=force), as_json)


@app.command()
def score(context: typer.Context, report: FromReport = "", as_json: AsJson = False) -> None:
    """Score again what the models of a report wrote; no model is loaded."""
    from eval.evaluate import score_again
    from eval.report.reading import chosen_folder

    with exclusive(workspace := workspace_of(context)):
        _print(score_again(workspace, chosen_folder(workspace, report)), as_json)


@app.command()
def gate(
    context: typer.Context,
    minimum: Annotated[
        list[str],
        typer.Option(
            "--min",
            metavar="FIGURE=BY",
            help="Least improvement, in the figure's own unit; repeat for more.",
        ),
    ],
    report: FromReport = "",
    of: Annotated[str, typer.Option(help="The model that has to be better.")] = "tuned",
    over: Annotated[str, typer.Option(help="Than this one.")] = "base",
    no_alarms: Annotated[
        bool, typer.Option("--no-alarms", help="Fail when the report bears an alarm.")
    ] = False,
) -> None:
    """Fail, for CI, unless the whole interval of every improvement clears its threshold."""
    from eval.report.gate import judge, parse_threshold
    from eval.report.reading import newest_half_split, read_report

    thresholds = [parse_threshold(given) for given in minimum]
    found = read_report(newest_half_split(workspace_of(context), report))
    judged = judge(found, thresholds, of, over)
    for one in judged:
        notes.print(f"{'✓' if one.passed else '✗'} {one.sentence}", markup=False)
    failed = [one.threshold.figure.key for one in judged if not one.passed]
    if no_alarms and found.alarms:
        failed += [f"alarm: {alarm.fault}" for alarm in found.alarms]
    if failed:
        raise OnbrandError(f"The gate is closed ({', '.join(failed)}).")


@app.command()
def history(context: typer.Context, as_json: AsJson = False) -> None:
    """List every run of `onbrand eval`, and draw the trend."""
    from eval.report.history import history_table, read_history, write_history

    workspace = workspace_of(context)
    found = read_history(workspace)
    for sentence in found.passed_over:
        notes.print(f"Passed over: {sentence}", style="yellow", markup=False)
    path = write_history(workspace, found)
    if as_json:
        results.print_json(data=[report.model_dump(mode="json") for _, report in found.reports])
        return
    results.print(history_table(found))
    notes.print(f"The trend is drawn in {path}.", markup=False, soft_wrap=True)


@app.command()
def rate(
    context: typer.Context,
    read: Annotated[
        list[Path] | None,
        typer.Option("--read", metavar="CSV", help="A filled-in sheet; repeat for more people."),
    ] = None,
    texts: Annotated[int, typer.Option(min=1, help="Texts to ask about, at most.")] = 30,
    between: Annotated[
        str, typer.Option(metavar="A,B", help="The two models. [default: first and last]")
    ] = "",
    report: FromReport = "",
    as_json: AsJson = False,
) -> None:
    """Make a blinded sheet for people to rate on, or read the filled-in ones back."""
    from eval.people.rate import hand_out, take_back
    from eval.report.reading import chosen_folder

    with exclusive(workspace := workspace_of(context)):
        folder = chosen_folder(workspace, report)
        if read:
            _print(take_back(workspace, folder, [path.resolve() for path in read]), as_json)
            return
        for path in hand_out(folder, between, texts):
            results.print(str(path), soft_wrap=True, markup=False)


def show_evaluation(workspace: Workspace, force: bool, as_json: bool) -> None:
    """Run the half-split evaluation and print it."""
    from eval.evaluate import evaluate as stage

    required_manifest(workspace.dataset, "data set", "build")
    _print(stage(workspace, base_folder(workspace), force=force), as_json)


def _print(outcome: Outcome, as_json: bool) -> None:
    from eval.report.table import print_table

    show(outcome, as_json)
    if not as_json:
        print_table(outcome.manifest.details)
