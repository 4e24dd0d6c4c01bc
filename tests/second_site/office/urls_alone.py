"""The page at a place of the office's choice."""

from __future__ import annotations

from django.urls import include, path

from office.admin import site

urlpatterns = [
    path("back-office/lines/", include("connectors.urls")),
    path("back-office/", site.urls),
]
