"""Reads connectors and gateway keys from the database into an immutable snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ai_client.approvals import Approvals
from ai_client.models import GatewayKey
from ai_client.providers import Provider
from ai_client.registration import provider_for
from ai_client.snapshot import ConnectionConfig, GatewayKeyConfig, Snapshot
from connectors.approvals import policy
from connectors.credentials import Credential, ResolvedConnection, Unreadable, resolve_all
from connectors.models import Approval, ApprovalState, ConfigurationVersion, Connection


def version() -> int:
    """The number that every write moves."""
    return ConfigurationVersion.current()


def load() -> Snapshot:
    """Everything that requests need, read now. Decrypts the keys of enabled connections."""
    # The version is read first: a write between the two reads is then picked up by the next poll.
    number = version()
    resolved = resolve_all(Connection.objects.filter(enabled=True))
    return Snapshot(
        version=number,
        connections=tuple(_connections(resolved)),
        gateway_keys={
            key.prefix: _gateway_key(key) for key in GatewayKey.objects.filter(enabled=True)
        },
        approvals=_approvals(),
    )


def secrets(snapshot: Snapshot) -> Iterator[str]:
    """The keys in a snapshot, for the redaction of logs."""
    return (each.api_key for each in snapshot.connections if each.api_key)


def _connections(resolved: Iterable[ResolvedConnection]) -> Iterator[ConnectionConfig]:
    for each in resolved:
        provider = provider_for(each.connection.provider)
        if provider is not None:
            yield _connection(each, provider)


def _connection(resolved: ResolvedConnection, provider: Provider) -> ConnectionConfig:
    row = resolved.connection
    credential = resolved.credential
    model = row.model or provider.default_model
    names = tuple(dict.fromkeys(name for name in (model, *row.models) if name))
    return ConnectionConfig(
        id=str(row.pk),
        name=row.name,
        provider=provider,
        model=model,
        models=names[1:] if model else names,
        base_url=resolved.address.base_url if resolved.address else "",
        priority=row.priority,
        api_key=credential.value if isinstance(credential, Credential) else "",
        timeout=row.timeout,
        revision=row.revision,
        options=provider.wire_options(resolved.fields),
        unusable=resolved.unusable,
        key_unreadable=isinstance(credential, Unreadable),
    )


def _approvals() -> Approvals:
    decided = Approval.objects.exclude(state=ApprovalState.PENDING)
    pairs = {ApprovalState.ALLOWED: set[tuple[str, str]](), ApprovalState.DENIED: set()}
    for caller, connector, state in decided.values_list("caller", "connector", "state"):
        pairs[ApprovalState(state)].add((caller, connector))
    return Approvals(
        asks=policy() == "ask",
        allowed=frozenset(pairs[ApprovalState.ALLOWED]),
        denied=frozenset(pairs[ApprovalState.DENIED]),
    )


def _gateway_key(key: GatewayKey) -> GatewayKeyConfig:
    return GatewayKeyConfig(
        id=key.pk,
        name=key.name,
        prefix=key.prefix,
        digest=bytes(key.digest),
        allow_fallback=key.allow_fallback,
        expires_at=key.expires_at.timestamp() if key.expires_at else None,
    )
