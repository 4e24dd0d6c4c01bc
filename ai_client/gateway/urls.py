"""URLconf of the gateway, for sites that mount it as Django views."""

from __future__ import annotations

from django.urls import path

from ai_client.gateway.endpoints import ENDPOINTS
from ai_client.gateway.views import gateway_view

app_name = "gateway"
urlpatterns = [
    path(
        each.path[1:].replace("{model}", "<path:model>"),
        gateway_view,
        {"endpoint": each},
        name=each.path[1:].replace("{model}", "model").replace("/", "-").replace(":", "-"),
    )
    for each in ENDPOINTS
]
