"""Prompts that upstreams repeat in their errors: told to whoever asked, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client import prompt
from ai_client.client import default_client
from ai_client.errors import AiClientError
from ai_client.live_status import live_statuses
from ai_client.models import RequestLog
from connectors.models import Connection
from tests.live_site import UPSTREAM_KEY, Site
from tests.quoting_upstream import STATUSES, WAYS, quoting_upstream

SECRET = 'Frau Müller has\nsyphilis, "she" says; 梅毒の検査は陽性でした'
TELLING = ("Frau", "yphilis", "says", "梅毒", "陽性", "\\u6885", "u967d")
PROVIDERS = {"openai": "/v1", "anthropic": ""}


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with quoting_upstream() as origin:
        yield origin


def connect(site: Site, upstream: str, provider: str, status: int, way: str) -> None:
    base_url = f"{upstream}/{status}/{way}{PROVIDERS[provider]}"
    site.connect(
        {
            "name": "quotes",
            "provider": provider,
            "base_url": base_url,
            "api_key": UPSTREAM_KEY,
            "model": "some-model",
        }
    )


def ask_by_gateway(site: Site, *, stream: bool = False) -> str:
    """What the caller is told."""
    body: Any = {"model": "auto", "messages": [{"role": "user", "content": SECRET}]}
    answer = httpx.post(
        f"{site.base_url}/v1/chat/completions", json={**body, "stream": stream}, trust_env=False
    )
    assert answer.status_code >= 400
    return str(answer.json()["error"]["message"])


def ask_by_python(site: Site, *, stream: bool = False) -> str:
    with pytest.raises(AiClientError) as caught:
        list(prompt(SECRET).stream_text()) if stream else prompt(SECRET).generate_text()
    return caught.value.message


CASES = [
    *((status, way) for status in (400, 500) for way in WAYS),
    *((status, "text") for status in STATUSES if status not in (400, 500)),
]
DOORS = {"gateway": ask_by_gateway, "python": ask_by_python}


def kept(row: RequestLog) -> str:
    """All that is shown of the request and of its connection."""
    client = default_client()
    connection = Connection.objects.get(name="quotes")
    values = {
        field.name: str(getattr(row, field.name)) for field in RequestLog._meta.concrete_fields
    }
    return json.dumps(
        [
            values,
            repr(client.results.of(str(connection.pk))),
            [repr(each) for each in live_statuses().values()],
        ],
        ensure_ascii=False,
    )


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("status", "way"), CASES)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_kept_of_a_failure_holds_nothing_of_the_prompt(
    shared_site: Site, upstream: str, provider: str, status: int, way: str, door: str
) -> None:
    connect(shared_site, upstream, provider, status, way)
    for stream in (False, True):
        said = DOORS[door](shared_site, stream=stream)
        assert "yphilis" in said, "whoever asked is not told what the upstream said"
        row = shared_site.rows()[-1]
        assert row.outcome == "error"
        assert row.attempts[0]["message"]
        shown = kept(row)
        assert [each for each in TELLING if each in shown] == []
        # What the next one is told, whom nobody answers because of this failure.
        default_client().health.keep_only(set())


@pytest.mark.parametrize("door", DOORS)
def test_nobody_else_is_told_what_was_asked(shared_site: Site, upstream: str, door: str) -> None:
    connect(shared_site, upstream, "openai", 429, "text")
    DOORS[door](shared_site)
    with pytest.raises(AiClientError) as caught:
        prompt("Something else").generate_text()
    assert len(shared_site.rows()[-1].attempts) == 0, "the upstream was asked again"
    assert [each for each in TELLING if each in caught.value.message] == []


def test_the_rest_of_what_an_upstream_says_is_kept(shared_site: Site, upstream: str) -> None:
    connect(shared_site, upstream, "openai", 500, "text")
    ask_by_gateway(shared_site)
    (attempt,) = shared_site.row().attempts
    assert attempt["message"] == "Sorry, this is no good: [prompt]"
