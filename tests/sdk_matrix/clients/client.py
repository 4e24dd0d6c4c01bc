"""What a scenario asks of a client, whatever SDK is below it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from inspect import isawaitable
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

from tests.live_site import Site

Found = TypeVar("Found")
MODES = ("sync", "async")
PROPERTIES: dict[str, dict[str, dict[str, Any]]] = {
    "weather": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
    "clock": {"zone": {"enum": ["UTC", "CET"], "type": "string"}},
}
"""The tools that are declared, and what they take."""

TOOLS = {
    name: {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    for name, properties in PROPERTIES.items()
}
"""The same as JSON schemas."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, its turns as the client writes them. ``limit`` is of the answer's tokens.

    ``json`` wants JSON of any shape, ``count`` so many answers.
    """

    turns: Sequence[Any]
    system: str = ""
    tools: bool = False
    may_call: bool = True
    schema: Mapping[str, Any] | None = None
    thinks: bool = False
    limit: int | None = None
    json: bool = False
    count: int = 1
    model: str = "auto"


@dataclass(frozen=True, slots=True)
class Called:
    """A call of a tool."""

    name: str
    arguments: Any
    native: Any


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. ``native`` are the turns that a program puts into its next request for it."""

    text: str
    calls: tuple[Called, ...]
    thoughts: str
    finished: str
    tokens: tuple[int, int]
    native: Sequence[Any]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Heard:
    """What an event of a stream tells a program: a piece of text, or that the answer is over."""

    text: str = ""
    finished: bool = False


Hear = Callable[[Heard], bool]
"""Is told each event; True leaves the stream."""


class Client(ABC):
    """One SDK at one site. As a context manager it opens the SDK's client and closes it."""

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    """The distributions whose versions the document names."""

    errors: ClassVar[Mapping[str, type[Exception]]]
    """The class that is raised for each kind of error: key, model, request, rate, overloaded,
    failed, broken."""

    shows_thoughts: ClassVar[bool] = True
    """Whether its answers have a place for thoughts."""

    lacks: ClassVar[frozenset[str]] = frozenset()
    """The fields of ``Ask`` that it has no words for."""

    remark: ClassVar[str] = ""
    """What people who use it should know, for the document."""

    stop: ClassVar[str]
    calling: ClassVar[str]
    """How it says that an answer ended by itself, or with calls."""

    def __init__(self, site: Site, mode: str) -> None:
        self.site = site
        self.mode = mode
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            self.close()
        finally:
            self._runner.close()

    @property
    def awaits(self) -> bool:
        return self.mode == "async"

    @abstractmethod
    def open(self) -> None:
        """Make the SDK's client."""

    @abstractmethod
    def close(self) -> None:
        """Close it."""

    @abstractmethod
    def user(self, text: str, picture: str = "", document: str = "") -> Any:
        """A turn of the user, with a PNG or a PDF in base64."""

    @abstractmethod
    def results(self, said: Said, outputs: Sequence[str]) -> Sequence[Any]:
        """The turns that answer the calls of an answer, in the order of the calls."""

    @abstractmethod
    def plain(self, ask: Ask) -> Said:
        """A complete answer."""

    @abstractmethod
    def streamed(self, ask: Ask, hear: Hear) -> Said | None:
        """A streamed answer, put together as its SDK does that; None if ``hear`` left."""

    @abstractmethod
    def status(self, error: Exception) -> int:
        """The HTTP status that an error tells."""

    def let_go(self) -> None:  # noqa: B027
        """What a program has to do beyond closing a stream that it leaves; usually nothing."""

    def done(self, value: Any) -> Any:
        """The value, awaited where the SDK is the awaiting one."""

        async def run() -> Any:
            return await value

        return self._runner.run(run()) if self.awaits else value

    def meanwhile(self, look: Callable[[], Found]) -> Found:
        """What ``look`` waits for, while the program's loop goes on as it does in a program."""
        return self._runner.run(asyncio.to_thread(look)) if self.awaits else look()

    def listened(
        self,
        stream: AbstractContextManager[Any] | AbstractAsyncContextManager[Any],
        read: Callable[[Any], Heard],
        hear: Hear,
        final: Callable[[Any], Any],
    ) -> Any:
        """Hear a stream to its end and give what ``final`` makes of it, or leave it."""
        if isinstance(stream, AbstractContextManager) and not self.awaits:
            with stream as events:
                for event in events:
                    if hear(read(event)):
                        return None
                return final(events)
        assert isinstance(stream, AbstractAsyncContextManager)
        awaiting = stream

        async def run() -> Any:
            async with awaiting as events:
                async for event in events:
                    if hear(read(event)):
                        return None
                value = final(events)
                return await value if isawaitable(value) else value

        return self._runner.run(run())
