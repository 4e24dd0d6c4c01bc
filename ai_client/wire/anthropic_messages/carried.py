"""How what other dialects sign or encrypt travels through this one to our callers and back.

The dialect has two fields that only its vendor can read, and whose blocks callers hand back
unchanged: the ``signature`` of a thinking block and the ``data`` of a redacted one
(https://platform.claude.com/docs/en/build-with-claude/extended-thinking). What an upstream of this
dialect put there is kept as it came. What another dialect left on a part is packed into them,
marked as ours:

- a thought is a thinking block, always marked, because no other signature would be Anthropic's;
- what belongs to a text, a file or a call stands in a redacted block of its own. It names the call
  by its id, so that it may stand before it (complete answers, where a call comes last) or after it
  (streams, where that is known only at the call's end); that of a text or file follows it.

``without_carried`` takes the marked blocks out again before an upstream of this dialect, which
could not verify them, sees them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from ai_client.errors import UnsupportedFeature
from ai_client.json_text import dump, load
from ai_client.messages import Channel, FunctionCall, JsonObject, JsonValue, MessagePart
from ai_client.wire.anthropic_messages.conversation import (
    WIRE,
    Block,
    native_citations,
    wire_id,
)

FORMAT: Final = "koneek-v1."
"""What a ``signature`` and a ``data`` of ours begin with; theirs are base64 and hold no dot."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What this dialect has no field for. ``call`` is the id of the call that it belongs to,
    ``of_previous`` says that it belongs to the part before it; neither: it is an empty text's.
    """

    signature: str | None = None
    opaque: JsonObject | None = None
    call: str | None = None
    of_previous: bool = False

    @property
    def says_anything(self) -> bool:
        """Whether there is anything to carry."""
        return self.signature is not None or bool(self.opaque)

    def onto(self, part: MessagePart) -> MessagePart:
        """The part with what it had."""
        opaque = {**(part.opaque or {}), **(self.opaque or {})}
        return replace(part, thought_signature=self.signature, opaque=opaque or None)


def pack(carried: Carried) -> str:
    """The text of a field of ours. There is one for nothing too, so that it is known to be ours."""
    said: dict[str, JsonValue] = {}
    if carried.signature is not None:
        said["signature"] = carried.signature
    if carried.opaque:
        said["opaque"] = carried.opaque
    if carried.call is not None:
        said["call"] = carried.call
    if carried.of_previous:
        said["of_previous"] = True
    return FORMAT + dump(said).decode()


def unpack(packed: JsonValue) -> Carried | None:
    """What a field carries; None where it is not ours. A damaged one carries nothing."""
    if not is_marked(packed):
        return None
    try:
        said = load(packed.removeprefix(FORMAT).encode())
    except (ValueError, RecursionError):
        return Carried()
    if not isinstance(said, dict):
        return Carried()
    signature, opaque, call = (said.get(name) for name in ("signature", "opaque", "call"))
    return Carried(
        signature if isinstance(signature, str) else None,
        opaque if isinstance(opaque, dict) and opaque else None,
        call if isinstance(call, str) else None,
        said.get("of_previous") is True,
    )


def is_marked(packed: JsonValue) -> bool:
    """Whether a ``signature`` or ``data`` is ours."""
    return isinstance(packed, str) and packed.startswith(FORMAT)


def carrying_block(carried: Carried) -> Block:
    """The block that carries something of a text, a file or a call."""
    return {"type": "redacted_thinking", "data": pack(carried)}


def foreign_signature(signature: str | None, opaque: JsonObject | None) -> str:
    """The ``signature`` of a thinking block for a thought that Anthropic did not sign."""
    foreign = {name: value for name, value in (opaque or {}).items() if name != WIRE}
    return pack(Carried(signature, foreign))


def carried_thought(text: str, carried: Carried) -> MessagePart:
    """The thought in a thinking block of ours."""
    return MessagePart(text, Channel.THOUGHT, carried.signature, opaque=carried.opaque)


def assembled(pieces: Iterable[MessagePart | Carried]) -> tuple[MessagePart, ...]:
    """The parts of a turn, each with what was carried for it."""
    parts: list[MessagePart] = []
    of_calls: dict[str, Carried] = {}
    for piece in pieces:
        if isinstance(piece, MessagePart):
            parts.append(piece)
        elif piece.call is not None:
            of_calls[piece.call] = piece
        elif not piece.of_previous:
            parts.append(piece.onto(MessagePart("")))
        elif parts and not parts[-1].is_thought:
            parts[-1] = piece.onto(parts[-1])
    if not of_calls:
        return tuple(parts)
    return tuple(
        of_calls[part.content.id].onto(part)
        if isinstance(part.content, FunctionCall) and part.content.id in of_calls
        else part
        for part in parts
    )


def without_carried(messages: JsonValue) -> JsonValue:
    """A caller's messages as upstreams of this dialect take them; itself if nothing is ours.

    ``UnsupportedFeature`` for what an answer of ours may hold and no request: files, and arguments
    that are no JSON object.
    """
    if not isinstance(messages, list):
        return messages
    cleaned = [_cleaned(message) for message in messages]
    if all(new is old for new, old in zip(cleaned, messages, strict=True)):
        return messages
    return [message for message in cleaned if message is not None]


def _cleaned(message: JsonValue) -> JsonValue:
    """The message; None where nothing is left of it."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    is_answer = message.get("role") == "assistant"
    blocks = [_cleaned_block(block, is_answer=is_answer) for block in content]
    if all(new is old for new, old in zip(blocks, content, strict=True)):
        return message
    kept = [block for block in blocks if block is not None]
    return {**message, "content": kept} if kept else None


def _cleaned_block(block: JsonValue, *, is_answer: bool) -> JsonValue:
    if not isinstance(block, dict):
        return block
    match block.get("type"):
        case "thinking" if is_marked(block.get("signature")):
            return None
        case "redacted_thinking" if is_marked(block.get("data")):
            return None
        case "text" if is_answer and isinstance(block.get("citations"), list):
            given = block["citations"]
            native = native_citations(given)
            if len(native) == len(given):
                return block
            bare = {name: value for name, value in block.items() if name != "citations"}
            return {**bare, "citations": native} if native else bare
        case "image" | "document" if is_answer:
            raise UnsupportedFeature(
                "Anthropic's dialect takes no file in the model's own turn.", param="messages"
            )
        case "tool_use":
            if isinstance(block.get("input"), str):
                raise UnsupportedFeature(
                    f"The arguments of the call to {block.get('name')!r} in the conversation are "
                    "not a JSON object, which is all that Anthropic's dialect can say.",
                    param="messages",
                )
            return _with_wire_id(block, "id")
        case "tool_result":
            return _with_wire_id(block, "tool_use_id")
    return block


def _with_wire_id(block: Block, name: str) -> Block:
    given = block.get(name)
    if not isinstance(given, str) or not given or wire_id(given) == given:
        return block
    return {**block, name: wire_id(given)}
