"""JavaScript modules that apps bring to the Connectors page, and what they are told.

An app's ``ready`` registers its module::

    from connectors.script_modules import register_script_module

    register_script_module("my-app/azure", "my_app/azure.js", data=azure_page_data)

The page loads it before its own, maps the name to the file, and gives the module what ``data``
returns in ``<script type="application/json" id="connectors-module-data-my-app/azure">``; read it
with ``moduleData("my-app/azure")`` of ``@koneek/connectors``. ``data`` must hold no secret.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from django.http import HttpRequest
from django.templatetags.static import PrefixNode, static

from connectors.errors import RegistryError
from connectors.registry import registry

logger = logging.getLogger(__name__)

ModuleData: TypeAlias = Callable[[HttpRequest], object]

DATA_ID = "connectors-module-data-"
PUBLIC = "@koneek/connectors"
"""The name under which other apps' modules import the page's JavaScript API."""

OWN_FILES = (
    "acting.js",
    "announcing.js",
    "copying.js",
    "declared_fields.js",
    "keys.js",
    "models.js",
    "ordering.js",
    "page.js",
    "refreshing.js",
    "registry.js",
    "remembering.js",
    "renewing.js",
    "requests.js",
    "saving.js",
    "testing.js",
    "texts.js",
    "tiles.js",
    "trials.js",
    "unsaved.js",
)
_NAME = re.compile(r"[@a-z0-9][a-z0-9_./-]*")


@dataclass(frozen=True, slots=True)
class ScriptModule:
    """A module: its name in import statements, its static file, and its data for a request."""

    name: str
    path: str
    data: ModuleData | None = None


_modules: dict[str, ScriptModule] = {}


def register_script_module(
    name: str, path: str, data: ModuleData | None = None
) -> ScriptModule | None:
    """Have the page load the static file ``path`` as the module ``name``.

    The same once more changes nothing. Raises RegistryError for a name that is taken, reserved or
    malformed, and for a path that is not one of a static file; while apps are being loaded that is
    noted for the system check instead, and None is returned.
    """
    module = ScriptModule(name, path, data)
    known = _modules.get(name)
    if known == module:
        return known
    if error := _mistake(module):
        registry.raise_or_note(error)
        return None
    _modules[name] = module
    return module


def _mistake(module: ScriptModule) -> RegistryError | None:
    name, path = module.name, module.path
    if not _NAME.fullmatch(name) or name.split("/")[:2] == PUBLIC.split("/"):
        return RegistryError(
            f"The script module {name!r} needs a name in a-z, 0-9, '_', '-', '.' and '/' outside "
            f"{PUBLIC}.",
            field="name",
        )
    if name in _modules:
        return RegistryError(f"The script module {name!r} is registered already.", field="name")
    if not path.endswith((".js", ".mjs")) or "//" in path or path.startswith("/"):
        return RegistryError(
            f"The script module {name!r} needs the path of a static file, as in 'my_app/my.js'.",
            field="path",
        )
    return None


def unregister_script_module(name: str) -> ScriptModule:
    """Remove a module and return it. Raises RegistryError if there is none."""
    try:
        return _modules.pop(name)
    except KeyError:
        raise RegistryError(f"No script module {name!r} is registered.", field="name") from None


def script_modules() -> tuple[ScriptModule, ...]:
    """The registered modules, in order of registration."""
    return tuple(_modules.values())


def import_map() -> dict[str, dict[str, str]]:
    """The page's import map: public names, registered names, and our files by their plain URL.

    Our modules import each other relatively. Where the site's storage gives files another name
    (a hash in it), the plain URL is mapped to that name, so that each module exists once.
    """
    imports = {
        PUBLIC: static("connectors/registry.js"),
        f"{PUBLIC}/testing": static("connectors/testing.js"),
    }
    imports |= {module.name: static(module.path) for module in _modules.values()}
    prefix = PrefixNode.handle_simple("STATIC_URL")
    for file in OWN_FILES:
        plain, served = f"{prefix}connectors/{file}", static(f"connectors/{file}")
        if plain != served:
            imports[plain] = served
    return {"imports": imports}


def page_data(request: HttpRequest) -> list[tuple[str, object]]:
    """The id of each data element with its content; null where a module's ``data`` fails."""
    found: list[tuple[str, object]] = []
    for module in _modules.values():
        if module.data is None:
            continue
        try:
            content = module.data(request)
        except Exception:
            logger.exception("The data of the script module %s could not be made.", module.name)
            content = None
        found.append((DATA_ID + module.name, content))
    return found
