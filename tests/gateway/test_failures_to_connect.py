"""Upstreams that cannot be reached, or let go before they answer: rows 1 to 3, 5 and 21."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from ai_client.client import default_client
from ai_client.messages import GenerationRequest, user_message
from tests.gateway.asking import ECHO, ask, asked, assert_safe, health_left
from tests.gateway.broken_upstreams import no_tls, resets_while_written_to, self_signed
from tests.gateway.failure_table import (
    CONNECT_TIMED_OUT,
    MODES,
    RESET,
    STREAM,
    TLS,
    UNREACHABLE,
    UNRESOLVED,
    Ending,
)
from tests.live_site import Site
from tests.upstreams import refused_port, unaccepting_port


@contextmanager
def nobody() -> Iterator[str]:
    """A host that resolvers refuse to look up, so that no query leaves: it begins with a hyphen."""
    yield "http://-nobody.invalid"


def at(
    port: Callable[[], AbstractContextManager[int]], scheme: str = "http"
) -> Callable[[], AbstractContextManager[str]]:
    """The address of a port that is open for as long as the block lasts."""

    @contextmanager
    def address() -> Iterator[str]:
        with port() as number:
            yield f"{scheme}://127.0.0.1:{number}"

    return address


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A place where no answer comes from; ``size`` is that of the prompt, in characters."""

    number: int
    name: str
    address: Callable[[], AbstractContextManager[str]]
    ending: Ending
    size: int = 10


PLACES = (
    Unreachable(1, "unresolved", nobody, UNRESOLVED),
    Unreachable(2, "refused", at(refused_port), UNREACHABLE),
    Unreachable(2, "unaccepting", at(unaccepting_port), CONNECT_TIMED_OUT),
    Unreachable(3, "self-signed", at(self_signed, "https"), TLS),
    Unreachable(3, "no-tls", at(no_tls, "https"), TLS),
    Unreachable(5, "reset-while-written-to", at(resets_while_written_to), RESET, 8 * 1024 * 1024),
)
PLACE = pytest.mark.parametrize("place", PLACES, ids=lambda each: f"{each.number}-{each.name}")
MODE = pytest.mark.parametrize("mode", MODES)


@pytest.fixture
def impatient(shared_site: Site, settings: Any) -> None:
    """Half a second to connect."""
    settings.AI_CLIENT = {**settings.AI_CLIENT, "CONNECT_TIMEOUT": 0.5}


def unreachable(site: Site, address: str) -> dict[str, Any]:
    return site.upstream("openai_chat", name="first") | {"base_url": f"{address}/v1"}


def prompt(place: Unreachable) -> Any:
    return [{"role": "user", "content": "x" * place.size}]


@MODE
@PLACE
@pytest.mark.usefixtures("impatient")
def test_the_next_connection_is_asked(
    shared_site: Site, sdk: openai.OpenAI, place: Unreachable, mode: str
) -> None:
    with place.address() as address:
        shared_site.connect(
            unreachable(shared_site, address), shared_site.upstream("anthropic_messages")
        )
        answer = ask(sdk, mode, messages=prompt(place))
    assert answer.text == f"Echo: {'x' * place.size}"
    assert answer.attempts == "2"
    assert [each["class"] for each in shared_site.row().attempts] == [place.ending.code, "ok"]
    assert health_left("first") == place.ending.health


@MODE
@PLACE
@pytest.mark.usefixtures("impatient")
def test_what_the_caller_gets_when_nothing_else_is_left(
    shared_site: Site, sdk: openai.OpenAI, place: Unreachable, mode: str
) -> None:
    ending = place.ending
    with place.address() as address:
        shared_site.connect(unreachable(shared_site, address))
        with pytest.raises(openai.APIStatusError) as caught:
            ask(sdk, mode, messages=prompt(place))
    error, headers = caught.value, caught.value.response.headers
    assert (error.status_code, error.code) == (ending.status, ending.code)
    assert headers.get("x-should-retry") == (None if ending.cured else "false")
    assert "retry-after" not in headers
    assert_safe(error.response.text)
    assert "nobody" not in error.response.text
    row = shared_site.row()
    assert (row.outcome, row.error_code, row.status) == ("error", ending.code, ending.status)


@MODE
@PLACE
@pytest.mark.usefixtures("impatient")
def test_the_blocking_engine_raises_the_same(
    shared_site: Site, place: Unreachable, mode: str
) -> None:
    client, request = default_client(), GenerationRequest((user_message("x" * place.size),))
    with place.address() as address:
        shared_site.connect(unreachable(shared_site, address))
        with pytest.raises(place.ending.error):
            _ = list(client.stream(request)) if mode == STREAM else client.generate(request)
    assert health_left("first") == place.ending.health


@MODE
def test_a_socket_reset_on_reuse_is_replaced_by_the_same_connection(
    shared_site: Site, sdk: openai.OpenAI, mode: str
) -> None:
    shared_site.connect(
        shared_site.upstream("openai_chat", name="first", failure="reset-on-reuse"),
        shared_site.upstream("anthropic_messages", name="second"),
    )
    sockets_before = shared_site.simulator.sockets_accepted
    for _ in range(3):
        answer = ask(sdk, mode)
        assert (answer.text, answer.connection, answer.attempts) == (ECHO, "first", "1")
    assert "" not in asked(shared_site), "the second connection was asked"
    numbers = [each.socket_request for each in shared_site.simulator.requests]
    assert any(number > 1 for number in numbers), "no socket was used twice"
    assert shared_site.simulator.sockets_accepted > sockets_before
    for row in shared_site.rows():
        assert [each["class"] for each in row.attempts] == ["ok"]
    assert health_left("first") == "untouched"
