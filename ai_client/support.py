"""Whether a prompt would be answered: some model meets it, and its dialect can say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ai_client.ask import Ask
from ai_client.choosing import Choice, Chooser
from ai_client.endpoints import addressed
from ai_client.errors import CapabilityUnsupported, InvalidArgument, RequestError
from ai_client.messages import GenerationRequest
from ai_client.prompt_builder import Prompt
from ai_client.router import Route, spoken
from ai_client.selection import PATIENCE, Chain
from ai_client.wire import Target, asking_face


def supports(chooser: Chooser, prompt: Prompt) -> bool:
    """Whether somebody would answer; asks upstreams for their models where that has to be known."""
    try:
        choice = chooser.choose(replace(prompt, fallback=False))
        found = _first_says(prompt, choice)
        if found is None:
            others = _one_by_one(chooser.choose(prompt).chain)
            found = _some_say(choice.request_of(prompt), others)
    except (InvalidArgument, CapabilityUnsupported):
        return False
    return found


def supports_at_hand(chooser: Chooser, prompt: Prompt) -> bool | None:
    """As ``supports``; None where upstreams may have to be asked."""
    try:
        choice = chooser.choose_at_hand(replace(prompt, fallback=False))
        return None if choice is None else _first_says(prompt, choice)
    except (InvalidArgument, CapabilityUnsupported):
        return False


def _first_says(prompt: Prompt, choice: Choice) -> bool | None:
    """Whether the first choice meets the prompt and can be told it; None: another one may."""
    if not choice.meets(prompt):
        return False
    # A prompt without a text is a question about models alone.
    if not prompt.messages or _some_say(choice.request_of(prompt), iter(choice.routes)):
        return True
    return None if prompt.fallback else False


def _some_say(request: GenerationRequest, routes: Iterator[Route]) -> bool:
    """Whether one of them can be told the request, before one makes clear that none could."""
    for route in routes:
        try:
            _say(request, route)
        except RequestError as error:
            if not error.retryable:
                return False
        except RecursionError:
            return False
        else:
            return True
    return False


def _say(request: GenerationRequest, route: Route) -> None:
    (said,) = spoken((route,), None)
    connection = said.connection
    target = Target(said.model, connection.provider.name, connection.options)
    wire, _ = Ask(stream=request.stream, request=request).render(
        asking_face(said.wire), said.wire, target, said.without
    )
    addressed(connection, wire, said.wire, said.model)


def _one_by_one(chain: Chain | None) -> Iterator[Route]:
    """The routes of a chain; upstreams are asked for more when those before were not enough."""
    if chain is None:
        return
    told = 0
    while True:
        yield from chain.routes[told:]
        told = len(chain.routes)
        if chain.is_complete:
            return
        chain.ask(PATIENCE)
