"""Writing connections: the rules, the version, the revision, the key."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from connectors.credentials import Credential, resolve
from connectors.errors import (
    ConnectionMissing,
    ConnectorError,
    FieldError,
    InvalidBaseUrl,
    NameTaken,
    UnknownField,
    UnknownProvider,
)
from connectors.masking import mask
from connectors.models import ConfigurationVersion, Connection
from connectors.registry import registry
from connectors.services import (
    ConnectionValues,
    bump_version,
    create_connection,
    delete_connection,
    rehearsal,
    reorder_connections,
    set_connection_enabled,
    update_connection,
)
from connectors.signals import configuration_changed
from connectors.values import UNSET, ConnectorType, EnvironmentKey
from tests.connectors.conftest import ACME

pytestmark = pytest.mark.django_db

KEY = "sk-live-abcdefghijklmnop1234"
ELSEWHERE = "https://elsewhere.example/v1"


def key_of(connection: Connection) -> str:
    found = resolve(Connection.objects.get(pk=connection.pk)).credential
    assert isinstance(found, Credential)
    return found.value


def test_a_new_connection_has_defaults_and_comes_last(settings: Settings) -> None:
    first = create_connection(provider="acme", priority=7)
    second = create_connection(provider="acme")
    assert (second.priority, second.timeout, second.enabled) == (8, 60.0, True)
    assert (second.model, second.models, second.base_url, second.fields) == ("", [], "", {})
    assert list(Connection.objects.all()) == [first, second]
    settings.CONNECTORS = {"DEFAULT_TIMEOUT": 5}
    assert create_connection(provider="acme").timeout == 5.0


def test_values_are_brought_to_one_form() -> None:
    connection = create_connection(
        name=" Primary-1 ",
        provider="acme",
        base_url="HTTPS://Elsewhere.Example:443/v1/",
        model=" m1 ",
        models=["m2", " m3", "m2"],
        timeout=10,
        enabled=False,
        fields={"region": "us", "retries": ""},
    )
    connection.refresh_from_db()
    assert connection.name == "Primary-1"
    assert connection.base_url == ELSEWHERE
    assert connection.model == "m1"
    assert connection.models == ["m2", "m3"]
    assert connection.timeout == 10.0
    assert connection.enabled is False
    assert connection.fields == {"region": "us"}


def test_a_blank_name_is_made_from_the_provider() -> None:
    base_url = "http://127.0.0.1:1"
    names = [create_connection(provider="any_where", base_url=base_url).name for _ in range(3)]
    assert names == ["any-where", "any-where-2", "any-where-3"]


@pytest.mark.parametrize(
    ("values", "error", "field"),
    [
        ({"provider": "acne"}, UnknownProvider, "provider"),
        ({"name": "with space"}, FieldError, "name"),
        ({"name": "a" * 101}, FieldError, "name"),
        ({"name": "primary"}, NameTaken, "name"),
        ({"base_url": "ftp://x"}, InvalidBaseUrl, "base_url"),
        ({"base_url": "https://x.example/" + "a" * 500}, FieldError, "base_url"),
        ({"provider": "any_where"}, InvalidBaseUrl, "base_url"),
        ({"model": "a\x00b"}, FieldError, "model"),
        ({"model": None}, FieldError, "model"),
        ({"models": "m1"}, FieldError, "models"),
        ({"models": ["m1", ""]}, FieldError, "models"),
        ({"models": [1]}, FieldError, "models"),
        ({"priority": "1"}, FieldError, "priority"),
        ({"priority": True}, FieldError, "priority"),
        ({"priority": 2**31}, FieldError, "priority"),
        ({"timeout": 0}, FieldError, "timeout"),
        ({"timeout": 600.5}, FieldError, "timeout"),
        ({"timeout": float("nan")}, FieldError, "timeout"),
        ({"timeout": "10"}, FieldError, "timeout"),
        ({"timeout": True}, FieldError, "timeout"),
        ({"enabled": 1}, FieldError, "enabled"),
        ({"fields": []}, FieldError, "fields"),
        ({"fields": {"regoin": "eu"}}, UnknownField, "fields.regoin"),
        ({"fields": {"region": "asia"}}, FieldError, "fields.region"),
        ({"api_key": "sk-\nnew"}, FieldError, "api_key"),
        ({"api_key": "sk-nëw"}, FieldError, "api_key"),
        ({"api_key": "••••••••5678"}, FieldError, "api_key"),
        ({"api_key": EnvironmentKey("NOT A NAME")}, FieldError, "api_key"),
        ({"api_key": EnvironmentKey("KONEEK_ENCRYPTION_KEYS")}, FieldError, "api_key"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_written(
    values: dict[str, Any], error: type[ConnectorError], field: str
) -> None:
    existing = create_connection(name="Primary", provider="acme", api_key=KEY)
    other = create_connection(name="other", provider="acme")
    version = ConfigurationVersion.current()
    with pytest.raises(error) as created:
        create_connection(**({"provider": "acme"} | values))
    with pytest.raises(error) as updated:
        update_connection(other, **values)
    for caught in (created, updated):
        assert caught.value.field == field
        assert str(values.get("api_key") or "no key") not in caught.value.message
    assert ConfigurationVersion.current() == version
    assert list(Connection.objects.all()) == [existing, other]


def test_an_unknown_provider_is_answered_with_the_registered_ones() -> None:
    with pytest.raises(UnknownProvider, match=r"'acne'.*acme, any_where"):
        create_connection(provider="acne")


def test_a_value_that_does_not_exist_is_a_mistake_in_the_calling_code() -> None:
    with pytest.raises(TypeError, match="modle"):
        create_connection(provider="acme", modle="m1")  # type: ignore[call-arg]
    with pytest.raises(FieldError, match="provider"):
        create_connection(name="x")


def test_what_is_left_out_stays() -> None:
    connection = create_connection(
        provider="acme", model="m1", fields={"retries": 2}, api_key=KEY, timeout=5
    )
    update = update_connection(connection, priority=3)
    assert update.changed == ("priority",)
    connection.refresh_from_db()
    assert (connection.model, connection.fields, connection.timeout) == ("m1", {"retries": 2}, 5)
    assert key_of(connection) == KEY


def test_every_write_moves_the_version_and_the_revision() -> None:
    connection = create_connection(provider="acme")
    seen = [(ConfigurationVersion.current(), connection.revision)]
    for values in ({"model": "m1"}, {"api_key": KEY}, {"enabled": False}, {"api_key": None}):
        revision = update_connection(connection.pk, **values).connection.revision
        seen.append((ConfigurationVersion.current(), revision))
    assert [version for version, _ in seen] == [1, 2, 3, 4, 5]
    assert len({revision for _, revision in seen}) == 5
    assert Connection.objects.get().revision == seen[-1][1]


def test_an_update_that_changes_nothing_writes_nothing() -> None:
    connection = create_connection(provider="acme", model="m1", api_key=KEY)
    for same in (KEY, f" {KEY} ", mask(KEY), UNSET):
        update = update_connection(connection, model="m1", name=connection.name, api_key=same)
        assert update.changed == ()
    connection.refresh_from_db()
    assert connection.revision == update.connection.revision
    assert ConfigurationVersion.current() == 1
    assert key_of(connection) == KEY


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_key_is_replaced_and_cleared(nothing: str | None) -> None:
    connection = create_connection(provider="acme", api_key=KEY)
    assert update_connection(connection, api_key="sk-new").changed == ("api_key",)
    assert key_of(connection) == "sk-new"
    update = update_connection(connection, api_key=nothing)
    assert (update.changed, update.key_cleared) == (("api_key",), False)
    stored = Connection.objects.get()
    assert (stored.api_key_encrypted, stored.api_key_env, stored.api_key_origin) == ("", "", "")


def test_a_key_moves_to_a_variable_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_ACME_KEY", "my-key")
    connection = create_connection(provider="acme", api_key=KEY)
    assert update_connection(connection, api_key=EnvironmentKey("MY_ACME_KEY")).changed
    assert key_of(connection) == "my-key"
    assert not update_connection(connection, api_key=EnvironmentKey("MY_ACME_KEY")).changed
    assert update_connection(connection, api_key="MY_ACME_KEY").changed
    assert key_of(connection) == "MY_ACME_KEY"


@pytest.mark.parametrize("kept", [UNSET, mask(KEY)])
def test_another_origin_costs_the_key(kept: Any) -> None:
    connection = create_connection(provider="acme", api_key=KEY)
    same_origin = update_connection(connection, base_url="https://api.acme.example/v2")
    assert (same_origin.changed, same_origin.key_cleared) == (("base_url",), False)
    assert key_of(connection) == KEY
    moved = update_connection(connection, base_url=ELSEWHERE, api_key=kept)
    assert (moved.changed, moved.key_cleared) == (("base_url", "api_key"), True)
    assert key_of(connection) == ""
    back = update_connection(connection, base_url="")
    assert (back.changed, back.key_cleared) == (("base_url",), False)
    assert key_of(connection) == ""


@pytest.mark.parametrize("typed", [KEY, "sk-new"])
def test_another_origin_takes_a_key_typed_in_the_same_call(typed: str) -> None:
    connection = create_connection(provider="acme", api_key=KEY)
    update = update_connection(connection, base_url=ELSEWHERE, api_key=typed)
    assert (update.changed, update.key_cleared) == (("base_url", "api_key"), False)
    assert key_of(connection) == typed


def test_the_mask_of_another_key_is_told_from_a_key() -> None:
    connection = create_connection(provider="acme", api_key=KEY)
    with pytest.raises(FieldError, match="is the mask of another key"):
        update_connection(connection, api_key=mask("sk-live-of-somebody-else"))
    assert key_of(connection) == KEY


def test_another_origin_costs_the_variable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_ACME_KEY", "my-key")
    named = EnvironmentKey("MY_ACME_KEY")
    connection = create_connection(provider="acme", api_key=named)
    assert update_connection(connection, base_url=ELSEWHERE).key_cleared
    assert key_of(connection) == ""
    assert update_connection(connection, base_url=ELSEWHERE, api_key=named).changed == ("api_key",)
    assert key_of(connection) == "my-key"


@pytest.mark.parametrize("address", ["", "https://api.acme.example/v2", "https://acme.internal/v1"])
def test_a_request_may_name_the_providers_variables_at_its_own_addresses(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_BASE_URL", "https://acme.internal")
    monkeypatch.setenv("ACME_API_KEY_TWO", "second")
    for name, value in (("ACME_API_KEY_TWO", "second"), ("ACME_API_KEY", "")):
        key = EnvironmentKey(name, by_request=True)
        assert key_of(create_connection(provider="acme", base_url=address, api_key=key)) == value


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"api_key": EnvironmentKey("MY_ACME_KEY", by_request=True)}, "must be ACME_API_KEY"),
        ({"api_key": EnvironmentKey("ACME_API_KEYS", by_request=True)}, "must be ACME_API_KEY"),
        ({"api_key": EnvironmentKey("acme_api_key", by_request=True)}, "must be ACME_API_KEY"),
        ({"api_key": EnvironmentKey("SECRET_KEY", by_request=True)}, "site's own SECRET_KEY"),
        (
            {"api_key": EnvironmentKey("ACME_API_KEY", by_request=True), "base_url": ELSEWHERE},
            "own address only",
        ),
    ],
)
def test_a_request_names_no_other_variable(values: dict[str, Any], why: str) -> None:
    row = create_connection(provider="acme", api_key=KEY)
    for write in (
        lambda: create_connection(**{"provider": "acme", **values}),
        lambda: update_connection(row, **values),
    ):
        with pytest.raises(FieldError, match=why) as refused:
            write()
        assert refused.value.field == "api_key"
        assert "MY_ACME_KEY" not in refused.value.message
    assert key_of(row) == KEY


def test_a_variable_that_was_declared_on_the_server_stays_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_ACME_KEY", "my-key")
    row = create_connection(
        provider="acme", base_url=ELSEWHERE, api_key=EnvironmentKey("MY_ACME_KEY")
    )
    again = EnvironmentKey("MY_ACME_KEY", by_request=True)
    assert update_connection(row, api_key=again).changed == ()
    assert key_of(row) == "my-key"
    with pytest.raises(FieldError):
        update_connection(row, api_key=again, base_url="https://evil.example")
    Connection.objects.update(api_key_env="SOME_OTHER")
    with pytest.raises(FieldError):
        update_connection(row, api_key=again)
    Connection.objects.update(api_key_encrypted="unreadable", api_key_env="MY_ACME_KEY")
    with pytest.raises(FieldError):
        update_connection(row, api_key=again)


def test_a_row_that_was_moved_by_hand_loses_its_key_at_the_next_write() -> None:
    connection = create_connection(provider="acme", api_key=KEY)
    Connection.objects.update(base_url=ELSEWHERE)
    assert update_connection(connection, model="m1").key_cleared
    assert Connection.objects.get().api_key_encrypted == ""


def test_another_provider_keeps_the_fields_that_it_knows() -> None:
    connection = create_connection(provider="acme", api_key=KEY, fields={"region": "us"})
    update = update_connection(connection, provider="any_where", base_url=ELSEWHERE)
    assert update.connection.fields == {}
    assert update.key_cleared


def test_a_connection_of_a_provider_that_went_away_can_be_switched_off_and_removed() -> None:
    connection = create_connection(provider="acme", api_key=KEY, fields={"region": "us"})
    registry.unregister("acme")
    update = set_connection_enabled(connection, False)
    assert update.changed == ("enabled",)
    given: list[ConnectionValues] = [
        {"base_url": ELSEWHERE},
        {"fields": {}},
        {"api_key": "sk-new"},
    ]
    for values in given:
        with pytest.raises(UnknownProvider):
            update_connection(connection, **values)
    update_connection(connection, api_key=None)
    delete_connection(connection)
    assert not Connection.objects.exists()


def test_a_connection_whose_address_broke_can_be_switched_off_and_repaired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = create_connection(provider="acme", api_key=KEY)
    monkeypatch.setenv("ACME_BASE_URL", "no address")
    assert set_connection_enabled(connection, False).changed == ("enabled",)
    with pytest.raises(InvalidBaseUrl, match="ACME_BASE_URL"):
        update_connection(connection, api_key="sk-new")
    Connection.objects.update(base_url="ftp://nowhere")
    assert set_connection_enabled(connection, True).changed == ("enabled",)
    update = update_connection(connection, base_url="https://api.acme.example/v1")
    assert update.changed == ("base_url",)
    assert key_of(connection) == KEY


def test_an_unreadable_key_can_be_replaced_and_cleared() -> None:
    for key in ("sk-new", None):
        connection = create_connection(provider="acme", api_key=KEY)
        Connection.objects.filter(pk=connection.pk).update(api_key_encrypted="kn1$gone$AAAA")
        assert not update_connection(connection, api_key=UNSET).changed
        assert update_connection(connection, api_key=key).changed == ("api_key",)
        assert key_of(connection) == (key or "")


def test_the_order_is_written_at_once() -> None:
    ids = [create_connection(provider="acme").pk for _ in range(4)]
    before = {each.pk: each.revision for each in Connection.objects.all()}
    wanted = [ids[0], ids[3], ids[2], ids[1]]
    reorder_connections(wanted)
    after = list(Connection.objects.all())
    assert [each.pk for each in after] == wanted
    assert [each.priority for each in after] == [1, 2, 3, 4]
    assert {each.pk: each.revision for each in after} == before
    assert ConfigurationVersion.current() == 5
    reorder_connections([str(pk) for pk in wanted])
    assert ConfigurationVersion.current() == 5


@pytest.mark.parametrize("change", ["missing", "twice", "stranger"])
def test_an_order_made_from_another_list_is_refused(change: str) -> None:
    ids: list[Any] = [create_connection(provider="acme").pk for _ in range(3)]
    outdated = {
        "missing": ids[1:],
        "twice": [*ids, ids[0]],
        "stranger": [*ids[1:], uuid.uuid4()],
    }[change]
    with pytest.raises(ConnectorError, match="exactly once") as caught:
        reorder_connections(outdated[::-1])
    assert caught.value.field == "order"
    assert [each.pk for each in Connection.objects.all()] == ids


@pytest.mark.parametrize("missing", [uuid.uuid4(), "no-uuid"])
def test_a_connection_that_is_gone_is_said_to_be(missing: Any) -> None:
    with pytest.raises(ConnectionMissing):
        update_connection(missing, model="m1")
    with pytest.raises(ConnectionMissing):
        delete_connection(missing)


def test_the_change_is_announced_after_the_commit_and_only_then(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    heard: list[int] = []

    def listen(version: int, **kwargs: Any) -> None:
        heard.append(version)

    def fails(**kwargs: Any) -> None:
        raise RuntimeError("a listener of another app")

    configuration_changed.connect(fails)
    configuration_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            create_connection(provider="acme")
            bump_version()
            assert heard == []
        assert heard == [1, 2]
        with django_capture_on_commit_callbacks(execute=True), rehearsal():
            create_connection(provider="acme")
        assert heard == [1, 2]
    finally:
        configuration_changed.disconnect(listen)
        configuration_changed.disconnect(fails)
    assert ConfigurationVersion.current() == 2
    assert Connection.objects.count() == 1


def test_the_database_holds_the_rules_too() -> None:
    create_connection(name="primary", provider="acme")
    for values in ({"name": "primary"}, {"timeout": 0.0}, {"timeout": 601.0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Connection.objects.create(**({"name": "other", "provider": "acme"} | values))
    with pytest.raises(IntegrityError), transaction.atomic():
        ConfigurationVersion.objects.create(pk=2)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_follow_each_other() -> None:
    def write(number: int) -> str:
        try:
            return create_connection(provider="acme", model=f"m{number}").name
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(write, range(12)))
    assert names == {"acme", *(f"acme-{number}" for number in range(2, 13))}
    assert [each.priority for each in Connection.objects.all()] == list(range(1, 13))
    assert ConfigurationVersion.current() == 12


@pytest.mark.parametrize(
    ("connector", "says"),
    [
        (ConnectorType(slug="gone", name="Gone", is_active=lambda: False), "not in use"),
        (ConnectorType(slug="pair", name="Pair", method="application_password"), "user name"),
    ],
    ids=["inactive", "application-password"],
)
def test_what_no_connection_can_be_made_of_is_refused(connector: ConnectorType, says: str) -> None:
    registry.register(connector)
    try:
        with pytest.raises(FieldError, match=says) as refused:
            create_connection(provider=connector.slug, base_url="https://any.example")
        assert refused.value.field == "provider"
    finally:
        registry.unregister(connector.slug)


def test_a_connection_rests_while_the_app_of_its_connector_is_not_active() -> None:
    connection = create_connection(provider="acme", api_key=KEY)
    registry.amend(replace(ACME, is_active=lambda: False))
    assert "not in use" in resolve(connection).unusable
    registry.amend(ACME)
    assert not resolve(connection).unusable
