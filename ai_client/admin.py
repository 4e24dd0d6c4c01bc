"""Gateway keys and the request log in Django's admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ai_client import key_services
from ai_client.models import GatewayKey, RequestLog

if TYPE_CHECKING:
    _GatewayKeyAdmin = admin.ModelAdmin[GatewayKey]
    _RequestLogAdmin = admin.ModelAdmin[RequestLog]
else:
    _GatewayKeyAdmin = _RequestLogAdmin = admin.ModelAdmin


@admin.register(GatewayKey)
class GatewayKeyAdmin(_GatewayKeyAdmin):
    """Keys are made here and shown once; every write goes through ``key_services``."""

    list_display = ("name", "shown_prefix", "enabled", "allow_fallback", "expires_at", "created")
    list_filter = ("enabled", "allow_fallback")
    search_fields = ("name", "prefix")
    actions = ("revoke",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A filter by the digest would tell it bit by bit."""
        if lookup.partition("__")[0] == "digest":
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_fields(self, request: HttpRequest, obj: GatewayKey | None = None) -> tuple[str, ...]:
        """A new key is on; its prefix is not known before it is made."""
        if obj is None:
            return ("name", "allow_fallback", "expires_at")
        return ("name", "shown_prefix", "enabled", "allow_fallback", "expires_at", "created")

    def get_readonly_fields(
        self, request: HttpRequest, obj: GatewayKey | None = None
    ) -> tuple[str, ...]:
        """What a key is cannot be changed, only what it may do."""
        return () if obj is None else ("shown_prefix", "created")

    @admin.display(description=_("key"), ordering="prefix")
    def shown_prefix(self, key: GatewayKey) -> str:
        """The part of the key that is known."""
        return f"{key.prefix}…"

    @admin.action(description=_("Revoke selected gateway keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[GatewayKey]) -> None:
        """Switch keys off."""
        for key in queryset:
            key_services.revoke_gateway_key(key)
            self.log_change(request, key, gettext("Revoked."))

    def save_model(
        self, request: HttpRequest, obj: GatewayKey, form: ModelForm[GatewayKey], change: bool
    ) -> None:
        """Make or change a key; a new one's plain text stays with the request, for its answer."""
        if change:
            key_services.save_gateway_key(obj)
            return
        key, plain = key_services.create_gateway_key(
            obj.name, allow_fallback=obj.allow_fallback, expires_at=obj.expires_at
        )
        obj.pk, obj.prefix, obj.created = key.pk, key.prefix, key.created
        setattr(request, _PLAIN, plain)

    def delete_model(self, request: HttpRequest, obj: GatewayKey) -> None:
        """Delete a key."""
        key_services.delete_gateway_key(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[GatewayKey]) -> None:
        """Delete keys."""
        for key in queryset:
            key_services.delete_gateway_key(key)

    def response_add(
        self, request: HttpRequest, obj: GatewayKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key in this very answer.

        After a redirect it would have waited in a cookie or in the session's table until then.
        """
        messages.success(
            request,
            format_html(
                gettext(
                    "The gateway key “{name}” was made: <code>{key}</code> Copy it now: it is not "
                    'stored and cannot be shown again. <a href="{address}">All gateway keys</a>'
                ),
                name=obj.name,
                key=getattr(request, _PLAIN),
                address=reverse(f"{self.admin_site.name}:ai_client_gatewaykey_changelist"),
            ),
        )
        title = gettext("Gateway key “%(name)s”") % {"name": obj.name}
        context = {**self.admin_site.each_context(request), "title": title}
        return TemplateResponse(request, "admin/base_site.html", context)


@admin.register(RequestLog)
class RequestLogAdmin(_RequestLogAdmin):
    """The request log, to be read."""

    list_display = (
        "created",
        "request_id",
        "gateway_key_name",
        "requested_model",
        "connection",
        "model",
        "outcome",
        "status",
        "attempt_count",
        "total_tokens",
        "cost",
        "total_ms",
    )
    list_filter = ("outcome", "connection", "provider", "dialect", "stream", "gateway_key")
    search_fields = ("=request_id",)
    date_hierarchy = "created"
    list_per_page = 50
    show_full_result_count = False
    exclude = ("attempts",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: RequestLog | None = None
    ) -> tuple[str, ...]:
        """Everything, with the attempts as a table."""
        names = [field.name for field in RequestLog._meta.concrete_fields]
        shown = (name for name in names if name not in ("id", "attempts"))
        return (*shown, "attempts_table")

    @admin.display(description=_("attempts"))
    def attempts_table(self, row: RequestLog) -> SafeString:
        """Each attempt with its class, status, time and message."""
        head = format_html_join(
            "", '<th scope="col">{}</th>', ((label,) for label in _COLUMNS.values())
        )
        body = format_html_join(
            "",
            "<tr>{}</tr>",
            (
                (
                    format_html_join(
                        "", "<td>{}</td>", ((_shown(attempt.get(name)),) for name in _COLUMNS)
                    ),
                )
                for attempt in row.attempts
            ),
        )
        return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from requests alone."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: RequestLog | None = None) -> bool:
        """History is not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RequestLog | None = None) -> bool:
        """``prune_request_log`` deletes."""
        return False


_PLAIN = "_new_gateway_key"
_COLUMNS = {
    "connection": _("connection"),
    "model": _("model"),
    "class": _("class"),
    "error": _("error"),
    "status": _("status"),
    "ms": _("ms"),
    "message": _("message"),
}


def _shown(value: object) -> object:
    return "" if value is None else value
