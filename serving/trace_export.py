"""Where traces are sent to, by OpenTelemetry's own environment variables.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

The SDK is imported only when they ask for it. It reads those of its variables that are not named
here by itself: headers, time-outs, certificates, sampling, batching.
"""

import os
from typing import TYPE_CHECKING

from onbrand import __version__
from onbrand.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_EXPORTER = "OTEL_TRACES_EXPORTER"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def tracer_provider() -> "TracerProvider | None":
    """What makes spans and sends them; None while neither exporter nor endpoint is set.

    Raises:
        UsageError: one of the variables asks for what is not supported.
    """
    names = _exporter_names()
    if not names:
        return None
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = {"service.name": "onbrand-gateway", "service.version": __version__}
    theirs = OTELResourceDetector().detect().attributes
    # Not the global provider: FastAPI would add its own spans, with what requests contain.
    provider = TracerProvider(resource=Resource.create(ours | dict(theirs)), shutdown_on_exit=False)
    for exporter in [_exporter(name) for name in names]:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _exporter_names() -> list[str]:
    given = os.environ.get(_EXPORTER, "")
    if not given and any(os.environ.get(name) for name in _ENDPOINTS):
        given = "otlp"
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    return sorted({name.strip() for name in given.split(",")} - {"", "none"})


def _exporter(name: str) -> "SpanExporter":
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    if name != "otlp":
        raise UsageError(f"{_EXPORTER} is {name!r}; otlp, console and none are supported.")
    for variable in _PROTOCOLS:
        protocol = os.environ.get(variable) or "http/protobuf"
        if protocol != "http/protobuf":
            raise UsageError(f"{variable} is {protocol!r}; only http/protobuf is supported.")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()
