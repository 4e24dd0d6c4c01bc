"""What comes in: what a body says of a gateway key, with a pointer to each mistake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import cast

from django.core.exceptions import ValidationError as ModelError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from ai_client.api.representations import GatewayKeyShown
from ai_client.key_services import WRITABLE, KeyValues
from connectors.api.bodies import object_in
from connectors.errors import FieldError

READ_ONLY = tuple(name for name in GatewayKeyShown.__annotations__ if name not in WRITABLE)
"""What a representation holds beyond what can be written; sent back, it is passed over."""

_WHOLE = ("requests_per_minute", "tokens_per_minute", "concurrency")
_MONEY = ("budget_per_day", "budget_per_month")


def key_values(request: Request) -> KeyValues:
    """What a body says; the services check the values. Raises FieldError."""
    given = object_in(request, known=(*WRITABLE, *READ_ONLY))
    return cast(KeyValues, {name: _value(name, given[name]) for name in WRITABLE if name in given})


@contextmanager
def mistakes_by_field() -> Iterator[None]:
    """What the services find wrong, as REST framework's own error, which names the fields."""
    try:
        yield
    except ModelError as error:
        raise ValidationError(error.message_dict) from None


def _value(name: str, value: object) -> object:
    if name in ("name", "caller"):
        return _require(name, value, isinstance(value, str), _("text"))
    if name in ("enabled", "allow_fallback"):
        return _require(name, value, isinstance(value, bool), _("true or false"))
    if value is None and name not in ("allowed_connections", "allowed_models"):
        return None
    if name in _WHOLE:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return _require(name, value, is_whole, _("a whole number, or null for no limit"))
    if name in _MONEY:
        return _money(name, value)
    if name == "expires_at":
        return _moment(name, value)
    return value


def _money(name: str, value: object) -> Decimal:
    what = _("US dollars as a number or as text, or null for no limit")
    is_number = isinstance(value, str | int | float) and not isinstance(value, bool)
    try:
        amount = Decimal(str(_require(name, value, is_number, what)))
    except InvalidOperation:
        amount = Decimal("NaN")
    _require(name, value, amount.is_finite(), what)
    return amount


def _moment(name: str, value: object) -> object:
    what = _("an ISO 8601 time such as 2030-01-31T12:00:00+01:00, or null for never")
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    _require(name, value, moment is not None, what)
    return moment


def _require(name: str, value: object, fits: bool, what: str) -> object:
    if not fits:
        raise FieldError(
            _("The %(field)s takes %(what)s.") % {"field": name, "what": what}, field=name
        )
    return value
