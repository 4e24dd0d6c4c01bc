"""Re-encrypting what an older key of the ring encrypted, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from django.db.models import Model
from django.views.decorators.debug import sensitive_variables

from connectors import crypto
from connectors.credentials import key_binding, option_binding
from connectors.crypto import Binding
from connectors.errors import Undecryptable
from connectors.models import Connection, Option
from connectors.services.versions import bump_version, writing


@dataclass(frozen=True, slots=True)
class Rotation:
    """What one batch did, and what still waits. ``unreadable`` are among the remaining."""

    rotated: int
    remaining: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Secret:
    row: Model
    column: str
    binding: Binding
    shown: str

    @property
    def envelope(self) -> str:
        return str(getattr(self.row, self.column))


def rotate_keys(batch_size: int = 100) -> Rotation:
    """Re-encrypt up to ``batch_size`` secrets under the first key, in one transaction.

    Call it until ``rotated`` is 0; it can be interrupted between any two calls, and a call that
    fails leaves its batch as it was. What a connection is does not change, so neither does its
    revision. Raises MalformedKeyRing.
    """
    rotated, unreadable, waiting = 0, [], 0
    with writing() as database:
        for secret in _outdated(database):
            if rotated == batch_size:
                waiting += 1
            elif _rotate(secret, database):
                rotated += 1
            else:
                unreadable.append(secret.shown)
        if rotated:
            bump_version()
    return Rotation(rotated, waiting + len(unreadable), tuple(unreadable))


def unreadable_secrets(database: str) -> list[str]:
    """The names of the connections and options whose secret cannot be decrypted."""
    return [secret.shown for secret in _secrets(database) if not _opens(secret)]


@sensitive_variables()
def _rotate(secret: _Secret, database: str) -> bool:
    try:
        plaintext = crypto.decrypt(secret.envelope, secret.binding)
    except Undecryptable:
        return False
    setattr(secret.row, secret.column, crypto.encrypt(plaintext, secret.binding))
    secret.row.save(using=database, update_fields=[secret.column])
    return True


def _opens(secret: _Secret) -> bool:
    try:
        crypto.decrypt(secret.envelope, secret.binding)
    except Undecryptable:
        return False
    return True


def _outdated(database: str) -> Iterator[_Secret]:
    return (secret for secret in _secrets(database) if crypto.needs_rotation(secret.envelope))


def _secrets(database: str) -> Iterator[_Secret]:
    connections = Connection.objects.using(database).exclude(api_key_encrypted="").order_by("name")
    options = Option.objects.using(database).filter(encrypted=True).order_by("name")
    return chain(
        (
            _Secret(row, "api_key_encrypted", key_binding(row), f"connection {row.name}")
            for row in connections
        ),
        (_Secret(row, "value", option_binding(row), f"option {row.name}") for row in options),
    )
