"""Anthropic's dialect: the web as a tool, and what it makes no answers of."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ai_client.capabilities import FileType, MediaOrientation, Modality
from ai_client.errors import UnsupportedFeature
from ai_client.events import collect
from ai_client.messages import (
    FunctionDeclaration,
    GenerationRequest,
    GenerativeAiResult,
    Message,
    ModelConfig,
    WebSearch,
    user_message,
)
from ai_client.simulator import Simulator
from ai_client.sse import Decoder
from ai_client.wire import Target, WireRequest, client_face
from tests import upstreams

FACE = client_face("anthropic_messages")
MODEL = "claude-sonnet-4-6"
simulator = upstreams.simulator


def render(*messages: Message, **config: Any) -> WireRequest:
    request = GenerationRequest(messages or (user_message("News?"),), ModelConfig(**config))
    return FACE.render_request(request, Target(MODEL, "Anthropic"))


def ask(simulator: Simulator, request: WireRequest, *, stream: bool) -> GenerativeAiResult:
    """The answer to what was rendered, sent as it is."""
    url = f"{simulator.base_url('anthropic')}/v1/{request.path}"
    body = {**request.body, "stream": stream}
    data = httpx.post(url, json=body, headers=dict(request.headers), verify=False).content
    if not stream:
        return FACE.parse_response(data)
    decoder, parser = Decoder(), FACE.StreamParser()
    events = [event for sse in decoder.feed(data) for event in parser.feed(sse)]
    return collect([*events, *parser.close()])


def test_the_web_is_a_tool() -> None:
    assert render(web_search=WebSearch()).body["tools"] == [
        {"type": "web_search_20250305", "name": "web_search"}
    ]
    assert "tool_choice" not in render(web_search=WebSearch()).body


@pytest.mark.parametrize(
    ("search", "field"),
    [
        (WebSearch(allowed_domains=("a.example", "b.example")), "allowed_domains"),
        (WebSearch(disallowed_domains=("a.example", "b.example")), "blocked_domains"),
    ],
)
def test_domains_narrow_it_down(search: WebSearch, field: str) -> None:
    (tool,) = render(web_search=search).body["tools"]
    assert tool[field] == ["a.example", "b.example"]


def test_both_lists_of_domains_are_refused() -> None:
    search = WebSearch(allowed_domains=("a",), disallowed_domains=("b",))
    with pytest.raises(UnsupportedFeature) as refused:
        render(web_search=search)
    assert refused.value.param == "web_search"


def test_it_stands_beside_functions() -> None:
    said = render(web_search=WebSearch(), function_declarations=(FunctionDeclaration("weather"),))
    assert [tool["name"] for tool in said.body["tools"]] == ["weather", "web_search"]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_cites_what_was_found_and_goes_back_whole(
    simulator: Simulator, stream: bool
) -> None:
    question = user_message("News?")
    result = ask(simulator, render(question, web_search=WebSearch()), stream=stream)
    answer = result.candidates[0].message
    assert answer.text() == "Echo: News?"
    (cited,) = answer.parts[-1].citations
    assert cited["url"] == "https://echo.example/"
    following = render(question, answer, user_message("More."), web_search=WebSearch())
    kinds = [block["type"] for block in following.body["messages"][1]["content"]]
    assert kinds == ["server_tool_use", "web_search_tool_result", "text"]
    again = ask(simulator, following, stream=stream)
    assert again.candidates[0].message.text() == "Echo: More."


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("output_modalities", (Modality.IMAGE,)),
        ("output_modalities", (Modality.TEXT, Modality.AUDIO)),
        ("output_file_type", FileType.REMOTE),
        ("output_media_orientation", MediaOrientation.SQUARE),
        ("output_media_aspect_ratio", "1:1"),
        ("output_mime_type", "image/png"),
    ],
)
def test_media_are_refused_before_anything_is_sent(field: str, value: Any) -> None:
    with pytest.raises(UnsupportedFeature) as refused:
        render(**{field: value})
    assert refused.value.param == field


def test_a_voice_and_the_length_of_vectors_are_left_out() -> None:
    said = render(output_speech_voice="Puck", dimensions=3)
    assert set(said.warnings) == {"output_speech_voice", "dimensions"}
