"""What goes out: connections, steps, presets and reports as JSON. No key, at most its mask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from django.views.decorators.debug import sensitive_variables

from connectors.approval_matrix import caller_states
from connectors.credentials import ResolvedConnection, Unreadable, resolve_all
from connectors.masking import BULLET, mask
from connectors.models import Approval, Connection
from connectors.moments import in_utc
from connectors.probing import ModelEntry, Step
from connectors.registry import registry
from connectors.services import AppliedConnection
from connectors.services.importing import ImportReport
from connectors.status import ConnectionStatus, current_statuses
from connectors.trials import passed
from connectors.values import ConnectorType, Field, FieldValue

_SHOWN_WHOLE_BY_A_MASK = 4


class KeyShown(TypedDict):
    """A key as it may be seen: where it comes from, its mask, or why there is none."""

    source: str
    name: str
    masked: str
    problem: str


class AddressShown(TypedDict):
    """Where a connection goes, and who says so."""

    base_url: str
    source: str


class StatusShown(TypedDict):
    """How a connection is doing at the moment."""

    state: str
    words: str
    until_seconds: float | None
    last_latency_ms: float | None
    last_error: str
    last_error_age: float | None
    who: str
    answers_now: bool


class ConnectionShown(TypedDict):
    """A connection; ``api_key`` can be written and is never part of it."""

    id: str
    name: str
    provider: str
    base_url: str
    address: AddressShown | None
    model: str
    models: list[str]
    priority: int
    timeout: float
    enabled: bool
    fields: Mapping[str, FieldValue]
    key: KeyShown
    option_name: str
    unusable: str
    status: StatusShown | None
    revision: str
    created: str
    updated: str


def connections_shown(connections: Iterable[Connection]) -> list[ConnectionShown]:
    """Connections in the given order, in a number of queries that does not grow with them."""
    statuses = current_statuses()
    return [
        _connection_shown(resolved, statuses.get(str(resolved.connection.pk)))
        for resolved in resolve_all(connections)
    ]


def connection_shown(connection: Connection) -> ConnectionShown:
    """One connection."""
    return connections_shown([connection])[0]


def step_shown(step: Step) -> dict[str, object]:
    """One step of a test."""
    return {
        "name": step.name,
        "state": step.state,
        "ms": step.ms,
        "message": step.message,
        "advice": step.advice,
    }


def trial_shown(steps: Sequence[Step]) -> dict[str, object]:
    """A whole test."""
    return {"ok": passed(list(steps)), "steps": [step_shown(step) for step in steps]}


def models_shown(models: Iterable[ModelEntry]) -> dict[str, object]:
    """The models that a provider lists; one without a name is called by its id."""
    return {"models": [{"id": each.id, "name": each.name or each.id} for each in models]}


def presets_shown() -> list[dict[str, object]]:
    """The connectors that a connection can be made of, in order of registration."""
    return [_preset_shown(each) for each in registry.all() if each.connectable]


def approval_shown(approval: Approval) -> dict[str, object]:
    """One pair of caller and connector."""
    return {
        "caller": approval.caller,
        "connector": approval.connector,
        "state": str(approval.state),
        "attempts": approval.attempts,
        "first_seen": _moment(approval.first_seen),
        "last_seen": _moment(approval.last_seen),
    }


def approvals_shown(policy: str, approvals: Iterable[Approval]) -> dict[str, object]:
    """All pairs that something is known of, and the matrix of all callers and connectors."""
    known = list(approvals)
    slugs = dict.fromkeys([*registry.slugs(), *(each.connector for each in known)])
    rows = caller_states(known, slugs)
    return {
        "policy": policy,
        "callers": [each.caller for each in rows],
        "connectors": list(slugs),
        "rows": [{"caller": each.caller, "states": each.states} for each in rows],
        "approvals": [approval_shown(each) for each in known],
    }


def applied_shown(connections: Iterable[AppliedConnection], *, dry_run: bool) -> dict[str, object]:
    """What applying a file did, in the shape of an import's report."""
    return {
        "dry_run": dry_run,
        "connections": [_applied_shown(each) for each in connections],
        "options": [],
        "skipped": [],
        "unknown": [],
    }


def import_shown(report: ImportReport, *, dry_run: bool) -> dict[str, object]:
    """What an import did."""
    return {
        **applied_shown(report.connections, dry_run=dry_run),
        "options": [{"name": each.name, "action": each.action} for each in report.options],
        "skipped": [{"name": each.name, "reason": each.reason} for each in report.skipped],
        "unknown": list(report.unknown),
    }


def _connection_shown(
    resolved: ResolvedConnection, status: ConnectionStatus | None
) -> ConnectionShown:
    connection, address = resolved.connection, resolved.address
    return {
        "id": str(connection.pk),
        "name": connection.name,
        "provider": connection.provider,
        "base_url": connection.base_url,
        "address": ({"base_url": address.base_url, "source": address.source} if address else None),
        "model": connection.model,
        "models": connection.models,
        "priority": connection.priority,
        "timeout": connection.timeout,
        "enabled": connection.enabled,
        "fields": connection.fields,
        "key": _key_shown(resolved),
        "option_name": connection.option_name,
        "unusable": resolved.unusable,
        "status": _status_shown(status) if status else None,
        "revision": connection.revision,
        "created": in_utc(connection.created).isoformat(),
        "updated": in_utc(connection.updated).isoformat(),
    }


def _status_shown(status: ConnectionStatus) -> StatusShown:
    return {
        "state": status.state.value,
        "words": str(status.state.label),
        "until_seconds": status.until_seconds,
        "last_latency_ms": status.last_latency_ms,
        "last_error": status.last_error,
        "last_error_age": status.last_error_age,
        "who": status.who,
        "answers_now": status.answers_now,
    }


@sensitive_variables()
def _key_shown(resolved: ResolvedConnection) -> KeyShown:
    found = resolved.credential
    if isinstance(found, Unreadable):
        return {"source": "unreadable", "name": "", "masked": "", "problem": found.reason}
    short = len(found.value.encode("utf-8", "replace")) <= _SHOWN_WHOLE_BY_A_MASK
    masked = BULLET * len(found.value) if short else mask(found.value)
    return {
        "source": found.source,
        "name": found.name,
        "masked": masked,
        "problem": found.reason,
    }


def _preset_shown(connector: ConnectorType) -> dict[str, object]:
    return {
        "provider": connector.slug,
        "name": connector.name,
        "description": connector.description,
        "type": connector.type,
        "method": connector.method,
        "logo_url": connector.logo_url,
        "credentials_url": connector.credentials_url or "",
        "base_url": connector.base_url,
        "model": connector.default_model,
        "key_required": connector.key_required,
        "can_be_tested": connector.probe is not None,
        "fields": [_field_shown(each) for each in connector.fields],
    }


def _field_shown(field: Field) -> dict[str, object]:
    return {
        "name": field.name,
        "label": field.label,
        "kind": field.kind,
        "required": field.required,
        "default": field.default,
        "choices": list(field.choices),
        "help": field.help,
    }


def _moment(value: datetime | None) -> str | None:
    return in_utc(value).isoformat() if value else None


def _applied_shown(each: AppliedConnection) -> dict[str, object]:
    return {
        "name": each.name,
        "action": each.action,
        "changed": list(each.changed),
        "note": each.note,
    }
