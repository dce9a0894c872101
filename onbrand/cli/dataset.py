"""What a person does with a data set that is there: ask after one record, or push it to the hub."""

from pathlib import Path
from typing import Annotated

import typer

from onbrand.cli.common import AsJson
from onbrand.console import notes, results
from onbrand.workspace import Workspace, exclusive, open_workspace

Explain = Annotated[
    str | None,
    typer.Option(
        "--explain",
        metavar="ID",
        help="Tell the story of one record instead; an id, a URL, or a part of either.",
    ),
]


def show_story(workspace: Workspace, asked: str, as_json: bool) -> None:
    """Print where a record was found, what each step did to it, and where it ended."""
    from scraper.explain.show import lines
    from scraper.explain.story import explain

    story = explain(workspace, asked)
    if as_json:
        results.print_json(story.model_dump_json())
        return
    for line in lines(story):
        results.print(line, soft_wrap=True)


def push(
    context: typer.Context,
    repo: Annotated[
        str, typer.Argument(metavar="REPO_ID", help="On the Hugging Face hub: OWNER/NAME.")
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Let everyone read it (default: private).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Push the data set to the Hugging Face hub (token: HF_TOKEN)."""
    # Not workspace_of: it takes libraries offline where the base model is a local one.
    with exclusive(workspace := open_workspace(Path(context.obj))):
        from scraper.dataset.push import push as stage

        pushed = stage(workspace, repo, public=public)
    if as_json:
        results.print_json(pushed.model_dump_json())
        return
    notes.print(
        f"[green]✓[/green] push: {len(pushed.files)} files, {pushed.visibility}, {pushed.url}",
        soft_wrap=True,
    )
