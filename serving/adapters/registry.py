"""`models/adapters.json`: the adapters that a running gateway serves, and with what weight."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, Field, ValidationError

from onbrand.atomic import write_text
from onbrand.errors import OnbrandError, UsageError
from onbrand.workspace import Workspace

RESERVED = frozenset({"base", "merged"})
"""The served model: to `onbrand adapters weight`, and to vLLM."""

_LOCK_SECONDS = 10
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]


class Adapter(BaseModel):
    """One adapter."""

    name: Name
    folder: str
    """Absolute path of what the engine loads, in PEFT's format."""
    source: str
    """Where it was added from."""
    base: str
    """`output_hash` of the merged model it was made to fit."""
    weight: Annotated[int, Field(ge=0)]
    """Its share of the requests that name no model, relative to the others and to `base`."""
    state: Literal["active", "retired"] = "active"

    @property
    def engine_name(self) -> str:
        """What the engine knows this content by: another content has another name.

        So the one before can answer until the new one is loaded, and nothing is ever read again
        from its folder: vLLM 0.32 reads an adapter that was loaded in place anew with each token.
        """
        return f"{self.name}@{Path(self.folder).name}"


class Registry(BaseModel):
    """The content of the file."""

    base_weight: Annotated[int, Field(ge=0)] = 100
    """The share of the model without an adapter."""
    adapters: list[Adapter] = []

    def active(self) -> list[Adapter]:
        """Those that answer."""
        return [adapter for adapter in self.adapters if adapter.state == "active"]

    def named(self, name: str) -> Adapter:
        """The active adapter of that name.

        Raises:
            UsageError: there is none.
        """
        for adapter in self.active():
            if adapter.name == name:
                return adapter
        known = ", ".join(adapter.name for adapter in self.active()) or "none"
        raise UsageError(f"There is no active adapter {name} (active: {known}).")

    def weigh(self, name: str, weight: int) -> None:
        """Change a weight; `base` is that of the model without an adapter.

        Raises:
            UsageError: there is no active adapter of that name.
        """
        if name == "base":
            self.base_weight = weight
        else:
            self.named(name).weight = weight

    def share(self, weight: int) -> float:
        """The part, 0 to 1, of the requests that name no model."""
        total = self.base_weight + sum(adapter.weight for adapter in self.active())
        return weight / total if total else 0.0


def registry_path(workspace: Workspace) -> Path:
    """Where the file lies."""
    return workspace.root / "models" / "adapters.json"


def read_registry(path: Path) -> Registry:
    """The registry; an empty one when there is no file.

    Raises:
        OnbrandError: the file is not one of ours.
    """
    try:
        return Registry.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Registry()
    except (OSError, ValueError) as error:
        raise OnbrandError(
            f"{path} cannot be read; mend it, or delete it and add the adapters anew."
        ) from error


@contextmanager
def changed_registry(path: Path) -> Iterator[Registry]:
    """The registry, written back at the end of the block; one command at a time.

    Raises:
        OnbrandError: the file is not one of ours, or another command keeps it.
        UsageError: what the block made of it cannot be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_SECONDS):
            registry = read_registry(path)
            yield registry
            checked = Registry.model_validate(registry.model_dump())
            write_text(path, checked.model_dump_json(indent=2) + "\n")
    except Timeout as error:
        raise OnbrandError(
            f"Another onbrand command keeps {path}; wait until it has ended."
        ) from error
    except ValidationError as error:
        raise UsageError("A weight is 0 or more.") from error
