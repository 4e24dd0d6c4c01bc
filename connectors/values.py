"""What a provider declares about itself: who it is, where its key is, which form it needs."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeAlias, assert_never

from connectors.errors import FieldError, InvalidBaseUrl, RegistryError, UnknownField
from connectors.origins import normalise_base_url
from connectors.texts import gettext as _

if TYPE_CHECKING:
    from connectors.probing import ConnectorProbe

FieldKind: TypeAlias = Literal["text", "url", "integer", "boolean", "choice"]
FieldValue: TypeAlias = str | int | bool
Method: TypeAlias = Literal["api_key", "application_password", "none"]
METHODS: Final[tuple[Method, ...]] = ("api_key", "application_password", "none")
AI_PROVIDER: Final = "ai_provider"

logger = logging.getLogger(__name__)

_SLUG = re.compile(r"[a-z0-9_-]+")
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


class Unset(Enum):
    """The type of ``UNSET``: a value that was not given, where None means "clear"."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """A key that stays in the environment: the name of its variable.

    ``by_request``: whoever sent a request named it, rather than somebody on the server. It is then
    one of the provider's own variables, and goes to the provider's own address, or it is refused.
    """

    name: str
    by_request: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of a connection that its provider needs beyond key, model and base URL.

    ``label`` and ``help`` may be lazily translated texts.
    """

    name: str
    label: str
    kind: FieldKind = "text"
    required: bool = False
    default: FieldValue | None = None
    choices: tuple[str, ...] = ()
    help: str = ""

    def clean(self, value: object) -> FieldValue | None:
        """The value in its declared type; blank becomes the default. Raises FieldError."""
        if isinstance(value, str):
            value = value.strip()
        if value is None or value == "":
            if self.required and self.default is None:
                self._refuse(_("The field %(name)r (%(label)s) is required."))
            return self.default
        match self.kind:
            case "text":
                return self._text(value)
            case "url":
                return self._url(value)
            case "integer":
                return self._integer(value)
            case "boolean":
                return self._boolean(value)
            case "choice":
                return self._choice(value)
            case _:
                assert_never(self.kind)

    def _text(self, value: object) -> str:
        if not isinstance(value, str) or any(ord(character) < 32 for character in value):
            self._refuse(_("The field %(name)r (%(label)s) must be text on one line."))
        return value

    def _url(self, value: object) -> str:
        if not isinstance(value, str):
            self._refuse(_("The field %(name)r (%(label)s) must be a URL."))
        return normalise_base_url(value, field=self.name)

    def _integer(self, value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self._refuse(_("The field %(name)r (%(label)s) must be a whole number."))
        return value

    def _boolean(self, value: object) -> bool:
        if isinstance(value, str):
            value = _BOOLEANS.get(value.lower())
        if not isinstance(value, bool):
            self._refuse(_("The field %(name)r (%(label)s) must be true or false."))
        return value

    def _choice(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            self._refuse(_("The field %(name)r (%(label)s) must be one of: %(choices)s."))
        return value

    def _refuse(self, what: str) -> NoReturn:
        names = {"name": self.name, "label": self.label, "choices": ", ".join(self.choices)}
        raise FieldError(what % names, field=self.name)


def always() -> bool:
    """Active, whatever happens: what a connector is that does not say."""
    return True


@dataclass(frozen=True, slots=True)
class ConnectorType:
    """Something that can be connected: a provider and the form that its connections need.

    ``method`` is how it is authenticated to. ``env_key`` and ``env_base_url`` are environment
    variables; the Django setting of the same meaning is ``CONNECTORS[setting_key]`` (blank: the
    name of ``env_key``) and ``CONNECTORS[env_base_url]``. ``option_name`` names the stored key
    that belongs to the provider rather than to one connection; blank: made from type, slug and
    method. ``base_url`` is blank where every connection must bring its own.

    ``name`` and ``description`` may be lazily translated texts. ``logo_url`` is a picture on this
    site. ``plugin_file`` is the package that brings the
    connector, and ``is_active`` says whether it is in use. ``probe`` tries keys and addresses.
    ``authentication`` returns the key where an app keeps it itself (blank: it has none); it comes
    after the environment and the stored key, and wins. ``address`` returns the base URL where an
    app keeps that too (blank: none); environment and Django setting go before it. ``hidden``
    connectors are on no page and in no list; connections cannot be made of them.
    ``default_model`` is what a new connection is offered; blank: none.

    Raises RegistryError for a declaration that cannot work.
    """

    slug: str
    name: str
    description: str = ""
    type: str = AI_PROVIDER
    credentials_url: str | None = None
    env_key: str = ""
    setting_key: str = ""
    option_name: str = ""
    env_base_url: str = ""
    base_url: str = ""
    key_required: bool = True
    fields: tuple[Field, ...] = ()
    method: Method = "api_key"
    logo_url: str = ""
    plugin_file: str = ""
    is_active: Callable[[], bool] = dataclass_field(default=always, compare=False, repr=False)
    probe: ConnectorProbe | None = dataclass_field(default=None, compare=False, repr=False)
    authentication: Callable[[], str] | None = dataclass_field(
        default=None, compare=False, repr=False
    )
    address: Callable[[], str] | None = dataclass_field(default=None, compare=False, repr=False)
    hidden: bool = False
    default_model: str = ""
    check_address: Callable[[str], None] | None = dataclass_field(
        default=None, compare=False, repr=False
    )
    """Raises ValueError for a base URL that cannot be one of this vendor's, with the way out."""
    field_settings: tuple[str, ...] = ()
    """Further variables and entries of CONNECTORS that the app reads: text, or lists of texts."""

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(str(self.slug)):
            raise RegistryError(
                f"The connector slug {self.slug!r} may hold a-z, 0-9, '_' and '-' only.",
                field="slug",
            )
        for required in ("name", "type"):
            # A text that is translated lazily is no str, and has what one has.
            strip = getattr(getattr(self, required), "strip", None)
            if strip is None or not strip():
                raise RegistryError(
                    f"The connector {self.slug!r} needs a {required}.", field=required
                )
        if self.method not in METHODS:
            raise _unknown_method(self.slug)
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names) or not all(map(_FIELD_NAME.fullmatch, names)):
            raise RegistryError(
                f"The fields of the connector {self.slug!r} need names of their own, in a-z, "
                "0-9 and '_'.",
                field="fields",
            )
        try:
            if self.base_url:
                normalise_base_url(self.base_url)
        except InvalidBaseUrl as error:
            raise RegistryError(
                f"The connector {self.slug!r}: {error.message}", field="base_url"
            ) from None
        if self.method == "none" and self.authentication is None:
            object.__setattr__(self, "key_required", False)

    @classmethod
    def from_args(cls, slug: str, args: Mapping[str, object]) -> ConnectorType:
        """A connector from WordPress's arguments, checked by its rules in their order.

        ``name``, ``type``, ``description``, ``logo_url``, ``authentication`` with ``method``,
        ``credentials_url``, ``setting_name``, ``constant_name`` and ``env_var_name``, ``plugin``
        with ``file`` and ``is_active``. What else is there is dropped. Raises RegistryError.
        """
        if not _SLUG.fullmatch(slug):
            raise RegistryError(
                f"The connector slug {slug!r} may hold a-z, 0-9, '_' and '-' only.", field="slug"
            )
        name = _needed(slug, args, "name")
        kind = _needed(slug, args, "type")
        given = args.get("authentication")
        # Of an empty list PHP cannot say whether it is a map.
        auth = {} if given == [] else given
        if not isinstance(auth, Mapping):
            raise RegistryError(
                f"The connector {slug!r} needs an 'authentication' with a method.",
                field="authentication",
            )
        method = auth.get("method")
        if not isinstance(method, str) or method not in METHODS:
            raise _unknown_method(slug)
        names = {
            key: _optional_name(slug, auth, key)
            for key in ("setting_name", "constant_name", "env_var_name")
        }
        given = args.get("plugin")
        plugin = given if isinstance(given, Mapping) else {}
        is_active = plugin.get("is_active")
        if is_active is not None and not callable(is_active):
            raise RegistryError(
                f"The connector {slug!r}: plugin.is_active must be callable.", field="plugin"
            )
        has_key = method != "none"
        return cls(
            slug=slug,
            name=name,
            description=_text_or_blank(args.get("description")),
            type=kind,
            credentials_url=_text_or_blank(auth.get("credentials_url")) or None,
            env_key=names["env_var_name"] if has_key else "",
            setting_key=names["constant_name"] if has_key else "",
            option_name=names["setting_name"] if has_key else "",
            method=method,
            logo_url=_text_or_blank(args.get("logo_url")),
            plugin_file=_text_or_blank(plugin.get("file")),
            is_active=is_active or always,
        )

    def to_dict(self) -> dict[str, object]:
        """The connector in the shape in which WordPress keeps it."""
        auth: dict[str, object] = {"method": self.method}
        if self.method != "none":
            if self.credentials_url:
                auth["credentials_url"] = self.credentials_url
            auth["setting_name"] = self.setting_name
            if self.setting_key:
                auth["constant_name"] = self.setting_key
            if self.env_key:
                auth["env_var_name"] = self.env_key
        plugin: dict[str, object] = {"file": self.plugin_file} if self.plugin_file else {}
        logo = {"logo_url": self.logo_url} if self.logo_url else {}
        return {
            "name": str(self.name),
            "description": str(self.description),
            "type": self.type,
            **logo,
            "authentication": auth,
            "plugin": {**plugin, "is_active": self.is_active},
        }

    @property
    def env_var_name(self) -> str:
        """The environment variable that may hold the provider's key."""
        return self.env_key

    @property
    def constant_name(self) -> str:
        """The entry of the CONNECTORS setting that may hold the provider's key."""
        return self.setting_key or self.env_key

    @property
    def setting_name(self) -> str:
        """The name of the Option that may hold the provider's key; blank where it has none."""
        if self.method == "none":
            return ""
        made = f"connectors_{self.type}_{self.slug}_{self.method}".replace("-", "_")
        return self.option_name or made

    @property
    def connectable(self) -> bool:
        """Whether connections can be made of it: shown, in use, and opened with a key or none."""
        return not self.hidden and self.method != "application_password" and self.active

    @property
    def active(self) -> bool:
        """Whether ``is_active`` says so; an app that fails there is not active."""
        try:
            return bool(self.is_active())
        except Exception:
            logger.exception("The connector %s cannot say whether it is active.", self.slug)
            return False

    def clean_fields(self, given: Mapping[str, object]) -> dict[str, FieldValue]:
        """The given values in their declared types, blanks left out. Raises FieldError."""
        declared = {field.name: field for field in self.fields}
        for name in given:
            if name not in declared:
                listed = ", ".join(declared) or _("none")
                raise UnknownField(
                    _("%(provider)s has no field %(name)r. Its fields: %(listed)s.")
                    % {"provider": self.name, "name": name, "listed": listed},
                    field=name,
                )
        cleaned: dict[str, FieldValue] = {}
        for name, field in declared.items():
            value = field.clean(given.get(name))
            if value is not None and given.get(name) not in (None, ""):
                cleaned[name] = value
        return cleaned

    def field_values(self, stored: object) -> dict[str, FieldValue]:
        """The stored values of a connection with the declared defaults for the others.

        Of a damaged row, which holds no object, nothing but the defaults.
        """
        values: dict[str, FieldValue] = {}
        held = stored if isinstance(stored, Mapping) else {}
        for field in self.fields:
            value = held.get(field.name, field.default)
            if value is not None:
                values[field.name] = value
        return values


def _unknown_method(slug: str) -> RegistryError:
    return RegistryError(
        f"The connector {slug!r}: the authentication method must be one of: {', '.join(METHODS)}.",
        field="authentication",
    )


def _needed(slug: str, args: Mapping[str, object], name: str) -> str:
    value = args.get(name)
    # "0" counts as empty, as it does in PHP, so that what registers here registers there.
    if not isinstance(value, str) or value in ("", "0"):
        raise RegistryError(f"The connector {slug!r} needs a {name}.", field=name)
    return value


def _optional_name(slug: str, auth: Mapping[str, object], name: str) -> str:
    value = auth.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or value in ("", "0"):
        raise RegistryError(
            f"The connector {slug!r}: authentication.{name} must be text, or left out.",
            field=name,
        )
    return value


def _text_or_blank(value: object) -> str:
    return value if isinstance(value, str) else ""
