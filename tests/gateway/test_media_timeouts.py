"""Row 19 of the failure table: pictures and speech that time out are asked for once only.

An upstream that is too slow may still finish, and charge for, what it was asked for.
"""

from __future__ import annotations

from typing import Any

import openai
import pytest

from ai_client import prompt
from ai_client.errors import FirstEventTimedOut, HeadersTimedOut
from ai_client.health import Standing
from tests.gateway.asking import standing
from tests.gateway.results_site import EMBEDDING, IMAGE, SPEECH, openai_like
from tests.live_site import Site

TIMEOUT = 0.3
ALLOWED = {"fields": {"media_fallback_after_timeout": True}}
SILENCES = pytest.mark.parametrize("silence", ["hang", "hang-after-headers"])


def draw(sdk: openai.OpenAI) -> Any:
    return sdk.images.with_raw_response.generate(model="auto", prompt="x")


def say(sdk: openai.OpenAI) -> Any:
    return sdk.audio.speech.with_raw_response.create(model="auto", input="x", voice="alloy")


def embed(sdk: openai.OpenAI) -> Any:
    return sdk.embeddings.with_raw_response.create(model="auto", input="x")


def connect(site: Site, model: str, silence: str, **more: Any) -> None:
    site.connect(
        openai_like(site, model, name="silent", failure=silence, timeout=TIMEOUT, **more),
        openai_like(site, model, name="quick"),
    )


MEDIA = pytest.mark.parametrize(
    ("ask", "model"), [(draw, IMAGE), (say, SPEECH)], ids=["images", "speech"]
)


@SILENCES
@MEDIA
def test_nobody_else_is_asked_nor_the_same_again(
    site: Site, ask: Any, model: str, silence: str
) -> None:
    connect(site, model, silence)
    with pytest.raises(openai.InternalServerError) as caught:
        ask(site.sdk(max_retries=2))
    assert (caught.value.status_code, caught.value.code) == (504, "upstream_timeout")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(site.simulator.requests) == 1
    row = site.row()
    assert [each["connection"] for each in row.attempts] == ["silent"]
    assert standing("silent") is Standing.READY


@SILENCES
@MEDIA
def test_unless_the_connection_says_so(site: Site, ask: Any, model: str, silence: str) -> None:
    connect(site, model, silence, **ALLOWED)
    assert ask(site.sdk()).headers["x-koneek-connection"] == "quick"


@MEDIA
def test_what_was_not_sent_or_was_refused_falls_back(site: Site, ask: Any, model: str) -> None:
    connect(site, model, "status-504")
    assert ask(site.sdk()).headers["x-koneek-connection"] == "quick"


@SILENCES
def test_vectors_fall_back(site: Site, silence: str) -> None:
    connect(site, EMBEDDING, silence)
    assert embed(site.sdk()).headers["x-koneek-connection"] == "quick"


@SILENCES
def test_the_sites_own_programs_are_kept_from_paying_twice_too(site: Site, silence: str) -> None:
    connect(site, IMAGE, silence)
    with pytest.raises((HeadersTimedOut, FirstEventTimedOut)):
        prompt("x").generate_image()
    assert len(site.simulator.requests) == 1
    connect(site, IMAGE, silence, **ALLOWED)
    assert prompt("x").generate_image().is_image
