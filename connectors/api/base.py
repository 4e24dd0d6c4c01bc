"""What all views of the REST face share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.apps import apps
from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.schemas.inspectors import ViewInspector
from rest_framework.views import APIView

from connectors.api.permissions import StaffWithPermissions
from connectors.api.problems import handle


class ConnectorsView(APIView):
    """Session (with CSRF) or token, staff with permissions, JSON, problem details.

    Said here and not in REST_FRAMEWORK, so that a site's own settings cannot open it. A token
    comes first because its challenge turns a missing login into 401 instead of 403.
    """

    permission_classes: Sequence[type[BasePermission]] = (StaffWithPermissions,)
    parser_classes: Sequence[type[BaseParser]] = (JSONParser,)
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer,)
    throttle_classes = ()
    versioning_class = None
    schema: ViewInspector | None = AutoSchema()
    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Method to the permissions that it takes; a method that is missing is closed."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Tokens only where the site has installed them."""
        token = [TokenAuthentication()] if apps.is_installed("rest_framework.authtoken") else []
        return [*token, SessionAuthentication()]

    def get_authenticate_header(self, request: Request) -> str:
        """Never blank: REST framework makes a 403 of a 401 that has no challenge."""
        return super().get_authenticate_header(request) or "Session"

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Problem details."""
        return handle

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Nothing here belongs into a cache."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
