"""The Connectors page without JavaScript: forms, redirects, permissions, policy, few queries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.auth.models import Permission, User
from django.contrib.staticfiles import finders
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from connectors import probing
from connectors.credentials import Credential, resolve
from connectors.models import Connection
from connectors.probing import ModelEntry, ProbeFailed, Step, Target
from connectors.registry import registry
from connectors.services import create_connection, update_connection
from connectors.snippets import Snippet, register_snippets
from connectors.values import ConnectorType, Field
from tests.connectors.conftest import ACME
from tests.connectors.html_forms import as_sent

pytestmark = pytest.mark.django_db

KEY = "sk-canary-abcdefghijklmnop1234"
INDEX = "connectors_page:index"


class StandInProbe:
    """A provider that answers at once, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Target] = []

    def steps(self, target: Target) -> Iterator[Step]:
        self.asked.append(target)
        yield Step("dns", "ok", 1.2, "Found it.")
        if target.model == "gone":
            yield Step("model", "failed", 3.0, "No such model.", "Choose another.")
        if target.model == "silent":
            raise ProbeFailed("It hung up.")

    def models(self, target: Target) -> list[ModelEntry]:
        self.asked.append(target)
        if target.model == "silent":
            raise ProbeFailed("It hung up.")
        return [ModelEntry("m1", "Model One"), ModelEntry("m2")]

    def accepts_key(self, target: Target) -> bool:
        return True


@pytest.fixture
def probe(vendors: None) -> StandInProbe:
    """Acme's probe."""
    stand_in = StandInProbe()
    seam: probing.ConnectorProbe = stand_in
    registry.unregister("acme")
    registry.register(replace(ACME, probe=seam))
    return stand_in


def add(name: str = "primary", **values: Any) -> Connection:
    return create_connection(
        **{"name": name, "provider": "acme", "api_key": KEY, "model": "m1", **values}
    )


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, response.content
    text = response.content.decode()
    assert KEY not in text
    return text


def url_of(row: Connection, name: str = "connection") -> str:
    return reverse(f"connectors_page:{name}", args=[row.pk])


def as_shown(client: Client, url: str) -> dict[str, str]:
    """What a browser would send from the open form at ``url``, untouched."""
    form = client.get(url).context["editor"].form
    sent = {}
    for bound in form:
        value = bound.value()
        if value is True:
            sent[bound.name] = "on"
        elif value not in (None, False):
            sent[bound.name] = "\n".join(value) if isinstance(value, list) else str(value)
    return sent


def saved(client: Client, url: str, values: Mapping[str, str]) -> str:
    """The page after a save that went through."""
    response = client.post(url, values, follow=True)
    assert response.redirect_chain, response.context["editor"].form.errors
    text = response.content.decode()
    assert KEY not in text
    return text


def key_of(row: Connection) -> str:
    found = resolve(Connection.objects.get(pk=row.pk)).credential
    assert isinstance(found, Credential)
    return found.value


def test_an_empty_page_offers_the_providers(admin_client: Client) -> None:
    text = page(admin_client, reverse(INDEX))
    assert "No connection yet" in text
    assert f"{reverse('connectors_page:new')}?provider=acme" in text
    assert "https://acme.example/keys" in text


def test_a_hidden_connector_is_not_offered(admin_client: Client) -> None:
    registry.register(replace(ACME, slug="secret-one", name="Secret One", hidden=True))
    try:
        assert "Secret One" not in page(admin_client, reverse(INDEX))
        address = reverse("connectors_page:new") + "?provider=secret-one"
        assert admin_client.get(address).status_code == 404
    finally:
        registry.unregister("secret-one")


def test_a_connection_is_added_from_a_preset(admin_client: Client) -> None:
    url = reverse("connectors_page:new") + "?provider=acme"
    sent = as_shown(admin_client, url)
    assert sent["field-region"] == "eu"
    text = saved(
        admin_client,
        reverse("connectors_page:new"),
        sent | {"name": "first", "api_key": KEY, "model": "m1", "field-region": "us"},
    )
    row = Connection.objects.get()
    assert (row.name, row.model, row.fields) == ("first", "m1", {"region": "us"})
    assert key_of(row) == KEY
    assert "Saved first." in text


def test_what_is_wrong_stands_beside_its_field(admin_client: Client) -> None:
    sent = as_shown(admin_client, reverse("connectors_page:new") + "?provider=acme")
    sent |= {"name": "no spaces", "field-retries": "many"}
    response = admin_client.post(reverse("connectors_page:new"), sent)
    assert response.status_code == 422
    assert set(response.context["editor"].form.errors) == {"field-retries"}
    sent["field-retries"] = "3"
    response = admin_client.post(reverse("connectors_page:new"), sent)
    assert set(response.context["editor"].form.errors) == {"name"}
    assert not Connection.objects.exists()


def test_a_refusal_calls_the_field_as_its_label_does(admin_client: Client) -> None:
    sent = as_shown(admin_client, reverse("connectors_page:new") + "?provider=acme")
    sent |= {"base_url": "elsewhere.example", "api_key": KEY}
    response = admin_client.post(reverse("connectors_page:new"), sent)
    (said,) = response.context["editor"].form.errors["base_url"]
    assert said.startswith("The Base URL must")


def test_the_first_button_of_the_form_saves(admin_client: Client, probe: StandInProbe) -> None:
    for url in (reverse("connectors_page:new") + "?provider=acme", url_of(add())):
        form = page(admin_client, url).partition("data-connection-form")[2]
        button = re.search(r"<button[^>]*>[^<]*", form)
        assert button is not None
        assert "formaction" not in button[0]
        assert button[0].endswith(">Save")


def test_saving_what_is_shown_changes_nothing(admin_client: Client) -> None:
    row = add(models=["m2", "m3"], timeout=12.5, fields={"region": "us", "retries": 2})
    saved(admin_client, url_of(row), as_shown(admin_client, url_of(row)))
    assert Connection.objects.get().revision == row.revision


def test_a_key_is_shown_masked_and_a_blank_one_keeps_it(admin_client: Client) -> None:
    row = add()
    text = page(admin_client, url_of(row))
    assert "••••1234" in text
    assert "Stored here" in text
    saved(admin_client, url_of(row), as_shown(admin_client, url_of(row)) | {"model": "m9"})
    assert key_of(row) == KEY


def test_a_key_is_replaced_and_removed(admin_client: Client) -> None:
    row = add()
    shown = as_shown(admin_client, url_of(row))
    saved(admin_client, url_of(row), shown | {"api_key": "another-key-0001"})
    assert key_of(row) == "another-key-0001"
    shown = as_shown(admin_client, url_of(row))
    saved(admin_client, url_of(row), shown | {"remove_key": "on"})
    assert key_of(row) == ""


def test_another_address_costs_the_key_and_says_so(admin_client: Client) -> None:
    row = add()
    shown = as_shown(admin_client, url_of(row)) | {"base_url": "https://evil.example/v1"}
    assert "its stored key was removed" in saved(admin_client, url_of(row), shown)
    assert key_of(row) == ""


def test_another_provider_brings_its_own_fields_before_anything_is_saved(
    admin_client: Client,
) -> None:
    row = add("mover", model="m5")
    shown = as_shown(admin_client, url_of(row))
    sent = shown | {"provider": "any_where", "base_url": "https://any.example", "model": "typed"}
    response = admin_client.post(url_of(row), sent)
    assert response.status_code == 200
    assert not response.context["editor"].form.declared
    assert Connection.objects.get().provider == "acme"
    again = as_shown_in(response)
    assert again["model"] == "typed"
    saved(admin_client, url_of(row), again)
    stored = Connection.objects.get()
    assert (stored.provider, stored.fields, stored.model) == ("any_where", {}, "typed")


def as_shown_in(response: Any) -> dict[str, str]:
    form = response.context["editor"].form
    values = {bound.name: bound.value() for bound in form}
    return {
        name: "on" if value is True else str(value)
        for name, value in values.items()
        if value not in (None, False)
    }


BOXES = ConnectorType(
    slug="boxes",
    name="Boxes",
    base_url="https://boxes.example/v1",
    key_required=False,
    fields=(Field("a", "A"), Field("b", "B", kind="boolean", default=True), Field("c", "C")),
)


@pytest.fixture
def boxes() -> Iterator[None]:
    registry.register(BOXES)
    yield
    registry.unregister("boxes")


def test_a_box_is_switched_off_and_on_without_javascript(boxes: None, admin_client: Client) -> None:
    new = reverse("connectors_page:new")
    shown = as_sent(page(admin_client, f"{new}?provider=boxes"))
    assert shown["field-b"] == "on"
    shown.pop("field-b")
    saved(admin_client, new, shown)
    row = Connection.objects.get()
    assert row.fields == {"b": False}
    shown = as_sent(page(admin_client, url_of(row)))
    assert "field-b" not in shown
    saved(admin_client, url_of(row), shown | {"field-b": "on"})
    assert Connection.objects.get().fields == {"b": True}


@pytest.mark.parametrize("fields_shown", ["a", None])
def test_fields_that_a_script_did_not_draw_keep_their_values(
    boxes: None, admin_client: Client, fields_shown: str | None
) -> None:
    new = reverse("connectors_page:new")
    sent = as_sent(page(admin_client, f"{new}?provider=boxes"))
    for name in ("field-b", "field-c", "fields_shown"):
        sent.pop(name)
    if fields_shown:
        sent["fields_shown"] = fields_shown
    refused = admin_client.post(new, sent | {"field-a": "typed", "timeout": "0"})
    assert as_sent(refused.content.decode())["field-b"] == "on"
    saved(admin_client, new, sent | {"field-a": "typed"})
    row = Connection.objects.get()
    assert row.fields == {"a": "typed", "b": True}
    update_connection(row, fields={"a": "typed", "b": False, "c": "kept"})
    sent["revision"] = Connection.objects.get().revision
    saved(admin_client, url_of(row), sent | {"field-a": "changed"})
    assert Connection.objects.get().fields == {"a": "changed", "b": False, "c": "kept"}


def test_place_and_priority_can_be_read(admin_client: Client) -> None:
    add("first", priority=10)
    add("second", priority=20)
    text = page(admin_client, reverse(INDEX))
    shown = re.findall(
        r"Place <span data-place>(\d+)</span> · Priority <span data-priority>(\d+)", text
    )
    assert shown == [("1", "10"), ("2", "20")]


@pytest.mark.parametrize("name", ["index", "approvals"])
def test_the_pages_have_an_icon_of_their_own(admin_client: Client, name: str) -> None:
    text = page(admin_client, reverse(f"connectors_page:{name}"))
    assert '<link rel="icon" href="/static/connectors/icon.svg" type="image/svg+xml">' in text
    assert finders.find("connectors/icon.svg")


def test_the_script_asks_for_what_may_have_changed(admin_client: Client) -> None:
    row = add()
    admin_client.post(url_of(row, "enable"), {"enabled": "off"}, headers={"x-part": "page"})
    text = admin_client.get(reverse(INDEX), headers={"x-part": "page"}).content.decode()
    assert "<html" not in text
    assert "Disabled primary." in text
    assert f'data-tile="{row.pk}"' in text


def test_the_fields_of_a_provider_come_as_a_part(admin_client: Client) -> None:
    response = admin_client.get(reverse("connectors_page:fields"), {"provider": "acme"})
    text = response.content.decode()
    assert 'name="field-region"' in text
    assert 'data-rendering="ai_provider/acme"' in text
    assert "<html" not in text


def test_two_editors_both_see_both_versions_and_nothing_is_lost(admin_client: Client) -> None:
    row = add()
    bobs = as_shown(admin_client, url_of(row)) | {"model": "bobs-model"}
    update_connection(row, model="alices-model", timeout=33)
    response = admin_client.post(url_of(row), bobs)
    assert response.status_code == 409
    text = response.content.decode()
    assert "bobs-model" in text
    assert "alices-model" in text
    assert Connection.objects.get().model == "alices-model"
    again = as_shown_in(response)
    assert again["model"] == "bobs-model"
    saved(admin_client, url_of(row), again)
    assert Connection.objects.get().model == "bobs-model"


def test_a_key_typed_into_a_conflict_is_asked_for_again_not_shown(admin_client: Client) -> None:
    row = add()
    sent = as_shown(admin_client, url_of(row)) | {"api_key": "typed-in-vain-0001"}
    update_connection(row, model="other")
    text = admin_client.post(url_of(row), sent).content.decode()
    assert "typed-in-vain-0001" not in text
    assert "Type the key again" in text
    assert key_of(row) == KEY


def test_connections_move_with_buttons(admin_client: Client) -> None:
    rows = [add(name) for name in ("a", "b", "c")]
    admin_client.post(url_of(rows[2], "move"), {"direction": "earlier"})
    assert list(Connection.objects.values_list("name", flat=True)) == ["a", "c", "b"]
    admin_client.post(url_of(rows[0], "move"), {"direction": "later"})
    assert list(Connection.objects.values_list("name", flat=True)) == ["c", "a", "b"]
    admin_client.post(url_of(rows[2], "move"), {"direction": "earlier"})
    admin_client.post(url_of(rows[2], "move"), {"direction": "earlier"})
    assert list(Connection.objects.values_list("name", flat=True)) == ["c", "a", "b"]


def test_an_order_is_no_conflict_for_an_editor_that_is_open(admin_client: Client) -> None:
    rows = [add(name) for name in ("a", "b")]
    ids = [str(row.pk) for row in reversed(rows)]
    assert admin_client.post(reverse("connectors_page:order"), {"id": ids}).status_code == 204
    assert list(Connection.objects.values_list("name", flat=True)) == ["b", "a"]
    assert {row.revision for row in Connection.objects.all()} == {row.revision for row in rows}
    outdated = admin_client.post(reverse("connectors_page:order"), {"id": ids[:1]})
    assert outdated.status_code == 409
    assert "load the list again" in outdated.json()["error"]


def test_an_open_editor_is_saved_after_somebody_else_reordered(admin_client: Client) -> None:
    rows = [add(name) for name in ("a", "b")]
    shown = as_shown(admin_client, url_of(rows[0]))
    admin_client.post(url_of(rows[1], "move"), {"direction": "earlier"})
    saved(admin_client, url_of(rows[0]), shown | {"model": "m9"})
    assert list(Connection.objects.values_list("name", "model")) == [("b", "m1"), ("a", "m9")]


def test_switching_off_tells_the_new_revision_to_whoever_has_the_last_one(
    admin_client: Client,
) -> None:
    row = add()
    off = {"enabled": "off", "revision": row.revision}
    answer = admin_client.post(url_of(row, "enable"), off, headers={"x-part": "page"})
    assert answer.status_code == 204
    stored = Connection.objects.get()
    assert answer.headers["X-Revision"] == stored.revision != row.revision
    answer = admin_client.post(url_of(row, "enable"), {**off, "enabled": "on"})
    assert "X-Revision" not in answer.headers
    assert Connection.objects.get().enabled


def test_a_connection_is_switched_off_and_on(admin_client: Client) -> None:
    row = add()
    admin_client.post(url_of(row, "enable"), {"enabled": "off"})
    assert not Connection.objects.get().enabled
    text = page(admin_client, reverse(INDEX))
    assert "Disabled" in text
    assert "Nobody answers now." in text
    admin_client.post(url_of(row, "enable"), {"enabled": "on"})
    assert Connection.objects.get().enabled


def test_a_deleted_connection_comes_back_with_its_key_and_its_place(admin_client: Client) -> None:
    row, _other = add("first"), add("second")
    admin_client.post(url_of(row, "delete"))
    assert list(Connection.objects.values_list("name", flat=True)) == ["second"]
    assert "was deleted" in page(admin_client, reverse(INDEX))
    admin_client.post(reverse("connectors_page:undo"))
    assert list(Connection.objects.values_list("name", flat=True)) == ["first", "second"]
    assert key_of(row) == KEY
    assert "was deleted" not in page(admin_client, reverse(INDEX))


def test_several_deletions_are_undone_each_by_itself(admin_client: Client) -> None:
    rows = [add(f"number-{number}") for number in range(6)]
    for row in rows:
        admin_client.post(url_of(row, "delete"))
    text = page(admin_client, reverse(INDEX))
    assert text.count("was deleted") == 5
    assert "<strong>number-0</strong>" not in text
    undo = reverse("connectors_page:undo")
    admin_client.post(undo, {"connection": str(rows[2].pk)})
    admin_client.post(undo, {"connection": str(rows[3].pk), "forget": "1"})
    admin_client.post(undo, {"connection": str(rows[0].pk)})
    assert list(Connection.objects.all()) == [rows[2]]
    text = page(admin_client, reverse(INDEX))
    assert [f"<strong>number-{each}</strong> was" in text for each in range(6)] == [
        False, True, False, False, True, True,
    ]  # fmt: skip


def test_undo_does_not_take_a_name_that_is_in_use_again(admin_client: Client) -> None:
    row = add("first")
    admin_client.post(url_of(row, "delete"))
    again = add("first")
    text = admin_client.post(reverse("connectors_page:undo"), follow=True).content.decode()
    assert "Another connection is named" in text
    assert list(Connection.objects.all()) == [again]
    again.delete()
    admin_client.post(reverse("connectors_page:undo"))
    assert list(Connection.objects.all()) == [row]


def test_a_dismissed_deletion_is_final(admin_client: Client) -> None:
    row = add()
    admin_client.post(url_of(row, "delete"))
    admin_client.post(reverse("connectors_page:undo"), {"forget": "1"})
    assert "was deleted" not in page(admin_client, reverse(INDEX))
    admin_client.post(reverse("connectors_page:undo"))
    assert not Connection.objects.exists()


def test_a_test_shows_its_steps_and_keeps_what_was_typed(
    admin_client: Client, probe: StandInProbe
) -> None:
    row = add()
    sent = as_shown(admin_client, url_of(row)) | {"model": "gone", "name": "typed"}
    response = admin_client.post(url_of(row, "test"), sent)
    text = response.content.decode()
    assert "No such model." in text
    assert "Choose another." in text
    assert 'value="typed"' in text
    assert KEY not in text
    assert [(each.api_key, each.model) for each in probe.asked] == [(KEY, "gone")]
    assert Connection.objects.get().model == "m1"


def test_a_test_streams_its_steps_to_the_script(admin_client: Client, probe: StandInProbe) -> None:
    row = add()
    sent = as_shown(admin_client, url_of(row)) | {"model": "silent"}
    response = admin_client.post(
        url_of(row, "test"), sent, headers={"accept": "application/x-ndjson"}
    )
    lines = response.getvalue().decode().splitlines()
    assert len(lines) == 2
    assert '"state": "ok"' in lines[0]
    assert "It hung up." in lines[1]


def test_a_test_of_another_address_never_gets_the_stored_key(
    admin_client: Client, probe: StandInProbe
) -> None:
    row = add()
    sent = as_shown(admin_client, url_of(row)) | {"base_url": "https://evil.example/v1"}
    for name in ("test", "models"):
        response = admin_client.post(url_of(row, name), sent)
        assert response.status_code == 422
        assert "api_key" in response.context["editor"].form.errors
    assert not probe.asked


def test_an_unsaved_connection_is_tested(admin_client: Client, probe: StandInProbe) -> None:
    sent = as_shown(admin_client, reverse("connectors_page:new") + "?provider=acme")
    response = admin_client.post(reverse("connectors_page:test_new"), sent | {"api_key": "k" * 20})
    assert "Found it." in response.content.decode()
    assert probe.asked[0].api_key == "k" * 20
    assert not Connection.objects.exists()


def test_the_model_picker_offers_what_the_provider_lists(
    admin_client: Client, probe: StandInProbe
) -> None:
    row = add()
    sent = as_shown(admin_client, url_of(row))
    text = admin_client.post(url_of(row, "models"), sent).content.decode()
    assert '<option value="m1" label="Model One">' in text
    assert "2 models to choose from." in text
    asked = {"accept": "application/json"}
    answer = admin_client.post(url_of(row, "models"), sent, headers=asked).json()
    assert answer["models"] == [{"id": "m1", "name": "Model One"}, {"id": "m2", "name": ""}]
    failed = admin_client.post(
        url_of(row, "models"),
        sent | {"model": "silent", "timeout": "5", "api_key": "k" * 20},
        headers=asked,
    )
    assert failed.status_code == 422
    assert failed.json() == {"error": "It hung up."}


def test_the_strip_says_who_answers_and_why_others_do_not(admin_client: Client) -> None:
    add("off", enabled=False)
    add("keyless", api_key=None)
    add("third")
    add("fourth")
    text = page(admin_client, reverse(INDEX))
    strip = re.sub(r"\s+", " ", text[text.index("data-answering") : text.index("</section>")])
    assert "<strong>third</strong> answers now, with m1." in strip
    assert "<strong>off</strong> Disabled." in strip
    assert "<strong>keyless</strong> Not set up. No key for Acme" in strip
    assert "<strong>fourth</strong> Ready, asked when the ones before it fail." in strip


def test_the_script_asks_only_how_connections_are_doing(admin_client: Client) -> None:
    row = add()
    text = admin_client.get(reverse(INDEX), headers={"x-part": "live"}).content.decode()
    assert f'data-live="{row.pk}"' in text
    assert "primary</strong> answers now" in text
    assert "<html" not in text


def test_the_admin_leads_to_the_page(admin_client: Client) -> None:
    listed = page(admin_client, reverse("admin:connectors_connection_changelist"))
    assert f'href="{reverse(INDEX)}"' in listed


def test_the_open_tile_tells_the_option_name(admin_client: Client) -> None:
    row = add()
    assert "<code>koneek_api_key_acme_primary</code>" in page(admin_client, url_of(row))
    saved(admin_client, url_of(row), {**as_shown(admin_client, url_of(row)), "name": "work"})
    assert "<code>koneek_api_key_acme_primary</code>" in page(admin_client, url_of(row))
    new = page(admin_client, reverse("connectors_page:new") + "?provider=acme")
    assert 'class="option-name"' not in new


def test_snippets_stand_in_the_open_tile(admin_client: Client) -> None:
    row = add()
    register_snippets("tests", lambda request, each: [Snippet("Shell", f"ask <{each.name}>")])
    try:
        assert "ask &lt;primary&gt;" in page(admin_client, url_of(row))
    finally:
        register_snippets("tests", lambda request, each: [])


def test_the_page_runs_nothing_but_its_own_files(admin_client: Client) -> None:
    response = admin_client.get(url_of(add()))
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text = response.content.decode()
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", text)
    assert inline
    for attributes in inline:
        assert "application/json" in attributes or f'nonce="{nonce[1]}"' in attributes
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    again = admin_client.get(reverse(INDEX)).headers["Content-Security-Policy"]
    assert nonce[1] not in again


@pytest.mark.parametrize("opened", [False, True])
def test_the_number_of_queries_does_not_grow(admin_client: Client, opened: bool) -> None:
    row = add("number-0")

    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            page(admin_client, url_of(row) if opened else reverse(INDEX))
        return len(captured)

    queries()
    with_one = queries()
    for number in range(1, 50):
        add(f"number-{number}", api_key=KEY if number % 2 else None)
    with_fifty = queries()
    # One connection without a key of its own asks for the providers' keys, once.
    assert with_fifty <= with_one + 1


def test_who_may_only_look_sees_no_button(client: Client) -> None:
    row = add()
    bob = User.objects.create_user("bob", is_staff=True)
    bob.user_permissions.set(Permission.objects.filter(codename="view_connection"))
    client.force_login(bob)
    text = page(client, url_of(row))
    assert "<fieldset disabled>" in text
    for word in ("Save", "Delete this connection", "Add a connection", "Disable<"):
        assert word not in text
    for name in ("connection", "test", "models", "enable", "move", "delete"):
        assert client.post(url_of(row, name), {"enabled": "off"}).status_code == 403
    for name in ("new", "order", "undo", "test_new", "models_new"):
        assert client.post(reverse(f"connectors_page:{name}")).status_code == 403
    assert Connection.objects.get().revision == row.revision


def test_who_may_not_replace_keys_can_change_the_rest(client: Client) -> None:
    row = add()
    bob = User.objects.create_user("bob", is_staff=True)
    allowed = ["view_connection", "change_connection"]
    bob.user_permissions.set(Permission.objects.filter(codename__in=allowed))
    client.force_login(bob)
    shown = as_shown(client, url_of(row))
    saved(client, url_of(row), shown | {"model": "m7"})
    shown = as_shown(client, url_of(row))
    for change in (
        {"api_key": "bobs-own-key-0001"},
        {"remove_key": "on"},
        {"base_url": "https://elsewhere.example/v1"},
    ):
        assert client.post(url_of(row), shown | change).status_code == 403
    assert key_of(row) == KEY
    assert Connection.objects.get().model == "m7"


def test_who_may_only_add_adds_without_a_key(client: Client) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    allowed = ["view_connection", "add_connection"]
    bob.user_permissions.set(Permission.objects.filter(codename__in=allowed))
    client.force_login(bob)
    new = reverse("connectors_page:new")
    shown = as_shown(client, f"{new}?provider=acme") | {"name": "bobs"}
    assert client.post(new, shown | {"api_key": "bobs-own-key-0001"}).status_code == 403
    assert not Connection.objects.exists()
    assert client.post(new, shown).status_code == 302
    assert Connection.objects.get().api_key_encrypted == ""


@pytest.mark.parametrize("staff", [None, False])
def test_others_are_sent_to_the_login_of_the_admin(client: Client, staff: bool | None) -> None:
    row = add()
    if staff is not None:
        client.force_login(User.objects.create_user("charlie", is_staff=staff))
    for url in (reverse(INDEX), url_of(row), url_of(row, "test")):
        for answer in (client.get(url), client.post(url)):
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith(reverse("admin:login"))


def test_another_admin_site_and_prefix(client: Client, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.connectors.other_site"
    settings.CONNECTORS = {"ADMIN_SITE": "tests.connectors.other_site.office"}
    assert reverse(INDEX) == "/deep/down/connectors/"
    answer = client.get("/deep/down/connectors/")
    assert answer.headers["Location"] == "/office/login/?next=/deep/down/connectors/"
    alice = User.objects.create_superuser("alice")
    client.force_login(alice)
    text = page(client, url_of(add()))
    assert "The Office" in text
    assert 'href="/office/"' in text
    assert 'action="/deep/down/connectors/' in text


def test_a_wrong_admin_site_is_named(settings: Settings) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from connectors.admin_sites import admin_site

    assert isinstance(admin_site(), AdminSite)
    for path in ("no.such.thing", "connectors.models.Connection"):
        settings.CONNECTORS = {"ADMIN_SITE": path}
        with pytest.raises(ImproperlyConfigured, match=re.escape(path)):
            admin_site()
