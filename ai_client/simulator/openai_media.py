"""OpenAI's images, embeddings, speech and videos as a server sees them.

Sources: https://platform.openai.com/docs/api-reference/images, .../embeddings, .../audio and
.../videos. What is made is made of the request alone. A video is queued when it is asked for, in
progress when it is first looked at, and completed at the second look; one whose prompt says "fail"
fails instead.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from email import message_from_bytes
from typing import Final

from ai_client.simulator.dialect import (
    CREATED,
    JsonObject,
    Media,
    body_of,
    digest_of,
    dump,
    number_within,
    objects,
    texts,
)
from ai_client.simulator.http_server import HttpRequest
from ai_client.simulator.media_files import PICTURES, SCALE, SOUNDS, mp4
from ai_client.simulator.openai_refusals import refuse

_IMAGES = re.compile(r".*/images/(generations|edits)")
_VIDEOS = re.compile(r".*/videos(?:/([\w-]+)(/content)?)?")
_SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")
_GPT_IMAGE = re.compile(r"(.*/)?(chatgpt-|gpt-)image")
_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/]+={0,2}")

_IMAGE_NAMES = (
    "prompt model background moderation n output_compression output_format partial_images quality "
    "response_format size style user stream images mask input_fidelity"
)
_IMAGE_FIELDS: Final = frozenset(_IMAGE_NAMES.split())
_SIZES: Final = {
    "dall-e-2": ("256x256", "512x512", "1024x1024"),
    "dall-e-3": ("1024x1024", "1792x1024", "1024x1792"),
    "gpt-image-1": ("auto", "1024x1024", "1536x1024", "1024x1536"),
}
_VIDEO_FIELDS: Final = frozenset(("prompt", "input_reference", "model", "seconds", "size"))
_VIDEO_SIZES: Final = ("720x1280", "1280x720", "1024x1792", "1792x1024")
_VIDEO_SECONDS: Final = ("4", "8", "12")
_SPEECH_FIELDS: Final = frozenset(
    ("input", "model", "voice", "instructions", "response_format", "speed", "stream_format")
)
_VOICE_NAMES = "alloy ash ballad coral echo fable onyx nova sage shimmer verse marin cedar"
_VOICES: Final = frozenset(_VOICE_NAMES.split())
_EMBEDDING_FIELDS: Final = frozenset(("input", "model", "dimensions", "encoding_format", "user"))
_DIMENSIONS: Final = {"text-embedding-3-large": 3072}
_USUAL_DIMENSIONS: Final = 1536
_MOST_INPUTS: Final = 2048
_LONGEST_SPEECH: Final = 4096


class OpenAiMedia:
    """Answers what is no conversation, and remembers the videos that were asked for."""

    def __init__(self) -> None:
        self._videos: dict[str, tuple[JsonObject, int]] = {}

    def answer(self, request: HttpRequest) -> Media | None:
        """The answer; None where the request is for something else. Raises ``Refused``."""
        path = request.path
        if request.method == "POST" and (found := _IMAGES.fullmatch(path)):
            return _images(request, edits=found[1] == "edits")
        if request.method == "POST" and path.endswith("/embeddings"):
            return _embeddings(request)
        if request.method == "POST" and path.endswith("/audio/speech"):
            return _speech(request)
        if video := _VIDEOS.fullmatch(path):
            if request.method == "POST" and video[1] is None:
                return self._start(request)
            if request.method == "GET" and video[1] is not None:
                return self._content(video[1]) if video[2] else self._look(video[1])
        return None

    def _start(self, request: HttpRequest) -> Media:
        body = _body(request, _VIDEO_FIELDS)
        prompt = _text(body, "prompt")
        _one_of(body, "size", _VIDEO_SIZES)
        _one_of(body, "seconds", _VIDEO_SECONDS)
        reference = body.get("input_reference")
        if reference is not None:
            _check_reference(reference, "input_reference")
        digest = digest_of(request)
        video: JsonObject = {
            "id": f"video_{digest}",
            "object": "video",
            "created_at": CREATED,
            "model": body.get("model") or "sora-2",
            "prompt": prompt,
            "seconds": body.get("seconds") or "4",
            "size": body.get("size") or "720x1280",
            "completed_at": None,
            "expires_at": None,
            "remixed_from_video_id": None,
            "error": None,
        }
        self._videos[f"video_{digest}"] = video, 0
        return _json({**video, "status": "queued", "progress": 0}, digest)

    def _look(self, video_id: str) -> Media:
        video, looks = self._known(video_id)
        self._videos[video_id] = video, looks + 1
        return _json(_as_looked_at(video, looks + 1), video_id)

    def _content(self, video_id: str) -> Media:
        video, looks = self._known(video_id)
        if _as_looked_at(video, looks)["status"] != "completed":
            refuse("Video is not ready yet, use GET /v1/videos/{video_id} to check status.")
        made = mp4(int(str(video["seconds"])), video_id.encode())
        return Media(made, "video/mp4", vacant=b"", digest=video_id)

    def _known(self, video_id: str) -> tuple[JsonObject, int]:
        if video_id not in self._videos:
            refuse(f"Video with id '{video_id}' not found.", "video_id", "not_found", 404)
        return self._videos[video_id]


def _as_looked_at(video: JsonObject, looks: int) -> JsonObject:
    if looks < 1:
        return {**video, "status": "queued", "progress": 0}
    if looks == 1:
        return {**video, "status": "in_progress", "progress": 50}
    if "fail" in str(video["prompt"]).lower():
        error = {
            "code": "moderation_blocked",
            "message": "Your request was blocked by our moderation system.",
        }
        return {**video, "status": "failed", "progress": 50, "error": error}
    done = {"status": "completed", "progress": 100, "completed_at": CREATED + 60}
    return {**video, **done, "expires_at": CREATED + 3600}


def _images(request: HttpRequest, *, edits: bool) -> Media:
    body = _body(request, _IMAGE_FIELDS)
    prompt = _text(body, "prompt")
    model = str(body.get("model") or "dall-e-2")
    is_gpt = bool(_GPT_IMAGE.match(model))
    _within(body, "n", 1, 1 if "dall-e-3" in model else 10)
    if is_gpt and body.get("response_format") is not None:
        _unknown("response_format")
    if "dall-e" in model and body.get("output_format") is not None:
        _unknown("output_format")
    _one_of(body, "response_format", ("url", "b64_json"))
    _one_of(body, "output_format", tuple(PICTURES))
    _one_of(body, "background", ("transparent", "opaque", "auto"))
    width, height = _size(body, model)
    given = objects(body.get("images"))
    if edits:
        if not is_gpt and not _form(request):
            refuse("Image edits of this model take a form, not JSON.", "model", "invalid_value")
        if not given or len(given) > 16:
            refuse("Missing required parameter: 'images'.", "images")
        for number, image in enumerate(given):
            _check_reference(image, f"images[{number}]")
    digest = digest_of(request)
    kind = str(body.get("output_format") or "png")
    as_url = body.get("response_format") == "url" or (
        "dall-e" in model and body.get("response_format") is None
    )
    answer: JsonObject = {"created": CREATED}
    if is_gpt:
        words = len(prompt.split())
        answer |= {
            "background": "opaque",
            "output_format": kind,
            "quality": "medium",
            "size": f"{width}x{height}",
            "usage": {
                "input_tokens": words + len(given),
                "input_tokens_details": {"text_tokens": words, "image_tokens": len(given)},
                "output_tokens": 100,
                "total_tokens": words + len(given) + 100,
            },
        }
    listed = []
    for number in range(int(str(body.get("n") or 1))):
        colour = hashlib.sha256(f"{digest}{number}".encode()).digest()
        made = PICTURES[kind](max(width // SCALE, 1), max(height // SCALE, 1), colour)
        url = f"https://images.example/{digest}/{number}.{kind}"
        entry: JsonObject = {"url": url} if as_url else {"b64_json": _base64(made)}
        if "dall-e-3" in model:
            entry["revised_prompt"] = prompt
        listed.append(entry)
    return _json({**answer, "data": listed}, digest, vacant={**answer, "data": []})


def _size(body: JsonObject, model: str) -> tuple[int, int]:
    size = str(body.get("size") or "1024x1024")
    allowed = next((known for name, known in _SIZES.items() if name in model), None)
    found = _SIZE.fullmatch("1024x1024" if size == "auto" else size)
    if (allowed is not None and size not in allowed) or found is None:
        known = ", ".join(f"'{each}'" for each in allowed or ("WIDTHxHEIGHT",))
        refuse(f"Invalid value: '{size}'. Supported values are: {known}.", "size", "invalid_value")
    width, height = int(found[1]), int(found[2])
    if "gpt-image-2" in model and (width % 16 or height % 16 or not 1 / 3 <= width / height <= 3):
        refuse(f"Invalid size '{size}': must be divisible by 16.", "size", "invalid_value")
    return width, height


def _embeddings(request: HttpRequest) -> Media:
    body = _body(request, _EMBEDDING_FIELDS)
    model = _text(body, "model")
    usual = _DIMENSIONS.get(model, _USUAL_DIMENSIONS)
    if body.get("dimensions") is not None and "text-embedding-ada" in model:
        refuse("This model does not support specifying dimensions.", "dimensions")
    _within(body, "dimensions", 1, usual)
    _one_of(body, "encoding_format", ("float", "base64"))
    dimensions = int(str(body.get("dimensions") or usual))
    inputs = _inputs(body.get("input"))
    listed = []
    for index, text in enumerate(inputs):
        vector = _vector(text, dimensions)
        embedding: object = vector
        if body.get("encoding_format") == "base64":
            embedding = _base64(struct.pack(f"<{dimensions}f", *vector))
        listed.append({"object": "embedding", "index": index, "embedding": embedding})
    words = sum(len(text.split()) for text in inputs)
    usage = {"prompt_tokens": words, "total_tokens": words}
    answer: JsonObject = {"object": "list", "model": model, "usage": usage}
    vacant = {**answer, "data": []}
    return _json({**answer, "data": listed}, digest_of(request), vacant=vacant)


def _inputs(given: object) -> list[str]:
    """Texts, or tokens written as text: the vectors only have to differ."""
    if isinstance(given, str):
        listed = [given]
    elif isinstance(given, list) and given and len(texts(given)) == len(given):
        listed = texts(given)
    elif isinstance(given, list) and given and all(type(each) is int for each in given):
        listed = [" ".join(map(str, given))]
    elif isinstance(given, list) and given and all(isinstance(each, list) for each in given):
        listed = [" ".join(map(str, each)) for each in given if isinstance(each, list)]
    else:
        refuse("Invalid 'input': expected a string, an array of strings or tokens.", "input")
    if len(listed) > _MOST_INPUTS:
        refuse("Invalid 'input': array too long.", "input", "array_above_max_length")
    if not all(listed):
        refuse("Invalid 'input': input cannot be an empty string.", "input")
    return listed


def _vector(text: str, dimensions: int) -> list[float]:
    """A unit vector of numbers that 32 bits hold exactly enough."""
    raw = hashlib.shake_256(text.encode()).digest(dimensions * 2)
    numbers = [number / 32_768 for number in struct.unpack(f"<{dimensions}h", raw)]
    length = sum(number * number for number in numbers) ** 0.5 or 1.0
    return [struct.unpack("<f", struct.pack("<f", number / length))[0] for number in numbers]


def _speech(request: HttpRequest) -> Media:
    body = _body(request, _SPEECH_FIELDS)
    model, said = _text(body, "model"), _text(body, "input")
    if len(said) > _LONGEST_SPEECH:
        refuse("Invalid 'input': string too long.", "input", "string_above_max_length")
    voice = body.get("voice")
    if voice is None:
        refuse("Missing required parameter: 'voice'.", "voice", "missing_required_parameter")
    if voice not in _VOICES and not (isinstance(voice, dict) and texts([voice.get("id")])):
        known = ", ".join(f"'{each}'" for each in sorted(_VOICES))
        refuse(f"Invalid value: {voice!r}. Supported values are: {known}.", "voice")
    if model.startswith("tts-1") and body.get("instructions") is not None:
        refuse("'instructions' is not supported with this model.", "instructions")
    if body.get("speed") is not None and not number_within(body["speed"], 0.25, 4):
        refuse("Invalid 'speed': expected a value between 0.25 and 4.", "speed", "invalid_value")
    _one_of(body, "response_format", tuple(SOUNDS))
    kind, make = SOUNDS[str(body.get("response_format") or "mp3")]
    return Media(make(len(said.split())), kind, vacant=b"", digest=digest_of(request))


def _body(request: HttpRequest, fields: frozenset[str]) -> JsonObject:
    body = _form(request) or body_of(request)
    if body is None:
        refuse("We could not parse the JSON body of your request.")
    for name in body.keys() - fields:
        if "strict" in str(body.get("model")):
            _unknown(name)
    return body


def _form(request: HttpRequest) -> JsonObject:
    """The fields of a form (RFC 7578), which edits and videos may come as.

    Files become data URLs, in ``images`` those that are to be edited.
    """
    kind = request.header("content-type")
    if not kind.lower().startswith("multipart/form-data"):
        return {}
    form = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body)
    fields: JsonObject = {}
    files: list[JsonObject] = []
    for part in form.walk():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload()
        if not isinstance(name, str) or not isinstance(content, str):
            continue
        if part.get_filename() is None:
            fields[name] = content
        else:
            data = part.get_payload(decode=True)
            held = _base64(data if isinstance(data, bytes) else b"")
            files.append({"image_url": f"data:{part.get_content_type()};base64,{held}"})
            fields[name] = files[-1]
    if fields.pop("image", fields.pop("image[]", None)) is not None:
        fields["images"] = files
    return fields


def _unknown(name: str) -> None:
    refuse(f"Unknown parameter: '{name}'.", name, "unknown_parameter")


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if value is None:
        refuse(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if not isinstance(value, str):
        refuse(f"Invalid type for '{name}': expected a string.", name, "invalid_type")
    if not value:
        refuse(f"Invalid '{name}': empty string.", name, "empty_string")
    return value


def _within(body: JsonObject, name: str, least: int, most: int) -> None:
    value = body.get(name)
    if value is not None and (type(value) is not int or not least <= value <= most):
        refuse(
            f"Invalid '{name}': expected an integer between {least} and {most}, got {value!r}.",
            name,
            "invalid_value",
        )


def _one_of(body: JsonObject, name: str, allowed: tuple[str, ...]) -> None:
    value = body.get(name)
    if value is not None and value not in allowed:
        known = ", ".join(f"'{each}'" for each in allowed)
        refuse(f"Invalid value: {value!r}. Supported values are: {known}.", name, "invalid_value")


def _check_reference(image: object, where: str) -> None:
    url = image.get("image_url") if isinstance(image, dict) else None
    if isinstance(image, dict) and texts([image.get("file_id")]):
        return
    if not isinstance(url, str) or not (url.startswith("https://") or _DATA_URL.fullmatch(url)):
        refuse(f"Invalid '{where}.image_url': expected a URL or an image as data URL.", where)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(answer: JsonObject, digest: str, *, vacant: JsonObject | None = None) -> Media:
    return Media(dump(answer), vacant=None if vacant is None else dump(vacant), digest=digest)
