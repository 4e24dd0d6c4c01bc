"""Paths that the gateway does not serve: each SDK gets the error that it knows, at every door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google.genai.errors import ClientError

from ai_client.key_services import create_gateway_key
from ai_client.log.writer import default_writer
from ai_client.models import RequestLog
from ai_client.simulator.server import Simulator
from tests.gateway.anthropic_callers import sdk as anthropic_sdk
from tests.gateway.doors import DOORS, serving_door
from tests.gateway.google_callers import ALLOWED, google_sdk
from tests.live_site import Site, forget_this_process

pytestmark = ALLOWED
SAID = "The gateway does not serve "


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
    """The site, without connections."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    forget_this_process()
    default_writer().drain_once()
    RequestLog.objects.all().delete()
    _, key = create_gateway_key("tests")
    made = Site(origin, key, simulator)
    with made.clients:
        yield made


def test_openais_callers(site: Site) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        site.sdk().files.list()
    assert caught.value.code == "not_found"
    assert SAID + "/v1/files." in caught.value.message
    assert caught.value.response.headers["x-koneek-attempts"] == "0"
    assert site.row().gateway_key_name == "tests"


def test_anthropics_callers(site: Site) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        anthropic_sdk(site).messages.batches.create(requests=[])
    body: Any = caught.value.body
    assert (body["type"], body["error"]["type"]) == ("error", "not_found_error")
    assert SAID + "/v1/messages/batches." in body["error"]["message"]
    assert body["request_id"] == caught.value.request_id == site.row().request_id


def test_googles_callers(site: Site) -> None:
    with google_sdk(site) as sdk, pytest.raises(ClientError) as caught:
        sdk.files.list()
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
    assert SAID + "/v1/files." in str(caught.value)


@pytest.mark.parametrize(
    ("path", "headers", "told_by"),
    [
        ("/v1/nothing", {}, "openai"),
        ("/v1/nothing", {"authorization": "Bearer kn_x"}, "openai"),
        ("/v1/nothing", {"x-api-key": "kn_x"}, "anthropic"),
        ("/v1/nothing", {"anthropic-version": "2023-06-01"}, "anthropic"),
        ("/v1/nothing", {"x-api-key": "kn_x", "x-goog-api-client": "genai"}, "google"),
        ("/v1beta/nothing", {"x-api-key": "kn_x"}, "google"),
        ("/v1/chat/completions/", {}, "openai"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_an_sdk(
    site: Site, path: str, headers: dict[str, str], told_by: str, method: str
) -> None:
    answer = httpx.request(method, site.base_url + path, headers=headers, trust_env=False)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    shapes = {
        "openai": body["error"].get("code") == "not_found",
        "anthropic": body.get("type") == "error",
        "google": body["error"].get("status") == "NOT_FOUND",
    }
    assert [each for each, fits in shapes.items() if fits] == [told_by]
    assert body["error"]["message"].startswith(f"{SAID}{path}. It serves /v1/chat/completions, ")
