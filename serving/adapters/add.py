"""`onbrand adapters add`: an adapter checked, made to fit the served model, and registered."""

import hashlib
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from onbrand.artifact import Manifest, folder_hash, now, read_manifest, write_manifest
from onbrand.atomic import atomic_folder
from onbrand.errors import UsageError
from onbrand.model_identity import identity_of
from onbrand.workspace import Workspace
from serving.adapters.lora_folder import Delta, rank_of, read_lora, write_lora
from serving.adapters.rebase import rebased
from serving.adapters.registry import RESERVED, Adapter, changed_registry, registry_path

_KEPT_SECONDS = 3600
"""How long a replaced adapter stays on the disk."""


def add_adapter(
    workspace: Workspace, name: str, folder: Path, weight: int | None = None
) -> Adapter:
    """Add an adapter, or replace the one of that name.

    What is served is a copy in `models/adapters/NAME/`: `folder` may change or go away.

    Args:
        workspace: Serves with vLLM.
        name: What it is asked for by.
        folder: Of `onbrand tune`.
        weight: Its share of those who ask for none; None: what it has, or 0.

    Raises:
        UsageError: not vLLM, no room in it, a name that cannot be, no adapter in `folder`, another
            base, or a rank above `vllm.max_adapter_rank`.
    """
    config = workspace.config
    if config.serving.engine != "vllm":
        raise UsageError('Adapters need serving.engine = "vllm"; others serve one model only.')
    if not config.vllm.max_adapters:
        raise UsageError(
            "vllm.max_adapters is 0: set it to the number of adapters and start `onbrand serve` "
            "again."
        )
    if name in RESERVED:
        raise UsageError(f"{name} stands for the model without an adapter; take another name.")
    source = folder.resolve()
    lora, made_from = _for_the_served_model(workspace, source)
    if rank_of(lora) > config.vllm.max_adapter_rank:
        raise UsageError(
            f"{folder} comes to rank {rank_of(lora)}, that of the merged adapter included, and "
            f"vllm.max_adapter_rank is {config.vllm.max_adapter_rank}; raise it and start `onbrand "
            "serve` again."
        )
    entry = {
        "name": name,
        "source": str(source),
        "weight": weight or 0,
        "base": made_from["merged"],
    }
    try:
        # Checked before the name becomes that of a folder.
        adapter = Adapter.model_validate(entry | {"folder": ""})
    except ValidationError as error:
        raise UsageError(
            f"{name} with weight {weight} cannot be: names are lower-case letters, digits, ., _ "
            "and -; weights are 0 or more."
        ) from error
    with changed_registry(registry_path(workspace)) as registry:
        others = [other for other in registry.adapters if other.name != name]
        active = sum(other.state == "active" for other in others)
        if active >= config.vllm.max_adapters:
            raise UsageError(
                f"vllm.max_adapters is {config.vllm.max_adapters}, and as many are active: retire "
                "one, or raise it and start `onbrand serve` again."
            )
        before = [other for other in registry.adapters if other.name == name]
        if weight is None and before:
            adapter.weight = before[0].weight
        written = _written(workspace, name, lora, made_from)
        adapter.folder = str(written)
        for other in before:
            if (replaced := Path(other.folder)).is_dir():
                replaced.touch()  # until now it was served
        _delete_old(written)
        registry.adapters = [*others, adapter]
    return adapter


def _for_the_served_model(
    workspace: Workspace, folder: Path
) -> tuple[dict[str, Delta], dict[str, str]]:
    """The adapter in `folder` as one of the merged model, and the hashes it was made from."""
    lora = read_lora(folder)
    ours, merged = read_manifest(folder), read_manifest(workspace.merged)
    if ours is None or "base" not in ours.inputs:
        raise UsageError(
            f"{folder} has no manifest.json of `onbrand tune`, so its base is not known."
        )
    if merged is None:
        raise UsageError(f"{workspace.merged} holds no merged model; run `onbrand merge` first.")
    made_from = {"adapter": ours.output_hash, "merged": merged.output_hash}
    if ours.inputs["base"] == merged.inputs.get("base"):
        present = read_manifest(workspace.adapter)
        if present is None or present.output_hash != merged.inputs.get("adapter"):
            raise UsageError(
                f"{workspace.adapter} is not the adapter that {workspace.merged} was made of; run "
                "`onbrand merge` first."
            )
        return rebased(lora, read_lora(workspace.adapter)), made_from
    if ours.inputs["base"] == identity_of(workspace.merged):
        return lora, made_from
    raise UsageError(
        f"{folder} was tuned neither on the base of {workspace.merged} nor on that model itself."
    )


def _written(
    workspace: Workspace, name: str, lora: Mapping[str, Delta], made_from: dict[str, str]
) -> Path:
    """Its folder, of another name for other content: vLLM may remember what an old one held."""
    began, inputs = now(), "".join(made_from.values())
    version = hashlib.sha256(inputs.encode()).hexdigest()[:12]
    folder = workspace.root / "models" / "adapters" / name / version
    with atomic_folder(folder) as partial:
        write_lora(lora, partial, workspace.merged)
        manifest = Manifest(
            command="adapters add",
            config_hash="",
            inputs=made_from,
            counts={"rank": rank_of(lora)},
            output_hash=folder_hash(partial),
            started_at=began,
            finished_at=now(),
        )
        write_manifest(partial, manifest)
    return folder


def _delete_old(present: Path) -> None:
    """What was replaced long ago; an engine may still read what answers under way need."""
    for folder in present.parent.iterdir():
        if folder != present and time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
