"""The only writer of gateway keys. Every write moves the configuration's version."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.db import transaction

from ai_client.gateway_keys import derive_pepper, digest_key, generate_key, key_prefix
from ai_client.models import GatewayKey
from connectors import services


def create_gateway_key(
    name: str, *, allow_fallback: bool = True, expires_at: datetime | None = None
) -> tuple[GatewayKey, str]:
    """A new key, and its plain text, which is not kept and cannot be had again.

    ``ValidationError`` if the name is empty, too long or taken, or the expiry has passed.
    """
    plain = generate_key()
    while GatewayKey.objects.filter(prefix=key_prefix(plain)).exists():
        plain = generate_key()
    key = GatewayKey(
        name=name,
        prefix=key_prefix(plain),
        digest=digest_key(plain, peppers()[0]),
        allow_fallback=allow_fallback,
        expires_at=expires_at,
    )
    key.full_clean(exclude=("digest",))
    with transaction.atomic():
        key.save(force_insert=True)
        services.bump_version()
    return key, plain


def save_gateway_key(key: GatewayKey) -> None:
    """Store changes to an existing key's name, rights or expiry; ``ValidationError`` as above."""
    key.full_clean(exclude=("digest",))
    with transaction.atomic():
        key.save(update_fields=("name", "allow_fallback", "enabled", "expires_at"))
        services.bump_version()


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


@lru_cache(maxsize=4)
def _derived(secrets: tuple[str | bytes, ...]) -> tuple[bytes, ...]:
    return tuple(derive_pepper(secret) for secret in secrets)
