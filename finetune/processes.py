"""Several processes, each with its own device, that train as one would: data parallelism.

Each takes its share of a step's forward passes; the gradients are added up once a step. A step's
examples and the loss they are divided by are the same however many processes there are, so their
number changes nothing but the time. Started by `onbrand tune --processes N`, or, over several
machines, by `accelerate launch`.
"""

import os
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from torch.multiprocessing import get_context

from onbrand.errors import OnbrandError

T = TypeVar("T")


class Processes:
    """This process among its like; one alone is the usual case."""

    def __init__(self) -> None:
        """Join the others, where the environment names them."""
        self._state = PartialState(cpu=not torch.cuda.is_available())
        self.rank = int(self._state.process_index)
        self.count = int(self._state.num_processes)

    @property
    def is_first(self) -> bool:
        """Does this one write and speak for all?"""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """A GPU of its own, or the CPU."""
        device: torch.device = self._state.device
        return torch.device("cuda", 0) if device.type == "cuda" and self.count == 1 else device

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This process's part of them."""
        return items[self.rank :: self.count]

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Give each process the sum of all gradients; one that had nothing to do adds zeros."""
        if self.count == 1:
            return
        for parameter in parameters:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            parameter.grad = reduce(gradient, "sum")

    def total(self, value: float) -> float:
        """The sum of a figure over all processes."""
        if self.count == 1:
            return value
        return float(reduce(torch.tensor(value, dtype=torch.float64, device=self.device), "sum"))

    def wait(self) -> None:
        """Until all are here."""
        self._state.wait_for_everyone()


def run_in_processes(count: int, work: Callable[..., Any], *arguments: Any) -> None:
    """Call `work(*arguments)` in `count` processes of this machine and wait for them.

    Raises:
        OnbrandError: one failed; the others are stopped.
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
    for process in running:
        process.start()
    try:
        while any(process.is_alive() for process in running):
            for process in running:
                process.join(0.2)
                if process.exitcode:
                    reason = failures.get() if not failures.empty() else ""
                    raise OnbrandError(reason or f"A tuning process ended ({process.exitcode}).")
    finally:
        for process in running:
            process.kill()


def _one_of(
    rank: int,
    count: int,
    port: int,
    failures: Any,
    work: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
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
        failures.put(str(error) if isinstance(error, OnbrandError) else repr(error))
        raise SystemExit(1) from error
