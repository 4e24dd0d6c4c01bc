"""One module per provider, each a value; presets are rows. Found by scanning this folder.

A module here holds ``PROVIDER`` (one value) or ``PROVIDERS`` (several). To add a provider, add a
file; nothing else is edited. ``scan`` can be given another package too, which is how an app
brings its own.

Texts for people are marked with ``gettext_noop`` and translated where they are shown, so no value
is put into them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from types import ModuleType
from typing import TypeAlias

from ai_client.capabilities import (
    Capability,
    FileType,
    JsonValue,
    MediaOrientation,
    Modality,
    ModelMetadata,
    Option,
    ProviderType,
    SupportedOption,
)
from ai_client.errors import UnsupportedFeature
from ai_client.model_options import (
    EMBEDDING_OPTIONS,
    PENALTIES,
    PROBABILITIES,
    REASONING,
    SAMPLING,
    media_options,
    text_options,
)
from ai_client.wire import WireRequest
from connectors.values import Field


def gettext_noop(text: str) -> str:
    """Marks a text for makemessages, and leaves it as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Auth:
    """How a key goes into a request: a header, and what stands before the key in it.

    ``by_address`` is for a vendor whose servers do not all take it in the same way: it is given
    the base URL and the connection's provider fields.
    """

    header: str
    prefix: str = ""
    by_address: Callable[[str, Mapping[str, JsonValue]], Auth] | None = None

    def at(self, base_url: str, options: Mapping[str, JsonValue]) -> Auth:
        """How a key goes into a request to this address."""
        return self if self.by_address is None else self.by_address(base_url, options)

    def headers(self, api_key: str) -> Mapping[str, str]:
        return {self.header: f"{self.prefix}{api_key}"}


BEARER = Auth("authorization", "Bearer ")

TALKS = (Capability.TEXT_GENERATION, Capability.CHAT_HISTORY)
"""The capabilities of a model that writes, and remembers what was said."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Which wire format a provider speaks for a capability, for models whose id fits ``models``.

    ``models`` are patterns as in ``fnmatch``; the first operation that fits counts.
    """

    capability: Capability
    wire: str
    models: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class ModelKind:
    """What the models whose id fits one of ``models`` (patterns as in ``fnmatch``) can do.

    ``guessed``: of a vendor's models that fit nothing else; good for choosing, but nothing that a
    request says is left out for it.
    """

    models: tuple[str, ...]
    capabilities: tuple[Capability, ...]
    options: tuple[SupportedOption, ...] = ()
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A request about to leave, for a provider that has its own idea of addresses.

    ``options`` are the connection's provider fields; ``model`` is the model's id there.
    """

    base_url: str
    wire: str
    model: str
    options: Mapping[str, JsonValue]
    request: WireRequest


Addressing: TypeAlias = Callable[[Call], WireRequest]
"""Gives the request as it leaves: its path relative to the base URL's ORIGIN, query and body.

The origin is never its to choose: a key goes to the host it was stored for.
"""


Naming: TypeAlias = Callable[[tuple[str, ...], Mapping[str, JsonValue]], tuple[ModelMetadata, ...]]
"""Gives the models that a connection has, from the ids it names and its provider fields.

For a provider whose connections say in their fields which models they have, and what for.
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question to a server, to find out what it has: relative to the base URL's ORIGIN.

    ``body`` is sent as JSON with a POST; ``timeout`` is in seconds.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, JsonValue] | None = None
    timeout: float = 15.0


@dataclass(frozen=True, slots=True)
class Answered:
    """What a server said: the status, 0 where it said nothing in time, and its JSON or None."""

    status: int
    body: JsonValue = None


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found out: models that answer, the best first, and the provider fields to fill in.

    ``source`` says in a word how it was found out.
    """

    models: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


class NothingDetected(Exception):
    """The server was asked and did not tell; the message says so, and the way out."""


Detection: TypeAlias = Generator[Probe, Answered, Detected]
"""Questions one after the other, each sent when the last is answered; ``NothingDetected``."""

Detecting: TypeAlias = Callable[[str, Mapping[str, JsonValue]], Detection]
"""Begins a detection, for a base URL and a connection's provider fields.

A rejected key (401), a redirect and a server that cannot be reached end it from outside.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A vendor, or a kind of server: where it is, how it authenticates, which dialect it speaks.

    ``version_path`` is the part of the path that some people include in a base URL and some do
    not (``/v1``); it is added where the base URL does not end with it. ``env_key`` and
    ``env_base_url`` are the variables that the vendor's own SDK reads. ``options`` are what the
    wire format has to know of this vendor, see ``wire_options``. ``price_id`` is the provider's
    id in genai-prices. ``name`` and ``description`` are translated where they are shown.

    ``wire`` is spoken for text; ``operations`` says what is spoken for the rest. ``kinds`` tells
    what its models can do, by their ids, the first that fits counting; ``models`` lists them where
    the provider is known to have these and no others. ``address`` is for a vendor whose paths
    depend on the model or the connection, ``name_models`` for one whose connections say which
    models they have. ``detect`` finds that out. ``check_address`` raises ValueError for a base URL
    that cannot be one of this vendor's, saying what to write instead. ``environment`` names the
    variables of ``fields`` that the provider's own address may have: field to variable.

    ``also_speaks`` are wire formats for text that callers of these dialects are answered in, so
    that nothing is translated; with ``also_where`` only at connections whose fields say that.
    ``counts_in`` is the wire format in which it counts tokens. ``tuned_like`` are the kinds that
    tell which tuning its models refuse, where ``kinds`` cannot tell them apart.

    A provider equals itself only, so that it can be looked up by.
    """

    slug: str
    name: str
    wire: str
    base_url: str | None = None
    version_path: str = ""
    auth: Auth = BEARER
    headers: Mapping[str, str] | None = None
    key_required: bool = True
    env_key: str | None = None
    env_base_url: str | None = None
    default_model: str = ""
    fields: tuple[Field, ...] = ()
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    credentials_url: str | None = None
    description: str = ""
    price_id: str | None = None
    type: ProviderType = ProviderType.CLOUD
    operations: tuple[Operation, ...] = ()
    kinds: tuple[ModelKind, ...] = ()
    models: tuple[ModelMetadata, ...] = ()
    address: Addressing | None = None
    name_models: Naming | None = None
    detect: Detecting | None = None
    check_address: Callable[[str], None] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    also_speaks: tuple[str, ...] = ()
    also_where: Mapping[str, JsonValue] = field(default_factory=dict)
    counts_in: str = ""
    tuned_like: tuple[ModelKind, ...] | None = None

    def __init_subclass__(cls) -> None:
        # Before ``dataclass`` looks: it gives a subclass no comparison by fields of its own.
        for name in ("__eq__", "__hash__"):
            setattr(cls, name, getattr(object, name))

    def wire_for(self, capability: Capability, model: str) -> str | None:
        """The wire format in which ``model`` is asked for ``capability``; None: not at all."""
        for operation in self.operations:
            if operation.capability is capability and fits(model, operation.models):
                return operation.wire
        return self.wire if capability is Capability.TEXT_GENERATION else None

    def wire_options(self, own: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        """``Target.options`` of a connection whose provider fields are ``own``.

        What the connection says goes before the defaults of the fields, and those before
        ``options``; an empty value (None or "") counts as not said.
        """
        said = {name: value for name, value in own.items() if value is not None and value != ""}
        defaults = {one.name: one.default for one in self.fields if one.default is not None}
        return {**self.options, **defaults, **said}


@lru_cache(maxsize=8192)
def fits(model: str, patterns: tuple[str, ...]) -> bool:
    """Whether a model's id fits one of the patterns, in whatever case."""
    return any(fnmatchcase(model.lower(), pattern) for pattern in patterns)


def scan(package: ModuleType) -> Iterator[Provider]:
    """All providers declared by the modules of ``package``, in order of module name."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        one: Provider | None = getattr(module, "PROVIDER", None)
        if one is not None:
            yield one
        yield from getattr(module, "PROVIDERS", ())


__all__ = [
    "BEARER",
    "EMBEDDING_OPTIONS",
    "PENALTIES",
    "PROBABILITIES",
    "REASONING",
    "SAMPLING",
    "TALKS",
    "Addressing",
    "Answered",
    "Auth",
    "Call",
    "Capability",
    "Detected",
    "Detecting",
    "Detection",
    "Field",
    "FileType",
    "JsonValue",
    "MediaOrientation",
    "Modality",
    "ModelKind",
    "ModelMetadata",
    "Naming",
    "NothingDetected",
    "Operation",
    "Option",
    "Probe",
    "Provider",
    "ProviderType",
    "SupportedOption",
    "UnsupportedFeature",
    "WireRequest",
    "fits",
    "gettext_noop",
    "media_options",
    "scan",
    "text_options",
]
