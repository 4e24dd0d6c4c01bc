"""Who may answer a request that refers to what an upstream keeps: pure.

Only the account that made a response, a file or a cache knows it, and which one that was nobody
here remembers: it is taken for the first connection of the caller's dialect that is not switched
off. The others of that dialect are not asked in its place, or a passing failure would become the
news that the conversation does not exist.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from ai_client.ask import Ask
from ai_client.health import READY, Health, Standing
from ai_client.kept import MOST, Kept
from ai_client.messages import JsonValue
from ai_client.parts import parts_of
from ai_client.router import Route, standing
from ai_client.wire import kept_reader


def able(routes: tuple[Route, ...], ask: Ask, health: Health, now: float) -> tuple[Route, ...]:
    """Those of ``routes`` that can answer ``ask``; all of them where it refers to nothing kept.

    The body is not looked into where the first route is asked in any case.
    """
    if ask.body is None or not routes:
        return routes
    first = routes[0]
    if _is_forwarded(first, ask) and standing(first, health, now) is READY:
        return routes
    return _without_strangers(routes, ask, _holder(routes, ask, health, now))


def left_after(asked: Route, waiting: deque[Route], ask: Ask) -> deque[Route]:
    """Those of the ``waiting`` that can stand in for a route that was ``asked`` and failed."""
    if not waiting or ask.body is None or not _is_forwarded(asked, ask):
        return waiting
    return deque(_without_strangers(tuple(waiting), ask, asked))


def _without_strangers(
    routes: tuple[Route, ...], ask: Ask, holder: Route | None
) -> tuple[Route, ...]:
    if holder is None or ask.dialect is None or ask.body is None:
        return routes
    match _kept(ask.dialect, ask.body):
        case Kept.NOTHING:
            return routes
        case Kept.USEFUL:
            return tuple(each for each in routes if each is holder or not _is_forwarded(each, ask))
        case Kept.NEEDED:
            return tuple(each for each in routes if each is holder)


def _kept(dialect: str, body: Mapping[str, JsonValue]) -> Kept:
    if parts_of(body, MOST) > MOST:
        return Kept.NEEDED
    return kept_reader(dialect)(body)


def _holder(routes: tuple[Route, ...], ask: Ask, health: Health, now: float) -> Route | None:
    """The first route of the dialect that is not switched off, else the first; None without one."""
    own = [each for each in routes if _is_forwarded(each, ask)]
    working = (each for each in own if standing(each, health, now).standing is not Standing.OFF)
    return next(working, own[0] if own else None)


def _is_forwarded(route: Route, ask: Ask) -> bool:
    return route.wire_format == ask.dialect
