"""A provider declares its own form, and values are held to it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FieldError, RegistryError, UnknownField
from connectors.values import ConnectorType, Field, FieldKind

FIELDS: dict[FieldKind, Field] = {
    "text": Field("text", "Text"),
    "url": Field("url", "URL", kind="url"),
    "integer": Field("integer", "Integer", kind="integer"),
    "boolean": Field("boolean", "Boolean", kind="boolean"),
    "choice": Field("choice", "Choice", kind="choice", choices=("eu", "us")),
}


@pytest.mark.parametrize(
    ("kind", "written", "clean"),
    [
        ("text", " west ", "west"),
        ("url", "HTTPS://Host.example/", "https://host.example"),
        ("integer", "12", 12),
        ("integer", -3, -3),
        ("boolean", True, True),
        ("boolean", "off", False),
        ("boolean", "True", True),
        ("choice", "eu", "eu"),
    ],
)
def test_a_value_comes_out_in_its_declared_type(
    kind: FieldKind, written: object, clean: object
) -> None:
    found = FIELDS[kind].clean(written)
    assert found == clean
    assert type(found) is type(clean)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("text", 5),
        ("text", "two\nlines"),
        ("url", "host.example"),
        ("url", 5),
        ("integer", "1.5"),
        ("integer", True),
        ("integer", 1.0),
        ("boolean", "maybe"),
        ("boolean", 1),
        ("choice", "asia"),
        ("choice", ["eu"]),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(kind: FieldKind, written: Any) -> None:
    with pytest.raises(FieldError, match=kind) as caught:
        FIELDS[kind].clean(written)
    assert caught.value.field == kind
    assert isinstance(caught.value, ValueError)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()))
def test_cleaning_ends_in_a_value_or_in_a_field_error(value: object) -> None:
    for field in FIELDS.values():
        try:
            clean = field.clean(value)
        except FieldError:
            continue
        assert field.clean(clean) == clean


def test_blank_is_the_default_unless_the_field_is_required() -> None:
    assert Field("a", "A", default="x").clean(" ") == "x"
    assert Field("a", "A").clean(None) is None
    assert Field("a", "A", required=True, default=0, kind="integer").clean("") == 0
    with pytest.raises(FieldError, match="required"):
        Field("a", "A", required=True).clean("")


def test_a_connector_cleans_its_fields_together() -> None:
    connector = ConnectorType("x", "X", fields=(*FIELDS.values(), Field("more", "More", default=1)))
    stored = connector.clean_fields({"integer": "4", "text": "", "boolean": "no"})
    assert stored == {"integer": 4, "boolean": False}
    assert connector.field_values(stored) == {"integer": 4, "boolean": False, "more": 1}
    with pytest.raises(UnknownField, match=r"'intger'.*integer") as caught:
        connector.clean_fields({"intger": 4})
    assert caught.value.field == "intger"


@pytest.mark.parametrize(
    ("declared", "field"),
    [
        ({"slug": "Open AI"}, "slug"),
        ({"slug": "openai\n"}, "slug"),
        ({"name": " "}, "name"),
        ({"type": ""}, "type"),
        ({"base_url": "api.example"}, "base_url"),
        ({"fields": (Field("a", "A"), Field("a", "B"))}, "fields"),
        ({"fields": (Field("a b", "A"),)}, "fields"),
    ],
)
def test_a_connector_that_cannot_work_is_refused(declared: dict[str, Any], field: str) -> None:
    with pytest.raises(RegistryError) as caught:
        ConnectorType(**({"slug": "x", "name": "X"} | declared))
    assert caught.value.field == field


def test_names_of_settings_and_options_follow_from_the_declaration() -> None:
    plain = ConnectorType("azure-ai", "Azure", env_key="AZURE_AI_API_KEY")
    assert (plain.env_var_name, plain.constant_name) == ("AZURE_AI_API_KEY", "AZURE_AI_API_KEY")
    assert plain.setting_name == "connectors_ai_provider_azure_ai_api_key"
    other = ConnectorType(
        "akismet", "Akismet", type="spam_filtering", setting_key="WP", option_name="wp_api_key"
    )
    assert (other.constant_name, other.setting_name) == ("WP", "wp_api_key")
    password = ConnectorType("a-b", "A", type="source", method="application_password")
    assert password.setting_name == "connectors_source_a_b_application_password"
    assert ConnectorType("a", "A", method="none").setting_name == ""


def test_a_connector_without_authentication_needs_no_key_unless_an_app_keeps_one() -> None:
    assert not ConnectorType("a", "A", method="none").key_required
    assert ConnectorType("a", "A", method="none", authentication=lambda: "k").key_required


def test_an_app_that_cannot_say_whether_it_is_active_is_not() -> None:
    def fails() -> bool:
        raise RuntimeError("no idea")

    assert ConnectorType("a", "A").active
    assert not ConnectorType("a", "A", is_active=lambda: False).active
    assert not ConnectorType("a", "A", is_active=fails).active


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"name": "0"}, "name"),
        ({"name": None}, "name"),
        ({"type": ""}, "type"),
        ({"authentication": {"method": "oauth"}}, "authentication"),
        ({"authentication": {"method": "none", "env_var_name": 5}}, "env_var_name"),
        ({"plugin": {"is_active": "yes"}}, "plugin"),
    ],
)
def test_wrong_arguments_are_refused_with_the_name_of_the_wrong_one(
    args: dict[str, Any], field: str
) -> None:
    good = {"name": "X", "type": "email", "authentication": {"method": "api_key"}}
    with pytest.raises(RegistryError) as caught:
        ConnectorType.from_args("x", {**good, **args})
    assert caught.value.field == field


def test_a_slug_with_a_line_break_at_its_end_is_refused() -> None:
    with pytest.raises(RegistryError):
        ConnectorType.from_args("x\n", {"name": "X", "type": "t", "authentication": {}})


def test_values_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        FIELDS["text"].name = "other"  # type: ignore[misc]
