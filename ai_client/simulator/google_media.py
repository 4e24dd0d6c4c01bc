"""Google's embeddings, Imagen's pictures and Veo's videos as a server sees them.

Sources: https://ai.google.dev/api/embeddings, https://ai.google.dev/gemini-api/docs/imagen and
.../video; field names as in https://github.com/googleapis/python-genai. What is made is made of the
request alone. A video is still being made at the first look and done at the second; one whose
prompt says "fail" fails instead, one whose prompt says "filtered" is kept back, as are images of
such a prompt. A file is where Google has it: below ``/download``, to which ``/v1beta/files``
redirects.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from typing import Final

from ai_client.simulator.dialect import (
    JsonObject,
    Media,
    Refused,
    body_of,
    decoded_size,
    digest_of,
    dump,
    number_within,
    objects,
)
from ai_client.simulator.google_fields import known_fields, object_at, refuse
from ai_client.simulator.http_server import HttpRequest, Reply
from ai_client.simulator.media_files import PICTURES, mp4

_METHOD = re.compile(r".*/models/([^/]+):([a-zA-Z]+)")
_OPERATION = re.compile(r".*/(models/[^/]+/operations/[\w-]+)")
_FILE = re.compile(r"(.*?)(/download)?(/v1(?:beta)?)/files/([\w-]+):download")
_USUAL_DIMENSIONS: Final = 3072
_MOST_INPUTS: Final = 100
_TASK_NAMES = (
    "TASK_TYPE_UNSPECIFIED RETRIEVAL_QUERY RETRIEVAL_DOCUMENT SEMANTIC_SIMILARITY CLASSIFICATION "
    "CLUSTERING QUESTION_ANSWERING FACT_VERIFICATION CODE_RETRIEVAL_QUERY"
)
_TASKS: Final = frozenset(_TASK_NAMES.split())
_IMAGE_RATIOS: Final = ("1:1", "3:4", "4:3", "9:16", "16:9")
_VIDEO_RATIOS: Final = ("16:9", "9:16")
_FILTERED: Final = (
    "Unable to show generated images. The generated images were filtered because they violated "
    "Google's Responsible AI practices."
)


class GoogleMedia:
    """Answers what is no conversation, and remembers the videos that were asked for."""

    def __init__(self) -> None:
        self._videos: dict[str, tuple[JsonObject, int]] = {}

    def answer(self, request: HttpRequest) -> Media | None:
        """The answer; None where the request is for something else. Raises ``Refused``."""
        path = request.path
        if request.method == "POST" and (found := _METHOD.fullmatch(path)):
            match found[2]:
                case "embedContent":
                    return _embedded(request, found[1])
                case "batchEmbedContents":
                    return _embedded_batch(request, found[1])
                case "predict":
                    return _pictures(request, found[1])
                case "predictLongRunning":
                    return self._start(request, found[1])
            return None
        if request.method == "GET" and (found := _OPERATION.fullmatch(path)):
            return self._look(request, found[1])
        if request.method == "GET" and (found := _FILE.fullmatch(path)):
            return self._file(request, found)
        return None

    def _start(self, request: HttpRequest, model: str) -> Media:
        if "veo" not in model:
            _not_supported(model, "predictLongRunning")
        body = _predict_body(request)
        parameters = object_at(body, "parameters", "video_parameters")
        instance = _instance(body, "prompt image video lastFrame referenceImages")
        image = instance.get("image")
        if isinstance(image, dict) and not (
            image.get("mimeType") and decoded_size(image.get("bytesBase64Encoded"))
        ):
            refuse("`image` should contain both `bytesBase64Encoded` and `mimeType`.")
        _one_of(parameters, "aspectRatio", _VIDEO_RATIOS)
        _one_of(parameters, "resolution", ("720p", "1080p", "4k"))
        seconds = parameters.get("durationSeconds", 8)
        if not number_within(seconds, 4, 8):
            refuse(
                "The number value for `durationSeconds` is out of bound. Please provide a value "
                "between 4 and 8, inclusive."
            )
        name = f"models/{model}/operations/{digest_of(request)}"
        self._videos[name] = {**instance, "seconds": seconds}, 0
        return _json({"name": name}, request)

    def _look(self, request: HttpRequest, name: str) -> Media:
        if name not in self._videos:
            refuse(f"Operation {name} not found.", 404, "NOT_FOUND")
        video, looks = self._videos[name]
        self._videos[name] = video, looks + 1
        if not looks:
            return _json({"name": name}, request)
        prompt = str(video.get("prompt")).lower()
        if "fail" in prompt:
            error = {
                "code": 13,
                "message": "Video generation failed: internal server issue.",
            }
            return _json({"name": name, "done": True, "error": error}, request)
        made: JsonObject = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1beta"
            ".PredictLongRunningResponse"
        }
        if "filtered" in prompt:
            reasons = ["Sorry, we can't create videos with real people's names or likenesses."]
            made["generateVideoResponse"] = {
                "raiMediaFilteredCount": 1,
                "raiMediaFilteredReasons": reasons,
            }
        else:
            host = "https://generativelanguage.googleapis.com"
            uri = f"{host}/v1beta/files/{name.rpartition('/')[2]}:download?alt=media"
            made["generateVideoResponse"] = {"generatedSamples": [{"video": {"uri": uri}}]}
        return _json({"name": name, "done": True, "response": made}, request)

    def _file(self, request: HttpRequest, found: re.Match[str]) -> Media:
        prefix, download, version, name = found.groups()
        known = [held for key, held in self._videos.items() if key.endswith(f"/{name}")]
        if not known or known[0][1] < 2 or request.query.get("alt") != "media":
            refuse(
                f"You do not have permission to access the File {name} or it may not exist.",
                403,
                "PERMISSION_DENIED",
            )
        if not download:
            there = f"{prefix}/download{version}/files/{name}:download?alt=media"
            raise Refused(Reply(302, b"", headers=(("location", there),)))
        seconds = int(float(str(known[0][0]["seconds"])))
        return Media(mp4(seconds, name.encode()), "video/mp4", vacant=b"", digest=name)


def _embedded(request: HttpRequest, model: str) -> Media:
    vector, words = _embedding(_body(request, "embed"), model, "content")
    return _counted({"embedding": {"values": vector}}, words, model, request)


def _embedded_batch(request: HttpRequest, model: str) -> Media:
    asked = objects(_body(request, "batch_embed").get("requests"))
    if not asked:
        refuse("* BatchEmbedContentsRequest.requests: contents is not specified\n")
    if len(asked) > _MOST_INPUTS:
        refuse(
            f"* BatchEmbedContentsRequest.requests: at most {_MOST_INPUTS} requests can be in one "
            "batch\n"
        )
    vectors: list[JsonObject] = []
    words = 0
    for number, each in enumerate(asked):
        where = f"requests[{number}]"
        one = known_fields(each, "embed", where)
        if one.get("model") != f"models/{model}":
            refuse(
                f"* BatchEmbedContentsRequest.{where}.model: model must match the batch request's "
                "model\n"
            )
        vector, count = _embedding(one, model, where)
        vectors.append({"values": vector})
        words += count
    return _counted({"embeddings": vectors}, words, model, request)


def _embedding(asked: JsonObject, model: str, where: str) -> tuple[list[float], int]:
    if "embedding" not in model:
        _not_supported(model, "embedContent")
    settings = {**asked, **object_at(asked, "embedContentConfig", "embed_content_config")}
    task, dimensions = settings.get("taskType"), settings.get("outputDimensionality")
    if task is not None and task not in _TASKS:
        refuse(f"Invalid value at '{where}.task_type': {task!r}")
    if dimensions is not None and not number_within(dimensions, 1, _USUAL_DIMENSIONS):
        refuse(f"Unable to submit request because outputDimensionality is {dimensions}.")
    content = asked.get("content")
    parts = objects(content.get("parts")) if isinstance(content, dict) else []
    said = [known_fields(part, "parts", f"{where}.parts") for part in parts]
    if not said or not any(part.get("text") or part.get("inlineData") for part in said):
        refuse("* EmbedContentRequest.content: contents is not specified\n")
    if "-001" in model and any("inlineData" in part for part in said):
        refuse(f"Multimodal input is not enabled for models/{model}")
    words = sum(len(str(part.get("text", "")).split()) for part in said)
    return _vector(dump([said, task]), int(str(dimensions or _USUAL_DIMENSIONS))), words


def _vector(seed: bytes, dimensions: int) -> list[float]:
    raw = hashlib.shake_256(seed).digest(dimensions * 2)
    return [number / 32_768 for number in struct.unpack(f"<{dimensions}h", raw)]


def _counted(answer: JsonObject, words: int, model: str, request: HttpRequest) -> Media:
    # Models before gemini-embedding-2 do not count.
    if "-001" not in model:
        answer["usageMetadata"] = {"promptTokenCount": words}
    empty: JsonObject = {
        name: [] if isinstance(held, list) else {} for name, held in answer.items()
    }
    return _json(answer, request, vacant=empty)


def _pictures(request: HttpRequest, model: str) -> Media:
    if "imagen" not in model:
        _not_supported(model, "predict")
    body = _predict_body(request)
    parameters = object_at(body, "parameters", "image_parameters")
    prompt = _instance(body, "prompt").get("prompt")
    _one_of(parameters, "aspectRatio", _IMAGE_RATIOS)
    count = parameters.get("sampleCount", 4)
    if not number_within(count, 1, 4):
        refuse("The sampleCount must be between 1 and 4, inclusive.")
    options = parameters.get("outputOptions")
    kind = str(options.get("mimeType", "image/png")) if isinstance(options, dict) else "image/png"
    if kind not in ("image/png", "image/jpeg"):
        refuse(f"Unsupported output mime type: {kind}")
    if "filtered" in str(prompt).lower():
        reason = {"raiFilteredReason": _FILTERED}
        said: JsonObject = {"predictions": [reason]} if parameters.get("includeRaiReason") else {}
        return _json(said, request)
    width, height = str(parameters.get("aspectRatio", "1:1")).split(":")
    predictions: list[JsonObject] = []
    for number in range(int(str(count))):
        colour = hashlib.sha256(f"{digest_of(request)}{number}".encode()).digest()
        made = PICTURES[kind.removeprefix("image/")](int(width), int(height), colour)
        encoded = base64.b64encode(made).decode()
        predictions.append({"mimeType": kind, "bytesBase64Encoded": encoded})
    return _json({"predictions": predictions}, request, vacant={})


def _predict_body(request: HttpRequest) -> JsonObject:
    return _body(request, "predict")


def _instance(body: JsonObject, fields: str) -> JsonObject:
    instances = objects(body.get("instances"))
    if len(instances) != 1:
        refuse("Please provide exactly one instance.")
    for name in instances[0].keys() - frozenset(fields.split()):
        refuse(f"`{name}` isn't supported by this model. Please remove it.")
    if not isinstance(instances[0].get("prompt"), str) or not instances[0]["prompt"]:
        refuse("Text prompt not provided. Please provide a text prompt.")
    return instances[0]


def _body(request: HttpRequest, kind: str) -> JsonObject:
    body = body_of(request)
    if body is None:
        refuse("Invalid JSON payload received.")
    return known_fields(body, kind, "")


def _one_of(parameters: JsonObject, name: str, allowed: tuple[str, ...]) -> None:
    value = parameters.get(name)
    if value is not None and value not in allowed:
        refuse(f"{name} {value} is not supported. Use one of: {', '.join(allowed)}.")


def _not_supported(model: str, method: str) -> None:
    refuse(
        f"models/{model} is not found for API version v1beta, or is not supported for {method}. "
        "Call ListModels to see the list of available models and their supported methods.",
        404,
        "NOT_FOUND",
    )


def _json(answer: JsonObject, request: HttpRequest, *, vacant: JsonObject | None = None) -> Media:
    empty = None if vacant is None else dump(vacant)
    return Media(dump(answer), vacant=empty, digest=digest_of(request))
