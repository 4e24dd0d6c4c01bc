"""Routes that are remembered: as good as those worked out anew, and only while nothing changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ai_client.approvals import Approvals
from ai_client.errors import ModelNotFound
from ai_client.routing import MOST, Routing
from ai_client.snapshot import Snapshot
from tests.ai_client.test_router import connection

BOTH = Snapshot(connections=(connection("first", "gpt-a"), connection("second", "gpt-b")))


def names(
    routing: Routing, snapshot: Snapshot, name: str, caller: str = "app", *, fallback: bool = True
) -> list[str]:
    found = routing.find(snapshot, name, caller, None, allow_fallback=fallback)
    return [f"{each.connection.name}:{each.model}" for each in found.routes]


def test_each_name_keeps_its_own_routes() -> None:
    routing = Routing()
    for _ in range(2):
        assert names(routing, BOTH, "auto") == ["first:gpt-a", "second:gpt-b"]
        assert names(routing, BOTH, "second") == ["second:gpt-b", "first:gpt-a"]
        assert names(routing, BOTH, "second", fallback=False) == ["second:gpt-b"]


def test_another_snapshot_is_heard_at_once() -> None:
    routing = Routing()
    assert names(routing, BOTH, "auto") == ["first:gpt-a", "second:gpt-b"]
    reversed_chain = replace(BOTH, connections=BOTH.connections[::-1])
    assert names(routing, reversed_chain, "auto") == ["second:gpt-b", "first:gpt-a"]


def test_each_caller_gets_what_it_may_use() -> None:
    routing = Routing()
    restricted = replace(BOTH, approvals=Approvals(denied=frozenset({("charlie", "openai")})))
    for _ in range(2):
        assert names(routing, restricted, "auto", "alice") == ["first:gpt-a", "second:gpt-b"]
        assert names(routing, restricted, "auto", "charlie") == []


def test_routes_are_in_the_wire_format_of_the_provider_unless_it_speaks_the_callers() -> None:
    routing = Routing()
    found = routing.find(BOTH, "auto", "app", "anthropic_messages")
    assert {each.wire for each in found.routes} == {"openai_chat"}


def test_an_unknown_name_is_refused_each_time() -> None:
    routing = Routing()
    for _ in range(2):
        with pytest.raises(ModelNotFound):
            names(routing, BOTH, "nobody")


def test_names_that_callers_make_up_do_not_pile_up() -> None:
    routing = Routing()
    for number in range(MOST + 10):
        assert names(routing, BOTH, f"first/made-up-{number}")[0] == f"first:made-up-{number}"
    assert len(routing._known[1]) <= MOST
    assert names(routing, BOTH, "auto") == ["first:gpt-a", "second:gpt-b"]
