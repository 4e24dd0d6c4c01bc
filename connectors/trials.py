"""Trying a connection as it is stored, or as somebody is about to store it.

Nothing is written. A stored key goes to the address that it was given for and nowhere else: who
tries another address types a key in the same call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import time
from typing import Unpack

from django.core.cache import cache
from django.db import router
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.credentials import Unreadable, resolve
from connectors.errors import FieldError, UnknownProvider
from connectors.models import Connection
from connectors.probing import (
    ConnectorProbe,
    DetectingProbe,
    Detection,
    ModelEntry,
    ProbeFailed,
    Step,
    Target,
)
from connectors.registry import registry
from connectors.services import ConnectionValues
from connectors.services.planning import plan
from connectors.values import EnvironmentKey

MODELS_FRESH = 3600
"""Seconds after which a provider is asked again for its models."""

MODELS_KEPT = 30 * 24 * 3600
"""Seconds that a list is kept, to be shown where the provider cannot be asked again."""

_TRIED = ("provider", "base_url", "api_key", "model", "timeout", "fields")


@sensitive_variables()
def target_for(connection: Connection | None, **overrides: Unpack[ConnectionValues]) -> Target:
    """What to try: the stored connection with ``overrides``, or what they alone describe.

    A variable may be named as in a request only, see EnvironmentKey. Raises FieldError: for a value
    that could not be stored either, and with the field ``api_key`` where there is no key that may
    be sent to this address.
    """
    named = overrides.get("api_key")
    if isinstance(named, EnvironmentKey):
        overrides["api_key"] = replace(named, by_request=True)
    given = ConnectionValues()
    for name in _TRIED:
        if name in overrides:
            given[name] = overrides[name]  # type: ignore[literal-required]
    planned = plan(connection, given, router.db_for_read(Connection))
    if planned.key_cleared:
        raise FieldError(
            _(
                "The stored key was given for another address and is not sent to this one. Type "
                "the key to try it."
            ),
            field="api_key",
        )
    resolved = resolve(planned.connection)
    found = resolved.credential
    if resolved.connector is None:
        raise UnknownProvider(planned.connection.provider, registry.slugs())
    if resolved.address is None:
        raise FieldError(resolved.unusable, field="base_url")
    if isinstance(found, Unreadable):
        raise FieldError(found.reason, field="api_key")
    if resolved.unusable:
        raise FieldError(resolved.unusable, field="api_key")
    return Target(
        provider=planned.connection.provider,
        base_url=resolved.address.base_url,
        api_key=found.value,
        model=planned.connection.model,
        timeout=planned.connection.timeout,
        fields=resolved.fields,
        connection=str(connection.pk) if connection is not None and not planned.changed else "",
        revision=connection.revision if connection is not None and not planned.changed else "",
    )


def steps_of(target: Target) -> Iterator[Step]:
    """The steps of a test, each as soon as it is known. Raises FieldError and ProbeFailed."""
    return _probe(target).steps(target)


def passed(steps: list[Step]) -> bool:
    """Whether a test went through: something was tried, and nothing failed."""
    states = {step.state for step in steps}
    return "ok" in states and "failed" not in states


def models_of(target: Target) -> list[ModelEntry]:
    """The models that the provider lists, asked now. Raises FieldError and ProbeFailed."""
    return _probe(target).models(target)


def detection_of(target: Target) -> Detection:
    """What the target's address has, asked now. Raises FieldError and ProbeFailed."""
    probe = _probe(target)
    if not isinstance(probe, DetectingProbe):
        raise FieldError(
            _("What a connection to %(provider)s has cannot be detected; say it yourself.")
            % {"provider": target.provider},
            field="provider",
        )
    return probe.detect(target)


def models_of_connection(connection: Connection, *, refresh: bool = False) -> list[ModelEntry]:
    """The models of a stored connection, asked once an hour for its revision.

    Where the provider cannot be asked again the former list is given, unless ``refresh`` wants to
    know what is wrong. Raises FieldError and ProbeFailed.
    """
    key = f"connectors:models:{connection.pk}:{connection.revision}"
    kept: tuple[float, list[tuple[str, str]]] | None = None if refresh else cache.get(key)
    if kept is not None and time() - kept[0] < MODELS_FRESH:
        return [ModelEntry(*each) for each in kept[1]]
    try:
        listed = models_of(target_for(connection))
    except ProbeFailed:
        if kept is None:
            raise
        return [ModelEntry(*each) for each in kept[1]]
    cache.set(key, (time(), [(each.id, each.name) for each in listed]), MODELS_KEPT)
    return listed


def _probe(target: Target) -> ConnectorProbe:
    connector = registry.get(target.provider)
    if connector is None:
        raise UnknownProvider(target.provider, registry.slugs())
    if connector.probe is None:
        raise FieldError(
            _("%(provider)s cannot be tried: the app that registered it gave it no probe.")
            % {"provider": connector.name},
            field="provider",
        )
    return connector.probe
