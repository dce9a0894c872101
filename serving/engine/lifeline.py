"""Run a Python program for as long as the process that started this one lives.

`python lifeline.py FILE-OR-MODULE [argument …]`, in its own session, with a pipe as standard input
that only the gateway holds open for writing. When the gateway ends, however it ends (SIGKILL too),
the kernel closes that pipe, and the program kills its whole process group. Unlike Linux's
PR_SET_PDEATHSIG this works on every Unix, reaches the program's own children, and does not fire
when merely the thread that started it ends.

Imports nothing of Onbrand: it runs in any environment, an engine's own too.
"""

import os
import runpy
import signal
import sys
import threading


def _die_with_parent() -> None:
    # Not through sys.stdin: its lock would be held for the whole life of the process.
    while os.read(0, 1024):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> None:
    """Run what `argv[1]` names, as if Python had been given it."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    del sys.argv[0]
    program = sys.argv[0]
    if program.endswith(".py"):
        runpy.run_path(program, run_name="__main__")
    else:
        # alter_sys: a child process that multiprocessing spawns imports the main module by name.
        runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
