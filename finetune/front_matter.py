"""The metadata at the top of a model card or data set card."""

from pathlib import Path
from typing import Any

from huggingface_hub import RepoCard
from yaml import YAMLError


def front_matter(path: Path) -> dict[str, Any]:
    """The YAML block as a dictionary; empty where there is none that can be read."""
    try:
        card = RepoCard.load(path, ignore_metadata_errors=True)
    except (OSError, ValueError, YAMLError):
        return {}
    return dict(card.data.to_dict())
