"""The OpenAPI document of this REST face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.api.base import ConnectorsView

_PATH = "/connectors/v1/schema"


class SchemaView(ConnectorsView):
    """OpenAPI 3, as JSON or YAML, for whoever may look at connections."""

    schema = None
    renderer_classes = (
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer2,
        OpenApiYamlRenderer,
    )
    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": ("connectors.view_connection",)
    }

    def get(self, request: Request) -> Response:
        """The document, with the place where this site has mounted the API."""
        generator: Any = SchemaGenerator
        document: dict[str, Any] = generator(urlconf="connectors.api.urls").get_schema(
            request=None, public=True
        )
        document["info"] = {
            "title": "Connectors",
            "version": "1",
            "description": "Settings and connections. Errors are problem details (RFC 9457).",
        }
        prefix = request.path.removesuffix(_PATH)
        document["servers"] = [{"url": prefix or "/"}]
        return Response(document)
