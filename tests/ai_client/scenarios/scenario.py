"""What a scenario is, what it sees, and how an upstream that cannot play it has to say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ai_client import File, FunctionCall, GenerativeAiResult
from ai_client.errors import AiClientError
from tests.ai_client.scenarios.stage import Stage
from tests.ai_client.scenarios.ways import NAMES

Play = Callable[[Stage], object]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``play`` asserts what is true of every upstream; what it returns is equal in all ``ways``.

    ``alone``: the site has one connection, to the upstream; else ``play`` says which it has.
    """

    play: Play
    ways: tuple[str, ...]
    alone: bool

    @property
    def name(self) -> str:
        return self.play.__name__


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of exactly this class, which names ``param`` and says ``says``."""

    kind: type[AiClientError]
    param: str | None
    says: tuple[str, ...]

    def check(self, error: AiClientError) -> None:
        """Asserts that ``error`` is this refusal."""
        assert type(error) is self.kind, error
        assert error.param == self.param, error
        for text in self.says:
            assert text in error.message, error.message


class Scenarios:
    """A list of scenarios, filled by decorating functions."""

    def __init__(self, *, alone: bool) -> None:
        self.all: list[Scenario] = []
        self._alone = alone

    def __call__(self, play: Play) -> Play:
        return self.in_ways(*NAMES)(play)

    def in_ways(self, *ways: str) -> Callable[[Play], Play]:
        """For a scenario that can be asked in these ways only."""

        def add(play: Play) -> Play:
            self.all.append(Scenario(play, ways, self._alone))
            return play

        return add


def seen(result: GenerativeAiResult) -> object:
    """A result without what differs between two equal requests, one of them streamed.

    The simulators make ids of calls, Google's signatures and files of the bytes of the request.
    Google signs a complete answer's last text, and a streamed one's with an empty text after it.
    OpenAI calls the pieces of a stream ``object`` something else than a complete answer.
    """
    candidates = []
    for candidate in result.candidates:
        parts: list[tuple[object, ...]] = []
        for number, part in enumerate(candidate.message.parts):
            content: object = part.content
            if isinstance(content, FunctionCall):
                content = replace(content, id=content.id and f"call {number}")
            if isinstance(content, File):
                content = content.mime_type
            is_signed = part.thought_signature is not None or part.opaque is not None
            if content == "" and is_signed and parts:
                parts[-1] = (*parts[-1][:-1], True)
            else:
                parts.append((content, part.channel, part.refusal, part.citations, is_signed))
        ending = (candidate.finish_reason, candidate.raw_finish_reason, candidate.logprobs)
        candidates.append((parts, *ending))
    additional = {name: each for name, each in result.additional_data.items() if name != "object"}
    return result.model, candidates, result.usage, additional


def told(error: AiClientError) -> object:
    """What an error says."""
    return type(error).__name__, error.code, error.status, error.message, error.param
