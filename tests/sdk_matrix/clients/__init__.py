"""Each client in the matrix: one file, one class per way in which its vendor's SDK is used."""

from __future__ import annotations

from tests.sdk_matrix.clients.anthropic_sdk import AnthropicMessages
from tests.sdk_matrix.clients.client import Client
from tests.sdk_matrix.clients.google_sdk import GoogleGenerate
from tests.sdk_matrix.clients.langchain_models import (
    LangChainAnthropic,
    LangChainOpenAi,
    LangChainResponses,
)
from tests.sdk_matrix.clients.openai_chat import OpenAiChat
from tests.sdk_matrix.clients.openai_responses import OpenAiResponses

CLIENTS: tuple[type[Client], ...] = (
    OpenAiChat,
    OpenAiResponses,
    AnthropicMessages,
    GoogleGenerate,
    LangChainOpenAi,
    LangChainResponses,
    LangChainAnthropic,
)
"""In the order of the document."""
