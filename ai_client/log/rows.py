"""Records into rows of the request log, many in one statement.

The writer shares its core with the requests, and ``bulk_create`` costs several times what the
database does with these rows: hence statements of our own, made of the parts Django's database
backends offer. With SQLite each statement also has to win Python's lock back from the requests.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from operator import itemgetter
from typing import Any

import orjson
from django.db import connections, models, router, transaction
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.models.constants import OnConflict

from ai_client import conf
from ai_client.log import key_usage
from ai_client.log.turns import in_turns
from ai_client.models import RequestLog
from ai_client.prices import PriceTable, estimate_cost
from ai_client.records import RequestRecord
from connectors.moments import from_unix

_FIELDS = tuple(
    field for field in RequestLog._meta.concrete_fields if not isinstance(field, models.AutoField)
)
_in_order = itemgetter(*[field.attname for field in _FIELDS])
_LENGTHS = {
    field.attname: field.max_length
    for field in _FIELDS
    if isinstance(field, models.CharField) and field.max_length
}
_texts = itemgetter(*_LENGTHS)
_AT_ONCE = 100
"""Rows in one statement, where the database takes that many parameters."""
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
    keys = key_usage.keys_of(records, using)
    prices = conf.prices()
    costs: list[Decimal | None] = []
    rows: list[Sequence[Any]] = []
    for record in in_turns(records):
        cost = cost_of(record, prices)
        costs.append(cost)
        rows.append(_parameters(record, keys, cost, connection.ops))
    counting = key_usage.counting(records, keys)
    with key_usage.STORING.lock:
        try:
            # Nearly always nothing is there yet, and the database says so by itself.
            with transaction.atomic(using=using):
                if _insert(rows, connection) != len(rows):
                    raise _SomeAreThere
                key_usage.add(records, costs, counting, using)
        except _SomeAreThere:
            with transaction.atomic(using=using):
                new = key_usage.unstored(counting, using)
                _insert(rows, connection)
                key_usage.add(records, costs, new, using)
        key_usage.stored(records)


class _SomeAreThere(Exception):
    """Some of the rows are in the database already."""


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


def _insert(rows: Sequence[Sequence[Any]], connection: Any) -> int:
    """How many rows were inserted, which is fewer where some are there already."""
    inserted = 0
    with connection.cursor() as cursor:
        for statement, many in _statements(rows, connection):
            cursor.executemany(statement, many)
            inserted += cursor.rowcount
    return inserted


def _statements(
    rows: Sequence[Sequence[Any]], connection: Any
) -> Iterator[tuple[str, list[list[Any]]]]:
    """Statements that insert several rows each, with their parameters; of one, each time it runs.

    Two at most: Django reads each statement through before it runs.
    """
    at_once = min(_AT_ONCE, len(rows))
    if most := connection.features.max_query_params:
        at_once = max(min(at_once, most // len(_FIELDS)), 1)
    whole = len(rows) - len(rows) % at_once
    for size, some in ((at_once, rows[:whole]), (len(rows) - whole, rows[whole:])):
        if size:
            groups = [some[start : start + size] for start in range(0, len(some), size)]
            parameters = [list(chain.from_iterable(group)) for group in groups]
            yield _statement(connection.ops, size), parameters


def _statement(operations: Any, rows: int) -> str:
    quote = operations.quote_name
    columns = ", ".join(quote(field.column) for field in _FIELDS)
    row = f"({', '.join(['%s'] * len(_FIELDS))})"
    values = ", ".join([row] * rows)
    verb = operations.insert_statement(on_conflict=OnConflict.IGNORE)
    suffix = operations.on_conflict_suffix_sql(_FIELDS, OnConflict.IGNORE, [], [])
    table = quote(RequestLog._meta.db_table)
    return f"{verb} {table} ({columns}) VALUES {values} {suffix}"


def _parameters(
    record: RequestRecord, keys: Mapping[int, bool], cost: Decimal | None, operations: Any
) -> Sequence[Any]:
    usage = record.usage
    warnings = list(record.warnings)
    if keys.get(record.gateway_key_id or 0) and (remark := key_usage.unpriced(record, cost)):
        warnings.append(remark)
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
        "warnings": _json(warnings, operations),
    }
    if "\0" in "".join(_texts(values)):
        values |= {name: values[name].replace("\0", "") for name in _LENGTHS}
    for name, length in _LENGTHS.items():
        if len(values[name]) > length:
            values[name] = values[name][:length]
    in_order: Sequence[Any] = _in_order(values)
    return in_order


def _moment(seconds: float) -> datetime:
    try:
        return from_unix(seconds)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is no time that a database knows.") from error


def _json(value: Any, operations: Any) -> Any:
    text = orjson.dumps(value).decode()
    if "\\u0000" in text:
        value = _storable(value)
        text = orjson.dumps(value).decode()
    # A backend that has nothing of its own to say takes JSON as text, which is there already.
    if type(operations).adapt_json_value is BaseDatabaseOperations.adapt_json_value:
        return text
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
