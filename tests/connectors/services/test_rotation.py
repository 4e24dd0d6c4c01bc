"""Rotation: all secrets under the first key, in batches, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors import crypto
from connectors.credentials import Credential, resolve
from connectors.models import ConfigurationVersion, Connection, Option
from connectors.services import create_connection, get_option, rotate_keys, set_option
from connectors.values import EnvironmentKey

pytestmark = pytest.mark.django_db

OLD, NEW = "A" * 42 + "E", "B" * 42 + "E"


@pytest.fixture
def stored(ring: Callable[..., None]) -> None:
    """Three keys of connections, a variable, an option, under OLD; then NEW stands first."""
    ring(OLD)
    for number in range(3):
        create_connection(provider="acme", api_key=f"sk-{number}")
    create_connection(provider="acme", api_key=EnvironmentKey("MY_ACME_KEY"))
    create_connection(provider="acme")
    set_option("token", "secret", encrypted=True)
    set_option("plain", "text")
    ring(NEW, OLD)


def keys() -> list[str]:
    found = [resolve(each).credential for each in Connection.objects.all()]
    return [each.value for each in found if isinstance(each, Credential)]


def test_all_secrets_move_and_stay_what_they_were(
    stored: None, ring: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_ACME_KEY", "my-key")
    revisions = list(Connection.objects.values_list("revision", "updated"))
    version = ConfigurationVersion.current()
    rotation = rotate_keys()
    assert (rotation.rotated, rotation.remaining, rotation.unreadable) == (5, 0, ())
    assert ConfigurationVersion.current() == version + 1
    assert list(Connection.objects.values_list("revision", "updated")) == revisions
    ring(NEW)
    assert keys() == ["sk-0", "sk-1", "sk-2", "my-key", ""]
    assert (get_option("token"), get_option("plain")) == ("secret", "text")
    assert rotate_keys().rotated == 0
    assert ConfigurationVersion.current() == version + 1


def test_batches_add_up(stored: None) -> None:
    done = [rotate_keys(2) for _ in range(4)]
    assert [(batch.rotated, batch.remaining) for batch in done] == [(2, 3), (2, 1), (1, 0), (0, 0)]


def test_an_interruption_loses_nothing_and_the_rest_follows(
    stored: None, ring: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate_keys(2)
    written = list(Connection.objects.values_list("api_key_encrypted", flat=True))

    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Option, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            rotate_keys()
    assert list(Connection.objects.values_list("api_key_encrypted", flat=True)) == written
    assert rotate_keys().remaining == 0
    ring(NEW)
    assert keys()[:3] == ["sk-0", "sk-1", "sk-2"]


def test_what_cannot_be_read_is_named_and_does_not_stop_the_others(stored: None) -> None:
    first = Connection.objects.first()
    assert first is not None
    Connection.objects.filter(pk=first.pk).update(base_url="https://elsewhere.example")
    Connection.objects.filter(pk=first.pk).update(api_key_origin="https://elsewhere.example:443")
    rotation = rotate_keys()
    assert (rotation.rotated, rotation.remaining) == (4, 1)
    assert rotation.unreadable == (f"connection {first.name}",)
    first.refresh_from_db()
    assert crypto.needs_rotation(first.api_key_encrypted)


def test_keys_made_from_secret_key_move_into_the_ring(ring: Callable[..., None]) -> None:
    create_connection(provider="acme", api_key="sk-0")
    ring(NEW)
    assert rotate_keys().rotated == 1
    assert (
        Connection.objects.get().api_key_encrypted.split("$")[1] == crypto.current_ring().keys[0].id
    )
