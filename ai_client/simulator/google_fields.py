"""Field names of the Gemini API, and how it refuses what has other ones.

Names come in camel or snake case, as in any JSON mapping of protocol buffers; unknown ones are
refused: https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

import re
from typing import NoReturn

from ai_client.simulator.dialect import JsonObject, Refused, dump
from ai_client.simulator.http_server import Reply

_UPPER = re.compile(r"_([a-z])")
_FIELDS = {
    "": "contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent "
    "model serviceTier store labels continuationToken",
    "generation_config": "stopSequences responseMimeType responseSchema responseJsonSchema "
    "responseModalities candidateCount maxOutputTokens temperature topP topK seed "
    "presencePenalty frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers "
    "speechConfig thinkingConfig imageConfig mediaResolution responseFormat translationConfig "
    "audioTranscriptionConfig",
    "thinking_config": "includeThoughts thinkingBudget thinkingLevel",
    "contents": "role parts",
    "parts": "text inlineData fileData functionCall functionResponse thought thoughtSignature "
    "executableCode codeExecutionResult videoMetadata mediaResolution partMetadata toolCall "
    "toolResponse",
    "tools": "functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext "
    "googleMaps fileSearch computerUse mcpServers",
    "google_search": "searchTypes timeRangeFilter",
    "tool_config": "functionCallingConfig retrievalConfig includeServerSideToolInvocations",
    "image_config": "aspectRatio imageSize",
    "speech_config": "voiceConfig languageCode multiSpeakerVoiceConfig",
    "function_declarations": "name description parameters parametersJsonSchema response "
    "responseJsonSchema behavior",
    "embed": "model content taskType title outputDimensionality embedContentConfig",
    "batch_embed": "requests",
    "embed_content_config": "taskType title outputDimensionality autoTruncate documentOcr "
    "audioTrackExtraction",
    "predict": "instances parameters",
    "image_parameters": "sampleCount aspectRatio sampleImageSize personGeneration outputOptions "
    "safetySetting includeRaiReason includeSafetyAttributes language guidanceScale imageSize",
    "video_parameters": "aspectRatio durationSeconds resolution personGeneration negativePrompt "
    "sampleCount enhancePrompt numberOfVideos",
    "function_calling_config": "mode allowedFunctionNames",
    "function_call": "name args id",
    "function_response": "name response id parts willContinue scheduling",
}


def refuse(message: str, status: int = 400, name: str = "INVALID_ARGUMENT") -> NoReturn:
    """Raises the refusal in Google's shape."""
    raise Refused(
        Reply(status, dump({"error": {"code": status, "message": message, "status": name}}))
    )


def unknown_field(field: str, where: str) -> NoReturn:
    """Refuses a field that the message at ``where`` does not have."""
    at = f" at '{where}'" if where else ""
    message = f'Invalid JSON payload received. Unknown name "{field}"{at}: Cannot find field.'
    error = {
        "code": 400,
        "message": message,
        "status": "INVALID_ARGUMENT",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": where, "description": message}],
            }
        ],
    }
    raise Refused(Reply(400, dump({"error": error})))


def camel_case(field: str) -> str:
    """The name of a field as Google's reference writes it."""
    return _UPPER.sub(lambda match: match[1].upper(), field)


def known_fields(value: JsonObject, kind: str, where: str) -> JsonObject:
    """The fields of a message of this kind under their camel case names; others are refused."""
    known = frozenset(_FIELDS[kind].split())
    found: JsonObject = {}
    for field, held in value.items():
        name = camel_case(field)
        if name not in known:
            unknown_field(field, where)
        found[name] = held
    return found


def object_at(holder: JsonObject, field: str, kind: str) -> JsonObject:
    """The message in a field; empty where there is none."""
    value = holder.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        refuse(f"Invalid value at '{kind}'.")
    return known_fields(value, kind, kind)


def either(holder: object, camel: str, snake: str) -> object:
    """What a field holds under either of its names."""
    return holder.get(camel, holder.get(snake)) if isinstance(holder, dict) else None


def whole(value: object) -> int | None:
    """A number without its fraction."""
    return int(value) if isinstance(value, int | float) else None
