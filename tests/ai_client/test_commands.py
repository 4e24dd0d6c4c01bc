"""The commands as an operator uses them, over real sockets."""

from __future__ import annotations

import io
import json
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.core.management import CommandError, call_command
from django.utils import timezone

from ai_client.client import default_client
from ai_client.configuration import configuration
from ai_client.models import RequestLog
from ai_client.simulator.server import Simulator
from connectors.models import Connection
from tests.gateway.server_process import environment
from tests.gateway.waiting import eventually
from tests.live_site import SECONDS_TO_START, UPSTREAM_KEY, Site, forget_this_process
from tests.source_tree import ROOT

HELLO: Any = [{"role": "user", "content": "Hello there"}]
KEY = re.compile(r"kn_[A-Za-z0-9_-]{43}")


@pytest.fixture
def chain(transactional_db: None, allow_local: None, simulator: Simulator) -> Iterator[Site]:
    """The site without a server: commands ask its connections themselves."""
    simulator.clear()
    forget_this_process()
    unserved = Site("", "", simulator)
    unserved.rows()
    RequestLog.objects.all().delete()
    yield unserved
    default_client().engine.close()
    forget_this_process()


def run(*command: str) -> str:
    """What a command prints."""
    output = io.StringIO()
    call_command(*command, stdout=output)
    return output.getvalue()


def manage(*command: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, over the test's database unless ``more`` names one."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def started(output: Path, *command: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs until it is told to stop, writing into a file as services do."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment(PYTHONUNBUFFERED="", **more),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(SECONDS_TO_START)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, and that the system gives to nobody who asks for just any."""
    found: list[int] = []
    with ExitStack() as reserved:
        while len(found) < count:
            port = 20_000 + secrets.randbelow(10_000)
            with suppress(OSError):
                reserved.enter_context(socket.socket()).bind(("127.0.0.1", port))
                found.append(port)
    return found


def own_database(scratch: Path) -> dict[str, str]:
    """The environment of a site that begins with nothing."""
    return {
        "DEBUG": "true",
        "DATABASE_URL": f"sqlite:///{scratch / 'own.sqlite3'}",
        "AI_CLIENT_SPOOL_DIR": str(scratch / "spool"),
        "KONEEK_ALLOW_PRIVATE_HOSTS": "",
    }


def test_ask_prints_the_answer_and_logs_the_request(chain: Site) -> None:
    chain.connect(
        chain.upstream("openai_chat", failure="status-500"),
        chain.upstream("anthropic_messages", name="second"),
    )
    assert run("ask", "Hello there") == "Echo: Hello there\n"
    row = chain.row()
    assert (row.caller, row.dialect, row.outcome) == ("ask", "python", "success")
    assert (row.connection, row.attempt_count) == ("second", 2)


def test_ask_takes_every_name_that_the_gateway_takes(chain: Site) -> None:
    chain.connect(
        chain.upstream("openai_chat", name="first"),
        chain.upstream("google_generate", name="second"),
    )
    run("ask", "Hello", "--model", "second")
    run("ask", "Hello", "--model", "first/gpt-other")
    assert [row.connection for row in chain.rows()] == ["second", "first"]
    with pytest.raises(CommandError, match=r"nobody.*\(model_not_found\)"):
        run("ask", "Hello", "--model", "nobody")


def test_ask_prints_a_streams_words_as_they_come_and_says_why_it_ended(
    chain: Site, settings: Any
) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "IDLE_TIMEOUT": 0.3}
    chain.connect(chain.upstream("openai_chat", failure="hang-midstream"))
    output = io.StringIO()
    with pytest.raises(CommandError, match=r"\(upstream_timeout\)"):
        call_command("ask", "one two three four", "--stream", stdout=output)
    assert output.getvalue().startswith("Echo")
    assert "four" not in output.getvalue()

    chain.connect(chain.upstream("openai_chat"))
    assert run("ask", "one two three four", "--stream") == "Echo: one two three four\n"


def test_ask_fails_with_a_sentence_and_exit_code_1(chain: Site) -> None:
    chain.connect(chain.upstream("openai_chat", name="only", failure="status-401"))
    failed = manage("ask", "Hello")
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "CommandError" in failed.stderr
    assert "(upstream_auth)" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert UPSTREAM_KEY not in failed.stderr


def test_ask_on_a_database_without_tables_says_what_is_missing(
    transactional_db: None, tmp_path: Path
) -> None:
    failed = manage("ask", "Hello", **own_database(tmp_path))
    assert failed.returncode == 1
    assert "python manage.py migrate" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_connections_are_tested_each_by_itself_and_shown_in_a_table(chain: Site) -> None:
    chain.connect(
        chain.upstream("openai_chat", name="good"),
        chain.upstream("anthropic_messages", name="bad", failure="status-401"),
        chain.upstream("google_generate", name="idle", enabled=False),
    )
    output = io.StringIO()
    with pytest.raises(CommandError, match="1 of 2 connections failed"):
        call_command("test_connections", stdout=output)
    head, good, bad = output.getvalue().splitlines()
    assert head.split() == ["CONNECTION", "PROVIDER", "MODEL", "MS", "RESULT"]
    assert good.split()[:3] == ["good", "openai", "gpt-simulated"]
    assert good.endswith("  OK")
    assert bad.split()[:3] == ["bad", "anthropic", "claude-simulated"]
    assert "upstream_auth: " in bad
    assert len({line.index(word) for line, word in ((head, "RESULT"), (good, "OK"))}) == 1

    assert "bad" not in run("test_connections", "good")
    assert "good" in run("test_connections", "koneek_api_key_openai_good").splitlines()[1]
    with pytest.raises(CommandError, match=r"'idle'. There are: good, bad"):
        run("test_connections", "idle")


def test_testing_connections_without_any_says_how_to_add_one(chain: Site) -> None:
    with pytest.raises(CommandError, match="apply_connections"):
        run("test_connections")


def test_a_failed_test_of_connections_has_exit_code_1(chain: Site) -> None:
    chain.connect(chain.upstream("openai_chat", name="bad", failure="status-500"))
    failed = manage("test_connections")
    assert failed.returncode == 1
    assert "1 of 1 connections failed" in failed.stderr
    assert "upstream_error" in failed.stdout


@pytest.mark.parametrize("written", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
def test_connections_and_keys_made_by_commands_serve_the_next_request(
    site: Site, written: Any
) -> None:
    document = {"connections": [site.upstream("anthropic_messages", name="declared")]}
    applied = manage("apply_connections", "-", stdin=written(document))
    assert (applied.returncode, applied.stdout) == (0, "created declared\n")
    made = manage("create_gateway_key", "program", "--plain")
    assert KEY.fullmatch(made.stdout.strip())

    configuration().poll()
    with site.sdk(api_key=made.stdout.strip()) as client:
        answer = client.chat.completions.create(model="auto", messages=HELLO)
    assert answer.choices[0].message.content == "Echo: Hello there"
    assert (site.row().connection, site.row().gateway_key_name) == ("declared", "program")
    assert site.simulator.requests[-1].headers["x-api-key"] == UPSTREAM_KEY


def test_a_mistake_in_the_file_changes_nothing_and_has_exit_code_1(chain: Site) -> None:
    chain.connect(chain.upstream("openai_chat", name="there"))
    good = chain.upstream("openai_chat", name="new")
    bad = chain.upstream("openai_chat", name="bad") | {"provider": "nobody"}
    failed = manage("apply_connections", "-", stdin=json.dumps({"connections": [good, bad]}))
    assert failed.returncode == 1
    assert "connections[1].provider" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert UPSTREAM_KEY not in failed.stderr
    assert [each.name for each in Connection.objects.all()] == ["there"]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_what_is_exported_holds_no_key_and_can_be_applied_again(
    chain: Site, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.connect(
        chain.upstream("openai_chat", name="one"),
        chain.upstream("google_generate", name="two", timeout=7.5, models=["gemini-other"]),
    )
    exported = run("export_connections", "--format", form)
    assert UPSTREAM_KEY not in exported
    assert "kn1$" not in exported
    monkeypatch.setattr("sys.stdin", io.StringIO(exported))
    assert run("apply_connections", "-", "--prune") == "unchanged one\nunchanged two\n"
    assert run("ask", "Hello there") == "Echo: Hello there\n"


def test_after_a_rotation_the_old_encryption_key_can_go(chain: Site, settings: Any) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    settings.KONEEK_ENCRYPTION_KEYS = old
    chain.connect(chain.upstream("openai_chat", name="only"))
    settings.KONEEK_ENCRYPTION_KEYS = f"{new},{old}"
    assert "All secrets are under the first key" in run("rotate_keys")
    settings.KONEEK_ENCRYPTION_KEYS = new
    configuration().refresh()
    run("ask", "Hello")
    assert chain.simulator.requests[-1].headers["authorization"] == f"Bearer {UPSTREAM_KEY}"

    settings.KONEEK_ENCRYPTION_KEYS = secrets.token_urlsafe(32)
    with pytest.raises(CommandError, match=r"cannot be read and remain"):
        run("rotate_keys")


def test_pruning_removes_old_requests_from_the_log_and_keeps_new_ones(chain: Site) -> None:
    chain.connect(chain.upstream("openai_chat"))
    for question in ("old", "new"):
        run("ask", question)
    old, new = chain.rows()
    RequestLog.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=31))
    assert run("prune_request_log").startswith("1 requests older than 30 days")
    assert [row.pk for row in chain.rows()] == [new.pk]


def test_the_simulator_lists_its_failures() -> None:
    listed = run("simulate_providers", "--list")
    assert "status-CODE" in listed
    assert "hang-midstream[-EVENTS]" in listed


def test_the_simulator_serves_until_it_is_interrupted(
    transactional_db: None, tmp_path: Path
) -> None:
    output = tmp_path / "output.txt"
    with started(output, "simulate_providers", "--port", "0") as process:
        address = eventually(lambda: re.search(r"http://127\.0\.0\.1:\d+/v1", output.read_text()))
        answer = httpx.post(
            f"{address[0]}/chat/completions",
            json={"model": "gpt-simulated", "messages": HELLO},
            headers={"authorization": "Bearer any"},
        )
        assert answer.json()["choices"][0]["message"]["content"] == "Echo: Hello there"
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS_TO_START) == 0
    assert output.read_text().endswith("Stopped.\n")


def test_the_demo_shows_each_attempt_and_the_answer_plain_and_streamed(
    transactional_db: None, tmp_path: Path
) -> None:
    shown = manage("demo", **own_database(tmp_path))
    assert shown.returncode == 0, shown.stderr
    attempts = re.findall(r"attempt (\d): (\S+) +([\d.]+) ms +(\S+)", shown.stdout)
    assert [(number, name, kind) for number, name, _, kind in attempts] == [
        ("1", "first", "upstream_unreachable"),
        ("2", "second", "upstream_error"),
        ("3", "third", "ok"),
    ] * 2
    assert all(float(milliseconds) > 0 for _, _, milliseconds, _ in attempts)
    assert "answer: Echo: Why is the sky blue?" in shown.stdout
    assert "answer: Echo:| Why| is| the| sky| blue?" in shown.stdout
    assert "Traceback" not in shown.stderr


def test_the_demo_does_not_mix_with_connections_of_the_owner(chain: Site) -> None:
    chain.connect(chain.upstream("openai_chat", name="mine"))
    with pytest.raises(CommandError, match="connections of its own"):
        run("demo")
    assert [each.name for each in Connection.objects.all()] == ["mine"]


def test_a_trial_of_the_site_answers_until_it_is_told_to_stop(
    transactional_db: None, tmp_path: Path
) -> None:
    port, simulator = free_ports(2)
    command = ("run_site", "--port", str(port), "--simulator-port", str(simulator))
    output = tmp_path / "output.txt"
    with started(output, *command, **own_database(tmp_path)) as process:
        key = eventually(lambda: KEY.search(output.read_text()))[0]
        assert answer_of(port, key) == "Echo: Hello there"
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS_TO_START)
    assert f"http://127.0.0.1:{port}/v1" in output.read_text()
    assert "Traceback" not in output.read_text()

    with started(output, *command, **own_database(tmp_path)) as process:
        assert answer_of(port, key) == "Echo: Hello there", "The key is kept."
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS_TO_START)
    assert f"http://127.0.0.1:{port}/admin/" in output.read_text()
    assert not KEY.search(output.read_text()), "A key is shown once."
    assert "Traceback" not in output.read_text()


@pytest.mark.parametrize("option", ["--port", "--simulator-port"])
def test_a_trial_on_a_port_that_somebody_has_says_so_before_anything_else(
    transactional_db: None, tmp_path: Path, option: str
) -> None:
    own = own_database(tmp_path)
    site, simulator = free_ports(2)
    ports = {"--port": str(site), "--simulator-port": str(simulator)}
    with socket.create_server(("127.0.0.1", int(ports[option]))):
        refused = manage("run_site", *(word for pair in ports.items() for word in pair), **own)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert f"cannot listen on 127.0.0.1 port {ports[option]}: " in refused.stderr
    assert f"choose another port with {option}." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert json.loads(manage("export_connections", **own).stdout) == {"connections": []}


def answer_of(port: int, key: str) -> str:
    """The answer to a first request, as soon as somebody listens."""

    def ask() -> httpx.Response | None:
        try:
            return httpx.post(
                f"http://127.0.0.1:{port}/v1/chat/completions",
                json={"model": "auto", "messages": HELLO},
                headers={"authorization": f"Bearer {key}"},
                timeout=30,
            )
        except httpx.ConnectError:
            return None

    text: str = eventually(ask).json()["choices"][0]["message"]["content"]
    return text
