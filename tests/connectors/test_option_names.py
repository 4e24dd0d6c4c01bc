"""Names of options in Koneek for WordPress: made, numbered and taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.option_names import (
    OptionName,
    connection_option,
    is_option_name,
    option_name,
    parse_option_name,
)

SLUGS = ("openai", "openai-compatible", "google", "anthropic", "nvidia-nim", "opencode-zen", "a_b")


@pytest.mark.parametrize(
    ("provider", "name", "expected"),
    [
        ("openai", "", "koneek_api_key_openai"),
        ("openai", "Lab-2", "koneek_api_key_openai_lab-2"),
        ("opencode-zen", "", "koneek_api_key_opencode_zen"),
        ("opencode-zen", "home", "koneek_api_key_opencode_zen_home"),
    ],
)
def test_an_option_is_named_after_provider_and_name(
    provider: str, name: str, expected: str
) -> None:
    assert option_name(provider, name) == expected


def made_one_after_the_other(pairs: list[tuple[str, str]]) -> list[str]:
    """The options of connections, each made while those before it are there."""
    made: list[str] = []
    for provider, name in pairs:
        made.append(connection_option(provider, name, made))
    return made


def test_a_name_that_is_taken_is_numbered() -> None:
    pairs = [("openai", "openai"), ("openai", "openai-2"), ("openai", "Lab"), ("openai", "lab")]
    assert made_one_after_the_other(pairs) == [
        "koneek_api_key_openai",
        "koneek_api_key_openai_2",
        "koneek_api_key_openai_lab",
        "koneek_api_key_openai_lab_2",
    ]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("koneek_api_key_openai", OptionName("openai")),
        ("koneek_api_key_openai_3", OptionName("openai", "", 3)),
        ("koneek_api_key_openai_lab", OptionName("openai", "lab")),
        ("koneek_api_key_openai_lab_2", OptionName("openai", "lab", 2)),
        ("koneek_api_key_openai_1", OptionName("openai", "1")),
        (f"koneek_api_key_openai_{'9' * 5000}", OptionName("openai", "9" * 5000)),
        ("koneek_api_key_custom_openai_nvidia", OptionName("openai-compatible", "nvidia")),
        ("koneek_api_key_openai_compatible", OptionName("openai-compatible")),
        ("koneek_api_key_gemini_home", OptionName("google", "home")),
        ("koneek_api_key_nvidia_nim", OptionName("nvidia-nim")),
        ("koneek_api_key_nvidia", OptionName("nvidia-nim")),
        ("koneek_api_key_a_b_c", OptionName("a_b", "c")),
        ("koneek_api_key_openai_lab_x", None),
        ("koneek_api_key_openai_", None),
        ("koneek_api_key_who", None),
        ("koneek_api_key_", None),
        ("koneek_settings", None),
    ],
)
def test_an_option_is_taken_apart(option: str, expected: OptionName | None) -> None:
    assert parse_option_name(option, SLUGS) == expected


def test_a_connection_is_called_by_its_name_or_its_provider() -> None:
    assert OptionName("opencode-zen").connection == "opencode-zen"
    assert OptionName("a_b", "", 2).connection == "a-b-2"
    assert OptionName("openai", "lab", 3).connection == "lab-3"


names = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)


@given(st.lists(st.tuples(st.sampled_from(SLUGS), names), max_size=12))
def test_every_connection_gets_an_option_of_its_own(pairs: list[tuple[str, str]]) -> None:
    made = made_one_after_the_other(pairs)
    assert len(set(made)) == len(pairs)
    assert all(map(is_option_name, made))


@given(st.sampled_from(SLUGS), names)
def test_what_was_made_is_read_back(slug: str, name: str) -> None:
    parsed = parse_option_name(option_name(slug, name), SLUGS)
    assert parsed is not None
    assert option_name(parsed.provider, parsed.name) == option_name(slug, name)
