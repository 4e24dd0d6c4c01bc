"""What OpenAI's dialect is spoken in for all that is no text.

Speech whose words the model finds itself comes by chat completions; speech that reads a text out,
and the rest, has endpoints of its own.
"""

from ai_client.providers import Capability, Operation

OPERATIONS = (
    Operation(Capability.IMAGE_GENERATION, "openai_images"),
    Operation(Capability.EMBEDDING_GENERATION, "openai_embeddings"),
    Operation(Capability.TEXT_TO_SPEECH_CONVERSION, "openai_speech"),
    Operation(Capability.SPEECH_GENERATION, "openai_chat"),
    Operation(Capability.VIDEO_GENERATION, "openai_videos"),
)
