"""What an export of WordPress or Koneek holds for us, pure: read, never written.

A document is what ``wp option list --format=json`` prints (a list of ``option_name`` and
``option_value``, with ``--unserialize`` for nested ones), or an object of options by name, alone
or under ``"options"``. Three kinds of options matter:

- ``koneek_api_key_{provider}[_{name}]``: the key of one connection;
- another ``koneek_…`` that lists connections (objects with a ``provider``): address, model, order;
- ``connectors_ai_{provider}_api_key``: the key of a provider, for connections without one; where
  WordPress's AI plugin has encrypted it, ``_secret_ai/{provider}_api_key``.

Keys have to be plain, except for the AI plugin's, which are opened with the site's
``WP_SECRETS_KEY``: masks, blanks, and what Koneek's plugin encrypted under WordPress's salts are
listed with the reason. What is no business of ours is listed by name. Values are never listed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from connectors.errors import DeclarationError
from connectors.masking import BULLET
from connectors.option_names import (
    ALIASES,
    PREFIX,
    OptionName,
    begins_with_provider,
    option_name,
    parse_option_name,
)
from connectors.texts import gettext as _
from connectors.wordpress_secrets import MASTER_KEY, CannotOpen, SecretBoxes
from connectors.wordpress_secrets import PREFIX as SECRET_PREFIX

Providers: TypeAlias = Mapping[str, str]
"""The slug of each registered provider and the name of the option with the provider's key."""

_OURS = ("koneek_", "connectors_")
_SETTING_OF_A_KEY = re.compile(r"connectors_.+_api_key")
_PHP = re.compile(r"(?:[abdis]:[0-9.-]+[:;]|N;|O:[0-9]+:)")
_BLOCK = 16
_ADDRESS = ("base_url", "url", "endpoint", "api_url")


@dataclass(frozen=True, slots=True)
class ImportedConnection:
    """A connection of the export; blank and None are what it does not say."""

    option: str
    name: str
    provider: str
    api_key: str = field(default="", repr=False)
    base_url: str = ""
    model: str = ""
    priority: int | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class ImportedOption:
    """The key of a provider."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something of the connectors' that does not come along, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class WordPressImport:
    """What comes along, what does not, and the names of what is something else altogether."""

    connections: tuple[ImportedConnection, ...] = ()
    options: tuple[ImportedOption, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    unknown: tuple[str, ...] = ()


def parse_wordpress(
    document: object, providers: Providers, secrets_keys: Iterable[str] = ()
) -> WordPressImport:
    """Take an export apart. Raises DeclarationError for what is no export.

    ``secrets_keys`` are the ``WP_SECRETS_KEY`` of that site, the current one first.
    """
    values = _options(document)
    connections: dict[str, ImportedConnection] = {}
    options: list[ImportedOption] = []
    skipped = list(_opened(values, tuple(secrets_keys)))
    unknown: list[str] = []
    stored = set(providers.values()) - {""}
    for name, value in values.items():
        if not name.startswith(_OURS):
            unknown.append(name)
        elif name.startswith(PREFIX) or _SETTING_OF_A_KEY.fullmatch(name):
            why = _why_no_key(value)
            named = parse_option_name(name, providers)
            if why:
                skipped.append(Skipped(name, why))
            elif named is not None:
                connections[name] = _from_key(name, named, str(value).strip())
            elif name in stored:
                options.append(ImportedOption(name, str(value).strip()))
            else:
                skipped.append(Skipped(name, _why_of_nobody(name, providers)))
        elif not (name.startswith("koneek_") and _listed(value)):
            skipped.append(Skipped(name, _why_unread(value)))
    for name, value in values.items():
        if name.startswith("koneek_") and not name.startswith(PREFIX):
            skipped += _describe(name, _listed(value), connections, providers)
    return WordPressImport(
        tuple(_with_names_of_their_own(connections.values())),
        tuple(options),
        tuple(skipped),
        tuple(unknown),
    )


def _opened(values: dict[str, object], keys: tuple[str, ...]) -> Iterator[Skipped]:
    """Puts what the AI plugin sealed in the place of the blank that it left; yields the rest."""
    master = values.pop(MASTER_KEY, None)
    boxes: SecretBoxes | None = None
    why = _(
        "It is encrypted. Set the environment variable WP_SECRETS_KEY to what wp-config.php there "
        "says (without it, to LOGGED_IN_KEY followed by LOGGED_IN_SALT), and import again."
    )
    if keys:
        try:
            boxes = SecretBoxes(master if isinstance(master, str) else "", keys)
        except CannotOpen as error:
            why = str(error)
    for name in [each for each in values if each.startswith(SECRET_PREFIX)]:
        sealed = values.pop(name)
        option = "connectors_ai_" + name.removeprefix(SECRET_PREFIX).replace("-", "_")
        if boxes is None or not isinstance(sealed, str):
            yield Skipped(name, why)
            continue
        try:
            values[option] = values.get(option) or boxes.open(sealed)
        except CannotOpen as error:
            yield Skipped(name, str(error))


def _options(document: object) -> dict[str, object]:
    if isinstance(document, Mapping) and isinstance(document.get("options"), Mapping | list):
        document = document["options"]
    if isinstance(document, Mapping):
        return {str(name): value for name, value in document.items()}
    if not isinstance(document, list):
        raise DeclarationError(
            "document",
            _("must be an object of options, or what wp option list --format=json prints."),
        )
    values: dict[str, object] = {}
    for index, entry in enumerate(document):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("option_name"), str):
            raise DeclarationError(f"document[{index}]", _("has no option_name."))
        values[entry["option_name"]] = entry.get("option_value")
    return values


def _from_key(option: str, named: OptionName, key: str) -> ImportedConnection:
    return ImportedConnection(option, named.connection, named.provider, key)


def _why_of_nobody(name: str, providers: Providers) -> str:
    if begins_with_provider(name, providers):
        return _(
            "The name after the provider cannot be used: names hold letters, digits and hyphens "
            "only."
        )
    return _("No registered provider has an option of this name.")


def _why_no_key(value: object) -> str:
    if value is None or value is False or (isinstance(value, str) and not value.strip()):
        return _("It is blank.")
    if not isinstance(value, str):
        return _("It is no text.")
    text = value.strip()
    if BULLET in text or set(text) == {"*"}:
        return _("It is a mask, not the key. Type the key into the connection.")
    if _PHP.match(text):
        return _serialised()
    if _looks_encrypted(text):
        return _(
            "It looks encrypted under WordPress's salts, which are not here. Type the key into "
            "the connection."
        )
    if not (text.isascii() and text.isprintable()):
        return _("It holds characters that no HTTP header can carry.")
    return ""


def _looks_encrypted(text: str) -> bool:
    """Base64 of an initialisation vector and whole blocks of AES-CBC, as the plugin stores it."""
    if re.fullmatch(r"[0-9a-fA-F]+", text) or not re.search(r"[A-Z]", text):
        return False
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(octets) >= 2 * _BLOCK and len(octets) % _BLOCK == 0


def _why_unread(value: object) -> str:
    if isinstance(value, str) and _PHP.match(value):
        return _serialised()
    return _("It has no meaning here.")


def _serialised() -> str:
    return _("It is serialised by PHP. Export with wp option list --format=json --unserialize.")


def _listed(value: object) -> list[Mapping[str, object]]:
    """The connections that an option describes: objects with a provider, in their order."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    entries = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(entries, list) or not entries:
        return []
    found = [each for each in entries if isinstance(each, Mapping) and _text(each, "provider")]
    return found if len(found) == len(entries) else []


def _describe(
    source: str,
    listed: list[Mapping[str, object]],
    connections: dict[str, ImportedConnection],
    providers: Providers,
) -> Iterator[Skipped]:
    """Puts address, model and order to the keys; yields what has no provider here."""
    taken: list[str] = []
    for index, entry in enumerate(listed):
        written = _text(entry, "provider")
        label = _text(entry, "name").lower()
        option = option_name(written, label, taken)
        taken.append(option)
        slug = ALIASES.get(written.replace("-", "_"), written.replace("_", "-"))
        if slug not in providers:
            slug = written
        named = parse_option_name(option, providers)
        if slug not in providers or named is None:
            reason = _("No provider %(slug)r is registered, or the name %(name)r cannot be used.")
            names = {"slug": written, "name": label}
            yield Skipped(f"{source}[{index}]", reason % names)
            continue
        key = _text(entry, "api_key")
        known = connections.get(option)
        if key and known is None and (why := _why_no_key(key)):
            yield Skipped(f"{source}[{index}].api_key", why)
            key = ""
        priority, enabled = entry.get("priority"), entry.get("enabled")
        connections[option] = ImportedConnection(
            option=option,
            name=named.connection,
            provider=slug,
            api_key=known.api_key if known else key,
            base_url=next((text for each in _ADDRESS if (text := _text(entry, each))), ""),
            model=_text(entry, "model"),
            priority=_number(priority),
            enabled=enabled if isinstance(enabled, bool) else None,
        )


def _with_names_of_their_own(
    connections: Iterable[ImportedConnection],
) -> Iterator[ImportedConnection]:
    """The plugin's names are one provider's own; ours are the whole site's."""
    taken: set[str] = set()
    for each in connections:
        name = each.name
        if name in taken:
            name = f"{each.provider.replace('_', '-')}-{name}"
        taken.add(name)
        yield replace(each, name=name)


def _text(entry: Mapping[str, object], name: str) -> str:
    value = entry.get(name)
    return value.strip() if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
