"""The compose file as the tests read it."""

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"


def interpolated(text: str) -> str:
    """What Compose makes of variables that nobody set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


COMPOSE: dict[str, Any] = yaml.safe_load(interpolated((DOCKER / "compose.yaml").read_text()))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def make_secrets(folder: Path) -> dict[str, str]:
    subprocess.run(["sh", str(DOCKER / "make-secrets.sh"), str(folder)], check=True)
    return {path.name: path.read_text().strip() for path in folder.iterdir()}
