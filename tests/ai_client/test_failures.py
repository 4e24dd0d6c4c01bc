"""What an upstream's error answer means, whatever its dialect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.errors import (
    AiClientError,
    ContentFiltered,
    ContextTooLong,
    GatewayTimedOut,
    InvalidRequest,
    KeyRejected,
    Overloaded,
    PayloadTooLarge,
    QuotaExhausted,
    RateLimited,
    RedirectRefused,
    RequestConflict,
    RequestGivenUp,
    ResourceRefused,
    ServerFailed,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.failures import clean_message, error_for_status, parse_retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "20"}, 20.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "999999999999"}, 3600.0),
        ({"retry-after": "1e400"}, 3600.0),
        ({"retry-after": "inf"}, 3600.0),
        ({"retry-after": "-inf"}, 0.0),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "١٢"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "60"}, 1.5),
        ({"retry-after-ms": "later", "retry-after": "60"}, 60.0),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Sun, 22 Feb 2026 10:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 22 Feb 2026 09:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 22 Feb 2036 10:00:00 GMT"}, 3600.0),
        ({"retry-after": "Sun, 99 Feb 2026 10:00:30 GMT"}, None),
        # The upstream's own clock counts, not ours.
        (
            {
                "Retry-After": "Sun, 22 Feb 2026 12:00:30 GMT",
                "Date": "Sun, 22 Feb 2026 12:00:00 GMT",
            },
            30.0,
        ),
    ],
)
def test_the_wait_is_read_and_clamped(headers: dict[str, str], seconds: float | None) -> None:
    now = 1771754400.0  # Sun, 22 Feb 2026 10:00:00 GMT
    assert parse_retry_after(headers, now) == seconds


def test_a_date_without_any_clock_says_nothing() -> None:
    assert parse_retry_after({"retry-after": "Sun, 22 Feb 2026 10:00:30 GMT"}) is None


@given(st.text())
def test_whatever_a_server_says_the_wait_is_within_an_hour(value: str) -> None:
    seconds = parse_retry_after({"retry-after": value, "retry-after-ms": value}, 0.0)
    assert seconds is None or 0 <= seconds <= 3600


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Incorrect API key provided: sk-proj-AbC123********wXyZ.", "AbC123"),
        ("bad key sk-ant-api03-x1y2z3x1y2z3", "x1y2z3"),
        ("API key not valid: AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIza"),
        ("Authorization: Bearer abc.def-ghi_jkl", "abc.def"),
        ("key=s3cr3t-value is wrong", "s3cr3t"),
        ("gsk_1234567890abcdefgh is wrong", "1234567890"),
        ("token 0123456789abcdef0123456789abcdef refused", "0123456789abcdef"),
        ("see https://internal.example:8443/v1?key=abc for more", "internal"),
        ("connect to 10.1.2.3:8080 failed", "10.1.2.3"),
        ("upstream http://[fd00::1]:80/x and [fd00::2]:81", "fd00"),
        ("llm.cluster.local:9000/v1 is down", "cluster"),
        ("localhost:11434 is down", "11434"),
        ("Rate limit reached for gpt-5 in organization org-AbCdEf123456 on tokens", "AbCdEf"),
        ("image data:image/png;base64,iVBORw0KGgo= is invalid", "iVBOR"),
        ("request 123e4567-e89b-12d3-a456-426614174000 failed", "e89b"),
    ],
)
def test_messages_lose_keys_and_addresses(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in clean_message(text)


@pytest.mark.parametrize(
    "text",
    [
        "'messages[2].content[0].type' must be text, image_url or file.",
        "This model's maximum context length is 128000 tokens, however you requested 130,561.",
        "The model meta-llama/llama-4-maverick-17b-128e-instruct does not exist.",
        "Invalid value: 'foo'. Supported values are: 'system', 'user' and 'tool'.",
    ],
)
def test_messages_keep_what_helps(text: str) -> None:
    assert clean_message(text) == text


def test_messages_are_one_line_of_limited_length() -> None:
    cleaned = clean_message("a\n\tb\x00c\u202e" + " word" * 1000)
    assert cleaned.startswith("a b c")
    assert len(cleaned) <= 500
    assert cleaned.isprintable()


def test_html_becomes_text() -> None:
    page = (
        "<!DOCTYPE html><html><head><style>p {}</style><title>502 Bad Gateway</title></head>"
        "<body><!-- x --><h1>502</h1><script>alert(1)</script></body></html>"
    )
    assert clean_message(page) == "502 Bad Gateway 502"


ROWS: list[tuple[int | None, str | None, str, type[AiClientError]]] = [
    (429, None, "", RateLimited),
    (429, "rate_limit_exceeded", "", RateLimited),
    (429, "insufficient_quota", "", QuotaExhausted),
    (402, None, "", QuotaExhausted),
    (400, "invalid_request_error", "Your credit balance is too low", QuotaExhausted),
    (503, None, "", Overloaded),
    (529, "overloaded_error", "", Overloaded),
    (500, "context canceled", "", ServerFailed),
    (502, None, "", ServerFailed),
    (524, None, "", ServerFailed),
    (504, None, "", GatewayTimedOut),
    (401, "invalid_api_key", "", KeyRejected),
    (403, None, "", KeyRejected),
    (400, "API_KEY_INVALID", "", KeyRejected),
    (404, "model_not_found", "", UpstreamModelMissing),
    (404, "DeploymentNotFound", "", UpstreamModelMissing),
    (403, "model_not_found", "no access", UpstreamModelMissing),
    (
        403,
        "permission_error",
        "OAuth authentication is currently not allowed for this organization.",
        KeyRejected,
    ),
    (403, "permission_error", "Your organization does not have access to Claude.", KeyRejected),
    (
        403,
        None,
        "You have insufficient permissions for this operation. Missing scopes: api.model.read",
        KeyRejected,
    ),
    (403, "PERMISSION_DENIED", "Permission denied on resource project 1234.", KeyRejected),
    (
        403,
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
        KeyRejected,
    ),
    (
        403,
        "permission_error",
        "Your API key does not have permission to use the specified resource.",
        ResourceRefused,
    ),
    (
        403,
        "permission_error",
        "Your account does not have access to the model claude-x-4.1",
        UpstreamModelMissing,
    ),
    (403, "permission_error", "This model isn't available right now.", UpstreamModelMissing),
    (
        403,
        None,
        "You don't have access to the model with the specified model ID.",
        UpstreamModelMissing,
    ),
    (403, "forbidden", "The team is not authorized to access model grok-4.", UpstreamModelMissing),
    (403, None, "You don't have permission to access this resource.", KeyRejected),
    (403, "permission_error", "You may not use the requested resource.", KeyRejected),
    (403, "x", "You do not have permission to use the specified resource.", KeyRejected),
    (403, "permission_error", "This API key is not allowed to access models.", KeyRejected),
    (403, None, "Access to models is disabled.", KeyRejected),
    (403, "x", "Forbidden: your key has no permission for this model tier.", KeyRejected),
    (403, "x", "The token cannot access model gpt-5.", KeyRejected),
    (
        403,
        "invalid_request_error",
        "Project `proj_a` does not have access to model `gpt-5.9`",
        UpstreamModelMissing,
    ),
    (
        403,
        "model_permission_blocked_project",
        "The model `llama-3.3-70b` is blocked at the project level.",
        UpstreamModelMissing,
    ),
    (
        403,
        "permission_error",
        "You do not have permission to use the file file_011C.",
        InvalidRequest,
    ),
    (404, "not_found_error", "File not found: file_011C", InvalidRequest),
    (404, "invalid_request_error", "Item with id 'rs_1' not found.", InvalidRequest),
    (404, "x", "Vector store with id 'vs_abc' not found.", InvalidRequest),
    (404, "x", "No such container: cntr_1", InvalidRequest),
    (403, "x", "You do not have access to file-AbCdEfGhIjKlMnOpQrStUv.", InvalidRequest),
    # llama.cpp's, for an address that it does not serve.
    (404, "not_found_error", "File Not Found", UpstreamModelMissing),
    (404, "x", "File not found. Request id: req_011CNha8iCJc", UpstreamModelMissing),
    (404, "x", "Prompt endpoint not found", UpstreamModelMissing),
    (404, "x", "File not found: /v1/messages", UpstreamModelMissing),
    (404, "x", "File '/v1/messages' not found", UpstreamModelMissing),
    (404, "x", "No such file or directory", UpstreamModelMissing),
    (404, "x", "Skill not found", UpstreamModelMissing),
    (403, "x", "Your organization does not have access to the file API.", KeyRejected),
    (404, "not_found_error", "model: claude-none", UpstreamModelMissing),
    (404, None, "File not found.", UpstreamModelMissing),
    (404, None, "<html>nginx</html>", UpstreamModelMissing),
    (400, None, "foo/bar is not a valid model ID", UpstreamModelMissing),
    (400, None, "", InvalidRequest),
    (422, None, "", InvalidRequest),
    (418, None, "", InvalidRequest),
    (400, "context_length_exceeded", "", ContextTooLong),
    (400, None, "This model's maximum context length is 8192 tokens", ContextTooLong),
    (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000", ContextTooLong),
    (400, None, "The input token count (9) exceeds the maximum number", ContextTooLong),
    (400, "exceed_context_size_error", "", ContextTooLong),
    (400, "content_filter", "", ContentFiltered),
    (413, None, "", PayloadTooLarge),
    (413, "rate_limit_exceeded", "", RateLimited),
    (408, None, "", RequestGivenUp),
    (409, None, "", RequestConflict),
    (425, None, "", RequestConflict),
    (302, None, "", RedirectRefused),
    (307, None, "", RedirectRefused),
    (None, "rate_limit_exceeded", "", RateLimited),
    (None, "429", "", RateLimited),
    (200, "502", "", ServerFailed),
    (None, "overloaded_error", "", Overloaded),
    (None, "server_error", "", ServerFailed),
    (None, "invalid_request_error", "", InvalidRequest),
    (None, None, "something", ServerFailed),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), ROWS)
def test_status_and_words_give_the_class(
    status: int | None, code: str | None, message: str, kind: type[AiClientError]
) -> None:
    for error in (
        error_for_status(status, {}, message, code=code),
        error_for_status(status, {}, message, error_type=code),
    ):
        assert type(error) is kind
        assert error.message


def test_an_error_carries_status_wait_code_and_provider() -> None:
    error = error_for_status(
        429, {"retry-after": "7"}, "slow down", code="rate_limit_exceeded", provider="Acme"
    )
    assert isinstance(error, UpstreamError)
    assert (error.upstream_status, error.retry_after) == (429, 7.0)
    assert error.upstream_code == "rate_limit_exceeded"
    assert error.message == "Acme: slow down"


def test_an_invalid_request_keeps_its_field_and_status() -> None:
    error = error_for_status(422, {}, "bad", param="messages[0].role")
    assert isinstance(error, InvalidRequest)
    assert (error.param, error.upstream_status, error.status) == ("messages[0].role", 422, 400)


@pytest.mark.parametrize("status", [403, 404])
def test_a_field_that_is_named_says_what_is_not_there(status: int) -> None:
    error = error_for_status(status, {}, "File not found", param="input[0].file_id")
    assert isinstance(error, InvalidRequest)
    assert error.param == "input[0].file_id"


def test_the_client_gets_504_for_a_timeout_of_the_upstream() -> None:
    assert [error_for_status(status, {}, "").status for status in (504, 408, 500)] == [
        504,
        504,
        502,
    ]


@given(st.none() | st.integers(300, 599), st.text(), st.none() | st.text())
def test_any_answer_has_a_class_and_a_safe_message(
    status: int | None, message: str, code: str | None
) -> None:
    error = error_for_status(status, {"retry-after": message}, message, code=code)
    assert 0 < len(error.message) <= 500
    assert error.message.isprintable()


@pytest.mark.parametrize(
    "sentence",
    [
        "This organization has been disabled.",
        "The project does not exist; skipping projections.",
        "Please knock before you enter the knowledge base.",
    ],
)
def test_words_that_begin_like_keys_stay(sentence: str) -> None:
    assert clean_message(sentence) == sentence
