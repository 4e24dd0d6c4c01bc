"""Who may do what: staff with Django's permissions, and nobody else.

A view says in ``required_permissions`` what each of its methods takes. A method that it leaves out
is closed to everybody, superusers included, so that a forgotten entry opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rest_framework.exceptions import MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

VIEW: Final = "connectors.view_connection"
ADD: Final = "connectors.add_connection"
CHANGE: Final = "connectors.change_connection"
DELETE: Final = "connectors.delete_connection"
REPLACE_KEY: Final = "connectors.replace_key"
TEST: Final = "connectors.test_connection"
DECIDE: Final = "connectors.decide_approval"

RequiredPermissions: TypeAlias = Mapping[str, tuple[str, ...]]


class StaffWithPermissions(BasePermission):
    """Active staff that has every permission that the view requires for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not is_staff(request.user):
            return False
        method = request.method or ""
        if method not in view.allowed_methods:
            raise MethodNotAllowed(method)
        required: RequiredPermissions = getattr(view, "required_permissions", {})
        if method == "OPTIONS" and method not in required:
            return any(has_all(request, needed) for needed in required.values())
        needed = required.get("GET" if method == "HEAD" else method)
        if needed is None:
            return False
        require(request, *needed)
        return True


def is_staff(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether somebody is logged in, active, and one of the site's staff."""
    return bool(user.is_authenticated and user.is_active and getattr(user, "is_staff", False))


def has_all(request: Request, permissions: tuple[str, ...]) -> bool:
    """Whether the user has every one of the permissions."""
    return bool(request.user.has_perms(permissions))


def require(request: Request, *permissions: str) -> None:
    """Raises PermissionDenied that names the permissions which are missing."""
    missing = [each for each in permissions if not request.user.has_perm(each)]
    if missing:
        what = ngettext(
            "This needs the permission %(names)s.",
            "This needs the permissions %(names)s.",
            len(missing),
        )
        joined_by = _("and")
        raise PermissionDenied(what % {"names": f" {joined_by} ".join(missing)})
