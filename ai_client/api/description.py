"""The OpenAPI document of this REST face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ai_client.api.permissions import VIEW
from connectors.api.description import SchemaView


class AiSchemaView(SchemaView):
    """OpenAPI 3, as JSON or YAML, for whoever may look at gateway keys."""

    urlconf = "ai_client.api.urls"
    own_path = "/ai/v1/schema"
    title = "AI client"
    about = "Gateway keys. Errors are problem details (RFC 9457)."
    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": (VIEW,)}
