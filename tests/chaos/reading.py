"""What a stream says, read without any code of the gateway: four small readers, one per dialect.

They judge both ends: what an upstream had said when it broke, and what the caller got. They are
strict about order: nothing may follow an end or an error.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

_LINE = re.compile(rb"\r\n|\r|\n")

STOP, LENGTH, CALLS = "stop", "length", "calls"


def written_arguments(arguments: object) -> str:
    """A call's arguments as every upstream here writes them."""
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))


class Broken(Exception):
    """The stream is not what its dialect allows."""


class Reader(ABC):
    """Reads one stream, event by event."""

    def __init__(self) -> None:
        self.text = ""
        self.calls: dict[object, list[str]] = {}
        """Name and arguments, by the vendor's index, in order of appearance."""
        self.finish: str | None = None
        self.ended = False
        self.error = False
        self.has_content = False

    def feed(self, name: str, data: str) -> None:
        """One event."""
        if self.error or self.ended:
            raise Broken(f"After its end comes {name!r}: {data[:80]}.")
        self._read(name, data)
        self.has_content |= bool(self.text or self.calls or self.finish)

    @property
    def complete(self) -> bool:
        """Whether the answer ended as a success, where nothing follows."""
        return self.ended

    @property
    def said_calls(self) -> list[tuple[str, str]]:
        """Names and arguments as they are so far; a call without arguments has an empty object."""
        return [(name, arguments or "{}") for name, arguments in self.calls.values()]

    @abstractmethod
    def _read(self, name: str, data: str) -> None: ...

    def _finished(self, reason: str | None) -> None:
        if reason is None:
            return
        if self.finish is not None:
            raise Broken("The stream finishes twice.")
        self.finish = reason


class ChatReader(Reader):
    """OpenAI's chat completions. A stream may end without ``[DONE]`` once it has finished."""

    @property
    def complete(self) -> bool:
        return self.finish is not None and not self.error

    def _read(self, name: str, data: str) -> None:
        if data == "[DONE]":
            self.ended = True
            return
        chunk = json.loads(data)
        if "error" in chunk:
            self.error = True
            return
        for choice in chunk["choices"]:
            delta = choice["delta"]
            self.text += delta.get("content") or ""
            self.has_content |= bool(delta.get("reasoning_content") or delta.get("reasoning"))
            for call in delta.get("tool_calls") or ():
                function = call["function"]
                found = self.calls.setdefault(call["index"], ["", ""])
                found[0] += function.get("name") or ""
                found[1] += function.get("arguments") or ""
            self._finished(choice.get("finish_reason"))


class ResponsesReader(Reader):
    """OpenAI's Responses."""

    def _read(self, name: str, data: str) -> None:
        if data == "[DONE]":
            raise Broken("A stream of Responses has no [DONE].")
        event = json.loads(data)
        match event["type"]:
            case "response.output_text.delta":
                self.text += event["delta"]
            case "response.output_item.added" if event["item"]["type"] == "function_call":
                item = event["item"]
                self.calls[event["output_index"]] = [item["name"], item["arguments"]]
            case "response.function_call_arguments.delta":
                self.calls[event["output_index"]][1] += event["delta"]
            case "response.completed" | "response.incomplete":
                self._finished(_finish_of(event["response"]))
                self.ended = True
            case "response.failed" | "error":
                self.error = True
            case kind if kind.startswith("response.reasoning"):
                self.has_content |= bool(event.get("delta"))


def _finish_of(response: dict[str, Any]) -> str:
    if response["status"] == "incomplete":
        return LENGTH
    kinds = {item["type"] for item in response["output"]}
    return CALLS if "function_call" in kinds else STOP


class MessagesReader(Reader):
    """Anthropic's Messages."""

    def _read(self, name: str, data: str) -> None:
        if name == "ping":
            # The official SDK does not look at what is in it either.
            return
        event = json.loads(data)
        if name != event["type"]:
            raise Broken(f"An event {name!r} holds {event['type']!r}.")
        match name:
            case "content_block_start" if event["content_block"]["type"] == "tool_use":
                self.calls[event["index"]] = [event["content_block"]["name"], ""]
            case "content_block_delta":
                delta = event["delta"]
                self.text += delta.get("text", "")
                self.has_content |= bool(delta.get("thinking") or delta.get("signature"))
                if "partial_json" in delta:
                    self.calls[event["index"]][1] += delta["partial_json"]
            case "message_delta":
                self._finished(event["delta"]["stop_reason"])
            case "message_stop":
                self.ended = True
            case "error":
                self.error = True


class GeminiReader(Reader):
    """Google's generateContent. A stream has no end of its own but its finish reason."""

    @property
    def complete(self) -> bool:
        return self.finish is not None and not self.error

    def _read(self, name: str, data: str) -> None:
        chunk = json.loads(data)
        if "error" in chunk:
            self.error = True
            return
        for candidate in chunk.get("candidates", ()):
            for part in candidate.get("content", {}).get("parts", ()):
                call = part.get("functionCall")
                if call is not None:
                    written = written_arguments(call.get("args", {}))
                    self.calls[len(self.calls)] = [call["name"], written]
                elif part.get("thought"):
                    self.has_content |= bool(part["text"])
                else:
                    self.text += part.get("text", "")
            self._finished(candidate.get("finishReason"))


READERS: dict[str, type[Reader]] = {
    "openai_chat": ChatReader,
    "openai_responses": ResponsesReader,
    "anthropic_messages": MessagesReader,
    "google_generate": GeminiReader,
}

_FINISHES = {
    "stop": STOP,
    "end_turn": STOP,
    "STOP": STOP,
    "length": LENGTH,
    "max_tokens": LENGTH,
    "MAX_TOKENS": LENGTH,
    "tool_calls": CALLS,
    "tool_use": CALLS,
    CALLS: CALLS,
}


def same_finish(reader: Reader, expected: str) -> bool:
    """Whether a reader's finish is the expected one; Google has one word for stop and calls."""
    said = _FINISHES.get(reader.finish or "")
    if isinstance(reader, GeminiReader) and expected == CALLS:
        return said == STOP
    return said == expected


def events(body: bytes) -> Iterator[tuple[str, str]]:
    """The names and data of server-sent events; ``Broken`` where the last one is cut."""
    name = ""
    data: list[str] = []
    body = body.removeprefix(b"\xef\xbb\xbf")
    for line in _LINE.split(body)[:-1]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"" if not line:
                if data:
                    yield name, "\n".join(data)
                name, data = "", []
            case b"event":
                name = value.decode()
            case b"data":
                data.append(value.decode())
    if data:
        raise Broken("The last event is cut.")


def whole(dialect: str, body: bytes) -> Reader:
    """A complete answer in one piece, as a reader that has read it."""
    answer = json.loads(body)
    reader = READERS[dialect]()
    if answer.get("error") or answer.get("type") == "error":
        raise Broken("It is an error.")
    match dialect:
        case "openai_chat":
            choice = answer["choices"][0]
            calls = choice["message"].get("tool_calls") or ()
            delta = {
                "content": choice["message"].get("content"),
                "tool_calls": [{**call, "index": number} for number, call in enumerate(calls)],
            }
            chunk = {"choices": [{"delta": delta, "finish_reason": choice["finish_reason"]}]}
            reader.feed("", json.dumps(chunk))
        case "openai_responses":
            for number, item in enumerate(answer["output"]):
                if item["type"] == "function_call":
                    reader.calls[number] = [item["name"], item["arguments"]]
                elif item["type"] == "message":
                    reader.text += "".join(part["text"] for part in item["content"])
            reader.finish = _finish_of(answer)
        case "anthropic_messages":
            for number, block in enumerate(answer["content"]):
                if block["type"] == "tool_use":
                    reader.calls[number] = [block["name"], written_arguments(block["input"])]
                elif block["type"] == "text":
                    reader.text += block["text"]
            reader.finish = answer["stop_reason"]
        case _:
            reader.feed("", body.decode())
    reader.ended = True
    return reader


def array_events(body: bytes) -> Iterator[tuple[str, str]]:
    """The members of Google's JSON array as events."""
    for each in json.loads(body):
        yield "", json.dumps(each, ensure_ascii=False)
