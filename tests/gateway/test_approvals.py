"""Callers that may not use a connector: kept from it, told so, and written down."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from ai_client.client import default_client
from ai_client.configuration import configuration
from ai_client.errors import ConnectorNotApproved, PermissionRefused
from ai_client.key_services import create_gateway_key
from ai_client.messages import GenerationRequest, user_message
from connectors.approvals import decide, forget
from connectors.models import Approval
from tests.live_site import Site

HELLO: Any = [{"role": "user", "content": "Hello there"}]
REQUEST = GenerationRequest((user_message("Hello there"),))


@pytest.fixture
def asking(settings: Any, site: Site) -> Site:
    """A site where nothing may be used that was not allowed, with two providers."""
    settings.CONNECTORS = {"APPROVAL": "ask"}
    site.connect(
        site.upstream("openai_chat", name="first"),
        site.upstream("anthropic_messages", name="second"),
    )
    return site


def ask(site: Site, model: str = "auto", **options: Any) -> tuple[str, str]:
    """Which connection answers, and after how many attempts."""
    response = site.sdk(**options).chat.completions.with_raw_response.create(
        model=model, messages=HELLO
    )
    return response.headers["x-koneek-connection"], response.headers["x-koneek-attempts"]


def test_an_unapproved_gateway_key_is_refused_in_its_dialect_and_becomes_pending(
    asking: Site,
) -> None:
    for _ in range(3):
        with pytest.raises(openai.PermissionDeniedError) as caught:
            ask(asking)
    assert caught.value.status_code == 403
    assert caught.value.code == "connector_not_approved"
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert not asking.simulator.requests
    assert not Approval.objects.exists(), "nothing is written on a request's way"
    configuration().poll()
    pending = {each.connector: each for each in Approval.objects.filter(caller="gateway:tests")}
    assert set(pending) == {"openai", "anthropic"}
    assert {each.state for each in pending.values()} == {"pending"}
    assert {each.attempts for each in pending.values()} == {3}
    assert pending["openai"].first_seen is not None
    assert pending["openai"].last_seen is not None
    assert pending["openai"].first_seen <= pending["openai"].last_seen
    assert [row.error_code for row in asking.rows()] == ["connector_not_approved"] * 3


def test_an_allowed_connector_answers_at_once_and_the_others_are_passed_over(
    asking: Site,
) -> None:
    decide("gateway:tests", "anthropic", "allowed")
    assert ask(asking) == ("second", "1")
    assert ask(asking, "first") == ("second", "1")
    forbidden = {"x-koneek-fallback": "false"}
    assert ask(asking, default_headers=forbidden) == ("second", "1")
    with pytest.raises(openai.PermissionDeniedError):
        ask(asking, "first", default_headers=forbidden)
    with pytest.raises(openai.NotFoundError):
        ask(asking, "unknown", default_headers=forbidden)


def test_models_that_a_caller_may_not_use_are_not_listed(asking: Site) -> None:
    assert [model.id for model in asking.sdk().models.list()] == []
    decide("gateway:tests", "openai", "allowed")
    listed = [model.id for model in asking.sdk().models.list()]
    assert "first" in listed
    assert "second" not in listed


def test_each_key_is_a_caller_of_its_own(asking: Site) -> None:
    decide("gateway:tests", "openai", "allowed")
    _, other = create_gateway_key("another")
    assert ask(asking)[0] == "first"
    with pytest.raises(openai.PermissionDeniedError):
        ask(asking, api_key=other)
    decide("gateway:another", "anthropic", "allowed")
    assert ask(asking, api_key=other)[0] == "second"


def test_python_callers_are_known_by_their_label(asking: Site) -> None:
    client = default_client()
    decide("blog", "openai", "allowed")
    assert client.generate(REQUEST, caller="blog").to_text() == "Echo: Hello there"
    for call in (
        lambda: client.generate(REQUEST, caller="shop"),
        lambda: list(client.stream(REQUEST, caller="shop")),
        lambda: asyncio.run(client.agenerate(REQUEST, caller="shop")),
        lambda: client.generate(REQUEST),
    ):
        with pytest.raises(PermissionRefused) as caught:
            call()
        assert isinstance(caught.value, ConnectorNotApproved)
        assert caught.value.status == 403
    configuration().poll()
    counted = dict(Approval.objects.filter(connector="openai").values_list("caller", "attempts"))
    assert counted == {"blog": 0, "shop": 3, "unnamed": 1}


def test_a_taken_back_decision_holds_for_the_next_request(asking: Site) -> None:
    decide("gateway:tests", "openai", "allowed")
    assert ask(asking)[0] == "first"
    forget("gateway:tests", "openai")
    with pytest.raises(openai.PermissionDeniedError):
        ask(asking)


def test_by_default_everything_is_allowed_but_what_was_denied(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="first"),
        site.upstream("anthropic_messages", name="second"),
    )
    assert ask(site)[0] == "first"
    decide("gateway:tests", "openai", "denied")
    assert ask(site) == ("second", "1")
    decide("gateway:tests", "anthropic", "denied")
    with pytest.raises(openai.PermissionDeniedError):
        ask(site)
    assert default_client().generate(REQUEST, caller="blog").to_text() == "Echo: Hello there"


def test_a_gateway_without_keys_is_one_caller(asking: Site, settings: Any) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "REQUIRE_GATEWAY_KEY": False}
    with pytest.raises(openai.PermissionDeniedError):
        ask(asking)
    decide("gateway", "openai", "allowed")
    assert ask(asking)[0] == "first"


def test_a_test_of_a_connection_needs_no_approval(asking: Site) -> None:
    client = default_client()
    first = client.snapshot().connections[0]
    assert client.generate_from(first, REQUEST).to_text() == "Echo: Hello there"
