"""The gateway as a Django view: sites that only include its URLs, under ASGI and under WSGI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from ai_client.client import default_client
from ai_client.configuration import configuration
from ai_client.key_services import create_gateway_key
from ai_client.log.writer import default_writer
from ai_client.models import RequestLog
from ai_client.simulator import RecordedRequest
from ai_client.simulator.server import Simulator
from tests.gateway.doors import serving_door
from tests.gateway.waiting import eventually
from tests.live_site import Site, forget_this_process, refused_address

HELLO: Any = [{"role": "user", "content": "Hello there"}]
LONG: Any = [{"role": "user", "content": " ".join(f"word{number}" for number in range(400))}]
PROMISED_SECONDS = 1.0
"""Within which an upstream call ends that nobody waits for any more."""


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def origin(request: pytest.FixtureRequest) -> Iterator[str]:
    """Django's own handlers, which know nothing of the gateway's ASGI door."""
    forget_this_process()
    with serving_door(request.param) as served:
        yield served
    forget_this_process()


@pytest.fixture
def site(
    origin: str, transactional_db: None, allow_local: None, simulator: Simulator, settings: Any
) -> Iterator[Site]:
    """The site served by Django's handler, with the gateway at the root."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    simulator.clear()
    configuration().forget()
    default_writer().drain_once()
    RequestLog.objects.all().delete()
    _, key = create_gateway_key("tests")
    yield Site(origin, key, simulator)
    configuration().forget()


@pytest.fixture
def sdk(site: Site) -> Iterator[openai.OpenAI]:
    """The official SDK, pointed at the site."""
    with site.sdk() as client:
        yield client


def is_wsgi(request: pytest.FixtureRequest) -> bool:
    return "wsgi" in request.node.callspec.id


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_plain_request_is_answered_and_logged_once(site: Site, sdk: openai.OpenAI) -> None:
    site.connect(site.upstream("anthropic_messages", name="only"))
    response = sdk.chat.completions.with_raw_response.create(model="auto", messages=HELLO)

    assert response.parse().choices[0].message.content == "Echo: Hello there"
    assert response.headers["x-koneek-connection"] == "only"
    assert response.headers["x-koneek-attempts"] == "1"
    row = site.row()
    assert row.request_id == response.headers["x-request-id"]
    assert (row.outcome, row.connection, row.status, row.stream) == ("success", "only", 200, False)
    assert row.gateway_key_name == "tests"


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
def test_a_stream_is_answered_to_its_end_and_logged_once(
    site: Site, sdk: openai.OpenAI, dialect: str
) -> None:
    site.connect(site.upstream(dialect, name="only"))
    with sdk.chat.completions.with_streaming_response.create(
        model="auto", messages=HELLO, stream=True
    ) as response:
        body = "".join(response.iter_text())

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-koneek-connection"] == "only"
    assert body.rstrip().endswith("data: [DONE]")
    row = site.row()
    assert row.request_id == response.headers["x-request-id"]
    assert (row.outcome, row.connection, row.stream) == ("success", "only", True)
    assert row.completion_tokens


def test_the_first_words_arrive_while_the_upstream_is_still_speaking(
    site: Site, sdk: openai.OpenAI
) -> None:
    site.connect(site.upstream("openai_chat", failure="slow-20"))
    with sdk.chat.completions.create(model="auto", messages=LONG, stream=True) as stream:
        first = next(chunk for chunk in stream if text_of([chunk]))
        (upstream,) = site.simulator.requests
        assert not upstream.done
        assert len(text_of([first])) < 20
    the_row_to_come(site)


def test_failed_connections_are_passed_over_plain_and_streamed(
    site: Site, sdk: openai.OpenAI
) -> None:
    with refused_address() as nobody:
        refused = site.upstream("openai_chat", name="first") | {"base_url": f"http://{nobody}/v1"}
        site.connect(
            refused,
            site.upstream("openai_chat", name="second", failure="sse-error-first"),
            site.upstream("google_generate", name="third"),
        )
        plain = sdk.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
        chunks = list(sdk.chat.completions.create(model="auto", messages=HELLO, stream=True))

    assert plain.headers["x-koneek-attempts"] == "3"
    assert plain.headers["x-koneek-connection"] == "third"
    assert text_of(chunks) == "Echo: Hello there"
    first, second = site.rows()
    assert [each["connection"] for each in first.attempts] == ["first", "second", "third"]
    assert (first.outcome, second.outcome) == ("success", "success")


def test_a_stream_that_breaks_ends_in_an_error_and_asks_nobody_else(
    site: Site, sdk: openai.OpenAI
) -> None:
    site.connect(
        site.upstream("anthropic_messages", name="breaks", failure="reset-midstream"),
        site.upstream("openai_chat", name="never"),
    )
    stream = sdk.chat.completions.create(model="auto", messages=HELLO, stream=True)
    received: list[Any] = []
    with pytest.raises(openai.APIError):
        received.extend(stream)
    assert text_of(received)
    row = site.row()
    assert (row.outcome, row.error_code) == ("error", "stream_truncated")
    assert [each["connection"] for each in row.attempts] == ["breaks"]


@pytest.mark.parametrize(
    ("failure", "error", "status"),
    [
        ("status-400", openai.BadRequestError, 400),
        ("rate-limit", openai.RateLimitError, 429),
        ("status-401", openai.InternalServerError, 502),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_an_upstreams_error_arrives_as_the_sdks_class(
    site: Site,
    sdk: openai.OpenAI,
    failure: str,
    error: type[openai.APIStatusError],
    status: int,
    stream: bool,
) -> None:
    site.connect(site.upstream("openai_chat", failure=failure))
    with pytest.raises(error) as caught:
        sdk.chat.completions.create(model="auto", messages=HELLO, stream=stream)
    assert caught.value.status_code == status
    assert caught.value.response.headers["content-type"] == "application/json"
    row = site.row()
    assert (row.outcome, row.status) == ("error", status)
    assert row.request_id == caught.value.response.headers["x-request-id"]


def test_callers_without_a_valid_key_are_turned_away_and_recorded(
    site: Site, sdk: openai.OpenAI
) -> None:
    site.connect(site.upstream("openai_chat"))
    with pytest.raises(openai.AuthenticationError):
        sdk.with_options(api_key="kn_wrong").chat.completions.create(model="auto", messages=HELLO)
    assert site.row().outcome == "refused"
    assert site.simulator.requests == []


@pytest.mark.parametrize("header", ["x-api-key", "x-goog-api-key"])
def test_every_form_of_key_is_read(site: Site, header: str) -> None:
    site.connect(site.upstream("openai_chat"))
    url = f"{site.base_url}/v1/chat/completions"
    body = {"model": "auto", "messages": HELLO}
    assert httpx.post(url, json=body, headers={header: site.key}).status_code == 200
    assert httpx.post(url, json=body, headers={header: f"{site.key}x"}).status_code == 401


def test_models_are_listed(site: Site, sdk: openai.OpenAI) -> None:
    site.connect(site.upstream("openai_chat", name="primary"))
    names = [model.id for model in sdk.models.list()]
    assert names == ["auto", "primary", "gpt-simulated", "primary/gpt-simulated"]


def test_the_include_may_be_below_any_prefix(site: Site, sdk: openai.OpenAI, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.gateway.mounted_below"
    site.connect(site.upstream("openai_chat"))
    client = sdk.with_options(base_url=f"{site.base_url}/ai/v1")
    plain = client.chat.completions.create(model="auto", messages=HELLO)
    assert plain.choices[0].message.content == "Echo: Hello there"
    chunks = list(client.chat.completions.create(model="auto", messages=HELLO, stream=True))
    assert text_of(chunks) == "Echo: Hello there"
    with pytest.raises(openai.NotFoundError):
        sdk.models.list()


def test_another_method_is_a_405_in_json(site: Site) -> None:
    response = httpx.get(
        f"{site.base_url}/v1/chat/completions", headers={"authorization": f"Bearer {site.key}"}
    )
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["error"]["message"] == "This path takes POST, not GET."


def test_a_body_over_the_limit_is_a_413_and_reaches_no_upstream(
    site: Site, sdk: openai.OpenAI, settings: Any
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "MAX_BODY_BYTES": 2048}
    site.connect(site.upstream("openai_chat"))
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "x" * 2048}]
        )
    assert caught.value.status_code == 413
    row = site.row()
    assert (row.outcome, row.status) == ("refused", 413)
    assert site.simulator.requests == []


def test_a_body_over_djangos_own_limit_for_forms_is_no_obstacle(
    site: Site, sdk: openai.OpenAI, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    site.connect(site.upstream("openai_chat"))
    answer = sdk.chat.completions.create(model="auto", messages=LONG)
    assert answer.choices[0].message.content == f"Echo: {LONG[0]['content']}"


def test_a_body_that_is_no_json_is_a_400_in_json(site: Site) -> None:
    response = httpx.post(
        f"{site.base_url}/v1/chat/completions",
        content=b'{"model": ',
        headers={"x-api-key": site.key, "content-type": "application/json"},
    )
    assert response.status_code == 400
    assert "not valid JSON" in response.json()["error"]["message"]


def test_a_large_body_of_a_key_at_its_limit_is_not_parsed(site: Site) -> None:
    site.connect(site.upstream("openai_chat"))
    _, key = create_gateway_key("limited", requests_per_minute=1)
    url, headers = f"{site.base_url}/v1/chat/completions", {"x-api-key": key}
    malformed = b'{"model": ' + b" " * 100_000
    assert httpx.post(url, content=malformed, headers=headers).status_code == 400
    body = {"model": "auto", "messages": HELLO}
    assert httpx.post(url, json=body, headers=headers).status_code == 200
    refused = httpx.post(url, content=malformed, headers=headers)
    assert refused.status_code == 429
    assert refused.headers["x-koneek-attempts"] == "0"


def test_when_the_caller_of_a_stream_leaves_the_upstream_is_let_go(
    site: Site, sdk: openai.OpenAI
) -> None:
    # A server of WSGI notices at its next write that nobody reads.
    site.connect(site.upstream("openai_chat", failure="slow-20"))
    stream = sdk.chat.completions.create(model="auto", messages=LONG, stream=True)
    next(chunk for chunk in stream if text_of([chunk]))
    stream.close()
    site.simulator.wait_for(left, PROMISED_SECONDS)
    row = the_row_to_come(site)
    assert (row.outcome, row.stream, row.attempt_count) == ("client_closed", True, 1)


def test_when_the_caller_of_a_silent_upstream_leaves_the_upstream_is_let_go(
    site: Site, request: pytest.FixtureRequest
) -> None:
    if is_wsgi(request):
        # WSGI has no word for it: the request's own time limit ends the wait instead.
        site.connect(site.upstream("openai_chat", failure="hang", timeout=0.5))
    else:
        site.connect(site.upstream("openai_chat", failure="hang"))
    with httpx.Client() as client, pytest.raises(httpx.ReadTimeout):
        client.post(
            f"{site.base_url}/v1/chat/completions",
            json={"model": "auto", "messages": HELLO},
            headers={"x-api-key": site.key},
            timeout=httpx.Timeout(10, read=0.2),
        )
    site.simulator.wait_for(left, PROMISED_SECONDS)
    outcome = "error" if is_wsgi(request) else "client_closed"
    assert the_row_to_come(site).outcome == outcome


def left(request: RecordedRequest) -> bool:
    return request.left_early


def the_row_to_come(site: Site) -> RequestLog:
    """The one row, which is written a moment after the upstream was let go."""
    (row,) = eventually(site.rows)
    return row


def test_requests_use_no_database(
    client: Client,
    transactional_db: None,
    allow_local: None,
    simulator: Simulator,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """Neither the view nor the middleware around it."""
    forget_this_process()
    _, key = create_gateway_key("tests")
    site = Site("", key, simulator)
    site.connect(site.upstream("openai_chat"))
    with django_assert_num_queries(0):
        response = client.post(
            "/v1/chat/completions",
            {"model": "auto", "messages": HELLO},
            content_type="application/json",
            headers={"x-api-key": key},
        )
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"] == "Echo: Hello there"
    default_client().engine.close()
    forget_this_process()
