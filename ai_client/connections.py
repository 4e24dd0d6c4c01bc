"""Reads connectors and gateway keys from the database into an immutable snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils import translation
from django.utils.crypto import salted_hmac

from ai_client.approvals import Approvals
from ai_client.key_rights import KeyLimits, KeyScope
from ai_client.model_catalog import named
from ai_client.models import GatewayKey
from ai_client.provider_environment import environment_fields
from ai_client.providers import Provider
from ai_client.registration import provider_for, registered
from ai_client.snapshot import ConnectionConfig, GatewayKeyConfig, Snapshot
from connectors.approvals import policy
from connectors.credentials import (
    Credential,
    Resolution,
    ResolvedConnection,
    Unreadable,
    provider_address,
    provider_keys,
    resolve_all,
)
from connectors.models import Approval, ApprovalState, ConfigurationVersion, Connection
from connectors.moments import in_utc
from connectors.registry import registry
from connectors.values import ConnectorType


def version() -> int:
    """The number that every write moves."""
    return ConfigurationVersion.current()


def load() -> Snapshot:
    """Everything that requests need, read now. Decrypts the keys of enabled connections.

    Why a connection cannot be used is told to programs and in the log, so it is English.
    """
    # The version is read first: a write between the two reads is then picked up by the next poll.
    number = version()
    rows = list(Connection.objects.all())
    with translation.override(None):
        resolved = resolve_all(row for row in rows if row.enabled)
    return Snapshot(
        version=number,
        connections=tuple(_connections(resolved)),
        implicit=tuple(_implicit({row.provider for row in rows})),
        gateway_keys={
            key.prefix: _gateway_key(key) for key in GatewayKey.objects.filter(enabled=True)
        },
        approvals=_approvals(),
    )


def secrets(snapshot: Snapshot) -> Iterator[str]:
    """The keys in a snapshot, for the redaction of logs."""
    everybody = (*snapshot.connections, *snapshot.implicit)
    return (each.api_key for each in everybody if each.api_key)


def provider_connection(
    provider: Provider, connector: ConnectorType, bound: Resolution
) -> ConnectionConfig | None:
    """The connection that a provider has without anybody having set one up.

    It uses the provider's own key, address and model; None where an address is missing, or a key
    that is required.
    """
    address = provider_address(connector)
    if address is None or isinstance(bound, Unreadable):
        return None
    if connector.key_required and not bound.value:
        return None
    options = provider.wire_options(environment_fields(provider, connector, address.base_url))
    model, *others = named(provider, provider.default_model, (), options) or ("",)
    place = "\n".join((address.base_url, bound.value, *map(str, options.values())))
    return ConnectionConfig(
        id=f"provider:{provider.slug}",
        name=provider.slug,
        provider=provider,
        model=model,
        models=tuple(others),
        base_url=address.base_url,
        api_key=bound.value,
        # Changes with the key and the fields, which ends a health state that lasts until an edit.
        revision=salted_hmac("ai_client.connections", place, algorithm="sha256").hexdigest(),
        options=options,
    )


def _implicit(provided: set[str]) -> Iterator[ConnectionConfig]:
    """Providers with a key and without a connection, a disabled one included."""
    others = [
        (provider, connector)
        for slug, provider in registered().items()
        if slug not in provided and (connector := registry.get(slug)) is not None
    ]
    keys = provider_keys(connector for _, connector in others)
    for provider, connector in others:
        bound = keys[connector.slug]
        # A server of one's own that needs no key is used where somebody has connected it.
        if isinstance(bound, Credential) and bound.value:
            found = provider_connection(provider, connector, bound)
            if found is not None:
                yield found


def _connections(resolved: Iterable[ResolvedConnection]) -> Iterator[ConnectionConfig]:
    for each in resolved:
        provider = provider_for(each.connection.provider)
        if provider is not None:
            yield _connection(each, provider)


def _connection(resolved: ResolvedConnection, provider: Provider) -> ConnectionConfig:
    row = resolved.connection
    credential = resolved.credential
    base_url = resolved.address.base_url if resolved.address else ""
    said = environment_fields(provider, resolved.connector, base_url)
    options = provider.wire_options({**said, **resolved.fields})
    names = named(provider, row.model or provider.default_model, row.models, options)
    return ConnectionConfig(
        id=str(row.pk),
        name=row.name,
        provider=provider,
        model=names[0] if names else "",
        models=names[1:],
        base_url=base_url,
        priority=row.priority,
        api_key=credential.value if isinstance(credential, Credential) else "",
        timeout=row.timeout,
        revision=row.revision,
        options=options,
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
        expires_at=in_utc(key.expires_at).timestamp() if key.expires_at else None,
        caller=key.caller,
        scope=_scope(key),
        limits=_limits(key),
    )


def _scope(key: GatewayKey) -> KeyScope | None:
    if not key.allowed_connections and not key.allowed_models:
        return None
    return KeyScope(tuple(key.allowed_connections), tuple(key.allowed_models))


def _limits(key: GatewayKey) -> KeyLimits | None:
    found = KeyLimits(
        requests_per_minute=key.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute,
        concurrency=key.concurrency,
        budget_per_day=key.budget_per_day,
        budget_per_month=key.budget_per_month,
    )
    return None if found == KeyLimits() else found
