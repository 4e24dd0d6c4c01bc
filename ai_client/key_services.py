"""The only writer of gateway keys. Every write moves the configuration's version."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypedDict, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from ai_client.gateway_keys import derive_pepper, digest_key, generate_key, key_prefix
from ai_client.models import GatewayKey
from connectors import services
from connectors.models import Connection

LONGEST_MODEL_ENTRY = 300
MOST_ENTRIES = 200


class KeyValues(TypedDict, total=False):
    """What can be said of a key; see ``models.GatewayKey``. What is left out stays as it is."""

    name: str
    enabled: bool
    allow_fallback: bool
    expires_at: datetime | None
    caller: str
    allowed_connections: list[str]
    allowed_models: list[str]
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrency: int | None
    budget_per_day: Decimal | None
    budget_per_month: Decimal | None


WRITABLE = tuple(KeyValues.__annotations__)


def create_gateway_key(name: str, /, **values: Unpack[KeyValues]) -> tuple[GatewayKey, str]:
    """A new key, and its plain text, which is not kept and cannot be had again.

    ``ValidationError`` if the name is empty, too long or taken, if it or the caller holds a line
    break, a control character or one that turns the direction of text, if the expiry has passed, a
    limit is not above zero, or a connection does not exist.
    """
    plain = _unused_key()
    key = GatewayKey(
        prefix=key_prefix(plain), digest=digest_key(plain, peppers()[0]), **{**values, "name": name}
    )
    _check(key, known=())
    with transaction.atomic():
        key.save(force_insert=True)
        services.bump_version()
    return key, plain


def update_gateway_key(key: GatewayKey, **values: Unpack[KeyValues]) -> None:
    """Change what is given; ``ValidationError`` as for a new key, and then nothing is changed."""
    for name, value in values.items():
        setattr(key, name, value)
    save_gateway_key(key)


def save_gateway_key(key: GatewayKey) -> None:
    """Store changes to an existing key's name, rights, limits or expiry; errors as above."""
    stored = GatewayKey.objects.filter(pk=key.pk).values_list("allowed_connections", flat=True)
    _check(key, known=stored.first() or ())
    with transaction.atomic():
        key.save(update_fields=WRITABLE)
        services.bump_version()


def rotate_gateway_key(key: GatewayKey) -> str:
    """Give the key another plain text, which is returned and not kept; the former one is void."""
    plain = _unused_key()
    key.prefix, key.digest = key_prefix(plain), digest_key(plain, peppers()[0])
    with transaction.atomic():
        key.save(update_fields=("prefix", "digest"))
        services.bump_version()
    return plain


def revoke_gateway_key(key: GatewayKey) -> None:
    """Switch a key off; its rows in the log go on naming it."""
    key.enabled = False
    with transaction.atomic():
        key.save(update_fields=("enabled",))
        services.bump_version()


def delete_gateway_key(key: GatewayKey) -> None:
    """Delete a key. Its rows in the log keep its name."""
    with transaction.atomic():
        key.delete()
        services.bump_version()


def peppers() -> tuple[bytes, ...]:
    """The HMAC keys for digests: of SECRET_KEY, which makes new ones, then of the fallbacks."""
    return _derived((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def check_scope(connections: object, models: object, known: Iterable[str] = ()) -> None:
    """``ValidationError`` unless both are lists of names and the connections exist.

    ``known`` are connections that the key names already: one that was deleted since may stay.
    """
    problems: dict[str, str] = {}
    for field, entries in (("allowed_connections", connections), ("allowed_models", models)):
        if not _is_names(entries):
            problems[field] = _(
                "It takes a list of names, at most %(most)d, each of 1 to %(longest)d characters."
            ) % {"most": MOST_ENTRIES, "longest": LONGEST_MODEL_ENTRY}
    if "allowed_connections" not in problems and isinstance(connections, list) and connections:
        existing = set(Connection.objects.values_list("name", flat=True))
        missing = [name for name in connections if name not in existing | set(known)]
        if missing:
            problems["allowed_connections"] = _(
                "There is no connection %(missing)s. There are: %(existing)s."
            ) % {"missing": ", ".join(missing), "existing": ", ".join(sorted(existing)) or "-"}
    if problems:
        raise ValidationError(problems)


def _check(key: GatewayKey, known: Iterable[str]) -> None:
    problems: dict[str, list[str]] = {}
    try:
        key.full_clean(exclude=("digest",))
    except ValidationError as error:
        problems |= error.message_dict
    try:
        check_scope(key.allowed_connections, key.allowed_models, known)
    except ValidationError as error:
        problems |= error.message_dict
    if problems:
        raise ValidationError(problems)


def _is_names(entries: object) -> bool:
    return (
        isinstance(entries, list)
        and len(entries) <= MOST_ENTRIES
        and all(
            isinstance(each, str)
            and 0 < len(each.strip()) == len(each) <= LONGEST_MODEL_ENTRY
            and each.isprintable()
            for each in entries
        )
    )


def _unused_key() -> str:
    plain = generate_key()
    while GatewayKey.objects.filter(prefix=key_prefix(plain)).exists():
        plain = generate_key()
    return plain


@lru_cache(maxsize=4)
def _derived(secrets: tuple[str | bytes, ...]) -> tuple[bytes, ...]:
    return tuple(derive_pepper(secret) for secret in secrets)
