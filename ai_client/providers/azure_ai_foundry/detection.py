"""Which deployments an endpoint has, found out by asking.

An endpoint with a single model says which in ``/info``. A resource lists the models that could be
deployed; its deployments it tells nobody who has a key only, so names that people usually give
them are tried, with the smallest request there is.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from ai_client.providers import (
    Answered,
    Capability,
    Detected,
    Detection,
    JsonValue,
    NothingDetected,
    Probe,
)
from ai_client.providers import gettext_noop as _
from ai_client.providers.azure_ai_foundry.addressing import deployment_path
from ai_client.providers.azure_ai_foundry.deployments import CAPABILITIES, all_of
from ai_client.providers.azure_ai_foundry.endpoint import (
    INFERENCE_VERSION,
    Endpoint,
    EndpointType,
    check_address,
)

CATALOGUE_VERSIONS: Final = ("2024-10-21", "2024-06-01", "2024-02-01", "2023-05-15")
"""Of the list of models, the newest first; old resources know old versions only."""

TEXT_NAMES: Final = ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "gpt-4")
IMAGE_NAMES: Final = ("gpt-image-1", "dall-e-3")
SPEECH_NAMES: Final = ("tts-1",)
EMBEDDING_NAMES: Final = (
    "text-embedding-3-small",
    "text-embedding-3-large",
    "text-embedding-ada-002",
)
"""Tried where the catalogue has any model for embeddings."""

MOST_TRIED: Final = 12
"""How many names of a catalogue, which lists hundreds, are tried for each capability."""

_CHAT: Final = "chat/completions"
_VERSION = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{4}|\d+\.\d+)$")
_REFUSES_THE_LIMIT: Final = frozenset(("unsupported_parameter", "unsupported_value"))

_Asked: TypeAlias = Generator[Probe, Answered, str | None]


def detect(base_url: str, options: Mapping[str, JsonValue]) -> Detection:
    """The deployments that answer, with what they are for."""
    try:
        check_address(base_url)
    except ValueError as error:
        raise NothingDetected(str(error)) from None
    endpoint = Endpoint.of(base_url, options)
    for path in _info_paths(endpoint):
        answered = yield Probe(
            f"{endpoint.prefix}{path}", {"api-version": INFERENCE_VERSION}, timeout=15
        )
        if (found := _from_info(answered)) is not None:
            return found
    if endpoint.has_single_model:
        raise NothingDetected(
            _(
                "The endpoint does not say which model it has. Look at its address and key, or "
                "type the model's name."
            )
        )
    catalogue = yield from _catalogue(endpoint)
    if catalogue is None:
        raise NothingDetected(
            _(
                "The endpoint lists no models. Look at its address and key, or type the names of "
                "your deployments."
            )
        )
    return (yield from _deployed(endpoint, catalogue))


def _info_paths(endpoint: Endpoint) -> tuple[str, ...]:
    if endpoint.has_single_model:
        return ("/info",)
    # What a gateway leads to cannot be seen from its name.
    return ("/models/info", "/info") if endpoint.type is EndpointType.GATEWAY else ("/models/info",)


def _from_info(answered: Answered) -> Detected | None:
    """https://learn.microsoft.com/rest/api/aifoundry/model-inference/get-model-info"""
    if answered.status != 200 or not isinstance(answered.body, dict):
        return None
    name = answered.body.get("model_name")
    if not isinstance(name, str) or not name:
        return None
    kind = str(answered.body.get("model_type", "")).lower()
    if "embed" in kind:
        capabilities: tuple[Capability, ...] = (Capability.EMBEDDING_GENERATION,)
    elif "image" in kind:
        capabilities = (Capability.IMAGE_GENERATION,)
    else:
        capabilities = (Capability.TEXT_GENERATION, Capability.CHAT_HISTORY)
    return _detected((name,), capabilities, "ai-foundry-info")


def _catalogue(endpoint: Endpoint) -> Generator[Probe, Answered, list[dict[str, JsonValue]] | None]:
    for version in CATALOGUE_VERSIONS:
        answered = yield Probe(
            f"{endpoint.prefix}/openai/models", {"api-version": version}, timeout=15
        )
        listed = answered.body.get("data") if isinstance(answered.body, dict) else None
        if answered.status == 200 and isinstance(listed, list):
            return [each for each in listed if isinstance(each, dict)]
    return None


def _deployed(endpoint: Endpoint, catalogue: list[dict[str, JsonValue]]) -> Detection:
    names = tuple(_names(catalogue))
    able = {
        flag: tuple(_names(each for each in catalogue if _can(each, flag)))
        for flag in ("chat_completion", "embeddings")
    }
    tried = _candidates(TEXT_NAMES, all_of(able["chat_completion"], "text"))
    text = yield from _first(endpoint, tried, _CHAT, "hi", 10)
    image = yield from _first(
        endpoint, _candidates(IMAGE_NAMES, all_of(names, "image")), _CHAT, "test", 8
    )
    speech = yield from _first(
        endpoint, _candidates(SPEECH_NAMES, all_of(names, "tts")), _CHAT, "test", 8
    )
    vectors = able["embeddings"]
    embedding = yield from _first(
        endpoint,
        _candidates(EMBEDDING_NAMES, vectors) if vectors else (),
        "embeddings",
        "test",
        8,
    )
    found = {
        Capability.TEXT_GENERATION: text,
        Capability.CHAT_HISTORY: text,
        Capability.IMAGE_GENERATION: image,
        Capability.EMBEDDING_GENERATION: embedding,
        Capability.TEXT_TO_SPEECH_CONVERSION: speech,
    }
    capabilities = tuple(each for each in CAPABILITIES if found[each])
    if not capabilities:
        raise NothingDetected(
            _(
                "The endpoint answers, and has no deployment with a usual name. Type the names of "
                "your deployments."
            )
        )
    models = tuple(name for each in CAPABILITIES if (name := found[each]))
    return _detected(models, capabilities, "openai-models")


def _first(
    endpoint: Endpoint, names: Iterable[str], path: str, said: str, timeout: float
) -> _Asked:
    """The first name that is a deployment; text has to answer, of others it is enough to exist."""
    body: dict[str, JsonValue] = {"input": said}
    if path == _CHAT:
        body = {"messages": [{"role": "user", "content": said}], "max_tokens": 1}
    for name in names:
        answered = yield Probe(
            f"{endpoint.prefix}{deployment_path(name)}/{path}",
            endpoint.openai_query,
            body,
            timeout,
        )
        key = "choices" if path == _CHAT else "data"
        exists = _answers(answered, key) if said == "hi" else _exists(answered, key)
        if exists:
            return name
    return None


def _answers(answered: Answered, key: str) -> bool:
    """Whether it generates text, or would: it is busy, or has another word for the limit."""
    if answered.status == 400:
        error = answered.body.get("error") if isinstance(answered.body, dict) else None
        return isinstance(error, dict) and error.get("code") in _REFUSES_THE_LIMIT
    return _has_answered(answered, key) or answered.status == 429


def _exists(answered: Answered, key: str) -> bool:
    """Whether it is there: an image model refuses to chat, and so says that it is."""
    return _has_answered(answered, key) or answered.status in (400, 429)


def _has_answered(answered: Answered, key: str) -> bool:
    """Whether what came is an answer; some servers say 200 to whatever they are asked."""
    body = answered.body if 200 <= answered.status < 300 else None
    return isinstance(body, dict) and isinstance(body.get(key), list)


def _can(listed: Mapping[str, JsonValue], flag: str) -> bool:
    flags = listed.get("capabilities")
    return isinstance(flags, dict) and flags.get(flag) is True


def _names(listed: Iterable[Mapping[str, JsonValue]]) -> Iterator[str]:
    """Names as deployments usually have them: without the version that a catalogue adds."""
    for each in listed:
        name = each.get("id")
        if isinstance(name, str) and name:
            yield _VERSION.sub("", name)


def _candidates(usual: Iterable[str], listed: Iterable[str]) -> tuple[str, ...]:
    first = tuple(usual)
    more = tuple(name for name in dict.fromkeys(listed) if name not in first)
    return (*first, *more[:MOST_TRIED])


def _detected(
    models: tuple[str, ...], capabilities: tuple[Capability, ...], source: str
) -> Detected:
    names = tuple(dict.fromkeys(models))
    fields = {"deployments": ", ".join(names), "capabilities": ", ".join(capabilities)}
    return Detected(names, fields, source)
