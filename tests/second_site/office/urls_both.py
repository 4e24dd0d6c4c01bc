"""The page and, below a prefix, the gateway."""

from __future__ import annotations

from django.urls import include, path

from office import urls_alone

urlpatterns = [*urls_alone.urlpatterns, path("ai/", include("ai_client.gateway.urls"))]
