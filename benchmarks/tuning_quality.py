"""What tuning does to held-out perplexity, setting by setting, and which setting is the best.

    python benchmarks/tuning_quality.py WORKSPACE OUT 'seed=13' 'seed=14' 'rank=4 epochs=1' ...

WORKSPACE holds a built data set. A key is one of [tune], or says its section: examples.brief=1.0.
Each setting is tuned by the command itself, in a workspace of its own under OUT, and measured by
the perplexity of the second half of each text given the first, with hashtags and without. (A run's
own validation loss is over examples that its settings make, and compares with no other's.)

Settings that differ in their seed alone are one choice. Choices are compared on the validation
split; the test split is read for the best one and the base, once that is known. `--all` reads it
for each setting, for a table that nothing is chosen by.

A row a setting and split, in OUT/rows.jsonl, with the hash of the model that was measured: what is
there already is not measured again, what was tuned again is.
"""

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import tomlkit

sys.path.insert(0, str(Path(__file__).parents[1]))

Row = dict[str, Any]


def main(given: Sequence[str] | None = None) -> None:
    from onbrand.cli.app import app

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--all", action="store_true", help="read the test split for each setting")
    arguments = parser.parse_args(given)
    rows, settings = arguments.out / "rows.jsonl", ["base", *arguments.settings]
    folders = {
        setting: arguments.out / setting.replace(" ", "_").replace("/", "_") for setting in settings
    }
    for setting, folder in folders.items():
        prepare(arguments.workspace, folder, "" if setting == "base" else setting)
        if setting != "base":
            app(["-w", str(folder), "tune"], standalone_mode=False)
    judged = [row_of(rows, setting, folders[setting], "validation") for setting in settings]
    best, loss = best_choice(judged)
    print(f"Lowest on the validation split: {best or 'the defaults'}, {math.exp(loss):.4g}")
    for setting, folder in folders.items():
        if arguments.all or setting == "base" or choice_of(setting) == best:
            row_of(rows, setting, folder, "test")


def prepare(workspace: Path, folder: Path, setting: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    document = tomlkit.parse((workspace / "brand.toml").read_text())
    for pair in setting.split():
        name, _, value = pair.partition("=")
        section, _, key = name.rpartition(".")
        table: Any = document.setdefault(section or "tune", {})
        table[key] = json.loads(value)
    (folder / "brand.toml").write_text(tomlkit.dumps(document))
    (folder / "dataset").unlink(missing_ok=True)
    (folder / "dataset").symlink_to((workspace / "dataset").resolve())


def best_choice(rows: Iterable[Mapping[str, Any]]) -> tuple[str, float]:
    """The choice with the lowest validation loss, mean of its seeds, and that loss."""
    losses = defaultdict(list)
    for row in rows:
        if row["setting"] != "base":
            losses[choice_of(row["setting"])].append(math.log(row["ppl"]))
    means = {choice: fmean(found) for choice, found in losses.items()}
    best = min(means, key=lambda choice: means[choice])
    return best, means[best]


def choice_of(setting: str) -> str:
    """A setting without its seed."""
    pairs = (pair for pair in setting.split() if not pair.startswith(("seed=", "tune.seed=")))
    return " ".join(pairs)


def row_of(path: Path, setting: str, folder: Path, split: str) -> Row:
    """The row of a setting on one split: as it stands in `path`, or measured and added there."""
    from onbrand.artifact import required_manifest
    from onbrand.cli.common import base_folder
    from onbrand.model_identity import identity_of
    from onbrand.workspace import Workspace

    workspace = Workspace(folder)
    base = base_folder(workspace)
    measured_on = {
        "setting": setting,
        "split": split,
        "dataset": required_manifest(workspace.dataset, "data set", "build").output_hash,
        "prompts": workspace.config.hash_for("report"),
        "model": identity_of(base)
        if setting == "base"
        else required_manifest(workspace.adapter, "adapter", "tune").output_hash,
    }
    known = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for row in known:
        if measured_on.items() <= row.items():
            return dict(row)
    row = measured_on | figures(workspace, base, split, tuned=setting != "base")
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)
    return row


def figures(workspace: Any, base: Path, split: str, tuned: bool) -> Row:
    """Perplexities of a model on one split, and what its tuning took."""
    import torch

    from eval.half_split import half_split, without_hashtags
    from eval.held_out import HeldOutText
    from finetune.examples import Example
    from finetune.loss import mean_loss
    from finetune.material import Material
    from finetune.model import TrainedAs, load_base, load_tokenizer, load_trained
    from onbrand.artifact import required_manifest

    cpu, tokenizer, config = torch.device("cpu"), load_tokenizer(base), workspace.config
    found: Row = {}
    if tuned:
        manifest = required_manifest(workspace.adapter, "adapter", "tune")
        details, counts = manifest.details, manifest.counts
        trained_as = TrainedAs(details["method"], getattr(torch, details["dtype"]))
        model = load_trained(base, workspace.adapter, trained_as)
        found = {
            "steps": counts["steps"],
            "answer_tokens": counts["tokens"],
            "seconds": details["seconds"],
            "trainable": counts["trainable_parameters"],
            "best_step": details["best_step"],
            "validation_loss": details["best_validation_loss"],
        }
    else:
        model = load_base(base, "lora", cpu, torch.float32)
    texts = [
        HeldOutText(record.id, record.source, record.title, record.text)
        for record in Material(workspace, tokenizer).records[split]
    ]
    for name, chosen in (("ppl", texts), ("ppl_no_hashtags", map(without_hashtags, texts))):
        items = half_split(chosen, tokenizer, config.brand, config.eval.max_tokens).items
        if not items:
            raise SystemExit(f"The {split} split of {workspace.dataset} has no text to measure on.")
        examples = [
            Example(item.id, "half_split", [*item.context_ids], [*item.second_ids])
            for item in items
        ]
        found[name] = math.exp(mean_loss(model, examples, 8, tokenizer.pad_token_id, cpu))
    return found


if __name__ == "__main__":
    main()
