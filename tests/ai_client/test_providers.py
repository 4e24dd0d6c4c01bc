"""Providers are values found by scanning; each says where its vendor is and how to talk to it."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from urllib.parse import urlsplit

import pytest
from genai_prices.data import providers as price_list

import ai_client.providers
from ai_client.endpoints import endpoint, upstream_headers
from ai_client.providers import Field, Provider, scan
from ai_client.snapshot import ConnectionConfig
from ai_client.wire import WireRequest, client_face

SHIPPED = tuple(scan(ai_client.providers))
BY_SLUG = {provider.slug: provider for provider in SHIPPED}
EACH = pytest.mark.parametrize("provider", SHIPPED, ids=lambda provider: provider.slug)


def connection(provider: Provider, base_url: str = "", api_key: str = "") -> ConnectionConfig:
    return ConnectionConfig(
        id="1",
        name="mine",
        provider=provider,
        model="m",
        base_url=base_url or provider.base_url or "",
        api_key=api_key,
    )


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package of providers as an app would bring its own, with one file in it."""
    folder = tmp_path / "house_providers"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "acme.py").write_text(
        dedent(
            """
            from ai_client.providers import Provider

            PROVIDER = Provider(
                slug="acme",
                name="Acme",
                wire="openai_chat",
                base_url="https://api.acme.example/v1",
                version_path="/v1",
            )
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("house_providers")
    for name in [name for name in sys.modules if name.split(".")[0] == "house_providers"]:
        del sys.modules[name]


def test_a_provider_is_added_by_one_file(package: ModuleType) -> None:
    [acme] = scan(package)
    assert (acme.slug, client_face(acme.wire)) == ("acme", client_face("openai_chat"))
    wire = WireRequest("chat/completions", {})
    assert endpoint(connection(acme), wire) == "https://api.acme.example/v1/chat/completions"


def test_a_file_may_hold_several(package: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "house_providers" / "rows.py").write_text(
        "from ai_client.providers import Provider\n"
        "PROVIDERS = (Provider('b', 'B', 'openai_chat'), Provider('a', 'A', 'openai_chat'))\n"
    )
    importlib.invalidate_caches()
    assert [provider.slug for provider in scan(package)] == ["acme", "b", "a"]


def test_the_shipped_slugs_are_those_people_type_and_each_is_there_once() -> None:
    assert len(BY_SLUG) == len(SHIPPED)
    assert BY_SLUG.keys() >= {
        "openai", "anthropic", "google", "openai-compatible", "ollama", "openrouter", "groq",
        "nvidia-nim", "cerebras", "sambanova", "opencode-zen", "opencode-go",
    }  # fmt: skip


@EACH
def test_its_dialect_can_be_spoken(provider: Provider) -> None:
    client_face(provider.wire)


@EACH
def test_it_is_well_formed(provider: Provider) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", provider.slug)
    assert provider.name
    assert provider.description
    for name in filter(None, (provider.env_key, provider.env_base_url)):
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*[A-Z0-9]", name)
    assert provider.env_key is None or provider.env_key.endswith("_API_KEY")
    assert provider.version_path == "" or re.fullmatch(r"(/[a-z0-9]+)+", provider.version_path)
    names = [field.name for field in provider.fields]
    assert len(names) == len(set(names))
    for field in provider.fields:
        assert field.label
        assert (field.kind == "choice") == bool(field.choices)
        assert field.default is None or not field.choices or field.default in field.choices


@EACH
def test_keys_leave_only_encrypted(provider: Provider) -> None:
    for url in filter(None, (provider.base_url, provider.credentials_url)):
        parts = urlsplit(url)
        local = parts.hostname == "127.0.0.1" and not provider.key_required
        assert parts.scheme == "https" or local
        assert parts.hostname
        assert not parts.query
        assert not parts.username


@EACH
def test_its_key_goes_into_a_header_of_its_own(provider: Provider) -> None:
    configured = connection(provider, "https://api.example", "canary-key")
    wire = WireRequest("x", {})
    headers = upstream_headers(configured, wire)
    assert [name for name, value in headers.items() if "canary-key" in value] == [
        provider.auth.header
    ]
    assert "canary-key" not in endpoint(configured, wire)
    assert "canary-key" not in repr(configured)


@EACH
def test_its_prices_are_known_under_its_id(provider: Provider) -> None:
    assert provider.price_id is None or provider.price_id in {one.id for one in price_list}


@pytest.mark.parametrize(
    ("slug", "base_url", "expected"),
    [
        ("google", "", "https://generativelanguage.googleapis.com/v1beta/x"),
        ("google", "https://proxy.example/v1beta/", "https://proxy.example/v1beta/x"),
        ("groq", "https://api.groq.com", "https://api.groq.com/openai/v1/x"),
        ("groq", "", "https://api.groq.com/openai/v1/x"),
        ("cerebras", "https://api.cerebras.ai", "https://api.cerebras.ai/v1/x"),
        ("ollama", "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1/x"),
        ("openai-compatible", "https://z.example/api/v4", "https://z.example/api/v4/x"),
    ],
)
def test_the_version_is_added_where_it_is_missing(slug: str, base_url: str, expected: str) -> None:
    assert endpoint(connection(BY_SLUG[slug], base_url), WireRequest("x", {})) == expected


def test_opencode_go_gets_the_session_that_it_asks_for() -> None:
    headers = upstream_headers(connection(BY_SLUG["opencode-go"]), WireRequest("x", {}))
    assert headers["x-opencode-session"]


def test_options_come_from_the_connection_then_the_fields_then_the_provider() -> None:
    provider = Provider(
        "p",
        "P",
        "openai_chat",
        fields=(Field("usage", "Usage", "boolean", default=True), Field("x", "X")),
        options={"usage": None, "limit": "max_tokens", "top_k": True},
    )
    assert provider.wire_options({}) == {"usage": True, "limit": "max_tokens", "top_k": True}
    own = {"usage": False, "limit": "", "x": None, "top_k": 0}
    assert provider.wire_options(own) == {"usage": False, "limit": "max_tokens", "top_k": 0}


def test_vendors_that_know_only_the_older_token_limit_get_it() -> None:
    for slug, name in {
        "ollama": "max_tokens",
        "openai-compatible": "max_tokens",
        "groq": "max_completion_tokens",
    }.items():
        assert BY_SLUG[slug].wire_options({})["max_tokens_parameter"] == name
    assert "max_tokens_parameter" not in BY_SLUG["openai"].wire_options({})
