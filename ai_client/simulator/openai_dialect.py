"""OpenAI's chat completions as a server sees them.

Source: https://platform.openai.com/docs/api-reference/chat and .../guides/error-codes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import zip_longest

from ai_client.simulator.answers import (
    Answer,
    Ask,
    Call,
    Choice,
    Finish,
    Text,
    Thought,
    json_pieces,
)
from ai_client.simulator.dialect import (
    CREATED,
    JsonObject,
    Kind,
    Media,
    Place,
    Problem,
    Refused,
    StreamEvent,
    body_of,
    dump,
)
from ai_client.simulator.http_server import HttpRequest, Reply
from ai_client.simulator.media_files import SOUNDS
from ai_client.simulator.openai_counting import counted
from ai_client.simulator.openai_media import OpenAiMedia
from ai_client.simulator.openai_requests import read_request

_SOUND_PIECE = 4096
_DEPLOYMENT = re.compile(r".*/deployments/([^/]+)/chat/completions")
_FINISH = {
    Finish.STOP: "stop",
    Finish.STOP_SEQUENCE: "stop",
    Finish.LENGTH: "length",
    Finish.CALLS: "tool_calls",
    Finish.FILTERED: "content_filter",
    Finish.MALFORMED_CALL: "tool_calls",
}
_TYPES = {
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


class OpenAiDialect:
    """Chat completions of OpenAI and of everybody compatible."""

    name = "openai"
    ping = b": ping\n\n"

    def __init__(self) -> None:
        self._media = OpenAiMedia()

    def authorize(self, request: HttpRequest, key: str) -> None:
        """The key is a bearer token, or Azure's ``api-key`` header."""
        bearer = request.header("authorization").partition(" ")
        given = bearer[2] if bearer[0].lower() == "bearer" else request.header("api-key")
        if given == key:
            return
        if not given:
            message = "You didn't provide an API key."
            raise Refused(_error(401, "invalid_request_error", None, message))
        raise Refused(
            _error(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided.")
        )

    def model_of(self, request: HttpRequest) -> str:
        """From the body, or from the path of an Azure deployment."""
        model = (body_of(request) or {}).get("model")
        if isinstance(model, str) and model:
            return model
        deployment = _DEPLOYMENT.fullmatch(request.path)
        return deployment[1] if deployment else ""

    def wants_stream(self, request: HttpRequest) -> bool:
        """``"stream": true`` in the body."""
        return (body_of(request) or {}).get("stream") is True

    def read(self, request: HttpRequest) -> Ask:
        """See ``openai_requests``."""
        return read_request(request, self.model_of(request))

    def media(self, request: HttpRequest) -> Media | None:
        """See ``openai_media``."""
        return counted(request) or self._media.answer(request)

    def plain(self, ask: Ask, answer: Answer) -> bytes:
        """A ``chat.completion``."""
        return dump(
            {
                **_top(ask, "chat.completion"),
                "choices": [
                    {
                        "index": index,
                        "message": _message(ask, choice),
                        "logprobs": _logprobs(ask, _said(choice)),
                        "finish_reason": choice.finish and _FINISH[choice.finish],
                    }
                    for index, choice in enumerate(answer.choices)
                ],
                "usage": _usage(answer),
                **answer.notes,
            }
        )

    def stream(self, ask: Ask, answer: Answer) -> Iterator[StreamEvent]:
        """``chat.completion.chunk`` objects; the choices take turns."""
        for index, choice in enumerate(answer.choices):
            content = None if any(isinstance(part, Call) for part in choice.parts) else ""
            delta: JsonObject = {"role": "assistant", "content": content, "refusal": None}
            yield _chunk(ask, Place.HEAD, index, delta)
        for step in zip_longest(*(_deltas(ask, choice) for choice in answer.choices)):
            for index, delta in enumerate(step):
                if delta is not None:
                    logprobs = _logprobs(ask, _content(delta))
                    yield _chunk(ask, Place.CONTENT, index, delta, logprobs)
        for index, choice in enumerate(answer.choices):
            if choice.finish is not None:
                yield _chunk(ask, Place.TAIL, index, {}, finish=_FINISH[choice.finish])
        if ask.include_usage:
            yield self.usage_chunk(ask, answer)
        yield StreamEvent(b"[DONE]", Place.END)

    def empty_chunk(self, ask: Ask) -> StreamEvent:
        """Azure's first chunk: filter results of the prompt, no choices."""
        safe = {"filtered": False, "severity": "safe"}
        results = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), safe)
        chunk: JsonObject = {
            "choices": [],
            "created": 0,
            "id": "",
            "model": "",
            "object": "",
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": results}],
        }
        return StreamEvent(dump(chunk), Place.HEAD)

    def usage_chunk(self, ask: Ask, answer: Answer) -> StreamEvent:
        """The chunk that ``stream_options.include_usage`` adds."""
        chunk = {**_top(ask, "chat.completion.chunk"), "choices": [], "usage": _usage(answer)}
        return StreamEvent(dump(chunk), Place.TAIL)

    def error(self, problem: Problem) -> Reply:
        """``{"error": {message, type, param, code}}``."""
        match problem.kind:
            case Kind.QUOTA:
                return _error(
                    429,
                    "insufficient_quota",
                    "insufficient_quota",
                    "You exceeded your current quota, please check your plan and billing details.",
                )
            case Kind.CREDIT:
                return _error(402, "insufficient_quota", None, "Insufficient Balance")
            case Kind.CONTEXT:
                return _error(
                    400,
                    "invalid_request_error",
                    "context_length_exceeded",
                    "This model's maximum context length is 128000 tokens. However, your messages "
                    "resulted in 200000 tokens. Please reduce the length of the messages.",
                    param="messages",
                )
            case Kind.FILTER:
                return _filtered()
            case Kind.STATUS | Kind.RATE_LIMIT:
                kind, code = _TYPES.get(
                    problem.status,
                    ("invalid_request_error", None)
                    if problem.status < 500
                    else ("server_error", None),
                )
                message = problem.message or f"The simulator was asked for a {problem.status}."
                if problem.retry_in is not None:
                    message = f"Rate limit reached. Please try again in {problem.retry_in:g}s."
                return _error(problem.status, kind, code, message)

    def error_event(self, problem: Problem) -> StreamEvent:
        """The error object as an event without a name."""
        return StreamEvent(self.error(problem).body, Place.TAIL)

    def models(self, names: tuple[str, ...]) -> bytes:
        """A list of ``model`` objects."""
        return dump({"object": "list", "data": [_model(name) for name in names]})

    def model(self, name: str) -> bytes:
        """A ``model`` object."""
        return dump(_model(name))


def _top(ask: Ask, kind: str) -> JsonObject:
    return {
        "id": f"chatcmpl-{ask.digest}",
        "object": kind,
        "created": CREATED,
        "model": ask.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }


def _model(name: str) -> JsonObject:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "simulator"}


def _said(choice: Choice) -> tuple[str, ...]:
    return tuple(piece for part in choice.parts if isinstance(part, Text) for piece in part.pieces)


def _shows_thoughts(ask: Ask) -> bool:
    # DeepSeek's field, which OpenAI itself does not have:
    # https://api-docs.deepseek.com/guides/reasoning_model
    return "reasoner" in ask.model


def _message(ask: Ask, choice: Choice) -> JsonObject:
    calls = [part for part in choice.parts if isinstance(part, Call)]
    message: JsonObject = {
        "role": "assistant",
        "content": "".join(_said(choice)) if _said(choice) or not calls else None,
        "refusal": None,
        "annotations": [_citation(ask)] if ask.searches else [],
    }
    if ask.spoken and _said(choice):
        message["content"] = None
        words = "".join(_said(choice))
        message["audio"] = {**_audio(ask), "transcript": words, "data": _sound(ask, choice)}
    if not choice.parts and choice.finish is None:
        message["content"] = None
    if calls:
        message["tool_calls"] = [
            {
                "id": _call_id(ask, call),
                "type": "function",
                "function": {"name": call.name, "arguments": call.json},
            }
            for call in calls
        ]
    thoughts = "".join(part.text for part in choice.parts if isinstance(part, Thought))
    if thoughts and _shows_thoughts(ask):
        message["reasoning_content"] = thoughts
    return message


def _deltas(ask: Ask, choice: Choice) -> Iterator[JsonObject]:
    for part in choice.parts:
        match part:
            case Thought():
                if _shows_thoughts(ask):
                    for piece in part.pieces:
                        yield {"content": None, "reasoning_content": piece}
            case Text() if ask.spoken:
                yield from _spoken_deltas(ask, choice, part)
            case Text():
                for piece in part.pieces:
                    yield {"content": piece}
                if ask.searches:
                    yield {"annotations": [_citation(ask)]}
            case Call():
                start = {"name": part.name, "arguments": ""}
                identity = {"id": _call_id(ask, part), "type": "function", "function": start}
                yield {"tool_calls": [{"index": part.nth, **identity}]}
                for piece in json_pieces(part.json):
                    yield {"tool_calls": [{"index": part.nth, "function": {"arguments": piece}}]}


def _spoken_deltas(ask: Ask, choice: Choice, part: Text) -> Iterator[JsonObject]:
    """The words, then the sound in pieces that are base64 each, then until when it is kept."""
    name = _audio(ask)["id"]
    for nth, piece in enumerate(part.pieces):
        first = {"id": name} if nth == 0 else {}
        yield {"audio": {**first, "transcript": piece}}
    sound = base64.b64decode(_sound(ask, choice))
    for at in range(0, len(sound), _SOUND_PIECE):
        data = base64.b64encode(sound[at : at + _SOUND_PIECE]).decode()
        yield {"audio": {"id": name, "data": data}}
    yield {"audio": {"id": name, "expires_at": CREATED + 3600}}


def _audio(ask: Ask) -> JsonObject:
    return {"id": f"audio_{ask.digest}", "expires_at": CREATED + 3600}


def _sound(ask: Ask, choice: Choice) -> str:
    _, make = SOUNDS["pcm" if ask.spoken == "pcm16" else ask.spoken]
    return base64.b64encode(make(len(_said(choice)))).decode()


def _citation(ask: Ask) -> JsonObject:
    cited = {"start_index": 0, "end_index": 4, "title": "Echo", "url": "https://echo.example/"}
    return {"type": "url_citation", "url_citation": cited}


def _content(delta: JsonObject) -> tuple[str, ...]:
    content = delta.get("content")
    return (content,) if isinstance(content, str) else ()


def _chunk(
    ask: Ask,
    place: Place,
    index: int,
    delta: JsonObject,
    logprobs: object = None,
    finish: str | None = None,
) -> StreamEvent:
    choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    chunk = {**_top(ask, "chat.completion.chunk"), "choices": [choice]}
    if ask.include_usage:
        chunk["usage"] = None
    return StreamEvent(dump(chunk), place)


def _call_id(ask: Ask, call: Call) -> str:
    return f"call_{ask.digest}{call.nth}"


def _logprobs(ask: Ask, said: tuple[str, ...]) -> object:
    if ask.logprobs is None or not said:
        return None
    return {"content": [_token(piece, ask.logprobs) for piece in said], "refusal": None}


def _token(token: str, alternatives: int) -> JsonObject:
    def one(text: str, logprob: float) -> JsonObject:
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    top = [one(token, -0.25), *(one(f"other{nth}", -1.5 - nth) for nth in range(20))]
    return {**one(token, -0.25), "top_logprobs": top[:alternatives]}


def _usage(answer: Answer) -> JsonObject:
    usage = answer.usage
    completion = usage.answer + usage.reasoning
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": completion,
        "total_tokens": usage.prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _error(
    status: int, kind: str, code: str | None, message: str, *, param: str | None = None
) -> Reply:
    error = {"message": message, "type": kind, "param": param, "code": code}
    return Reply(status, dump({"error": error}))


def _filtered() -> Reply:
    # Azure: https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
    error = {
        "message": "The response was filtered due to the prompt triggering the content management "
        "policy. Please modify your prompt and retry.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True, "severity": "high"}},
        },
    }
    return Reply(400, dump({"error": error}))
