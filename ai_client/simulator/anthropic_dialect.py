"""Anthropic's Messages API as a server sees it.

Source: https://platform.claude.com/docs/en/api/messages, .../build-with-claude/streaming and
.../api/errors.
"""

from __future__ import annotations

from collections.abc import Iterator

from ai_client.simulator.answers import (
    Answer,
    Ask,
    Call,
    Choice,
    Finish,
    Part,
    Text,
    Thought,
    json_pieces,
)
from ai_client.simulator.anthropic_conversation import VENDOR, refuse
from ai_client.simulator.anthropic_counting import counted
from ai_client.simulator.anthropic_requests import read_request
from ai_client.simulator.dialect import (
    JsonObject,
    Kind,
    Media,
    Place,
    Problem,
    StreamEvent,
    body_of,
    dump,
)
from ai_client.simulator.http_server import HttpRequest, Reply
from ai_client.simulator.signatures import issue

_STOP = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.CALLS: "tool_use",
    Finish.FILTERED: "refusal",
    Finish.MALFORMED_CALL: "tool_use",
}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class AnthropicDialect:
    """The Messages API."""

    name = "anthropic"
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'

    def authorize(self, request: HttpRequest, key: str) -> None:
        """The key is in ``x-api-key`` or is a bearer token (what current SDKs send)."""
        bearer = request.header("authorization").partition(" ")
        given = request.header("x-api-key")
        if not given and bearer[0].lower() == "bearer":
            given = bearer[2]
        if not given:
            refuse("x-api-key header is required", 401, "authentication_error")
        if given != key:
            refuse("invalid x-api-key", 401, "authentication_error")

    def model_of(self, request: HttpRequest) -> str:
        """From the body."""
        model = (body_of(request) or {}).get("model")
        return model if isinstance(model, str) else ""

    def wants_stream(self, request: HttpRequest) -> bool:
        """``"stream": true`` in the body."""
        return (body_of(request) or {}).get("stream") is True

    def read(self, request: HttpRequest) -> Ask:
        """See ``anthropic_requests``."""
        return read_request(request)

    def media(self, request: HttpRequest) -> Media | None:
        """See ``anthropic_counting``."""
        return counted(request)

    def plain(self, ask: Ask, answer: Answer) -> bytes:
        """A ``message``."""
        choice = answer.choices[0]
        message = _message(ask, answer)
        message["content"] = [*_found(ask, choice), *(_block(ask, part) for part in choice.parts)]
        message["stop_reason"] = choice.finish and _STOP[choice.finish]
        message["stop_sequence"] = choice.stop_sequence
        message["stop_details"] = _stop_details(choice)
        message["usage"] = _usage(answer)
        return dump({**message, **answer.notes})

    def stream(self, ask: Ask, answer: Answer) -> Iterator[StreamEvent]:
        """``message_start`` to ``message_stop``."""
        choice = answer.choices[0]
        message = _message(ask, answer)
        message["usage"] = {**_usage(answer), "output_tokens": 1}
        yield _event(Place.HEAD, "message_start", message=message)
        found = _found(ask, choice)
        for index, block in enumerate(found):
            yield from _found_events(index, block)
        for index, part in enumerate(choice.parts, start=len(found)):
            yield _event(
                Place.HEAD, "content_block_start", index=index, content_block=_opened(ask, part)
            )
            if index == len(found):
                yield _event(Place.HEAD, "ping")
            for delta in _deltas(ask, part):
                place = Place.TAIL if delta["type"] == "signature_delta" else Place.CONTENT
                yield _event(place, "content_block_delta", index=index, delta=delta)
            yield _event(Place.TAIL, "content_block_stop", index=index)
        yield _event(
            Place.TAIL,
            "message_delta",
            delta={
                "stop_reason": choice.finish and _STOP[choice.finish],
                "stop_sequence": choice.stop_sequence,
                "stop_details": _stop_details(choice),
            },
            usage=_usage(answer),
        )
        yield _event(Place.END, "message_stop")

    def empty_chunk(self, ask: Ask) -> StreamEvent:
        """Anthropic has no such event; a ping is what can come first."""
        return _event(Place.HEAD, "ping")

    def usage_chunk(self, ask: Ask, answer: Answer) -> StreamEvent:
        """A ``message_delta`` that says nothing but usage."""
        delta = {"stop_reason": None, "stop_sequence": None}
        return _event(Place.TAIL, "message_delta", delta=delta, usage=_usage(answer))

    def error(self, problem: Problem) -> Reply:
        """``{"type": "error", "error": {type, message}, "request_id"}``."""
        status, message = problem.status, problem.message
        match problem.kind:
            case Kind.QUOTA:
                status, message = 402, "Your account has a problem with billing."
            case Kind.CREDIT:
                status, message = (
                    400,
                    (
                        "Your credit balance is too low to access the Anthropic API. "
                        "Please go to Plans & Billing to upgrade or purchase credits."
                    ),
                )
            case Kind.CONTEXT:
                status, message = 400, "prompt is too long: 210000 tokens > 200000 maximum"
            case Kind.FILTER:
                status, message = 400, "Output blocked by content filtering policy"
            case Kind.STATUS | Kind.RATE_LIMIT:
                if problem.retry_in is not None:
                    message = f"Rate limit exceeded, try again in {problem.retry_in:g} seconds."
                elif status in (503, 529) and not message:
                    message = "Overloaded"
        message = message or f"The simulator was asked for a {status}."
        default = "invalid_request_error" if status < 500 else "api_error"
        if status == 503:
            default = "overloaded_error"
        error = {"type": _TYPES.get(status, default), "message": message}
        body = {"type": "error", "error": error, "request_id": "req_simulated"}
        return Reply(status, dump(body))

    def error_event(self, problem: Problem) -> StreamEvent:
        """An ``error`` event."""
        return StreamEvent(self.error(problem).body, Place.TAIL, "error")

    def models(self, names: tuple[str, ...]) -> bytes:
        """A page of ``model`` objects."""
        return dump(
            {
                "data": [_model(name) for name in names],
                "has_more": False,
                "first_id": names[0] if names else None,
                "last_id": names[-1] if names else None,
            }
        )

    def model(self, name: str) -> bytes:
        """A ``model`` object."""
        return dump(_model(name))


def _model(name: str) -> JsonObject:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }


def _message(ask: Ask, answer: Answer) -> JsonObject:
    return {
        "id": f"msg_{ask.digest}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }


def _stop_details(choice: Choice) -> JsonObject | None:
    if choice.finish is not Finish.FILTERED:
        return None
    return {"type": "refusal", "category": "general_harms", "explanation": None}


def _visible(ask: Ask, thought: Thought) -> str:
    return "" if ask.thinking_hidden else thought.text


def _block(ask: Ask, part: Part) -> JsonObject:
    match part:
        case Text():
            cited = [_citation()] if ask.searches else None
            return {"type": "text", "text": part.text, "citations": cited}
        case Thought(redacted=True):
            return _redacted(part)
        case Thought():
            shown = _visible(ask, part)
            return {"type": "thinking", "thinking": shown, "signature": issue(VENDOR, shown)}
        case Call():
            return {
                "type": "tool_use",
                "id": f"toolu_{ask.digest}{part.nth}",
                "name": part.name,
                "input": part.arguments,
                "caller": {"type": "direct"},
            }


def _found(ask: Ask, choice: Choice) -> list[JsonObject]:
    """What was searched for, and what was found, before the answer in words."""
    if not ask.searches or not any(isinstance(part, Text) for part in choice.parts):
        return []
    name = f"srvtoolu_{ask.digest}"
    page: JsonObject = {
        "type": "web_search_result",
        "url": "https://echo.example/",
        "title": "Echo",
        "encrypted_content": issue(VENDOR, "page"),
        "page_age": None,
    }
    query = {"query": ask.prompt}
    return [
        {"type": "server_tool_use", "id": name, "name": "web_search", "input": query},
        {"type": "web_search_tool_result", "tool_use_id": name, "content": [page]},
    ]


def _found_events(index: int, block: JsonObject) -> Iterator[StreamEvent]:
    asked = block.get("input")
    opened = block if asked is None else {**block, "input": {}}
    yield _event(Place.HEAD, "content_block_start", index=index, content_block=opened)
    for piece in () if asked is None else json_pieces(dump(asked).decode()):
        delta = {"type": "input_json_delta", "partial_json": piece}
        yield _event(Place.HEAD, "content_block_delta", index=index, delta=delta)
    yield _event(Place.HEAD, "content_block_stop", index=index)


def _citation() -> JsonObject:
    return {
        "type": "web_search_result_location",
        "url": "https://echo.example/",
        "title": "Echo",
        "cited_text": "Echo",
        "encrypted_index": issue(VENDOR, "place"),
    }


def _opened(ask: Ask, part: Part) -> JsonObject:
    match part:
        case Text():
            return {"type": "text", "text": ""}
        case Thought(redacted=True):
            return _redacted(part)
        case Thought():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Call():
            return {**_block(ask, part), "input": {}}


def _redacted(thought: Thought) -> JsonObject:
    return {"type": "redacted_thinking", "data": issue(VENDOR, thought.text)}


def _deltas(ask: Ask, part: Part) -> Iterator[JsonObject]:
    match part:
        case Text():
            for piece in part.pieces:
                yield {"type": "text_delta", "text": piece}
            if ask.searches:
                yield {"type": "citations_delta", "citation": _citation()}
        case Thought(redacted=True):
            return
        case Thought():
            if not ask.thinking_hidden:
                for piece in part.pieces:
                    yield {"type": "thinking_delta", "thinking": piece}
            signature = issue(VENDOR, _visible(ask, part))
            yield {"type": "signature_delta", "signature": signature}
        case Call():
            yield {"type": "input_json_delta", "partial_json": ""}
            if part.json != "{}":
                for piece in json_pieces(part.json):
                    yield {"type": "input_json_delta", "partial_json": piece}


def _event(place: Place, kind: str, **fields: object) -> StreamEvent:
    return StreamEvent(dump({"type": kind, **fields}), place, kind)


def _usage(answer: Answer) -> JsonObject:
    usage = answer.usage
    return {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage.answer + usage.reasoning,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
        "service_tier": "standard",
    }
