"""The request log in Django's admin, to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ai_client.log_list import (
    BoundedPaginator,
    IndexedBooleanFilter,
    IndexedValuesFilter,
    LogList,
)
from ai_client.models import RequestLog
from connectors.moments import local

if TYPE_CHECKING:
    _RequestLogAdmin = admin.ModelAdmin[RequestLog]
else:
    _RequestLogAdmin = admin.ModelAdmin

_FOUND_AT_MOST = 200
_LAST_CHARACTER = "\U0010ffff"
_COLUMNS = {
    "connection": _("connection"),
    "model": _("model"),
    "class": _("class"),
    "error": _("error"),
    "status": _("status"),
    "ms": _("ms"),
    "message": _("message"),
}


class RequestLogAdmin(_RequestLogAdmin):
    """The request log; ``log_list`` keeps its list quick with millions of rows."""

    list_display = (
        "began",
        "outcome",
        "status",
        "connection",
        "model",
        "key_name",
        "took",
        "tokens",
        "shown_cost",
        "attempt_count",
        "requested_model",
        "request_id",
    )
    list_display_links = ("began", "request_id")
    list_filter = (
        "outcome",
        ("connection", IndexedValuesFilter),
        ("provider", IndexedValuesFilter),
        ("dialect", IndexedValuesFilter),
        ("stream", IndexedBooleanFilter),
        "gateway_key",
    )
    search_fields = ("request_id",)
    search_help_text = _("A request id, or how it begins.")
    date_hierarchy = "created"
    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER

    class Media:
        css: ClassVar = {"all": ("ai_client/request_log.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """A list that does not read the whole log."""
        return LogList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RequestLog], search_term: str
    ) -> tuple[QuerySet[RequestLog], bool]:
        """Requests whose id begins so; ``_FOUND_AT_MOST`` of them, for ids grow with time."""
        begin = search_term.strip()
        if not begin:
            return queryset, False
        alike = self.get_queryset(request).order_by()
        if connections[alike.db].vendor == "sqlite":
            # Its LIKE takes no index.
            alike = alike.filter(request_id__gte=begin, request_id__lt=begin + _LAST_CHARACTER)
        else:
            alike = alike.filter(request_id__startswith=begin)
        found = list(alike.values_list("pk", flat=True)[: _FOUND_AT_MOST + 1])
        if len(found) > _FOUND_AT_MOST:
            messages.warning(
                request,
                gettext(
                    "More than %(number)s ids begin so, and only that many requests were looked "
                    "at. Type more of the id."
                )
                % {"number": _FOUND_AT_MOST},
            )
        return queryset.filter(pk__in=found[:_FOUND_AT_MOST]), False

    def get_readonly_fields(
        self, request: HttpRequest, obj: RequestLog | None = None
    ) -> tuple[str, ...]:
        """Everything, with the attempts as a table."""
        hidden = self.get_exclude(request, obj)
        names = (field.name for field in RequestLog._meta.concrete_fields)
        return (*(name for name in names if name not in hidden), "attempts_table")

    def get_exclude(self, request: HttpRequest, obj: RequestLog | None = None) -> tuple[str, ...]:
        """The attempts, which are a table; and how a cost was found where there is none."""
        has_cost = obj is not None and obj.cost is not None
        return ("id", "attempts") if has_cost else ("id", "attempts", "cost_is_estimate")

    @admin.display(description=_("created"), ordering="created")
    def began(self, row: RequestLog) -> str:
        """When the request began, to the second."""
        return local(row.created).strftime("%Y-%m-%d %H:%M:%S")

    @admin.display(description=_("gateway key"), ordering="gateway_key_name")
    def key_name(self, row: RequestLog) -> str:
        """The name that the gateway key had."""
        return row.gateway_key_name

    @admin.display(description=_("ms"), ordering="total_ms")
    def took(self, row: RequestLog) -> str:
        """How long it took, in whole milliseconds."""
        return number_format(round(row.total_ms), force_grouping=True)

    @admin.display(description=_("tokens"), ordering="total_tokens")
    def tokens(self, row: RequestLog) -> str | None:
        """All tokens, if they are known."""
        found = row.total_tokens
        return None if found is None else number_format(found, force_grouping=True)

    @admin.display(description=_("cost"), ordering="cost")
    def shown_cost(self, row: RequestLog) -> str | None:
        """The cost without zeros at its end, if it is known."""
        return None if row.cost is None else number_format(f"{row.cost.normalize():f}")

    @admin.display(description=_("attempts"))
    def attempts_table(self, row: RequestLog) -> SafeString:
        """Each attempt with its class, status, time and message."""
        if not row.attempts:
            return self.get_empty_value_display()
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


def _shown(value: object) -> object:
    return "" if value is None else value
