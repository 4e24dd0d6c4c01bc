"""What an export of WordPress holds: keys in clear come along, and nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import DeclarationError
from connectors.wordpress_import import ImportedConnection, WordPressImport, parse_wordpress

PROVIDERS = {
    "openai": "connectors_ai_openai_api_key",
    "openai-compatible": "connectors_ai_openai_compatible_api_key",
    "google": "connectors_ai_google_api_key",
    "none": "",
}
KEY = "sk-plain-0123456789"


def parsed(document: object) -> WordPressImport:
    return parse_wordpress(document, PROVIDERS)


def reasons(document: object) -> dict[str, str]:
    return {each.name: each.reason for each in parsed(document).skipped}


@pytest.mark.parametrize(
    "document",
    [
        [{"option_name": "koneek_api_key_openai", "option_value": f" {KEY} ", "autoload": "no"}],
        {"koneek_api_key_openai": KEY},
        {"options": {"koneek_api_key_openai": KEY}},
        {"options": [{"option_name": "koneek_api_key_openai", "option_value": KEY}]},
    ],
)
def test_the_shapes_of_an_export(document: object) -> None:
    (only,) = parsed(document).connections
    assert only == ImportedConnection("koneek_api_key_openai", "openai", "openai", KEY)
    assert KEY not in repr(parsed(document))


@pytest.mark.parametrize("document", [None, 5, "text", ["x"], [{"option_value": 1}], [{}]])
def test_what_is_no_export_is_refused(document: object) -> None:
    with pytest.raises(DeclarationError):
        parsed(document)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "blank"),
        (None, "blank"),
        (False, "blank"),
        ("\u2022" * 16 + "abcd", "mask"),
        ("sk-\u2022\u2022\u2022\u2022", "mask"),
        ("********", "mask"),
        ('s:4:"abcd";', "PHP"),
        ('a:1:{i:0;s:1:"x";}', "PHP"),
        (base64.b64encode(bytes(range(64))).decode(), "encrypted"),
        (["list"], "no text"),
        (5, "no text"),
        ("k\u00e9y", "characters"),
        ("two\nlines", "characters"),
    ],
)
@pytest.mark.parametrize("name", ["koneek_api_key_openai", "connectors_ai_openai_api_key"])
def test_what_is_no_key_in_clear_stays_behind(name: str, value: object, why: str) -> None:
    found = parsed({name: value})
    assert not found.connections
    assert not found.options
    (skipped,) = found.skipped
    assert skipped.name == name
    assert why in skipped.reason


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abcDEF0123456789abcDEF0123456789",
        "AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "0123456789abcdef" * 4,
        "gsk_" + "aB3" * 17,
        "8f6e2f5e-0000-4000-8000-000000000000",
    ],
)
def test_keys_as_vendors_make_them_do_not_look_encrypted(key: str) -> None:
    assert parsed({"koneek_api_key_openai": key}).connections[0].api_key == key


def test_providers_keys_come_as_options_and_strangers_are_listed_by_name() -> None:
    found = parsed(
        {
            "siteurl": "https://blog.example",
            "connectors_ai_google_api_key": KEY,
            "connectors_ai_who_api_key": KEY,
            "koneek_api_key_who": KEY,
            "koneek_version": "2.2.1",
            "": "x",
        }
    )
    assert [each.name for each in found.options] == ["connectors_ai_google_api_key"]
    assert found.options[0].value == KEY
    assert {each.name for each in found.skipped} == {
        "connectors_ai_who_api_key",
        "koneek_api_key_who",
        "koneek_version",
    }
    assert found.unknown == ("siteurl", "")


@pytest.mark.parametrize("as_text", [False, True])
def test_a_list_of_connections_gives_address_model_and_order(as_text: bool) -> None:
    listed: Any = [
        {"provider": "custom_openai", "name": "Lab", "base_url": "https://lab.example/v1",
         "model": "m1", "priority": "2", "enabled": False},
        {"provider": "openai", "priority": 1, "url": ""},
        {"provider": "who"},
    ]  # fmt: skip
    found = parsed(
        {
            "koneek_connections": json.dumps(listed) if as_text else listed,
            "koneek_api_key_custom_openai_lab": KEY,
        }
    )
    by_name = {each.name: each for each in found.connections}
    lab = by_name["lab"]
    assert (lab.provider, lab.api_key) == ("openai-compatible", KEY)
    assert (lab.base_url, lab.model) == ("https://lab.example/v1", "m1")
    assert (lab.priority, lab.enabled) == (2, False)
    assert (by_name["openai"].api_key, by_name["openai"].priority) == ("", 1)
    assert [each.name for each in found.skipped] == ["koneek_connections[2]"]


def test_a_masked_key_in_a_list_stays_behind() -> None:
    found = parsed(
        {"koneek_list": [{"provider": "openai", "api_key": "\u2022\u2022\u2022\u2022abcd"}]}
    )
    assert found.connections[0].api_key == ""
    assert [each.name for each in found.skipped] == ["koneek_list[0].api_key"]


def test_what_two_providers_call_alike_gets_two_names() -> None:
    found = parsed({"koneek_api_key_openai_lab": KEY, "koneek_api_key_google_lab": KEY})
    assert [each.name for each in found.connections] == ["lab", "google-lab"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("koneek_api_key_openai_a_b", "letters, digits and hyphens only"),
        ("koneek_api_key_nobody_a_b", "No registered provider"),
    ],
)
def test_a_name_that_cannot_be_used_is_no_unknown_provider(name: str, why: str) -> None:
    (skipped,) = parsed({name: "sk-plain-key-123456"}).skipped
    assert why in skipped.reason


def test_a_list_serialised_by_php_is_told() -> None:
    assert "PHP" in reasons({"koneek_connections": 'a:1:{s:1:"x";i:1;}'})["koneek_connections"]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=8,
)
some_names = st.sampled_from(
    ["koneek_api_key_openai", "koneek_api_key_openai_2", "koneek_x", "connectors_ai_google_api_key"]
)


@given(st.dictionaries(some_names | st.text(max_size=30), values, max_size=6))
def test_every_option_ends_in_one_of_the_lists(options: dict[str, object]) -> None:
    if isinstance(options.get("options"), dict | list):
        return
    found = parsed(options)
    listed = {each.option for each in found.connections} | {each.name for each in found.options}
    listed |= {each.name.partition("[")[0] for each in found.skipped} | set(found.unknown)
    assert {name for name in options if not name.startswith("koneek_x")} <= listed | {
        name.partition("[")[0] for name in options if "[" in name
    } | {name for name in options if "[" in name}
    assert len({each.name for each in found.connections}) == len(found.connections)
