"""`brand.toml`: one pydantic model per section, every field with its meaning and unit.

Unknown keys are errors that name the nearest known key. Secrets are never configuration: they come
from the environment or `.env` (see `docs/configuration.md`).
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from onbrand.config.bots import Bots, Discord, Slack
from onbrand.config.section import Section
from onbrand.config.serving import Batches, Eval, Limits, Serving, Store, Vllm
from onbrand.config.sources import Brand, Clean, Dataset, Files, Social, Website
from onbrand.config.tuning import Examples, Model, Teacher, Tracking, Tune
from onbrand.errors import UsageError

__all__ = [
    "Batches",
    "Bots",
    "Brand",
    "BrandConfig",
    "Clean",
    "Dataset",
    "Discord",
    "Eval",
    "Examples",
    "Files",
    "Limits",
    "Model",
    "Serving",
    "Slack",
    "Social",
    "Store",
    "Teacher",
    "Tracking",
    "Tune",
    "Vllm",
    "Website",
    "load_config",
]

READ_BY = {
    "raw": (
        "website",
        "files",
        "social.facebook_exports",
        "social.instagram_exports",
        "social.facebook_pages",
        "social.instagram_profiles",
        "social.max_items",
        "social.api_url",
    ),
    "clean": ("clean", "files.paths", "social.accounts"),
    "dataset": ("brand.name", "dataset"),
    "adapter": ("brand", "model", "examples", "teacher", "tune"),
    "merged": ("model",),
    "report": ("brand", "model", "eval"),
}
"""The sections and keys of `brand.toml` that decide what each artifact holds."""
_NOT_UTF8 = "{path} is not UTF-8; save it in that encoding."


class BrandConfig(Section):
    """The whole of `brand.toml`."""

    brand: Brand = Brand()
    website: Website = Website()
    social: Social = Social()
    files: Files = Files()
    clean: Clean = Clean()
    dataset: Dataset = Dataset()
    model: Model = Model()
    examples: Examples = Examples()
    teacher: Teacher = Teacher()
    tune: Tune = Tune()
    tracking: Tracking = Tracking()
    serving: Serving = Serving()
    vllm: Vllm = Vllm()
    limits: Limits = Limits()
    store: Store = Store()
    batches: Batches = Batches()
    bots: Bots = Bots()
    slack: Slack = Slack()
    discord: Discord = Discord()
    eval: Eval = Eval()

    def hash_for(self, artifact: str, *, without: Iterable[str] = ()) -> str:
        """SHA-256 over the effective values an artifact depends on; its manifest keeps it.

        When it changes, the artifact is stale. Keys such as `tune.samples` may be left out, for
        those who ask about less.
        """
        values = self.model_dump(mode="json")
        for location in without:
            section, _, key = location.partition(".")
            del values[section][key]
        chosen = {}
        for location in READ_BY[artifact]:
            section, _, key = location.partition(".")
            chosen[location] = values[section][key] if key else values[section]
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def load_config(path: Path) -> BrandConfig:
    """Read and check `brand.toml`.

    Raises:
        UsageError: the file is missing, is not TOML, or holds what cannot be right.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin with the mark
    except FileNotFoundError as error:
        raise UsageError(f"{path} is not there; `onbrand init` makes one.") from error
    except UnicodeDecodeError as error:
        raise UsageError(_NOT_UTF8.format(path=path)) from error
    if "\0" in text:  # UTF-16 of plain letters
        raise UsageError(_NOT_UTF8.format(path=path))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error
    try:
        return BrandConfig.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{path}: {_explain(error.errors()[0])}") from error


def _explain(detail: ErrorDetails) -> str:
    """Turn pydantic's first complaint into one sentence."""
    location = [str(part) for part in detail["loc"]]
    key = ".".join(location)
    if detail["type"] == "value_error":  # one of ours, about a section as a whole
        return f"[{key}]: {detail['ctx']['error']}."
    if detail["type"] != "extra_forbidden":
        return f"{key} = {detail['input']!r}: {detail['msg']}."
    known = _known_keys(location[:-1])
    nearest = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.0)
    hint = ".".join([*location[:-1], nearest[0]]) if nearest else ""
    return f"unknown key {key}" + (f"; did you mean {hint}?" if hint else ".")


def _known_keys(location: list[str]) -> list[str]:
    model: Any = BrandConfig
    for part in location:
        if get_origin(model) is dict:  # `part` is a name of the person's own
            model = get_args(model)[1]
        else:
            model = model.model_fields[part].annotation
    return list(model.model_fields)
