"""What models of many makers are for, as far as their ids tell; what they do not tell is text."""

from ai_client.providers import EMBEDDING_OPTIONS, Capability, ModelKind

KINDS = (
    ModelKind(("*rerank*", "*whisper*", "*moderation*", "*guard*"), ()),
    ModelKind(
        ("*embed*", "*bge-*", "*minilm*"), (Capability.EMBEDDING_GENERATION,), EMBEDDING_OPTIONS
    ),
)
