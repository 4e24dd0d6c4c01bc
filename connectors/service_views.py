"""Saving the key or the application password of a service, as ``/wp/v2/settings`` does."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors import settings_group
from connectors.errors import ConnectorError
from connectors.page_answers import Page, go_to, page_view, render_page, render_part, wants_part
from connectors.service_cards import RefusedService, service_settings
from connectors.services.settings_group import save_settings
from connectors.settings_group import RegisteredSetting

UNPROCESSABLE = 422


@page_view("POST")
@sensitive_variables()
def service(page: Page, slug: str) -> HttpResponse:
    """Stores what was typed, or removes what is stored where ``remove`` says so."""
    page.require("change", "replace_key")
    setting = service_settings().get(slug)
    if setting is None:
        raise Http404(_("There is no such service."))
    sent = page.request.POST
    removing = bool(sent.get("remove"))
    refused = _refused(setting, None if removing else _typed(setting, sent))
    if refused:
        typed = RefusedService(slug, refused, sent.get("username", "").strip())
        if wants_part(page.request, "page"):
            return render_part(page, "connectors/services.html", None, UNPROCESSABLE, typed)
        return render_page(page, None, UNPROCESSABLE, typed)
    text = _("Removed what was stored for %(name)s.") if removing else _("Saved %(name)s.")
    connector = setting.connector
    messages.success(page.request, text % {"name": connector.name if connector else slug})
    return go_to(page, f"#service-{slug}")


@sensitive_variables()
def _typed(setting: RegisteredSetting, sent: Mapping[str, str]) -> str | dict[str, str]:
    """The setting as it was typed. A blank password keeps the one that is stored."""
    secret = sent.get("secret", "")
    if setting.type == "string":
        return secret
    pair = {"username": sent.get("username", "").strip()}
    return pair | {"password": secret} if secret else pair


@sensitive_variables()
def _refused(setting: RegisteredSetting, value: str | dict[str, str] | None) -> str:
    """Stores the value; returns why not, blank where it was stored."""
    if isinstance(value, str) and not value.strip():
        return _("Type the key.")
    if isinstance(value, dict):
        if not value["username"]:
            return _("Type the user name.")
        stored = settings_group.read([setting])[setting.name].stored
        if "password" not in value and not (isinstance(stored, dict) and stored["password"]):
            return _("Type the password.")
    try:
        refusals = save_settings({setting.name: value})
    except ConnectorError as error:
        return error.message
    return refusals[0].message if refusals else ""
