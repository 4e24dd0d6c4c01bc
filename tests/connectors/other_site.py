"""URLs of a site with an admin site of its own and the page under another prefix."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.urls import include, path

office = AdminSite(name="office")
office.site_header = "The Office"

urlpatterns = [
    path("office/", office.urls),
    path("deep/down/connectors/", include("connectors.urls")),
]
