"""The names that may stand for a model, listed for whoever asks."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import openai
import pytest

from ai_client.key_services import create_gateway_key
from connectors.approvals import decide
from tests.live_site import Site

OPENAI_NAMES = ["primary", "gpt-simulated", "primary/gpt-simulated", "gpt-x", "primary/gpt-x"]
CLAUDE_NAMES = ["second", "claude-simulated", "second/claude-simulated"]
ANTHROPIC_VERSION = {"anthropic-version": "2023-06-01"}


def connect(site: Site) -> Site:
    site.connect(
        site.upstream("openai_chat", name="primary", models=["gpt-x"]),
        site.upstream("anthropic_messages", name="second"),
    )
    return site


def names(sdk: openai.OpenAI) -> set[str]:
    return {model.id for model in sdk.models.list()}


def get(site: Site, path: str, **headers: str) -> httpx.Response:
    return httpx.get(
        site.base_url + path, headers={"x-api-key": site.key, **headers}, trust_env=False
    )


def test_every_name_is_listed_with_its_owner(site: Site) -> None:
    connect(site)
    listed = list(site.sdk().models.list())
    assert {each.id for each in listed} == {"auto", *OPENAI_NAMES, *CLAUDE_NAMES}
    owners = {each.id: each.owned_by for each in listed}
    assert (owners["auto"], owners["primary"]) == ("koneek", "koneek")
    assert (owners["gpt-x"], owners["second/claude-simulated"]) == ("openai", "anthropic")
    assert {each.object for each in listed} == {"model"}
    assert all(isinstance(each.created, int) for each in listed)


@pytest.mark.parametrize("name", ["auto", "primary", "gpt-x", "second/claude-simulated"])
def test_one_of_them_is_told(site: Site, name: str) -> None:
    connect(site)

    async def awaited() -> Any:
        async with site.async_sdk() as sdk:
            return await sdk.models.retrieve(name)

    found = site.sdk().models.retrieve(name)
    assert (found.id, found.object) == (name, "model")
    assert asyncio.run(awaited()).id == name


def test_an_unknown_one_is_told_which_there_are(site: Site) -> None:
    connect(site)
    with pytest.raises(openai.NotFoundError) as caught:
        site.sdk().models.retrieve("second/nothing")
    assert caught.value.code == "model_not_found"
    assert all(name in caught.value.message for name in ("auto", *OPENAI_NAMES, *CLAUDE_NAMES))


def test_without_connections_there_is_nothing(site: Site) -> None:
    assert names(site.sdk()) == set()


def test_a_key_sees_what_it_is_for(site: Site) -> None:
    connect(site)
    _, of_one = create_gateway_key("one", allowed_connections=["second"])
    assert names(site.sdk(api_key=of_one)) == {"auto", *CLAUDE_NAMES}
    _, of_model = create_gateway_key("model", allowed_models=["gpt-x"])
    seen = names(site.sdk(api_key=of_model))
    assert {"gpt-x", "primary/gpt-x"} <= seen
    assert not seen & {"gpt-simulated", *CLAUDE_NAMES}
    with pytest.raises(openai.NotFoundError) as caught:
        site.sdk(api_key=of_one).models.retrieve("gpt-x")
    assert "primary" not in caught.value.message


def test_a_caller_sees_what_it_was_allowed(site: Site, settings: Any) -> None:
    settings.CONNECTORS = {"APPROVAL": "ask"}
    connect(site)
    assert names(site.sdk()) == set()
    decide("gateway:tests", "anthropic", "allowed")
    assert names(site.sdk()) == {"auto", *CLAUDE_NAMES}


@pytest.mark.parametrize(
    ("path", "headers", "listed"),
    [
        ("/v1/models", {}, "data"),
        ("/v1/models", ANTHROPIC_VERSION, "data"),
        ("/v1beta/models", {}, "models"),
    ],
)
def test_each_dialect_has_its_own_shape(
    site: Site, path: str, headers: dict[str, str], listed: str
) -> None:
    connect(site)
    body = get(site, path, **headers).json()
    text = str(body[listed])
    assert "claude-simulated" in text
    assert ("object" in body) == (path == "/v1/models" and not headers)


def test_an_error_is_told_in_the_dialect_of_who_asks(site: Site) -> None:
    connect(site)
    ours = get(site, "/v1/models/nothing").json()
    theirs = get(site, "/v1/models/nothing", **ANTHROPIC_VERSION)
    assert ours["error"]["code"] == "model_not_found"
    assert (theirs.status_code, theirs.json()["type"]) == (404, "error")
    assert theirs.json()["error"]["type"] == "not_found_error"
    stranger = get(site, "/v1/models", **ANTHROPIC_VERSION, **{"x-api-key": "kn_wrong"})
    assert stranger.json()["error"]["type"] == "authentication_error"
