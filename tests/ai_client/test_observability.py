"""Spans and metrics of requests, as an exporter gets them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from ai_client import File, prompt
from ai_client.errors import RateLimited, ServerFailed
from ai_client.messages import TokenUsage
from ai_client.observability.telemetry import SECOND_BUCKETS, TOKEN_BUCKETS, Telemetry
from ai_client.testing import FakeAi, FakeConnection
from tests.source_tree import ROOT

SECRET_PROMPT = "The patient is called Zweistein"
SECRET_ANSWER = "Zweistein is well"


@dataclass
class Watched:
    """A fake with its telemetry."""

    fake_ai: FakeAi
    tracers: TracerProvider
    spans: InMemorySpanExporter
    metrics: InMemoryMetricReader

    @property
    def request(self) -> ReadableSpan:
        """The one span of a request."""
        (found,) = (each for each in self.spans.get_finished_spans() if not _is_attempt(each))
        return found

    @property
    def attempts(self) -> list[ReadableSpan]:
        return [each for each in self.spans.get_finished_spans() if _is_attempt(each)]

    def points(self, name: str) -> list[Any]:
        """What was measured under that name."""
        data = self.metrics.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


def _is_attempt(span: ReadableSpan) -> bool:
    return span.name.startswith("attempt ")


def said(span: ReadableSpan) -> Mapping[str, Any]:
    return dict(span.attributes or {})


@pytest.fixture
def watched() -> Iterator[Watched]:
    spans, metrics, tracers = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    meters = MeterProvider([metrics])
    telemetry = Telemetry(tracers, meters)
    with FakeAi(watch=telemetry.watch) as fake_ai:
        yield Watched(fake_ai, tracers, spans, metrics)
    meters.shutdown()
    tracers.shutdown()


def test_a_request_is_a_span_by_the_conventions(watched: Watched) -> None:
    watched.fake_ai.use_connections(FakeConnection("primary", "google", "gemini-2.5-flash"))
    usage = TokenUsage(12, 7, 19, thought_tokens=3, cached_tokens=4)
    watched.fake_ai.will_answer("ok", usage=usage, after=2.0)
    prompt("Hello", caller="shop").using_temperature(0.5).using_max_tokens(9).generate_text()
    span = watched.request
    assert (span.name, span.kind) == ("chat gemini-2.5-flash", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "ai_client"
    assert said(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-2.5-flash",
        "gen_ai.response.model": "gemini-2.5-flash",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "server.address": "fake.invalid",
        "server.port": 443,
        "koneek.request_id": watched.fake_ai.records[0].request_id,
        "koneek.dialect": "python",
        "koneek.outcome": "success",
        "koneek.requested_model": "gemini-2.5-flash",
        "koneek.caller": "shop",
        "koneek.connection": "primary",
        "koneek.attempts": 1,
        "koneek.fallback": False,
    }
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time == 2_000_000_000


def test_fallback_can_be_seen(watched: Watched) -> None:
    watched.fake_ai.use_connections(FakeConnection("primary"), FakeConnection("second", "openai"))
    failed = ServerFailed("Down.", upstream_status=503)
    watched.fake_ai.will_fail(failed, connection="primary", after=1.0)
    watched.fake_ai.will_answer("ok", connection="second", after=3.0)
    prompt("Hello").generate_text()
    request, (first, second) = watched.request, watched.attempts
    assert said(request)["koneek.fallback"] is True
    assert said(request)["koneek.connection"] == "second"
    assert request.status.status_code is StatusCode.UNSET
    assert [first.name, second.name] == ["attempt primary", "attempt second"]
    assert said(first)["error.type"] == "upstream_error"
    assert said(first)["http.response.status_code"] == 503
    assert first.status.status_code is StatusCode.ERROR
    assert "error.type" not in said(second)
    for attempt in (first, second):
        assert attempt.parent is not None
        assert attempt.parent.span_id == request.context.span_id
    assert request.start_time is not None
    times = [each - request.start_time for each in _times(first, second)]
    assert times == [0, 1_000_000_000, 1_000_000_000, 4_000_000_000]


def _times(*spans: ReadableSpan) -> Iterator[int]:
    for span in spans:
        assert span.start_time is not None
        assert span.end_time is not None
        yield from (span.start_time, span.end_time)


def test_an_error_is_named_by_its_code(watched: Watched) -> None:
    watched.fake_ai.will_fail(RateLimited("Slow down."))
    with pytest.raises(RateLimited):
        prompt("Hello").generate_text()
    assert said(watched.request)["error.type"] == "rate_limited"
    assert watched.request.status.status_code is StatusCode.ERROR
    (duration,) = watched.points("gen_ai.client.operation.duration")
    assert duration.attributes["error.type"] == "rate_limited"
    assert watched.points("gen_ai.client.token.usage") == []


def test_the_request_belongs_to_the_span_in_which_it_was_made(watched: Watched) -> None:
    watched.fake_ai.will_stream("Hel", "lo")
    tracer = watched.tracers.get_tracer("a site")
    with tracer.start_as_current_span("GET /explain") as page:
        pieces = prompt("Hello").stream_text()
        assert next(pieces) == "Hel"
    assert list(pieces) == ["lo"]
    spans = {each.name: each for each in watched.spans.get_finished_spans()}
    request = spans["chat fake-model"]
    assert request.parent is not None
    assert request.parent.span_id == page.get_span_context().span_id
    assert said(request)["gen_ai.request.stream"] is True


async def test_awaiting_code_is_traced_too(watched: Watched) -> None:
    watched.fake_ai.will_answer("ok")
    with watched.tracers.get_tracer("a site").start_as_current_span("page") as page:
        await prompt("Hello").agenerate_text()
    spans = {each.name: each for each in watched.spans.get_finished_spans()}
    parent = spans["chat fake-model"].parent
    assert parent is not None
    assert parent.span_id == page.get_span_context().span_id


def test_the_gateways_requests_are_traced_too(watched: Watched) -> None:
    watched.fake_ai.will_answer("ok")
    key = watched.fake_ai.gateway_key("laptop")
    Client().post(
        "/v1/chat/completions",
        {"model": "gpt-4o", "messages": [{"role": "user", "content": SECRET_PROMPT}]},
        content_type="application/json",
        headers={"authorization": f"Bearer {key}"},
    )
    assert watched.request.name == "chat gpt-4o"
    assert said(watched.request)["koneek.dialect"] == "openai_chat"
    assert said(watched.request)["koneek.caller"] == "laptop"
    assert key not in repr([said(each) for each in watched.spans.get_finished_spans()])
    watched.spans.clear()
    assert Client().post("/v1/chat/completions", {}).status_code == 401
    assert said(watched.request)["error.type"] == "invalid_api_key"
    assert said(watched.request)["gen_ai.provider.name"] == "koneek"


@pytest.mark.parametrize(
    ("ask", "operation", "output"),
    [
        ("generate_image", "generate_content", "image"),
        ("convert_text_to_speech", "generate_content", "speech"),
        ("generate_embedding", "embeddings", None),
    ],
)
def test_the_operation_is_named(
    watched: Watched, ask: str, operation: str, output: str | None
) -> None:
    watched.fake_ai.will_embed([1.0])
    watched.fake_ai.will_answer(File.from_bytes(b"x", "application/octet-stream"))
    # Whether the bytes are a picture is of no interest here.
    getattr(prompt("Hello"), f"{ask}_result")()
    assert watched.request.name == f"{operation} fake-model"
    assert said(watched.request).get("gen_ai.output.type") == output


def test_metrics_are_measured_with_the_conventions_buckets(watched: Watched) -> None:
    watched.fake_ai.will_stream(0.5, "Hello", usage=TokenUsage(12, 7, 19))
    list(prompt("Hello").stream_text())
    tokens = watched.points("gen_ai.client.token.usage")
    counted = {point.attributes["gen_ai.token.type"]: point.sum for point in tokens}
    assert counted == {"input": 12, "output": 7}
    (duration,) = watched.points("gen_ai.client.operation.duration")
    (first,) = watched.points("gen_ai.client.operation.time_to_first_chunk")
    assert (duration.sum, first.sum) == (0.5, 0.5)
    assert tokens[0].explicit_bounds == TOKEN_BUCKETS
    assert duration.explicit_bounds == first.explicit_bounds == SECOND_BUCKETS
    assert dict(duration.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "fake",
        "gen_ai.request.model": "fake-model",
        "gen_ai.response.model": "fake-model",
        "server.address": "fake.invalid",
        "server.port": 443,
    }


@pytest.mark.parametrize("streams", [False, True])
def test_what_was_said_stays_out_of_spans(watched: Watched, streams: bool) -> None:
    _talk(watched.fake_ai, streams=streams)
    for span in watched.spans.get_finished_spans():
        assert "Zweistein" not in span.to_json()


@pytest.mark.parametrize("streams", [False, True])
def test_what_was_said_is_in_spans_where_the_site_wants_it(
    watched: Watched, settings: Any, streams: bool
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "TRACE_CONTENT": True}
    _talk(watched.fake_ai, streams=streams)
    told = said(watched.request)
    assert json.loads(told["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": SECRET_PROMPT}]}
    ]
    assert json.loads(told["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": SECRET_ANSWER}],
            "finish_reason": "stop",
        }
    ]
    assert json.loads(told["gen_ai.system_instructions"]) == [
        {"type": "text", "content": "Be discreet about Zweistein"}
    ]


def test_calls_and_files_are_told_in_the_conventions_shapes(
    watched: Watched, settings: Any
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "TRACE_CONTENT": True}

    def weather(city: str) -> str:
        """The weather there."""
        return "sunny"

    watched.fake_ai.will_call("weather", {"city": "Paris"})
    watched.fake_ai.will_answer("ok")
    picture = File.from_url("https://example.com/a.png", "image/png")
    prompt("And?").with_file(picture).using_functions(weather).run_functions()
    requests = [each for each in watched.spans.get_finished_spans() if not _is_attempt(each)]
    messages = json.loads(said(requests[1])["gen_ai.input.messages"])
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    text, file, call, response = (part for message in messages for part in message["parts"])
    assert text == {"type": "text", "content": "And?"}
    assert (file["type"], file["uri"], file["modality"]) == ("uri", picture.url, "image")
    assert (call["type"], call["arguments"]) == ("tool_call", {"city": "Paris"})
    assert (response["type"], response["response"]) == ("tool_call_response", "sunny")


def _talk(fake_ai: FakeAi, *, streams: bool) -> None:
    builder = prompt(SECRET_PROMPT).using_system_instruction("Be discreet about Zweistein")
    if streams:
        fake_ai.will_stream("Zweistein", " is well")
        list(builder.stream_text())
    else:
        fake_ai.will_answer(SECRET_ANSWER)
        builder.generate_text()


def test_upstreams_are_told_of_the_trace_only_where_the_site_wants_it(
    watched: Watched, settings: Any
) -> None:
    watched.fake_ai.will_answer("ok", times=None)
    with watched.tracers.get_tracer("a site").start_as_current_span("page"):
        prompt("Hello").generate_text()
    (sent,) = watched.fake_ai.transport.sent
    assert "traceparent" not in sent.headers
    watched.spans.clear()
    settings.AI_CLIENT = {**settings.AI_CLIENT, "TRACE_UPSTREAM": True}
    prompt("Hello").using_temperature(0.5).generate_text()
    told = watched.fake_ai.transport.sent[-1].headers["traceparent"].split("-")
    context = watched.request.context
    assert told[1:3] == [f"{context.trace_id:032x}", f"{context.span_id:016x}"]
    assert watched.request.name == "chat fake-model"
    assert said(watched.request)["gen_ai.request.temperature"] == 0.5


def test_a_request_that_its_caller_leaves_is_no_error(watched: Watched) -> None:
    watched.fake_ai.will_stream("Hel", "lo")
    pieces = prompt("Hello").stream_events()
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert said(watched.request)["koneek.outcome"] == "client_closed"
    assert watched.request.status.status_code is StatusCode.UNSET
    assert said(watched.attempts[0])["koneek.given_up"] is True


def test_a_broken_exporter_breaks_no_request(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(TracerProvider):
        def get_tracer(self, *args: Any, **more: Any) -> Any:
            class Tracer(trace.NoOpTracer):
                def start_span(self, *args: Any, **more: Any) -> Any:
                    raise RuntimeError("broken")

            return Tracer()

    with FakeAi(watch=Telemetry(Broken()).watch) as fake_ai:
        fake_ai.will_answer("ok")
        assert prompt("Hello").generate_text() == "ok"
    assert "could not be traced" in caplog.text


PROGRAM = """
import sys
{before}
import django
django.setup()
from ai_client import observability, prompt
from ai_client.testing import FakeAi
with FakeAi() as fake_ai:
    fake_ai.will_answer("ok", times=None)
    assert prompt("Hello").generate_text() == "ok"
{after}
"""
WITHOUT = """
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
"""
GLOBALLY = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
"""
SET_LATE = """
    assert observability.watch() is None
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    prompt("Hello").generate_text()
    names = [each.name for each in spans.get_finished_spans()]
    assert names == ["attempt fake", "chat fake-model"], names
"""


METRICS_ALONE = """
    from opentelemetry import metrics
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    prompt("Hello").generate_text()
    (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
    assert "gen_ai.client.operation.duration" in [each.name for each in scope.metrics]
"""
BY_ENVIRONMENT = """
os.environ["OTEL_PYTHON_TRACER_PROVIDER"] = "sdk_tracer_provider"
"""
IN_TIME = """
    os.environ["OTEL_PYTHON_TRACER_PROVIDER"] = "sdk_tracer_provider"
    assert observability.watch() is not None
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (WITHOUT, "    assert observability.watch() is None"),
        (GLOBALLY, SET_LATE),
        ("", METRICS_ALONE),
        (BY_ENVIRONMENT, "    assert observability.watch() is not None"),
        ("", IN_TIME),
    ],
    ids=["not installed", "set up later", "metrics alone", "by the environment", "by it later"],
)
def test_the_process_decides(before: str, after: str) -> None:
    program = PROGRAM.format(before=before, after=after)
    run = subprocess.run(
        [sys.executable, "-c", f"import os\n{SETTINGS}\n{program}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


SETTINGS = "os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'"
