"""What gateway keys used, by key and day, kept beside the rows of the log that tell of it.

Written in the transaction that stores the rows, once per batch and not per request. Whoever counts
what is not stored yet, as budgets do, must not count a record twice: ``STORING`` is held from the
beginning of that transaction until ``stored`` has been told of it, and by a reader while it reads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.db.models import F, Q

from ai_client.models import GatewayKey, GatewayKeyUsage, RequestLog
from ai_client.records import Outcome, RequestRecord
from connectors.moments import from_unix

MOST_TOKENS = 10**9
"""What one request is believed at most; an upstream may say anything."""

_NOTHING = Decimal(0)
_FREE = "count_tokens"
"""How the dialects end in which tokens are counted, for which nobody is billed."""
_DAY = 86_400
"""Seconds; days in UTC begin at its multiples."""


class StoringLock:
    """A lock that a forked child gets anew: its holder may be a thread of the parent."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self.lock = threading.Lock()


STORING = StoringLock()
_listeners: list[Callable[[Sequence[str]], None]] = []


def on_stored(listener: Callable[[Sequence[str]], None]) -> None:
    """Call ``listener`` with the request ids of each batch, once it is committed."""
    if listener not in _listeners:
        _listeners.append(listener)


def stored(records: Iterable[RequestRecord]) -> None:
    """A batch has been committed, or had been before. Call it holding ``STORING``."""
    ids = [each.request_id for each in records if each.gateway_key_id is not None]
    for listener in _listeners if ids else ():
        listener(ids)


def day_of(created: float) -> date:
    """The day in UTC that a request counts for: that in which it began. ``created``: Unix time."""
    return datetime.fromtimestamp(created, UTC).date()


def tokens_of(record: RequestRecord) -> int:
    """Tokens that a request used; none where no upstream told of any."""
    return 0 if record.usage is None else min(max(record.usage.total_tokens, 0), MOST_TOKENS)


def unpriced(record: RequestRecord, cost: Decimal | None) -> str:
    """Why no budget counts what was used; blank where nothing was, or it has a price."""
    if cost is not None or not record.provider:
        return ""
    if tokens_of(record):
        return (
            "unpriced: no price is known for these tokens, so the key's budget does not count "
            f"them. AI_CLIENT['PRICES'] takes one, as '{record.provider}/*'."
        )
    is_free = record.outcome is not Outcome.SUCCESS or record.dialect.endswith(_FREE)
    if record.usage is not None or is_free:
        return ""
    return (
        "unpriced: this was not counted in tokens, and nothing else has a price here, so the key's "
        "budget does not count it."
    )


def keys_of(records: Iterable[RequestRecord], using: str) -> Mapping[int, bool]:
    """The keys of ``records`` that there still are, and whether each has a budget."""
    wanted = {each.gateway_key_id for each in records if each.gateway_key_id is not None}
    if not wanted:
        return {}
    found = GatewayKey.objects.using(using).filter(pk__in=wanted)
    budgets = found.values_list("pk", "budget_per_day", "budget_per_month")
    return {key: not (day is None and month is None) for key, day, month in budgets}


@dataclass(slots=True)
class _Used:
    requests: int = 0
    tokens: int = 0
    cost: Decimal = _NOTHING


def counting(records: Sequence[RequestRecord], keys: Collection[int]) -> frozenset[str]:
    """The ids of those records that some key's use is made of; ``keys`` are those there are."""
    return frozenset([each.request_id for each in records if each.gateway_key_id in keys])


def unstored(ids: frozenset[str], using: str) -> frozenset[str]:
    """Those of ``ids`` that have no row yet; ask before storing them."""
    if not ids:
        return ids
    rows = RequestLog.objects.using(using).filter(request_id__in=ids)
    return ids.difference(rows.values_list("request_id", flat=True))


def add(
    records: Sequence[RequestRecord],
    costs: Sequence[Decimal | None],
    new: frozenset[str],
    using: str,
) -> None:
    """Add up what the ``new`` ones of a batch used, and when each key was last used.

    Keys are taken in the order of their ids, so that two processes never wait for each other.
    """
    days: dict[tuple[int, float], _Used] = {}
    last: dict[int, float] = {}
    uncounted = set(new)
    for record, cost in zip(records, costs, strict=True):
        key, created = record.gateway_key_id, record.created
        if key is None or record.request_id not in uncounted:
            continue
        uncounted.discard(record.request_id)
        if created > last.get(key, 0.0):
            last[key] = created
        used = days.get((key, created // _DAY))
        if used is None:
            used = days[key, created // _DAY] = _Used()
        used.requests += record.outcome is not Outcome.REFUSED
        used.tokens += tokens_of(record)
        if cost is not None:
            used.cost += cost
    for key, at in sorted(last.items()):
        _note_use(key, from_unix(at), using)
    for (key, number), used in sorted(days.items(), key=lambda each: each[0]):
        if used != _Used():
            _add_up(key, day_of(number * _DAY), used, using)


def _note_use(key: int, at: datetime, using: str) -> None:
    earlier = Q(last_used=None) | Q(last_used__lt=at)
    GatewayKey.objects.using(using).filter(earlier, pk=key).update(last_used=at)


def _add_up(key: int, day: date, used: _Used, using: str) -> None:
    rows = GatewayKeyUsage.objects.using(using)
    more = {
        "requests": F("requests") + used.requests,
        "tokens": F("tokens") + used.tokens,
        "cost": F("cost") + used.cost,
    }
    if not rows.filter(gateway_key_id=key, day=day).update(**more):
        rows.bulk_create([GatewayKeyUsage(gateway_key_id=key, day=day)], ignore_conflicts=True)
        rows.filter(gateway_key_id=key, day=day).update(**more)
