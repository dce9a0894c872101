"""`onbrand adapters`: which adapters a running gateway serves, and to how many."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from onbrand.cli.common import AsJson, workspace_of
from onbrand.console import notes, results
from onbrand.errors import UsageError

app = typer.Typer(
    help="Adapters on one base (vLLM): add, list, weigh, retire; no restart is needed.",
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(help="Lower-case letters, digits, ., _ and -.")]
Weight = Annotated[
    int | None,
    typer.Option(
        min=0, help="Its share, relative to the others' weights; without it what it has, or 0."
    ),
]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    folder: Annotated[Path, typer.Argument(help="Adapter in PEFT's format.")],
    weight: Weight = None,
) -> None:
    """Serve an adapter: by its name at once, to others by weight."""
    from serving.adapters.add import add_adapter
    from serving.gateway.voice import model_name

    workspace = workspace_of(context)
    if name == model_name(workspace.config.brand):
        raise UsageError(f"{name} is what the gateway calls the brand's model; take another name.")
    adapter = add_adapter(workspace, name, folder, weight)
    notes.print(f"Adapter {adapter.name} with weight {adapter.weight}.", markup=False)


@app.command(name="list")
def list_adapters(context: typer.Context, as_json: AsJson = False) -> None:
    """All adapters, retired ones too."""
    from serving.adapters.registry import read_registry, registry_path

    registry = read_registry(registry_path(workspace_of(context)))
    if as_json:
        results.print_json(registry.model_dump_json())
        return
    table = Table("name", "weight", "share", "state", "source", box=None)
    share = f"{registry.share(registry.base_weight):.1%}"
    table.add_row("base", str(registry.base_weight), share, "active", "models/merged")
    for adapter in registry.adapters:
        share = f"{registry.share(adapter.weight):.1%}" if adapter.state == "active" else "-"
        table.add_row(adapter.name, str(adapter.weight), share, adapter.state, adapter.source)
    results.print(table)


@app.command()
def weight(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="An adapter, or base for the model without one.")],
    weight: Annotated[int, typer.Argument(min=0, help="0: only those who ask for it by name.")],
) -> None:
    """Change how many are answered by an adapter."""
    from serving.adapters.registry import changed_registry, registry_path

    with changed_registry(registry_path(workspace_of(context))) as registry:
        registry.weigh(name, weight)
    notes.print(f"{name} has weight {weight}.", markup=False)


@app.command()
def retire(context: typer.Context, name: Name) -> None:
    """Serve an adapter no longer; answers under way are finished."""
    from serving.adapters.registry import changed_registry, registry_path

    with changed_registry(registry_path(workspace_of(context))) as registry:
        registry.named(name).state = "retired"
    notes.print(f"Adapter {name} is retired.", markup=False)
