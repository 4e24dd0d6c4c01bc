"""A stored key is in no answer of the REST face, whatever is asked and however it ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings
from rest_framework.test import APIClient

from connectors.models import Connection
from connectors.services import set_option
from tests.connectors.api.conftest import KEY, OTHER_ORIGIN
from tests.connectors.api.test_access import METHODS, address, our_patterns, view_of

PROVIDERS_KEY = "sk-canary-of-the-provider-xyz"
TYPED = "sk-canary-that-was-typed-uvw"
ACCEPTED = ("application/json", "application/x-ndjson")
BODIES: tuple[object, ...] = (
    {},
    [],
    {"api_key": TYPED, "base_url": OTHER_ORIGIN, "timeout": -1},
    {"api_key": TYPED + "\n", "provider": "acme"},
    {"api_key": {"env": TYPED}},
    {"api_key": [TYPED]},
    {"provider": "acme", "api_key": TYPED, "name": "primary"},
    {"provider": "acme", "api_key": TYPED, "base_url": OTHER_ORIGIN},
    {"document": {"koneek_api_key_acme_x": TYPED, "koneek_api_key_who": TYPED, "other": TYPED}},
    {"document": {"connections": [{"provider": "acme", "api_key": TYPED, "priority": "x"}]}},
    {"document": TYPED},
)


def assert_clean(text: str, place: str) -> None:
    for secret in (KEY, PROVIDERS_KEY, TYPED):
        assert secret not in text, place
        assert secret[3:-4] not in text, place


def answers(client: APIClient, connection: Connection) -> Iterator[tuple[str, Any]]:
    for pattern in our_patterns():
        name = str(pattern.name)
        path = address(name, connection)
        yield f"GET {name}", client.get(path)
        for method in METHODS:
            if method == "GET" or not hasattr(view_of(pattern), method.lower()):
                continue
            if (name, method) == ("connection", "DELETE"):
                continue
            for body in BODIES:
                for accept in ACCEPTED if name in ("test", "test_unsaved") else ACCEPTED[:1]:
                    sender: Any = getattr(client, method.lower())
                    headers = {"Accept": accept, "If-Match": "*"}
                    answer = sender(path, body, format="json", headers=headers)
                    yield f"{method} {name} {body!r}", answer


@pytest.mark.parametrize("ring", ["right", "lost", "broken"])
def test_no_answer_and_no_log_holds_a_key(
    ring: str,
    alice: APIClient,
    primary: Connection,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_option("connectors_ai_acme_api_key", PROVIDERS_KEY)
    settings.DEBUG = True
    if ring != "right":
        settings.KONEEK_ENCRYPTION_KEYS = "x" if ring == "broken" else "y" * 40
    alice.raise_request_exception = False
    statuses = set()
    with caplog.at_level(logging.DEBUG):
        for place, answer in answers(alice, primary):
            text = answer.getvalue().decode()
            statuses.add(answer.status_code)
            assert_clean(text, place)
            assert_clean(str(answer.headers), place)
            assert answer.status_code < 500 or answer.status_code in (502, 503), (place, text)
    assert_clean(caplog.text, "the log")
    assert 400 in statuses
    cached: Any = cache
    assert_clean(repr(getattr(cached, "_cache", "")), "the cache")
