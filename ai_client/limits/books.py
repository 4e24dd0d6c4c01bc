"""What keys with budgets have spent: the sums in the database, and what is not there yet."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

from django.db.models import Q, Sum

from ai_client import conf
from ai_client.log import key_usage, rows
from ai_client.log.spool import MinuteLog
from ai_client.models import GatewayKeyUsage
from ai_client.records import RequestRecord
from ai_client.snapshot import GatewayKeyConfig, Snapshot

logger = logging.getLogger(__name__)

_NOTHING = Decimal(0)
_PATIENCE = 0.2
"""Seconds to wait for the log's writer; the next poll reads as well."""
_MOST_EARLY = 5000


@dataclass(frozen=True, slots=True)
class Spent:
    """US dollars of one day and of its month."""

    day: Decimal = _NOTHING
    month: Decimal = _NOTHING

    def at_least(self, other: Spent) -> Spent:
        """The greater of the two, by day and by month."""
        return Spent(max(self.day, other.day), max(self.month, other.month))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the database said at a time (``read``: ``time.monotonic``) of a day."""

    day: date
    read: float
    spent: Mapping[int, Spent]


@dataclass(frozen=True, slots=True)
class _Entry:
    key: int
    day: date
    cost: Decimal


class Books:
    """One per process. Requests call ``note`` and ``spent``, which wait for nobody's database.

    ``clock`` gives Unix seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._stored: set[str] = set()
        self._early: OrderedDict[str, int] = OrderedDict()
        self._readings = 0
        self._own: dict[tuple[int, date], Decimal] = {}
        self._reading = Reading(date.min, time.monotonic(), {})
        self._complain = MinuteLog(logger, logging.WARNING)

    def note(self, record: RequestRecord) -> Decimal:
        """A request of a key with a budget has ended; what it cost, zero if that is unknown."""
        cost = rows.cost_of(record, conf.prices())
        if reason := key_usage.unpriced(record, cost):
            of = record if record.connection or not record.attempts else record.attempts[-1]
            self._complain(
                "Key %r, connection %r, model %r: %s",
                record.gateway_key_name,
                of.connection,
                of.model,
                reason,
            )
        key = record.gateway_key_id
        if not cost or key is None:
            return _NOTHING
        entry = _Entry(key, key_usage.day_of(record.created), cost)
        with self._lock:
            early = self._early.pop(record.request_id, None)
            if early is None or early == self._readings:
                self._entries[record.request_id] = entry
                self._add(entry, cost)
            if early is not None:
                self._stored.add(record.request_id)
        return cost

    def spent(self, key: int) -> Spent:
        """What a key has spent today and this month, as far as this process knows."""
        today = self.today()
        with self._lock:
            reading = self._reading
            base = reading.spent.get(key, Spent())
            if reading.day != today:
                # Its day is over; the month may be. The next reading is at most a poll away.
                base = Spent(month=base.month if _same_month(reading.day, today) else _NOTHING)
            own = [
                (day, cost)
                for (owner, day), cost in self._own.items()
                if owner == key and _same_month(day, today)
            ]
        return Spent(
            base.day + sum((cost for day, cost in own if day == today), _NOTHING),
            base.month + sum((cost for _, cost in own), _NOTHING),
        )

    def today(self) -> date:
        """The day that budgets are about now."""
        return key_usage.day_of(self._clock())

    def base(self, key: int) -> tuple[Reading, Spent]:
        """What the database said last, for whoever counts from there."""
        reading = self._reading
        return reading, reading.spent.get(key, Spent())

    def stored(self, request_ids: Sequence[str]) -> None:
        """These are in the database now. Called by the log's writer before anybody reads there."""
        with self._lock:
            for each in request_ids:
                if each in self._entries:
                    self._stored.add(each)
                else:
                    # The log may be faster than the end of the request, which is noted then.
                    self._early[each] = self._readings
            while len(self._early) > _MOST_EARLY:
                self._early.popitem(last=False)

    def read(self, snapshot: Snapshot) -> None:
        """Read the database's sums for the snapshot's keys with budgets; not for a request's way.

        Raises what the database raises. Leaves all as it is while the log's writer is storing.
        """
        keys = [each.id for each in snapshot.gateway_keys.values() if _has_budget(each)]
        if not keys and not self._entries:
            return
        lock = key_usage.STORING.lock
        if not lock.acquire(timeout=_PATIENCE):
            return
        try:
            with self._lock:
                stored, self._stored = self._stored, set()
            today, at = self.today(), time.monotonic()
            try:
                reading = Reading(today, at, _sums(keys, today))
            except BaseException:
                with self._lock:
                    self._stored |= stored
                raise
            with self._lock:
                self._reading = reading
                self._readings += 1
                for request_id in stored:
                    entry = self._entries.pop(request_id, None)
                    if entry is not None:
                        self._add(entry, -entry.cost)
        finally:
            lock.release()

    def _add(self, entry: _Entry, cost: Decimal) -> None:
        place = (entry.key, entry.day)
        left = self._own.get(place, _NOTHING) + cost
        if left:
            self._own[place] = left
        else:
            self._own.pop(place, None)


def end_of_day(today: date) -> float:
    """The midnight (UTC) that ends a day, in Unix seconds."""
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return midnight.timestamp() + 86_400


def end_of_month(today: date) -> float:
    """The midnight (UTC) that ends a day's month, in Unix seconds."""
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    return datetime(year, month, 1, tzinfo=UTC).timestamp()


def _sums(keys: Iterable[int], today: date) -> dict[int, Spent]:
    wanted = list(keys)
    if not wanted:
        return {}
    found = (
        GatewayKeyUsage.objects.filter(
            gateway_key__in=wanted, day__gte=today.replace(day=1), day__lte=today
        )
        .values("gateway_key")
        .annotate(month=Sum("cost"), today=Sum("cost", filter=Q(day=today)))
        .values_list("gateway_key", "month", "today")
    )
    return {key: Spent(day or _NOTHING, month or _NOTHING) for key, month, day in found}


def _has_budget(key: GatewayKeyConfig) -> bool:
    return key.limits is not None and key.limits.has_budget


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)


@cache
def default_books() -> Books:
    """This process's."""
    return Books()
