"""What the official google-genai SDK raises, for each thing that goes wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone
from google.genai import errors, types

from ai_client.key_services import create_gateway_key, revoke_gateway_key, save_gateway_key
from tests.gateway.google_callers import ALLOWED, async_google_sdk, google_sdk
from tests.live_site import DIALECTS, Site

pytestmark = ALLOWED

FROM_UPSTREAM = {
    "status-400": (400, "INVALID_ARGUMENT", "INVALID_REQUEST"),
    "context": (400, "INVALID_ARGUMENT", "CONTEXT_LENGTH_EXCEEDED"),
    "filter": (400, "INVALID_ARGUMENT", "CONTENT_FILTER"),
    "status-401": (502, "UNAVAILABLE", "UPSTREAM_AUTH"),
    "status-404": (404, "NOT_FOUND", "MODEL_NOT_FOUND"),
    "status-409": (409, "ABORTED", "UPSTREAM_ERROR"),
    "status-413": (413, "INVALID_ARGUMENT", "REQUEST_TOO_LARGE"),
    "rate-limit-7": (429, "RESOURCE_EXHAUSTED", "RATE_LIMITED"),
    "quota": (429, "RESOURCE_EXHAUSTED", "QUOTA_EXHAUSTED"),
    "overloaded-5": (503, "UNAVAILABLE", "UPSTREAM_OVERLOADED"),
    "status-500": (502, "UNAVAILABLE", "UPSTREAM_ERROR"),
    "status-504": (504, "DEADLINE_EXCEEDED", "UPSTREAM_TIMEOUT"),
    "html": (502, "UNAVAILABLE", "BAD_UPSTREAM_CONTENT"),
}
"""Failure of the upstream: status, Google's word for it, our reason."""


def _ask(site: Site) -> Any:
    with google_sdk(site) as sdk:
        return sdk.models.generate_content(model="auto", contents="Hello there")


def _stream(site: Site) -> Any:
    with google_sdk(site) as sdk:
        return list(sdk.models.generate_content_stream(model="auto", contents="Hello there"))


def _ask_awaiting(site: Site) -> Any:
    async def run() -> Any:
        async with async_google_sdk(site) as sdk:
            return await sdk.models.generate_content(model="auto", contents="Hello there")

    return asyncio.run(run())


def _stream_awaiting(site: Site) -> Any:
    async def run() -> Any:
        async with async_google_sdk(site) as sdk:
            given = {"model": "auto", "contents": "Hello there"}
            return [each async for each in await sdk.models.generate_content_stream(**given)]

    return asyncio.run(run())


WAYS = {"plain": _ask, "stream": _stream, "async": _ask_awaiting, "async-stream": _stream_awaiting}


@pytest.mark.parametrize("failure", FROM_UPSTREAM)
def test_a_failure_of_the_upstream_is_raised_as_the_class_it_is(site: Site, failure: str) -> None:
    status, word, reason = FROM_UPSTREAM[failure]
    kind = errors.ClientError if status < 500 else errors.ServerError
    for dialect, (way, ask) in product(DIALECTS, WAYS.items()):
        if (dialect, failure) == ("google_generate", "filter"):
            # Google itself says this in an answer, which comes back as it is.
            continue
        name = f"{DIALECTS[dialect][0]}-{way}"
        site.connect(site.upstream(dialect, name=name, failure=failure))
        with pytest.raises(errors.APIError) as caught:
            ask(site)
        error = caught.value
        assert type(error) is kind, name
        assert (error.code, error.status) == (status, word), name
        details = _details(error)
        assert details["ErrorInfo"]["reason"] == reason, name
        assert details["RequestInfo"]["requestId"] == site.rows()[-1].request_id
        assert "127.0.0.1" not in str(error.message)
        if failure in ("rate-limit-7", "overloaded-5"):
            assert 0 < int(details["RetryInfo"]["retryDelay"].rstrip("s")) <= int(failure[-1])


@pytest.mark.parametrize("failure", ["sse-error-later", "truncated-2", "malformed-event-later"])
def test_a_stream_that_breaks_off_raises_after_what_came(site: Site, failure: str) -> None:
    for dialect in DIALECTS:
        site.connect(site.upstream(dialect, name=dialect.replace("_", "-"), failure=failure))
        came: list[Any] = []
        with google_sdk(site) as sdk:
            stream = sdk.models.generate_content_stream(
                model="auto", contents="Hello there, my dear friend"
            )
            with pytest.raises(errors.ServerError) as caught:
                came.extend(stream)
        assert "".join(piece.text or "" for piece in came).startswith("Echo"), dialect
        assert not any(each.finish_reason for piece in came for each in piece.candidates or ())
        assert caught.value.code in (502, 503)
        assert site.rows()[-1].outcome == "error"


def test_the_field_that_is_malformed_is_named(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages"))
    with google_sdk(site) as sdk, pytest.raises(errors.ClientError, match="topK") as caught:
        sdk.models.generate_content(
            model="auto", contents="Hi", config=types.GenerateContentConfig(top_k=0)
        )
    (violation,) = _details(caught.value)["BadRequest"]["fieldViolations"]
    assert violation["field"] == "generationConfig.topK"


def test_an_unknown_model_is_not_found_and_the_others_are_listed(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="primary"))
    with google_sdk(site) as sdk:
        with pytest.raises(errors.ClientError, match="primary") as caught:
            sdk.models.generate_content(model="no/such:model", contents="Hi")
        assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
        with pytest.raises(errors.ClientError, match="primary") as caught:
            sdk.models.get(model="no/such:model")
        assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


def test_keys(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    expired, expired_key = create_gateway_key(
        "expired", expires_at=timezone.now() + timedelta(hours=1)
    )
    expired.expires_at = timezone.now() - timedelta(seconds=1)
    save_gateway_key(expired)
    revoked, revoked_key = create_gateway_key("revoked")
    revoke_gateway_key(revoked)
    for key in ("kn_wrong", expired_key, revoked_key):
        with google_sdk(site, key) as sdk:
            with pytest.raises(errors.ClientError) as caught:
                sdk.models.generate_content(model="auto", contents="Hi")
            assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
            assert key not in str(caught.value)
            with pytest.raises(errors.ClientError) as caught:
                list(sdk.models.list())
            assert caught.value.code == 401
    assert site.simulator.requests == []


def test_a_key_at_its_limit_is_told_when_to_come_back(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    _, key = create_gateway_key("once", requests_per_minute=1)
    with google_sdk(site, key) as sdk:
        assert sdk.models.generate_content(model="auto", contents="Hi").text == "Echo: Hi"
        with pytest.raises(errors.ClientError) as caught:
            sdk.models.generate_content(model="auto", contents="Hi")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    details = _details(caught.value)
    assert details["ErrorInfo"]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert 0 < int(details["RetryInfo"]["retryDelay"].rstrip("s")) <= 60


def test_the_sdk_tries_again_where_it_is_told_to(site: Site) -> None:
    site.connect(site.upstream("openai_chat", failure="retry-after-negative@1"))
    retry = types.HttpRetryOptions(attempts=2, initial_delay=0.01, jitter=0)
    with google_sdk(site, retry_options=retry) as sdk:
        assert sdk.models.generate_content(model="auto", contents="Hi").text == "Echo: Hi"
    assert [row.outcome for row in site.rows()] == ["error", "success"]


def _details(error: errors.APIError) -> dict[str, Any]:
    return {each["@type"].rpartition(".")[2]: each for each in error.details["error"]["details"]}
