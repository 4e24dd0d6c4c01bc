"""The Gemini API (``generateContent``) as a server sees it.

Source: https://ai.google.dev/api/generate-content, .../gemini-api/docs/troubleshooting,
.../image-generation, .../speech-generation and .../google-search.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from itertools import zip_longest

from ai_client.simulator.answers import Answer, Ask, Call, Choice, Finish, Text, Thought
from ai_client.simulator.dialect import (
    JsonObject,
    Kind,
    Media,
    Place,
    Problem,
    Refused,
    StreamEvent,
    dump,
)
from ai_client.simulator.google_counting import counted
from ai_client.simulator.google_fields import refuse
from ai_client.simulator.google_media import GoogleMedia
from ai_client.simulator.google_requests import VENDOR, read_request
from ai_client.simulator.http_server import HttpRequest, Reply
from ai_client.simulator.media_files import png, samples, wav
from ai_client.simulator.signatures import issue

_SOUND_PIECE = 4096
_METHOD = re.compile(r".*/models/(?P<model>.+?)(?::[a-zA-Z]+|/operations/[\w-]+)")
_FINISH = {
    Finish.STOP: "STOP",
    Finish.STOP_SEQUENCE: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.CALLS: "STOP",
    Finish.FILTERED: "SAFETY",
    Finish.MALFORMED_CALL: "MALFORMED_FUNCTION_CALL",
}
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class GoogleDialect:
    """The Gemini API."""

    name = "google"
    ping = b": ping\n\n"

    def __init__(self) -> None:
        self._media = GoogleMedia()

    def authorize(self, request: HttpRequest, key: str) -> None:
        """The key is in ``x-goog-api-key``, or in the query as ``key``."""
        given = request.header("x-goog-api-key") or request.query.get("key", "")
        if not given:
            refuse(
                "Method doesn't allow unregistered callers (callers without established "
                "identity). Please use API Key or other form of API consumer identity to call "
                "this API.",
                403,
                "PERMISSION_DENIED",
            )
        if given != key:
            # A wrong key is a 400 here, told apart by its reason.
            message = "API key not valid. Please pass a valid API key."
            details: list[JsonObject] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                    "domain": "googleapis.com",
                    "metadata": {"service": "generativelanguage.googleapis.com"},
                }
            ]
            raise Refused(_error(400, "INVALID_ARGUMENT", message, details))

    def model_of(self, request: HttpRequest) -> str:
        """From the path."""
        match = _METHOD.fullmatch(request.path)
        return match["model"] if match else ""

    def wants_stream(self, request: HttpRequest) -> bool:
        """Another method, not a field."""
        return request.path.endswith(":streamGenerateContent")

    def read(self, request: HttpRequest) -> Ask:
        """See ``google_requests``."""
        stream = self.wants_stream(request)
        return read_request(request, self.model_of(request), stream=stream)

    def media(self, request: HttpRequest) -> Media | None:
        """See ``google_media`` and ``google_counting``."""
        return counted(request) or self._media.answer(request)

    def plain(self, ask: Ask, answer: Answer) -> bytes:
        """A ``GenerateContentResponse``."""
        candidates: list[object] = []
        for index, choice in enumerate(answer.choices):
            parts = [made for part in choice.parts for made in _parts_of(ask, part)]
            if choice.parts and choice.finish is not Finish.CALLS:
                parts += _media_of(ask, choice)
            if _signs_text(ask, choice):
                parts[-1]["thoughtSignature"] = issue(VENDOR, ask.digest)
            candidate = _candidate(index, parts, choice)
            if ask.logprobs is not None:
                candidate["avgLogprobs"] = -0.25
                candidate["logprobsResult"] = _logprobs(_said(choice), ask.logprobs)
            candidates.append({**candidate, **_grounding(ask)})
        return dump({"candidates": candidates, **_top(ask, answer), **answer.notes})

    def stream(self, ask: Ask, answer: Answer) -> Iterator[StreamEvent]:
        """``GenerateContentResponse`` objects; the last of a candidate has its finish reason."""
        for step in zip_longest(*(_deltas(ask, choice) for choice in answer.choices)):
            for index, part in enumerate(step):
                if part is None:
                    continue
                candidate: JsonObject = {
                    "content": {"parts": [part], "role": "model"},
                    "index": index,
                }
                if ask.logprobs is not None and "text" in part and not part.get("thought"):
                    candidate["logprobsResult"] = _logprobs((str(part["text"]),), ask.logprobs)
                yield _chunk(ask, answer, [candidate], Place.CONTENT)
        for index, choice in enumerate(answer.choices):
            last: list[JsonObject] = [{"text": ""}] if choice.parts else []
            if _signs_text(ask, choice):
                last[0]["thoughtSignature"] = issue(VENDOR, ask.digest)
            place = Place.TAIL if choice.finish is None else Place.END
            ended = {**_candidate(index, last, choice), **_grounding(ask)}
            yield _chunk(ask, answer, [ended], place)

    def empty_chunk(self, ask: Ask) -> StreamEvent:
        """A chunk without candidates."""
        return StreamEvent(dump({"modelVersion": ask.model}), Place.HEAD)

    def usage_chunk(self, ask: Ask, answer: Answer) -> StreamEvent:
        """A chunk of usage without candidates."""
        return StreamEvent(dump(_top(ask, answer)), Place.TAIL)

    def error(self, problem: Problem) -> Reply:
        """``{"error": {code, message, status, details}}``."""
        status, message = problem.status, problem.message
        details: list[JsonObject] = []
        match problem.kind:
            case Kind.QUOTA:
                status = 429
                message = (
                    "You exceeded your current quota, please check your plan and billing details. "
                    "For more information on this error, head to: "
                    "https://ai.google.dev/gemini-api/docs/rate-limits."
                )
                details = [_quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier")]
            case Kind.CREDIT:
                status = 429
                message = "Your prepayment credits are depleted. Please go to AI Studio billing."
            case Kind.CONTEXT:
                status = 400
                message = (
                    "The input token count (1200000) exceeds the maximum number of tokens allowed "
                    "(1048576)."
                )
            case Kind.FILTER:
                feedback = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
                usage = {"promptTokenCount": 3, "totalTokenCount": 3}
                return Reply(200, dump({**feedback, "usageMetadata": usage}))
            case Kind.STATUS | Kind.RATE_LIMIT:
                if problem.retry_in is not None:
                    message = f"Quota exceeded. Please retry in {problem.retry_in:g}s."
                    details = [
                        _quota("GenerateRequestsPerMinutePerProjectPerModel"),
                        {
                            "@type": "type.googleapis.com/google.rpc.RetryInfo",
                            "retryDelay": f"{problem.retry_in:g}s",
                        },
                    ]
                elif status == 503 and not message:
                    message = "The model is overloaded. Please try again later."
        name = _STATUS.get(status, "UNKNOWN" if status >= 500 else "FAILED_PRECONDITION")
        message = message or f"The simulator was asked for a {status}."
        return _error(status, name, message, details)

    def error_event(self, problem: Problem) -> StreamEvent:
        """The error object as an event."""
        return StreamEvent(self.error(problem).body, Place.TAIL)

    def models(self, names: tuple[str, ...]) -> bytes:
        """A page of ``Model`` objects."""
        return dump({"models": [_model(name) for name in names]})

    def model(self, name: str) -> bytes:
        """A ``Model`` object."""
        return dump(_model(name))


def _model(name: str) -> JsonObject:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "description": "A simulated model.",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": _methods(name),
    }


def _methods(name: str) -> list[str]:
    if "embedding" in name:
        return ["embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent"]
    if "imagen" in name:
        return ["predict"]
    if "veo" in name:
        return ["predictLongRunning"]
    return ["generateContent", "countTokens"]


def _candidate(index: int, parts: list[JsonObject], choice: Choice) -> JsonObject:
    content: JsonObject = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    candidate: JsonObject = {"content": content, "index": index}
    if choice.finish is not None:
        candidate["finishReason"] = _FINISH[choice.finish]
    if choice.finish is Finish.MALFORMED_CALL:
        candidate["finishMessage"] = "Malformed function call"
    return candidate


def _chunk(ask: Ask, answer: Answer, candidates: list[JsonObject], place: Place) -> StreamEvent:
    return StreamEvent(dump({"candidates": candidates, **_top(ask, answer)}), place)


def _said(choice: Choice) -> tuple[str, ...]:
    return tuple(piece for part in choice.parts if isinstance(part, Text) for piece in part.pieces)


def _signs_text(ask: Ask, choice: Choice) -> bool:
    return "signed" in ask.model and bool(choice.parts) and isinstance(choice.parts[-1], Text)


def _call(ask: Ask, call: Call) -> JsonObject:
    # Only the first of parallel calls is signed:
    # https://ai.google.dev/gemini-api/docs/thought-signatures
    held: JsonObject = {"name": call.name, "args": call.arguments}
    if re.search(r"gemini-[3-9]", ask.model):
        held["id"] = f"{ask.digest[:8]}{call.nth}"
    part: JsonObject = {"functionCall": held}
    if call.nth == 0 and (ask.thinks or "signed" in ask.model):
        part["thoughtSignature"] = issue(VENDOR, ask.digest + call.name)
    return part


def _parts_of(ask: Ask, part: Text | Thought | Call) -> Iterator[JsonObject]:
    match part:
        case Text():
            if ask.words:
                yield {"text": part.text}
        case Thought():
            yield {"text": part.text, "thought": True}
        case Call():
            yield _call(ask, part)


def _deltas(ask: Ask, choice: Choice) -> Iterator[JsonObject]:
    for part in choice.parts:
        match part:
            case Text():
                for piece in part.pieces if ask.words else ():
                    yield {"text": piece}
            case Thought():
                for piece in part.pieces:
                    yield {"text": piece, "thought": True}
            case Call():
                yield _call(ask, part)
    if choice.parts and choice.finish is not Finish.CALLS:
        yield from _media_of(ask, choice, piece=_SOUND_PIECE)


def _media_of(ask: Ask, choice: Choice, *, piece: int | None = None) -> Iterator[JsonObject]:
    """A picture, and sound: samples in pieces of so many bytes, or all at once."""
    if ask.picture is not None:
        colour = hashlib.sha256(ask.digest.encode()).digest()
        yield _inline("image/png", png(*ask.picture, colour))
    if ask.spoken == "wav":
        yield _inline("audio/wav", wav(len(_said(choice))))
    elif ask.spoken:
        sound = samples(len(_said(choice)))
        step = piece or len(sound)
        for at in range(0, len(sound), step):
            yield _inline("audio/L16;codec=pcm;rate=24000", sound[at : at + step])


def _inline(mime_type: str, data: bytes) -> JsonObject:
    return {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}


def _grounding(ask: Ask) -> JsonObject:
    """What a search found; not with calls, whose answer is still to come."""
    if not ask.searches or (ask.tools and ask.may_call and not ask.results):
        return {}
    segment = {"startIndex": 0, "endIndex": 4, "text": "Echo"}
    return {
        "groundingMetadata": {
            "webSearchQueries": [ask.prompt],
            "groundingChunks": [{"web": {"uri": "https://echo.example/", "title": "Echo"}}],
            "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
        }
    }


def _top(ask: Ask, answer: Answer) -> JsonObject:
    usage = answer.usage
    counts: JsonObject = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.answer,
        "totalTokenCount": usage.prompt + usage.answer + usage.reasoning,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt}],
    }
    if usage.cached:
        counts["cachedContentTokenCount"] = usage.cached
    if usage.reasoning:
        counts["thoughtsTokenCount"] = usage.reasoning
    return {"usageMetadata": counts, "modelVersion": ask.model, "responseId": ask.digest}


def _logprobs(said: tuple[str, ...], alternatives: int) -> JsonObject:
    def one(text: str, logprob: float) -> JsonObject:
        return {"token": text, "tokenId": len(text), "logProbability": logprob}

    top = [
        {
            "candidates": [
                one(piece, -0.25),
                *(one(f"other{nth}", -1.5 - nth) for nth in range(alternatives - 1)),
            ]
        }
        for piece in said
    ]
    chosen = [one(piece, -0.25) for piece in said]
    result: JsonObject = {"chosenCandidates": chosen}
    if alternatives:
        result["topCandidates"] = top
    return result


def _quota(quota: str) -> JsonObject:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [
            {
                "quotaMetric": "generativelanguage.googleapis.com/generate_requests",
                "quotaId": quota,
                "quotaValue": "20",
            }
        ],
    }


def _error(status: int, name: str, message: str, details: list[JsonObject] | None = None) -> Reply:
    error: JsonObject = {"code": status, "message": message, "status": name}
    if details:
        error["details"] = details
    return Reply(status, dump({"error": error}))
