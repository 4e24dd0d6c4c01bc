"""What OpenAI's dialect is spoken in for all that is no text, and for texts of some models.

Speech whose words the model finds itself comes by chat completions; speech that reads a text out,
and the rest, has endpoints of its own.
"""

from ai_client.providers import Capability, Operation

RESEARCHING = ("*-deep-research*",)
"""Models that look things up in every answer, and refuse to without a tool for it."""

RESPONDING = (
    "o[1-9]-pro*",
    "gpt-*-pro",
    "gpt-*-pro-20*",
    "gpt-*-codex*",
    "codex-*",
    "gpt-*-cyber*",
    "gpt-daybreak-*",
    "gpt-*rosalind*",
    "gpt-*-law*",
)
"""Models for texts that are asked by the Responses API only.

https://developers.openai.com/api/docs/models; the official SDK lists them as models of Responses
and not of chat completions.
"""

OPERATIONS = (
    Operation(Capability.IMAGE_GENERATION, "openai_images"),
    Operation(Capability.EMBEDDING_GENERATION, "openai_embeddings"),
    Operation(Capability.TEXT_TO_SPEECH_CONVERSION, "openai_speech"),
    Operation(Capability.SPEECH_GENERATION, "openai_chat"),
    Operation(Capability.VIDEO_GENERATION, "openai_videos"),
)
"""What compatible servers have too."""

RESPONSES = Operation(
    Capability.TEXT_GENERATION, "openai_responses", models=(*RESPONDING, *RESEARCHING)
)
