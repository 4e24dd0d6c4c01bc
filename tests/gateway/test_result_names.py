"""Which connection draws, speaks or embeds for which name, and what is said where none does."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from django.core.cache.backends.locmem import LocMemCache

from ai_client.key_services import create_gateway_key
from connectors.approvals import decide
from tests.gateway.results_site import EMBEDDING, GOOGLE_IMAGE, IMAGE, google, openai_like
from tests.live_site import Site

HELLO: Any = [{"role": "user", "content": "Hello there"}]
MODELS_PATH = "/models"


def connect(site: Site) -> Site:
    """Somebody who talks, somebody who draws too, and somebody who draws."""
    site.connect(
        site.upstream("anthropic_messages", name="talker"),
        openai_like(site, "gpt-4.1", name="both", models=[IMAGE, "gpt-image-1-mini"]),
        google(site, GOOGLE_IMAGE, name="drawer"),
    )
    return site


@pytest.fixture
def chain(site: Site) -> Site:
    """A site with all of them."""
    return connect(site)


def lists(site: Site, **more: Any) -> dict[str, Any]:
    """A connection that names no model that draws, whose list nobody has asked for yet."""
    key = f"sk-of-this-test-{secrets.token_hex(16)}"
    return openai_like(site, **{"model": "gpt-4.1", "name": "only", "api_key": key, **more})


def draw(site: Site, model: str = "auto", **options: Any) -> tuple[str, str]:
    """Which connection draws, with which model."""
    answer = site.sdk(**options).images.with_raw_response.generate(model=model, prompt="x")
    row = site.rows()[-1]
    assert row.connection == answer.headers["x-koneek-connection"]
    return row.connection, row.model


def listed(site: Site) -> list[str]:
    """The upstreams' lists that were asked for."""
    return [each.path for each in site.simulator.requests if each.path.endswith(MODELS_PATH)]


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("auto", ("both", IMAGE)),
        ("both", ("both", IMAGE)),
        ("drawer", ("drawer", GOOGLE_IMAGE)),
        ("both/gpt-image-1-mini", ("both", "gpt-image-1-mini")),
        ("both/gpt-image-1.5", ("both", "gpt-image-1.5")),
        ("drawer/imagen-4.0-generate-001", ("drawer", "imagen-4.0-generate-001")),
        (IMAGE, ("both", IMAGE)),
        ("gpt-image-1-mini", ("both", "gpt-image-1-mini")),
        (GOOGLE_IMAGE, ("drawer", GOOGLE_IMAGE)),
    ],
)
def test_a_name_means_what_it_means_for_conversations(
    chain: Site, name: str, who: tuple[str, str]
) -> None:
    assert draw(chain, name) == who
    assert listed(chain) == []


@pytest.mark.parametrize("name", ["auto", "both", IMAGE, f"both/{IMAGE}"])
def test_who_is_known_to_draw_stands_in(site: Site, name: str) -> None:
    site.connect(
        openai_like(site, IMAGE, name="both", failure="status-500"),
        site.upstream("anthropic_messages", name="talker"),
        google(site, GOOGLE_IMAGE, name="drawer"),
    )
    assert draw(site, name) == ("drawer", GOOGLE_IMAGE)
    with pytest.raises(openai.InternalServerError):
        draw(site, name, default_headers={"x-koneek-fallback": "false"})


def test_without_fallback_a_model_is_still_asked_of_all_that_have_it(site: Site) -> None:
    site.connect(
        openai_like(site, IMAGE, name="first", failure="status-500"),
        google(site, GOOGLE_IMAGE, name="drawer"),
        openai_like(site, IMAGE, name="second"),
    )
    own = {"default_headers": {"x-koneek-fallback": "false"}}
    assert draw(site, IMAGE, **own) == ("second", IMAGE)


class TestWhereNobodyCan:
    @pytest.mark.parametrize("name", ["nobody", "nobody/gpt-image-2", "talker-x"])
    def test_an_unknown_name_is_told_which_there_are(self, chain: Site, name: str) -> None:
        with pytest.raises(openai.NotFoundError) as caught:
            draw(chain, name)
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
        for known in ("auto", "both", "drawer", IMAGE, GOOGLE_IMAGE):
            assert known in caught.value.message
        assert "talker" not in caught.value.message.replace(name, "")
        assert caught.value.response.headers["x-should-retry"] == "false"
        row = chain.rows()[-1]
        assert (row.status, row.error_code, row.attempt_count) == (404, "model_not_found", 0)

    @pytest.mark.parametrize("name", ["gpt-4.1", "both/gpt-4.1", "both/tts-1"])
    def test_a_model_for_something_else_is_told_what_is_for_it(
        self, chain: Site, name: str
    ) -> None:
        with pytest.raises(openai.BadRequestError, match="not for image_generation") as caught:
            draw(chain, name)
        assert (caught.value.code, caught.value.param) == ("unsupported_feature", "model")
        assert IMAGE in caught.value.message
        assert chain.simulator.requests == []

    @pytest.mark.parametrize("name", ["auto", "talker", "talker/claude-simulated"])
    def test_where_nobody_draws_it_is_told_who_would(self, site: Site, name: str) -> None:
        site.connect(site.upstream("anthropic_messages", name="talker"))
        with pytest.raises(openai.BadRequestError, match="image_generation") as caught:
            draw(site, name)
        assert (caught.value.code, caught.value.param) == ("unsupported_feature", "model")
        if name != "talker/claude-simulated":
            assert "OpenAI (gpt-image-*" in caught.value.message

    def test_without_a_connection_nobody_draws(self, site: Site) -> None:
        site.connect()
        with pytest.raises(openai.InternalServerError) as caught:
            draw(site)
        assert (caught.value.status_code, caught.value.code) == (503, "no_connection")

    def test_a_key_of_the_environment_is_for_the_sites_own_programs(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment-0123456789")
        monkeypatch.setenv("OPENAI_BASE_URL", site.simulator.base_url("openai"))
        site.connect(site.upstream("anthropic_messages", name="talker"))
        for name in ("auto", IMAGE):
            with pytest.raises(openai.APIStatusError):
                draw(site, name)
        assert all("sk-of-the" not in str(each.headers) for each in site.simulator.requests)


class TestLists:
    def test_an_upstreams_list_tells_what_the_connection_does_not_name(self, site: Site) -> None:
        site.connect(lists(site))
        for name in ("auto", "only", "gpt-image-1"):
            assert draw(site, name) == ("only", "gpt-image-1")
        assert len(listed(site)) == 1, "a list that is at hand is not asked for again"

    def test_an_own_model_of_which_nothing_is_known_is_asked_by_the_connections_name(
        self, site: Site
    ) -> None:
        unknown = {"provider": "openai-compatible", "model": "our-diffusion"}
        site.connect(lists(site, name="ours", failure="status-500@1", **unknown))
        with pytest.raises(openai.InternalServerError):
            draw(site, "ours")
        assert draw(site, "ours") == ("ours", "our-diffusion")
        assert len(listed(site)) == 1, "who could not tell is left alone for a while"

    def test_the_list_is_asked_for_once_those_at_hand_have_failed(self, site: Site) -> None:
        site.connect(
            openai_like(site, IMAGE, name="first", failure="status-500"),
            lists(site, name="second"),
        )
        assert draw(site) == ("second", "gpt-image-1")

    def test_while_an_upstream_is_slow_to_list_others_are_answered(self, site: Site) -> None:
        site.connect(
            lists(site, name="slow", failure="hang", timeout=3),
            site.upstream("anthropic_messages", name="talker"),
        )
        with ThreadPoolExecutor(1) as aside:
            drawing = aside.submit(draw, site)
            site.simulator.wait_for(lambda each: each.path.endswith(MODELS_PATH))
            said = site.sdk().chat.completions.create(model="talker", messages=HELLO)
            assert said.choices[0].message.content == "Echo: Hello there"
            assert not drawing.done()
            with pytest.raises(openai.BadRequestError):
                drawing.result()

    def test_no_cache_is_read_or_written_where_the_loop_would_wait(
        self, site: Site, settings: Any
    ) -> None:
        settings.CACHES = {"default": {"BACKEND": f"{__name__}.WatchedCache"}}
        WatchedCache.uses.clear()
        site.connect(lists(site))
        for name in ("auto", "only", "gpt-image-1"):
            draw(site, name)
        with pytest.raises(openai.NotFoundError):
            draw(site, "nobody")
        assert WatchedCache.uses
        assert not any(WatchedCache.uses)


class WatchedCache(LocMemCache):
    """Notes of each use whether it was in a thread that runs an event loop."""

    uses: list[bool] = []  # noqa: RUF012 - one list for all threads' caches

    def _noted(self, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.uses.append(False)
        else:
            self.uses.append(True)
        return act(*given, **more)

    def get(self, *given: Any, **more: Any) -> Any:
        return self._noted(super().get, *given, **more)

    def set(self, *given: Any, **more: Any) -> Any:
        return self._noted(super().set, *given, **more)

    def add(self, *given: Any, **more: Any) -> Any:
        return self._noted(super().add, *given, **more)

    def delete_many(self, *given: Any, **more: Any) -> Any:
        return self._noted(super().delete_many, *given, **more)


class TestApprovals:
    @pytest.fixture
    def asking(self, settings: Any, site: Site) -> Site:
        settings.CONNECTORS = {"APPROVAL": "ask"}
        return connect(site)

    def test_nobody_draws_for_a_key_that_nothing_was_allowed(self, asking: Site) -> None:
        for name in ("auto", "both", IMAGE, "drawer"):
            with pytest.raises(openai.PermissionDeniedError) as caught:
                draw(asking, name)
            assert caught.value.code == "connector_not_approved"
        assert asking.simulator.requests == []

    def test_only_what_was_allowed_draws_or_is_asked_for_its_models(self, asking: Site) -> None:
        decide("gateway:tests", "google", "allowed")
        assert draw(asking) == ("drawer", GOOGLE_IMAGE)
        assert draw(asking, "both") == ("drawer", GOOGLE_IMAGE)
        with pytest.raises(openai.NotFoundError) as caught:
            draw(asking, "gpt-image-1.5")
        assert "both" not in caught.value.message
        assert not any("/v1/" in each.path for each in asking.simulator.requests)


class TestKeysWithAScope:
    @pytest.mark.parametrize("name", ["auto", "drawer", GOOGLE_IMAGE])
    def test_a_key_for_one_connection_draws_there(self, chain: Site, name: str) -> None:
        _, key = create_gateway_key("narrow", allowed_connections=["drawer"])
        assert draw(chain, name, api_key=key) == ("drawer", GOOGLE_IMAGE)

    @pytest.mark.parametrize("name", ["both", IMAGE, f"both/{IMAGE}"])
    @pytest.mark.parametrize(
        "scope", [{"allowed_connections": ["drawer"]}, {"allowed_models": ["gemini-*"]}], ids=str
    )
    def test_and_nowhere_else(self, chain: Site, name: str, scope: Any) -> None:
        _, key = create_gateway_key("narrow", **scope)
        with pytest.raises(openai.PermissionDeniedError):
            draw(chain, name, api_key=key)
        assert chain.simulator.requests == []

    def test_a_model_that_only_a_list_tells_of_is_out_of_scope_too(self, site: Site) -> None:
        site.connect(lists(site), google(site, GOOGLE_IMAGE, name="drawer"))
        _, key = create_gateway_key("narrow", allowed_models=["gemini-*"])
        with pytest.raises(openai.PermissionDeniedError):
            draw(site, "gpt-image-1", api_key=key)

    def test_a_key_that_forbids_fallback_has_none(self, site: Site) -> None:
        site.connect(
            openai_like(site, EMBEDDING, name="first", failure="status-500"),
            openai_like(site, EMBEDDING, name="second"),
        )
        _, key = create_gateway_key("strict", allow_fallback=False)
        with pytest.raises(openai.InternalServerError):
            site.sdk(api_key=key).embeddings.create(model="auto", input="x")
