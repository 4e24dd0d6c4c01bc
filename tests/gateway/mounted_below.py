"""An URLconf with the gateway below a prefix, for a site that has a use of its own for /v1."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("ai/", include("ai_client.gateway.urls"))]
