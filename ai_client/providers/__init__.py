"""One module per provider, each a value; presets are rows. Found by scanning this folder.

A module here holds ``PROVIDER`` (one value) or ``PROVIDERS`` (several). To add a provider, add a
file; nothing else is edited. ``scan`` can be given another package too, which is how an app
brings its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType

from ai_client.messages import JsonValue
from connectors.values import Field


@dataclass(frozen=True, slots=True)
class Auth:
    """How a key goes into a request: a header, and what stands before the key in it."""

    header: str
    prefix: str = ""

    def headers(self, api_key: str) -> Mapping[str, str]:
        return {self.header: f"{self.prefix}{api_key}"}


BEARER = Auth("authorization", "Bearer ")


@dataclass(frozen=True, slots=True)
class Provider:
    """A vendor, or a kind of server: where it is, how it authenticates, which dialect it speaks.

    ``version_path`` is the part of the path that some people include in a base URL and some do
    not (``/v1``); it is added where the base URL does not end with it. ``env_key`` and
    ``env_base_url`` are the variables that the vendor's own SDK reads. ``options`` are what the
    wire format has to know of this vendor, see ``wire_options``. ``price_id`` is the provider's
    id in genai-prices.
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

    def wire_options(self, own: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        """``Target.options`` of a connection whose provider fields are ``own``.

        What the connection says goes before the defaults of the fields, and those before
        ``options``; an empty value (None or "") counts as not said.
        """
        said = {name: value for name, value in own.items() if value is not None and value != ""}
        defaults = {one.name: one.default for one in self.fields if one.default is not None}
        return {**self.options, **defaults, **said}


def scan(package: ModuleType) -> Iterator[Provider]:
    """All providers declared by the modules of ``package``, in order of module name."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        one: Provider | None = getattr(module, "PROVIDER", None)
        if one is not None:
            yield one
        yield from getattr(module, "PROVIDERS", ())


__all__ = ["BEARER", "Auth", "Field", "Provider", "scan"]
