"""The errors a person sees: one clear sentence each, and an exit code.

The command line prints the message and leaves with `exit_code`; a traceback appears only with
`--debug`. Code that raises these writes the whole sentence: what was wrong (naming the file, key
or URL) and what to do about it.
"""


class OnbrandError(Exception):
    """Something failed while running (exit code 1)."""

    exit_code = 1


class UsageError(OnbrandError):
    """What was typed or configured cannot be right (exit code 2)."""

    exit_code = 2
