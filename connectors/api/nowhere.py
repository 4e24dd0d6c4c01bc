"""What is at no address, so that it is a problem document too."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from connectors.api.base import ConnectorsView
from connectors.api.permissions import is_staff


class Staff(BasePermission):
    """Staff, whatever it may do: who may see nothing is not told what is missing either."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return is_staff(request.user)


@extend_schema(exclude=True)
class NowhereView(ConnectorsView):
    """404 for every address below the API's that has no view."""

    permission_classes = (Staff,)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Answers before the method matters."""
        super().initial(request, *args, **kwargs)
        raise NotFound(_("There is nothing at this address."))
