"""Trying connections that are stored, changed or not stored yet, and their lists of models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.core.cache import cache

from connectors import trials
from connectors.errors import FieldError
from connectors.models import Connection
from connectors.probing import ModelEntry, ProbeFailed, Step, Target
from connectors.registry import registry
from connectors.services import create_connection, update_connection
from connectors.values import EnvironmentKey

pytestmark = pytest.mark.django_db

KEY = "sk-stored-key-0123456789"
TYPED = "sk-typed-key-0123456789"
ELSEWHERE = "https://elsewhere.example/v1"


@dataclass
class Probe:
    """Answers with its models, or fails when it has none; remembers what it was given."""

    listed: list[ModelEntry] = field(default_factory=lambda: [ModelEntry("m", "Em")])
    asked: list[Target] = field(default_factory=list)

    def steps(self, target: Target) -> Iterator[Step]:
        self.asked.append(target)
        yield Step("dns", "ok", 1.0)

    def models(self, target: Target) -> list[ModelEntry]:
        self.asked.append(target)
        if not self.listed:
            raise ProbeFailed("Nobody answers.")
        return self.listed

    def accepts_key(self, target: Target) -> bool:
        return True


@pytest.fixture
def probe() -> Probe:
    """Acme's probe."""
    found = Probe()
    acme = registry.unregister("acme")
    registry.register(replace(acme, probe=found))
    return found


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def stored() -> Connection:
    return create_connection(provider="acme", api_key=KEY, model="m1")


def test_a_stored_connection_is_tried_as_it_is(stored: Connection) -> None:
    target = trials.target_for(stored)
    assert (target.api_key, target.model) == (KEY, "m1")
    assert target.base_url == "https://api.acme.example/v1"
    assert target.fields == {"region": "eu"}
    assert (target.connection, target.revision) == (str(stored.pk), stored.revision)
    assert KEY not in repr(target)


def test_a_changed_model_keeps_the_key_and_is_no_longer_the_stored_connection(
    stored: Connection,
) -> None:
    target = trials.target_for(stored, model="m2", timeout=3)
    assert (target.api_key, target.model, target.timeout) == (KEY, "m2", 3.0)
    assert (target.connection, target.revision) == ("", "")
    assert trials.target_for(stored, model="m1").connection == str(stored.pk)


@pytest.mark.parametrize(
    "base_url",
    [
        ELSEWHERE,
        "http://api.acme.example/v1",
        "https://api.acme.example:8443/v1",
        "https://api.acme.example.evil.example/v1",
    ],
)
def test_another_origin_never_gets_the_stored_key(base_url: str, stored: Connection) -> None:
    with pytest.raises(FieldError) as caught:
        trials.target_for(stored, base_url=base_url)
    assert caught.value.field == "api_key"
    assert KEY not in str(caught.value)
    target = trials.target_for(stored, base_url=base_url, api_key=TYPED)
    assert (target.api_key, target.base_url) == (TYPED, base_url)
    stored.refresh_from_db()
    assert trials.target_for(stored).api_key == KEY, "nothing is written"


def test_another_provider_never_gets_the_stored_key(stored: Connection) -> None:
    cases: list[dict[str, Any]] = [{}, {"base_url": ELSEWHERE}]
    for more in cases:
        with pytest.raises(FieldError):
            trials.target_for(stored, provider="any_where", **more)


def test_another_path_at_the_same_origin_gets_it(stored: Connection) -> None:
    target = trials.target_for(stored, base_url="https://api.acme.example/v2")
    assert target.api_key == KEY


def test_the_provider_s_key_goes_to_the_provider_s_address_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ACME_API_KEY", KEY)
    assert trials.target_for(None, provider="acme").api_key == KEY
    with pytest.raises(FieldError) as caught:
        trials.target_for(None, provider="acme", base_url=ELSEWHERE)
    assert caught.value.field == "api_key"


def test_an_unsaved_connection_needs_a_key_and_what_a_saved_one_needs() -> None:
    with pytest.raises(FieldError) as caught:
        trials.target_for(None, provider="acme")
    assert caught.value.field == "api_key"
    assert trials.target_for(None, provider="acme", api_key=TYPED).api_key == TYPED
    cases: list[tuple[str, dict[str, Any]]] = [
        ("provider", {}),
        ("provider", {"provider": "nobody", "api_key": TYPED}),
        ("base_url", {"provider": "any_where", "api_key": TYPED}),
        ("timeout", {"provider": "acme", "api_key": TYPED, "timeout": -1}),
        ("api_key", {"provider": "acme", "api_key": EnvironmentKey("HOME")}),
    ]
    for name, given in cases:
        with pytest.raises(FieldError) as refused:
            trials.target_for(None, **given)
        assert refused.value.field == name
    assert not Connection.objects.exists()


def test_a_key_that_is_unreadable_is_said_and_not_sent(stored: Connection) -> None:
    Connection.objects.update(api_key_origin="https://elsewhere.example:443")
    stored.refresh_from_db()
    with pytest.raises(FieldError) as caught:
        trials.target_for(stored)
    assert caught.value.field == "api_key"


def test_models_are_asked_for_once_per_revision(probe: Probe, stored: Connection) -> None:
    assert trials.models_of_connection(stored) == [ModelEntry("m", "Em")]
    assert trials.models_of_connection(stored) == [ModelEntry("m", "Em")]
    assert len(probe.asked) == 1
    trials.models_of_connection(stored, refresh=True)
    assert len(probe.asked) == 2
    probe.listed = [ModelEntry("other")]
    changed = update_connection(stored, model="m2").connection
    assert trials.models_of_connection(changed) == [ModelEntry("other")]


def test_a_former_list_stands_in_while_the_provider_is_away(
    probe: Probe, stored: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials.models_of_connection(stored)
    monkeypatch.setattr(trials, "MODELS_FRESH", 0)
    probe.listed = []
    assert trials.models_of_connection(stored) == [ModelEntry("m", "Em")]
    with pytest.raises(ProbeFailed):
        trials.models_of_connection(stored, refresh=True)
    cache.clear()
    with pytest.raises(ProbeFailed):
        trials.models_of_connection(stored)


def test_a_connector_without_a_probe_says_so(stored: Connection) -> None:
    with pytest.raises(FieldError, match="no probe"):
        trials.models_of(trials.target_for(stored))


def test_a_variable_is_tried_at_its_providers_own_address_only(
    stored: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = EnvironmentKey("ACME_API_KEY_TWO")
    with pytest.raises(FieldError, match="is not set"):
        trials.target_for(None, provider="acme", api_key=named)
    monkeypatch.setenv("ACME_API_KEY_TWO", TYPED)
    assert trials.target_for(None, provider="acme", api_key=named).api_key == TYPED
    assert trials.target_for(stored, api_key=named).api_key == TYPED
    with pytest.raises(FieldError, match="own address only"):
        trials.target_for(stored, base_url=ELSEWHERE, api_key=named)
    stored.refresh_from_db()
    assert stored.api_key_env == ""
