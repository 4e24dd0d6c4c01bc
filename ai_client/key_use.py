"""What gateway keys have used, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal

from django.db.models import Q, Sum

from ai_client.models import GatewayKey, GatewayKeyUsage

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Of the current day and month (UTC), as far as it is stored. Cost is in US dollars."""

    requests_today: int = 0
    tokens_today: int = 0
    cost_today: Decimal = _NOTHING
    requests_this_month: int = 0
    tokens_this_month: int = 0
    cost_this_month: Decimal = _NOTHING


def uses(keys: Iterable[GatewayKey]) -> Mapping[int, KeyUse]:
    """The use of each key by its id, in one query; unused keys are missing."""
    today = datetime.now(UTC).date()
    is_today = Q(day=today)
    rows = (
        GatewayKeyUsage.objects.filter(
            gateway_key__in=[key.pk for key in keys],
            day__gte=today.replace(day=1),
            day__lte=today,
        )
        .values("gateway_key")
        .annotate(
            requests_today=Sum("requests", default=0, filter=is_today),
            tokens_today=Sum("tokens", default=0, filter=is_today),
            cost_today=Sum("cost", default=_NOTHING, filter=is_today),
            requests_this_month=Sum("requests"),
            tokens_this_month=Sum("tokens"),
            cost_this_month=Sum("cost"),
        )
        .values_list("gateway_key", *(field.name for field in fields(KeyUse)))
    )
    return {key: KeyUse(*used) for key, *used in rows}
