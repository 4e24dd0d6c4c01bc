"""What the official anthropic SDK raises, for each thing that goes wrong."""

from __future__ import annotations

from itertools import product
from typing import Any

import anthropic
import httpx
import pytest

from ai_client.key_services import create_gateway_key
from tests.gateway.anthropic_callers import HELLO, Caller, sdk
from tests.live_site import DIALECTS, Site, refused_address

BAD_REQUEST = anthropic.BadRequestError
SERVER = anthropic.InternalServerError
FROM_UPSTREAM: dict[str, tuple[type[anthropic.APIStatusError], int, str, str, bool]] = {
    "status-400": (BAD_REQUEST, 400, "invalid_request_error", "invalid_request", False),
    "context": (BAD_REQUEST, 400, "invalid_request_error", "context_length_exceeded", False),
    "filter": (BAD_REQUEST, 400, "invalid_request_error", "content_filter", False),
    "status-401": (SERVER, 502, "api_error", "upstream_auth", False),
    "status-404": (anthropic.NotFoundError, 404, "not_found_error", "model_not_found", False),
    "status-408": (anthropic.GatewayTimeoutError, 504, "timeout_error", "upstream_timeout", True),
    "status-409": (anthropic.ConflictError, 409, "conflict_error", "upstream_error", True),
    "status-413": (
        anthropic.ContentTooLargeError,
        413,
        "request_too_large",
        "request_too_large",
        False,
    ),
    "rate-limit-7": (anthropic.RateLimitError, 429, "rate_limit_error", "rate_limited", True),
    "quota": (anthropic.RateLimitError, 429, "billing_error", "quota_exhausted", False),
    "overloaded-5": (
        anthropic.ServiceUnavailableError,
        503,
        "overloaded_error",
        "upstream_overloaded",
        True,
    ),
    "status-500": (SERVER, 502, "api_error", "upstream_error", True),
    "html": (SERVER, 502, "api_error", "bad_upstream_content", True),
}
"""Failure of the upstream: exception, status, type, our code, and whether the SDK may try again."""


@pytest.mark.parametrize("failure", FROM_UPSTREAM)
def test_a_failure_of_the_upstream_is_raised_as_the_class_it_is(site: Site, failure: str) -> None:
    kind, status, word, code, may_retry = FROM_UPSTREAM[failure]
    for dialect, way in product(DIALECTS, ("create", "events", "async")):
        caller = Caller(site, dialect, "async" if way == "async" else "sync")
        caller.connect(name=f"{DIALECTS[dialect][0]}-{way}", failure=failure)
        with pytest.raises(anthropic.APIStatusError) as caught:
            caller.events(HELLO) if way == "events" else caller.create(HELLO)
        error = caught.value
        assert type(error) is kind, (dialect, way)
        assert (error.status_code, error.type, error.error_code) == (status, word, code)
        headers = error.response.headers
        assert headers.get("x-should-retry") == (None if may_retry else "false")
        assert headers["x-koneek-attempts"] == "1"
        assert error.request_id == site.rows()[-1].request_id
        assert error.body["request_id"] == error.request_id  # type: ignore[index]
        assert "127.0.0.1" not in error.message
        if failure in ("rate-limit-7", "overloaded-5"):
            assert 0 < int(headers["retry-after"]) <= int(failure[-1])
    assert [row.error_code for row in site.rows()] == [code] * 9


def test_an_upstream_that_nobody_reaches_is_a_server_error(site: Site) -> None:
    with refused_address() as nobody:
        site.connect(site.upstream("anthropic_messages") | {"base_url": f"http://{nobody}"})
        with pytest.raises(SERVER) as caught:
            Caller(site, "anthropic_messages").create(HELLO)
    assert (caught.value.status_code, caught.value.error_code) == (502, "upstream_unreachable")
    assert nobody not in caught.value.message


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_after_the_first_content_is_raised_and_nothing_follows(
    site: Site, dialect: str
) -> None:
    caller = Caller(site, dialect)
    caller.connect(failure="sse-error-later")
    heard: list[Any] = []
    with (
        sdk(site) as client,
        pytest.raises(anthropic.APIStatusError) as caught,
        client.messages.stream(model="auto", max_tokens=99, messages=HELLO) as stream,
    ):
        heard.extend(stream)
    assert caught.value.status_code == 200
    assert caught.value.body["type"] == "error"  # type: ignore[index]
    assert {"text", "content_block_delta"} <= {event.type for event in heard}
    assert "message_stop" not in {event.type for event in heard}
    assert site.row().outcome == "error"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("ask", ["create", "count"])
def test_keys_are_asked_for(site: Site, mode: str, ask: str) -> None:
    caller = Caller(Site(site.base_url, "kn_wrong", site.simulator), "anthropic_messages", mode)
    site.connect(site.upstream("anthropic_messages"))
    with pytest.raises(anthropic.AuthenticationError) as caught:
        getattr(caller, ask)(HELLO)
    assert (caught.value.type, caught.value.error_code) == (
        "authentication_error",
        "invalid_api_key",
    )
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert site.simulator.requests == []
    with sdk(site, api_key=None, auth_token=create_gateway_key("other")[1]) as client:
        assert client.messages.create(model="auto", max_tokens=9, messages=HELLO).content


def test_an_unknown_model_is_not_found_and_those_there_are_are_listed(site: Site) -> None:
    site.connect(site.upstream("google_generate", name="only"))
    with pytest.raises(anthropic.NotFoundError) as caught:
        Caller(site, "google_generate").create(HELLO, model="claude-unknown")
    assert (caught.value.type, caught.value.error_code) == ("not_found_error", "model_not_found")
    for known in ("auto", "only", "gemini-simulated"):
        assert known in caught.value.message


def test_without_any_connection_the_service_is_unavailable(site: Site) -> None:
    with pytest.raises(anthropic.ServiceUnavailableError, match="apply_connections") as caught:
        Caller(site, "openai_chat").create(HELLO)
    assert caught.value.error_code == "no_connection"
    assert caught.value.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("dialect", ["openai_chat", "google_generate"])
def test_a_field_at_fault_is_named(site: Site, dialect: str) -> None:
    caller = Caller(site, dialect)
    caller.connect()
    wrong: Any = [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]
    with pytest.raises(BAD_REQUEST, match=r"source\.url") as caught:
        caller.create(wrong)
    assert caught.value.body["error"]["details"] == {  # type: ignore[index]
        "error_code": "invalid_request",
        "param": "messages[0].content[0].source.url",
    }
    assert site.simulator.requests == []


def test_the_sdk_tries_again_only_what_may_be_cured_by_that(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages", failure="quota"))
    with sdk(site, max_retries=2) as client, pytest.raises(anthropic.RateLimitError):
        client.messages.create(model="auto", max_tokens=9, messages=HELLO)
    assert len(site.rows()) == 1
    site.connect(
        site.upstream("anthropic_messages", name="again", failure="retry-after-negative@1")
    )
    with sdk(site, max_retries=2) as client:
        answer = client.messages.create(model="auto", max_tokens=9, messages=HELLO)
    assert answer.content[0].type == "text"
    assert [row.outcome for row in site.rows()] == ["error", "error", "success"]


def test_what_is_no_request_is_told_in_the_dialect(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    headers = {"x-api-key": site.key, "anthropic-version": "2023-06-01"}
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        for body in (b"", b"[]", b'{"model": "auto"}'):
            answer = httpx.post(site.base_url + path, content=body, headers=headers, verify=False)
            assert answer.status_code == 400, (path, body)
            told = answer.json()
            assert (told["type"], told["error"]["type"]) == ("error", "invalid_request_error")
            assert answer.headers["request-id"] == told["request_id"]
        refused = httpx.get(site.base_url + path, headers=headers, verify=False)
        assert (refused.status_code, refused.json()["type"]) == (405, "error")
