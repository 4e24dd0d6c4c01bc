"""What is asked and how long it may take: the inputs of a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ai_client.capabilities import Capability, Option
from ai_client.messages import GenerationRequest, JsonValue
from ai_client.tool_names import renamed
from ai_client.wire import ClientFace, ResultFace, Target, WireRequest, allowed_tool_names


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds; ``deadline`` bounds the request with all its attempts.

    ``first_event`` None means: as long as the connection's own timeout.
    """

    deadline: float = 600.0
    connect: float = 5.0
    pool: float = 2.0
    first_event: float | None = None
    idle: float = 60.0
    attempts: int = 4


class Ask:
    """A request in whichever form it came.

    ``body`` with ``dialect`` is a caller's own JSON, forwarded to upstreams of that dialect as it
    came; ``parse`` turns it into the representation the first time another dialect needs it.
    ``hide_usage``: the caller did not ask for the usage event that the gateway asks for.
    ``passed`` are the caller's headers that an upstream of its dialect gets too. ``capability`` is
    what a body asks for; a request says it itself.
    """

    __slots__ = (
        "_parse", "_request", "body", "capability", "dialect", "hide_usage", "passed", "stream",
    )  # fmt: skip

    def __init__(
        self,
        *,
        stream: bool,
        request: GenerationRequest | None = None,
        dialect: str | None = None,
        body: Mapping[str, JsonValue] | None = None,
        parse: Callable[[], GenerationRequest] | None = None,
        hide_usage: bool = False,
        passed: Mapping[str, str] | None = None,
        capability: Capability = Capability.TEXT_GENERATION,
    ) -> None:
        self.stream = stream
        self.dialect = dialect
        self.body = body
        self.hide_usage = hide_usage
        self.passed = passed
        self.capability = capability if request is None else request.capability
        self._request = request
        self._parse = parse

    @property
    def known(self) -> GenerationRequest | None:
        """The representation where it is there already, None where JSON would have to be read."""
        return self._request

    def request(self) -> GenerationRequest:
        """The representation; an error of the caller's JSON is raised here."""
        if self._request is None:
            if self._parse is None:
                raise ValueError("An Ask needs a request, or a body with its parser.")
            self._request = self._parse().with_stream(self.stream)
        return self._request

    def render(
        self,
        face: ClientFace | ResultFace,
        wire: str,
        target: Target,
        without: tuple[Option, ...] = (),
    ) -> tuple[WireRequest, bool]:
        """The wire request for ``target``, and whether the caller's own body was forwarded.

        ``without`` is tuning to leave out of the representation, with a warning for each that is
        set in it.
        """
        if self.body is not None and self.dialect == wire:
            sent = face.forward_request(self.body, target, stream=self.stream)
            if self.passed:
                sent = replace(sent, headers={**self.passed, **sent.headers})
            return sent, True
        request = self._request or self.request()
        refused: tuple[str, ...] = ()
        if without:
            request, refused = _without(request, without)
        allowed = allowed_tool_names(wire)
        told: Mapping[str, str] = {}
        if allowed is not None:
            request, told = renamed(request, allowed)
        sent = face.render_request(request, target)
        if refused or told:
            sent = replace(sent, warnings=(*refused, *sent.warnings), tool_names=told)
        return sent, False


def _without(
    request: GenerationRequest, refused: tuple[Option, ...]
) -> tuple[GenerationRequest, tuple[str, ...]]:
    """The request without tuning that is refused, and a warning for each that it had."""
    said = request.config
    names = [name for option in refused if getattr(said, name := option.name.lower()) is not None]
    if not names:
        return request, ()
    unsaid: dict[str, JsonValue] = dict.fromkeys(names)
    warnings = tuple(f"{name}: not for this model" for name in names)
    return replace(request, config=replace(said, **unsaid)), warnings
