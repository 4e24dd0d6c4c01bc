"""What a finished request is in OpenTelemetry's terms: attributes, from records and progress.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from ai_client.capabilities import Capability
from ai_client.messages import GenerationRequest
from ai_client.progress import Attempt, Progress
from ai_client.records import RequestRecord
from ai_client.snapshot import ConnectionConfig

Value: TypeAlias = str | bool | int | float | tuple[str, ...]
Attributes: TypeAlias = dict[str, Value]

NOBODY = "koneek"
"""The provider of a request that was turned away before anybody was asked."""

_OPERATIONS = {
    Capability.TEXT_GENERATION: "chat",
    Capability.EMBEDDING_GENERATION: "embeddings",
}
_OUTPUTS = {
    Capability.IMAGE_GENERATION: "image",
    Capability.TEXT_TO_SPEECH_CONVERSION: "speech",
    Capability.SPEECH_GENERATION: "speech",
    Capability.VIDEO_GENERATION: "video",
}
_PROVIDERS = {
    "google": "gcp.gemini",
    "azure-ai-foundry": "azure.ai.inference",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "moonshot": "moonshot_ai",
}
"""Where the conventions' name is not our slug."""
_PORTS = {"http": 80, "https": 443}


def operation_of(request: GenerationRequest | None) -> str:
    """``gen_ai.operation.name``. What the gateway serves is chat."""
    if request is None:
        return "chat"
    return _OPERATIONS.get(request.capability, "generate_content")


def model_of(record: RequestRecord, progress: Progress) -> str:
    """The model that was asked, last; what the caller wrote where nobody was."""
    return progress.attempts[-1].route.model if progress.attempts else record.requested_model


def identity(
    record: RequestRecord, progress: Progress, request: GenerationRequest | None
) -> Attributes:
    """What spans and metrics are told apart by."""
    found: Attributes = {"gen_ai.operation.name": operation_of(request)}
    connection = progress.attempts[-1].route.connection if progress.attempts else None
    found["gen_ai.provider.name"] = NOBODY if connection is None else _provider(connection)
    if model := model_of(record, progress):
        found["gen_ai.request.model"] = model
    if record.model:
        found["gen_ai.response.model"] = record.model
    if connection is not None:
        found |= _server(connection)
    return found


def failure(record: RequestRecord) -> Attributes:
    """``error.type``, for a request that ended in an error."""
    return {"error.type": record.error_code} if record.error_code else {}


def of_request(
    record: RequestRecord, progress: Progress, request: GenerationRequest | None
) -> Attributes:
    """All attributes of a request's span, what was said left out."""
    found = identity(record, progress, request) | failure(record) | _settings(request)
    if record.stream:
        found["gen_ai.request.stream"] = True
        if record.first_event_ms is not None:
            found["gen_ai.response.time_to_first_chunk"] = record.first_event_ms / 1000
    if record.finish_reason:
        found["gen_ai.response.finish_reasons"] = (record.finish_reason,)
    usage = record.usage
    if usage is not None:
        counts: Mapping[str, int | None] = {
            "gen_ai.usage.input_tokens": usage.prompt_tokens,
            "gen_ai.usage.output_tokens": usage.completion_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage.thought_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        }
        found |= {name: count for name, count in counts.items() if count is not None}
    own: Attributes = {
        "koneek.request_id": record.request_id,
        "koneek.dialect": record.dialect,
        "koneek.outcome": record.outcome.value,
        "koneek.requested_model": record.requested_model,
        "koneek.caller": record.caller,
        "koneek.connection": record.connection,
        "koneek.attempts": len(record.attempts),
        "koneek.fallback": len(record.attempts) > 1,
    }
    return found | {name: value for name, value in own.items() if value != ""}


def of_attempt(attempt: Attempt, number: int, *, given_up: bool) -> Attributes:
    """The attributes of one attempt's span; ``number`` counts from 1."""
    connection = attempt.route.connection
    found: Attributes = {
        "koneek.attempt": number,
        "koneek.connection": connection.name,
        "koneek.provider": connection.provider.slug,
        "koneek.model": attempt.route.model,
        **_server(connection),
    }
    if attempt.status is not None:
        found["http.response.status_code"] = attempt.status
    if attempt.error is not None:
        found["error.type"] = attempt.error.code
    elif given_up:
        found["koneek.given_up"] = True
    return found


def _provider(connection: ConnectionConfig) -> str:
    slug = connection.provider.slug
    if slug == "azure-ai-foundry" and ".openai.azure." in connection.base_url:
        return "azure.ai.openai"
    return _PROVIDERS.get(slug, slug)


def _server(connection: ConnectionConfig) -> Attributes:
    try:
        parts = urlsplit(connection.base_url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return {}
    if not host or port is None:
        return {}
    return {"server.address": host, "server.port": port}


def _settings(request: GenerationRequest | None) -> Attributes:
    """What the caller set, where it is known: a gateway caller's own JSON is not read for it."""
    if request is None:
        return {}
    config = request.config
    said: Mapping[str, Value | None] = {
        "gen_ai.output.type": "json" if config.wants_json else _OUTPUTS.get(request.capability),
        "gen_ai.request.choice.count": (
            None if config.candidate_count in (None, 1) else config.candidate_count
        ),
        "gen_ai.request.max_tokens": config.max_tokens,
        "gen_ai.request.temperature": config.temperature,
        "gen_ai.request.top_p": config.top_p,
        "gen_ai.request.top_k": config.top_k,
        "gen_ai.request.frequency_penalty": config.frequency_penalty,
        "gen_ai.request.presence_penalty": config.presence_penalty,
        "gen_ai.request.stop_sequences": tuple(config.stop_sequences or ()) or None,
    }
    return {name: value for name, value in said.items() if value is not None}
