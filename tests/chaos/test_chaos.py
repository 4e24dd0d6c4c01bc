"""Broken upstreams, a few thousand of them; ``make chaos`` carries out many more.

A failure names its seed and number: ``python -m tests.chaos --seed S --only N`` repeats it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator

import pytest

from ai_client.gateway.endpoints import ENDPOINTS, Kind
from ai_client.wire import ClientFace, asking_face, wire_formats
from tests.chaos.__main__ import main
from tests.chaos.many import carried_out
from tests.chaos.reading import READERS, Broken, events
from tests.chaos.run import PATHS
from tests.chaos.upstreams import DIALECTS


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_dialect_of_callers_and_upstreams_takes_part() -> None:
    served = {each.dialect for each in ENDPOINTS if each.kind is Kind.CHAT}
    assert set(PATHS) == set(READERS) == served
    talking = {name for name in wire_formats() if isinstance(asking_face(name), ClientFace)}
    assert set(DIALECTS) == talking


@pytest.mark.parametrize("seed", [20261122, secrets.randbits(32)], ids=["known", "new"])
async def test_no_stream_ends_as_a_success_that_was_none_or_changes_its_upstream(
    seed: int,
) -> None:
    print(f"seed {seed}")
    counts, failures = await carried_out(seed, range(2000))
    assert not failures, f"seed {seed}: {failures[0]}"
    for met in ("answered", "broken off", "refused", "fallbacks 0", "fallbacks 1", "fallbacks 2"):
        assert counts[met] > 20, counts


def test_the_command_prints_its_seed_and_what_it_has_met(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--streams", "20", "--seed", "7", "--processes", "1"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("seed 7\n")
    assert said.endswith("20 streams, 0 wrong\n")


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai_chat", b'data: {"error": {}}\n\ndata: [DONE]\n\n'),
        ("openai_responses", b'data: {"type": "error"}\n\ndata: {"type": "response.created"}\n\n'),
        (
            "anthropic_messages",
            b'event: error\ndata: {"type": "error"}\n\n'
            b'event: message_stop\ndata: {"type": "message_stop"}\n\n',
        ),
        (
            "google_generate",
            b'data: {"error": {}}\n\ndata: {"candidates": [{"finishReason": "STOP"}]}\n\n',
        ),
    ],
)
def test_whoever_judges_lets_nothing_follow_an_error(dialect: str, body: bytes) -> None:
    reader = READERS[dialect]()
    error, end = events(body)
    reader.feed(*error)
    with pytest.raises(Broken, match="After its end"):
        reader.feed(*end)
