"""Connections and options in the admin, written through ``services`` only."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, assert_never

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from connectors import services
from connectors.credentials import ResolvedConnection, Unreadable, resolve, resolve_all
from connectors.errors import ConnectionMissing, ConnectorError
from connectors.forms import ConnectionForm, OptionForm
from connectors.models import Connection, Option

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


def key_in_words(resolved: ResolvedConnection) -> str:
    """Where a connection's key comes from, or why it cannot be used; never the key."""
    found = resolved.credential
    if isinstance(found, Unreadable):
        return gettext("Unreadable, so the connection is off. %(reason)s") % {
            "reason": found.reason
        }
    match found.source:
        case "env":
            return gettext("From the environment variable %(name)s.") % {"name": found.name}
        case "setting":
            return gettext("From the setting %(name)s.") % {"name": f"CONNECTORS[{found.name!r}]"}
        case "database":
            named = gettext("From the option %(name)s.") % {"name": found.name}
            return named if found.name else gettext("Stored here, encrypted.")
        case "app":
            return gettext("From an app that manages it itself.")
        case "none":
            return resolved.unusable or gettext("None; the provider needs none.")
        case _:
            assert_never(found.source)


class ResolvingChangeList(ChangeList):
    """Finds the keys of a whole page at once, instead of once a row."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        for resolved in resolve_all(self.result_list):
            resolved.connection.__dict__["key_words"] = key_in_words(resolved)


class WrittenByServicesAdmin(_ModelAdmin):
    """An admin whose form writes, and which says what a form could not foresee.

    ``hidden`` are columns whose content no list may be filtered by: it would tell them bit by bit.
    """

    hidden: tuple[str, ...] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if lookup.partition("__")[0] in self.hidden:
            return False
        return super().lookup_allowed(lookup, value, request)

    @method_decorator(sensitive_post_parameters("api_key", "new_value"))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ConnectorError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(request.path)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if not self.may_write(request, obj):
            kwargs["form"] = ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        obj.pk = form.write().pk
        obj.refresh_from_db()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for each in queryset:
            self.delete_model(request, each)

    def may_write(self, request: HttpRequest, obj: Model | None) -> bool:
        """Whether the page is a form, rather than a view of what is stored."""
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj)


@admin.register(Connection)
class ConnectionAdmin(WrittenByServicesAdmin):
    """Connections in their order; the key can be typed and removed, never read."""

    form = ConnectionForm
    hidden = ("api_key_encrypted",)
    list_display = ("name", "provider", "model", "priority", "enabled", "key_source")
    list_filter = ("enabled", "provider")
    search_fields = ("name", "option_name", "provider", "model")
    readonly_fields = ("option_name", "key_source", "updated")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ResolvingChangeList

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        may = request.user.has_perm("connectors.replace_key")
        return type(form.__name__, (form,), {"may_replace_key": may})

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        key: tuple[str, ...] = ()
        more = "fields"
        if self.may_write(request, obj):
            key = ("api_key", "clear_api_key") if obj else ("api_key",)
            more = "provider_fields"
        return (
            *("name", "provider", "base_url", "key_source", *key, "model", "models"),
            *(
                "priority",
                "timeout",
                "enabled",
                more,
                *(("option_name",) if obj else ()),
                "updated",
            ),
        )

    @admin.display(description=_("key"))
    def key_source(self, obj: Connection) -> str:
        """Where the key comes from, or what is wrong with it, in words."""
        if obj._state.adding:
            return "-"
        words = obj.__dict__.get("key_words")
        return words if isinstance(words, str) else key_in_words(resolve(obj))

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.key_cleared:
            messages.warning(
                request,
                _("The connection goes to another address now, so its stored key was removed."),
            )

    def delete_model(self, request: HttpRequest, obj: Connection) -> None:
        with suppress(ConnectionMissing):
            services.delete_connection(obj)


@admin.register(Option)
class OptionAdmin(WrittenByServicesAdmin):
    """Options; an encrypted value can be replaced, never read."""

    form = OptionForm
    hidden = ("value",)
    list_display = ("name", "encrypted", "updated")
    search_fields = ("name",)
    readonly_fields = ("shown_value", "updated")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        value = "new_value" if self.may_write(request, obj) else "shown_value"
        return ("name", "encrypted", value, "updated")

    @admin.display(description=_("value"))
    def shown_value(self, obj: Option) -> str:
        """The value; of an encrypted one only that it is."""
        return str(_("encrypted")) if obj.encrypted else obj.value

    def delete_model(self, request: HttpRequest, obj: Option) -> None:
        services.delete_option(obj.name)
