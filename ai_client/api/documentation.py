"""The shapes of the REST face for its OpenAPI document. Values are checked by the services."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of the gateway key as the caller knows it.",
)
_NO_LIMIT = "null: no limit."
_BUDGET = f"US dollars, UTC. What has no known price does not count. {_NO_LIMIT}"


class GatewayKeyUse(serializers.Serializer[Any]):
    """What a key has used in the current day and month of UTC; costs in US dollars."""

    requests_today = serializers.IntegerField()
    tokens_today = serializers.IntegerField()
    cost_today = serializers.CharField()
    requests_this_month = serializers.IntegerField()
    tokens_this_month = serializers.IntegerField()
    cost_this_month = serializers.CharField()


class GatewayKeyRead(serializers.Serializer[Any]):
    """A gateway key. What opens the gateway is in the answers that make or rotate it only."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How the key begins.")
    enabled = serializers.BooleanField()
    allow_fallback = serializers.BooleanField()
    expires_at = serializers.DateTimeField(allow_null=True)
    caller = serializers.CharField(help_text="The name it is approved under; blank: its own.")
    allowed_connections = serializers.ListField(child=serializers.CharField())
    allowed_models = serializers.ListField(child=serializers.CharField())
    requests_per_minute = serializers.IntegerField(allow_null=True)
    tokens_per_minute = serializers.IntegerField(allow_null=True)
    concurrency = serializers.IntegerField(allow_null=True)
    budget_per_day = serializers.CharField(allow_null=True, help_text="US dollars.")
    budget_per_month = serializers.CharField(allow_null=True, help_text="US dollars.")
    created = serializers.DateTimeField()
    last_used = serializers.DateTimeField(allow_null=True)
    use = GatewayKeyUse()


class NewGatewayKey(GatewayKeyRead):
    """A key that has just been made or rotated."""

    key = serializers.CharField(help_text="The key itself. It is not stored: keep it now.")


class GatewayKeyList(serializers.Serializer[Any]):
    """Gateway keys by name."""

    keys = GatewayKeyRead(many=True)


class GatewayKeyChange(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    name = serializers.CharField(required=False, max_length=100)
    enabled = serializers.BooleanField(required=False)
    allow_fallback = serializers.BooleanField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    caller = serializers.CharField(required=False, allow_blank=True, max_length=100)
    allowed_connections = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="By name; empty: all of them."
    )
    allowed_models = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="With * for any text, connection/model or model alone; empty: all of them.",
    )
    requests_per_minute = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text=_NO_LIMIT
    )
    tokens_per_minute = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text=_NO_LIMIT
    )
    concurrency = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text=_NO_LIMIT
    )
    budget_per_day = serializers.CharField(required=False, allow_null=True, help_text=_BUDGET)
    budget_per_month = serializers.CharField(required=False, allow_null=True, help_text=_BUDGET)


class GatewayKeyWrite(GatewayKeyChange):
    """A new key."""

    name = serializers.CharField(max_length=100)
