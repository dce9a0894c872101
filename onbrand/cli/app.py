"""The Typer application, its global options, and how an error leaves the program.

Nothing heavy is imported here: each command imports its stage when it runs.
"""

import errno
import logging
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from onbrand import __version__
from onbrand.cli import (
    adapters,
    bots,
    dataset,
    doctor,
    evaluation,
    extract,
    models,
    setup,
    stages,
    status,
    store,
    talk,
    tuning,
    worker,
)
from onbrand.console import notes
from onbrand.errors import OnbrandError, UsageError

app = typer.Typer(
    name="onbrand",
    help="Turns what a brand says in public into an assistant that speaks in its voice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_SETUP, _PIPELINE, _TALK, _OPERATE = "Set up", "Pipeline, in order", "Use", "Operate"
app.command(rich_help_panel=_SETUP)(setup.init)
app.command(rich_help_panel=_SETUP)(setup.config)
app.command(rich_help_panel=_SETUP)(doctor.doctor)
app.add_typer(models.app, name="models", rich_help_panel=_SETUP)
app.command(rich_help_panel=_PIPELINE)(stages.run)
app.command(rich_help_panel=_PIPELINE)(stages.scrape)
app.command(rich_help_panel=_PIPELINE)(stages.build)
app.command(rich_help_panel=_PIPELINE)(stages.tune)
app.command(rich_help_panel=_PIPELINE)(stages.merge)
app.add_typer(evaluation.app, name="eval", rich_help_panel=_PIPELINE)
app.command(rich_help_panel=_PIPELINE)(status.status)
app.command(rich_help_panel=_TALK)(extract.extract)
app.command(rich_help_panel=_TALK)(dataset.push)
app.command(rich_help_panel=_TALK)(tuning.export)
app.command(rich_help_panel=_TALK)(talk.serve)
app.command(rich_help_panel=_TALK)(talk.chat)
app.add_typer(bots.app, name="bot", rich_help_panel=_TALK)
app.command(rich_help_panel=_OPERATE)(worker.worker)
app.add_typer(store.keys, name="keys", rich_help_panel=_OPERATE)
app.add_typer(store.data, name="data", rich_help_panel=_OPERATE)
app.add_typer(store.feedback, name="feedback", rich_help_panel=_OPERATE)
app.add_typer(adapters.app, name="adapters", rich_help_panel=_OPERATE)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"onbrand {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Folder with brand.toml (or one below it).")
    ] = Path("."),
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keep the global options for the command that follows."""
    context.obj = workspace


def main() -> None:
    """Run the command line; every error ends as one sentence and an exit code."""
    # Accepted after the command too, where people type it once something has gone wrong.
    debug = "--debug" in sys.argv
    if not debug:
        _quieten_libraries()
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        app()
    except OnbrandError as error:
        _leave(error, debug, str(error), error.exit_code)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        if error.errno == errno.ENOSPC:
            _leave(error, debug, f"The disk is full{where}; free some space and run it again.", 1)
        _leave(error, debug, f"{error.strerror or error}{where}.", 1)
    except ImportError as error:
        _leave(error, debug, _missing_package(error), UsageError.exit_code)
    except Exception as error:
        message = f"Unexpected {type(error).__name__}: {error}. Run it again with --debug."
        _leave(error, debug, message, 1)


def _quieten_libraries() -> None:
    """Keep what libraries say to their developers away from people who only use them."""
    warnings.simplefilter("ignore", FutureWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")  # the commands show their own


def _leave(error: BaseException, debug: bool, message: str, code: int) -> NoReturn:
    if debug:
        traceback.print_exception(error)
    notes.quiet = False  # one of several tuning processes may have nothing else to say
    notes.print(f"[red]Error:[/red] {escape(message)}", soft_wrap=True)
    sys.exit(code)


def _missing_package(error: ImportError) -> str:
    return (
        f"{error}: this command needs more packages; `onbrand doctor` names the ones that are "
        "missing and the command that installs them."
    )
