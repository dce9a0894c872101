"""Several processes, each with its own device, that train as one would: data parallelism.

Each takes its share of a step's forward passes; the gradients are added up once a step. A step's
examples and the loss they are divided by are the same however many processes there are, so their
number changes nothing but the time. Started by `onbrand tune --processes N`, or, over several
machines, by `accelerate launch`. Each holds the whole model, or a share of it
(`finetune/sharding.py`).
"""

import os
import pickle
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait
from typing import Any, NoReturn, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import gather_object, reduce
from torch.multiprocessing import get_context

from onbrand.errors import OnbrandError

T = TypeVar("T")


class Processes:
    """This process among its like; one alone is the usual case."""

    def __init__(self, *, shard: bool = False) -> None:
        """Join the others, where the environment names them.

        Args:
            shard: each holds a share of the model; one process alone holds all of it all the same.
        """
        self._state = PartialState(cpu=not torch.cuda.is_available())
        self.rank = int(self._state.process_index)
        self.count = int(self._state.num_processes)
        self.hold_shards = shard and self.count > 1

    @property
    def is_first(self) -> bool:
        """Does this one write and speak for all?"""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """A GPU of its own, or the CPU."""
        device: torch.device = self._state.device
        return torch.device("cuda", 0) if device.type == "cuda" and self.count == 1 else device

    def turns(self, items: Sequence[T]) -> Iterator[tuple[T, bool]]:
        """This process's part of them, each with whether it counts.

        Of a sharded model each process needs all others in every pass: one that has no item left
        repeats the first, which does not count.
        """
        for start in range(0, len(items), self.count):
            mine = start + self.rank
            if mine < len(items):
                yield items[mine], True
            elif self.hold_shards:
                yield items[0], False

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Give each process the sum of all gradients; one that had nothing to do adds zeros.

        A sharded model has summed them up on the way.
        """
        if self.count == 1 or self.hold_shards:
            return
        for parameter in parameters:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            parameter.grad = reduce(gradient, "sum")

    def total(self, value: float) -> float:
        """The sum of a figure over all processes."""
        if self.count == 1:
            return value
        return float(reduce(torch.tensor(value, dtype=torch.float64, device=self.device), "sum"))

    def agree(self, value: object) -> bool:
        """Has each process the same value, by its text?"""
        return self.count == 1 or len(set(gather_object([repr(value)]))) == 1

    def wait(self) -> None:
        """Until all are here."""
        self._state.wait_for_everyone()


def is_first_process() -> bool:
    """Is this one alone, or the first of several? Known before they have joined."""
    return not int(os.environ.get("RANK", "0"))


def run_in_processes(count: int, work: Callable[..., Any], *arguments: Any) -> None:
    """Call `work(*arguments)` in `count` processes of this machine and wait for them.

    They end with this process, however it ends. SIGTERM makes it leave by SystemExit, with 143.

    Raises:
        Exception: the very one that was raised first in one of them; the others are stopped.
        OnbrandError: one was ended from outside; the others are stopped.
    """
    context = get_context("spawn")
    failures = context.SimpleQueue()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = [
        context.Process(target=_one_of, args=(rank, count, port, failures, work, arguments))
        for rank in range(count)
    ]
    with _leaving_on_sigterm():
        try:
            for process in running:
                process.start()
            _wait_for(running, failures)
        finally:
            for process in running:
                if process.pid is not None:
                    process.kill()
                    process.join()  # the workspace is locked until the last one has gone


@contextmanager
def _leaving_on_sigterm() -> Iterator[None]:
    def leave(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _wait_for(running: Sequence[Any], failures: Any) -> None:
    waiting = {process.sentinel: process for process in running}
    while waiting:
        ready = wait(list(waiting), timeout=0.2)
        ended = [waiting.pop(sentinel) for sentinel in list(waiting) if sentinel in ready]
        if not failures.empty():
            raise failures.get()  # the first one: others fail because a process has left them
        for process in ended:
            process.join()
            if process.exitcode:
                raise OnbrandError(
                    f"One of {len(running)} tuning processes {_how_it_ended(process.exitcode)}. If "
                    "memory ran out, lower [tune] micro_batch_size or set shard = true; "
                    "`onbrand tune` then goes on from its last checkpoint."
                )


def _how_it_ended(exit_code: int) -> str:
    if exit_code < 0:
        return f"was killed ({signal.Signals(-exit_code).name})"
    return f"ended without a word (exit code {exit_code})"


def _one_of(
    rank: int,
    count: int,
    port: int,
    failures: Any,
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent answers for them
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    threads = max(1, torch.get_num_threads() // count)
    torch.set_num_threads(threads)
    try:
        work(*arguments)
    except Exception as error:
        failures.put(_portable(error))
        raise SystemExit(1) from error


def _end_with_parent() -> None:
    """End this process once its parent has gone, whatever ended that: it held the workspace's lock.

    The parent keeps one end of a pipe for each process it has started; `join` waits for its EOF.
    """
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _portable(error: Exception) -> Exception:
    """The error as another process can raise it; how it came about is a note, for `--debug`."""
    note = "".join(traceback.format_exception(error))
    error.add_note(note)
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    except Exception:  # of a library, whose constructor asks for other arguments
        error = RuntimeError(f"{type(error).__name__}: {error}")
        error.add_note(note)
    return error
