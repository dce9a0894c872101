"""What is tuned, on which examples, and how."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from onbrand.config.section import Section

Proportion = Annotated[float, Field(ge=0.0, le=1.0)]


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_http = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        return False
    return is_http and not any(map(str.isspace, url))  # which `urlsplit` overlooks


class Model(Section):
    """What is tuned."""

    base: str = Field(
        "smollm2-135m", description="smollm2-135m, a local folder, or a Hugging Face hub id"
    )


class Examples(Section):
    """What is learned: the share of the records that gives an example of each form."""

    write: Proportion = Field(
        1.0, description='A bare request, "Write an Instagram post.", answered by the text'
    )
    brief: Proportion = Field(
        0.0, description="A request that names subject, hashtags and length, answered by the text"
    )
    half_split: Proportion = Field(
        0.0, description="The request and the text's first half, answered by the second"
    )
    answer: Proportion = Field(
        1.0, description="A question from a page or a question file, answered as the brand does"
    )
    question_files: list[str] = Field(
        [], description="Questions with answers, .csv or .jsonl; paths within the workspace"
    )


class Teacher(Section):
    """A larger model that words the briefs; needs examples.brief above 0."""

    url: str = Field(
        "", description="OpenAI-compatible base URL, up to and with /v1 (empty: no teacher)"
    )
    model: str = Field("", description="Model name the server knows; the key is TEACHER_API_KEY")

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        """Whatever may hold a secret is refused before it is parsed, and no URL is quoted."""
        if any(sign in self.url for sign in ("@", "%40", "?", "#")):
            raise ValueError(
                "url holds a user name, password, query or fragment; leave it out and put the key "
                "into TEACHER_API_KEY"
            )
        if self.url and not _is_http(self.url):
            raise ValueError(
                "url is no http(s) address; give the server's base URL, such as "
                "http://localhost:8000/v1"
            )
        if self.url and not self.model:
            raise ValueError("model is empty; name the model that the server is to use")
        if self.model and not self.url:
            raise ValueError("url is empty; give the server's base URL, or empty model too")
        return self


class Tune(Section):
    """How it is tuned."""

    method: Literal["qlora", "lora", "full"] = Field(
        "qlora",
        description="qlora: base in NF4; lora: base as it is; full: all weights, no adapter",
    )
    rank: int = Field(16, ge=1, description="Rank of the adapter")
    alpha: int = Field(32, ge=1, description="Scale of the adapter is alpha / rank")
    rslora: bool = Field(False, description="Scale by alpha / sqrt(rank) instead, for high ranks")
    dora: bool = Field(False, description="Adapt direction and size of the weights apart (slower)")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout on the adapter's input")
    modules: str | list[str] = Field(
        "all-linear", description="Modules adapted: all-linear, or a list such as q_proj, v_proj"
    )
    learning_rate: float = Field(
        0.0,
        ge=0,
        description="Peak of the cosine schedule (0: 2e-3, less for wide models; full 5e-5)",
    )
    warmup_share: float = Field(0.05, ge=0, lt=1, description="Share of the steps spent warming up")
    epochs: float = Field(3.0, gt=0, description="Passes over the training split")
    max_steps: int = Field(0, ge=0, description="Optimiser steps at most (0: no limit)")
    batch_size: int = Field(
        8, ge=1, description="Examples per optimiser step, over all processes together"
    )
    micro_batch_size: int = Field(8, ge=1, description="Examples per forward pass, at most")
    max_tokens: int = Field(384, ge=32, description="Longest example, tokens; longer are split")
    packing: bool = Field(
        True, description="Examples of a forward pass in one row that shares their prompts"
    )
    pack_tokens: int = Field(1024, ge=32, description="Longest packed row, tokens")
    recompute: bool = Field(
        False, description="Compute activations twice instead of keeping them: less memory, slower"
    )
    shard: bool = Field(
        False, description="Each process holds a share of the model (FSDP) instead of all of it"
    )
    weight_decay: float = Field(0.0, ge=0, description="AdamW weight decay")
    clip: float = Field(1.0, gt=0, description="Largest gradient norm")
    checkpoint_steps: int = Field(
        25, ge=1, description="Steps between two checkpoints, each with its validation loss"
    )
    patience: int = Field(
        0, ge=0, description="Stop after this many checkpoints without a better one (0: never)"
    )
    samples: int = Field(
        2, ge=0, description="Texts written at each checkpoint, into samples.jsonl"
    )
    seed: int = Field(
        13, ge=0, lt=2**32, description="Decides order, dropout and the adapter's start"
    )

    @model_validator(mode="after")
    def _one_method(self) -> Self:
        if self.method == "full" and (self.rslora or self.dora):
            raise ValueError('rslora and dora are kinds of adapter; method = "full" has none')
        return self


class Tracking(Section):
    """Where runs are recorded: MLflow, in a folder or on a server."""

    enabled: bool = Field(True, description="Record each tuning and merge with MLflow")
    uri: str = Field(
        "", description="MLflow server, such as http://localhost:5000 (empty: a folder)"
    )
    experiment: str = Field("", description="Name of the experiment (empty: the brand's name)")
