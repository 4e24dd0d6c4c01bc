"""The site's addresses. Each app brings its own, so that other sites can include them too."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("settings/connectors/", include("connectors.urls")),
    path("", include("ai_client.gateway.urls")),
    path("", include("connectors.api.urls")),
    path("", include("ai_client.api.urls")),
]
