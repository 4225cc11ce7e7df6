"""Every span and metric by name, with kind and unit; logs as JSON lines; the trace that the present work belongs to.

Durations are seconds, in logs milliseconds. A span is made only where its trace is sampled, and written as a log line;
it is exported too when OTEL_EXPORTER_OTLP_ENDPOINT is set, and only then is the exporter imported.
"""

import logging
import os
import random
import re
import sys
import time
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import structlog
from prometheus_client import Counter, Gauge, Histogram

# spans
REQUEST = "request"  # server: one HTTP request
HANDLE = "handle"  # internal: commands of one transaction, from load to guard
RELAY = "relay"  # producer: a page of the feed, from read to acknowledged
CONSUME = "consume"  # consumer: a batch of another service's events, one transaction
PROJECT = "project"  # internal: a page of the own feed into the views

# metrics
_QUICK = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
APPEND_SECONDS = Histogram("branchline_append_seconds", "one call that appends events", buckets=_QUICK)
HANDLE_SECONDS = Histogram("branchline_handle_seconds", "one batch of commands, load to guard", buckets=_QUICK)
HTTP_SECONDS = Histogram("branchline_http_seconds", "one request", ["method", "route", "status"], buckets=_QUICK)
RELAYED = Counter("branchline_relay_records", "records that Kafka has acknowledged")
CONSUMED = Counter("branchline_consumed_events", "events applied, once each", ["consumer", "topic"])
SKIPPED = Counter("branchline_skipped_events", "records at or below the last position", ["consumer", "topic"])
PASSED_OVER = Counter("branchline_passed_over_events", "events of a type not known here", ["consumer", "topic"])
GAPS = Counter("branchline_gaps", "records whose predecessor was missing", ["consumer", "topic"])
SET_ASIDE = Counter("branchline_set_aside_records", "records on a topic, not its service's", ["consumer", "topic"])
PROJECTED = Counter("branchline_projected_events", "own events that went into the views")
TIMERS_FIRED = Counter("branchline_timers_fired", "timers whose command was handled")
FEED_HEAD = Gauge("branchline_feed_head", "number of the last event in the feed")
RELAY_LAG_EVENTS = Gauge("branchline_relay_lag_events", "public events that Kafka has not acknowledged")
RELAY_LAG_SECONDS = Gauge("branchline_relay_lag_seconds", "age of the oldest of them")
CONSUMER_LAG_EVENTS = Gauge("branchline_consumer_lag_events", "records not yet applied", ["consumer", "topic"])
CONSUMER_LAG_SECONDS = Gauge("branchline_consumer_lag_seconds", "age of the oldest of them", ["consumer", "topic"])
PARKED_KEYS = Gauge("branchline_parked_keys", "keys that wait for an operator", ["consumer", "topic"])
TIMERS_OVERDUE = Gauge("branchline_timers_overdue", "timers due and not fired, parked ones too")
VIEWS_BEHIND = Gauge("branchline_views_behind_events", "own events that the live views have not seen")
REFUSED = Gauge("branchline_refused_commands", "commands of reactions and timers that a rule refused")

_RATIO = 0.05
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


class Exporter(Protocol):
    """Takes finished spans out of the process."""

    def export(self, span: "Span", seconds: float) -> None:
        """Take one span that has ended now."""

    def close(self) -> None:
        """Send what waits."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work in a sampled trace; ids are W3C's, in hexadecimal."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    attributes: MutableMapping[str, Any]

    @property
    def traceparent(self) -> str:
        """Return the W3C header that continues the trace from here."""
        return f"00-{self.trace_id}-{self.span_id}-01"


_current: ContextVar[Span | None] = ContextVar("branchline_span", default=None)
_exporter: Exporter | None = None
_log = structlog.get_logger()


def new_trace_id() -> str:
    """Return the id of a new trace."""
    return f"{random.getrandbits(128) or 1:032x}"


def parse(traceparent: str | None) -> tuple[str, str, bool] | None:
    """Return trace id, parent span id and whether it is sampled; none when the header is not W3C's."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return (found[1], found[2], bool(int(found[3], 16) & 1)) if found else None


def is_sampled() -> bool:
    """Return whether to sample a trace that begins here: by OTEL_TRACES_SAMPLER_ARG, a share between 0 and 1."""
    try:
        ratio = float(os.environ.get("OTEL_TRACES_SAMPLER_ARG", _RATIO))
    except ValueError:
        ratio = _RATIO
    return random.random() < ratio


def traceparent() -> str | None:
    """Return the header that continues the present span; none when the present work is not sampled."""
    span = _current.get()
    return span.traceparent if span else None


@contextmanager
def tracing(
    name: str, parent: str | None = None, *, trace_id: str | None = None, **attributes: Any
) -> Iterator[Span | None]:
    """Make a span at the root of `trace_id`, else below `parent`, else below the present one; none when not sampled."""
    above = (trace_id, None) if trace_id else _sampled(parent or traceparent())
    if above is None:
        yield None
        return
    span = Span(name, above[0], _new_span_id(), above[1], attributes)
    token, began = _current.set(span), time.perf_counter()
    try:
        yield span
    except BaseException as error:
        attributes["error"] = type(error).__name__
        raise
    finally:
        _end(span, time.perf_counter() - began)
        _current.reset(token)


@contextmanager
def handling(parents: Sequence[str | None]) -> Iterator[None]:
    """Time a transaction's commands, and make their span below each sampled parent."""
    with HANDLE_SECONDS.time(), tracing_all(HANDLE, parents, commands=len(parents)):
        yield


@contextmanager
def tracing_all(name: str, parents: Iterable[str | None], **attributes: Any) -> Iterator[None]:
    """Make one span of the same work below each sampled parent: what a batch of many traces' events has in common."""
    began = time.perf_counter()
    try:
        yield
    except BaseException as error:
        attributes["error"] = type(error).__name__
        raise
    finally:
        seconds = time.perf_counter() - began
        for parent in dict.fromkeys(parents):
            above = _sampled(parent)
            if above:
                _end(Span(name, above[0], _new_span_id(), above[1], attributes), seconds)


def _sampled(parent: str | None) -> tuple[str, str] | None:
    found = parse(parent)
    return (found[0], found[1]) if found and found[2] else None


def _new_span_id() -> str:
    return f"{random.getrandbits(64) or 1:016x}"


def _end(span: Span, seconds: float) -> None:
    token = _current.set(span)
    _log.info(span.name, ms=round(seconds * 1000, 2), parent_id=span.parent_id, **span.attributes)
    _current.reset(token)
    if _exporter:
        _exporter.export(span, seconds)


def configure(service: str, level: str) -> None:
    """Write logs as JSON lines to standard output, and export spans where an endpoint is set."""
    global _exporter
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            lambda _logger, _name, event: {"service": service, **event},
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_dump),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Bridge()], level=max(number, logging.WARNING), force=True)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        from shared.otlp import Otlp

        _exporter = Otlp(service)


def close() -> None:
    """Send the spans that wait to be exported."""
    if _exporter:
        _exporter.close()


def _dump(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _add_trace(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    span = _current.get()
    if span:
        event["trace_id"], event["span_id"] = span.trace_id, span.span_id
    return event


class _Bridge(logging.Handler):
    """Lets what libraries log by the standard module go the way of our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        line = _log.error if record.levelno >= logging.ERROR else _log.warning
        line(record.getMessage(), logger=record.name, exc_info=record.exc_info or None)
