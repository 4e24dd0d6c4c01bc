"""Refused requests, counted on their way and written down later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import OperationalError

from ai_client.refusals import MAXIMUM_WAITING, Refusals
from connectors.approvals import Refusal


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_refusals_of_a_pair_are_added_up_and_written_once() -> None:
    written: list[list[Refusal]] = []
    times = iter([1.0, 2.0, 3.0])
    refusals = Refusals(lambda batch: written.append(list(batch)), lambda: next(times))
    refusals.note("blog", "openai")
    refusals.note("shop", "openai")
    refusals.note("blog", "openai")
    assert not written
    refusals.write()
    refusals.write()
    assert written == [
        [
            Refusal("blog", "openai", 2, at(1.0), at(3.0)),
            Refusal("shop", "openai", 1, at(2.0), at(2.0)),
        ]
    ]


def test_while_the_database_is_away_they_wait() -> None:
    written: list[Refusal] = []
    away = True

    def store(batch: Iterable[Refusal]) -> None:
        if away:
            raise OperationalError("gone")
        written.extend(batch)

    refusals = Refusals(store, lambda: 5.0)
    refusals.note("blog", "openai")
    refusals.write()
    refusals.note("blog", "openai")
    away = False
    refusals.write()
    assert written == [Refusal("blog", "openai", 2, at(5.0), at(5.0))]


def test_what_waits_is_bounded() -> None:
    written: list[Refusal] = []
    refusals = Refusals(written.extend, lambda: 5.0)
    for number in range(MAXIMUM_WAITING + 10):
        refusals.note("blog" if number < 10 else "shop", "openai")
    refusals.write()
    assert [(each.caller, each.attempts) for each in written] == [("shop", MAXIMUM_WAITING)]
