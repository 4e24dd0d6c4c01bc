"""Everything that this app refuses, drawn as a tree.

::

    ConnectorError
    ├── FieldError            a value is wrong; ``field`` names it
    │   ├── InvalidBaseUrl    not an http(s) address that a key may be bound to
    │   ├── UnknownProvider   no connector of that slug is registered
    │   ├── UnknownField      the provider declares no such field
    │   └── NameTaken         another connection has the name
    ├── RegistryError         a connector was registered or removed wrongly
    ├── ConnectionMissing     no such connection
    ├── DeclarationError      a declared connection is wrong; ``field`` is the path to the value
    ├── MalformedKeyRing      KONEEK_ENCRYPTION_KEYS cannot be used
    └── Undecryptable         a stored secret cannot be read

Messages are for people who may change the configuration, in their language. They never hold a key;
of RegistryError, which only developers meet, they are English.
"""

from __future__ import annotations

from connectors.texts import gettext as _


class ConnectorError(Exception):
    """Base of all errors of this app: ``message`` for people, ``field`` for the form."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class FieldError(ConnectorError, ValueError):
    """The value of ``field`` is not acceptable."""


class InvalidBaseUrl(FieldError):
    """The base URL is not an http(s) address without user, query and fragment."""

    def __init__(self, message: str, *, field: str = "base_url") -> None:
        super().__init__(message, field=field)


class UnknownProvider(FieldError):
    """No connector of that slug is registered; the message lists those that are."""

    def __init__(self, slug: str, known: tuple[str, ...]) -> None:
        listed = ", ".join(known) if known else _("none")
        super().__init__(
            _("No provider %(slug)r is registered. Registered: %(listed)s.")
            % {"slug": slug, "listed": listed},
            field="provider",
        )


class UnknownField(FieldError):
    """The provider declares no field of that name."""


class NameTaken(FieldError):
    """Another connection already has the name, upper and lower case counting as one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            _("Another connection is named %(name)r already.") % {"name": name}, field="name"
        )


class RegistryError(ConnectorError):
    """A connector was declared, registered or unregistered wrongly."""


class ConnectionMissing(ConnectorError):
    """No connection has that id."""

    def __init__(self, pk: object) -> None:
        message = _("There is no connection with the id %(id)s.") % {"id": pk}
        super().__init__(message, field="id")


class DeclarationError(ConnectorError):
    """A declared connection is wrong. ``field`` is the path, as in ``connections[0].timeout``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}", field=path)


class MalformedKeyRing(ConnectorError):
    """KONEEK_ENCRYPTION_KEYS cannot be used as it stands."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="KONEEK_ENCRYPTION_KEYS")


class Undecryptable(ConnectorError):
    """A stored secret cannot be read: its key is gone, or it was altered or moved."""
