"""`brand.toml`: one pydantic model per section, every field with its meaning and unit.

Unknown keys are errors that name the nearest known key. Secrets are never configuration: they come
from the environment or `.env` (see `docs/configuration.md`).
"""

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from onbrand.errors import UsageError

Share = Annotated[float, Field(ge=0.0, lt=0.5)]


class Section(BaseModel):
    """A section of `brand.toml`: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Brand(Section):
    """Who speaks."""

    name: str = Field("", description="The brand's name, as its customers write it")
    persona: str = Field(
        "", description="One or two plain sentences on how the brand speaks (system prompt)"
    )


class Website(Section):
    """The brand's site."""

    start_urls: list[str] = Field([], description="Where the crawl starts; http or https URLs")
    max_pages: int = Field(500, ge=1, description="Pages fetched at most")
    max_depth: int = Field(10, ge=0, description="Links followed from a start URL, at most")
    include: list[str] = Field(
        [], description='Only pages whose path matches, such as "/blog/*" (empty: all)'
    )
    exclude: list[str] = Field(
        [], description='Pages left out by path, such as "/careers/*"; wins over include'
    )
    concurrency: int = Field(4, ge=1, le=64, description="Requests in flight at once")
    host_concurrency: int = Field(
        0, ge=0, le=64, description="Requests in flight at once to one host (0: no own limit)"
    )
    delay_seconds: float = Field(
        0.0, ge=0, description="Pause between two requests to one host, seconds"
    )
    timeout_seconds: float = Field(20.0, gt=0, description="Longest wait for one page, seconds")
    max_page_mb: float = Field(10.0, gt=0, description="Largest page read, megabytes")
    obey_robots: bool = Field(True, description="Keep to robots.txt")
    render: Literal["auto", "never", "always"] = Field(
        "auto", description="Chromium for pages whose text is written by JavaScript"
    )
    render_hosts: list[str] = Field(
        [],
        description='Other hosts that pages may load scripts from, such as "cdn.example.net"',
    )
    user_agent: str = Field(
        "onbrand/0.1", description="Name given to the site; add a way to reach you"
    )


class Social(Section):
    """Facebook and Instagram, from Apify's exports or its actors."""

    facebook_exports: list[str] = Field(
        [], description="Exports of apify/facebook-posts-scraper; paths within the workspace"
    )
    instagram_exports: list[str] = Field(
        [], description="Exports of apify/instagram-scraper; paths within the workspace"
    )
    facebook_pages: list[str] = Field(
        [], description="Page URLs to fetch with the actor (needs APIFY_TOKEN)"
    )
    instagram_profiles: list[str] = Field(
        [], description="Profile URLs to fetch with the actor (needs APIFY_TOKEN)"
    )
    accounts: list[str] = Field(
        [], description="The brand's own accounts; posts by others are dropped (empty: keep all)"
    )
    max_items: int = Field(
        200, ge=1, description="Posts bought from an actor per profile and run, at most"
    )
    only_new: bool = Field(
        True, description="Buy only posts newer than those at hand; false: all of them again"
    )
    overlap_days: int = Field(
        7, ge=0, description="How far before the newest post at hand new ones are asked for, days"
    )
    api_url: str = Field("https://api.apify.com", description="Address of Apify's API")


class Files(Section):
    """Texts that already lie on disk."""

    paths: list[str] = Field(
        [], description="Text files (.txt, .md) or folders of them; paths within the workspace"
    )


class Clean(Section):
    """How raw texts become records."""

    min_words: int = Field(4, ge=1, description="Shortest text kept, words")
    contact: Literal["mask", "remove", "keep"] = Field(
        "mask", description="Phone numbers and e-mail addresses: [phone] and [email], out, or kept"
    )
    street_addresses: bool = Field(
        False, description="Treat street addresses as contact data; phone_region US, CA or GB only"
    )
    phone_region: str = Field(
        "US", description="Country whose phone format is read without +; ISO 3166 code"
    )
    sponsored: Literal["keep", "drop"] = Field(
        "keep", description="Posts marked as advertising or paid partnership"
    )
    shared: Literal["keep", "drop"] = Field(
        "drop", description="Posts that pass another post on, or repeat another account's words"
    )
    repeated_block_share: float = Field(
        0.3, gt=0, le=1, description="A block on at least this share of a site's pages is furniture"
    )
    near_duplicate: float = Field(
        0.7, gt=0, le=1, description="Jaccard similarity from which two texts stay in one split"
    )


class Dataset(Section):
    """How records become train, validation and test."""

    test_share: Share = Field(
        0.1, description="Share of the records (newest: of those with a date) held out, by group"
    )
    validation_share: Share = Field(
        0.1, description="Share of the remaining records, with a date or not, for validation"
    )
    split: Literal["random", "newest"] = Field(
        "random", description="Test texts: drawn from the seed, or the newest by date"
    )
    seed: int = Field(13, description="Decides which group goes where")


class Model(Section):
    """What is tuned."""

    base: str = Field(
        "smollm2-135m", description="smollm2-135m, a local folder, or a Hugging Face hub id"
    )


class Tune(Section):
    """How it is tuned."""

    method: Literal["qlora", "lora"] = Field("qlora", description="qlora: base in NF4; lora: plain")
    rank: int = Field(16, ge=1, description="Rank of the adapter")
    alpha: int = Field(32, ge=1, description="Scale of the adapter is alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout on the adapter's input")
    modules: str | list[str] = Field(
        "all-linear", description="Modules adapted: all-linear, or a list such as q_proj, v_proj"
    )
    learning_rate: float = Field(1e-3, gt=0, description="Peak of the cosine schedule")
    warmup_share: float = Field(0.05, ge=0, lt=1, description="Share of the steps spent warming up")
    epochs: float = Field(3.0, gt=0, description="Passes over the training split")
    max_steps: int = Field(0, ge=0, description="Optimiser steps at most (0: no limit)")
    batch_size: int = Field(8, ge=1, description="Examples per optimiser step")
    micro_batch_size: int = Field(8, ge=1, description="Examples per forward pass")
    max_tokens: int = Field(384, ge=32, description="Longest example, tokens; longer are split")
    weight_decay: float = Field(0.0, ge=0, description="AdamW weight decay")
    clip: float = Field(1.0, gt=0, description="Largest gradient norm")
    checkpoint_steps: int = Field(25, ge=1, description="Steps between two checkpoints")
    seed: int = Field(13, description="Decides order, dropout and the adapter's start")


class Serving(Section):
    """Where people and bots reach the model."""

    host: str = Field("127.0.0.1", description="Address the gateway listens on")
    port: int = Field(8080, ge=1, le=65535, description="Port the gateway listens on")
    engine: Literal["transformers", "url"] = Field(
        "transformers", description="transformers: started here; url: any OpenAI-compatible server"
    )
    engine_url: str = Field(
        "", description="Base URL of the server, up to and with /v1 (vLLM, …), for engine = url"
    )
    engine_model: str = Field(
        "", description="Model name the server at engine_url knows (empty: its first)"
    )
    max_tokens: int = Field(200, ge=1, description="Longest answer, tokens")
    temperature: float = Field(0.7, ge=0, le=2, description="Used when a request names none")
    timeout_seconds: float = Field(120.0, gt=0, description="Longest wait for an answer, seconds")


class Eval(Section):
    """How the tuned model is measured against its base."""

    max_samples: int = Field(200, ge=1, description="Test texts used, at most")
    max_tokens: int = Field(256, ge=16, description="Texts are cut to this many tokens first")
    batch_size: int = Field(16, ge=1, description="Texts per forward pass")
    seed: int = Field(13, description="Decides which texts are used when there are too many")


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
    "adapter": ("brand", "model", "tune"),
    "merged": ("model",),
    "report": ("brand", "model", "eval"),
}
"""The sections and keys of `brand.toml` that decide what each artifact holds."""


class BrandConfig(Section):
    """The whole of `brand.toml`."""

    brand: Brand = Brand()
    website: Website = Website()
    social: Social = Social()
    files: Files = Files()
    clean: Clean = Clean()
    dataset: Dataset = Dataset()
    model: Model = Model()
    tune: Tune = Tune()
    serving: Serving = Serving()
    eval: Eval = Eval()

    def hash_for(self, artifact: str) -> str:
        """SHA-256 over the effective values an artifact depends on; its manifest keeps it.

        When it changes, the artifact is stale.
        """
        values = self.model_dump(mode="json")
        chosen = {}
        for location in READ_BY[artifact]:
            section, _, key = location.partition(".")
            chosen[location] = values[section][key] if key else values[section]
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


def load_config(path: Path) -> BrandConfig:
    """Read and check `brand.toml`.

    Raises:
        UsageError: the file is missing, is not TOML, or holds a key or value that cannot be right.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path} is not there; `onbrand init` makes one.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.") from error
    try:
        return BrandConfig.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{path}: {_explain(error.errors()[0])}") from error


def _explain(detail: ErrorDetails) -> str:
    """Turn pydantic's first complaint into one sentence."""
    location = [str(part) for part in detail["loc"]]
    key = ".".join(location)
    if detail["type"] != "extra_forbidden":
        return f"{key} = {detail['input']!r}: {detail['msg']}."
    known = _known_keys(location[:-1])
    nearest = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.0)
    hint = ".".join([*location[:-1], nearest[0]]) if nearest else ""
    return f"unknown key {key}" + (f"; did you mean {hint}?" if hint else ".")


def _known_keys(location: list[str]) -> list[str]:
    model: Any = BrandConfig
    for part in location:
        model = model.model_fields[part].annotation
    return list(model.model_fields)
