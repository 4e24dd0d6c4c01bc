"""A request to a model, before it is known which connection answers it."""

from __future__ import annotations

from dataclasses import field, replace

from ai_client.capabilities import Capability
from ai_client.messages.config import ModelConfig
from ai_client.messages.turns import Message
from ai_client.values import guarded


@guarded(frozen=True, slots=True)
class GenerationRequest:
    """A whole request, before it is known which connection answers it.

    ``capability`` says what is wanted, and so which wire format of a provider is spoken. For
    embeddings each message is one input.

    ``untranslatable`` names features of the caller's own dialect that this representation does
    not carry (``web_search_options`` say): harmless on a same-dialect route, refused on others.
    ``dropped`` names mere tuning of that kind, which other dialects leave out with a warning.
    """

    messages: tuple[Message, ...]
    config: ModelConfig = field(default_factory=ModelConfig)
    stream: bool = False
    capability: Capability = Capability.TEXT_GENERATION
    untranslatable: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def with_stream(self, stream: bool) -> GenerationRequest:
        return self if stream is self.stream else replace(self, stream=stream)
