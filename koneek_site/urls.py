"""The site's addresses. Each app brings its own, so that other sites can include them too."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

_ICON = lazy(static, str)("favicon.svg")

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="connectors_page:index")),
    path("favicon.ico", RedirectView.as_view(url=_ICON)),
    path("admin/", admin.site.urls),
    path("settings/connectors/", include("connectors.urls")),
    path("", include("ai_client.gateway.urls")),
    path("", include("connectors.api.urls")),
    path("", include("ai_client.api.urls")),
]
