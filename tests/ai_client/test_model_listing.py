"""A list of models over several pages, as a flow of steps without a network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ai_client.ask import Limits
from ai_client.errors import AiClientError, KeyRejected
from ai_client.exchange import Chunk, Drop, End, Open, Opened, Read, Reply
from ai_client.model_listing import MAXIMUM_PAGES, list_models
from ai_client.providers.anthropic import PROVIDER as ANTHROPIC
from ai_client.reading import Patience
from ai_client.snapshot import ConnectionConfig
from ai_client.wire import ModelPage

KEY = "sk-canary-0123456789abcdefghij"
CONNECTION = ConnectionConfig("1", "one", ANTHROPIC, "m", "https://api.example", api_key=KEY)


def listed(answer: Callable[[str], tuple[int, str]]) -> tuple[list[str], list[str]]:
    """The models, and the addresses asked for them; ``answer`` is the upstream."""
    flow = list_models(
        CONNECTION, Patience(Limits(), lambda: 0.0), 5.0, lambda text, key: text.replace(key, "*")
    )
    models: list[str] = []
    asked: list[str] = []
    reply: Reply = None
    body: list[bytes] = []
    while True:
        try:
            step = flow.send(reply)
        except StopIteration:
            return models, asked
        reply = None
        match step:
            case Open():
                assert step.headers["x-api-key"] == KEY
                asked.append(step.url)
                status, text = answer(step.url)
                body = [text.encode()]
                reply = Opened(status, {"content-type": "application/json"})
            case Read():
                reply = Chunk(body.pop()) if body else End()
            case ModelPage():
                models += [each.id for each in step.models]
            case Drop():
                pass


def page(name: str, *, more: bool) -> str:
    flag = "true" if more else "false"
    return f'{{"data": [{{"id": "{name}"}}], "has_more": {flag}, "last_id": "{name}"}}'


def test_pages_follow_each_other_to_the_last() -> None:
    def answer(url: str) -> tuple[int, str]:
        return 200, page("b", more=False) if "after_id=a" in url else page("a", more=True)

    models, asked = listed(answer)
    assert models == ["a", "b"]
    assert asked == [
        "https://api.example/v1/models?limit=1000",
        "https://api.example/v1/models?limit=1000&after_id=a",
    ]


def test_an_upstream_that_goes_round_in_circles_is_left() -> None:
    models, asked = listed(lambda url: (200, page("a", more=True)))
    assert (models, len(asked)) == (["a", "a"], 2)
    turns = iter(range(1000))
    models, asked = listed(lambda url: (200, page(f"m{next(turns)}", more=True)))
    assert len(asked) == MAXIMUM_PAGES


def test_a_refusal_is_the_class_that_it_is_and_hides_the_key() -> None:
    text = f'{{"type": "error", "error": {{"type": "x", "message": "bad {KEY}"}}}}'
    with pytest.raises(KeyRejected) as caught:
        listed(lambda url: (401, text))
    assert KEY not in str(caught.value)
    with pytest.raises(AiClientError, match="redirect"):
        listed(lambda url: (302, ""))
