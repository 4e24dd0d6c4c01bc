"""The simulator: the official SDKs understand it, it refuses what vendors refuse, and it fails."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import zlib
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from django.core.management import call_command
from google import genai
from google.genai import errors as google_errors
from google.genai import types as google_types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ai_client.simulator
from ai_client.simulator import MODES, Simulator, UnknownFault, listing, parse_fault
from ai_client.simulator.fault_acts import performed
from ai_client.simulator.schemas import conforming
from tests import upstreams
from tests.upstreams import KEY, refused_port, silent_port, unaccepting_port

simulator = upstreams.simulator
locked_simulator = upstreams.locked_simulator

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
DIALECTS = ("openai", "anthropic", "google")
STREAMED = (False, True)


def openai_client(simulator: Simulator, failure: str = "", key: str = "sk-any") -> openai.OpenAI:
    return openai.OpenAI(
        api_key=key, base_url=simulator.base_url("openai", failure), max_retries=0, timeout=20
    )


def anthropic_client(simulator: Simulator, key: str = "sk-ant-any") -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key=key, base_url=simulator.base_url("anthropic"), max_retries=0, timeout=20
    )


def google_client(simulator: Simulator, key: str = "AIza-any") -> genai.Client:
    return genai.Client(
        api_key=key,
        http_options=google_types.HttpOptions(
            base_url=simulator.base_url("google"),
            timeout=20_000,
            retry_options=google_types.HttpRetryOptions(attempts=1),
        ),
    )


@dataclass
class Raw:
    """An answer as it came off the socket; ``ended`` is how."""

    status: int
    headers: dict[str, str]
    body: bytes
    ended: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        found = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
        return [one if one == "[DONE]" else json.loads(one) for one in found]


def body_for(dialect: str, prompt: str, *, stream: bool, model: str, **more: Any) -> dict[str, Any]:
    if dialect == "google":
        return {"contents": [{"role": "user", "parts": [{"text": prompt}]}], **more}
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], **more}
    if dialect == "anthropic":
        body.setdefault("max_tokens", 100)
    if stream:
        body["stream"] = True
    return body


def path_for(dialect: str, *, stream: bool, model: str) -> str:
    if dialect == "google":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{method}"
    return {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[dialect]


def send(
    simulator: Simulator,
    dialect: str,
    prompt: str = "one two three four",
    *,
    stream: bool = False,
    model: str = "any-model",
    path: str = "",
    headers: dict[str, str] | None = None,
    body: object = None,
    connection: http.client.HTTPConnection | None = None,
    **more: Any,
) -> Raw:
    """One request over a bare socket."""
    own = connection or http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=20)
    sent = {"content-type": "application/json"}
    if dialect == "anthropic":
        sent["anthropic-version"] = "2023-06-01"
    if body is None:
        body = body_for(dialect, prompt, stream=stream, model=model, **more)
    payload = body if isinstance(body, bytes) else json.dumps(body)
    try:
        target = path or path_for(dialect, stream=stream, model=model)
        own.request("POST", target, payload, {**sent, **(headers or {})})
        return _received(own)
    finally:
        if connection is None:
            own.close()


def _received(connection: http.client.HTTPConnection) -> Raw:
    try:
        response = connection.getresponse()
    except http.client.RemoteDisconnected:
        return Raw(0, {}, b"", "closed")
    except http.client.BadStatusLine:
        return Raw(0, {}, b"", "bad")
    except ConnectionResetError:
        return Raw(0, {}, b"", "reset")
    received = bytearray()
    ended = "complete"
    try:
        while piece := response.read1(65536):
            received += piece
        if response.length:
            ended = "closed"
    except ConnectionResetError:
        ended = "reset"
    except http.client.IncompleteRead as error:
        received += error.partial
        ended = "closed"
    headers = {name.lower(): value for name, value in response.getheaders()}
    response.close()
    return Raw(response.status, headers, bytes(received), ended)


def text_of(dialect: str, answer: Any) -> str:
    """The text in a complete answer."""
    match dialect:
        case "openai":
            return str(answer["choices"][0]["message"]["content"])
        case "anthropic":
            return "".join(one["text"] for one in answer["content"] if one["type"] == "text")
        case _:
            parts = answer["candidates"][0]["content"]["parts"]
            return "".join(one["text"] for one in parts if not one.get("thought"))


def streamed_text(dialect: str, events: list[Any]) -> str:
    """The text in the events of a stream."""
    said = ""
    for event in events:
        match dialect:
            case "openai" if event != "[DONE]" and event.get("choices"):
                said += event["choices"][0]["delta"].get("content") or ""
            case "anthropic":
                said += event.get("delta", {}).get("text", "")
            case "google" if "candidates" in event:
                for part in event["candidates"][0]["content"].get("parts", []):
                    said += part.get("text", "")
    return said


def has_end(dialect: str, raw: Raw) -> bool:
    """Whether a stream has its dialect's end."""
    mark = {"openai": b"[DONE]", "anthropic": b"message_stop", "google": b"finishReason"}
    return mark[dialect] in raw.body


class TestOpenAiSdk:
    def chat(self, simulator: Simulator, prompt: str, **more: Any) -> Any:
        more.setdefault("model", "gpt-4o-mini")
        messages = more.pop("messages", [{"role": "user", "content": prompt}])
        return openai_client(simulator).chat.completions.create(messages=messages, **more)

    def test_text_echoes_the_last_user_message_with_usage(self, simulator: Simulator) -> None:
        messages = [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "cached words of mine"},
        ]
        answer = self.chat(simulator, "", messages=messages)
        assert answer.choices[0].message.content == "Echo: cached words of mine"
        assert answer.choices[0].finish_reason == "stop"
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 5)
        assert answer.usage.prompt_tokens_details.cached_tokens == 3
        assert answer.usage.total_tokens == 11

    def test_stream_sends_words_as_deltas_and_usage_when_asked(self, simulator: Simulator) -> None:
        stream = self.chat(
            simulator, "one two", stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        deltas = [one.choices[0].delta.content for one in chunks if one.choices]
        assert deltas == ["", "Echo:", " one", " two", None]
        assert chunks[-1].choices == []
        assert chunks[-1].usage.completion_tokens == 3
        assert all(one.usage is None for one in chunks[:-1])

    def test_stream_has_no_usage_unless_asked(self, simulator: Simulator) -> None:
        assert all(chunk.usage is None for chunk in self.chat(simulator, "one", stream=True))

    def test_tool_round_trip(self, simulator: Simulator) -> None:
        tools = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
        first = self.chat(simulator, "weather?", tools=tools)
        call = first.choices[0].message.tool_calls[0]
        assert first.choices[0].finish_reason == "tool_calls"
        assert json.loads(call.function.arguments) == {"city": "city", "days": 2}
        messages = [
            {"role": "user", "content": "weather?"},
            first.choices[0].message,
            {"role": "tool", "tool_call_id": call.id, "content": "rain"},
        ]
        second = self.chat(simulator, "", tools=tools, messages=messages)
        assert second.choices[0].message.content == "Tool result: rain"

    def test_parallel_tool_calls_stream_by_index(self, simulator: Simulator) -> None:
        tools: list[Any] = [
            {"type": "function", "function": {"name": name, "parameters": WEATHER}}
            for name in ("rain", "sun")
        ]
        client = openai_client(simulator)
        with client.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "parallel"}], tools=tools
        ) as stream:
            final = stream.get_final_completion()
        calls = final.choices[0].message.tool_calls
        assert calls is not None
        assert [call.function.name for call in calls] == ["rain", "sun"]
        assert all(json.loads(one.function.arguments)["days"] == 2 for one in calls)
        assert len({call.id for call in calls}) == 2
        one = self.chat(simulator, "parallel", tools=tools, parallel_tool_calls=False)
        assert len(one.choices[0].message.tool_calls) == 1

    def test_choices_stop_length_logprobs_and_schema(self, simulator: Simulator) -> None:
        answer = self.chat(simulator, "a b", n=3, stop=["b"], logprobs=True, top_logprobs=2)
        assert [one.message.content for one in answer.choices] == ["Echo: a "] * 3
        token = answer.choices[0].logprobs.content[0]
        assert (token.token, len(token.top_logprobs)) == ("Echo:", 2)
        cut = self.chat(simulator, "a b c d", max_completion_tokens=2)
        assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == (
            "Echo: a",
            "length",
        )
        form = {"name": "weather", "schema": WEATHER, "strict": True}
        shaped = self.chat(
            simulator, "x", response_format={"type": "json_schema", "json_schema": form}
        )
        assert json.loads(shaped.choices[0].message.content) == {"city": "city", "days": 2}

    def test_several_choices_stream_in_turns(self, simulator: Simulator) -> None:
        chunks = list(self.chat(simulator, "a", n=2, stream=True))
        order = [one.choices[0].index for one in chunks]
        assert order[:4] == [0, 1, 0, 1]
        second = "".join(
            one.choices[0].delta.content or "" for one in chunks if one.choices[0].index == 1
        )
        assert second == "Echo: a (choice 2)"

    def test_images_and_files_are_described(self, simulator: Simulator) -> None:
        content = [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ]
        answer = self.chat(simulator, "", messages=[{"role": "user", "content": content}])
        assert answer.choices[0].message.content == (
            "Echo: look [image image/png 68 bytes] [image url https://example.com/a.png]"
        )

    def test_reasoner_sends_reasoning_content(self, simulator: Simulator) -> None:
        plain = self.chat(simulator, "why", model="deepseek-reasoner")
        assert plain.choices[0].message.reasoning_content == "Thinking about: why"
        chunks = list(self.chat(simulator, "why", model="deepseek-reasoner", stream=True))
        deltas = [getattr(one.choices[0].delta, "reasoning_content", None) for one in chunks]
        assert "".join(one or "" for one in deltas) == "Thinking about: why"
        assert plain.usage.completion_tokens_details.reasoning_tokens == 3

    def test_models(self, simulator: Simulator) -> None:
        client = openai_client(simulator)
        assert "gpt-4o-mini" in [model.id for model in client.models.list()]
        assert client.models.retrieve("gpt-4o-mini").id == "gpt-4o-mini"

    @pytest.mark.parametrize(
        ("failure", "expected"),
        [
            ("status-400", openai.BadRequestError),
            ("status-401", openai.AuthenticationError),
            ("status-403", openai.PermissionDeniedError),
            ("status-404", openai.NotFoundError),
            ("status-409", openai.ConflictError),
            ("status-422", openai.UnprocessableEntityError),
            ("quota", openai.RateLimitError),
            ("status-503", openai.InternalServerError),
            ("reset", openai.APIConnectionError),
        ],
    )
    def test_failures_raise_the_sdks_errors(
        self, simulator: Simulator, failure: str, expected: type[Exception]
    ) -> None:
        with pytest.raises(expected):
            self.chat(simulator, "x", model=f"fail-{failure}")

    def test_error_event_raises_inside_the_stream(self, simulator: Simulator) -> None:
        chunks = self.chat(simulator, "a b c", model="fail-sse-error-later", stream=True)
        said = [next(chunks).choices[0].delta.content for _ in range(3)]
        assert said == ["", "Echo:", " a"]
        with pytest.raises(openai.APIError, match="503"):
            next(chunks)

    @pytest.mark.parametrize("shape", ["crlf", "multiline", "one-byte", "usage-only"])
    def test_hostile_shapes_are_valid_streams(self, simulator: Simulator, shape: str) -> None:
        chunks = self.chat(simulator, "a b", model=f"fail-{shape}", stream=True)
        said = [one.choices[0].delta.content or "" for one in chunks if one.choices]
        assert "".join(said) == "Echo: a b"


class TestAnthropicSdk:
    def ask(self, simulator: Simulator, prompt: str, **more: Any) -> Any:
        more.setdefault("model", "claude-haiku-4-5")
        more.setdefault("max_tokens", 2000)
        messages = more.pop("messages", [{"role": "user", "content": prompt}])
        return anthropic_client(simulator).messages.create(messages=messages, **more)

    def streamed(self, simulator: Simulator, prompt: str, **more: Any) -> Any:
        more.setdefault("model", "claude-haiku-4-5")
        client = anthropic_client(simulator)
        messages: Any = [{"role": "user", "content": prompt}]
        with client.messages.stream(max_tokens=2000, messages=messages, **more) as stream:
            return stream.get_final_message()

    @pytest.mark.parametrize("streamed", STREAMED)
    def test_text_and_usage(self, simulator: Simulator, streamed: bool) -> None:
        answer = (self.streamed if streamed else self.ask)(simulator, "cached words", system="be x")
        assert [block.type for block in answer.content] == ["text"]
        assert answer.content[0].text == "Echo: cached words"
        assert answer.stop_reason == "end_turn"
        usage = answer.usage
        assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (2, 2, 3)

    @pytest.mark.parametrize("streamed", STREAMED)
    def test_tool_round_trip_with_signed_thinking(
        self, simulator: Simulator, streamed: bool
    ) -> None:
        more: dict[str, Any] = {
            "tools": [{"name": "weather", "input_schema": WEATHER}],
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        }
        first = (self.streamed if streamed else self.ask)(simulator, "weather", **more)
        assert [block.type for block in first.content] == ["thinking", "tool_use"]
        assert first.content[1].input == {"city": "city", "days": 2}
        assert first.stop_reason == "tool_use"
        assert first.usage.output_tokens_details.thinking_tokens == 3
        result = {"type": "tool_result", "tool_use_id": first.content[1].id, "content": "rain"}
        history: list[Any] = [
            {"role": "user", "content": "weather"},
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        second = self.ask(simulator, "", messages=history, **more)
        assert second.content[-1].text == "Tool result: rain"
        forged = first.content[0].model_copy(update={"thinking": "something else"})
        history[1] = {"role": "assistant", "content": [forged, first.content[1]]}
        with pytest.raises(anthropic.BadRequestError, match="Invalid `signature`"):
            self.ask(simulator, "", messages=history, **more)
        history[1] = {"role": "assistant", "content": [first.content[1]]}
        with pytest.raises(anthropic.BadRequestError, match="Expected `thinking`"):
            self.ask(simulator, "", messages=history, **more)

    def test_redacted_and_hidden_thinking(self, simulator: Simulator) -> None:
        redacted = self.streamed(simulator, "think redacted")
        assert redacted.content[0].type == "redacted_thinking"
        thinking = {"type": "adaptive", "display": "omitted"}
        hidden = self.streamed(simulator, "x", thinking=thinking)
        assert (hidden.content[0].thinking, bool(hidden.content[0].signature)) == ("", True)
        for earlier in (redacted, hidden):
            messages: list[Any] = [
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": earlier.content},
                {"role": "user", "content": "y"},
            ]
            assert self.ask(simulator, "", messages=messages).content[-1].text == "Echo: y"

    def test_parallel_calls_stop_length_schema_and_images(self, simulator: Simulator) -> None:
        tools = [{"name": name, "input_schema": WEATHER} for name in ("rain", "sun")]
        both = self.streamed(simulator, "parallel", tools=tools)
        assert [block.name for block in both.content] == ["rain", "sun"]
        single = {"type": "any", "disable_parallel_tool_use": True}
        assert len(self.ask(simulator, "parallel", tools=tools, tool_choice=single).content) == 1
        stopped = self.ask(simulator, "a b c", stop_sequences=["b"])
        assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "b")
        assert self.ask(simulator, "a b c", max_tokens=2).stop_reason == "max_tokens"
        words = {name: {"type": "string"} for name in ("city", "days")}
        unbound = {**WEATHER, "properties": words}
        config = {"format": {"type": "json_schema", "schema": unbound}}
        shaped = self.ask(simulator, "x", output_config=config)
        assert json.loads(shaped.content[0].text)["city"] == "city"
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        content = [{"type": "image", "source": source}, {"type": "text", "text": "look"}]
        seen = self.ask(simulator, "", messages=[{"role": "user", "content": content}])
        assert seen.content[0].text == "Echo: look [image image/png 68 bytes]"

    def test_failed_tool_result_is_told_apart(self, simulator: Simulator) -> None:
        use = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x", "is_error": True}
        messages = [
            {"role": "user", "content": "weather"},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ]
        assert self.ask(simulator, "", messages=messages).content[0].text == "Tool error: x"

    def test_models(self, simulator: Simulator) -> None:
        client = anthropic_client(simulator)
        assert "claude-opus-5" in [model.id for model in client.models.list()]
        assert client.models.retrieve("claude-opus-5").type == "model"

    @pytest.mark.parametrize(
        ("failure", "expected"),
        [
            ("status-401", anthropic.AuthenticationError),
            ("status-529", anthropic.InternalServerError),
            ("quota", anthropic.APIStatusError),
            ("rate-limit-7", anthropic.RateLimitError),
        ],
    )
    def test_failures_raise_the_sdks_errors(
        self, simulator: Simulator, failure: str, expected: type[Exception]
    ) -> None:
        with pytest.raises(expected):
            self.ask(simulator, "x", model=f"fail-{failure}")

    def test_error_event_raises_inside_the_stream(self, simulator: Simulator) -> None:
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            self.streamed(simulator, "a b c", model="fail-sse-error-later")


class TestGoogleSdk:
    def ask(self, simulator: Simulator, contents: Any, **more: Any) -> Any:
        model = more.pop("model", "gemini-2.5-flash")
        with google_client(simulator) as client:
            return client.models.generate_content(
                model=model,
                contents=contents,
                config=google_types.GenerateContentConfig(
                    automatic_function_calling=google_types.AutomaticFunctionCallingConfig(
                        disable=True
                    ),
                    **more,
                ),
            )

    def streamed(self, simulator: Simulator, contents: Any, **more: Any) -> list[Any]:
        model = more.pop("model", "gemini-2.5-flash")
        with google_client(simulator) as client:
            stream = client.models.generate_content_stream(
                model=model, contents=contents, config=google_types.GenerateContentConfig(**more)
            )
            return list(stream)

    def test_text_and_usage(self, simulator: Simulator) -> None:
        answer = self.ask(simulator, "cached words", system_instruction="be x")
        assert answer.text == "Echo: cached words"
        assert answer.candidates[0].finish_reason == "STOP"
        usage = answer.usage_metadata
        counts = (usage.prompt_token_count, usage.cached_content_token_count)
        assert (counts, usage.candidates_token_count) == ((4, 2), 3)

    def test_stream(self, simulator: Simulator) -> None:
        chunks = self.streamed(simulator, "one two")
        assert [chunk.text for chunk in chunks] == ["Echo:", " one", " two", ""]
        assert chunks[-1].candidates[0].finish_reason == "STOP"
        assert chunks[-1].usage_metadata.candidates_token_count == 3

    def test_thoughts(self, simulator: Simulator) -> None:
        thinking = google_types.ThinkingConfig(include_thoughts=True)
        answer = self.ask(simulator, "why", thinking_config=thinking)
        parts = answer.candidates[0].content.parts
        assert (parts[0].thought, parts[0].text) == (True, "Thinking about: why")
        assert answer.usage_metadata.thoughts_token_count == 3

    @pytest.mark.parametrize("streamed", STREAMED)
    def test_tool_round_trip_demands_its_signature_back(
        self, simulator: Simulator, streamed: bool
    ) -> None:
        declarations: Any = [
            {"name": name, "parameters_json_schema": WEATHER} for name in ("rain", "sun")
        ]
        tools = [google_types.Tool(function_declarations=declarations)]
        model = "gemini-3-signed"
        ask = google_types.Content(role="user", parts=[google_types.Part(text="parallel")])
        if streamed:
            chunks = self.streamed(simulator, [ask], tools=tools, model=model)
            content = google_types.Content(
                role="model",
                parts=[
                    part
                    for chunk in chunks
                    for part in chunk.candidates[0].content.parts
                    if part.function_call
                ],
            )
        else:
            first = self.ask(simulator, [ask], tools=tools, model=model)
            content = first.candidates[0].content
        calls = [part.function_call for part in content.parts or []]
        assert [call.name for call in calls if call] == ["rain", "sun"]
        assert calls[0]
        assert calls[0].args == {"city": "city", "days": 2}
        assert [bool(part.thought_signature) for part in content.parts or []] == [True, False]
        answers = google_types.Content(
            role="user",
            parts=[
                google_types.Part.from_function_response(name=name, response={"output": f"{name}!"})
                for name in ("rain", "sun")
            ],
        )
        history = [ask, content, answers]
        again = self.ask(simulator, history, tools=tools, model=model)
        assert again.text == "Tool result: rain!; Tool result: sun!"
        bare = content.model_copy(deep=True)
        assert bare.parts
        bare.parts[0].thought_signature = None
        with pytest.raises(google_errors.ClientError, match="missing a thought_signature"):
            self.ask(simulator, [ask, bare, answers], tools=tools, model=model)
        bare.parts[0].thought_signature = b"forged"
        with pytest.raises(google_errors.ClientError, match="signature is not valid"):
            self.ask(simulator, [ask, bare, answers], tools=tools, model=model)

    def test_signed_models_sign_their_text_at_the_end_of_a_stream(
        self, simulator: Simulator
    ) -> None:
        last = self.streamed(simulator, "hi", model="gemini-3-signed")[-1]
        part = last.candidates[0].content.parts[0]
        assert (part.text, bool(part.thought_signature)) == ("", True)

    def test_candidates_stop_length_logprobs_schema_and_images(self, simulator: Simulator) -> None:
        answer = self.ask(simulator, "a b", candidate_count=2, response_logprobs=True, logprobs=2)
        assert len(answer.candidates) == 2
        result = answer.candidates[0].logprobs_result
        assert result.chosen_candidates[0].token == "Echo:"
        assert len(result.top_candidates[0].candidates) == 2
        assert self.ask(simulator, "a b c", stop_sequences=["b"]).text == "Echo: a "
        cut = self.ask(simulator, "a b c", max_output_tokens=2)
        assert cut.candidates[0].finish_reason == "MAX_TOKENS"
        shaped = self.ask(
            simulator,
            "x",
            response_mime_type="application/json",
            response_json_schema=WEATHER,
        )
        assert json.loads(shaped.text) == {"city": "city", "days": 2}
        image = google_types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")
        assert self.ask(simulator, ["look", image]).text == "Echo: look [image image/png 68 bytes]"

    def test_models(self, simulator: Simulator) -> None:
        with google_client(simulator) as client:
            assert "models/gemini-2.5-flash" in [model.name for model in client.models.list()]
            assert client.models.get(model="gemini-2.5-flash").name == "models/gemini-2.5-flash"

    def test_without_sse_a_stream_is_a_json_array(self, simulator: Simulator) -> None:
        path = "/v1beta/models/m:streamGenerateContent"
        raw = send(simulator, "google", "a b", path=path)
        assert raw.headers["content-type"] == "application/json"
        assert streamed_text("google", raw.json) == "Echo: a b"

    def test_failures_raise_the_sdks_errors(self, simulator: Simulator) -> None:
        with pytest.raises(google_errors.ServerError):
            self.ask(simulator, "x", model="fail-status-503")
        with pytest.raises(google_errors.ClientError) as caught:
            self.ask(simulator, "x", model="fail-rate-limit-body-7")
        assert caught.value.status == "RESOURCE_EXHAUSTED"
        assert caught.value.details["error"]["details"][-1]["retryDelay"] == "7s"


class TestKeys:
    def test_the_right_key_is_accepted_where_the_vendor_wants_it(
        self, locked_simulator: Simulator
    ) -> None:
        assert openai_client(locked_simulator, key=KEY).models.list().data
        assert anthropic_client(locked_simulator, key=KEY).models.list().data
        with google_client(locked_simulator, key=KEY) as client:
            assert list(client.models.list())
        path = f"/v1beta/models/m:generateContent?key={KEY}"
        assert send(locked_simulator, "google", path=path).status == 200
        for name in ("x-api-key", "api-key"):
            dialect = {"x-api-key": "anthropic", "api-key": "openai"}[name]
            assert send(locked_simulator, dialect, headers={name: KEY}).status == 200

    @pytest.mark.parametrize(
        ("dialect", "headers", "status", "kind"),
        [
            ("openai", {"authorization": "Bearer wrong"}, 401, "invalid_api_key"),
            ("openai", {"x-api-key": KEY}, 401, "invalid_request_error"),
            ("anthropic", {"x-api-key": "wrong"}, 401, "authentication_error"),
            ("anthropic", {"x-goog-api-key": KEY}, 401, "authentication_error"),
            ("google", {"x-goog-api-key": "wrong"}, 400, "API_KEY_INVALID"),
            ("google", {"authorization": f"Bearer {KEY}"}, 403, "PERMISSION_DENIED"),
        ],
    )
    def test_another_key_or_place_is_refused_as_the_vendor_does(
        self,
        locked_simulator: Simulator,
        dialect: str,
        headers: dict[str, str],
        status: int,
        kind: str,
    ) -> None:
        raw = send(locked_simulator, dialect, headers=headers)
        assert raw.status == status
        assert kind in json.dumps(raw.json["error"])
        assert KEY not in raw.body.decode()


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": WEATHER}}


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def assistant(content: object, **more: object) -> dict[str, object]:
    return {"role": "assistant", "content": content, **more}


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"messages": None}, "missing_required_parameter"),
            ({"messages": []}, "empty_array"),
            ({"messages": [{"role": "robot", "content": "x"}]}, "Supported values are"),
            ({"messages": [user(None)]}, "got null"),
            ({"messages": [user([{"type": "image", "source": {}}])]}, "Supported values are"),
            (
                {"messages": [user("x"), {"role": "tool", "tool_call_id": "c", "content": "x"}]},
                "must be a response to a preceeding message",
            ),
            (
                {"messages": [user("x"), assistant(None, tool_calls=[CALL]), user("y")]},
                "did not have response messages: call_1",
            ),
            (
                {"messages": [user("x"), assistant(None, tool_calls=[CALL])]},
                "did not have response messages: call_1",
            ),
            (
                {
                    "messages": [
                        assistant(
                            None,
                            tool_calls=[{**CALL, "function": {"name": "f", "arguments": {}}}],
                        )
                    ]
                },
                "expected a string",
            ),
            ({"tools": []}, "empty_array"),
            ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "pattern"),
            ({"tool_choice": "auto"}, "only allowed when 'tools'"),
            ({"tools": [FUNCTION], "tool_choice": {"type": "function"}}, "no such tool"),
            ({"temperature": 3}, "temperature"),
            ({"n": 0}, "'n'"),
            ({"stop": list("abcde")}, "array_above_max_length"),
            ({"top_logprobs": 2}, "logprobs"),
            ({"stream_options": {"include_usage": True}}, "only allowed when 'stream'"),
            ({"model": "gpt-5.4-mini", "max_tokens": 5}, "unsupported_parameter"),
            ({"model": "o3", "temperature": 0.5}, "unsupported_parameter"),
            ({"model": "o3", "reasoning_effort": "none"}, "unsupported_value"),
            ({"model": "gpt-5", "temperature": 0.5}, "Only the default (1) value"),
            ({"model": "gpt-5.2", "top_p": 0.5, "reasoning_effort": "low"}, "unsupported_value"),
            ({"model": "gpt-4o", "reasoning_effort": "none"}, "Unrecognized request argument"),
            ({"model": "strict-model", "top_k": 5}, "Unrecognized request argument"),
            ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
            (
                {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
                "json_schema.name",
            ),
            (
                {
                    "response_format": {
                        "type": "json_schema",
                        "json_schema": {
                            "name": "n",
                            "strict": True,
                            "schema": {"type": "object", "properties": {}},
                        },
                    }
                },
                "additionalProperties",
            ),
        ],
    )
    def test_openai(self, simulator: Simulator, change: dict[str, Any], expected: str) -> None:
        body = {"model": "gpt-4o-mini", "messages": [user("x")], **change}
        raw = send(simulator, "openai", body=body)
        assert raw.status == 400
        assert set(raw.json["error"]) == {"message", "type", "param", "code"}
        assert expected in json.dumps(raw.json["error"], ensure_ascii=False)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"max_tokens": None}, "max_tokens"),
            ({"max_tokens": 0}, "max_tokens"),
            ({"messages": []}, "at least one message"),
            ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
            ({"messages": [assistant("x")]}, "first message must use"),
            ({"messages": [user("x"), assistant("y ")]}, "trailing whitespace"),
            ({"messages": [user("x"), assistant("")]}, None),
            ({"messages": [user("")]}, "non-empty content"),
            ({"messages": [user([{"type": "text", "text": ""}])]}, "must be non-empty"),
            ({"messages": [user("x"), user("y")]}, None),
            ({"messages": [user("x"), user([RESULT])]}, "unexpected `tool_use_id`"),
            (
                {"messages": [user("x"), assistant([USE]), user("y")]},
                "without `tool_result` blocks immediately after",
            ),
            ({"messages": [user("x"), assistant([{**USE, "input": "{}"}])]}, "valid dictionary"),
            ({"messages": [user("x"), assistant([{**USE, "id": "a b"}])]}, "should match pattern"),
            (
                {"messages": [user([{"type": "image_url", "image_url": {"url": "x"}}])]},
                "does not match any expected",
            ),
            ({"tools": [{"name": "f", "input_schema": {}}]}, "input_schema.type"),
            ({"tools": [{"name": "f", "parameters": WEATHER}]}, "input_schema"),
            ({"tool_choice": {"type": "auto"}}, "while providing tools"),
            ({"top_logprobs": 1}, "Extra inputs are not permitted"),
            ({"model": "lenient", "top_logprobs": 1}, None),
            ({"temperature": 1.5}, "temperature"),
            ({"model": "claude-opus-5", "temperature": 0.5}, "deprecated for this model"),
            ({"temperature": 0.5, "top_p": 0.5}, "cannot both be specified"),
            ({"stop_sequences": [" "]}, "non-whitespace"),
            ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "1024"),
            ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, "must be greater"),
            ({"thinking": {"type": "adaptive"}, "temperature": 0.5}, "only be set to 1"),
            (
                {"messages": [user("x"), assistant([{"type": "thinking", "thinking": "t"}])]},
                "signature",
            ),
            ({"messages": [{"role": "system", "content": "x"}, user("x")]}, "top-level 'system'"),
            (
                {"messages": [user("x"), {"role": "system", "content": "x"}]},
                "not supported on this model",
            ),
            (
                {
                    "model": "claude-opus-5",
                    "messages": [user("x"), {"role": "system", "content": "y"}],
                },
                None,
            ),
            ({"model": "claude-opus-5", "messages": [user("x"), assistant("y")]}, "prefill"),
            (
                {
                    "output_config": {
                        "format": {"type": "json_schema", "schema": {"type": "object"}}
                    }
                },
                "additionalProperties",
            ),
            (
                {"output_config": {"format": {"type": "json_schema", "schema": WEATHER}}},
                "minimum",
            ),
            (
                {
                    "output_config": {
                        "format": {"type": "json_schema", "schema": {"items": {"$ref": "#"}}}
                    }
                },
                "Circular reference",
            ),
            (
                {"tools": [{"name": "f", "strict": True, "input_schema": WEATHER}]},
                "tools.0.custom: For 'integer' type, properties minimum",
            ),
            ({"tools": [{"name": "f", "input_schema": WEATHER}]}, None),
        ],
    )
    def test_anthropic(
        self, simulator: Simulator, change: dict[str, Any], expected: str | None
    ) -> None:
        base = {"model": "claude-haiku-4-5", "max_tokens": 2000, "messages": [user("x")]}
        body = {key: value for key, value in {**base, **change}.items() if value is not None}
        raw = send(simulator, "anthropic", body=body)
        if expected is None:
            assert raw.status == 200, raw.body
        else:
            assert raw.status == 400
            assert raw.json["type"] == "error"
            assert raw.json["error"]["type"] == "invalid_request_error"
            assert expected in raw.json["error"]["message"]

    def test_anthropic_without_version(self, simulator: Simulator) -> None:
        raw = send(simulator, "anthropic", headers={"anthropic-version": ""})
        assert "anthropic-version: header is required" in raw.json["error"]["message"]

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"contents": []}, "contents is not specified"),
            ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "valid role"),
            ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
            ({"contents": [{"role": "user", "parts": [{}]}]}, "required oneof field"),
            ({"messages": []}, 'Unknown name "messages"'),
            ({"generationConfig": {"max_tokens": 5}}, "at 'generation_config'"),
            ({"generation_config": {"max_output_tokens": 5}}, None),
            ({"generationConfig": {"temperature": 3}}, "temperature"),
            ({"generationConfig": {"stopSequences": list("abcdef")}}, "stop sequences"),
            ({"generationConfig": {"responseSchema": {"type": "OBJECT"}}}, "response mime_type"),
            ({"tools": [{"functionDeclarations": [{"name": "a b"}]}]}, "Invalid function name"),
            (
                {"tools": [{"functionDeclarations": [{"name": "f", "parameters": WEATHER}]}]},
                'Unknown name "additionalProperties" at '
                "'tools[0].function_declarations[0].parameters'",
            ),
            (
                {"tools": [{"functionDeclarations": [{"name": "f", "input_schema": {}}]}]},
                'Unknown name "input_schema"',
            ),
            (
                {
                    "tools": [{"functionDeclarations": [{"name": "f"}]}],
                    "toolConfig": {
                        "functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}
                    },
                },
                "only be set when function calling mode is ANY",
            ),
        ],
    )
    def test_google(
        self, simulator: Simulator, change: dict[str, Any], expected: str | None
    ) -> None:
        body = {"contents": [{"role": "user", "parts": [{"text": "x"}]}], **change}
        raw = send(simulator, "google", body=body)
        if expected is None:
            assert raw.status == 200, raw.body
        else:
            assert raw.json["error"]["code"] == raw.status == 400
            assert raw.json["error"]["status"] == "INVALID_ARGUMENT"
            assert expected in raw.json["error"]["message"]

    @pytest.mark.parametrize(
        ("turns", "expected"),
        [
            ([{"functionResponse": {"name": "f", "response": {}}}], "immediately after"),
            ([{"functionResponse": {"name": "f", "response": "x"}}], "Struct"),
            ([{"functionCall": {"name": "f", "args": {}}}], "end with a user role"),
            (
                [{"functionCall": {"name": "f", "args": {}}}, {"text": "y"}],
                "is equal to the number",
            ),
            (
                [
                    {"functionCall": {"name": "f", "args": {}}},
                    {"functionResponse": {"name": "g", "response": {}}},
                ],
                "name the functions",
            ),
        ],
    )
    def test_google_function_turns(
        self, simulator: Simulator, turns: list[Any], expected: str
    ) -> None:
        contents = [{"role": "user", "parts": [{"text": "x"}]}]
        for part in turns:
            role = "model" if "functionCall" in part else "user"
            contents.append({"role": role, "parts": [part]})
        raw = send(simulator, "google", body={"contents": contents})
        assert raw.status == 400
        assert expected in raw.json["error"]["message"]

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_what_is_no_json(self, simulator: Simulator, dialect: str) -> None:
        assert send(simulator, dialect, body=b"{").status == 400

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_invalid_requests_are_refused_whatever_failure_they_ask_for(
        self, simulator: Simulator, dialect: str
    ) -> None:
        path = "/fail/hang" + path_for(dialect, stream=False, model="m")
        assert send(simulator, dialect, path=path, body={"model": "m"}).status == 400

    def test_unknown_urls_are_404(self, simulator: Simulator) -> None:
        raw = send(simulator, "openai", path="/v1/completions")
        assert raw.status == 404
        assert "Unknown request URL" in raw.json["error"]["message"]


class TestFailures:
    def fail(
        self, simulator: Simulator, dialect: str, failure: str, *, stream: bool = False, **more: Any
    ) -> Raw:
        return send(simulator, dialect, stream=stream, model=f"fail-{failure}", **more)

    def test_every_failure_is_performed_listed_and_documented(self) -> None:
        assert sorted(performed()) == sorted(MODES)
        documented = ai_client.simulator.__doc__ or ""
        for line in listing().splitlines():
            assert line in documented, f"The docstring's table lacks: {line}"

    @pytest.mark.parametrize("stream", STREAMED)
    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize(
        "status",
        [400, 401, 402, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503, 504, 520, 529],
    )
    def test_statuses_come_in_the_vendors_shape(
        self, simulator: Simulator, dialect: str, stream: bool, status: int
    ) -> None:
        raw = self.fail(simulator, dialect, f"status-{status}", stream=stream)
        assert (raw.status, raw.headers["content-type"]) == (status, "application/json")
        assert raw.json["error"]["message"]
        assert "retry-after" not in raw.headers

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_waiting_times(self, simulator: Simulator, dialect: str) -> None:
        def header(failure: str, name: str = "retry-after") -> str | None:
            raw = self.fail(simulator, dialect, failure)
            assert raw.status in (429, 503, 529)
            return raw.headers.get(name)

        assert header("rate-limit-7") == "7"
        assert header("rate-limit") == "30"
        assert header("rate-limit-body-9") is None
        assert header("retry-after-negative") == "-5"
        assert header("retry-after-huge") == "999999999"
        assert header("retry-after-nan") == "NaN"
        assert header("retry-after-ms") is None
        assert header("retry-after-ms-250", "retry-after-ms") == "250"
        assert header("overloaded-3") == "3"
        assert parsedate_to_datetime(header("rate-limit-date-60") or "").tzinfo is not None
        assert "9" in self.fail(simulator, dialect, "rate-limit-body-9").json["error"]["message"]

    @pytest.mark.parametrize(
        ("dialect", "failure", "status", "kind"),
        [
            ("openai", "quota", 429, "insufficient_quota"),
            ("anthropic", "quota", 402, "billing_error"),
            ("google", "quota", 429, "RESOURCE_EXHAUSTED"),
            ("openai", "credit", 402, "Insufficient Balance"),
            ("anthropic", "credit", 400, "credit balance is too low"),
            ("google", "credit", 429, "credits are depleted"),
            ("openai", "context", 400, "context_length_exceeded"),
            ("anthropic", "context", 400, "prompt is too long"),
            ("google", "context", 400, "exceeds the maximum number of tokens"),
            ("openai", "filter", 400, "content_filter"),
            ("anthropic", "filter", 400, "content filtering policy"),
            ("google", "filter", 200, "PROHIBITED_CONTENT"),
            ("openai", "filter-finish", 200, '"content_filter"'),
            ("anthropic", "filter-finish", 200, '"refusal"'),
            ("google", "filter-finish", 200, '"SAFETY"'),
            ("openai", "error-in-200-429", 200, "rate_limit_exceeded"),
            ("anthropic", "error-in-200-529", 200, "overloaded_error"),
            ("google", "error-in-200-503", 200, "UNAVAILABLE"),
        ],
    )
    def test_what_vendors_say(
        self, simulator: Simulator, dialect: str, failure: str, status: int, kind: str
    ) -> None:
        raw = self.fail(simulator, dialect, failure)
        assert raw.status == status
        assert kind in raw.body.decode()

    def test_redirect_names_the_port_that_was_asked_for(self, simulator: Simulator) -> None:
        raw = self.fail(simulator, "openai", "redirect-12345")
        assert raw.status == 302
        assert raw.headers["location"].startswith("http://127.0.0.1:12345/redirected/v1/")

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize("stream", STREAMED)
    @pytest.mark.parametrize(
        ("failure", "ended"), [("reset", "reset"), ("close", "closed"), ("bad-http", "bad")]
    )
    def test_nothing_but_an_end(
        self, simulator: Simulator, dialect: str, stream: bool, failure: str, ended: str
    ) -> None:
        raw = self.fail(simulator, dialect, failure, stream=stream)
        assert (raw.status, raw.ended) == (0, ended)

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize(
        ("failure", "ended"),
        [
            ("reset-midstream-3", "reset"),
            ("reset-midbody-3", "reset"),
            ("close-midstream-3", "closed"),
        ],
    )
    def test_broken_off_in_the_middle(
        self, simulator: Simulator, dialect: str, failure: str, ended: str
    ) -> None:
        streamed = self.fail(simulator, dialect, failure, stream=True)
        assert streamed.ended == ended
        assert streamed_text(dialect, streamed.events) == "Echo: one two"
        assert not has_end(dialect, streamed)
        plain = self.fail(simulator, dialect, failure)
        assert plain.ended == ended
        assert 0 < len(plain.body) < int(plain.headers["content-length"])

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_reset_on_reuse_serves_only_the_first_request_of_a_socket(
        self, simulator: Simulator, dialect: str
    ) -> None:
        for _ in range(2):
            connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=20)
            outcomes = [
                self.fail(simulator, dialect, "reset-on-reuse", connection=connection).ended
                for _ in range(2)
            ]
            connection.close()
            assert outcomes == ["complete", "reset"]
        assert [one.socket_request for one in simulator.requests] == [1, 2, 1, 2]
        assert simulator.sockets_accepted == 2

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize("stream", STREAMED)
    @pytest.mark.parametrize(
        "failure",
        [
            "hang",
            "hang-after-headers",
            "hang-midstream",
            "silence-pings-1",
            "drip-1",
            "slow-headers-60",
            "slow-first-event-60",
        ],
    )
    def test_leaving_clients_are_noticed(
        self, simulator: Simulator, dialect: str, stream: bool, failure: str
    ) -> None:
        slow = failure.replace("drip-1", "drip-60000")
        path = f"/fail/{slow}" + path_for(dialect, stream=stream, model="m")
        body = json.dumps(body_for(dialect, "one two three", stream=stream, model="m")).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nanthropic-version: 2023-06-01\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", simulator.port), timeout=20) as client:
            client.sendall(head.encode() + body)
            simulator.wait_for(lambda one: one.failure == slow)
            if slow not in ("hang", "slow-headers-60"):
                assert client.recv(16).startswith(b"HTTP/1.1 200")
        record = simulator.wait_for(lambda one: one.done)
        assert record.left_early
        assert record.left_after_ms is not None
        assert record.left_after_ms >= 0

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_hanging_midstream_has_sent_its_content(
        self, simulator: Simulator, dialect: str
    ) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=20)
        body = body_for(dialect, "one two three", stream=True, model="m")
        path = "/fail/hang-midstream-3" + path_for(dialect, stream=True, model="m")
        connection.request("POST", path, json.dumps(body), {"anthropic-version": "2023-06-01"})
        response = connection.getresponse()
        received = b""
        while b" two" not in received:
            received += response.read1(65536)
        assert streamed_text(dialect, Raw(200, {}, received, "").events) == "Echo: one two"
        response.close()
        connection.close()
        assert simulator.wait_for(lambda one: one.done).left_early

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize("stream", STREAMED)
    def test_wrong_content(self, simulator: Simulator, dialect: str, stream: bool) -> None:
        html = self.fail(simulator, dialect, "html", stream=stream)
        assert (html.status, html.headers["content-type"]) == (200, "text/html; charset=utf-8")
        wrong = self.fail(simulator, dialect, "wrong-json", stream=stream)
        assert b'{"hello": "world"}' in wrong.body
        cut = self.fail(simulator, dialect, "cut-json", stream=stream)
        assert cut.ended == "complete"
        with pytest.raises(json.JSONDecodeError):
            _ = cut.events if stream else cut.json

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize("stream", STREAMED)
    def test_empty_answers(self, simulator: Simulator, dialect: str, stream: bool) -> None:
        marks = {"openai": '"stop"', "anthropic": '"end_turn"', "google": '"STOP"'}
        for failure, finished in (("empty", False), ("empty-finish", True)):
            raw = self.fail(simulator, dialect, failure, stream=stream)
            assert raw.status == 200
            assert b"Echo" not in raw.body
            assert (marks[dialect] in raw.body.decode()) is finished

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_errors_inside_streams(self, simulator: Simulator, dialect: str) -> None:
        first = self.fail(simulator, dialect, "sse-error-first-429", stream=True)
        later = self.fail(simulator, dialect, "sse-error-later", stream=True)
        assert (first.status, later.status) == (200, 200)
        assert "error" in first.events[-1]
        assert "error" in later.events[-1]
        assert streamed_text(dialect, first.events[:-1]) == ""
        assert streamed_text(dialect, later.events[:-1]) == "Echo: one"
        assert not has_end(dialect, later)
        assert "error" in self.fail(simulator, dialect, "sse-error-first").json

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_streams_without_their_end(self, simulator: Simulator, dialect: str) -> None:
        truncated = self.fail(simulator, dialect, "truncated", stream=True)
        assert streamed_text(dialect, truncated.events) == "Echo: one two three four"
        unmarked = self.fail(simulator, dialect, "no-end-marker", stream=True)
        for raw in (truncated, unmarked):
            assert raw.ended == "complete"
            assert not has_end(dialect, raw)
        assert ('finish_reason":"stop' in unmarked.body.decode()) is (dialect == "openai")

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize("failure", ["malformed-event-first", "malformed-event-later"])
    def test_all_the_rest_follows_a_malformed_event(
        self, simulator: Simulator, dialect: str, failure: str
    ) -> None:
        raw = self.fail(simulator, dialect, failure, stream=True)
        whole = raw.body.replace(b'data: {"broken": \n', b"data: {}\n")
        assert whole != raw.body
        assert streamed_text(dialect, Raw(200, {}, whole, "").events) == "Echo: one two three four"
        assert has_end(dialect, raw)
        broken = raw.body.index(b"broken")
        assert (b"Echo:" in raw.body[:broken]) is failure.endswith("later")

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize("stream", STREAMED)
    def test_bad_utf8(self, simulator: Simulator, dialect: str, stream: bool) -> None:
        raw = self.fail(simulator, dialect, "bad-utf8", stream=stream)
        with pytest.raises(UnicodeDecodeError):
            raw.body.decode()

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_line_ends_and_marks(self, simulator: Simulator, dialect: str) -> None:
        normal = self.fail(simulator, dialect, "ok", stream=True).body

        def shape(failure: str) -> bytes:
            path = f"/fail/{failure}" + path_for(dialect, stream=True, model="fail-ok")
            return send(simulator, dialect, stream=True, model="fail-ok", path=path).body

        def same(first: bytes, second: bytes) -> bool:
            # The names of answers differ with the path; their content must not.
            names = re.compile(rb"[0-9a-f]{24}")
            return names.sub(b"", first) == names.sub(b"", second)

        assert same(shape("crlf").replace(b"\r\n", b"\n"), normal)
        assert b"\n" not in shape("cr")
        assert same(shape("cr").replace(b"\r", b"\n"), normal)
        assert shape("bom").startswith(b"\xef\xbb\xbf")
        assert same(shape("bom")[3:], normal)
        assert shape("multiline").count(b"data: ") > normal.count(b"data: ")
        assert shape("comments").count(b": a comment\n") == normal.count(b"data: ")
        hostile = shape("u2028").decode()
        assert "\u2028" in hostile
        assert "\u0085" in hostile
        assert same(shape("one-byte"), normal)

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_azures_first_chunk_and_chunks_of_usage_only(
        self, simulator: Simulator, dialect: str
    ) -> None:
        azure = self.fail(simulator, dialect, "azure-first-chunk", stream=True)
        assert not azure.events[0].get("choices")
        assert "candidates" not in azure.events[0]
        assert streamed_text(dialect, azure.events) == "Echo: one two three four"
        assert has_end(dialect, azure)
        usage = self.fail(simulator, dialect, "usage-only", stream=True)
        assert streamed_text(dialect, usage.events) == "Echo: one two three four"
        normal = self.fail(simulator, dialect, "ok", stream=True)
        assert len(usage.events) > len(normal.events)

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_plain_for_stream_and_stream_for_plain(
        self, simulator: Simulator, dialect: str
    ) -> None:
        ignored = self.fail(simulator, dialect, "ignore-stream", stream=True)
        assert ignored.headers["content-type"] == "application/json"
        assert text_of(dialect, ignored.json) == "Echo: one two three four"
        forced = self.fail(simulator, dialect, "force-stream")
        assert forced.headers["content-type"].startswith("text/event-stream")
        assert streamed_text(dialect, forced.events) == "Echo: one two three four"

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize("stream", STREAMED)
    @pytest.mark.parametrize(
        "failure",
        [
            "drip-0.01",
            "one-byte",
            "slow-1",
            "slow-headers-0.01",
            "slow-first-event-0.01",
            "pings-then-ok-2",
        ],
    )
    def test_slow_answers_are_right(
        self, simulator: Simulator, dialect: str, stream: bool, failure: str
    ) -> None:
        raw = self.fail(simulator, dialect, failure, stream=stream)
        said = streamed_text(dialect, raw.events) if stream else text_of(dialect, raw.json)
        assert said == "Echo: one two three four"
        if failure.startswith("pings"):
            assert raw.body.startswith((b" ", b":", b"event: ping"))

    @pytest.mark.parametrize("dialect", DIALECTS)
    @pytest.mark.parametrize("stream", STREAMED)
    def test_sizes(self, simulator: Simulator, dialect: str, stream: bool) -> None:
        mib = 1024 * 1024
        event = self.fail(simulator, dialect, "huge-event-2", stream=stream)
        assert max(len(line) for line in event.body.split(b"\n")) > 2 * mib
        body = self.fail(simulator, dialect, "huge-body-3", stream=stream)
        assert len(body.body) > 3 * mib
        if stream:
            assert max(len(line) for line in body.body.split(b"\n")) < 1.1 * mib
        bomb = self.fail(simulator, dialect, "gzip-bomb-8", stream=stream)
        assert bomb.headers["content-encoding"] == "gzip"
        assert len(bomb.body) < mib / 8
        assert len(zlib.decompress(bomb.body, zlib.MAX_WBITS | 16)) > 8 * mib

    def test_bad_tool_json(self, simulator: Simulator) -> None:
        call = self.fail(simulator, "openai", "bad-tool-json", tools=[FUNCTION]).json
        arguments = call["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        with pytest.raises(json.JSONDecodeError):
            json.loads(arguments)
        tools = [{"name": "f", "input_schema": WEATHER}]
        raw = self.fail(simulator, "anthropic", "bad-tool-json", stream=True, tools=tools)
        pieces = [one.get("delta", {}).get("partial_json", "") for one in raw.events]
        with pytest.raises(json.JSONDecodeError):
            json.loads("".join(pieces))
        declared = [{"functionDeclarations": [{"name": "f"}]}]
        google = self.fail(simulator, "google", "bad-tool-json", tools=declared).json
        assert google["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"

    def test_a_number_of_times(self, simulator: Simulator) -> None:
        statuses = [self.fail(simulator, "openai", "status-500@2--gpt-4o").status for _ in range(3)]
        assert statuses == [500, 500, 200]
        simulator.clear()
        assert self.fail(simulator, "openai", "status-500@2--gpt-4o").status == 500

    def test_the_path_wins_and_lists_of_models_fail_too(self, simulator: Simulator) -> None:
        path = "/fail/status-503/v1/chat/completions"
        assert send(simulator, "openai", model="fail-status-401", path=path).status == 503
        with pytest.raises(openai.InternalServerError):
            openai_client(simulator, "status-503").models.list()

    @pytest.mark.parametrize("unknown", ["nothing", "status", "hang-5", "status-", "ok@"])
    def test_unknown_failures_name_the_known_ones(self, simulator: Simulator, unknown: str) -> None:
        with pytest.raises(UnknownFault, match="status-CODE"):
            parse_fault(unknown)
        raw = self.fail(simulator, "openai", unknown)
        assert raw.status == 404
        assert "status-CODE" in raw.json["error"]["message"]


class TestRecords:
    def test_what_came_in_is_kept(self, simulator: Simulator) -> None:
        send(simulator, "anthropic", "hello", headers={"X-Custom": "value"})
        record = simulator.wait_for(lambda one: one.done)
        assert (record.method, record.path) == ("POST", "/v1/messages")
        assert record.headers["x-custom"] == "value"
        assert json.loads(record.body) == record.json
        assert record.status == 200
        assert record.done
        assert not record.left_early

    def test_other_processes_read_and_forget_them(self, simulator: Simulator) -> None:
        send(simulator, "google", "hello")
        connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=20)
        connection.request("GET", "/_requests")
        (record,) = json.loads(connection.getresponse().read())
        assert record["json"]["contents"][0]["parts"] == [{"text": "hello"}]
        connection.request("DELETE", "/_requests")
        connection.getresponse().read()
        connection.close()
        assert simulator.requests == []

    def test_waiting_in_vain_ends(self, simulator: Simulator) -> None:
        with pytest.raises(TimeoutError):
            simulator.wait_for(lambda one: one.left_early, timeout=0.01)


class TestHttp:
    def bytes_of(self, simulator: Simulator, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", simulator.port), timeout=20) as client:
            client.sendall(request)
            received = b""
            while piece := client.recv(65536):
                received += piece
        return received

    @given(body=st.binary(max_size=300), cuts=st.lists(st.integers(1, 300), max_size=8))
    @settings(
        deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def test_chunked_requests_arrive_whole_however_they_are_cut(
        self, simulator: Simulator, body: bytes, cuts: list[int]
    ) -> None:
        simulator.clear()
        bounds = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
        pieces = [body[at:end] for at, end in pairwise(bounds)]
        chunked = b"".join(b"%X;x=y\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
        head = (
            b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        answer = self.bytes_of(simulator, head + chunked + b"0\r\nTrailer: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 404")
        assert [one.body for one in simulator.requests] == [body]

    def test_requests_follow_each_other_on_a_socket(self, simulator: Simulator) -> None:
        one = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert self.bytes_of(simulator, one + one + last).count(b"HTTP/1.1 200 OK") == 3
        assert simulator.sockets_accepted == 1

    def test_old_clients_get_unframed_streams(self, simulator: Simulator) -> None:
        body = json.dumps(body_for("openai", "a", stream=True, model="m")).encode()
        head = b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body)
        answer = self.bytes_of(simulator, head + body)
        assert b"Transfer-Encoding" not in answer
        assert answer.endswith(b"data: [DONE]\n\n")

    def test_expect_continue(self, simulator: Simulator) -> None:
        head = (
            b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}"
        )
        assert self.bytes_of(simulator, head).startswith(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404"
        )

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        ],
    )
    def test_what_is_no_http_is_refused(self, simulator: Simulator, request_bytes: bytes) -> None:
        with socket.create_connection(("127.0.0.1", simulator.port), timeout=20) as client:
            client.sendall(request_bytes)
            assert client.recv(12) == b"HTTP/1.1 400"


class TestSchemas:
    @pytest.mark.parametrize(
        ("schema", "expected"),
        [
            ({"type": "STRING"}, "value"),
            ({"type": ["null", "integer"]}, 1),
            ({"enum": ["b", "a"]}, "b"),
            ({"const": 7}, 7),
            ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, True),
            ({"type": "integer", "exclusiveMinimum": 4, "multipleOf": 5}, 5),
            ({"type": "number", "maximum": -2}, -2),
            ({"type": "string", "minLength": 7}, "valuexx"),
            ({"type": "string", "maxLength": 2}, "va"),
            ({"type": "string", "format": "date"}, "2026-01-01"),
            ({"type": "array", "items": {"type": "string"}, "minItems": 2}, ["value", "value 2"]),
            ({"type": "array", "items": {"enum": [1, 2]}, "minItems": "2"}, [1, 2]),
            (
                {
                    "type": "object",
                    "properties": {"home": {"$ref": "#/$defs/place"}},
                    "$defs": {"place": {"type": "object", "properties": {"city": {}}}},
                },
                {"home": {"city": "city"}},
            ),
            (
                {"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {"const": None}}}]},
                {"a": "a", "b": None},
            ),
        ],
    )
    def test_values_conform(self, schema: dict[str, Any], expected: object) -> None:
        assert conforming(schema) == expected

    def test_recursive_schemas_end(self) -> None:
        node = {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#"}},
            },
            "required": ["name", "next", "children"],
        }
        value = conforming(node)
        assert isinstance(value, dict)
        assert value["name"] == "name"


class TestPorts:
    def test_refused(self) -> None:
        with refused_port() as port, pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=20)

    def test_silent(self) -> None:
        with silent_port() as port, socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(0.05)
            with pytest.raises(TimeoutError):
                client.recv(1)

    def test_unaccepting(self) -> None:
        with unaccepting_port() as port, pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", port), timeout=0.05)


class TestCommand:
    def test_lists_the_failures(self) -> None:
        out = StringIO()
        call_command("simulate_providers", list=True, stdout=out)
        assert out.getvalue().strip() == listing()

    def test_serves_until_it_is_interrupted(self) -> None:
        command = [sys.executable, "-u", "manage.py", "simulate_providers", "--port", "0"]
        with subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            env=os.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            printed = ""
            while "Ctrl-C" not in printed:
                line = process.stdout.readline()
                assert line, f"It ended: {process.stderr.read() if process.stderr else ''}"
                printed += line
            match = re.search(r"openai +http://127\.0\.0\.1:(\d+)/v1 ", printed)
            assert match
            connection = http.client.HTTPConnection("127.0.0.1", int(match[1]), timeout=20)
            connection.request("GET", "/v1/models")
            assert connection.getresponse().status == 200
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=20)
            connection.close()
        assert process.returncode == 0
        assert rest.strip() == "Stopped."
        assert errors == ""


def test_imports_nothing_of_the_product() -> None:
    package = Path(ai_client.simulator.__file__).parent
    for module in package.glob("*.py"):
        for line in module.read_text().splitlines():
            found = re.match(r"\s*(?:from|import) (ai_client|connectors|django)[.\w]*", line)
            assert not found or "ai_client.simulator" in found[0], f"{module.name}: {line}"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", STREAMED)
def test_equal_requests_get_equal_answers(simulator: Simulator, dialect: str, stream: bool) -> None:
    first, second = (send(simulator, dialect, "think of it", stream=stream) for _ in range(2))
    assert first.body == second.body
