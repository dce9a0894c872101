"""The command line: `main` is what the `onbrand` command runs."""

from onbrand.cli.app import main

__all__ = ["main"]
