"""What the official openai SDK raises, for each thing that goes wrong before or at the upstream."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import httpx
import openai
import pytest
from django.utils import timezone

from ai_client.key_services import (
    create_gateway_key,
    delete_gateway_key,
    revoke_gateway_key,
    save_gateway_key,
)
from tests.live_site import DIALECTS, Site, refused_address

HELLO: Any = [{"role": "user", "content": "Hello there"}]

BAD_REQUEST = openai.BadRequestError
SERVER = openai.InternalServerError
FROM_UPSTREAM: dict[str, tuple[type[openai.APIStatusError], int, str, bool]] = {
    "status-400": (BAD_REQUEST, 400, "invalid_request", False),
    "status-422": (BAD_REQUEST, 400, "invalid_request", False),
    "context": (BAD_REQUEST, 400, "context_length_exceeded", False),
    "filter": (BAD_REQUEST, 400, "content_filter", False),
    "status-401": (SERVER, 502, "upstream_auth", False),
    "status-403": (SERVER, 502, "upstream_auth", False),
    "status-404": (openai.NotFoundError, 404, "model_not_found", False),
    "status-408": (SERVER, 504, "upstream_timeout", True),
    "status-409": (openai.ConflictError, 409, "upstream_error", True),
    "status-413": (openai.APIStatusError, 413, "request_too_large", False),
    "rate-limit-7": (openai.RateLimitError, 429, "rate_limited", True),
    "quota": (openai.RateLimitError, 429, "quota_exhausted", False),
    "overloaded-5": (SERVER, 503, "upstream_overloaded", True),
    "status-500": (SERVER, 502, "upstream_error", True),
    "status-504": (SERVER, 504, "upstream_timeout", True),
    "redirect": (SERVER, 502, "upstream_redirect", False),
    "html": (SERVER, 502, "bad_upstream_content", True),
}
"""Failure of the upstream: exception, status, code, and whether the SDK may try again."""


@pytest.mark.parametrize("failure", FROM_UPSTREAM)
def test_a_failure_of_the_upstream_is_raised_as_the_class_it_is(site: Site, failure: str) -> None:
    kind, status, code, may_retry = FROM_UPSTREAM[failure]
    # Streams fail as plain calls do, and the awaiting SDK as the blocking one.
    ways = {"plain": _ask, "stream": _ask_streaming, "async": _ask_awaiting}
    for dialect, (way, ask) in product(DIALECTS, ways.items()):
        name = f"{DIALECTS[dialect][0]}-{way}"
        site.connect(site.upstream(dialect, name=name, failure=failure))
        with pytest.raises(openai.APIStatusError) as caught:
            ask(site)
        error = caught.value
        assert type(error) is kind, name
        assert (error.status_code, error.code) == (status, code), name
        headers = error.response.headers
        assert headers.get("x-should-retry") == (None if may_retry else "false"), name
        assert headers["x-koneek-attempts"] == "1"
        assert headers["content-type"] == "application/json"
        assert error.request_id == site.rows()[-1].request_id
        assert "127.0.0.1" not in error.message
        if failure in ("rate-limit-7", "overloaded-5"):
            assert 0 < int(headers["retry-after"]) <= int(failure[-1])
    assert [row.error_code for row in site.rows()] == [code] * 9


def test_an_upstream_that_nobody_reaches_is_a_server_error(site: Site) -> None:
    with refused_address() as nobody:
        site.connect(site.upstream("openai_chat") | {"base_url": f"http://{nobody}/v1"})
        with pytest.raises(openai.InternalServerError) as caught:
            _ask(site)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unreachable")
    assert nobody not in caught.value.message


def test_a_slow_upstream_is_a_gateway_timeout(site: Site) -> None:
    site.connect(site.upstream("openai_chat", failure="hang", timeout=0.2))
    with pytest.raises(openai.InternalServerError) as caught:
        _ask(site)
    assert (caught.value.status_code, caught.value.code) == (504, "upstream_timeout")


def test_the_field_that_an_upstream_complains_about_is_named(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    with site.sdk() as sdk, pytest.raises(openai.BadRequestError, match="temperature") as caught:
        sdk.chat.completions.create(model="auto", messages=HELLO, temperature=3)
    assert caught.value.param == "temperature"


def test_without_any_connection_the_service_is_unavailable(site: Site) -> None:
    with pytest.raises(openai.InternalServerError, match="apply_connections") as caught:
        _ask(site)
    assert (caught.value.status_code, caught.value.code) == (503, "no_connection")
    assert caught.value.response.headers["x-should-retry"] == "false"


def test_the_sdk_tries_again_only_what_may_be_cured_by_that(site: Site) -> None:
    site.connect(site.upstream("openai_chat", failure="quota"))
    with site.sdk(max_retries=2) as sdk, pytest.raises(openai.RateLimitError):
        sdk.chat.completions.create(model="auto", messages=HELLO)
    assert len(site.rows()) == 1
    site.connect(site.upstream("openai_chat", name="again", failure="retry-after-negative@1"))
    with site.sdk(max_retries=2) as sdk:
        answer = sdk.chat.completions.create(model="auto", messages=HELLO)
    assert answer.choices[0].message.content == "Echo: Hello there"
    assert [row.outcome for row in site.rows()] == ["error", "error", "success"]


class TestKeys:
    """Gateway keys: one function reads every form, and says the same about every bad one."""

    @pytest.fixture(autouse=True)
    def connected(self, site: Site) -> None:
        site.connect(site.upstream("openai_chat"))

    def test_a_key_is_taken_from_each_of_the_three_headers(self, site: Site) -> None:
        for headers in (
            {"authorization": f"Bearer {site.key}"},
            {"Authorization": f"bearer  {site.key}"},
            {"x-api-key": site.key},
            {"x-goog-api-key": site.key},
            {"authorization": f"Bearer {site.key}", "x-api-key": site.key},
            {"authorization": "Basic Zm9vOmJhcg==", "x-api-key": site.key},
        ):
            assert _post(site, headers=headers).status_code == 200, headers

    def test_no_key_an_unknown_one_and_two_different_ones_are_refused(self, site: Site) -> None:
        other = create_gateway_key("other")[1]
        refused: list[dict[str, str]] = [
            {},
            {"authorization": "Bearer"},
            {"authorization": f"Basic {site.key}"},
            {"authorization": "Bearer kn_wrong"},
            {"authorization": f"Bearer {site.key[:-1]}"},
            {"x-api-key": "kn_wrong"},
            {"x-goog-api-key": "kn_wrong"},
            {"x-api-key": site.key + "x"},
            {"authorization": f"Bearer {site.key}", "x-api-key": other},
            {"x-api-key": "kn_wrong", "x-goog-api-key": site.key},
        ]
        for headers in refused:
            answer = _post(site, headers=headers)
            assert answer.status_code == 401, headers
            error = answer.json()["error"]
            assert (error["code"], error["type"]) == ("invalid_api_key", "authentication_error")
            assert answer.headers["x-request-id"]
            assert site.key not in answer.text
        assert site.simulator.requests == []
        assert [row.outcome for row in site.rows()] == ["refused"] * len(refused)

    def test_the_sdk_raises_its_authentication_error(self, site: Site) -> None:
        expired, expired_key = create_gateway_key(
            "expired", expires_at=timezone.now() + timedelta(hours=1)
        )
        expired.expires_at = timezone.now() - timedelta(seconds=1)
        save_gateway_key(expired)
        revoked, revoked_key = create_gateway_key("revoked")
        revoke_gateway_key(revoked)
        deleted, deleted_key = create_gateway_key("deleted")
        delete_gateway_key(deleted)
        for key, said in (
            ("kn_wrong", "Unknown"),
            (expired_key, "expired"),
            (revoked_key, "Unknown"),
            (deleted_key, "Unknown"),
        ):
            with site.sdk(api_key=key) as sdk:
                with pytest.raises(openai.AuthenticationError, match=said) as caught:
                    sdk.chat.completions.create(model="auto", messages=HELLO)
                with pytest.raises(openai.AuthenticationError, match=said):
                    sdk.models.list()
            assert caught.value.code == "invalid_api_key"
            assert caught.value.request_id
            assert key not in caught.value.message

    def test_a_key_works_until_it_is_revoked(self, site: Site) -> None:
        key, plain = create_gateway_key("short-lived")
        headers = {"authorization": f"Bearer {plain}"}
        assert _post(site, headers=headers).status_code == 200
        revoke_gateway_key(key)
        assert _post(site, headers=headers).status_code == 401
        assert [row.gateway_key_name for row in site.rows()] == ["short-lived", ""]


class TestPathsAndMethods:
    """What the gateway does not serve is told in JSON, in the dialect's shape."""

    def test_an_endpoint_that_is_not_served_is_not_found(self, site: Site) -> None:
        with site.sdk() as sdk:
            with pytest.raises(openai.NotFoundError, match="/v1/chat/completions") as caught:
                sdk.moderations.create(input="Hello")
            with pytest.raises(openai.NotFoundError):
                sdk.files.list()
        assert caught.value.code == "not_found"
        assert caught.value.request_id
        for path in ("/v1/", "/v1/chat/completions/", "/v1/chat", "/v1/models/"):
            answer = httpx.get(site.base_url + path)
            assert answer.status_code == 404, path
            assert answer.headers["content-type"] == "application/json"
            assert answer.json()["error"]["code"] == "not_found"

    def test_another_method_is_not_allowed(self, site: Site) -> None:
        for method, path, allowed in (
            ("GET", "/v1/chat/completions", "POST"),
            ("DELETE", "/v1/chat/completions", "POST"),
            ("POST", "/v1/models", "GET"),
        ):
            answer = httpx.request(method, site.base_url + path)
            assert answer.status_code == 405
            assert answer.headers["allow"] == allowed
            assert answer.headers["x-request-id"]
            assert answer.json()["error"]["code"] == "method_not_allowed"
        with site.sdk() as sdk, pytest.raises(openai.APIStatusError) as caught:
            sdk.get("/chat/completions", cast_to=object)
        assert caught.value.status_code == 405


class TestBodies:
    """Size, time and shape of what callers send."""

    @pytest.fixture(autouse=True)
    def connected(self, site: Site) -> None:
        site.connect(site.upstream("anthropic_messages"))

    def test_a_body_over_the_limit_is_refused_however_it_is_sent(
        self, site: Site, settings: Any
    ) -> None:
        settings.AI_CLIENT = {**settings.AI_CLIENT, "MAX_BODY_BYTES": 2048}
        long: Any = [{"role": "user", "content": "word " * 1_000_000}]
        with site.sdk() as sdk, pytest.raises(openai.APIStatusError, match="2 KiB") as caught:
            sdk.chat.completions.create(model="auto", messages=long)
        assert (caught.value.status_code, caught.value.code) == (413, "request_too_large")
        assert caught.value.request_id

        def pieces() -> Iterator[bytes]:
            for _ in range(40):
                yield b" " * 100

        chunked = _post(site, content=pieces())
        assert chunked.status_code == 413
        assert chunked.json()["error"]["code"] == "request_too_large"
        exactly = json.dumps({"model": "auto", "messages": HELLO}).encode().ljust(2048)
        assert _post(site, content=exactly).status_code == 200
        assert _post(site, content=exactly + b" ").status_code == 413
        assert len(site.simulator.requests) == 1

    def test_a_body_that_does_not_arrive_in_time_is_refused(
        self, site: Site, settings: Any
    ) -> None:
        settings.AI_CLIENT = {**settings.AI_CLIENT, "BODY_TIMEOUT": 0.2}
        url = httpx.URL(site.base_url)
        with socket.create_connection((url.host, url.port or 0), timeout=10) as caller:
            caller.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: site\r\n"
                b"authorization: Bearer " + site.key.encode() + b"\r\n"
                b'content-length: 100\r\n\r\n{"model": "auto", "mess'
            )
            answer = b""
            while b'"request_timeout"' not in answer:
                received = caller.recv(65536)
                assert received, answer
                answer += received
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"x-request-id: req_" in answer
        assert b"x-should-retry: false" not in answer
        assert site.row().error_code == "request_timeout"

    def test_what_is_no_json_object_is_a_bad_request(self, site: Site) -> None:
        for body in (
            b"",
            b"{",
            b'{"model": "auto",}',
            b"[]",
            b'"text"',
            b"null",
            b"\xff\xfe",
            b'{"model": NaN}',
            b'{"model": "\xed\xa0\x80"}',
            b'{"model": "\\ud800"}',
            b"[" * 100_000,
            b'{"seed": ' + b"9" * 10_000 + b"}",
            b'{"seed": 12345678901234567890123, "deep": ' + b"[" * 990 + b"]" * 990 + b"}",
        ):
            answer = _post(site, content=body)
            assert answer.status_code == 400, body[:50]
            assert answer.json()["error"]["code"] == "invalid_request"
            assert answer.headers["x-request-id"]
            assert answer.headers["x-should-retry"] == "false"
        assert site.simulator.requests == []

    def test_each_wrongly_typed_field_is_named_by_its_path(self, site: Site) -> None:
        named: dict[str, str | None] = {}
        with site.sdk() as sdk:
            for case, extra in WRONG.items():
                with pytest.raises(openai.BadRequestError) as caught:
                    sdk.chat.completions.create(model="auto", messages=HELLO, extra_body=extra)
                named[case] = caught.value.param
        assert named == {case: case for case in WRONG}
        assert site.simulator.requests == []


def _user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [*parts]}]}


def _calling(**call: Any) -> dict[str, Any]:
    return {"messages": [*HELLO, {"role": "assistant", "tool_calls": [call]}]}


WRONG: dict[str, dict[str, Any]] = {
    "model": {"model": 5},
    "stream": {"stream": "yes"},
    "stream_options": {"stream_options": True},
    "stream_options.include_usage": {"stream_options": {"include_usage": "yes"}},
    "messages": {"messages": "Hello"},
    "messages[0]": {"messages": ["Hello"]},
    "messages[0].role": {"messages": [{"role": "robot", "content": "Hello"}]},
    "messages[0].content": {"messages": [{"role": "user", "content": 5}]},
    "messages[0].content[0]": _user("Hello"),
    "messages[0].content[0].type": _user({"type": "smell"}),
    "messages[0].content[1].text": _user({"type": "text", "text": "a"}, {"type": "text"}),
    "messages[0].content[0].image_url": _user({"type": "image_url", "image_url": "http://x"}),
    "messages[0].content[0].image_url.url": _user(
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}
    ),
    "messages[0].content[0].file.file_data": _user(
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,%%%"}}
    ),
    "messages[1].tool_calls[0].id": _calling(
        type="function", function={"name": "f", "arguments": "{}"}
    ),
    "messages[1].tool_calls[0].function": _calling(id="call_1", type="function"),
    "messages[1].tool_calls[0].function.arguments": _calling(
        id="call_1", type="function", function={"name": "f", "arguments": {}}
    ),
    "messages[1].tool_call_id": {"messages": [*HELLO, {"role": "tool", "content": "x"}]},
    "temperature": {"temperature": "hot"},
    "top_p": {"top_p": 1.5},
    "n": {"n": 0},
    "seed": {"seed": 1.5},
    "max_tokens": {"max_tokens": "many"},
    "max_completion_tokens": {"max_completion_tokens": 0},
    "presence_penalty": {"presence_penalty": -3},
    "frequency_penalty": {"frequency_penalty": True},
    "stop": {"stop": 5},
    "stop[1]": {"stop": ["a", 5]},
    "logprobs": {"logprobs": 1},
    "top_logprobs": {"top_logprobs": 21},
    "tools": {"tools": {}},
    "tools[0].type": {"tools": [{}]},
    "tools[0].function": {"tools": [{"type": "function"}]},
    "tools[0].function.name": {"tools": [{"type": "function", "function": {}}]},
    "tools[0].function.parameters": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]
    },
    "tool_choice": {"tool_choice": "maybe"},
    "tool_choice.function.name": {"tool_choice": {"type": "function", "function": {}}},
    "parallel_tool_calls": {"parallel_tool_calls": "yes"},
    "response_format": {"response_format": "json"},
    "response_format.type": {"response_format": {"type": "yaml"}},
    "response_format.json_schema": {"response_format": {"type": "json_schema"}},
    "reasoning_effort": {"reasoning_effort": 5},
}
"""The path of a field, and a body in which that field is wrong."""


def _ask(site: Site) -> None:
    with site.sdk() as sdk:
        sdk.chat.completions.create(model="auto", messages=HELLO)


def _ask_streaming(site: Site) -> None:
    with site.sdk() as sdk:
        list(sdk.chat.completions.create(model="auto", messages=HELLO, stream=True))


def _ask_awaiting(site: Site) -> None:
    async def ask() -> None:
        async with site.async_sdk() as sdk:
            await sdk.chat.completions.create(model="auto", messages=HELLO)

    asyncio.run(ask())


def _post(
    site: Site,
    *,
    headers: dict[str, str] | None = None,
    content: bytes | Iterator[bytes] | None = None,
) -> httpx.Response:
    if content is None:
        content = json.dumps({"model": "auto", "messages": HELLO}).encode()
    if headers is None:
        headers = {"authorization": f"Bearer {site.key}"}
    url = f"{site.base_url}/v1/chat/completions"
    return httpx.post(url, content=content, headers=headers, verify=False)
