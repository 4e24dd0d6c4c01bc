"""URLconf of the gateway, for sites that mount it as Django views."""

from __future__ import annotations

from django.urls import path, re_path

from ai_client.gateway.endpoints import ENDPOINTS
from ai_client.gateway.views import gateway_view, unknown_view

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
# Programs read no page of HTML. An address of the site's own below these goes before the include.
urlpatterns.append(re_path(r"^(?P<path>v1(?:beta)?/.*)$", unknown_view, name="unknown"))
