"""A deleted connection can be brought back, and only as it was."""

from __future__ import annotations

import pytest

from connectors.credentials import Credential, Unreadable, resolve
from connectors.errors import ConnectionMissing, ConnectorError, NameTaken
from connectors.models import ConfigurationVersion, Connection
from connectors.services import create_connection
from connectors.services.undoing import delete_with_memory, restore_connection

pytestmark = pytest.mark.django_db

KEY = "sk-canary-abcdefghijklmnop1234"


def test_a_connection_comes_back_as_it_was_with_a_new_revision() -> None:
    row = create_connection(name="a", provider="acme", api_key=KEY, models=["m"], priority=7)
    memory = delete_with_memory(row.pk)
    assert KEY not in memory
    version = ConfigurationVersion.current()
    back = restore_connection(memory)
    assert ConfigurationVersion.current() == version + 1
    stored = Connection.objects.get()
    assert (stored.pk, stored.name, stored.models, stored.priority) == (row.pk, "a", ["m"], 7)
    assert stored.revision == back.revision != row.revision
    found = resolve(stored).credential
    assert isinstance(found, Credential)
    assert found.value == KEY


def test_a_memory_that_was_altered_yields_no_key() -> None:
    row = create_connection(name="a", provider="acme", api_key=KEY)
    memory = delete_with_memory(row.pk)
    altered = memory.replace('"base_url": ""', '"base_url": "https://evil.example/v1"')
    assert altered != memory
    restore_connection(altered.replace("api.acme.example", "evil.example"))
    assert isinstance(resolve(Connection.objects.get()).credential, Unreadable)


def test_what_cannot_come_back_is_said() -> None:
    row = create_connection(name="a", provider="acme")
    memory = delete_with_memory(row.pk)
    with pytest.raises(ConnectionMissing):
        delete_with_memory(row.pk)
    create_connection(name="A", provider="acme")
    with pytest.raises(NameTaken):
        restore_connection(memory)
    Connection.objects.all().delete()
    restore_connection(memory)
    with pytest.raises(ConnectorError, match="there already"):
        restore_connection(memory)
    for unreadable in ("", "{", "[]", '[{"model": "auth.user", "pk": 1, "fields": {}}]'):
        with pytest.raises(ConnectorError):
            restore_connection(unreadable)
