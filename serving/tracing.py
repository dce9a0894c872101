"""Where the time of a request goes, as OpenTelemetry traces; off until its variables say where to.

Spans: the request, in it the wait in the queue and the call of the engine. They hold routes, counts
and ids, never what was said: neither bodies nor the messages of exceptions, which may quote them.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI
from opentelemetry import propagate, trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onbrand import __version__
from serving.metrics import route_of
from serving.trace_export import tracer_provider

_UNTRACED = ("/health", "/ready", "/metrics")
"""Asked every few seconds by machines."""

_tracer: trace.Tracer | None = None


@dataclass(frozen=True)
class Step:
    """A span under way; one that is not recorded takes everything and keeps nothing."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """For the server that is called next, so that its spans belong to this trace."""
    _span: trace.Span = trace.INVALID_SPAN

    def set(self, name: str, value: str | int | float | bool) -> None:
        """Add an attribute; names are those of OpenTelemetry's conventions where there are any.

        Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/
        """
        self._span.set_attribute(name, value)


_UNRECORDED = Step()


@contextmanager
def step(name: str, kind: trace.SpanKind = trace.SpanKind.INTERNAL) -> Iterator[Step]:
    """A part of the request that this code runs for, as a span of its own.

    Outside a traced request (a probe, say) nothing is recorded. The span is not made the current
    one: an async generator may be resumed in another context than it began in.

    Args:
        name: Few and fixed: "queue", "engine".
        kind: CLIENT for calls of another server.
    """
    if _tracer is None or not trace.get_current_span().get_span_context().is_valid:
        yield _UNRECORDED
        return
    span = _tracer.start_span(name, kind=kind)
    headers: dict[str, str] = {}
    propagate.inject(headers, trace.set_span_in_context(span))
    with _ending(span):
        yield Step(headers, span)


@contextmanager
def engine_step(model: str, request_id: str | None) -> Iterator[Step]:
    """The step in which the engine generates; its `headers` go along with the request.

    Args:
        model: Empty: the only one there is.
        request_id: As in the log.
    """
    with step("engine", trace.SpanKind.CLIENT) as engine:
        engine.set("gen_ai.operation.name", "chat")
        if model:
            engine.set("gen_ai.request.model", model)
        engine.set("onbrand.request_id", request_id or "")
        yield engine


@contextmanager
def traced(app: FastAPI) -> Iterator[None]:
    """Trace the requests of `app` for the length of the block; at its end, send what is left.

    To be entered before the app starts. Does nothing unless OpenTelemetry's variables ask for it.

    Raises:
        UsageError: one of the variables asks for what is not supported.
    """
    global _tracer
    provider = tracer_provider()
    if provider is None:
        yield
        return
    _tracer = provider.get_tracer("onbrand", __version__)
    app.add_middleware(_RequestSpans, tracer=_tracer)
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


class _RequestSpans:
    """ASGI middleware: one span a request, from its headers to the last byte of its answer."""

    def __init__(self, app: ASGIApp, tracer: trace.Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        received = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        route = route_of(scope["path"])
        span = self._tracer.start_span(
            f"{scope['method']} {route}",
            context=propagate.extract(received),
            kind=trace.SpanKind.SERVER,
            attributes={"http.request.method": scope["method"], "http.route": route},
        )

        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= 500:
                    span.set_status(trace.StatusCode.ERROR)
                if request_id := scope.get("state", {}).get("request_id"):
                    span.set_attribute("onbrand.request_id", request_id)
            await send(message)

        with _ending(span), _current(span):
            await self._app(scope, receive, noting_send)


def _current(span: trace.Span) -> AbstractContextManager[trace.Span]:
    return trace.use_span(span, record_exception=False, set_status_on_exception=False)


@contextmanager
def _ending(span: trace.Span) -> Iterator[None]:
    """End the span whatever happens, saying what kind of thing that was."""
    try:
        yield
    except Exception as error:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(trace.StatusCode.ERROR)
        raise
    except BaseException:  # cancelled or closed: the reader has left, which is no failure
        span.set_attribute("onbrand.aborted", True)
        raise
    finally:
        span.end()
