"""What a provider declares about itself: who it is, where its key is, which form it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, NoReturn, TypeAlias, assert_never

from connectors.errors import FieldError, InvalidBaseUrl, RegistryError, UnknownField
from connectors.origins import normalise_base_url

FieldKind: TypeAlias = Literal["text", "url", "integer", "boolean", "choice"]
FieldValue: TypeAlias = str | int | bool

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
    """A key that stays in the environment: the name of its variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of a connection that its provider needs beyond key, model and base URL."""

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
                self._refuse("is required")
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
            self._refuse("must be text on one line")
        return value

    def _url(self, value: object) -> str:
        if not isinstance(value, str):
            self._refuse("must be a URL")
        return normalise_base_url(value, field=self.name)

    def _integer(self, value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self._refuse("must be a whole number")
        return value

    def _boolean(self, value: object) -> bool:
        if isinstance(value, str):
            value = _BOOLEANS.get(value.lower())
        if not isinstance(value, bool):
            self._refuse("must be true or false")
        return value

    def _choice(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            self._refuse(f"must be one of: {', '.join(self.choices)}")
        return value

    def _refuse(self, why: str) -> NoReturn:
        raise FieldError(f"The field {self.name!r} ({self.label}) {why}.", field=self.name)


@dataclass(frozen=True, slots=True)
class ConnectorType:
    """Something that can be connected: a provider and the form that its connections need.

    ``env_key`` and ``env_base_url`` are environment variables; the Django setting of the same
    meaning is ``CONNECTORS[setting_key]`` (blank: the name of ``env_key``) and
    ``CONNECTORS[env_base_url]``. ``option_name`` names the stored key that belongs to the
    provider rather than to one connection. ``base_url`` is blank where every connection must
    bring its own. Raises RegistryError for a declaration that cannot work.
    """

    slug: str
    name: str
    description: str = ""
    type: str = "ai_provider"
    credentials_url: str | None = None
    env_key: str = ""
    setting_key: str = ""
    option_name: str = ""
    env_base_url: str = ""
    base_url: str = ""
    key_required: bool = True
    fields: tuple[Field, ...] = ()

    def __post_init__(self) -> None:
        if not _SLUG.fullmatch(self.slug):
            raise RegistryError(
                f"The connector slug {self.slug!r} may hold a-z, 0-9, '_' and '-' only.",
                field="slug",
            )
        for required in ("name", "type"):
            if not getattr(self, required).strip():
                raise RegistryError(
                    f"The connector {self.slug!r} needs a {required}.", field=required
                )
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

    @property
    def setting_name(self) -> str:
        """The entry of the CONNECTORS setting that may hold the provider's key."""
        return self.setting_key or self.env_key

    @property
    def stored_option(self) -> str:
        """The name of the Option that may hold the provider's key."""
        kind = self.type.removesuffix("_provider")
        return self.option_name or f"connectors_{kind}_{self.slug}_api_key".replace("-", "_")

    def clean_fields(self, given: Mapping[str, object]) -> dict[str, FieldValue]:
        """The given values in their declared types, blanks left out. Raises FieldError."""
        declared = {field.name: field for field in self.fields}
        for name in given:
            if name not in declared:
                listed = ", ".join(declared) or "none"
                raise UnknownField(
                    f"{self.name} has no field {name!r}. Its fields: {listed}.", field=name
                )
        cleaned: dict[str, FieldValue] = {}
        for name, field in declared.items():
            value = field.clean(given.get(name))
            if value is not None and given.get(name) not in (None, ""):
                cleaned[name] = value
        return cleaned

    def field_values(self, stored: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
        """The stored values of a connection with the declared defaults for the others."""
        values: dict[str, FieldValue] = {}
        for field in self.fields:
            value = stored.get(field.name, field.default)
            if value is not None:
                values[field.name] = value
        return values
