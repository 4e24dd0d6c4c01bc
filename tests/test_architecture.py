"""The map of the code, as sentences that are checked. Read this file first.

Two apps and a site. ``connectors`` knows what can be connected, what is connected, and its
secrets, and nothing of AI. ``ai_client`` uses it. ``koneek_site`` only wires the two.

Inside ``ai_client`` the layers below depend in one direction. Everything that decides is pure:
it is handed bytes, a clock and a configuration, and gives back values. The network layer moves
bytes. The Django layer stores, serves and configures.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from tests.source_tree import ROOT, Module, is_within, read

PURE = {
    "ai_client.values": "frozen dataclasses that are quick to make",
    "ai_client.capabilities": "what models can do, and what a prompt needs",
    "ai_client.requirements": "what a prompt needs of a model, and whether a model has it",
    "ai_client.model_options": "the options that kinds of models have",
    "ai_client.model_catalog": "what is known of models without asking anybody",
    "ai_client.selection": "which connection answers a prompt, with which model",
    "ai_client.messages": "the one representation of prompts and answers",
    "ai_client.events": "what an answer is made of, in the order it arrives",
    "ai_client.errors": "everything that can go wrong, drawn as a tree",
    "ai_client.error_headers": "whether a caller is to ask again, told in headers",
    "ai_client.failures": "which error an upstream's status, code or text is",
    "ai_client.sse": "server-sent events: bytes to events and back",
    "ai_client.encoding": "compressed bodies, with a limit",
    "ai_client.wire": "one module per dialect",
    "ai_client.wire_faces": "what a dialect's module takes, gives back and has to offer",
    "ai_client.providers": "one module per vendor, each a value",
    "ai_client.snapshot": "the configuration that a request sees",
    "ai_client.addresses": "which addresses may be sent to",
    "ai_client.endpoints": "where a request goes, with which headers",
    "ai_client.router": "request, connections and health to ordered routes",
    "ai_client.routing": "routes remembered while the configuration stays the same",
    "ai_client.health": "cooldown and breaker, with a clock handed in",
    "ai_client.exchange": "what a session asks of the network and is told",
    "ai_client.ask": "what is asked, and how long it may take",
    "ai_client.progress": "what is known of an answer while it comes",
    "ai_client.reading": "one upstream answer, read step by step",
    "ai_client.json_text": "JSON in and out",
    "ai_client.echoes": "an upstream's words without what they repeat of the prompt",
    "ai_client.plan": "a request, and who may answer it",
    "ai_client.kept": "how much of a request an upstream keeps",
    "ai_client.parts": "how much there is to read in a body",
    "ai_client.holders": "who may answer a request that refers to what an upstream keeps",
    "ai_client.named_models": "the models that a body names besides the one it asks for",
    "ai_client.session": "one request against its routes; fallback lives here",
    "ai_client.last_words": "the error that a caller gets for what was tried",
    "ai_client.records": "what is remembered of a request",
    "ai_client.trail": "what is known of a request while it runs",
    "ai_client.key_rights": "what a gateway key is for, and how much of it",
    "ai_client.key_reserve": "what a reserve finds, as far as a gateway key is for it",
    "ai_client.gateway_keys": "keys of callers: made, reduced to an HMAC, checked",
    "ai_client.approvals": "which caller may use which connector, as requests see it",
    "ai_client.last_results": "what each connection last gave",
    "ai_client.operations": "a long operation after it has begun, asked how far it is",
    "ai_client.operation_watch": "how long a long operation is waited for",
    "ai_client.call_ids": "ids for function calls that came without",
    "ai_client.openai_envelope": "what OpenAI's APIs put around answers: JSON, or an error",
    "ai_client.openai_json": "JSON without a schema, as OpenAI's APIs want to be asked for it",
    "ai_client.openai_models": "the list of models of OpenAI's APIs",
    "ai_client.openai_reasoning": "how much OpenAI's models can be told to think",
    "ai_client.caller_words": "our names of settings in the words of a caller's dialect",
    "ai_client.tool_names": "names of functions that another dialect does not allow",
    "ai_client.openai_errors": "errors as OpenAI's APIs tell them to callers",
    "ai_client.body_fields": "the fields of a caller's body; refusals name them by their path",
    "ai_client.body_files": "files in a caller's body",
    "ai_client.google_envelope": "what Google's API puts around requests and answers",
    "ai_client.google_errors": "errors as Google's APIs tell them to callers",
    "ai_client.google_fields": "the fields of bodies that callers of Google's APIs send",
    "ai_client.single_prompt": "a prompt that is no conversation: one text with its files",
    "ai_client.prompt_tokens": "what of a request its prompt's tokens are counted of",
    "ai_client.media": "media in upstreams' answers, as files",
    "ai_client.model_listing": "an upstream's list of models, page by page",
    "ai_client.discovery": "what an address has, found out question by question",
    "ai_client.prompt_builder": "what to ask, of whom and how; asked through a door",
    "ai_client.functions": "callables as functions that a model may ask for",
    "ai_client.structured": "answers as JSON of a given shape",
    "ai_client.json_types": "which Python types have a JSON",
    "ai_client.json_schemas": "Python types as JSON schemas",
    "ai_client.typed_json": "JSON read into Python types, and back",
    "ai_client.prices": "what an answer cost, from the price list in a package",
    "ai_client.usage_estimate": "tokens of an answer that nobody has counted",
}
NETWORK = {
    "ai_client.transport": "the loops that move bytes; the only importer of an HTTP library",
}
DJANGO = {
    "ai_client.conf": "the settings of the app",
    "ai_client.models": "the request log and the gateway keys, stored",
    "ai_client.key_services": "the only writer of gateway keys",
    "ai_client.limits": "what gateway keys have used, and whether they may go on",
    "ai_client.registration": "providers as connectors, once at start",
    "ai_client.callers": "who can call the gateway, for decisions before they ask",
    "ai_client.connections": "reads the database into a snapshot",
    "ai_client.model_directory": "what models connections have, kept in the cache",
    "ai_client.registry": "providers as a Python program sees them",
    "ai_client.configuration": "which snapshot is in force",
    "ai_client.log": "spool, batch writer, redaction",
    "ai_client.python_call": "one request of a Python caller, with its record",
    "ai_client.client": "the public door for Python callers",
    "ai_client.stand_in": "what stands in for client, registry and clock in tests",
    "ai_client.observability": "OpenTelemetry's spans and metrics of requests",
    "ai_client.testing": "fakes for tests of code that uses this package",
    "ai_client.prompts": "prompt() and its short forms",
    "ai_client.generation": "the builder's door: prompts over the site's connections",
    "ai_client.prevention": "whether prompts may be sent",
    "ai_client.choosing": "whom a prompt is asked of",
    "ai_client.support": "whether a prompt would be answered",
    "ai_client.loops": "calls of functions that may be blocking or awaiting",
    "ai_client.signals": "signals before and after an answer",
    "ai_client.refusals": "counts refused requests, and writes them down later",
    "ai_client.snippets": "how programs use a connection: text to copy",
    "ai_client.page_scripts": "scripts that providers bring to the Connectors page",
    "ai_client.live_status": "how the connections are doing, in words",
    "ai_client.advice": "what to do about a failure, in a sentence",
    "ai_client.step_by_step": "a connection tried step by step",
    "ai_client.detection": "a provider's detection, carried out",
    "ai_client.provider_environment": "provider fields that the environment holds",
    "ai_client.probes": "how a provider's connection is tried, for the page and REST",
    "ai_client.gateway": "the HTTP face: one core, an ASGI door and a Django door",
    "ai_client.key_forms": "the form of a gateway key in the admin",
    "ai_client.key_use": "what gateway keys have used, for people to look at",
    "ai_client.api": "the REST face",
    "ai_client.log_list": "keeps the request log's list in the admin quick",
    "ai_client.log_admin": "the request log in Django's admin",
    "ai_client.admin": "gateway keys and the request log in Django's admin",
    "ai_client.checks": "system checks",
    "ai_client.apps": "the app's start",
    "ai_client.management": "commands",
}
STANDALONE = {
    "ai_client.simulator": "stand-in upstreams for tests, the demo and trials without a key",
}
LAYERS = {**PURE, **NETWORK, **DJANGO, **STANDALONE}

MAY_USE_CONNECTORS = {
    "ai_client.admin",
    "ai_client.api",
    "ai_client.apps",
    "ai_client.checks",
    "ai_client.configuration",
    "ai_client.conf",
    "ai_client.connections",
    "ai_client.key_forms",
    "ai_client.key_services",
    "ai_client.live_status",
    "ai_client.management",
    "ai_client.page_scripts",
    "ai_client.probes",
    "ai_client.provider_environment",
    "ai_client.providers",
    "ai_client.refusals",
    "ai_client.registration",
    "ai_client.registry",
    "ai_client.snippets",
    "ai_client.step_by_step",
}

KNOWS_NO_CONNECTORS = {"connectors.moments"}  # how columns hold moments, for both apps

PURE_STANDARD_LIBRARY = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "contextlib", "copy",
    "dataclasses", "datetime", "decimal", "email.utils", "enum", "fnmatch", "functools",
    "hashlib", "heapq", "hmac", "importlib", "inspect", "ipaddress", "itertools", "json", "math",
    "operator", "pkgutil", "re", "string", "struct", "types", "typing", "unicodedata",
    "urllib.parse", "zlib",
}  # fmt: skip
PURE_PACKAGES = {"orjson", "genai_prices", "cryptography.hazmat.primitives"}
ALLOWED_BESIDES = {
    "ai_client.gateway_keys": {"secrets"},  # a new key has to come from somewhere
    "ai_client.messages.lazy_texts": {"django.utils.functional"},  # tells texts that are lazy
    "ai_client.messages.local_files": {"os", "pathlib"},  # reads the files of a prompt
    "ai_client.providers": {"connectors.values"},  # the form of a provider's own fields
}
CLOCK_READERS = {"now", "utcnow", "today"}
HTTP_LIBRARIES = {"aiohttp", "httpx", "httpcore", "requests", "urllib3", "urllib.request"}
REST_LIBRARIES = {"rest_framework", "drf_spectacular"}
SAYS_NOTHING = {"utils", "helpers", "common", "misc"}
MOST_LINES = 500

Modules = Mapping[str, Module]
Rule = Callable[[Modules], list[str]]


def connectors_knows_nothing_of_ai(modules: Modules) -> list[str]:
    """``connectors`` imports neither ``ai_client`` nor ``koneek_site``."""
    return _imports_that(
        _within(modules, ["connectors"]),
        lambda module: module.imports_from("ai_client", "koneek_site"),
    )


def nobody_imports_the_site(modules: Modules) -> list[str]:
    """``koneek_site`` can be replaced by any other site."""
    return _imports_that(
        _within(modules, ["ai_client"]), lambda module: module.imports_from("koneek_site")
    )


def the_site_only_wires(modules: Modules) -> list[str]:
    """``koneek_site`` holds settings, addresses and server entry points, and defines no class."""
    return [
        f"{module.name} defines the class {node.name}; it belongs into one of the apps."
        for module in _within(modules, ["koneek_site"])
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    ]


def every_module_is_on_the_map(modules: Modules) -> list[str]:
    """Each module of ``ai_client`` belongs to a layer, and each entry of the map exists."""
    unplaced = [
        f"{name} is in no layer; add it to one at the top of tests/test_architecture.py."
        for name in modules
        if is_within(name, ["ai_client"]) and name != "ai_client" and not is_within(name, LAYERS)
    ]
    gone = [f"{name} is on the map and does not exist." for name in LAYERS if name not in modules]
    return unplaced + gone


def pure_modules_import_only_pure_things(modules: Modules) -> list[str]:
    """No Django, no network, no clock, no chance, no files, no threads, no logging."""

    def impure(module: Module) -> list[str]:
        allowed = PURE_STANDARD_LIBRARY | PURE_PACKAGES | PURE.keys()
        for part, besides in ALLOWED_BESIDES.items():
            allowed |= besides if is_within(module.name, [part]) else set()
        return sorted(
            name
            for name in module.imports
            if not is_within(name, allowed) and name not in _packages_of(allowed)
        )

    return _imports_that(_within(modules, PURE), impure)


def pure_modules_read_no_clock(modules: Modules) -> list[str]:
    """``datetime`` is a value there: the time is handed in, never looked up."""
    return [
        f"{module.name}:{node.lineno} looks at the clock; let the caller hand the time in."
        for module in _within(modules, PURE)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in CLOCK_READERS
        and isinstance(node.value, ast.Name | ast.Attribute)
        and (node.value.id if isinstance(node.value, ast.Name) else node.value.attr)
        in ("datetime", "date")
    ]


def the_network_layer_knows_no_django(modules: Modules) -> list[str]:
    """Transport moves bytes for whoever asks, and finds nothing out by itself."""
    return _imports_that(
        _within(modules, NETWORK),
        lambda module: module.imports_from("django", "connectors", *DJANGO),
    )


def only_transport_imports_an_http_library(modules: Modules) -> list[str]:
    """So that the address check holds for every request that leaves.

    ``connectors.origins`` has it spell a host name, and opens nothing.
    """
    spelling = ["connectors.origins"]
    others = [name for name in modules if not is_within(name, [*NETWORK, *spelling])]
    return [
        f"{name} imports {library}; requests leave through ai_client.transport only."
        for name in others
        for library in modules[name].imports_from(*HTTP_LIBRARIES)
    ]


def only_the_rest_face_needs_the_rest_framework(modules: Modules) -> list[str]:
    """A site without Django REST framework has everything but the ``api`` of each app."""
    faces = ["connectors.api", "ai_client.api"]
    return _imports_that(
        (module for name, module in modules.items() if not is_within(name, faces)),
        lambda module: module.imports_from(*faces, *REST_LIBRARIES),
    )


def few_modules_use_connectors(modules: Modules) -> list[str]:
    """Requests see the snapshot; only what fills it or shows it reaches into ``connectors``."""
    others = [
        module
        for module in _within(modules, ["ai_client"])
        if not is_within(module.name, MAY_USE_CONNECTORS)
    ]
    return _imports_that(
        others,
        lambda module: [
            name
            for name in module.imports_from("connectors")
            if not is_within(name, KNOWS_NO_CONNECTORS)
        ],
    )


def dialects_do_not_know_each_other(modules: Modules) -> list[str]:
    """A wire format can be removed by deleting it: no other one and no provider is imported."""
    found = []
    for module in _within(modules, ["ai_client.wire"]):
        if module.name == "ai_client.wire":
            continue
        own = ".".join(module.name.split(".")[:3])
        found += [
            f"{module.name} imports {name}; a wire format knows neither others nor providers."
            for name in module.imports_from("ai_client.wire", "ai_client.providers")
            if not is_within(name, [own]) and name in modules and name != "ai_client.wire"
        ]
    return found


def providers_are_values(modules: Modules) -> list[str]:
    """A provider's file imports what describes a provider, and nothing else of ours."""
    return _imports_that(
        (module for name, module in modules.items() if name.startswith("ai_client.providers.")),
        lambda module: [
            name
            for name in module.imports_from("ai_client", "connectors")
            if not is_within(name, ["ai_client.providers"])
        ],
    )


def the_simulator_stands_alone(modules: Modules) -> list[str]:
    """A stand-in upstream that used our own dialects would agree with our mistakes."""
    return _imports_that(
        _within(modules, STANDALONE),
        lambda module: [
            name
            for name in module.imports_from("ai_client", "connectors", "koneek_site")
            if not is_within(name, STANDALONE)
        ],
    )


def names_say_something(modules: Modules) -> list[str]:
    """No module is called utils, helpers, common or misc."""
    return [
        f"{name}: name the module after its one job."
        for name in modules
        if name.rpartition(".")[2].strip("_") in SAYS_NOTHING
    ]


def modules_fit_in_a_head(modules: Modules) -> list[str]:
    """At most 500 lines; past that a module becomes a folder."""
    return [
        f"{module.name} has {module.lines} lines, more than {MOST_LINES}; split it by job."
        for module in modules.values()
        if module.lines > MOST_LINES
    ]


RULES_AND_BREACHES: list[tuple[Rule, str, str]] = [
    (connectors_knows_nothing_of_ai, "connectors/services.py", "from ai_client import messages"),
    (nobody_imports_the_site, "ai_client/gateway/urls.py", "from koneek_site import settings"),
    (the_site_only_wires, "koneek_site/urls.py", "class Page: ..."),
    (every_module_is_on_the_map, "ai_client/somewhere.py", ""),
    (pure_modules_import_only_pure_things, "ai_client/session.py", "import asyncio"),
    (pure_modules_import_only_pure_things, "ai_client/wire/x.py", "def f():\n    import time"),
    (pure_modules_import_only_pure_things, "ai_client/router.py", "from ai_client import models"),
    (
        pure_modules_import_only_pure_things,
        "ai_client/health.py",
        "from django.utils import timezone",
    ),
    (
        pure_modules_read_no_clock,
        "ai_client/health.py",
        "import datetime\nat = datetime.datetime.now()",
    ),
    (the_network_layer_knows_no_django, "ai_client/transport/x.py", "import django.conf"),
    (only_transport_imports_an_http_library, "connectors/forms.py", "from httpx import get"),
    (
        only_the_rest_face_needs_the_rest_framework,
        "connectors/views.py",
        "from rest_framework.response import Response",
    ),
    (few_modules_use_connectors, "ai_client/gateway/x.py", "from connectors import services"),
    (dialects_do_not_know_each_other, "ai_client/wire/x.py", "from ai_client.wire import y"),
    (dialects_do_not_know_each_other, "ai_client/wire/x/z.py", "import ai_client.providers.y"),
    (providers_are_values, "ai_client/providers/x.py", "from ai_client.errors import RateLimited"),
    (the_simulator_stands_alone, "ai_client/simulator/x.py", "from ai_client.sse import encode"),
    (names_say_something, "connectors/api/utils.py", ""),
    (modules_fit_in_a_head, "connectors/models.py", "\n" * (MOST_LINES + 1)),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in RULES_AND_BREACHES))


@pytest.fixture(scope="module")
def code() -> Modules:
    return read(ROOT, ["connectors", "ai_client", "koneek_site"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_code_obeys(rule: Rule, code: Modules) -> None:
    found = rule(code)
    assert not found, f"{rule.__doc__}\n  " + "\n  ".join(found)


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    RULES_AND_BREACHES,
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_breach_is_noticed(rule: Rule, path: str, source: str, tmp_path: Path) -> None:
    others = ["ai_client/wire/y.py", "ai_client/providers/y.py", "ai_client/models.py"]
    for each in [*others, path]:
        (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / each).write_text(source if each == path else "")
    found = rule(read(tmp_path, ["connectors", "ai_client", "koneek_site"]))
    assert any(path.removesuffix(".py").replace("/", ".") in breach for breach in found)


def test_pure_modules_load_without_django_or_network() -> None:
    """What the imports say holds when they run, the packages' own ``__init__`` included."""
    names = [name for name in read(ROOT, ["ai_client"]) if is_within(name, PURE)]
    program = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    loaded = run.stdout.split()
    assert not {"django", "channels", *HTTP_LIBRARIES} & set(loaded)


def _within(modules: Modules, packages: Iterable[str]) -> list[Module]:
    return [module for name, module in modules.items() if is_within(name, packages)]


def _imports_that(modules: Iterable[Module], offending: Callable[[Module], list[str]]) -> list[str]:
    found = []
    for module in modules:
        names = offending(module)
        # A member needs no mention beside the module that it comes from.
        members = {name for name in names if is_within(name, set(names) - {name})}
        found += [f"{module.name} imports {name}." for name in names if name not in members]
    return found


def _packages_of(names: set[str]) -> set[str]:
    return {name.rpartition(".")[0] for name in names if "." in name}
