"""Moments: Unix seconds, and what the columns of a Django site hold, with ``USE_TZ`` and without.

Without it columns hold the site's own time (``TIME_ZONE``) and no offset, and only PostgreSQL would
take anything else.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from django.utils import timezone

from connectors.conf import setting

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)
_DAY = timedelta(days=1)


def from_unix(seconds: float) -> datetime:
    """Unix seconds as a column takes them; ``OverflowError`` or ``OSError`` for no such time."""
    return storable(datetime.fromtimestamp(seconds, UTC))


def storable(moment: datetime) -> datetime:
    """A moment as a column takes it; one without an offset is meant in the site's time.

    ``OverflowError`` within a day of either end of the calendar, where other zones have no such
    time. Without ``USE_TZ`` the hour that autumn has twice is told as its first.
    """
    if not _BEGINNING + _DAY < moment.replace(tzinfo=UTC) < _END - _DAY:
        raise OverflowError(f"{moment} is not in the calendar of every time zone.")
    if setting("USE_TZ"):
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    if timezone.is_naive(moment):
        return moment
    return moment.astimezone(_site_zone()).replace(tzinfo=None)


def local(moment: datetime) -> datetime:
    """What a column holds, in the time of whoever looks at it."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def in_utc(moment: datetime) -> datetime:
    """What a column holds, in UTC; the calendar's end where that would be beyond it."""
    try:
        if timezone.is_naive(moment) and (zone := _site_zone()) is not None:
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return _BEGINNING if moment.year == _BEGINNING.year else _END


def _site_zone() -> tzinfo | None:
    """The site's zone; None where its settings leave that to the machine."""
    return timezone.get_default_timezone() if setting("TIME_ZONE") else None
