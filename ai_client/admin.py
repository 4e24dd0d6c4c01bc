"""Gateway keys and the request log in Django's admin."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ai_client import key_services
from ai_client.key_forms import GatewayKeyForm, limits_in_words
from ai_client.key_use import KeyUse, uses
from ai_client.log_admin import RequestLogAdmin
from ai_client.models import GatewayKey, RequestLog

if TYPE_CHECKING:
    _GatewayKeyAdmin = admin.ModelAdmin[GatewayKey]
else:
    _GatewayKeyAdmin = admin.ModelAdmin


@admin.register(GatewayKey)
class GatewayKeyAdmin(_GatewayKeyAdmin):
    """Keys are made here and shown once; every write goes through ``key_services``."""

    form = GatewayKeyForm
    list_display = (
        "name",
        "shown_prefix",
        "enabled",
        "shown_limits",
        "used_today",
        "used_this_month",
        "last_used",
        "expires_at",
    )
    list_filter = ("enabled", "allow_fallback")
    search_fields = ("name", "prefix", "caller")
    actions = ("revoke",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A filter by the digest would tell it bit by bit."""
        if lookup.partition("__")[0] == "digest":
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request: HttpRequest, obj: GatewayKey | None = None) -> Any:
        """A new key is on; its prefix and use are not known before it is made."""
        rights = ("allow_fallback", "allowed_connections", "allowed_models", "expires_at", "caller")
        limits = (
            "requests_per_minute",
            "tokens_per_minute",
            "concurrency",
            "budget_per_day",
            "budget_per_month",
        )
        shown: tuple[str, ...] = ("name",)
        if obj is not None:
            shown = ("name", "shown_prefix", "enabled", "created", "last_used")
        found = [
            (None, {"fields": shown}),
            (_("What it may do"), {"fields": rights}),
            (_("Limits"), {"fields": limits}),
        ]
        if obj is not None:
            found.append((_("Use"), {"fields": ("used_today", "used_this_month")}))
        return found

    def get_readonly_fields(
        self, request: HttpRequest, obj: GatewayKey | None = None
    ) -> tuple[str, ...]:
        """What a key is cannot be changed, only what it may do."""
        if obj is None:
            return ()
        return ("shown_prefix", "created", "last_used", "used_today", "used_this_month")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with the use of all its keys in one query."""
        found = super().get_changelist_instance(request)
        use = uses(found.result_list)
        for key in found.result_list:
            setattr(key, _USE, use.get(key.pk, KeyUse()))
        return found

    @admin.display(description=_("limits"))
    def shown_limits(self, key: GatewayKey) -> str:
        """The limits that the key has, in short."""
        return ", ".join(limits_in_words(key)) or gettext("none")

    @admin.display(description=_("used today (UTC)"))
    def used_today(self, key: GatewayKey) -> str:
        """Requests, tokens and cost of the day."""
        use = _use_of(key)
        return _use_in_words(use.requests_today, use.tokens_today, use.cost_today)

    @admin.display(description=_("used this month (UTC)"))
    def used_this_month(self, key: GatewayKey) -> str:
        """Requests, tokens and cost of the month."""
        use = _use_of(key)
        return _use_in_words(use.requests_this_month, use.tokens_this_month, use.cost_this_month)

    @admin.display(description=_("key"), ordering="prefix")
    def shown_prefix(self, key: GatewayKey) -> str:
        """The part of the key that is known."""
        return f"{key.prefix}…"

    @admin.action(description=_("Revoke selected gateway keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[GatewayKey]) -> None:
        """Switch keys off."""
        keys = list(queryset)
        for key in keys:
            key_services.revoke_gateway_key(key)
            self.log_change(request, key, gettext("Revoked."))
        said = ngettext(
            "%(number)d gateway key was revoked.",
            "%(number)d gateway keys were revoked.",
            len(keys),
        )
        messages.success(request, said % {"number": len(keys)})

    def save_model(
        self, request: HttpRequest, obj: GatewayKey, form: ModelForm[GatewayKey], change: bool
    ) -> None:
        """Make or change a key; a new one's plain text stays with the request, for its answer."""
        if change:
            key_services.save_gateway_key(obj)
            return
        given = {
            name: form.cleaned_data[name] for name in key_services.WRITABLE if name in form.fields
        }
        key, plain = key_services.create_gateway_key(given.pop("name"), **given)
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


admin.site.register(RequestLog, RequestLogAdmin)

_PLAIN = "_new_gateway_key"
_USE = "_use"


def _use_of(key: GatewayKey) -> KeyUse:
    found: KeyUse | None = getattr(key, _USE, None)
    return found if found is not None else uses([key]).get(key.pk, KeyUse())


def _use_in_words(requests: int, tokens: int, cost: Decimal) -> str:
    return gettext("%(requests)s requests, %(tokens)s tokens, %(cost)s US dollars") % {
        "requests": number_format(requests, force_grouping=True),
        "tokens": number_format(tokens, force_grouping=True),
        "cost": number_format(cost, decimal_pos=4),
    }
