"""Asks AI services over the site's connections.

::

    from ai_client import prompt

    prompt("Explain gravity").generate_text()

The names below are loaded when they are first used, so this package can be imported anywhere,
before Django's apps are ready as well. Errors are in ``ai_client.errors``, signals in
``ai_client.signals``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ai_client.capabilities import Capability as Capability
    from ai_client.capabilities import FileType as FileType
    from ai_client.capabilities import MediaOrientation as MediaOrientation
    from ai_client.capabilities import Modality as Modality
    from ai_client.functions import FunctionRefused as FunctionRefused
    from ai_client.functions import FunctionRun as FunctionRun
    from ai_client.messages import EmbeddingResult as EmbeddingResult
    from ai_client.messages import File as File
    from ai_client.messages import FunctionCall as FunctionCall
    from ai_client.messages import FunctionDeclaration as FunctionDeclaration
    from ai_client.messages import FunctionResponse as FunctionResponse
    from ai_client.messages import GenerativeAiOperation as GenerativeAiOperation
    from ai_client.messages import GenerativeAiResult as GenerativeAiResult
    from ai_client.messages import Message as Message
    from ai_client.messages import MessagePart as MessagePart
    from ai_client.messages import ModelConfig as ModelConfig
    from ai_client.messages import RequestOptions as RequestOptions
    from ai_client.messages import Role as Role
    from ai_client.messages import WebSearch as WebSearch
    from ai_client.messages import model_message as model_message
    from ai_client.messages import user_message as user_message
    from ai_client.prompt_builder import Model as Model
    from ai_client.prompt_builder import Prompt as Prompt
    from ai_client.prompt_builder import PromptBuilder as PromptBuilder
    from ai_client.prompt_builder import StartedOperation as StartedOperation
    from ai_client.prompts import aoperation as aoperation
    from ai_client.prompts import convert_text_to_speech_result as convert_text_to_speech_result
    from ai_client.prompts import generate_image_result as generate_image_result
    from ai_client.prompts import generate_result as generate_result
    from ai_client.prompts import generate_speech_result as generate_speech_result
    from ai_client.prompts import generate_text_result as generate_text_result
    from ai_client.prompts import generate_video_result as generate_video_result
    from ai_client.prompts import is_configured as is_configured
    from ai_client.prompts import operation as operation
    from ai_client.prompts import prompt as prompt
    from ai_client.registry import ProviderRegistry as ProviderRegistry
    from ai_client.registry import default_registry as default_registry

__all__ = [
    "Capability",
    "EmbeddingResult",
    "File",
    "FileType",
    "FunctionCall",
    "FunctionDeclaration",
    "FunctionRefused",
    "FunctionResponse",
    "FunctionRun",
    "GenerativeAiOperation",
    "GenerativeAiResult",
    "MediaOrientation",
    "Message",
    "MessagePart",
    "Modality",
    "Model",
    "ModelConfig",
    "Prompt",
    "PromptBuilder",
    "ProviderRegistry",
    "RequestOptions",
    "Role",
    "StartedOperation",
    "WebSearch",
    "aoperation",
    "convert_text_to_speech_result",
    "default_registry",
    "generate_image_result",
    "generate_result",
    "generate_speech_result",
    "generate_text_result",
    "generate_video_result",
    "is_configured",
    "model_message",
    "operation",
    "prompt",
    "user_message",
]

_HOMES = {
    "ai_client.capabilities": ("Capability", "FileType", "MediaOrientation", "Modality"),
    "ai_client.functions": ("FunctionRefused", "FunctionRun"),
    "ai_client.messages": (
        "EmbeddingResult",
        "File",
        "FunctionCall",
        "FunctionDeclaration",
        "FunctionResponse",
        "GenerativeAiOperation",
        "GenerativeAiResult",
        "Message",
        "MessagePart",
        "ModelConfig",
        "RequestOptions",
        "Role",
        "WebSearch",
        "model_message",
        "user_message",
    ),
    "ai_client.prompt_builder": ("Model", "Prompt", "PromptBuilder", "StartedOperation"),
    "ai_client.prompts": (
        "aoperation",
        "convert_text_to_speech_result",
        "generate_image_result",
        "generate_result",
        "generate_speech_result",
        "generate_text_result",
        "generate_video_result",
        "is_configured",
        "operation",
        "prompt",
    ),
    "ai_client.registry": ("ProviderRegistry", "default_registry"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
