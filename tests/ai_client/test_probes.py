"""Connections tried step by step over real sockets, in every dialect, and every way it fails."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ai_client.client import default_client
from ai_client.health import Standing
from ai_client.simulator.server import MODELS, Simulator, running_simulator
from connectors.models import Connection
from connectors.probing import ConnectorProbe, ProbeFailed, Step, Target
from connectors.registry import registry
from tests.gateway.broken_upstreams import no_tls, self_signed
from tests.gateway.told_upstream import told_upstream
from tests.live_site import UPSTREAM_KEY, Site, refused_address
from tests.upstreams import unaccepting_port

VENDORS = ("openai", "anthropic", "google")
ORDER = ["dns", "connect", "tls", "auth", "model", "first_token"]


@pytest.fixture(scope="module")
def strict() -> Iterator[Simulator]:
    """Stand-in upstreams that accept one key only."""
    with running_simulator(require_key=UPSTREAM_KEY) as running:
        yield running


@pytest.fixture(autouse=True)
def local(settings: Any) -> None:
    hosts = ["127.0.0.1", "localhost"]
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ALLOW_PRIVATE_HOSTS": hosts}


def probe_of(vendor: str) -> ConnectorProbe:
    connector = registry.get(vendor)
    assert connector is not None
    assert connector.probe is not None
    return connector.probe


def target(
    vendor: str,
    base_url: str,
    *,
    key: str = UPSTREAM_KEY,
    model: str = "some-model",
    timeout: float = 5.0,
) -> Target:
    return Target(vendor, base_url, key, model, timeout)


def tried(at: Target) -> list[Step]:
    steps = list(probe_of(at.provider).steps(at))
    assert [step.name for step in steps] == ORDER
    for step in steps:
        assert UPSTREAM_KEY not in repr(step)
        assert (step.advice != "") is (step.state == "failed")
    return steps


def states(steps: list[Step]) -> str:
    """One letter per step: o(k), f(ailed), s(kipped)."""
    return "".join(step.state[0] for step in steps)


def failed(steps: list[Step]) -> Step:
    (step,) = [step for step in steps if step.state == "failed"]
    return step


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_connection_that_works_passes_every_step_with_its_time(
    vendor: str, strict: Simulator
) -> None:
    url = strict.base_url(vendor).replace("127.0.0.1", "localhost")
    steps = tried(target(vendor, url))
    assert states(steps) == "oosooo"
    assert all(step.ms is not None and step.ms >= 0 for step in steps if step.state == "ok")
    assert "localhost" in steps[0].message
    assert "some-model" in steps[4].message


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_request_goes_out_on_the_socket_that_was_tested(vendor: str, strict: Simulator) -> None:
    before = strict.sockets_accepted
    strict.clear()
    tried(target(vendor, strict.base_url(vendor)))
    assert strict.sockets_accepted == before + 1
    (request,) = strict.requests
    assert request.method == "POST"


def test_the_name_is_looked_up_once(strict: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[object] = []
    look_up = socket.getaddrinfo

    def counted(host: Any, *args: Any, **named: Any) -> Any:
        names.append(host)
        return look_up(host, *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", counted)
    url = strict.base_url("openai").replace("127.0.0.1", "localhost")
    assert states(tried(target("openai", url))) == "oosooo"
    assert names.count("localhost") == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_wrong_key_fails_at_authentication(vendor: str, strict: Simulator) -> None:
    steps = tried(target(vendor, strict.base_url(vendor), key="wrong-key"))
    assert states(steps) == "sosfss"
    assert "Type the key again" in failed(steps).advice


@pytest.mark.parametrize(
    "message",
    [
        "You don't have permission to access this resource.",
        "This API key is not allowed to access models.",
    ],
)
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_403_that_names_nothing_is_a_wrong_key(vendor: str, message: str) -> None:
    refusal = {"error": {"message": message, "type": "permission_error"}}
    with told_upstream() as upstream:
        at = target(vendor, f"{upstream.origin}/v1")
        upstream.will_say(403, refusal)
        steps = tried(at)
        upstream.will_say(403, refusal)
        assert probe_of(vendor).accepts_key(at) is False
    assert states(steps) == "sosfss"
    assert "Type the key again" in failed(steps).advice


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("failure", "expected", "advice"),
    [
        ("status-404", "sosofs", "Choose a model"),
        ("quota", "sosofs", "Add credit"),
        ("rate-limit", "sosofs", "Wait a little"),
        ("status-500", "sossfs", "Test again later"),
        ("html", "sosfss", "Check the base URL"),
        ("redirect", "sosfss", "Put the final address"),
        ("bad-http", "sosfss", "Check the base URL"),
        ("reset", "sosfss", "Test again later"),
        ("hang", "sosfss", "timeout"),
        ("hang-after-headers", "sososf", "timeout"),
    ],
)
def test_a_failing_upstream_is_told_apart(
    vendor: str, failure: str, expected: str, advice: str, strict: Simulator
) -> None:
    at = target(vendor, strict.base_url(vendor, failure), timeout=0.3)
    steps = tried(at)
    assert states(steps) == expected
    assert advice in failed(steps).advice


def test_headers_that_are_slow_are_no_failure(strict: Simulator) -> None:
    at = target("openai", strict.base_url("openai", "slow-headers-0.2"))
    assert states(tried(at)) == "sosooo"


def test_nobody_listens() -> None:
    with refused_address() as nobody:
        steps = tried(target("openai", f"http://{nobody}/v1"))
    assert states(steps) == "sfssss"
    assert "port" in failed(steps).advice


def test_nobody_accepts() -> None:
    with unaccepting_port() as port:
        at = target("openai", f"http://127.0.0.1:{port}/v1", timeout=0.3)
        assert states(tried(at)) == "sfssss"


def test_a_name_that_does_not_exist() -> None:
    steps = tried(target("openai", "http://no-such-host.invalid/v1"))
    assert states(steps) == "fsssss"
    assert "DNS" in failed(steps).advice


def test_a_private_address_that_nobody_allowed(settings: Any) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ALLOW_PRIVATE_HOSTS": []}
    for url in ("http://127.0.0.1:9/v1", "http://localhost:9/v1", "http://169.254.169.254/v1"):
        steps = tried(target("openai", url))
        assert states(steps) == "fsssss"
        said = f"{failed(steps).message} {failed(steps).advice}"
        assert said.count("KONEEK_ALLOW_PRIVATE_HOSTS") == 1
        with pytest.raises(ProbeFailed) as refused:
            probe_of("openai").models(target("openai", url))
        assert refused.value.message.count("KONEEK_ALLOW_PRIVATE_HOSTS") == 1


def test_what_is_not_tls_and_what_nobody_vouches_for_fail_at_tls() -> None:
    for upstream in (no_tls, self_signed):
        with upstream() as port:
            steps = tried(target("openai", f"https://127.0.0.1:{port}/v1"))
        assert states(steps) == "sofsss"
        assert "certificate" in failed(steps).advice


def test_without_a_model_the_key_is_tested_all_the_same(strict: Simulator) -> None:
    at = target("openai-compatible", strict.base_url("openai"), model="")
    assert states(tried(at)) == "sosofs"
    wrong = target("openai-compatible", strict.base_url("openai"), model="", key="wrong-key")
    assert states(tried(wrong)) == "sosfss"


@pytest.mark.parametrize("vendor", VENDORS)
def test_models_are_those_that_the_provider_lists(vendor: str, strict: Simulator) -> None:
    strict.clear()
    listed = probe_of(vendor).models(target(vendor, strict.base_url(vendor)))
    assert [each.id for each in listed] == list(MODELS[vendor])
    (request,) = strict.requests
    assert request.method == "GET"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("failure", ["status-500", "html", "cut-json", "wrong-json", "hang"])
def test_a_list_that_cannot_be_had_says_why(vendor: str, failure: str, strict: Simulator) -> None:
    at = target(vendor, strict.base_url(vendor, failure), timeout=0.3)
    with pytest.raises(ProbeFailed) as caught:
        probe_of(vendor).models(at)
    assert caught.value.message
    assert UPSTREAM_KEY not in caught.value.message


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_provider_takes_its_key_and_no_other(vendor: str, strict: Simulator) -> None:
    url = strict.base_url(vendor)
    assert probe_of(vendor).accepts_key(target(vendor, url)) is True
    assert probe_of(vendor).accepts_key(target(vendor, url, key="wrong-key")) is False


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_list_for_everybody_proves_nothing(vendor: str, simulator: Simulator) -> None:
    url = simulator.base_url(vendor)
    assert probe_of(vendor).accepts_key(target(vendor, url)) is True
    at = target(vendor, url, model="fail-status-401")
    assert probe_of(vendor).accepts_key(at) is False
    assert probe_of(vendor).accepts_key(target(vendor, url, model="fail-quota")) is True
    with pytest.raises(ProbeFailed):
        probe_of(vendor).accepts_key(target(vendor, url, model="fail-status-500"))


@pytest.mark.parametrize("failure", ["status-500", "hang", "reset"])
def test_trouble_is_no_verdict_on_the_key(failure: str, strict: Simulator) -> None:
    at = target("openai", strict.base_url("openai", failure), timeout=0.3)
    with pytest.raises(ProbeFailed):
        probe_of("openai").accepts_key(at)
    with refused_address() as nobody, pytest.raises(ProbeFailed, match="refuses"):
        probe_of("openai").accepts_key(target("openai", f"http://{nobody}/v1"))


def test_a_rate_limit_is_behind_the_check_of_the_key(strict: Simulator) -> None:
    at = target("openai", strict.base_url("openai", "rate-limit"))
    assert probe_of("openai").accepts_key(at) is True


def test_testing_a_stored_connection_counts_for_its_health(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="primary"))
    client = default_client()
    (stored,) = client.snapshot().connections
    row = Connection.objects.get()
    place = (stored.id, stored.revision, stored.model)

    def test(failure: str) -> Standing:
        url = site.simulator.base_url("openai", failure)
        at = Target("openai", url, UPSTREAM_KEY, stored.model, 5.0, {}, str(row.pk), row.revision)
        list(probe_of("openai").steps(at))
        return client.health.admission(*place, time.monotonic()).standing

    assert test("status-401") is Standing.OFF
    assert client.results.of(stored.id).error
    assert test("") is Standing.READY
    assert client.results.of(stored.id).latency_ms is not None
