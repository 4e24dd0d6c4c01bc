"""The one representation of prompts and answers that every wire format translates to and from.

Shapes of ``to_dict`` follow the PHP AI Client's DTOs (camelCase keys); what the dialects need
beyond them extends the same types: a system prompt of several parts, tool results with parts and
an error flag, cache markers, citations, refusals, and opaque provider data that is echoed back
untouched when the next turn goes to the dialect it came from. Such keys are written only if they
are set. ``from_dict`` gives back what ``to_dict`` wrote, or raises InvalidArgument.
"""

from __future__ import annotations

from ai_client.capabilities import JsonValue
from ai_client.messages.config import ModelConfig, Reasoning
from ai_client.messages.files import File, FileSource, ReadableFile
from ai_client.messages.generation_request import GenerationRequest
from ai_client.messages.operations import AnyResult, GenerativeAiOperation, OperationState
from ai_client.messages.parts import (
    CacheMarker,
    Channel,
    Content,
    FunctionCall,
    FunctionResponse,
    MessagePart,
    PartType,
    text_part,
)
from ai_client.messages.reading import JsonObject
from ai_client.messages.request_options import RequestOptions
from ai_client.messages.results import (
    Candidate,
    EmbeddingResult,
    FinishReason,
    GenerativeAiResult,
    TokenCount,
)
from ai_client.messages.tools import FunctionDeclaration, ToolChoice, WebSearch
from ai_client.messages.turns import Message, Role, model_message, user_message
from ai_client.messages.usage import TokenLogprob, TokenUsage

__all__ = [
    "AnyResult",
    "CacheMarker",
    "Candidate",
    "Channel",
    "Content",
    "EmbeddingResult",
    "File",
    "FileSource",
    "FinishReason",
    "FunctionCall",
    "FunctionDeclaration",
    "FunctionResponse",
    "GenerationRequest",
    "GenerativeAiOperation",
    "GenerativeAiResult",
    "JsonObject",
    "JsonValue",
    "Message",
    "MessagePart",
    "ModelConfig",
    "OperationState",
    "PartType",
    "ReadableFile",
    "Reasoning",
    "RequestOptions",
    "Role",
    "TokenCount",
    "TokenLogprob",
    "TokenUsage",
    "ToolChoice",
    "WebSearch",
    "model_message",
    "text_part",
    "user_message",
]
