"""`onbrand bot slack` and `onbrand bot discord`."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from onbrand.address import gateway_url
from onbrand.cli.common import AsJson, workspace_of
from onbrand.console import notes, results
from onbrand.errors import OnbrandError
from onbrand.workspace import Workspace

if TYPE_CHECKING:
    from bots.check import Finding

_PROBE_SECONDS = 3.0

app = typer.Typer(help="The brand in Slack and in Discord.", no_args_is_help=True)
slack = typer.Typer(help="The bot in Slack; without a command it runs.")
discord = typer.Typer(help="The bot in Discord; without a command it runs.")
app.add_typer(slack, name="slack")
app.add_typer(discord, name="discord")

Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log why each message is answered or not.")
]


@slack.callback(invoke_without_command=True)
def slack_default(context: typer.Context) -> None:
    """The bot in Slack; without a command it runs."""
    if context.invoked_subcommand is None:
        run_slack(context)


@slack.command(name="run")
def run_slack(context: typer.Context, verbose: Verbose = False) -> None:
    """Answer in Slack until it is stopped."""
    from bots.run import run
    from bots.slack.bot import SlackBot

    workspace = workspace_of(context)
    _log_to_stderr(verbose)
    run(workspace, "slack", SlackBot, workspace.config.slack.health_port)


@slack.command(name="check")
def check_slack(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is missing: token, scope, membership (exit code 1 if anything is)."""
    from bots.slack.check import check

    workspace = workspace_of(context)
    _show(check(workspace), workspace, as_json)


@slack.command()
def manifest(
    context: typer.Context,
    request_url: Annotated[
        str, typer.Option(help="Where Slack reaches the bot, for mode = http.")
    ] = "",
) -> None:
    """Print the app manifest that Slack's "From a manifest" takes."""
    from bots.slack.manifest import manifest as text

    results.print(text(workspace_of(context), request_url), markup=False, soft_wrap=True)


@discord.callback(invoke_without_command=True)
def discord_default(context: typer.Context) -> None:
    """The bot in Discord; without a command it runs."""
    if context.invoked_subcommand is None:
        run_discord(context)


@discord.command(name="run")
def run_discord(context: typer.Context, verbose: Verbose = False) -> None:
    """Answer in Discord until it is stopped."""
    from bots.discord.bot import DiscordBot
    from bots.run import run

    workspace = workspace_of(context)
    _log_to_stderr(verbose)
    run(workspace, "discord", DiscordBot, workspace.config.discord.health_port)


@discord.command(name="check")
def check_discord(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is missing: token, intent, permission (exit code 1 if anything is)."""
    from bots.discord.check import check

    workspace = workspace_of(context)
    _show(check(workspace), workspace, as_json)


def _log_to_stderr(verbose: bool) -> None:
    """Our own log; libraries only warn, since some of theirs hold what people wrote."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("bots").setLevel(logging.DEBUG if verbose else logging.INFO)


def _show(
    checking: Coroutine[Any, Any, "list[Finding]"], workspace: Workspace, as_json: bool
) -> None:
    findings = asyncio.run(checking)
    if as_json:
        results.print_json(data=[asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = "[green]✓[/green]" if finding.good else "[red]✗[/red]"
            results.print(f"{mark} {escape(finding.what)}", soft_wrap=True)
            if finding.remedy:
                results.print(f"  {escape(finding.remedy)}", soft_wrap=True)
        _note_gateway(workspace)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def _note_gateway(workspace: Workspace) -> None:
    """Say when there is nobody to answer; it may be started later, so nothing is missing."""
    from bots.gateway_client import GatewayClient

    url = workspace.config.bots.gateway or gateway_url(workspace.config.serving)
    try:
        with closing(GatewayClient(url, _PROBE_SECONDS)) as gateway:
            gateway.check_ready()
    except OnbrandError as error:
        notes.print(f"[yellow]·[/yellow] {escape(str(error))}", soft_wrap=True)
