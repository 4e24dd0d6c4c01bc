"""Messages: the turns of a conversation."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from ai_client.capabilities import JsonValue, word
from ai_client.errors import InvalidArgument
from ai_client.messages.files import File
from ai_client.messages.parts import (
    Content,
    FunctionCall,
    FunctionResponse,
    MessagePart,
)
from ai_client.messages.reading import JsonObject, fields, nested, tuple_of
from ai_client.values import guarded


class Role(StrEnum):
    """Who speaks. There is no system role: see ``ModelConfig.system_instruction``."""

    USER = "user"
    MODEL = "model"


@guarded(frozen=True, slots=True)
class Message:
    """One turn."""

    role: Role
    parts: tuple[MessagePart, ...]

    def text(self) -> str:
        """The text of all content parts, thoughts left out."""
        return "".join(self._texts())

    @property
    def has_text(self) -> bool:
        """Whether there is a text, be it an empty one, that is no thought."""
        return bool(self._texts())

    def files(self) -> tuple[File, ...]:
        """The files of all content parts."""
        return tuple(
            part.content
            for part in self.parts
            if isinstance(part.content, File) and not part.is_thought
        )

    def check(self) -> Self:
        """The message itself; InvalidArgument where its role cannot hold one of its parts."""
        for part in self.parts:
            if self.role is Role.USER and isinstance(part.content, FunctionCall):
                raise InvalidArgument(
                    "A user's message holds no function call; the model makes these.",
                    param="parts",
                )
            if self.role is Role.MODEL and isinstance(part.content, FunctionResponse):
                raise InvalidArgument(
                    "A model's message holds no function response; give it in a user's message.",
                    param="parts",
                )
        return self

    def to_dict(self) -> dict[str, JsonValue]:
        return {"role": self.role.value, "parts": [part.to_dict() for part in self.parts]}

    @classmethod
    def from_dict(cls, data: JsonObject) -> Self:
        """Raises InvalidArgument also for a part that the role cannot hold."""
        held = fields(data, cls.__name__, "role", "parts")
        parts = tuple_of(nested(MessagePart.from_dict))(held["parts"], "parts")
        return cls(word(Role, held["role"], "role"), parts).check()

    @staticmethod
    def json_schema() -> dict[str, JsonValue]:
        parts = {"type": "array", "items": MessagePart.json_schema(), "minItems": 1}
        return {
            "type": "object",
            "properties": {
                "role": {"type": "string", "enum": [role.value for role in Role]},
                "parts": parts,
            },
            "required": ["role", "parts"],
        }

    def _texts(self) -> list[str]:
        return [
            part.content
            for part in self.parts
            if isinstance(part.content, str) and not part.is_thought
        ]


def user_message(*parts: Content | MessagePart) -> Message:
    """A user's turn from texts, files, responses of functions, parts.

    Raises InvalidArgument, as ``model_message`` does, for a blank text or anything else.
    """
    return Message(Role.USER, tuple(map(_part, parts))).check()


def model_message(*parts: Content | MessagePart) -> Message:
    """A model's turn from texts, files, calls of functions, parts."""
    return Message(Role.MODEL, tuple(map(_part, parts))).check()


def _part(part: Content | MessagePart) -> MessagePart:
    if isinstance(part, MessagePart):
        return part
    if isinstance(part, str) and not part.strip():
        raise InvalidArgument("A message's text is blank.", param="parts")
    if isinstance(part, Content):
        return MessagePart(part)
    raise InvalidArgument(
        "A message is made of texts, files, function calls, function responses, MessageParts; "
        f"not of {type(part).__name__}.",
        param="parts",
    )
