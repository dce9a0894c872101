"""Real PostgreSQL and Redis servers for tests, which they may stop and start."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway_harness import free_port


@dataclass
class Server:
    """A server process on a loopback port."""

    command: list[str]
    folder: Path
    port: int
    as_user: dict[str, Any]
    ending: signal.Signals
    ready: list[str]
    """Ends with 0 once it takes connections."""
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, stdout=log, stderr=log, **self.as_user
            )
        deadline = time.monotonic() + 30
        while subprocess.run(self.ready, capture_output=True).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self, how: signal.Signals | None = None) -> None:
        if self.process:
            self.process.send_signal(how or self.ending)
            self.process.wait(30)
            self.process = None


def postgres(folder: Path) -> Server:
    """A PostgreSQL cluster of its own; skips the test where PostgreSQL is not installed."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    # It refuses to run as root.
    as_user = {"user": "postgres"} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()
    subprocess.run(
        [binaries[-1] / "initdb", "-D", data, "-U", "onbrand", "--auth=trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        **as_user,
    )
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    settings |= {"fsync": "off"}  # servers are killed here, but the machine is not
    options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
    # SIGINT: "fast" shutdown, which does not wait for clients.
    command = [str(binaries[-1] / "postgres"), "-D", str(data), *options]
    # It listens long before it takes connections.
    ready = [str(binaries[-1] / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
    return Server(command, folder, port, as_user, signal.SIGINT, ready)


def postgres_url(server: Server) -> str:
    return f"postgresql://onbrand@127.0.0.1:{server.port}/postgres"


def redis(folder: Path) -> Server:
    """A Redis server of its own; skips the test where Redis is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed (apt-get install redis-server)")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    ready = ["redis-cli", "-p", str(port), "ping"]
    return Server([program, *options], folder, port, {}, signal.SIGTERM, ready)


def redis_url(server: Server) -> str:
    return f"redis://127.0.0.1:{server.port}/0"
