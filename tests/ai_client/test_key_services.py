"""Gateway keys as they are stored: who may call, and that requests hear of every change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import override_settings

from ai_client import key_services
from ai_client.connections import load
from ai_client.errors import AuthenticationFailed
from ai_client.gateway_keys import authenticate
from ai_client.models import GatewayKey
from connectors.signals import configuration_changed

NOW = 1_780_000_000.0
UNREADABLE = [
    "x\r\ny",
    "x\x1b[2J",
    "x\x85y",
    "x\u2028y",
    "x\u2029y",
    "x\u202ey",
    "x\u2066y",
    "x\ud800",
]
READABLE = [
    "Équipe\u00a0: prod",
    "製品\u3000部",
    "نمی\u200cشود",
    "👨\u200d👩\u200d👧 home",
    "שלום\u200f!",
]


@pytest.fixture
def versions() -> Iterator[list[int]]:
    """The configuration versions that were announced."""
    heard: list[int] = []

    def listen(version: int, **_: Any) -> None:
        heard.append(version)

    configuration_changed.connect(listen)
    yield heard
    configuration_changed.disconnect(listen)


def let_in(plain: str, now: float = NOW) -> str:
    """The name of the key with which a request of ``plain`` gets in."""
    headers = [("authorization", f"Bearer {plain}")]
    keys = load().gateway_keys
    return authenticate(headers, keys, key_services.peppers(), now).name


@pytest.mark.django_db
def test_a_new_key_opens_the_gateway() -> None:
    key, plain = key_services.create_gateway_key("alice")
    assert let_in(plain) == "alice"
    (config,) = load().gateway_keys.values()
    assert (config.id, config.prefix) == (key.pk, plain[:11])
    assert config.allow_fallback
    assert config.expires_at is None


@pytest.mark.django_db
def test_the_database_does_not_hold_the_key() -> None:
    key, plain = key_services.create_gateway_key("alice")
    key.refresh_from_db()
    stored = " ".join(str(getattr(key, field.attname)) for field in key._meta.concrete_fields)
    assert plain not in stored
    assert plain[11:].encode() not in bytes(key.digest)
    assert len(bytes(key.digest)) == 32


@pytest.mark.django_db
def test_rights_and_expiry_reach_the_requests() -> None:
    end = datetime.now(UTC) + timedelta(hours=1)
    _, plain = key_services.create_gateway_key("bob", allow_fallback=False, expires_at=end)
    (config,) = load().gateway_keys.values()
    assert not config.allow_fallback
    assert let_in(plain, end.timestamp() - 1) == "bob"
    with pytest.raises(AuthenticationFailed, match="expired"):
        let_in(plain, end.timestamp())


@pytest.mark.django_db
def test_a_revoked_key_opens_nothing() -> None:
    key, plain = key_services.create_gateway_key("charlie")
    key_services.revoke_gateway_key(key)
    with pytest.raises(AuthenticationFailed):
        let_in(plain)
    assert GatewayKey.objects.get(pk=key.pk).enabled is False


@pytest.mark.django_db
def test_a_deleted_key_opens_nothing() -> None:
    key, plain = key_services.create_gateway_key("charlie")
    key_services.delete_gateway_key(key)
    with pytest.raises(AuthenticationFailed):
        let_in(plain)


@pytest.mark.django_db
def test_a_key_keeps_working_when_the_secret_key_is_rotated() -> None:
    with override_settings(SECRET_KEY="old-secret", SECRET_KEY_FALLBACKS=[]):
        _, plain = key_services.create_gateway_key("alice")
    with override_settings(SECRET_KEY="new-secret", SECRET_KEY_FALLBACKS=["old-secret"]):
        assert let_in(plain) == "alice"
        _, newer = key_services.create_gateway_key("bob")
    with override_settings(SECRET_KEY="new-secret", SECRET_KEY_FALLBACKS=[]):
        assert let_in(newer) == "bob"
        with pytest.raises(AuthenticationFailed):
            let_in(plain)


@pytest.mark.django_db(transaction=True)
def test_every_write_moves_the_configuration(versions: list[int]) -> None:
    key, _ = key_services.create_gateway_key("alice")
    key.name = "anna"
    key_services.save_gateway_key(key)
    key_services.revoke_gateway_key(key)
    key_services.delete_gateway_key(key)
    assert len(versions) == 4
    assert versions == sorted(set(versions))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["", "alice", "n" * 101, "x\x00", *UNREADABLE])
def test_a_name_that_is_missing_taken_too_long_or_no_line_makes_no_key(
    name: str, versions: list[int]
) -> None:
    key_services.create_gateway_key("alice")
    versions.clear()
    with pytest.raises(ValidationError) as caught:
        key_services.create_gateway_key(name)
    assert "name" in caught.value.message_dict
    assert versions == []
    assert GatewayKey.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", READABLE)
def test_names_of_all_scripts_are_taken_and_kept(name: str) -> None:
    key, plain = key_services.create_gateway_key(name, caller=name)
    key_services.update_gateway_key(key, budget_per_day=Decimal(1))
    assert let_in(plain) == name


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["name", "caller"])
@pytest.mark.parametrize("old", ["x\ny", "x\u202ey"])
def test_a_name_from_former_times_stays_until_it_is_changed(field: str, old: str) -> None:
    key, _ = key_services.create_gateway_key("alice")
    GatewayKey.objects.update(**{field: old})
    key.refresh_from_db()
    key_services.update_gateway_key(key, budget_per_day=Decimal(1))
    key.refresh_from_db()
    assert (getattr(key, field), key.budget_per_day) == (old, Decimal(1))
    setattr(key, field, f"{old}!")
    with pytest.raises(ValidationError) as caught:
        key_services.save_gateway_key(key)
    assert list(caught.value.message_dict) == [field]


@pytest.mark.django_db
@pytest.mark.parametrize("caller", UNREADABLE)
def test_a_caller_is_one_line(caller: str) -> None:
    with pytest.raises(ValidationError) as caught:
        key_services.create_gateway_key("alice", caller=caller)
    assert list(caught.value.message_dict) == ["caller"]


@pytest.mark.django_db
def test_a_key_that_would_have_expired_is_not_made() -> None:
    with pytest.raises(ValidationError) as caught:
        key_services.create_gateway_key("late", expires_at=datetime.now(UTC))
    assert "expires_at" in caught.value.message_dict


@pytest.mark.django_db
def test_changing_a_key_keeps_what_it_is() -> None:
    key, plain = key_services.create_gateway_key("alice")
    key.name, key.digest, key.prefix = "anna", b"other", "kn_other"
    key_services.save_gateway_key(key)
    assert let_in(plain) == "anna"
