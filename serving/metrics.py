"""What the gateway counts, for Prometheus.

Names and units follow https://prometheus.io/docs/practices/naming/. No label holds what a client
can choose freely, so that the number of series stays bounded; `docs/operations.md` lists them.
"""

from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 30, 60, 120)
_RATES = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 400)
_STATES = ("starting", "ready", "restarting", "down")
_MOST_NAMES = 32
_ROUTES = frozenset(
    {
        "/health",
        "/ready",
        "/metrics",
        "/openapi.json",
        "/v1/chat/completions",
        "/v1/models",
        "/v1/feedback",
        "/v1/files",
        "/v1/batches",
    }
)
_PARENTS = ("/v1/models", "/v1/files", "/v1/batches")

Outcome = Literal["answered", "failed", "cancelled"]


class Metrics:
    """The counters of one gateway, in a registry of their own. Not for several processes."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._build = Info("onbrand_build", "Version, brand and model", registry=registry)
        self._requests = Counter(
            "onbrand_requests",
            "Requests that were answered, by route, status and model",
            ["route", "status", "model"],
            registry=registry,
        )
        self._duration = Histogram(
            "onbrand_request_seconds",
            "From a request to the last byte of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._first_token = Histogram(
            "onbrand_time_to_first_token_seconds",
            "From the request to the first piece of its answer, the queue included",
            buckets=_SECONDS,
            registry=registry,
        )
        self._queued = Histogram(
            "onbrand_queue_wait_seconds", "Time in the queue", buckets=_SECONDS, registry=registry
        )
        self._rate = Histogram(
            "onbrand_tokens_per_second",
            "Tokens a second of one answer, after its first piece",
            buckets=_RATES,
            registry=registry,
        )
        self._tokens = Counter(
            "onbrand_tokens", "Tokens, by kind: prompt or answer", ["kind"], registry=registry
        )
        self._running = Gauge("onbrand_running", "Answers under way", registry=registry)
        self._waiting = Gauge("onbrand_waiting", "Requests in the queue", registry=registry)
        self._aborts = Counter(
            "onbrand_aborts", "Answers whose reader left before their end", registry=registry
        )
        self._refusals = Counter(
            "onbrand_refusals",
            "Requests refused with 429 or 503, by reason",
            ["status", "reason"],
            registry=registry,
        )
        self._engine = Gauge(
            "onbrand_engine_state", "1 for the state the engine is in", ["state"], registry=registry
        )
        self._restarts = Counter(
            "onbrand_engine_restarts", "Times the engine was started again", registry=registry
        )
        self._restarts_seen = 0
        self._cache = Counter(
            "onbrand_cache_lookups", "Looks into the cache", ["result"], registry=registry
        )
        self._up = Gauge(
            "onbrand_part_up", "1 while store and Redis can be reached", ["part"], registry=registry
        )
        self._batch_lines = Counter(
            "onbrand_batch_lines", "Requests of batches, by outcome", ["outcome"], registry=registry
        )
        self._models = _FewNames()
        self._reasons = _FewNames()

    def build(self, version: str, brand: str, model: str) -> None:
        """Who runs here; `model` is a hash."""
        self._build.info({"version": version, "brand": brand, "model": model})

    def request(
        self, path: str, status: int, model: str = "", seconds: float | None = None
    ) -> None:
        """A request was answered.

        Args:
            path: As the client sent it.
            status: Of HTTP.
            model: The model or adapter that answered; empty: none had to.
            seconds: From the request to the last byte.
        """
        route = route_of(path)
        self._requests.labels(route, str(status), self._models.bounded(model)).inc()
        if seconds is not None:
            self._duration.labels(route).observe(seconds)

    def first_token(self, seconds: float) -> None:
        """The first piece of an answer went out."""
        self._first_token.observe(seconds)

    def queued(self, seconds: float) -> None:
        """A request got its place."""
        self._queued.observe(seconds)

    def generated(self, prompt: int, answer: int, seconds: float) -> None:
        """An answer ended: tokens of its prompt, its own, and the seconds from its first piece."""
        self._tokens.labels("prompt").inc(prompt)
        self._tokens.labels("answer").inc(answer)
        if answer > 1 and seconds > 0:
            self._rate.observe((answer - 1) / seconds)

    def aborted(self) -> None:
        """A client left before its answer was whole."""
        self._aborts.inc()

    def refused(self, status: int, reason: str) -> None:
        """A request was told to come back later; `reason` is the error's code."""
        self._refusals.labels(str(status), self._reasons.bounded(reason)).inc()

    def queue(self, running: int, waiting: int) -> None:
        """How full it is now."""
        self._running.set(running)
        self._waiting.set(waiting)

    def engine(self, state: str, restarts: int) -> None:
        """The state the engine is in now, and how often it was started again up to now."""
        for known in _STATES:
            self._engine.labels(known).set(known == state)
        self._restarts.inc(max(restarts - self._restarts_seen, 0))
        self._restarts_seen = restarts

    def cache(self, *, hit: bool) -> None:
        """The cache was asked."""
        self._cache.labels("hit" if hit else "miss").inc()

    def part(self, name: Literal["store", "redis"], up: bool) -> None:
        """Whether `store` or `redis` can be reached."""
        self._up.labels(name).set(up)

    def batch_line(self, outcome: Outcome) -> None:
        """A request of a batch came to its end."""
        self._batch_lines.labels(outcome).inc()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition and its media type, in the format that the `Accept` header prefers.

        Source: https://prometheus.io/docs/instrumenting/content_negotiation/
        """
        encode, media_type = choose_encoder(accept)
        return encode(self.registry), media_type


class _FewNames:
    """Names as label values: the first ones as they are, "other" for what comes after."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def bounded(self, name: str) -> str:
        if name not in self._seen and len(self._seen) >= _MOST_NAMES:
            return "other"
        self._seen.add(name)
        return name


def route_of(path: str) -> str:
    """The path as a label: ids cut off, what is unknown in one class."""
    if path in _ROUTES:
        return path
    parent = "/".join(path.split("/")[:3])
    return f"{parent}/…" if parent in _PARENTS else "other"
