"""The gateway's callers, for decisions before they ask: a source of ``connectors.callers``."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q
from django.utils import timezone

from ai_client import conf
from ai_client.approvals import caller_label, gateway_caller
from ai_client.models import GatewayKey


def gateway_callers() -> Iterator[str]:
    """The keys that open the gateway now; where it asks for none, everybody under one name."""
    if not conf.current().REQUIRE_GATEWAY_KEY:
        yield caller_label(gateway_caller(None))
        return
    lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    keys = GatewayKey.objects.filter(lasting, enabled=True)
    for name, caller in keys.values_list("name", "caller"):
        yield caller_label(gateway_caller(caller or name))
