"""Old rows of the request log leave a few at a time, so that nobody waits for the database."""

from __future__ import annotations

from datetime import datetime

from ai_client.models import RequestLog

BATCH = 500
"""Rows deleted by one statement."""


def delete_batch(before: datetime, limit: int = BATCH) -> int:
    """Delete up to ``limit`` of the oldest rows from before that time; how many there were.

    Each call is one short transaction. Fewer than ``limit`` means that none are left.
    """
    old = RequestLog.objects.filter(created__lt=before).order_by("created", "id")
    batch = list(old.values_list("pk", flat=True)[:limit])
    if not batch:
        return 0
    RequestLog.objects.filter(pk__in=batch).delete()
    return len(batch)


def delete_older(before: datetime) -> int:
    """Delete all rows from before that time, batch by batch; how many there were."""
    total = 0
    while count := delete_batch(before):
        total += count
    return total
