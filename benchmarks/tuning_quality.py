"""What tuning does to held-out perplexity, setting by setting.

    python benchmarks/tuning_quality.py WORKSPACE OUT 'seed=13' 'seed=14' 'rank=4 epochs=1' ...

WORKSPACE holds a built data set. Each setting is tuned by the command itself, in a workspace of its
own under OUT, and the adapter measured on the test split: perplexity of the second half of each
text given the first, with hashtags and without. A row a setting, in OUT/rows.jsonl; settings that
have one already are passed over, so a stopped run goes on.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import tomlkit

sys.path.insert(0, str(Path(__file__).parents[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("settings", nargs="+")
    arguments = parser.parse_args()
    rows = arguments.out / "rows.jsonl"
    arguments.out.mkdir(parents=True, exist_ok=True)
    known = {row["setting"] for row in read(rows)}
    for setting in ["base", *arguments.settings]:
        if setting in known:
            continue
        folder = arguments.out / setting.replace(" ", "_").replace("/", "_")
        row = {"setting": setting, **measured(arguments.workspace, folder, setting)}
        with rows.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def read(rows: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in rows.read_text().splitlines()] if rows.exists() else []


def measured(workspace: Path, folder: Path, setting: str) -> dict[str, Any]:
    """Tune with these settings and measure; for `base`, measure only."""
    prepare(workspace, folder, "" if setting == "base" else setting)
    if setting != "base":
        subprocess.run([sys.executable, "-m", "onbrand", "-w", str(folder), "tune"], check=True)
    return figures(folder, tuned=setting != "base")


def prepare(workspace: Path, folder: Path, setting: str) -> None:
    folder.mkdir(exist_ok=True)
    document = tomlkit.parse((workspace / "brand.toml").read_text())
    table: Any = document.setdefault("tune", {})
    for pair in setting.split():
        key, _, value = pair.partition("=")
        table[key] = json.loads(value)
    (folder / "brand.toml").write_text(tomlkit.dumps(document))
    if not (folder / "dataset").exists():
        (folder / "dataset").symlink_to((workspace / "dataset").resolve())


def figures(folder: Path, tuned: bool) -> dict[str, Any]:
    import torch

    from eval.cache import Cache
    from eval.held_out import read_held_out
    from eval.measure import split_texts
    from eval.models import LocalModel
    from eval.perplexity import negative_log_likelihoods, perplexity
    from finetune.model import TrainedAs, load_trained
    from onbrand.artifact import required_manifest
    from onbrand.cli.common import base_folder
    from onbrand.workspace import Workspace

    workspace = Workspace(folder)
    base = base_folder(workspace)
    local = LocalModel("tuned" if tuned else "base", base, "fresh")
    found: dict[str, Any] = {}
    if tuned:
        manifest = required_manifest(workspace.adapter, "adapter", "tune")
        details, counts = manifest.details, manifest.counts
        trained_as = TrainedAs(details["method"], getattr(torch, details["dtype"]))
        trained = load_trained(base, workspace.adapter, trained_as)
        local.__dict__["model"] = trained.get_base_model()
        found = {
            "steps": counts["steps"],
            "answer_tokens": counts["tokens"],
            "seconds": details["seconds"],
            "trainable": counts["trainable_parameters"],
            "best_step": details["best_step"],
            "validation_loss": details["best_validation_loss"],
        }
    config = workspace.config
    texts = read_held_out(workspace.dataset, config.eval.max_samples, config.eval.seed)
    splits = split_texts(texts, local, config)
    cache = Cache(folder / "cache", "fresh")
    for name, items in (("ppl", splits.full.items), ("ppl_no_hashtags", splits.no_hashtags.items)):
        found[name] = perplexity(
            negative_log_likelihoods(local, items, config.eval.batch_size, cache), items
        )
    return found


if __name__ == "__main__":
    main()
