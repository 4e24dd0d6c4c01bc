"""Scenarios of what goes wrong at an upstream: who stands in, what is said where nobody does."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client import RequestOptions, prompt
from ai_client.errors import (
    ContentFiltered,
    DeadlineExceeded,
    HeadersTimedOut,
    KeyRejected,
    MalformedAnswer,
    Overloaded,
    RateLimited,
    ServerFailed,
    StreamTruncated,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.messages import FinishReason
from tests.ai_client.scenarios.conversations import with_what_is_lacked
from tests.ai_client.scenarios.scenario import Scenarios, seen, told
from tests.ai_client.scenarios.stage import Stage
from tests.ai_client.scenarios.upstreams import GOOGLE, OPENAI
from tests.ai_client.scenarios.ways import STREAMED, WHOLE

scenario = Scenarios(alone=False)

SOON = 0.1
"""Seconds that an upstream which says nothing is waited for."""

AMID = 0.25
"""Seconds for an answer to begin, unless the machine is very busy, and then to say nothing."""


def _stands_in(stage: Stage, failure: str | None, **more: Any) -> Any:
    """The answer of the stand-in, after one attempt at a connection that fails."""
    stage.connect(stage.own(failure, **more), stage.other())
    stage.clear_log()
    result = stage.way.result(prompt("Hello"))
    assert result.to_text() == "Echo: Hello"
    assert result.model == stage.stand_in.model
    (failed, code), (answered, ok) = stage.attempts()
    assert (failed, answered) == (stage.own()["name"], stage.other()["name"])
    assert ok == "ok"
    return code, seen(result)


def _fails(
    stage: Stage, kind: type[UpstreamError], failure: str | None, **more: Any
) -> UpstreamError:
    """The error of a connection that fails and has no stand-in."""
    stage.connect(stage.own(failure, **more))
    with pytest.raises(kind) as caught:
        stage.way.text(prompt("Hello"))
    assert type(caught.value) is kind
    return caught.value


@scenario
def a_rate_limit_passes_on(stage: Stage) -> object:
    code, result = _stands_in(stage, "rate-limit")
    assert code == "rate_limited"
    # What was told to wait is not asked again meanwhile.
    asked = len(stage.requests)
    stage.way.text(prompt("Hello"))
    assert len(stage.requests) == asked + 1
    return result


@scenario.in_ways(*WHOLE)
def an_image_of_the_stand_in(stage: Stage) -> object:
    """Who is not for text is stood in for as well, by another dialect that makes images."""
    artist = GOOGLE if stage.upstream.dialect == "openai" else OPENAI
    stage.connect(stage.own("rate-limit"), stage.of(artist))
    stage.clear_log()
    result = stage.way.images(prompt("A red parrot"))
    assert result.to_image_file().mime_type == "image/png"
    assert result.provider_metadata is not None
    assert result.provider_metadata.id == artist.slug
    codes = [code for _, code in stage.attempts()]
    # Whose models make no image is not even asked.
    able = stage.upstream.others
    assert codes == (["rate_limited", "ok"] if able else ["ok"])
    return seen(result)


@scenario.in_ways(*WHOLE)
def vectors_have_no_stand_in(stage: Stage) -> object:
    """Vectors of two models do not compare, so a failure stays one."""
    embedder = GOOGLE if stage.upstream.dialect == "openai" else OPENAI
    stage.connect(stage.own(api_key="another-key-0123456789-abcdef"), stage.of(embedder))
    stage.clear_log()
    if not stage.upstream.others:
        result = stage.way.embeddings(prompt("gravity"))
        assert stage.attempts() == [(stage.of(embedder)["name"], "ok")]
        return result.embeddings
    with pytest.raises(KeyRejected) as caught:
        stage.way.embeddings(prompt("gravity"))
    assert [name for name, _ in stage.attempts()] == [stage.own()["name"]]
    return told(caught.value)


@scenario
def a_rate_limit_without_anybody_else(stage: Stage) -> object:
    error = _fails(stage, RateLimited, "rate-limit")
    assert error.retry_after is not None
    assert 29 < error.retry_after <= 30
    assert (error.status, error.upstream_status) == (429, 429)
    return told(error)


@scenario
def a_key_that_is_rejected(stage: Stage) -> object:
    error = _fails(stage, KeyRejected, None, api_key="another-key-0123456789-abcdef")
    assert not error.should_retry
    assert "another-key" not in error.message
    return told(error)


@scenario
def a_rejected_key_passes_on(stage: Stage) -> object:
    code, result = _stands_in(stage, None, api_key="another-key-0123456789-abcdef")
    assert code == "upstream_auth"
    return result


@scenario
def a_model_that_is_missing(stage: Stage) -> object:
    return told(_fails(stage, UpstreamModelMissing, "status-404"))


@scenario
def an_overloaded_upstream(stage: Stage) -> object:
    return told(_fails(stage, Overloaded, "overloaded"))


@scenario
def a_failing_server_passes_on(stage: Stage) -> object:
    code, result = _stands_in(stage, "status-500")
    assert code == "upstream_error"
    return result


@scenario
def an_upstream_that_says_nothing(stage: Stage) -> object:
    return told(_fails(stage, HeadersTimedOut, "hang", timeout=SOON))


@scenario
def silence_passes_on(stage: Stage) -> object:
    code, result = _stands_in(stage, "hang", timeout=SOON)
    assert code == "upstream_timeout"
    return result


@scenario
def a_time_limit_of_the_prompt(stage: Stage) -> object:
    """It bounds all attempts together: nobody is asked any more afterwards."""
    stage.connect(stage.own("hang"), stage.other())
    stage.clear_log()
    options = RequestOptions(timeout=SOON)
    with pytest.raises(DeadlineExceeded) as caught:
        stage.way.text(prompt("Hello").using_request_options(options))
    ((connection, code),) = stage.attempts()
    assert (connection, code) == (stage.own()["name"], "deadline_exceeded")
    return told(caught.value)


@scenario
def a_time_limit_that_suffices(stage: Stage) -> object:
    stage.connect(stage.own())
    options = RequestOptions(timeout=60, connect_timeout=5)
    return stage.way.text(prompt("Hello").using_request_options(options))


_CUTS = {
    "close-midstream": UpstreamError,
    "reset-midstream": UpstreamError,
    "truncated": StreamTruncated,
    "malformed-event-later": MalformedAnswer,
    "sse-error-later": UpstreamError,
}


@scenario.in_ways(*STREAMED)
def a_stream_that_is_cut(stage: Stage) -> object:
    """What has begun to arrive is never passed off as an answer; nobody else goes on with it."""
    stage.connect(stage.own(""), stage.other())
    found = []
    for failure, kind in _CUTS.items():
        stage.clear_log()
        pieces: list[str] = []
        with pytest.raises(kind) as caught:
            stage.way.pieces(stage.failing(prompt("One two three four"), failure), pieces)
        assert "".join(pieces), failure
        assert "Echo: One two three four".startswith("".join(pieces)), failure
        ((connection, _),) = stage.attempts()
        assert connection == stage.own()["name"], failure
        found.append((failure, told(caught.value), "".join(pieces)))
    return found


@scenario.in_ways(*STREAMED)
def a_time_limit_amid_a_stream(stage: Stage) -> object:
    stage.connect(stage.own(""), stage.other())
    pieces: list[str] = []
    asked = prompt("One two three").using_request_options(RequestOptions(timeout=AMID))
    with pytest.raises(DeadlineExceeded) as caught:
        stage.way.pieces(stage.failing(asked, "hang-midstream"), pieces)
    assert "Echo: One".startswith("".join(pieces))
    return type(caught.value)


@scenario.in_ways(*STREAMED)
def a_stream_that_is_left(stage: Stage) -> object:
    """Whoever stops reading ends the upstream's work."""
    stage.connect(stage.own(""))
    piece = stage.way.first_piece(stage.failing(prompt("One two three"), "hang-midstream"))
    assert piece == "Echo:"
    assert stage.stand.simulator.wait_for(lambda request: request.left_early).left_early
    return piece


_EARLY = ("sse-error-first", "malformed-event-first", "empty", "reset", "close", "html")


@scenario
def a_failure_before_anything_arrived_passes_on(stage: Stage) -> object:
    stage.connect(stage.own(""), stage.other())
    found = []
    for failure in _EARLY:
        stage.clear_log()
        result = stage.way.result(stage.failing(prompt("Hello"), failure))
        assert result.to_text() == "Echo: Hello", failure
        assert result.model == stage.stand_in.model, failure
        names = [name for name, _ in stage.attempts()]
        assert names == [stage.own()["name"], stage.other()["name"]], failure
        found.append((failure, seen(result)))
    return found


_SHAPES = (
    "one-byte",
    "crlf",
    "cr",
    "multiline",
    "comments",
    "bom",
    "usage-only",
    "azure-first-chunk",
    "pings-then-ok",
    "ignore-stream",
    "force-stream",
)


@scenario
def answers_in_odd_shapes(stage: Stage) -> object:
    """However servers write it down, the answer is the same."""
    stage.connect(stage.own(""))
    for failure in _SHAPES:
        result = stage.way.result(stage.failing(prompt("Hello"), failure))
        assert result.to_text() == "Echo: Hello", failure
        assert result.candidates[0].finish_reason is FinishReason.STOP, failure
        # OpenAI's servers tell the usage of a stream where it is asked for: not of an unwanted one.
        if result.usage is not None or failure != "force-stream":
            assert result.usage is not None, failure
            assert result.usage.total_tokens == 3, failure
    return len(_SHAPES)


@scenario.in_ways(*WHOLE)
def an_answer_that_is_cut(stage: Stage) -> object:
    stage.connect(stage.own(""))
    found = []
    for failure in ("close-midstream", "reset-midbody", "cut-json", "wrong-json"):
        with pytest.raises(UpstreamError) as caught:
            stage.way.result(stage.failing(prompt("One two three four"), failure))
        found.append((failure, told(caught.value)))
    return found


@scenario
def a_content_filter_refuses_the_prompt(stage: Stage) -> object:
    """No other vendor is asked what one has refused."""
    stage.connect(stage.own("filter"), stage.other())
    stage.clear_log()
    with pytest.raises(ContentFiltered) as caught:
        stage.way.text(prompt("Something bad"))
    assert caught.value.code == "content_filter"
    assert stage.attempts() == [(stage.own()["name"], "content_filter")]
    return told(caught.value)


@scenario
def a_content_filter_ends_the_answer(stage: Stage) -> object:
    stage.connect(stage.own("filter-finish"))
    result = stage.way.result(prompt("Something bad"))
    assert result.candidates[0].finish_reason is FinishReason.CONTENT_FILTER
    return seen(result)


@scenario
def nobody_can_answer(stage: Stage) -> object:
    stage.connect(stage.own("status-500"), stage.other("overloaded"))
    stage.clear_log()
    with pytest.raises(UpstreamError, match="No connection could answer") as caught:
        stage.way.text(prompt("Hello"))
    for each in (stage.own(), stage.other()):
        assert each["name"] in caught.value.message
    assert [name for name, _ in stage.attempts()] == [stage.own()["name"], stage.other()["name"]]
    return told(caught.value)


@scenario
def without_fallback_the_first_failure_counts(stage: Stage) -> object:
    stage.connect(stage.own("status-500"), stage.other())
    with pytest.raises(ServerFailed) as caught:
        stage.way.text(prompt("Hello").without_fallback())
    assert len(stage.requests) == 1
    return told(caught.value)


@scenario
def what_a_dialect_cannot_say_passes_on(stage: Stage) -> object:
    upstream, other = stage.upstream, stage.stand_in
    stage.connect(stage.own(), stage.other())
    stage.clear_log()
    asked = with_what_is_lacked(prompt("Look at it"), upstream.dialect)
    result = stage.way.result(asked.using_model((upstream.slug, upstream.model)))
    assert result.to_text().startswith("Echo: Look at it [")
    assert result.model == other.model
    names = [stage.own()["name"], stage.other()["name"]]
    assert stage.attempts() == [(names[0], "unsupported_feature"), (names[1], "ok")]
    assert len(stage.requests) == 1, "the first was not even asked"
    return seen(result)
