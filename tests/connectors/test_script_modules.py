"""Modules that other apps bring to the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connectors import script_modules
from connectors.errors import RegistryError
from connectors.registry import registry
from connectors.script_modules import (
    OWN_FILES,
    PUBLIC,
    import_map,
    page_data,
    register_script_module,
    unregister_script_module,
)


class HashingStorage(StaticFilesStorage):
    """Puts a hash into each name, as storages for far-future caching do."""

    def url(self, name: str | None) -> str:
        stem, dot, kind = str(name).rpartition(".")
        return super().url(f"{stem}.abc123{dot}{kind}")


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the installed apps have registered is set aside, and is back afterwards."""
    monkeypatch.setattr(script_modules, "_modules", {})


def test_a_module_is_mapped_loaded_and_given_its_data(admin_client: Client) -> None:
    register_script_module("shop/own", "shop/own.js", data=lambda request: {"text": "</script>"})
    assert import_map()["imports"]["shop/own"] == "/static/shop/own.js"
    text = admin_client.get(reverse("connectors_page:index")).content.decode()
    assert '<script type="module" src="/static/shop/own.js"></script>' in text
    assert 'id="connectors-module-data-shop/own"' in text
    assert '{"text": "\\u003C/script\\u003E"}' in text
    assert text.index("shop/own.js") < text.index("connectors/page.js")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("", "shop/own.js"),
        ("Shop", "shop/own.js"),
        (PUBLIC, "shop/own.js"),
        (f"{PUBLIC}/testing", "shop/own.js"),
        ("shop", "/shop/own.js"),
        ("shop", "https://cdn.example/own.js"),
        ("shop", "shop/own.css"),
    ],
)
def test_wrong_use_is_a_clear_error(name: str, path: str) -> None:
    with pytest.raises(RegistryError):
        register_script_module(name, path)
    assert not script_modules.script_modules()


def test_wrong_use_while_apps_are_loaded_breaks_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_mistakes", ())
    with monkeypatch.context() as loading:
        loading.setattr(apps, "ready", False)
        assert register_script_module("shop", "shop/own.css") is None
    (mistake,) = registry.mistakes()
    assert mistake.receiver.startswith(__name__)
    assert "path of a static file" in mistake.message
    assert not script_modules.script_modules()


def test_a_name_is_given_once_and_can_be_taken_back() -> None:
    module = register_script_module("shop", "shop/own.js")
    assert register_script_module("shop", "shop/own.js") is module
    with pytest.raises(RegistryError, match="already"):
        register_script_module("shop", "shop/other.js")
    assert unregister_script_module("shop") is module
    with pytest.raises(RegistryError, match="No script module"):
        unregister_script_module("shop")


def test_data_that_fails_costs_the_page_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fails(request: HttpRequest) -> object:
        raise RuntimeError("broken")

    register_script_module("shop", "shop/own.js", data=fails)
    assert page_data(HttpRequest()) == [("connectors-module-data-shop", None)]
    assert "shop" in caplog.text


def test_hashed_file_names_are_found_by_the_plain_ones(settings: Settings) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": f"{__name__}.HashingStorage"},
    }
    imports = import_map()["imports"]
    assert imports[PUBLIC] == "/static/connectors/registry.abc123.js"
    assert imports["/static/connectors/tiles.js"] == "/static/connectors/tiles.abc123.js"


def test_every_module_of_the_page_is_on_the_map() -> None:
    folder = Path(script_modules.__file__).parent / "static" / "connectors"
    assert sorted(path.name for path in folder.glob("*.js")) == sorted(OWN_FILES)
