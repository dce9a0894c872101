"""The command line: `main` is what the `onbrand` command runs."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback.

    The commands are imported here, for the imports take long enough to be stopped in their midst.
    """
    try:
        from onbrand.cli.app import main as run

        run()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
