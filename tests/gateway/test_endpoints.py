"""Every endpoint of the gateway through every door: who is let in, by which method, with how much.

The walk goes over ``ENDPOINTS``, so a new one is in it by being there; what is reachable and not in
that table is a failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from ai_client.configuration import configuration
from ai_client.gateway.default import default_gateway
from ai_client.gateway.endpoints import ENDPOINTS, Endpoint, Kind, find
from ai_client.gateway.views import gateway_view
from ai_client.key_services import create_gateway_key, revoke_gateway_key, save_gateway_key
from ai_client.log.writer import default_writer
from ai_client.models import RequestLog
from ai_client.simulator.server import Simulator
from tests.gateway.doors import DOORS, serving_door
from tests.live_site import Site, forget_this_process

MODEL = "gpt-simulated"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key")
SMALL_BYTES, LARGE_BYTES = 512, 100 * 1024
EVERY_ENDPOINT = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.path)


@pytest.fixture(scope="module", params=DOORS)
def origin(request: pytest.FixtureRequest) -> Iterator[str]:
    """The site behind each of the doors in turn."""
    forget_this_process()
    with serving_door(request.param) as served:
        yield served
    forget_this_process()


@pytest.fixture
def site(
    origin: str, transactional_db: None, allow_local: None, simulator: Simulator, settings: Any
) -> Iterator[Site]:
    """The site with one connection."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    simulator.clear()
    configuration().forget()
    # One gateway logs so many strangers a minute and no more.
    default_gateway.cache_clear()
    default_writer().drain_once()
    RequestLog.objects.all().delete()
    _, key = create_gateway_key("tests")
    made = Site(origin, key, simulator)
    made.connect(made.upstream("openai_chat", name="up"))
    yield made
    configuration().forget()


def ask(site: Site, endpoint: Endpoint, *, key: str = "", method: str = "", **more: Any) -> Any:
    method = method or endpoint.method
    headers = {more.pop("key_header", "x-api-key"): key} if key else {}
    if "authorization" in headers:
        headers["authorization"] = f"Bearer {key}"
    if method == "POST" and "content" not in more:
        more["content"] = b"{}"
    return httpx.request(
        method,
        site.base_url + endpoint.path.replace("{model}", MODEL),
        headers=headers,
        trust_env=False,
        **more,
    )


def is_told_in_json(answer: httpx.Response) -> bool:
    return answer.headers["content-type"].startswith("application/json") and bool(
        answer.json()["error"]["message"]
    )


@EVERY_ENDPOINT
def test_only_a_key_in_force_opens_an_endpoint(site: Site, endpoint: Endpoint) -> None:
    expired, expired_key = create_gateway_key(
        "expired", expires_at=timezone.now() + timedelta(hours=1)
    )
    expired.expires_at = timezone.now() - timedelta(seconds=1)
    save_gateway_key(expired)
    disabled, disabled_key = create_gateway_key("disabled")
    revoke_gateway_key(disabled)
    shut_out = {
        "nobody": ask(site, endpoint),
        "wrong": ask(site, endpoint, key=f"{site.key}x"),
        "expired": ask(site, endpoint, key=expired_key),
        "disabled": ask(site, endpoint, key=disabled_key),
    }
    for who, answer in shut_out.items():
        assert answer.status_code == 401, who
        assert is_told_in_json(answer), who
        assert answer.headers["x-request-id"], who
        assert answer.headers["x-koneek-attempts"] == "0", who
    assert [row.outcome for row in site.rows()] == ["refused"] * len(shut_out)
    for header in KEY_HEADERS:
        let_in = ask(site, endpoint, key=site.key, key_header=header)
        # What is asked for is incomplete, but who asks is known.
        assert let_in.status_code in (200, 400), (header, let_in.text)
    if endpoint.kind in (Kind.MODELS, Kind.MODEL):
        assert let_in.status_code == 200


@EVERY_ENDPOINT
def test_another_method_is_refused_and_told_the_right_one(site: Site, endpoint: Endpoint) -> None:
    for method in METHODS:
        if method == endpoint.method:
            continue
        answer = ask(site, endpoint, key=site.key, method=method)
        assert answer.status_code == 405, method
        assert answer.headers["allow"] == endpoint.method
        assert answer.headers["x-koneek-attempts"] == "0"
        assert method == "HEAD" or is_told_in_json(answer)


@EVERY_ENDPOINT
def test_a_body_over_the_limit_is_refused(site: Site, endpoint: Endpoint, settings: Any) -> None:
    if endpoint.method != "POST":
        return
    settings.AI_CLIENT = {**settings.AI_CLIENT, "MAX_BODY_BYTES": SMALL_BYTES}
    body = b'{"input": "' + b"x" * SMALL_BYTES + b'"}'
    announced = ask(site, endpoint, key=site.key, content=body)
    assert announced.status_code == 413
    assert is_told_in_json(announced)
    assert site.simulator.requests == []


@pytest.mark.parametrize(
    "endpoint",
    [each for each in ENDPOINTS if each.kind in (Kind.RESULT, Kind.COUNT)],
    ids=lambda each: each.path,
)
def test_what_comes_in_one_piece_is_not_streamed(site: Site, endpoint: Endpoint) -> None:
    answer = ask(site, endpoint, key=site.key, content=b'{"model": "up", "stream": true}')
    assert answer.status_code == 400
    assert "one piece" in answer.json()["error"]["message"]
    assert site.simulator.requests == []


@EVERY_ENDPOINT
def test_a_body_that_is_no_json_is_logged_with_its_key(site: Site, endpoint: Endpoint) -> None:
    if endpoint.method != "POST":
        return
    answer = ask(site, endpoint, key=site.key, content=b'{"a":')
    assert answer.status_code == 400
    assert answer.headers["x-koneek-attempts"] == "0"
    row = site.row()
    assert (row.outcome, row.gateway_key_name, row.caller) == ("refused", "tests", "tests")


@EVERY_ENDPOINT
def test_a_large_body_of_a_stranger_is_refused_by_its_key(site: Site, endpoint: Endpoint) -> None:
    answer = ask(site, endpoint, content=b" " * LARGE_BYTES)
    assert answer.status_code == 401


def test_what_django_serves_below_the_gateways_paths_is_in_the_table() -> None:
    served = dict(_patterns(get_resolver()))
    of_gateway = {route: each for route, each in served.items() if route.startswith(("v1/", "v1b"))}
    assert {each.callback for each in of_gateway.values()} == {gateway_view}
    listed = [each.default_args["endpoint"] for each in of_gateway.values()]
    assert listed == list(ENDPOINTS)
    assert {
        route for route, each in served.items() if each.callback is gateway_view
    } == of_gateway.keys()


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _patterns(each, route)
        else:
            yield route, each


@EVERY_ENDPOINT
@given(model=st.text(min_size=1).filter(lambda text: "\n" not in text))
def test_both_doors_read_a_path_alike(endpoint: Endpoint, model: str) -> None:
    path = endpoint.path.replace("{model}", model)
    found = find(path)
    assert found is not None
    match = resolve(path)
    assert match.kwargs["endpoint"] == found.endpoint
    assert match.kwargs.get("model", "") == found.model
