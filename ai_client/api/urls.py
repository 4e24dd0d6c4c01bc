"""Addresses of the REST face; include them at the root, or below a prefix."""

from __future__ import annotations

from django.urls import path

from ai_client.api.description import AiSchemaView
from ai_client.api.keys import GatewayKeysView, GatewayKeyView, RotationView
from connectors.api.nowhere import NowhereView

app_name = "ai_client_api"

urlpatterns = [
    path("ai/v1/schema", AiSchemaView.as_view(), name="schema"),
    path("ai/v1/keys", GatewayKeysView.as_view(), name="keys"),
    path("ai/v1/keys/<int:pk>", GatewayKeyView.as_view(), name="key"),
    path("ai/v1/keys/<int:pk>/rotate", RotationView.as_view(), name="rotate"),
    path("ai/v1/<path:rest>", NowhereView.as_view(), name="nowhere"),
]
