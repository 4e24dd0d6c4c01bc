"""What the page is told about each connection: states in words, and who answers now."""

from __future__ import annotations

from typing import Any

import pytest

from ai_client.client import AiClient, default_client
from ai_client.errors import (
    AddressRefused,
    ConnectFailed,
    KeyRejected,
    QuotaExhausted,
    RateLimited,
    RedirectRefused,
    ServerFailed,
    TlsFailed,
    UpstreamError,
    UpstreamModelMissing,
)
from ai_client.health import CONSECUTIVE_FAILURES, Health
from ai_client.live_status import statuses
from ai_client.messages import GenerationRequest, user_message
from ai_client.providers.openai import PROVIDER
from ai_client.snapshot import ConnectionConfig, Snapshot
from connectors.models import Connection
from connectors.status import ConnectionStatus, State, current_statuses
from tests.live_site import Site


def connection(name: str, **more: Any) -> ConnectionConfig:
    values: dict[str, Any] = {"model": "gpt", "revision": "r1"} | more
    return ConnectionConfig(name, name, PROVIDER, base_url="https://api.example/v1", **values)


def client_over(*connections: ConnectionConfig) -> AiClient:
    nothing: Any = None
    return AiClient(
        snapshot=lambda: Snapshot(connections=connections),
        engine=nothing,
        async_engine=nothing,
        record=lambda record: None,
        health=Health(lambda: 0.0),
        clock=lambda: 100.0,
    )


def after(error: UpstreamError, times: int = 1) -> ConnectionStatus:
    """The status of the first of two connections after it failed so."""
    client = client_over(connection("first"), connection("second"))
    for _ in range(times):
        client.health.fail("first", "r1", "gpt", error, 100.0)
    found = statuses(client)
    if found["first"].state is State.READY:
        return found["first"]
    assert found["second"].answers_now
    assert found["second"].who == "Answers now."
    assert not found["first"].answers_now
    assert error.message in found["first"].who
    assert str(found["first"].state.label) in found["first"].who
    return found["first"]


def test_the_first_that_works_answers_and_the_rest_wait_for_it() -> None:
    found = statuses(client_over(connection("first"), connection("second")))
    assert [each.state for each in found.values()] == [State.READY, State.READY]
    assert [each.answers_now for each in found.values()] == [True, False]
    assert [each.who for each in found.values()] == ["Answers now.", "Answers when first cannot."]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (KeyRejected("No."), State.KEY_REJECTED),
        (QuotaExhausted("No."), State.OUT_OF_CREDIT),
        (UpstreamModelMissing("No."), State.MODEL_MISSING),
        (TlsFailed("No."), State.TLS_FAILED),
        (AddressRefused("No."), State.REFUSED_ADDRESS),
        (RedirectRefused("No."), State.REDIRECTED),
        (RateLimited("No.", retry_after=7.0), State.COOLING_DOWN),
    ],
)
def test_one_failure_that_says_enough_is_a_state(error: UpstreamError, state: State) -> None:
    assert after(error).state is state


def test_a_cooldown_says_for_how_long() -> None:
    assert after(RateLimited("Wait.", retry_after=7.0)).until_seconds == 7.0
    assert after(KeyRejected("No.")).until_seconds is None


def test_a_breaker_opens_in_words() -> None:
    assert after(ServerFailed("Down.")).state is State.READY
    opened = after(ServerFailed("Down."), CONSECUTIVE_FAILURES)
    assert opened.state is State.CIRCUIT_OPEN
    assert opened.until_seconds == 10.0
    assert after(ConnectFailed("Nobody."), CONSECUTIVE_FAILURES).state is State.UNREACHABLE


def test_when_all_are_broken_the_one_that_opens_first_answers_all_the_same() -> None:
    client = client_over(connection("only"))
    for _ in range(CONSECUTIVE_FAILURES):
        client.health.fail("only", "r1", "gpt", ServerFailed("Down."), 100.0)
    status = statuses(client)["only"]
    assert status.state is State.CIRCUIT_OPEN
    assert status.answers_now
    assert "no other connection can" in status.who


def test_what_cannot_be_used_at_all_says_why() -> None:
    found = statuses(
        client_over(
            connection("unreadable", unusable="Lost.", key_unreadable=True),
            connection("keyless", unusable="No key."),
            connection("modelless", model=""),
        )
    )
    assert found["unreadable"].state is State.KEY_UNREADABLE
    assert found["keyless"].state is State.NOT_SET_UP
    assert "No key." in found["keyless"].who
    assert "name a model" in found["modelless"].who
    assert not any(each.answers_now for each in found.values())


def test_requests_leave_their_latency_and_their_error(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="breaks", failure="status-401"),
        site.upstream("anthropic_messages", name="works"),
    )
    ids = {row.name: str(row.pk) for row in Connection.objects.all()}
    before = current_statuses()
    assert {each.last_latency_ms for each in before.values()} == {None}
    default_client().generate(GenerationRequest((user_message("Hello"),)))
    after_it = current_statuses()
    breaks, works = after_it[ids["breaks"]], after_it[ids["works"]]
    assert breaks.state is State.KEY_REJECTED
    assert breaks.last_error
    assert breaks.last_error_age is not None
    assert breaks.last_latency_ms is None
    assert works.state is State.READY
    assert works.answers_now
    assert works.last_latency_ms is not None
    assert works.last_error == ""
    site.connect(site.upstream("openai_chat", name="breaks"))
    assert set(current_statuses()) == {ids["breaks"]}
    assert current_statuses()[ids["breaks"]].state is State.READY
