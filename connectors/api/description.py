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


class SchemaView(ConnectorsView):
    """OpenAPI 3, as JSON or YAML, for whoever may look at connections.

    Subclasses describe the REST face of another app.
    """

    schema = None
    urlconf = "connectors.api.urls"
    own_path = "/connectors/v1/schema"
    title = "Connectors"
    about = "Settings and connections. Errors are problem details (RFC 9457)."
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
        document: dict[str, Any] = generator(urlconf=self.urlconf).get_schema(
            request=None, public=True
        )
        document["info"] = {"title": self.title, "version": "1", "description": self.about}
        prefix = request.path.removesuffix(self.own_path)
        document["servers"] = [{"url": prefix or "/"}]
        return Response(document)
