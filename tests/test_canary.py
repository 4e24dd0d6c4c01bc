"""Known keys go in, and every surface is searched for them: they are in one place only.

That place is the header of the request to the upstream that a key was given for.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
import logging
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, NoReturn
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings as site_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.debug import ExceptionReporter

from ai_client import conf
from ai_client.client import AiClient, default_client
from ai_client.configuration import configuration
from ai_client.errors import AiClientError
from ai_client.exchange import Open
from ai_client.messages import GenerationRequest, user_message
from ai_client.models import GatewayKey, RequestLog
from connectors.models import Connection, Option
from connectors.services import set_option, update_connection
from tests.echoing_upstream import WAYS, echoing_upstream
from tests.live_site import DIALECTS, Site, refused_address

QUESTION = GenerationRequest((user_message("Hello"),))
HELLO: Any = [{"role": "user", "content": "Hello there"}]

# Made anew in each run, so that no report can have them from a source line. One looks like a key
# of a vendor; the others could be anything, and are only found by who knows them.
SHAPED = f"sk-{secrets.token_urlsafe(24)}"
WORDS = "-".join(secrets.choice(("river", "stone", "cloud", "ember")) for _ in range(7))
CANARIES = {"openai_chat": SHAPED, "anthropic_messages": WORDS, "google_generate": f"{WORDS}-too"}

FAILURES = (
    *("status-400", "status-401", "status-403", "status-404", "status-413", "status-500"),
    *("status-503", "rate-limit", "quota", "context", "filter", "redirect", "reset", "close"),
    *("reset-midstream", "bad-http", "html", "wrong-json", "cut-json", "error-in-200", "empty"),
    *("sse-error-first", "sse-error-later", "truncated", "malformed-event-later", "hang", "ok"),
)


def found_in(text: str, *keys: str) -> list[str]:
    """The keys that stand in ``text``, as they are or encoded."""
    return [
        key
        for key in (*CANARIES.values(), *keys)
        if any(
            form in text
            for form in (
                key,
                quote(key, safe=""),
                base64.b64encode(key.encode()).decode().rstrip("=")[:-1],
                json.dumps(key)[1:-1],
            )
        )
    ]


def assert_clean(text: str, where: str, *keys: str) -> None:
    assert text, f"Nothing to search: {where}"
    for key in found_in(text, *keys):
        at = text.index(key) if key in text else 0
        pytest.fail(f"A key is in {where}: …{text[max(0, at - 200) : at + 20]!r}…")


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All loggers at DEBUG, through a handler like those of the site's settings."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    for name in site_settings.LOGGING["handlers"]["stderr"]["filters"]:
        handler.addFilter(import_string(site_settings.LOGGING["filters"][name]["()"])())
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    loggers = [logging.root, *(each for each in loggers if not each.propagate)]
    libraries = ("aiohttp", "httpx", "httpcore", "asyncio", "django", "uvicorn", "openai", "httpx2")
    before = {each: each.level for each in {*loggers, *map(logging.getLogger, libraries)}}
    try:
        for each in before:
            each.setLevel(logging.DEBUG)
        for each in loggers:
            each.addHandler(handler)
        yield text
    finally:
        for each, level in before.items():
            each.setLevel(level)
            each.removeHandler(handler)


def connection(site: Site, dialect: str, failure: str = "", **more: Any) -> dict[str, Any]:
    """A connection with the canary of its dialect."""
    named = {"name": dialect.replace("_", "-"), "api_key": CANARIES[dialect], "timeout": 0.3}
    return site.upstream(dialect, failure=failure) | named | more


def ask(site: Site, *, stream: bool, model: str = "auto") -> str:
    """Everything that the caller gets to see; no connection but the one asked for answers."""
    body = {"model": model, "messages": HELLO, "stream": stream}
    headers = {"authorization": f"Bearer {site.key}", "x-koneek-fallback": "false"}
    seen = ""
    with suppress(httpx.HTTPError), httpx.Client(timeout=30, trust_env=False) as client:
        url = f"{site.base_url}/v1/chat/completions"
        with client.stream("POST", url, json=body, headers=headers) as response:
            seen += f"{response.status_code} {response.headers!r}\n"
            for text in response.iter_text():
                seen += text
    return seen


def ask_each(site: Site) -> None:
    """Ask every connection in every way: through the gateway, and as Python code does."""
    for each in configuration().current().connections:
        for streamed in (False, True):
            seen = ask(site, stream=streamed, model=each.name)
            assert_clean(seen, f"the answer of {each.name}", site.key)
        try:
            default_client().generate_from(each, QUESTION)
        except AiClientError as error:
            assert_clean(f"{error!r} {error} {vars(error)!r}", f"the error of {each.name}")


def spooled() -> str:
    """The spool's files as they lie there."""
    return "".join(
        path.read_text(errors="replace") for path in conf.spool_directory().glob("*.jsonl")
    )


def logged(site: Site) -> str:
    site.rows()
    return repr(list(RequestLog.objects.values()))


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_no_failure_shows_a_key_to_the_caller_the_logs_or_the_request_log(
    site: Site, dialect: str
) -> None:
    site.connect(*(connection(site, dialect, each, name=each) for each in FAILURES))
    with everything_logged() as log:
        ask_each(site)
        assert_clean(spooled(), "the spool", site.key)
        assert_clean(logged(site), "the request log", site.key)
    assert_clean(log.getvalue(), "the log", site.key)
    assert "httpcore" in log.getvalue(), "Everything was logged."
    sent = [json.dumps(each.headers) for each in site.simulator.requests]
    assert len(sent) >= len(FAILURES) * 2
    assert all(CANARIES[dialect] in each for each in sent), "The upstream gets it."
    default_client().engine.close()


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_an_upstream_that_repeats_the_key_is_not_passed_on(site: Site, dialect: str) -> None:
    with echoing_upstream() as origin, everything_logged() as log:
        site.connect(
            *(
                connection(site, dialect, name=f"way-{way}", base_url=f"{origin}/{way}")
                for way in WAYS
            )
        )
        ask_each(site)
        assert_clean(spooled(), "the spool", site.key)
        assert_clean(logged(site), "the request log", site.key)
    assert_clean(log.getvalue(), "the log", site.key)
    default_client().engine.close()


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_error_pages_with_local_variables_do_not_show_it(site: Site, dialect: str) -> None:
    """What Django shows with DEBUG, and mails to the site's admins without."""
    failures = ("status-401", "status-500", "hang", "reset", "bad-http", "cut-json", "redirect")
    with ExitStack() as until_the_end:
        nobody = until_the_end.enter_context(refused_address())
        for failure in ("refused", *failures):
            wanted = connection(site, dialect, failure.replace("refused", ""))
            if failure == "refused":
                wanted["base_url"] = f"http://{nobody}"
            site.connect(wanted)
            for way in (generate, stream, generate_awaiting):
                assert_clean(page_about(way), f"the page about {failure}, {way.__name__}")
    default_client().engine.close()


def generate() -> None:
    default_client().generate(QUESTION)


def stream() -> None:
    list(default_client().stream(QUESTION))


def generate_awaiting() -> None:
    async def work() -> None:
        try:
            await default_client().agenerate(QUESTION)
        finally:
            await default_client().async_engine.close()

    asyncio.run(work())


def test_a_defect_below_does_not_show_it_on_the_error_page_either(site: Site) -> None:
    site.connect(connection(site, "anthropic_messages"))

    class Broken:
        def open(self, step: Open) -> NoReturn:
            raise RuntimeError("defect")

        def close(self) -> None:
            """Nothing is open."""

    client = default_client()
    broken = AiClient(
        snapshot=client.snapshot,
        engine=Broken(),
        async_engine=client.async_engine,
        record=client.record,
    )
    page = page_about(lambda: broken.generate(QUESTION))
    assert "defect" in page
    assert_clean(page, "the page about a defect")


def page_about(work: Callable[[], object]) -> str:
    """Django's pages, for people and as text, about the exception that ``work`` raises."""
    try:
        work()
    except Exception:
        reporter = ExceptionReporter(RequestFactory().get("/"), *sys.exc_info())
        return reporter.get_traceback_html() + reporter.get_traceback_text()
    raise AssertionError("No exception.")


def test_a_debug_page_of_the_gateway_shows_no_key(site: Site, settings: Any) -> None:
    site.connect(connection(site, "anthropic_messages"))
    settings.DEBUG = True
    settings.SECRET_KEY_FALLBACKS = [3]
    client = Client(raise_request_exception=False)
    with everything_logged() as log:
        for header in ("authorization", "x-api-key", "x-goog-api-key"):
            value = f"Bearer {site.key}" if header == "authorization" else site.key
            response = client.post(
                "/v1/chat/completions",
                {"model": "auto", "messages": HELLO},
                content_type="application/json",
                headers={header: value},
            )
            assert response.status_code == 500
            assert_clean(response.content.decode(), "the answer through Django", site.key)
        seen = ask(site, stream=False)
        assert seen.startswith("500")
        assert_clean(seen, "the answer", site.key)
    assert "TypeError" in log.getvalue() or "AttributeError" in log.getvalue()
    assert_clean(log.getvalue(), "the log", site.key)


def test_no_object_in_memory_tells_it_when_it_is_printed(site: Site) -> None:
    site.connect(
        connection(site, "openai_chat", "status-500"),
        connection(site, "anthropic_messages", "hang-midstream", timeout=30),
        connection(site, "google_generate", "hang", timeout=30),
    )
    gc.collect()
    printed = asyncio.run(objects_while_two_requests_run(site))
    for kind in ("Snapshot", "ConnectionConfig", "Session", "Call", "Attempt", "Open", "Opened"):
        assert kind in printed
    for kind, text in printed.items():
        assert_clean(text, f"the repr of {kind}", site.key)


async def objects_while_two_requests_run(site: Site) -> dict[str, str]:
    """One of which streams while the other waits for its upstream."""
    async with site.async_sdk() as sdk:
        stream = await sdk.chat.completions.create(model="auto", messages=HELLO, stream=True)
        await anext(aiter(stream))
        silent = asyncio.create_task(
            sdk.chat.completions.create(model="google-generate", messages=HELLO)
        )
        await asyncio.to_thread(
            site.simulator.wait_for, lambda each: CANARIES["google_generate"] in str(each.headers)
        )
        printed = dict(all_objects())
        silent.cancel()
        await asyncio.gather(silent, return_exceptions=True)
        await stream.close()
    return printed


def all_objects() -> Iterator[tuple[str, str]]:
    """Every object of the product's classes that is alive, printed, by the name of its class."""
    texts: dict[str, list[str]] = {}
    for each in gc.get_objects():
        kind = type(each)
        module = str(kind.__module__)
        # The simulator is an upstream, which knows what it was sent.
        if module.startswith(("ai_client.", "connectors.")) and "simulator" not in module:
            texts.setdefault(kind.__name__, []).append(f"{each!r} {each!s}")
    return ((kind, "\n".join(found)) for kind, found in texts.items())


@pytest.fixture
def ring(settings: Any) -> str:
    """The key ring in force."""
    settings.KONEEK_ENCRYPTION_KEYS = secrets.token_urlsafe(32)
    return str(settings.KONEEK_ENCRYPTION_KEYS)


@pytest.fixture
def owner(site: Site, ring: str) -> Client:
    """The owner of the site, in the admin, after some requests and edits."""
    site.connect(*(connection(site, dialect) for dialect in DIALECTS))
    set_option("connectors_ai_openai_api_key", SHAPED)
    ask(site, stream=True)
    with echoing_upstream() as origin:
        site.connect(connection(site, "openai_chat") | {"base_url": f"{origin}/400"})
        ask(site, stream=False)
    site.rows()
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("alice"))
    return client


def test_the_admin_shows_it_nowhere(site: Site, owner: Client, ring: str, settings: Any) -> None:
    settings.DEBUG = True
    edited = Connection.objects.get()
    form = {
        "name": edited.name,
        "provider": edited.provider,
        "base_url": edited.base_url,
        "model": "m",
        "priority": "1",
        "timeout": "5",
        "enabled": "on",
        "provider_fields": "{}",
        "api_key": WORDS,
    }
    change = reverse("admin:connectors_connection_change", args=[edited.pk])
    assert owner.post(change, form).status_code == 302
    edited.refresh_from_db()
    assert edited.model == "m"
    refused = owner.post(change, {**form, "timeout": "never"})
    assert refused.status_code == 200
    assert_clean(refused.content.decode(), "a form with a mistake", site.key)
    settings.KONEEK_ENCRYPTION_KEYS = "too short"
    broken = owner.post(change, form)
    assert_clean(broken.content.decode(), "a form that cannot be stored", site.key)

    for keys in (ring, "too short", secrets.token_urlsafe(32)):
        settings.KONEEK_ENCRYPTION_KEYS = keys
        for model in (Connection, Option, GatewayKey, RequestLog):
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            pk = model._default_manager.values_list("pk", flat=True)[0]
            pages = [reverse(f"{name}_changelist")]
            pages += [reverse(f"{name}_{page}", args=[pk]) for page in ("change", "history")]
            if model is not RequestLog:
                pages += [reverse(f"{name}_delete", args=[pk]), reverse(f"{name}_add")]
            for page in pages:
                response = owner.get(page)
                assert response.status_code == 200, page
                assert_clean(response.content.decode(), page, site.key)
    assert_clean(owner.get(reverse("admin:index")).content.decode(), "the admin", site.key)


def test_dumps_exports_and_commands_hold_at_most_its_ciphertext(
    site: Site, owner: Client, ring: str, settings: Any
) -> None:
    for keys in (secrets.token_urlsafe(32), ring):
        settings.KONEEK_ENCRYPTION_KEYS = keys
        configuration().refresh()
        for command in (
            ("dumpdata",),
            ("export_connections",),
            ("export_connections", "--format", "yaml"),
            ("test_connections",),
            ("ask", "Hello"),
            ("rotate_keys",),
            ("check",),
        ):
            assert_clean(output_of(*command), " ".join(command), site.key)
    dump = json.loads(output_of("dumpdata", "connectors"))
    assert any("kn1$" in str(each["fields"].get("api_key_encrypted")) for each in dump)
    default_client().engine.close()


def output_of(*command: str) -> str:
    """What a command says, how ever it ends."""
    output = io.StringIO()
    try:
        call_command(*command, stdout=output, stderr=output)
    except CommandError as error:
        output.write(f"CommandError: {error}")
    return output.getvalue() or "nothing"


@pytest.mark.parametrize(
    "damage",
    [
        {"api_key_encrypted": "kn1$nobody$AAAA"},
        {"api_key_encrypted": SHAPED},
        {"api_key_encrypted": WORDS, "api_key_origin": "https://elsewhere.example"},
        {"base_url": f"http://user:{SHAPED}@127.0.0.1"},
        {"base_url": f"::{WORDS}"},
        {"provider": "nobody"},
        {"fields": ["no", "mapping"]},
        {"models": {"no": "list"}},
        {"api_key_env": "ANOTHER_NAME"},
    ],
    ids=lambda damage: "-".join(damage),
)
def test_damaged_rows_are_told_of_without_it(site: Site, damage: dict[str, Any]) -> None:
    site.connect(
        connection(site, "openai_chat"), connection(site, "anthropic_messages", "status-401")
    )
    Connection.objects.filter(name="openai-chat").update(**damage)
    with everything_logged() as log:
        configuration().refresh()
        for model in ("auto", "openai-chat"):
            for streamed in (False, True):
                assert_clean(ask(site, stream=streamed, model=model), "the answer", site.key)
        printed = output_of("test_connections") + output_of("check") + output_of("rotate_keys")
        assert_clean(printed, "the commands", site.key)
        assert_clean(repr(configuration().current()), "the snapshot", site.key)
        assert_clean(logged(site), "the request log", site.key)
    assert_clean(log.getvalue(), "the log", site.key)
    default_client().engine.close()


def test_a_changed_key_ring_makes_keys_unreadable_and_says_so_without_them(
    site: Site, settings: Any
) -> None:
    settings.KONEEK_ENCRYPTION_KEYS = secrets.token_urlsafe(32)
    site.connect(connection(site, "openai_chat"))
    settings.KONEEK_ENCRYPTION_KEYS = secrets.token_urlsafe(32)
    with everything_logged() as log:
        configuration().refresh()
        seen = ask(site, stream=False)
        assert "upstream_auth" in seen
        assert_clean(seen, "the answer", site.key)
        update_connection(Connection.objects.get(), api_key=WORDS)
        assert ask(site, stream=False).startswith("200")
    assert_clean(log.getvalue(), "the log", site.key)
    assert site.simulator.requests[-1].headers["authorization"] == f"Bearer {WORDS}"
