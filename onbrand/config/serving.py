"""How the model is served and measured."""

from typing import Literal

from pydantic import Field

from onbrand.config.section import Section


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
