"""Ids for function calls and results that have none, as from dialects without ids."""

from __future__ import annotations

from collections.abc import Sequence

from ai_client.errors import InvalidRequest
from ai_client.messages import FunctionCall, FunctionResponse, Message


class CallIds:
    """The id of every call and result of a conversation, by the numbers of message and part.

    A result without an id answers the first unanswered call of its name.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._ids: dict[tuple[int, int], str] | None = None

    def of(self, number: int, position: int) -> str:
        """The id of one; ``InvalidRequest`` for a result that answers no call before it."""
        if self._ids is None:
            # Most conversations hold no call and never come here.
            self._ids = _matched(self._messages)
        found = self._ids.get((number, position))
        if found is None:
            raise InvalidRequest(
                "This function result answers no call before it; give it the call's id.",
                param=f"messages[{number}].parts[{position}]",
            )
        return found


def _matched(messages: Sequence[Message]) -> dict[tuple[int, int], str]:
    ids: dict[tuple[int, int], str] = {}
    taken = {
        part.content.id
        for message in messages
        for part in message.parts
        if isinstance(part.content, FunctionCall | FunctionResponse)
    }
    unanswered: dict[str | None, list[str]] = {}
    for number, message in enumerate(messages):
        for position, part in enumerate(message.parts):
            match part.content:
                case FunctionCall() as call:
                    made = f"call_{number}_{position}"
                    while call.id is None and made in taken:
                        made += "_"
                    call_id = call.id or made
                    unanswered.setdefault(call.name, []).append(call_id)
                    ids[number, position] = call_id
                case FunctionResponse() as response:
                    waiting = unanswered.get(response.name, [])
                    if response.id is not None:
                        ids[number, position] = response.id
                        for each in unanswered.values():
                            if response.id in each:
                                each.remove(response.id)
                    elif waiting:
                        ids[number, position] = waiting.pop(0)
                case _:
                    pass
    return ids
