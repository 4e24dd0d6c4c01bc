"""Records into rows of the request log, in one statement per batch.

The writer shares its core with the requests, and ``bulk_create`` costs several times what the
database does with these rows: hence a statement of our own, made of the parts Django's database
backends offer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import connections, models, router, transaction
from django.db.models.constants import OnConflict

from ai_client import conf
from ai_client.log import key_usage
from ai_client.models import GatewayKey, RequestLog
from ai_client.prices import PriceTable, estimate_cost
from ai_client.records import RequestRecord

_FIELDS = tuple(
    field for field in RequestLog._meta.concrete_fields if not isinstance(field, models.AutoField)
)
_LENGTHS = {
    field.attname: field.max_length for field in _FIELDS if isinstance(field, models.CharField)
}
_BIGGEST = (1 << 63) - 1
_BIGGEST_SMALL = (1 << 15) - 1
_SMALLEST_COST = Decimal("1e-10")
_HIGHEST_COST = Decimal(10) ** 8


def insert(records: Sequence[RequestRecord]) -> None:
    """Store records in one transaction; those whose request id is there already are left out.

    What does not fit a column is cut to it. Keys that no longer exist become null. Raises what
    the database raises, and then nothing of the batch is stored.
    """
    if not records:
        return
    using = router.db_for_write(RequestLog)
    connection = connections[using]
    wanted = {record.gateway_key_id for record in records if record.gateway_key_id is not None}
    keys: set[int] = set()
    if wanted:
        found = GatewayKey.objects.using(using).filter(pk__in=wanted)
        keys = set(found.values_list("pk", flat=True))
    prices = conf.prices()
    costs = [cost_of(record, prices) for record in records]
    rows = [
        _parameters(record, keys, cost, connection.ops)
        for record, cost in zip(records, costs, strict=True)
    ]
    with key_usage.STORING.lock:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            new = key_usage.unstored(records, keys, using)
            cursor.executemany(_statement(connection.ops), rows)
            key_usage.add(records, costs, new, using)
        key_usage.stored(records)


def cost_of(record: RequestRecord, prices: PriceTable) -> Decimal | None:
    """What a request cost in US dollars, as the log has it; None where that is not known."""
    names = (record.model, *(attempt.model for attempt in record.attempts[-1:]))
    return _money(
        estimate_cost(
            record.price_id,
            names,
            record.usage,
            record.created,
            provider=record.provider,
            table=prices,
        )
    )


def _statement(operations: Any) -> str:
    quote = operations.quote_name
    columns = ", ".join(quote(field.column) for field in _FIELDS)
    values = ", ".join(["%s"] * len(_FIELDS))
    verb = operations.insert_statement(on_conflict=OnConflict.IGNORE)
    suffix = operations.on_conflict_suffix_sql(_FIELDS, OnConflict.IGNORE, [], [])
    table = quote(RequestLog._meta.db_table)
    return f"{verb} {table} ({columns}) VALUES ({values}) {suffix}"


def _parameters(
    record: RequestRecord, keys: set[int], cost: Decimal | None, operations: Any
) -> list[Any]:
    usage = record.usage
    values: dict[str, Any] = {
        "request_id": record.request_id,
        "created": operations.adapt_datetimefield_value(_moment(record.created)),
        "gateway_key_id": record.gateway_key_id if record.gateway_key_id in keys else None,
        "gateway_key_name": record.gateway_key_name,
        "caller": record.caller,
        "dialect": record.dialect,
        "requested_model": record.requested_model,
        "stream": record.stream,
        "connection": record.connection,
        "connection_uuid": record.connection_id,
        "provider": record.provider,
        "model": record.model,
        "attempts": _json([attempt.to_dict() for attempt in record.attempts], operations),
        "attempt_count": len(record.attempts),
        "prompt_tokens": usage and _whole(usage.prompt_tokens),
        "completion_tokens": usage and _whole(usage.completion_tokens),
        "total_tokens": usage and _whole(usage.total_tokens),
        "cached_tokens": usage and _whole(usage.cached_tokens),
        "cache_write_tokens": usage and _whole(usage.cache_write_tokens),
        "thought_tokens": usage and _whole(usage.thought_tokens),
        "cost": operations.adapt_decimalfield_value(cost, 18, 10),
        "cost_is_estimate": True,
        "first_event_ms": _finite(record.first_event_ms),
        "total_ms": _finite(record.total_ms) or 0.0,
        "outcome": record.outcome.value,
        "error_code": record.error_code,
        "status": _whole(record.status, _BIGGEST_SMALL),
        "finish_reason": record.finish_reason,
        "warnings": _json(list(record.warnings), operations),
    }
    for name, length in _LENGTHS.items():
        values[name] = _text(values[name], length)
    return [values[field.attname] for field in _FIELDS]


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is no time that a database knows.") from error


def _json(value: Any, operations: Any) -> Any:
    # Nearly always there is none, which is found out faster so than by going through all of it.
    if b"\\u0000" in orjson.dumps(value):
        value = _storable(value)
    return operations.adapt_json_value(value, None)


def _storable(value: Any) -> Any:
    """PostgreSQL stores no NUL, neither in text nor in JSON."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [_storable(member) for member in value]
    if isinstance(value, dict):
        return {name: _storable(member) for name, member in value.items()}
    return value


def _text(value: str, length: int | None) -> str:
    if "\0" in value:
        value = value.replace("\0", "")
    return value[:length]


def _whole(value: float | None, biggest: int = _BIGGEST) -> int | None:
    if value is None or (type(value) is int and 0 <= value <= biggest):
        return value
    return min(max(int(value), 0), biggest)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _money(cost: Decimal | None) -> Decimal | None:
    if cost is None or not 0 <= cost < _HIGHEST_COST:
        return None
    return cost.quantize(_SMALLEST_COST)
