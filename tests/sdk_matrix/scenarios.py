"""What is tried with each client over each upstream; every scenario is a row of the document."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ai_client.client import default_client
from ai_client.simulator import RecordedRequest
from ai_client.simulator.azure import AzureSimulator
from tests.gateway.openai_callers import PDF, PNG
from tests.gateway.waiting import eventually
from tests.live_site import Site
from tests.sdk_matrix.clients.client import Ask, Client, Heard, Said
from tests.sdk_matrix.upstreams import Upstream

HELLO = "Hello there, my dear friend"
ECHO = f"Echo: {HELLO}"
SHAPE = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "wet": {"type": "boolean"}},
    "required": ["city", "wet"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Bench:
    """A client, the upstream that is to answer it, and another one for a chain of two."""

    client: Client
    upstream: Upstream
    other: Upstream
    site: Site
    azure: AzureSimulator

    def connect(self, failure: str = "", *, thinks: bool = False) -> None:
        """Make the upstream the whole chain, nothing remembered of it."""
        self.chain(self.connection(self.upstream, failure, thinks=thinks))

    def connection(
        self, upstream: Upstream, failure: str = "", *, thinks: bool = False
    ) -> dict[str, Any]:
        return upstream.connection(self.site, self.azure, failure=failure, thinks=thinks)

    def chain(self, *connections: dict[str, Any]) -> None:
        self.site.connect(*connections)
        self.site.simulator.clear()
        self.azure.clear()
        default_client().health.keep_only(set())

    def says(self, text: str, **more: Any) -> Ask:
        return Ask([self.client.user(text)], **more)

    def sent(self) -> list[RecordedRequest]:
        """What reached the upstreams."""
        return [*self.site.simulator.requests, *self.azure.requests]

    def ways(self) -> Sequence[Callable[[Ask], Said]]:
        """A complete answer and a streamed one."""
        return self.client.plain, self.whole

    def whole(self, ask: Ask, heard: list[Heard] | None = None) -> Said:
        """A streamed answer that is heard to its end; ``heard`` gets its pieces."""

        def hear(each: Heard) -> bool:
            if heard is not None:
                heard.append(each)
            return False

        said = self.client.streamed(ask, hear)
        assert said is not None
        return said


def text(bench: Bench) -> None:
    """A system prompt and turns of both sides; tokens are told."""
    bench.connect()
    ask = bench.says("One", system="Be brief.")
    said = bench.client.plain(ask)
    assert said.text == "Echo: One"
    said = bench.client.plain(
        replace(ask, turns=[*ask.turns, *said.native, bench.client.user(HELLO)])
    )
    assert (said.text, said.finished) == (ECHO, bench.client.stop)
    assert min(said.tokens) > 0
    sent = bench.sent()[-1].body.decode()
    assert "Be brief." in sent
    assert "Echo: One" in sent


def stream(bench: Bench) -> None:
    """In pieces, as the upstream sends them; whole in the end."""
    bench.connect()
    heard: list[Heard] = []
    said = bench.whole(bench.says(HELLO), heard)
    assert (said.text, said.finished) == (ECHO, bench.client.stop)
    assert min(said.tokens) > 0
    pieces = [each.text for each in heard if each.text]
    assert "".join(pieces) == ECHO
    assert len(pieces) > 3
    assert any(each.finished for each in heard)


def tools(bench: Bench) -> None:
    """Parallel calls in two rounds, their results, an answer and a turn after it."""
    bench.connect()
    user = bench.client.user
    for ask in bench.ways():
        turns: list[Any] = [user("Ask twice, in parallel")]
        for turn in (1, 2):
            said = ask(Ask(turns, tools=True))
            assert [(call.name, call.arguments) for call in said.calls] == [
                ("weather", {"city": "city", "days": 2}),
                ("clock", {"zone": "UTC"}),
            ]
            assert said.finished == bench.client.calling
            outputs = [f"{call.name} {turn}" for call in said.calls]
            turns += [*said.native, *bench.client.results(said, outputs)]
        said = ask(Ask(turns, tools=True))
        assert said.finished == bench.client.stop
        assert said.text.startswith("Tool result: ")
        assert "weather 2" in said.text
        assert "clock 2" in said.text
        turns += [*said.native, user("Thank you")]
        assert ask(Ask(turns, tools=True, may_call=False)).text == "Echo: Thank you"
        sent = bench.sent()[-1].body.decode()
        assert "clock 1" in sent
        assert "weather 1" in sent


def image(bench: Bench) -> None:
    """A picture beside the text."""
    bench.connect()
    for ask in bench.ways():
        said = ask(Ask([bench.client.user("Look", PNG)]))
        assert said.text == "Echo: Look [image image/png 68 bytes]"
    assert PNG in bench.sent()[-1].body.decode()


def json_schema(bench: Bench) -> None:
    """An answer in the shape of a schema."""
    bench.connect()
    answer = bench.client.plain(bench.says("Where does it rain?", schema=SHAPE))
    assert json.loads(answer.text) == {"city": "city", "wet": True}
    assert '"wet"' in bench.sent()[-1].body.decode()


def document(bench: Bench) -> None:
    """A PDF beside the text."""
    bench.connect()
    for ask in bench.ways():
        said = ask(Ask([bench.client.user("Read", document=PDF)]))
        assert said.text.startswith("Echo: Read [file ")
    assert PDF in bench.sent()[-1].body.decode()


def any_json(bench: Bench) -> None:
    """JSON of a shape that is left to the model."""
    bench.connect()
    answer = bench.client.plain(bench.says("Say it in JSON", json=True))
    assert json.loads(answer.text)


def two_answers(bench: Bench) -> None:
    """Two answers to one request."""
    bench.connect()
    assert bench.client.plain(bench.says(HELLO, count=2)).count == 2


def reasoning(bench: Bench) -> str | None:
    """Thoughts are told, and go back with what signs them over two rounds of a tool."""
    bench.connect(thinks=True)
    thinks = not bench.upstream.unasked
    user = bench.client.user
    for ask in bench.ways():
        bench.site.simulator.clear()
        bench.azure.clear()
        turns: list[Any] = [user("Think twice")]
        said = [ask(Ask(turns, tools=True, thinks=thinks))]
        for _ in range(2):
            turns += [*said[-1].native, *bench.client.results(said[-1], ["sunny"])]
            said.append(ask(Ask(turns, tools=True, thinks=thinks)))
        assert "sunny" in said[-1].text
        turns += [*said[-1].native, user("And now? Think")]
        last = ask(Ask(turns, thinks=thinks))
        assert last.text == "Echo: And now? Think"
        if not bench.client.shows_thoughts:
            assert not any(each.thoughts for each in said)
            continue
        assert [each.thoughts for each in said] == ["Thinking about: Think twice"] * 3
        sent = bench.sent()
        assert len(sent) == 4
        marks = [each.body.decode().count(bench.upstream.marks) for each in sent]
        assert marks == [0, 1, 2, 3]
    return None if bench.client.shows_thoughts else "partly: the client keeps no thoughts."


def wrong_key(bench: Bench) -> None:
    """401."""
    bench.connect()
    stranger = replace(bench.site, key="kn_wrong")
    with type(bench.client)(stranger, bench.client.mode) as client:
        _raises(client, bench.says(HELLO), "key", 401)
    assert bench.sent() == []


def unknown_model(bench: Bench) -> None:
    """404, of the site and of the upstream."""
    bench.connect()
    _raises(bench.client, bench.says(HELLO, model="no-such-model"), "model", 404)
    assert bench.sent() == []
    bench.connect("status-404")
    _raises(bench.client, bench.says(HELLO), "model", 404)


def invalid_request(bench: Bench) -> None:
    """400 for a limit of minus one token."""
    bench.connect()
    _raises(bench.client, bench.says(HELLO, limit=-1), "request", 400)


def rate_limited(bench: Bench) -> None:
    """429."""
    _fails(bench, "rate-limit-7", "rate", 429)


def overloaded(bench: Bench) -> None:
    """503, the upstream's 503 or 529."""
    _fails(bench, "overloaded-5", "overloaded", 503)


def failed(bench: Bench) -> None:
    """502 for the upstream's 500, and for its 401: the site's own key is not the caller's."""
    _fails(bench, "status-500", "failed", 502)
    _fails(bench, "status-401", "failed", 502)


def fallback(bench: Bench) -> None:
    """From it to another upstream, and to it from another."""
    for first, second in ((bench.upstream, bench.other), (bench.other, bench.upstream)):
        for ask in bench.ways():
            bench.chain(bench.connection(first, "status-500"), bench.connection(second))
            assert ask(bench.says(HELLO)).text == ECHO
            row = eventually(bench.site.rows)[-1]
            assert [each["connection"] for each in row.attempts] == [first.label, second.label]
            assert (row.connection, row.outcome) == (second.label, "success")


def broken_stream(bench: Bench) -> None:
    """After its first words: an error is raised, and nothing says that the answer is over."""
    for failure in ("sse-error-later", "truncated-2", "reset-midstream"):
        bench.connect(failure)
        heard: list[Heard] = []
        with pytest.raises(Exception) as caught:  # noqa: PT011
            bench.whole(bench.says(HELLO), heard)
        assert isinstance(caught.value, bench.client.errors["broken"]), repr(caught.value)
        assert "onnection" not in type(caught.value).__name__, "It is told in words, not cut."
        said = "".join(each.text for each in heard)
        assert said
        assert ECHO.startswith(said)
        assert said != ECHO
        assert not any(each.finished for each in heard)
        assert eventually(bench.site.rows)[-1].outcome == "error"


def cancel(bench: Bench) -> None:
    """A stream that the program leaves is left at the upstream too."""
    bench.connect("hang-midstream")
    before = len(bench.site.rows())
    heard: list[str] = []

    def hear(each: Heard) -> bool:
        heard.append(each.text)
        return bool(each.text)

    assert bench.client.streamed(bench.says(HELLO), hear) is None
    assert ECHO.startswith(heard[-1])
    bench.client.let_go()
    simulator = bench.site.simulator
    bench.client.meanwhile(lambda: simulator.wait_for(lambda request: request.left_early))
    rows = eventually(lambda: bench.site.rows()[before:])
    assert [row.outcome for row in rows] == ["client_closed"]


Scenario = Callable[[Bench], str | None]

NEEDS: dict[Scenario, str] = {any_json: "json", two_answers: "count"}
"""The scenarios for which some clients have no words."""

SCENARIOS: dict[str, Scenario] = {
    "Text": text,
    "Stream": stream,
    "Tools": tools,
    "Image": image,
    "PDF": document,
    "JSON schema": json_schema,
    "JSON": any_json,
    "Two answers": two_answers,
    "Reasoning": reasoning,
    "Wrong key": wrong_key,
    "Unknown model": unknown_model,
    "Invalid request": invalid_request,
    "Rate limited": rate_limited,
    "Overloaded": overloaded,
    "Failed": failed,
    "Fallback": fallback,
    "Broken stream": broken_stream,
    "Cancelled stream": cancel,
}
"""In the order of the document.

Each raises where the client does not get what it is owed, and returns what it gets where that is
the client's own limit.
"""


def _fails(bench: Bench, failure: str, kind: str, status: int) -> None:
    bench.connect(failure)
    _raises(bench.client, bench.says(HELLO), kind, status)


def _raises(client: Client, ask: Ask, kind: str, status: int) -> None:
    """Plain and streamed, the class that the SDK has for it; the upstream's address stays ours."""

    ways: Sequence[Callable[[Ask], object]] = (
        client.plain,
        lambda each: client.streamed(each, lambda _: False),
    )
    for way in ways:
        default_client().health.keep_only(set())
        with pytest.raises(Exception) as caught:  # noqa: PT011
            way(ask)
        assert isinstance(caught.value, client.errors[kind]), repr(caught.value)
        assert client.status(caught.value) == status, repr(caught.value)
        assert "127.0.0.1" not in str(caught.value)
