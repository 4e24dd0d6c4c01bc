"""What goes out: gateway keys as JSON, without the key itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import TypedDict

import orjson

from ai_client.key_services import WRITABLE
from ai_client.key_use import KeyUse, uses
from ai_client.models import GatewayKey
from connectors.moments import in_utc


class KeyUseShown(TypedDict):
    """What a key has used; costs are US dollars as text, so that no digit is lost."""

    requests_today: int
    tokens_today: int
    cost_today: str
    requests_this_month: int
    tokens_this_month: int
    cost_this_month: str


class GatewayKeyShown(TypedDict):
    """A gateway key; its plain text is never part of it."""

    id: int
    name: str
    prefix: str
    enabled: bool
    allow_fallback: bool
    expires_at: str | None
    caller: str
    allowed_connections: list[str]
    allowed_models: list[str]
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrency: int | None
    budget_per_day: str | None
    budget_per_month: str | None
    created: str
    last_used: str | None
    use: KeyUseShown


class NewGatewayKeyShown(GatewayKeyShown):
    """A gateway key that has just been made, with its plain text, which cannot be had again."""

    key: str


def keys_shown(keys: Iterable[GatewayKey]) -> list[GatewayKeyShown]:
    """Keys in the given order, in a number of queries that does not grow with them."""
    listed = list(keys)
    used = uses(listed)
    return [_shown(key, used.get(key.pk, KeyUse())) for key in listed]


def key_shown(key: GatewayKey) -> GatewayKeyShown:
    """One key."""
    return keys_shown([key])[0]


def new_key_shown(key: GatewayKey, plain: str) -> NewGatewayKeyShown:
    """One key with its plain text."""
    return {**key_shown(key), "key": plain}


def etag_of(key: GatewayKey) -> str:
    """The tag of what can be written of a key, and of the key itself; use does not move it."""
    shown = {name: value for name, value in key_shown(key).items() if name in WRITABLE}
    text = orjson.dumps([key.prefix, shown], option=orjson.OPT_SORT_KEYS)
    return f'"{sha256(text).hexdigest()[:32]}"'


def _shown(key: GatewayKey, use: KeyUse) -> GatewayKeyShown:
    return {
        "id": key.pk,
        "name": key.name,
        "prefix": key.prefix,
        "enabled": key.enabled,
        "allow_fallback": key.allow_fallback,
        "expires_at": _moment(key.expires_at),
        "caller": key.caller,
        "allowed_connections": key.allowed_connections,
        "allowed_models": key.allowed_models,
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "concurrency": key.concurrency,
        "budget_per_day": _money(key.budget_per_day),
        "budget_per_month": _money(key.budget_per_month),
        "created": in_utc(key.created).isoformat(),
        "last_used": _moment(key.last_used),
        "use": {
            "requests_today": use.requests_today,
            "tokens_today": use.tokens_today,
            "cost_today": str(use.cost_today),
            "requests_this_month": use.requests_this_month,
            "tokens_this_month": use.tokens_this_month,
            "cost_this_month": str(use.cost_this_month),
        },
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else in_utc(moment).isoformat()


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"
