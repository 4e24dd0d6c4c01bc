"""Attacks on the gateway by callers, by upstreams and by whoever else can write something here.

What keeps keys in their place is in ``test_canary.py``.
"""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from ai_client.failures import clean_message, error_for_status
from ai_client.health import Standing
from ai_client.log.redaction import Redactor
from ai_client.log.spool import REJECTED, Spool
from connectors.conf import is_timeout
from connectors.errors import DeclarationError
from connectors.services import create_connection, declarations
from tests.gateway.asking import standing
from tests.live_site import DIALECTS, Site

HELLO: Any = [{"role": "user", "content": "Hello there"}]
DIALECT = pytest.mark.parametrize("dialect", list(DIALECTS))

# Each made an expression try every way of reading it: minutes for a message of this size.
SLOW_TEXTS = {
    "one run": "a",
    "a key's beginning": "sk.",
    "another beginning": "eyJ.",
    "joined words": "a-",
    "dotted words": "a.",
    "dotted numbers": "1.",
    "a type of data": "data:a/",
    "an endless type": "+",
    "underscores": "_",
    "comments": "<!--",
    "scripts": "<script>",
    "ends of scripts": "</script ",
    "brackets": "[",
    "colons": ":",
    "names of secrets": "api-key",
    "quotes": 'token="',
}


def post(site: Site, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, str) else json.dumps(body)
    return httpx.post(
        f"{site.base_url}/v1/chat/completions",
        content=content,
        headers={"x-api-key": site.key, "content-type": "application/json", **headers},
        trust_env=False,
    )


@contextmanager
def at_most_cpu_seconds(seconds: float) -> Iterator[None]:
    """Ends what would go on for ever; nothing is measured."""

    def give_up(*_: object) -> None:
        raise AssertionError("It takes time out of all proportion.")

    former = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)


@pytest.mark.parametrize("beginning", ["", "<html>", "data:"])
@pytest.mark.parametrize("text", SLOW_TEXTS.values(), ids=SLOW_TEXTS.keys())
def test_no_message_of_an_upstream_keeps_the_site_busy(text: str, beginning: str) -> None:
    message = beginning + text * (200_000 // len(text))
    with at_most_cpu_seconds(1.5):
        clean_message(message)
        error_for_status(400, {}, message)
        Redactor(("a-known-secret-of-somebody",)).redact(message)


@DIALECT
def test_an_upstreams_quote_of_a_long_prompt_is_answered(site: Site, dialect: str) -> None:
    site.connect(site.upstream(dialect, name="up"))
    with at_most_cpu_seconds(5):
        assert post(site, {"model": f"up/{'a-' * 190}", "messages": HELLO}).status_code == 200


@DIALECT
@pytest.mark.parametrize("depth", [300, 1000])
def test_a_deeply_nested_request_is_the_callers_mistake(
    site: Site, dialect: str, depth: int
) -> None:
    site.connect(site.upstream(dialect, name="up"))
    nested = '{"type":"object","a":' * depth + "1" + "}" * depth
    tool = '{"type":"function","function":{"name":"f","parameters":' + nested + "}}"
    called = {"id": "1", "type": "function", "function": {"name": "f", "arguments": nested}}
    turns = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
    ]
    for body in (
        '{"model":"up","messages":[{"role":"user","content":"x"}],"tool_choice":"none","tools":['
        + tool
        + "]}",
        json.dumps({"model": "up", "messages": turns}),
    ):
        assert post(site, body).status_code in (200, 400)
    assert standing("up") is Standing.READY


@DIALECT
def test_a_name_longer_than_any_model_is_refused_and_not_kept(site: Site, dialect: str) -> None:
    site.connect(site.upstream(dialect, name="up"))
    for model in ("a" * 5_000_000, f"up/{'a' * 5_000_000}"):
        response = post(site, {"model": model, "messages": HELLO})
        assert (response.status_code, response.json()["error"]["param"]) == (400, "model")
        assert len(response.content) < 1000
    assert site.simulator.requests == []
    assert all(len(row.requested_model) < 1000 for row in site.rows())


@pytest.mark.parametrize(
    "name",
    ["../../admin", "..", "%2e%2e/x", "x?key=1", "x#y", "a\r\nx-evil: 1", "models/../x", "é/\0 b"],
)
def test_no_name_of_a_model_leaves_its_place_in_the_address(site: Site, name: str) -> None:
    site.connect(site.upstream("google_generate", name="up"))
    post(site, {"model": f"up/{name}", "messages": HELLO})
    (request,) = site.simulator.requests
    assert re.fullmatch(r"/v1beta/models/[^/?#\s]+:generateContent", request.target)
    assert "x-evil" not in request.headers


INJECTED: Any = {
    "anthropic_messages": (
        {"type": "document", "source": {"type": "file", "file_id": "somebody-elses"}},
        {"type": "tool_result", "tool_use_id": "1", "content": "somebody-elses"},
        {"type": "image", "source": {"type": "url", "url": "http://somebody-elses/"}},
        {"type": ["somebody-elses"]},
        {"no": "somebody-elses"},
    ),
    "google_generate": (
        {"part": {"fileData": {"fileUri": "somebody-elses"}}},
        {"part": {"functionResponse": {"name": "somebody-elses", "response": {}}}},
        {"part": {"text": "somebody-elses"}},
        {"part": ["somebody-elses"]},
    ),
}


@pytest.mark.parametrize(
    ("dialect", "data"), [(dialect, each) for dialect in INJECTED for each in INJECTED[dialect]]
)
def test_carried_data_says_nothing_that_a_caller_can_say_itself(
    site: Site, dialect: str, data: Any
) -> None:
    site.connect(site.upstream(dialect, name="up"))
    detail = {
        "type": "reasoning.text",
        "format": "koneek-v1",
        "data": json.dumps({dialect: data}),
    }
    turn = {"role": "assistant", "content": "Yes", "reasoning_details": [detail]}
    response = post(site, {"model": "up", "messages": [*HELLO, turn, *HELLO]})
    assert response.status_code == 200
    (request,) = site.simulator.requests
    assert "somebody-elses" not in json.dumps(request.json)


def test_only_the_key_itself_opens_the_gateway(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="up"))
    key = site.key
    for headers in (
        {},
        {"x-api-key": ""},
        {"authorization": "Bearer"},
        {"authorization": key},
        {"authorization": f"Basic {key}"},
        {"authorization": f"Bearer {key} x"},
        {"x-api-key": key[:11]},
        {"x-api-key": key[:11] + "A" * (len(key) - 11)},
        {"x-api-key": key.swapcase()},
        {"x-api-key": f"{key},{key}"},
        {"x-api-key": key, "authorization": "Bearer kn_another"},
        {"x-goog-api-key": "kn_another", "x-api-key": key},
    ):
        response = httpx.get(f"{site.base_url}/v1/models", headers=headers, trust_env=False)
        assert response.status_code == 401, headers
    accepted = {"authorization": f"bearer   {key}"}
    assert httpx.get(f"{site.base_url}/v1/models", headers=accepted).status_code == 200


@pytest.mark.parametrize("length", ["content-length: 30000000", "transfer-encoding: chunked"])
def test_a_large_body_is_not_waited_for_without_a_key(
    site: Site, settings: Any, length: str
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "BODY_TIMEOUT": 20.0}
    host, _, port = site.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as caller:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\n{length}\r\n\r\n"
        caller.sendall(head.encode())
        assert caller.recv(65536).startswith(b"HTTP/1.1 401")
    assert site.row().outcome == "refused"


def test_nothing_of_a_callers_headers_reaches_the_upstream(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="up"))
    sent = {
        "x-forwarded-for": "192.0.2.1",
        "openai-organization": "evil",
        "cookie": "a=b",
        "x-request-id": "evil",
        "user-agent": "evil",
    }
    response = post(site, {"model": "up", "messages": HELLO}, **sent)
    assert response.headers["x-request-id"] != "evil"
    (request,) = site.simulator.requests
    assert "evil" not in str(dict(request.headers))
    assert {"cookie", "x-forwarded-for", "x-api-key"}.isdisjoint(request.headers)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
def test_proxies_of_the_environment_are_not_used(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    site.connect(site.upstream("openai_chat", name="up"))
    assert post(site, {"model": "up", "messages": HELLO}).status_code == 200


def test_what_is_put_aside_does_not_follow_a_link_planted_in_the_spool(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    spool = Spool(tmp_path / "spool")
    spool.append(b"{}")
    (tmp_path / "spool" / REJECTED).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        spool.reject([b"planted"])
    spool.close()
    assert victim.read_text() == "untouched"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' + "9" * 5000 + "}", '{"a":' * 50_000])
def test_a_hostile_file_of_connections_is_refused_in_words(text: str) -> None:
    with pytest.raises(DeclarationError):
        declarations.read(text)


def test_a_timeout_beyond_all_numbers_is_refused() -> None:
    assert not is_timeout(10**400)
    assert not is_timeout(float("nan"))
    assert not is_timeout(float("inf"))


def test_the_databases_password_is_in_no_setting_that_an_error_page_shows(site: Site) -> None:
    from koneek_site import settings

    assert not hasattr(settings, "DATABASE_URL")


@pytest.mark.parametrize(
    ("app", "model", "field"),
    [
        ("connectors", "connection", "api_key_encrypted"),
        ("connectors", "option", "value"),
        ("ai_client", "gatewaykey", "digest"),
    ],
)
def test_lists_of_the_admin_cannot_be_asked_about_hidden_columns(
    db: None, settings: Any, app: str, model: str, field: str
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename=f"view_{model}"))
    create_connection(provider="openai", api_key="sk-canary-0123456789")
    client = Client()
    client.force_login(user)
    address = f"/admin/{app}/{model}/"
    assert client.get(address).status_code == 200
    asked = client.get(address, {f"{field}__startswith": "k"})
    assert asked.status_code == 400
