"""Anthropic's dialect, gateway face: what callers ask."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client.errors import InvalidRequest
from ai_client.messages import (
    CacheMarker,
    File,
    FunctionCall,
    FunctionDeclaration,
    FunctionResponse,
    MessagePart,
    Reasoning,
    Role,
    ToolChoice,
)
from tests.ai_client.wire.anthropic_gateway import (
    CLAUDE,
    CLIENT,
    GATEWAY,
    USER,
    assistant,
    parsed,
    user,
)


def test_system_and_turns_are_read_from_strings_and_blocks() -> None:
    marked = {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}
    request = parsed(
        USER,
        assistant({"type": "text", "text": "Ho"}),
        {"role": "system", "content": "Later: be brief."},
        {"role": "user", "content": "Bye"},
        system=[marked],
    )
    assert request.config.system_instruction == (
        MessagePart("Be kind.", cache=CacheMarker()),
        MessagePart("Later: be brief."),
    )
    assert [(each.role, each.text()) for each in request.messages] == [
        (Role.USER, "Hi"),
        (Role.MODEL, "Ho"),
        (Role.USER, "Bye"),
    ]
    assert parsed(system="Be kind.").config.system_instruction == (MessagePart("Be kind."),)


def test_files_are_read_from_every_source() -> None:
    text = {"type": "text", "media_type": "text/plain", "data": "grün"}
    request = parsed(
        user(
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
            },
            {"type": "image", "source": {"type": "url", "url": "https://a.example/b.webp"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
                "title": "Report",
            },
            {"type": "document", "source": {"type": "url", "url": "https://a.example/c"}},
            {"type": "document", "source": text, "context": "of 2020"},
        )
    )
    parts = request.messages[0].parts
    assert [part.content for part in parts] == [
        File("image/png", base64_data="AAAA"),
        File("image/webp", url="https://a.example/b.webp"),
        File("application/pdf", base64_data="AAAA", name="Report"),
        File("application/pdf", url="https://a.example/c"),
        File("text/plain", base64_data="Z3LDvG4="),
    ]
    assert parts[0].cache == CacheMarker("1h")
    assert request.dropped == ("messages[0].content[4].context",)
    assert request.untranslatable == ()


def test_calls_and_their_results_are_read_with_all_they_hold() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Röm"}}
    image = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    request = parsed(
        USER,
        assistant({**call, "caller": {"type": "direct"}}, {**call, "id": "toolu_2"}),
        user(
            {
                "type": "tool_result",
                "tool_use_id": "toolu_2",
                "is_error": True,
                "content": [
                    {"type": "text", "text": "Down."},
                    {"type": "image", "source": image},
                ],
            },
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny"},
            {"type": "text", "text": "Well?"},
        ),
    )
    first, second = request.messages[1].parts
    assert first.content == FunctionCall("toolu_1", "weather", '{"city":"Röm"}')
    assert first.opaque == {"anthropic_messages": {"caller": {"type": "direct"}}}
    assert second.opaque is None
    failed, sunny, asked = request.messages[2].parts
    assert failed.content == FunctionResponse(
        "toolu_2",
        "weather",
        parts=(MessagePart("Down."), MessagePart(File("image/png", base64_data="AAAA"))),
        is_error=True,
    )
    assert sunny.content == FunctionResponse("toolu_1", "weather", "Sunny")
    assert asked.content == "Well?"


@pytest.mark.parametrize(
    ("given", "choice", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("required"), False),
        ({"type": "tool", "name": "f"}, ToolChoice("function", "f"), None),
        ({"type": "none"}, ToolChoice("none"), None),
    ],
)
def test_tools_and_the_choice_among_them(
    given: Any, choice: ToolChoice, parallel: bool | None
) -> None:
    schema = {"type": "object", "properties": {}}
    tool = {"name": "f", "description": "F.", "input_schema": schema, "strict": True}
    config = parsed(tools=[{"type": "custom", **tool}], tool_choice=given).config
    assert config.function_declarations == (FunctionDeclaration("f", "F.", schema, True),)
    assert (config.tool_choice, config.parallel_tool_calls) == (choice, parallel)


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}}, Reasoning(budget_tokens=0)),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, Reasoning(None, 2048)),
        ({"thinking": {"type": "adaptive"}}, Reasoning("high")),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            Reasoning("low"),
        ),
        ({"output_config": {"effort": "max"}}, Reasoning("max")),
    ],
)
def test_how_much_to_think(fields: Any, reasoning: Reasoning | None) -> None:
    assert parsed(**fields).config.reasoning == reasoning


@pytest.mark.parametrize("place", ["output_config", "output_format"])
def test_the_shape_of_the_answer(place: str) -> None:
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    config = parsed(**{place: {"format": wanted} if place == "output_config" else wanted}).config
    assert config.output_schema == {"type": "object"}
    assert config.output_mime_type == "application/json"


def test_what_no_other_dialect_has_is_named() -> None:
    document = {"type": "text", "media_type": "text/plain", "data": "x"}
    request = parsed(
        user(
            {"type": "document", "source": document, "citations": {"enabled": True}},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "search_result", "source": "x", "title": "x", "content": []},
        ),
        tools=[{"type": "web_search_20250305", "name": "web_search"}],
        container="container_1",
        mcp_servers=[{"url": "https://mcp.example"}],
        service_tier="auto",
        cache_control={"type": "ephemeral"},
    )
    assert request.untranslatable == (
        "messages[0].content[0].citations",
        "messages[0].content[1].source (file)",
        "messages[0].content[2] (search_result)",
        "tools[0] (web_search_20250305)",
        "container",
        "mcp_servers",
    )
    assert request.dropped == ("service_tier", "cache_control")
    assert parsed(max_tokens=0).untranslatable == ("max_tokens (0, which fills the prompt cache)",)


def test_what_the_vendors_own_tools_left_stays_in_the_turn_and_stops_nobody_else() -> None:
    search = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"q": 1}}
    redacted = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    request = parsed(USER, assistant(redacted, search, {"type": "text", "text": "Yes"}), USER)
    assert request.untranslatable == ()
    assert [part.opaque for part in request.messages[1].parts] == [
        {"anthropic_messages": redacted},
        {"anthropic_messages": search},
        None,
    ]
    rendered = CLIENT.render_request(request, CLAUDE).body["messages"][1]["content"]
    assert rendered == [redacted, search, {"type": "text", "text": "Yes"}]


MALFORMED: list[tuple[Any, str]] = [
    ({"model": None}, "model"),
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": "many"}, "max_tokens"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "Hi"}, "messages"),
    ({"messages": ["Hi"]}, "messages[0]"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [user("x")]}, "messages[0].content[0]"),
    ({"messages": [user({"text": "x"})]}, "messages[0].content[0].type"),
    ({"messages": [user({"type": "text"})]}, "messages[0].content[0].text"),
    ({"messages": [user({"type": "thinking"})]}, "messages[0].content[0].type"),
    ({"messages": [assistant({"type": "tool_result"})]}, "messages[0].content[0].type"),
    ({"messages": [user({"type": "image"})]}, "messages[0].content[0].source"),
    (
        {"messages": [user({"type": "image", "source": {"type": "base64", "data": "AAAA"}})]},
        "messages[0].content[0].source.media_type",
    ),
    (
        {
            "messages": [
                user(
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "%"},
                    }
                )
            ]
        },
        "messages[0].content[0].source.data",
    ),
    (
        {
            "messages": [
                user({"type": "image", "source": {"type": "url", "url": "file:///etc/passwd"}})
            ]
        },
        "messages[0].content[0].source.url",
    ),
    (
        {"messages": [assistant({"type": "tool_use", "name": "f", "input": {}})]},
        "messages[0].content[0].id",
    ),
    (
        {"messages": [assistant({"type": "tool_use", "id": "a", "name": "f", "input": [1]})]},
        "messages[0].content[0].input",
    ),
    ({"messages": [user({"type": "tool_result"})]}, "messages[0].content[0].tool_use_id"),
    (
        {"messages": [user({"type": "text", "text": "x", "cache_control": {"ttl": "1d"}})]},
        "messages[0].content[0].cache_control.ttl",
    ),
    ({"system": 5}, "system"),
    ({"system": [{"type": "image"}]}, "system[0].type"),
    ({"temperature": 1.5}, "temperature"),
    ({"top_p": "x"}, "top_p"),
    ({"top_k": 1.5}, "top_k"),
    ({"stop_sequences": "x"}, "stop_sequences"),
    ({"stop_sequences": ["a", 1]}, "stop_sequences[1]"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
    ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
    ({"tool_choice": "auto"}, "tool_choice"),
    ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
    ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ({"thinking": True}, "thinking"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    ({"output_config": {"effort": 5}}, "output_config.effort"),
    ({"output_config": {"format": {"type": "yaml"}}}, "output_config.format.type"),
    ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ({"metadata": {"user_id": 5}}, "metadata.user_id"),
    ({"stream": 1}, "stream"),
]


@pytest.mark.parametrize(("fields", "param"), MALFORMED, ids=lambda each: str(each)[:60])
def test_what_is_malformed_is_named(fields: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        GATEWAY.parse_request({"model": "auto", "max_tokens": 1, "messages": [USER], **fields})
    assert caught.value.param == param
    assert f"'{param}'" in caught.value.message
