"""URLconf of the gateway, for sites that mount it as Django views."""

from __future__ import annotations

from django.urls import path

from ai_client.gateway.core import ENDPOINTS
from ai_client.gateway.views import gateway_view

app_name = "gateway"
urlpatterns = [
    path(route[1:], gateway_view, {"route": route}, name=route[1:].replace("/", "-"))
    for route in ENDPOINTS
]
