"""How the model is served: engine, gateway, and what the gateway remembers."""

from typing import Literal

from pydantic import Field

from onbrand.config.section import Section


class Serving(Section):
    """Where people and bots reach the model."""

    host: str = Field("127.0.0.1", description="Address the gateway listens on")
    port: int = Field(8080, ge=1, le=65535, description="Port the gateway listens on")
    engine: Literal["transformers", "vllm", "remote"] = Field(
        "transformers",
        description="transformers or vllm: started here; remote: any OpenAI-compatible server",
    )
    engine_url: str = Field(
        "", description="Base URL of the server, up to and with /v1, for engine = remote"
    )
    engine_model: str = Field(
        "", description="Model name the server at engine_url knows (empty: its first)"
    )
    max_tokens: int = Field(200, ge=1, description="Longest answer, tokens")
    temperature: float = Field(0.7, ge=0, le=2, description="Used when a request names none")
    context_tokens: int = Field(
        0, ge=0, description="Longest prompt with its answer, tokens (0: the model's own limit)"
    )
    timeout_seconds: float = Field(
        120.0, gt=0, description="Longest wait for a whole answer, the queue included, seconds"
    )
    concurrency: int = Field(
        32, ge=1, description="Answers the engine works on at once; more wait in the queue"
    )
    queue: int = Field(32, ge=0, description="Requests that wait at most; others get 503")
    queue_seconds: float = Field(
        30.0, gt=0, description="Longest wait in the queue; then 503, seconds"
    )
    drain_seconds: float = Field(
        30.0, ge=0, description="How long answers under way may go on after SIGTERM, seconds"
    )
    keep_alive_seconds: float = Field(
        10.0, gt=0, description="Silence in a stream after which a comment is sent, seconds"
    )
    cache_seconds: float = Field(
        0.0,
        ge=0,
        description="How long an answer at temperature 0 is given again to the same question, "
        "kept in Redis or memory, seconds (0: never)",
    )
    max_body_kb: int = Field(1024, ge=1, description="Largest request body, kilobytes")
    require_key: bool = Field(
        False, description="Answer only requests with a key of `onbrand keys create`"
    )
    log_format: Literal["text", "json"] = Field("text", description="Form of the request log")
    log_messages: bool = Field(
        False, description="Log questions and answers too, for finding faults only"
    )
    log_file: str = Field(
        "", description="Where the log goes, rotated; within the workspace (empty: standard error)"
    )
    log_file_mb: int = Field(20, ge=1, description="Size at which log_file is rotated, megabytes")


class Vllm(Section):
    """vLLM as the engine, in an environment of its own."""

    python: str = Field(
        ".venv-vllm/bin/python",
        description="Python that has vLLM; within the folder `onbrand` is started in, or absolute",
    )
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        "auto", description="Type the weights are computed in"
    )
    tensor_parallel: int = Field(
        1, ge=1, description="GPUs that one copy of the model is spread over"
    )
    memory_share: float = Field(
        0.9, gt=0, le=1, description="Share of each GPU's memory it may take"
    )
    cpu_cache_gb: int = Field(1, ge=1, description="Memory for the KV cache on a CPU, gigabytes")
    prefix_caching: bool = Field(True, description="Keep what prompts have in common, the persona")
    max_adapters: int = Field(
        0, ge=0, description="Adapters of several brands at once, at most (0: none can be loaded)"
    )
    max_adapter_rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] = Field(
        64, description="Highest rank of an adapter it may load"
    )
    arguments: list[str] = Field([], description="Further arguments of vLLM's server, as they are")


class Limits(Section):
    """How much one user or key may ask; 0 is no limit."""

    user_per_minute: int = Field(0, ge=0, description="Requests of one user in a minute")
    user_per_day: int = Field(0, ge=0, description="Requests of one user in a day")
    user_tokens_per_day: int = Field(
        0, ge=0, description="Tokens, prompt and answer, of one user in a day"
    )
    key_per_minute: int = Field(
        0, ge=0, description="Requests with one key in a minute, unless the key has its own limit"
    )
    redis_url: str = Field(
        "",
        description="Redis that several gateways share, without a password: that stands in "
        "ONBRAND_REDIS_URL, which wins (empty: in memory)",
    )


class Store(Section):
    """What the gateway writes down, where, and for how long."""

    url: str = Field(
        "",
        description="Database without a password, such as postgresql://host/onbrand; "
        "ONBRAND_STORE_URL wins (empty: serving.sqlite in the workspace)",
    )
    usage: bool = Field(False, description="Write down tokens by user and day")
    conversations: bool = Field(False, description="Write down what was asked and answered")
    retention_days: int = Field(
        30, ge=1, description="Age at which what was written is deleted, days"
    )


class Batches(Section):
    """Many requests answered when there is time, in the shape of OpenAI's Batch API."""

    broker_url: str = Field(
        "",
        description="Redis for Celery workers, without a password: that stands in "
        "ONBRAND_BROKER_URL, which wins (empty: in the gateway's own process)",
    )
    concurrency: int = Field(4, ge=1, description="Requests of batches under way at once, a worker")
    max_requests: int = Field(50_000, ge=1, description="Requests in one batch, at most")
    max_file_mb: int = Field(100, ge=1, description="Largest file that can be handed in, megabytes")
    keep_days: int = Field(30, ge=1, description="Age at which a batch and its files go, days")


class Eval(Section):
    """How the tuned model is measured against its base."""

    max_samples: int = Field(200, ge=1, description="Test texts used, at most")
    max_tokens: int = Field(256, ge=16, description="Texts are cut to this many tokens first")
    batch_size: int = Field(16, ge=1, description="Texts per forward pass")
    seed: int = Field(
        13, description="Decides which texts are used when there are too many, and all chance"
    )
    sampled: int = Field(
        2, ge=0, description="Continuations drawn of each text, for tone (0: none, no tone)"
    )
    temperature: float = Field(0.8, gt=0, le=2, description="Of the continuations drawn")
    top_p: float = Field(0.95, gt=0, le=1, description="Of the continuations drawn")
    registers: list[str] = Field(
        [],
        description="Files of other people's writing (.txt, .md, .jsonl) that tone is measured "
        "against, within the workspace",
    )
    patience_seconds: float = Field(
        120.0, ge=0, description="How long a server that is busy is asked again, seconds"
    )
