"""Spans out of the process by OTLP over HTTP; imported only where an endpoint is set. Durations are seconds."""

import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from shared import telemetry

WITHIN = 3.0

_KINDS = {
    telemetry.REQUEST: SpanKind.SERVER,
    telemetry.RELAY: SpanKind.PRODUCER,
    telemetry.CONSUME: SpanKind.CONSUMER,
}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Otlp:
    """Gives spans to a collector in batches, from a thread of its own; the endpoint is the environment's."""

    def __init__(self, service: str) -> None:
        self._resource = Resource.create({"service.name": service, "service.namespace": "branchline"})
        self._processor = BatchSpanProcessor(OTLPSpanExporter(timeout=WITHIN))

    def export(self, span: telemetry.Span, seconds: float) -> None:
        """Take one span that has ended now."""
        ended = time.time_ns()
        above = _context(span.trace_id, span.parent_id, is_remote=True) if span.parent_id else None
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.trace_id, span.span_id, is_remote=False),
                parent=above,
                resource=self._resource,
                attributes={name: value for name, value in span.attributes.items() if value is not None},
                kind=_KINDS.get(span.name, SpanKind.INTERNAL),
                start_time=ended - int(seconds * 1e9),
                end_time=ended,
            )
        )

    def close(self) -> None:
        """Send what waits."""
        self._processor.force_flush(int(WITHIN * 1000))


def _context(trace_id: str, span_id: str, *, is_remote: bool) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, _SAMPLED)
