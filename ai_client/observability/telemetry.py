"""Spans and metrics of requests, by OpenTelemetry's API."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from opentelemetry import context, metrics, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ai_client import conf
from ai_client.ask import Ask
from ai_client.events import Collector
from ai_client.exchange import Answer, Output, Piece
from ai_client.messages import AnyResult, GenerationRequest
from ai_client.observability import attributes, contents
from ai_client.progress import Progress
from ai_client.records import RequestRecord

SCOPE = "ai_client"
"""The name of the instrumentation scope."""

TOKEN_BUCKETS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216,
                 67108864)  # fmt: skip
SECOND_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96,
                  81.92)  # fmt: skip

_OF_THE_API = ("opentelemetry.trace", "opentelemetry.metrics")
_NANOSECONDS = 1_000_000_000
_TRACE_CONTEXT = TraceContextTextMapPropagator()

logger = logging.getLogger(__name__)


class Telemetry:
    """Makes a watcher per request; over the process's providers unless given others."""

    def __init__(
        self,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._is_heard = tracer_provider is not None or meter_provider is not None
        self.tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKEN_BUCKETS,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=SECOND_BUCKETS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "Time to receive the first chunk of a stream.",
            explicit_bucket_boundaries_advisory=SECOND_BUCKETS,
        )

    def watch(self) -> Watching | None:
        """What follows a request that begins now, in the current context; None: nobody listens."""
        return Watching(self) if self._is_heard or _process_records() else None

    def measure(
        self,
        record: RequestRecord,
        identity: attributes.Attributes,
        within: context.Context,
    ) -> None:
        """The metrics of a finished request."""
        told = identity | attributes.failure(record)
        self._duration.record(record.total_ms / 1000, told, within)
        if record.stream and record.first_event_ms is not None:
            self._first_chunk.record(record.first_event_ms / 1000, told, within)
        usage = record.usage
        if usage is not None:
            counts = {"input": usage.prompt_tokens, "output": usage.completion_tokens}
            for kind, count in counts.items():
                self._tokens.record(count, {**identity, "gen_ai.token.type": kind}, within)


class Watching:
    """Follows one request; see ``trail.Watcher``.

    The span is made at the end, of what is known by then, with its own times; with the context of
    the beginning. It begins early only where upstreams are to be told of it.
    """

    __slots__ = ("_ask", "_collector", "_context", "_result", "_span", "_started", "_telemetry")

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._context = context.get_current()
        self._started = time.time_ns()
        self._ask: Ask | None = None
        self._span: trace.Span | None = None
        self._collector: Collector | None = None
        self._result: AnyResult | None = None

    def asked(self, ask: Ask) -> Mapping[str, str]:
        self._ask = ask
        headers: dict[str, str] = {}
        if conf.traces_upstream():
            with _out_of_the_way():
                operation = attributes.operation_of(self._request())
                self._span = self._start(operation, {"gen_ai.operation.name": operation})
                _TRACE_CONTEXT.inject(headers, self._within(self._span))
        return headers

    def heard(self, output: Output) -> None:
        if not conf.traces_content():
            return
        with _out_of_the_way():
            match output:
                case Answer():
                    self._result = output.result
                case Piece():
                    if self._collector is None:
                        self._collector = Collector()
                    for event in output.events:
                        self._collector.feed(event)

    def ended(self, record: RequestRecord, progress: Progress, now: float) -> None:
        with _out_of_the_way():
            request = self._request()
            span = self._finished(record, progress, request)
            if span.is_recording():
                if conf.traces_content():
                    span.set_attributes(self._contents())
                if record.error_code:
                    span.set_status(Status(StatusCode.ERROR))
                self._attempts(span, progress, now - record.total_ms / 1000, now)
            span.end(self._started + round(record.total_ms * 1_000_000))
            identity = attributes.identity(record, progress, request)
            self._telemetry.measure(record, identity, self._within(span))

    def _finished(
        self, record: RequestRecord, progress: Progress, request: GenerationRequest | None
    ) -> trace.Span:
        model = attributes.model_of(record, progress)
        name = f"{attributes.operation_of(request)} {model}".rstrip()
        described = attributes.of_request(record, progress, request)
        if self._span is None:
            return self._start(name, described)
        self._span.update_name(name)
        self._span.set_attributes(described)
        return self._span

    def _attempts(self, span: trace.Span, progress: Progress, began: float, now: float) -> None:
        within = self._within(span)
        for number, attempt in enumerate(progress.attempts, 1):
            ended = attempt.ended or now
            given_up = attempt.error is None and not attempt.answered
            child = self._telemetry.tracer.start_span(
                f"attempt {attempt.route.connection.name}",
                within,
                SpanKind.CLIENT,
                attributes.of_attempt(attempt, number, given_up=given_up),
                start_time=self._started + round((attempt.started - began) * _NANOSECONDS),
            )
            if attempt.error is not None:
                child.set_status(Status(StatusCode.ERROR))
            child.end(self._started + round((ended - began) * _NANOSECONDS))

    def _start(self, name: str, described: attributes.Attributes) -> trace.Span:
        return self._telemetry.tracer.start_span(
            name, self._context, SpanKind.CLIENT, described, start_time=self._started
        )

    def _within(self, span: trace.Span) -> context.Context:
        return trace.set_span_in_context(span, self._context)

    def _request(self) -> GenerationRequest | None:
        return None if self._ask is None else self._ask.known

    def _contents(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        if self._ask is not None:
            found |= contents.of_prompt(self._ask.request())
        result = self._collector.result() if self._collector is not None else self._result
        if result is not None:
            found |= contents.of_answer(result)
        return found


def _process_records() -> bool:
    """Whether the process has a provider beside those of the API, which keep nothing."""
    return _keeps(type(trace.get_tracer_provider())) or _keeps(type(metrics.get_meter_provider()))


@cache
def _keeps(kind: type[object]) -> bool:
    return not kind.__module__.startswith(_OF_THE_API)


@contextmanager
def _out_of_the_way() -> Iterator[None]:
    """A defect in what watches a request is no reason to fail the request."""
    try:
        yield
    except Exception:
        logger.exception("A request could not be traced.")
