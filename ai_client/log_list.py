"""How the request log's list in the admin stays quick, however many rows there are.

No query of it reads more than a bounded number of rows: rows are counted up to a limit, values to
filter by are found by steps along an index, and periods are told by the first and the last row.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.filters import AllValuesFieldListFilter, BooleanFieldListFilter
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format, number_format
from django.utils.text import capfirst
from django.utils.translation import gettext

from ai_client.models import RequestLog
from connectors.moments import local

if TYPE_CHECKING:
    _Paginator = Paginator[RequestLog]
else:
    _Paginator = Paginator

COUNTED_AT_MOST = 10_000
"""Rows that are counted, paged and sorted; what is older is reached by a link or by its date."""
VALUES_AT_MOST = 100
"""Values that one filter offers."""
_YEAR, _MONTH, _DAY = (f"created__{each}" for each in ("year", "month", "day"))
_UNTIL = "created__lte"


class BoundedPaginator(_Paginator):
    """Pages over the first ``COUNTED_AT_MOST`` rows."""

    @cached_property
    def count(self) -> int:
        """Rows that there are pages for."""
        return min(self._counted, COUNTED_AT_MOST)

    @property
    def more(self) -> bool:
        """Whether there are rows beyond the pages."""
        return self._counted > COUNTED_AT_MOST

    @cached_property
    def _counted(self) -> int:
        return counted(self.object_list)


class IndexedValuesFilter(AllValuesFieldListFilter):
    """The values that a column holds, for a column that an index begins with."""

    # Django's own are the rows of a query; all that it does with them is to go through them.
    lookup_choices: Any

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: Any,
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        values = distinct(model_admin.get_queryset(request), field_path, VALUES_AT_MOST)
        self.lookup_choices = values

    def choices(self, changelist: Any) -> Iterator[Any]:
        """As Django's, with a mark for the empty text."""
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or self.empty_value_display}


class IndexedBooleanFilter(BooleanFieldListFilter):
    """Yes or no, asked in the words for which databases take an index.

    Django asks for ``column`` where this asks for ``column IN (true)``.
    """

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: dict[str, list[str]],
        model: type[Model],
        model_admin: Any,
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        values: Any = self.used_parameters.pop(self.lookup_kwarg, None)
        if values is not None:
            self.used_parameters[f"{field_path}__in"] = [values]


class LogList(ChangeList):
    """The list, newest first; sorted by a column where there are few enough rows to sort."""

    paginator: BoundedPaginator

    def get_results(self, request: HttpRequest) -> None:
        """Count and cut; a sorting that would have to read the whole log is left out."""
        if ORDER_VAR in self.params and counted(self.queryset) > COUNTED_AT_MOST:
            del self.params[ORDER_VAR], self.filter_params[ORDER_VAR]
            self.queryset = self.queryset.order_by(*self.get_ordering(request, self.root_queryset))
            messages.warning(
                request,
                gettext(
                    "More than %(number)s requests are too many to sort. Choose a filter or a date "
                    "first."
                )
                % {"number": _number(COUNTED_AT_MOST)},
            )
        super().get_results(request)
        if self.paginator.more:
            self.full_result_count = self.result_count

    @property
    def more_than(self) -> str:
        """The number that there are more rows than, in words; empty if all were counted."""
        return _number(COUNTED_AT_MOST) if self.paginator.more else ""

    @property
    def older_url(self) -> str:
        """The query string of what is older than the last page; empty on the pages before it."""
        if not self.paginator.more or self.page_num < self.paginator.num_pages:
            return ""
        *_, last = self.result_list
        return self.get_query_string({_UNTIL: last.created.isoformat()})

    @property
    def newest_url(self) -> str:
        """The query string that leads back from what is older; empty where nothing is newer."""
        return self.get_query_string(remove=[_UNTIL]) if _UNTIL in self.params else ""

    @cached_property
    def periods(self) -> Periods | None:
        """Links to years, months and days; none of an empty log."""
        times = self.root_queryset.values_list("created", flat=True)
        first = times.order_by("created", "id").first()
        last = times.order_by("-created", "-id").first()
        if first is None or last is None:
            return None
        chosen: list[int] = []
        for name in (_YEAR, _MONTH, _DAY):
            if name not in self.params:
                break
            chosen.append(int(self.params[name]))

        def link(wanted: Mapping[str, int]) -> str:
            return self.get_query_string(dict(wanted), ["created__"])

        return periods(local(first).date(), local(last).date(), tuple(chosen), link)


@dataclass(frozen=True, slots=True)
class Periods:
    """What ``admin/date_hierarchy.html`` shows: where to go back to, and the periods in it."""

    back: Mapping[str, str] | None
    choices: tuple[Mapping[str, str], ...]


def periods(
    first: date, last: date, chosen: tuple[int, ...], link: Callable[[Mapping[str, int]], str]
) -> Periods:
    """The periods between two days within ``chosen``: a year, its month and its day, or less.

    Where all is in one year or month, and nothing is chosen, its parts are shown at once.
    """
    back = _back(chosen, link)
    if not chosen and first.year == last.year:
        chosen = (first.year, first.month) if first.month == last.month else (first.year,)
    if len(chosen) == 3:
        return Periods(back, ({"title": _day(date(*chosen))},))
    if len(chosen) == 2:
        year, month = chosen
        days = (date(year, month, day + 1) for day in range(monthrange(year, month)[1]))
        found = [
            (_day(day), {_YEAR: year, _MONTH: month, _DAY: day.day})
            for day in days
            if first <= day <= last
        ]
    elif len(chosen) == 1:
        (year,) = chosen
        found = [
            (_month(date(year, month, 1)), {_YEAR: year, _MONTH: month})
            for month in range(1, 13)
            if (first.year, first.month) <= (year, month) <= (last.year, last.month)
        ]
    else:
        found = [(str(year), {_YEAR: year}) for year in range(first.year, last.year + 1)]
    return Periods(back, tuple({"title": title, "link": link(to)} for title, to in found))


def counted(rows: Any) -> int:
    """How many rows there are, counted to one past ``COUNTED_AT_MOST``."""
    found: int = rows.order_by()[: COUNTED_AT_MOST + 1].count()
    return found


def distinct(rows: QuerySet[Any], column: str, at_most: int) -> list[str]:
    """The values of a column in their order, each found by a look into the index."""
    values = rows.order_by(column).values_list(column, flat=True)
    found: list[str] = []
    value = values.first()
    while value is not None and len(found) < at_most:
        found.append(value)
        value = values.filter(**{f"{column}__gt": value}).first()
    return found


def _back(
    chosen: tuple[int, ...], link: Callable[[Mapping[str, int]], str]
) -> Mapping[str, str] | None:
    match chosen:
        case (year, month, _):
            title = _month(date(year, month, 1))
            return {"title": title, "link": link({_YEAR: year, _MONTH: month})}
        case (year, _):
            return {"title": str(year), "link": link({_YEAR: year})}
        case (_,):
            return {"title": gettext("All dates"), "link": link({})}
        case _:
            return None


def _month(day: date) -> str:
    return capfirst(date_format(day, "YEAR_MONTH_FORMAT"))


def _day(day: date) -> str:
    return capfirst(date_format(day, "MONTH_DAY_FORMAT"))


def _number(number: int) -> str:
    return number_format(number, force_grouping=True)
