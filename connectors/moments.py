"""Moments: Unix seconds, and what the columns of a Django site hold, with ``USE_TZ`` and without.

Without it columns hold the site's own time (``TIME_ZONE``) and no offset, and only PostgreSQL would
take anything else.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone

from connectors.conf import setting


def from_unix(seconds: float) -> datetime:
    """Unix seconds as a column takes them; ``OverflowError`` or ``OSError`` for no such time."""
    return storable(datetime.fromtimestamp(seconds, UTC))


def storable(moment: datetime) -> datetime:
    """A moment as a column takes it; one without an offset is meant in the site's time."""
    if setting("USE_TZ"):
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    if timezone.is_naive(moment):
        return moment
    return timezone.make_naive(moment, timezone.get_default_timezone())


def local(moment: datetime) -> datetime:
    """What a column holds, in the time of whoever looks at it."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def in_utc(moment: datetime) -> datetime:
    """What a column holds, in UTC."""
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment, timezone.get_default_timezone())
    return moment.astimezone(UTC)
