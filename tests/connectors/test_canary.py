"""A key goes in, and is looked for on every surface that it could come out of."""

from __future__ import annotations

import io
import logging
import secrets
import sys
import traceback
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from connectors import crypto, services
from connectors.credentials import key_binding, resolve
from connectors.errors import ConnectorError
from connectors.models import Connection, Option
from connectors.services import create_connection, set_option, update_connection
from connectors.services.declarations import parse
from connectors.services.planning import plan
from connectors.values import EnvironmentKey

pytestmark = pytest.mark.django_db

KEY = "sk-canary-abcdefghijklmnop1234"
UNSEEN = secrets.token_hex()  # in no source line that a report could quote


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setenv("MY_ACME_KEY", KEY)
    monkeypatch.setenv("ACME_API_KEY", KEY)
    set_option("connectors_ai_acme_api_key", KEY)
    return create_connection(name="primary", provider="acme", api_key=KEY)


def test_values_do_not_show_it(connection: Connection) -> None:
    named = create_connection(provider="acme", api_key=EnvironmentKey("MY_ACME_KEY"))
    keyless = create_connection(provider="acme")
    option = Option.objects.get()
    envelope = connection.api_key_encrypted
    shown = [
        *(show(row) for row in (connection, option) for show in (str, repr)),
        *(repr(resolve(each)) for each in (connection, named, keyless)),
        repr(plan(connection, {"api_key": KEY + "5"}, "default")),
        repr(update_connection(connection, api_key=KEY + "6")),
        repr(parse([{"provider": "acme", "api_key": KEY}])),
        repr(services.apply_connections([{"provider": "acme", "api_key": KEY}])),
        repr(key_binding(connection)),
    ]
    for text in shown:
        assert "sk-canary" not in text
        assert envelope not in text


def test_dumps_and_exports_hold_only_the_envelope(connection: Connection) -> None:
    for command in ("dumpdata", "export_connections"):
        out = io.StringIO()
        call_command(command, *(["connectors"] if command == "dumpdata" else []), stdout=out)
        assert "primary" in out.getvalue()
        assert KEY not in out.getvalue()


def test_a_dump_loads_into_the_same_readable_row(connection: Connection) -> None:
    out = io.StringIO()
    call_command("dumpdata", "connectors", stdout=out)
    Connection.objects.all().delete()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(out.getvalue()))
        call_command("loaddata", "--format", "json", "-", stdout=io.StringIO())
    restored = Connection.objects.get()
    assert crypto.decrypt(restored.api_key_encrypted, key_binding(restored)) == KEY


def test_no_error_and_no_traceback_holds_it(
    connection: Connection, ring: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    def refusals() -> list[Callable[[], object]]:
        entry = {"provider": "acme", "api_key": KEY}
        return [
            lambda: create_connection(provider="acne", api_key=KEY),
            lambda: create_connection(provider="acme", api_key=KEY + "é"),
            lambda: create_connection(provider="acme", api_key=KEY, timeout=0),
            lambda: update_connection(connection, api_key=KEY + "\x00"),
            lambda: services.apply_connections([{**entry, "timeout": 0}]),
            lambda: services.apply_connections([{**entry, "modle": "m"}]),
            lambda: set_option("connectors_ai_acme_api_key", KEY + "é"),
        ]

    with caplog.at_level(logging.DEBUG):
        for refusal in refusals():
            with pytest.raises(ConnectorError) as caught:
                refusal()
            error = caught.value
            shown = "".join(traceback.format_exception(error))
            assert KEY not in shown
            assert KEY not in f"{error.args} {error.message} {error.field}"
    assert KEY not in caplog.text


def test_an_error_report_by_mail_does_not_hold_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report shows the local variables of every frame."""

    def fails(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(Connection, "save", fails)
    request = RequestFactory().post("/")
    calls: list[Callable[[], object]] = [
        lambda: create_connection(provider="acme", api_key=UNSEEN),
        lambda: update_connection(connection, api_key=UNSEEN),
        lambda: services.apply_connections([{"provider": "acme", "api_key": UNSEEN}]),
    ]
    for call in calls:
        try:
            call()
        except RuntimeError:
            report = ExceptionReporter(request, *sys.exc_info()).get_traceback_html()
        assert "the database went away" in report
        assert UNSEEN not in report


def test_a_command_that_fails_does_not_quote_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("file") / "connections.json"
    for text in (
        f'{{"connections": [{{"provider": "acme", "api_key": "{KEY}é"}}]}}',
        f'{{"connections": [{{"provider": "acme", "api_key": "{KEY}", }}]}}]',
        f"connections: [{{provider: acme, api_key: {KEY}: x}}",
    ):
        file.write_text(text)
        err = io.StringIO()
        with pytest.raises(CommandError) as caught:
            call_command("apply_connections", str(file), stdout=err, stderr=err)
        assert KEY not in str(caught.value) + err.getvalue()
