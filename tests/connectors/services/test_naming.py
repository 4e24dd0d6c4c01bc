"""Option names: given to a connection once, found again, and nobody else's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from connectors.errors import DeclarationError, FieldError
from connectors.models import Connection
from connectors.services import (
    apply_connections,
    connection_of_option,
    create_connection,
    declarations,
    delete_connection,
    update_connection,
)
from connectors.services.importing import import_wordpress
from connectors.services.undoing import delete_with_memory, restore_connection

pytestmark = pytest.mark.django_db

KEY = "sk-plain-0123456789"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def option_of(name: str) -> str:
    return Connection.objects.get(name=name).option_name


def test_a_name_stays_when_others_go_and_when_the_connection_is_renamed() -> None:
    first, second, third = (create_connection(provider="acme") for _ in range(3))
    assert third.option_name == "koneek_api_key_acme_3"
    delete_connection(first)
    assert option_of(second.name) == "koneek_api_key_acme_2"
    update_connection(third, name="work", provider="any_where", base_url="https://any.example")
    assert option_of("work") == "koneek_api_key_acme_3"
    assert create_connection(provider="acme").option_name == "koneek_api_key_acme"


def test_a_renamed_connection_keeps_its_option_from_a_newer_one_of_its_name() -> None:
    update_connection(create_connection(name="lab", provider="acme"), name="work")
    assert create_connection(name="lab", provider="acme").option_name == (
        "koneek_api_key_acme_lab_2"
    )
    assert option_of("work") == "koneek_api_key_acme_lab"


@pytest.mark.parametrize("option_name", ["koneek_api_key_acme", ""])
def test_the_database_takes_no_name_twice_and_none_that_is_blank(option_name: str) -> None:
    create_connection(provider="acme")
    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.create(name="raw", provider="acme", option_name=option_name)


def test_a_connection_is_found_by_its_option() -> None:
    made = create_connection(name="Work", provider="acme")
    assert connection_of_option("koneek_api_key_acme_work") == made
    for other in ("Work", "koneek_api_key_acme", "", "koneek_api_key_\0", "KONEEK_API_KEY_ACME"):
        assert connection_of_option(other) is None


def test_undoing_a_deletion_brings_the_name_back() -> None:
    create_connection(provider="acme")
    second = create_connection(provider="acme")
    memory = delete_with_memory(second.pk)
    update_connection(create_connection(name="c", provider="acme"), name="d")
    assert restore_connection(memory).option_name == "koneek_api_key_acme_2"
    assert option_of("acme-2") == "koneek_api_key_acme_2"


def test_undoing_takes_no_name_from_a_newer_connection() -> None:
    memory = delete_with_memory(create_connection(name="lab", provider="acme").pk)
    update_connection(create_connection(name="lab", provider="acme"), name="newer")
    restore_connection(memory)
    assert option_of("newer") == "koneek_api_key_acme_lab"
    assert option_of("lab") == "koneek_api_key_acme_lab_2"


def test_what_was_deleted_before_names_were_kept_gets_one() -> None:
    memory = delete_with_memory(create_connection(provider="acme").pk)
    assert '"option_name": "koneek_api_key_acme", ' in memory
    restore_connection(memory.replace('"option_name": "koneek_api_key_acme", ', ""))
    assert option_of("acme") == "koneek_api_key_acme"


def test_an_import_keeps_the_names_of_the_export() -> None:
    document = {"koneek_api_key_acme": KEY, "koneek_api_key_acme_lab_2": KEY}
    import_wordpress(document)
    assert (option_of("acme"), option_of("lab-2")) == tuple(document)
    update_connection(Connection.objects.get(name="lab-2"), name="work")
    report = import_wordpress(document)
    made = next(each for each in report.connections if each.action == "created")
    assert (made.name, option_of("lab-2")) == ("lab-2", "koneek_api_key_acme_lab-2")
    assert made.note == "Its option name is koneek_api_key_acme_lab-2."
    assert option_of("work") == "koneek_api_key_acme_lab_2"


def test_an_export_brings_the_names_to_another_site() -> None:
    create_connection(name="lab", provider="acme")
    update_connection(Connection.objects.get(), name="work")
    document = declarations.dump(list(Connection.objects.all()))
    Connection.objects.all().delete()
    (made,) = apply_connections(document["connections"]).connections
    assert option_of("work") == "koneek_api_key_acme_lab"
    assert "option" not in made.note


def test_a_file_renames_no_option_and_takes_none_that_is_taken() -> None:
    create_connection(provider="acme")
    entry: dict[str, Any] = {"provider": "acme", "option_name": "koneek_api_key_acme"}
    (made,) = apply_connections([{**entry, "name": "new"}]).connections
    assert option_of("new") == "koneek_api_key_acme_new"
    assert made.note.endswith("Its option name is koneek_api_key_acme_new.")
    (same,) = apply_connections(
        [{**entry, "name": "new", "option_name": "koneek_api_key_other"}]
    ).connections
    assert (same.action, option_of("new")) == ("unchanged", "koneek_api_key_acme_new")
    assert "koneek_api_key_acme_new" in same.note


@pytest.mark.parametrize("wrong", ["acme", "koneek_api_key_", "koneek_api_key_a b", 5])
def test_what_is_no_option_name_is_refused_with_its_place(wrong: object) -> None:
    with pytest.raises(DeclarationError) as caught:
        apply_connections([{"provider": "acme", "option_name": wrong}])
    assert caught.value.field == "connections[0].option_name"
    assert not Connection.objects.exists()


def test_code_that_asks_for_no_option_name_is_told_so() -> None:
    with pytest.raises(FieldError) as caught:
        create_connection(provider="acme", option_name="blogname")
    assert caught.value.field == "option_name"


@pytest.mark.django_db(transaction=True)
def test_connections_made_at_the_same_time_get_names_of_their_own() -> None:
    def write(number: int) -> str:
        try:
            return create_connection(
                name=f"c{number}", provider="acme", option_name="koneek_api_key_acme_wanted"
            ).option_name
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        names = list(pool.map(write, range(18)))
    assert len(set(names)) == 18
    assert names.count("koneek_api_key_acme_wanted") == 1


@pytest.mark.django_db(transaction=True)
def test_connections_of_earlier_versions_get_the_names_that_they_were_shown_with() -> None:
    before, after = [("connectors", "0002_approvals")], [("connectors", "0003_option_names")]
    earlier = MigrationExecutor(connection)
    earlier.migrate(before)
    try:
        old = earlier.loader.project_state(before).apps.get_model("connectors", "Connection")
        for age, (provider, name) in enumerate(
            [("acme", "Lab"), ("acme", "acme-7"), ("any_where", "any-where"), ("acme", "acme")]
        ):
            row = old.objects.create(name=name, provider=provider)
            old.objects.filter(pk=row.pk).update(created=NOON - timedelta(days=age))
    finally:
        MigrationExecutor(connection).migrate(after)
    assert dict(Connection.objects.values_list("name", "option_name")) == {
        "acme": "koneek_api_key_acme",
        "any-where": "koneek_api_key_any_where",
        "acme-7": "koneek_api_key_acme_2",
        "Lab": "koneek_api_key_acme_lab",
    }
    assert create_connection(provider="acme").option_name == "koneek_api_key_acme_3"
