"""OpenAI's Responses API as a server sees it: a second face of the same vendor.

Source: https://platform.openai.com/docs/api-reference/responses and .../responses-streaming. Keys,
errors and models are those of ``openai_dialect``.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from ai_client.simulator.answers import (
    Answer,
    Ask,
    Call,
    Choice,
    Finish,
    Part,
    Text,
    Thought,
    answer,
    json_pieces,
)
from ai_client.simulator.dialect import (
    CREATED,
    JsonObject,
    Media,
    Place,
    Problem,
    StreamEvent,
    body_of,
    dump,
)
from ai_client.simulator.http_server import HttpRequest
from ai_client.simulator.openai_dialect import OpenAiDialect
from ai_client.simulator.openai_refusals import refuse
from ai_client.simulator.openai_responses_requests import VENDOR, read_request
from ai_client.simulator.signatures import issue

_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.FILTERED: "content_filter"}


class OpenAiResponsesDialect(OpenAiDialect):
    """Responses, of which it holds those that may be stored."""

    ping = b'event: keepalive\ndata: {"type":"keepalive","sequence_number":0}\n\n'

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[str, list[JsonObject]] = {}

    def read(self, request: HttpRequest) -> Ask:
        """See ``openai_responses_requests``; what is stored can be gone on from."""
        body = body_of(request) or {}
        ask, items = read_request(request, self._before(body.get("previous_response_id")))
        if body.get("store") is not False:
            said = _output(ask, answer(ask))
            self._held[_id(ask)] = [*items, *said]
        return ask

    def media(self, request: HttpRequest) -> Media | None:
        """It has conversations only."""
        return None

    def plain(self, ask: Ask, answer: Answer) -> bytes:
        """A ``response``."""
        return dump({**_response(ask, answer), **answer.notes})

    def stream(self, ask: Ask, answer: Answer) -> Iterator[StreamEvent]:
        """``response.created`` to ``response.completed``, numbered."""
        for number, (place, event) in enumerate(_events(ask, answer)):
            yield _event(place, {**event, "sequence_number": number})

    def empty_chunk(self, ask: Ask) -> StreamEvent:
        """That the answer waits for its turn; this API has no chunk without candidates."""
        return _event(Place.HEAD, {"type": "response.queued", "response": _begun(ask, "queued")})

    def usage_chunk(self, ask: Ask, answer: Answer) -> StreamEvent:
        """Usage before the end, with which this API says nothing else."""
        begun = {**_begun(ask), "usage": _usage(answer)}
        return _event(Place.TAIL, {"type": "response.in_progress", "response": begun})

    def error_event(self, problem: Problem) -> StreamEvent:
        """``response.failed`` for what is the server's fault, else an ``error`` event."""
        error = orjson.loads(self.error(problem).body)["error"]
        code = error["code"] or error["type"]
        if problem.status >= 500:
            failed = {
                "id": "resp_failed",
                "object": "response",
                "created_at": CREATED,
                "status": "failed",
                "error": {"code": code, "message": error["message"]},
                "output": [],
                "usage": None,
            }
            return _event(Place.TAIL, {"type": "response.failed", "response": failed})
        told = {"code": code, "message": error["message"], "param": error["param"]}
        return _event(Place.TAIL, {"type": "error", **told, "sequence_number": 0})

    def _before(self, previous: object) -> list[JsonObject]:
        if previous is None:
            return []
        held = self._held.get(previous) if isinstance(previous, str) else None
        if held is None:
            refuse(
                f"Previous response with id '{previous}' not found.",
                "previous_response_id",
                "previous_response_not_found",
            )
        return held


def _id(ask: Ask) -> str:
    return f"resp_{ask.digest}"


def _begun(ask: Ask, status: str = "in_progress") -> JsonObject:
    return {
        "id": _id(ask),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": ask.model,
        "output": [],
        "parallel_tool_calls": ask.parallel,
        "previous_response_id": None,
        "store": False,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
    }


def _response(ask: Ask, answer: Answer) -> JsonObject:
    finish = answer.choices[0].finish
    reason = None if finish is None else _INCOMPLETE.get(finish)
    status = "in_progress" if finish is None else "completed" if reason is None else "incomplete"
    return {
        **_begun(ask, status),
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": _output(ask, answer),
        "usage": _usage(answer),
    }


def _usage(answer: Answer) -> JsonObject:
    usage = answer.usage
    output = usage.answer + usage.reasoning
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + output,
    }


def _output(ask: Ask, answer: Answer) -> list[JsonObject]:
    choice = answer.choices[0]
    return [*_found(ask, choice), *(_item(ask, part) for part in choice.parts)]


def _found(ask: Ask, choice: Choice) -> list[JsonObject]:
    """What was searched for before the answer in words."""
    if not ask.searches or not any(isinstance(part, Text) for part in choice.parts):
        return []
    action = {"type": "search", "query": ask.prompt}
    done = {"type": "web_search_call", "id": f"ws_{ask.digest}", "status": "completed"}
    return [{**done, "action": action}]


def _item(ask: Ask, part: Part) -> JsonObject:
    match part:
        case Thought():
            summary = [] if ask.thinking_hidden else [_summary(part.text)]
            return {
                "type": "reasoning",
                "id": f"rs_{ask.digest}",
                "summary": summary,
                "encrypted_content": issue(VENDOR, part.text),
            }
        case Text():
            return {
                "type": "message",
                "id": f"msg_{ask.digest}",
                "status": "completed",
                "role": "assistant",
                "content": [_said(ask, part)],
            }
        case Call():
            return {
                "type": "function_call",
                "id": f"fc_{ask.digest}{part.nth}",
                "status": "completed",
                "call_id": f"call_{ask.digest}{part.nth}",
                "name": part.name,
                "arguments": part.json,
            }


def _summary(text: str) -> JsonObject:
    return {"type": "summary_text", "text": text}


def _said(ask: Ask, part: Text) -> JsonObject:
    return {
        "type": "output_text",
        "text": part.text,
        "annotations": [_citation()] if ask.searches else [],
        "logprobs": [token for piece in part.pieces for token in _logprobs(ask, piece)],
    }


def _citation() -> JsonObject:
    cited = {"start_index": 0, "end_index": 4, "title": "Echo", "url": "https://echo.example/"}
    return {"type": "url_citation", **cited}


def _logprobs(ask: Ask, piece: str) -> list[JsonObject]:
    if ask.logprobs is None:
        return []

    def one(text: str, logprob: float) -> JsonObject:
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    top = [one(piece, -0.25), *(one(f"other{nth}", -1.5 - nth) for nth in range(20))]
    return [{**one(piece, -0.25), "top_logprobs": top[: ask.logprobs]}]


_Placed = tuple[Place, JsonObject]


def _events(ask: Ask, answer: Answer) -> Iterator[_Placed]:
    for kind in ("response.created", "response.in_progress"):
        yield Place.HEAD, {"type": kind, "response": _begun(ask)}
    choice = answer.choices[0]
    found = _found(ask, choice)
    for index, item in enumerate(found):
        yield _added(index, {**item, "status": "in_progress"})
        yield from _done(index, item)
    for index, part in enumerate(choice.parts, start=len(found)):
        item = _item(ask, part)
        at: JsonObject = {"item_id": item["id"], "output_index": index}
        match part:
            case Thought():
                yield _added(index, {**item, "summary": [], "encrypted_content": None})
                if not ask.thinking_hidden:
                    yield from _thought_events({**at, "summary_index": 0}, part)
            case Text():
                yield _added(index, {**item, "status": "in_progress", "content": []})
                yield from _text_events(ask, {**at, "content_index": 0}, part)
            case Call():
                begun = {**item, "status": "in_progress", "arguments": ""}
                yield Place.CONTENT, _added(index, begun)[1]
                yield from _call_events(at, part)
        yield from _done(index, item)
    response = _response(ask, answer)
    ending = "incomplete" if response["status"] == "incomplete" else "completed"
    yield Place.END, {"type": f"response.{ending}", "response": response}


def _added(index: int, item: JsonObject) -> _Placed:
    event = {"type": "response.output_item.added", "output_index": index, "item": item}
    return Place.HEAD, event


def _done(index: int, item: JsonObject) -> Iterator[_Placed]:
    yield (
        Place.TAIL,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    )


def _thought_events(at: JsonObject, part: Thought) -> Iterator[_Placed]:
    kind = "response.reasoning_summary"
    yield Place.HEAD, {"type": f"{kind}_part.added", **at, "part": _summary("")}
    for piece in part.pieces:
        yield Place.CONTENT, {"type": f"{kind}_text.delta", **at, "delta": piece}
    yield Place.TAIL, {"type": f"{kind}_text.done", **at, "text": part.text}
    yield Place.TAIL, {"type": f"{kind}_part.done", **at, "part": _summary(part.text)}


def _text_events(ask: Ask, at: JsonObject, part: Text) -> Iterator[_Placed]:
    said = _said(ask, part)
    empty = {**said, "text": "", "annotations": [], "logprobs": []}
    kind = "response.output_text"
    yield Place.HEAD, {"type": "response.content_part.added", **at, "part": empty}
    for piece in part.pieces:
        more = {"delta": piece, "logprobs": _logprobs(ask, piece)}
        yield Place.CONTENT, {"type": f"{kind}.delta", **at, **more}
    if ask.searches:
        cited = {"annotation": _citation(), "annotation_index": 0}
        yield Place.TAIL, {"type": f"{kind}.annotation.added", **at, **cited}
    yield (
        Place.TAIL,
        {"type": f"{kind}.done", **at, "text": part.text, "logprobs": said["logprobs"]},
    )
    yield Place.TAIL, {"type": "response.content_part.done", **at, "part": said}


def _call_events(at: JsonObject, part: Call) -> Iterator[_Placed]:
    kind = "response.function_call_arguments"
    for piece in json_pieces(part.json):
        yield Place.CONTENT, {"type": f"{kind}.delta", **at, "delta": piece}
    yield Place.TAIL, {"type": f"{kind}.done", **at, "arguments": part.json}


def _event(place: Place, event: JsonObject) -> StreamEvent:
    return StreamEvent(dump(event), place, str(event["type"]))
