"""The README of an adapter and of a merged model: a Hugging Face model card.

Names, licences and figures only: no path of this machine, nothing secret. Metadata as in
https://huggingface.co/docs/hub/model-cards.
"""

import shutil
from pathlib import Path

from huggingface_hub import ModelCardData

from finetune.card_sections import tuning_section, verification_section
from finetune.front_matter import front_matter
from finetune.licence import Licence, licence_files, licence_of
from finetune.verification import Verification
from onbrand import __version__
from onbrand.artifact import Manifest
from onbrand.atomic import write_text
from onbrand.base_models import EMBEDDED, is_hub_id
from onbrand.workspace import Workspace

_ADAPTER = """\
---
{metadata}
---

# The voice of {owner}{form}

{base}, tuned to speak as {owner} does in public. {use}

## Tuning

{training}

## Licence

{licence}

Onbrand {version}; {versions}. SHA-256 of the weights: `{hash}`.
"""

_USE = {
    "qlora": "This is the adapter alone, in PEFT's format: it belongs on that model in NF4 with "
    "double quantisation, as it was trained, and on nothing else. On the model's original weights, "
    "which an engine loads beside an adapter, it gives other answers than those that were measured "
    "here. `onbrand merge` adds it to the dequantised weights and verifies the result; `onbrand "
    "adapters add` has vLLM serve it beside a model that was merged so from the same base.",
    "lora": "This is the adapter alone, in PEFT's format: it belongs on that model as it is, and "
    "on no other. `onbrand merge` makes one model of the two; vLLM loads it beside the base "
    "(`--enable-lora`).",
    "full": "This is the whole model, all weights tuned; `onbrand merge` verifies it for serving.",
}

_MERGED = """\
---
{metadata}
---

# The voice of {owner}

{base}, tuned to speak as {owner} does in public. {merge}

## Tuning

{training}

## Verification

{verification}

## Licence

{licence}

Onbrand {version}; {versions}. SHA-256 of the files: `{hash}`.
"""


def write_adapter_card(folder: Path, workspace: Workspace, base: Path, manifest: Manifest) -> None:
    """Write README.md into the folder of a tuned adapter, or of a model tuned as a whole.

    Args:
        folder: holds the weights, as PEFT or transformers saved them; their card is replaced.
        workspace: the settings and the data set of the tuning.
        base: the folder of the base model.
        manifest: of the tuning.
    """
    licence = licence_of(workspace.config.model.base, base)
    method = manifest.details["method"]
    text = _ADAPTER.format(
        metadata=_metadata(workspace, licence, "transformers" if method == "full" else "peft"),
        owner=_owner(workspace),
        form="" if method == "full" else ", as an adapter",
        base=_base(workspace),
        use=_USE[method],
        training=tuning_section(workspace, manifest, folder),
        licence=_licence(workspace, licence),
        **_made(manifest),
    )
    _write(folder, base, text)


def write_merged_card(
    folder: Path,
    workspace: Workspace,
    base: Path,
    adapter: Manifest,
    merged: Manifest,
    verification: Verification,
) -> None:
    """Write README.md into the folder of a merged model: figures of tuning and verification.

    Args:
        folder: holds the weights; `models/merged/`, or what becomes it.
        workspace: holds the adapter and the data set.
        base: the folder of the base model.
        adapter: manifest of the tuning.
        merged: manifest of the merge.
        verification: of the merged model.
    """
    licence = licence_of(workspace.config.model.base, base)
    text = _MERGED.format(
        metadata=_metadata(workspace, licence, "transformers"),
        owner=_owner(workspace),
        base=_base(workspace),
        merge=_merge(adapter, merged),
        training=tuning_section(workspace, adapter, workspace.adapter),
        verification=verification_section(verification),
        licence=_licence(workspace, licence),
        **_made(merged),
    )
    _write(folder, base, text)


def _write(folder: Path, base: Path, text: str) -> None:
    for path in licence_files(base):
        shutil.copy(path, folder / path.name)
    write_text(folder / "README.md", text)


def _metadata(workspace: Workspace, licence: Licence, library: str) -> str:
    base = workspace.config.model.base
    identifier = EMBEDDED[base].origin if base in EMBEDDED else base
    known = base in EMBEDDED or is_hub_id(base, workspace.root)
    data = ModelCardData(
        # A hub id; of a model that only lies on this machine there is none.
        base_model=identifier if known else None,
        base_model_relation=("adapter" if library == "peft" else "finetune") if known else None,
        language=_languages(workspace) or None,
        library_name=library,
        license=licence.identifier,
        license_name=licence.name,
        license_link=licence.link,
        pipeline_tag="text-generation",
        tags=["brand-voice", "onbrand", *(["lora"] if library == "peft" else [])],
    )
    return data.to_yaml()


def _owner(workspace: Workspace) -> str:
    return " ".join(workspace.config.brand.name.split()) or "the brand"


def _base(workspace: Workspace) -> str:
    base = workspace.config.model.base
    if base in EMBEDDED:
        return f"[{EMBEDDED[base].origin}](https://huggingface.co/{EMBEDDED[base].origin})"
    if is_hub_id(base, workspace.root):
        return f"[{base}](https://huggingface.co/{base})"
    return f"the local model `{Path(base).name}`"


def _languages(workspace: Workspace) -> list[str]:
    found = front_matter(workspace.dataset / "README.md").get("language", [])
    return [found] if isinstance(found, str) else list(found)


def _merge(adapter: Manifest, merged: Manifest) -> str:
    """Which base weights the adapter was added to, and why."""
    details = merged.details
    if adapter.details["method"] == "full":
        return "All weights were tuned, so nothing had to be merged."
    if adapter.details["method"] == "lora":
        return "The adapter was added to the base's weights, on which it was trained, in fp32."
    where = {
        "dequantised": "The adapter was added, in fp32, to the dequantised NF4 weights it was "
        "trained on",
        "original": "The adapter was added, in fp32, to the base's original weights, not to the "
        "NF4 weights it was trained on",
    }[details["onto"]]
    if "original_base_loss" not in details:
        return f"{where}."
    return (
        f"{where}: held-out loss {details['dequantised_base_loss']:.4f} onto the dequantised base, "
        f"{details['original_base_loss']:.4f} onto the original one; the lower was kept."
    )


def _licence(workspace: Workspace, licence: Licence) -> str:
    owner = _owner(workspace)
    if licence.identifier is None:
        base = "The base model's licence is not known here; find it before you pass this on."
    else:
        base = f"The base model is under the licence {licence}, which holds for this one too."
    return (
        f"{base} The texts it was tuned on remain {owner}'s, and it can repeat them: whoever uses "
        f"or passes it on needs {owner}'s permission, or another right to do so in their country."
    )


def _made(manifest: Manifest) -> dict[str, str]:
    return {
        "version": __version__,
        "versions": ", ".join(f"{name} {value}" for name, value in manifest.versions.items()),
        "hash": manifest.output_hash,
    }
