"""The workspace: the folder that holds `brand.toml` and everything made from it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dotenv import load_dotenv
from filelock import FileLock, Timeout

from onbrand.config import BrandConfig, load_config
from onbrand.errors import OnbrandError, UsageError

CONFIG_NAME = "brand.toml"


@dataclass(frozen=True)
class Workspace:
    """Where each stage finds its input and leaves its output; all paths are absolute."""

    root: Path

    @cached_property
    def config(self) -> BrandConfig:
        """The effective configuration (raises UsageError when `brand.toml` cannot be right)."""
        return load_config(self.root / CONFIG_NAME)

    @property
    def raw(self) -> Path:
        """`pages.jsonl.gz`, `posts.jsonl`, `files.jsonl`, `crawl.sqlite`."""
        return self.root / "raw"

    @property
    def clean(self) -> Path:
        """`records.jsonl`, `rejected.jsonl`."""
        return self.root / "clean"

    @property
    def dataset(self) -> Path:
        """The Hugging Face DatasetDict with train, validation and test."""
        return self.root / "dataset"

    @property
    def adapter(self) -> Path:
        """The tuned LoRA adapter, in PEFT's format."""
        return self.root / "models" / "adapter"

    @property
    def merged(self) -> Path:
        """The merged model that is served."""
        return self.root / "models" / "merged"

    @property
    def verification(self) -> Path:
        """What was checked about the merged model."""
        return self.root / "models" / "merged-verification.json"

    @property
    def reports(self) -> Path:
        """One folder per evaluation."""
        return self.root / "reports"

    def input_path(self, configured: str) -> Path:
        """A path from `brand.toml`: relative ones start at the workspace."""
        return (self.root / Path(configured).expanduser()).resolve()


@contextmanager
def exclusive(workspace: Workspace) -> Iterator[None]:
    """Keep a second command from writing into the workspace at the same time.

    The lock is the operating system's: a killed command holds none.

    Raises:
        OnbrandError: another command is at work there.
    """
    if int(os.environ.get("RANK", "0")):
        yield  # one of several tuning processes; the first one holds the lock for all
        return
    try:
        with FileLock(workspace.root / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise OnbrandError(
            f"Another onbrand command is at work in {workspace.root}; wait until it has ended."
        ) from error


def open_workspace(folder: Path) -> Workspace:
    """Open the workspace at `folder` or in the nearest folder above it, and read its `.env`.

    Raises:
        UsageError: no `brand.toml` there.
    """
    start = folder.resolve()
    for candidate in [start, *start.parents]:
        if (candidate / CONFIG_NAME).is_file():
            load_dotenv(candidate / ".env")
            return Workspace(candidate)
    raise UsageError(
        f"No {CONFIG_NAME} in {start} or above it; `onbrand init FOLDER` makes a workspace."
    )
