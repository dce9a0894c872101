"""A second network namespace, joined to ours by a cable, as another machine would be."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
import pytest

OURS, THEIRS = "203.0.113.1", "203.0.113.2"  # a range for documentation: nobody's
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


@dataclass
class Neighbour:
    namespace: str

    def reaches(self, port: int) -> bool:
        """Whether a process over there gets a connection to this port here."""
        connect = [sys.executable, "-c", CONNECT, OURS, str(port)]
        there = ["ip", "netns", "exec", self.namespace, *connect]
        return subprocess.run(there, capture_output=True).returncode == 0


@contextmanager
def neighbour() -> Iterator[Neighbour]:
    """Skips where this process may not make one."""
    here = [a.address for many in psutil.net_if_addrs().values() for a in many]
    if any(address.startswith("203.0.113.") for address in here):
        pytest.skip("the addresses it would use are taken")
    name, cable = f"onbrand-{os.getpid()}", f"ob{os.getpid()}"
    steps = [
        f"ip netns add {name}",
        f"ip link add {cable} type veth peer name {cable}n netns {name}",
        f"ip addr add {OURS}/30 dev {cable}",
        f"ip link set {cable} up",
        f"ip -n {name} addr add {THEIRS}/30 dev {cable}n",
        f"ip -n {name} link set {cable}n up",
    ]
    try:
        for step in steps:
            subprocess.run(step.split(), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        _remove(name, cable)
        pytest.skip(f"may not make a network namespace ({error})")
    try:
        yield Neighbour(name)
    finally:
        _remove(name, cable)


def _remove(name: str, cable: str) -> None:
    with suppress(OSError):  # no `ip` at all
        # The cable by itself: with its namespace it would go some time later.
        subprocess.run(["ip", "link", "del", cable], capture_output=True)
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


def listening(pid: int) -> set[tuple[str, int]]:
    """Every address and port that a process and its children listen on."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    found = [c for one in family for c in one.net_connections("inet")]
    return {(c.laddr.ip, c.laddr.port) for c in found if c.status == psutil.CONN_LISTEN}
