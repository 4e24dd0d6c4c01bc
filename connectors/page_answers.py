"""How the page's views are reached and how they answer: login, permissions, policy, parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeAlias

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.debug import sensitive_post_parameters

from connectors.admin_sites import admin_site
from connectors.content_security import HEADER, new_nonce, protect
from connectors.page_parts import Editor, page_context
from connectors.service_cards import RefusedService

Action: TypeAlias = Literal["view", "add", "change", "delete", "replace_key", "test", "decide"]

_PERMISSIONS: dict[str, str] = {
    "view": "connectors.view_connection",
    "add": "connectors.add_connection",
    "change": "connectors.change_connection",
    "delete": "connectors.delete_connection",
    "replace_key": "connectors.replace_key",
    "test": "connectors.test_connection",
    "decide": "connectors.decide_approval",
}

_Arguments = ParamSpec("_Arguments")
View: TypeAlias = Callable[Concatenate["Page", _Arguments], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Page:
    """One request for the page, or for a part of it, by somebody who may see it."""

    request: HttpRequest
    site: AdminSite

    def may(self, action: Action) -> bool:
        """Whether the person may do that."""
        return self.request.user.has_perm(_PERMISSIONS[action])

    def require(self, *actions: Action) -> None:
        """Raises PermissionDenied unless the person may do all of that."""
        if not all(self.may(action) for action in actions):
            raise PermissionDenied

    def allowed(self) -> dict[str, bool]:
        """What the person may do, for the templates."""
        return {action: self.request.user.has_perm(name) for action, name in _PERMISSIONS.items()}


def page_view(*methods: str) -> Callable[[View[_Arguments]], Callable[..., HttpResponseBase]]:
    """A view behind the login of the admin site, for those who may view connections."""

    def decorated(view: View[_Arguments]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        @sensitive_post_parameters("api_key", "api_key_env", "secret")
        def reached(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            site = admin_site()
            # Links to "admin:" then lead to this site where there are several.
            request.current_app = site.name

            def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                page = Page(request, site)
                page.require("view")
                if request.method not in methods:
                    return HttpResponseNotAllowed(methods)
                response = view(page, *args, **kwargs)
                if not response.has_header(HEADER):
                    protect(response)
                return response

            answer: HttpResponseBase = site.admin_view(inside)(request, *args, **kwargs)
            return answer

        return reached

    return decorated


def wants_part(request: HttpRequest, *parts: str) -> bool:
    """Whether the page's script asks for one of these parts only."""
    return request.headers.get("X-Part") in parts


def go_to(page: Page, place: str = "") -> HttpResponse:
    """To the list, at a place (``#…``) in it; the page's script brings itself up to date."""
    target = reverse("connectors_page:index") + place
    if wants_part(page.request, "editor", "page"):
        return HttpResponse(status=204, headers={"X-Location": target})
    return HttpResponseRedirect(target)


def render_page(
    page: Page,
    editor: Editor | None = None,
    status: int = 200,
    refused: RefusedService | None = None,
) -> HttpResponse:
    """The whole page, with one connection open if ``editor`` is given."""
    return render_part(page, "connectors/page.html", editor, status, refused)


def render_part(
    page: Page,
    template: str,
    editor: Editor | None = None,
    status: int = 200,
    refused: RefusedService | None = None,
) -> HttpResponse:
    """One part of the page."""
    return render_context(page, template, page_context(page.request, editor, refused), status)


def render_context(
    page: Page, template: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """A template within the admin site's look, with the policy and a nonce of this answer."""
    nonce = new_nonce()
    everything = {
        **context,
        "allowed": page.allowed(),
        "csp_nonce": nonce,
        **page.site.each_context(page.request),
    }
    response = HttpResponse(render_to_string(template, everything, page.request), status=status)
    patch_vary_headers(response, ("X-Part", "Cookie"))
    protect(response, nonce)
    return response
