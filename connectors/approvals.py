"""Which caller may use which connector: decided by the site's owner, asked for by being refused.

A caller is a Django app that says so (``caller="blog"``) or a gateway key (``gateway:<name>``).
With ``CONNECTORS["APPROVAL"] = "allow"`` everybody may use everything but what was denied; with
``"ask"`` nobody may use anything but what was allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from django.db.models import F
from django.utils.translation import gettext

from connectors import conf
from connectors.errors import FieldError, UnknownProvider
from connectors.models import Approval, ApprovalState
from connectors.registry import registry
from connectors.services.versions import bump_version, writing

Policy: TypeAlias = Literal["allow", "ask"]

MAXIMUM_PENDING = 50
"""Per caller; what it asks for beyond that is refused and not written down."""

MAXIMUM_PENDING_IN_ALL = 1000
LONGEST_CALLER = 150


@dataclass(frozen=True, slots=True)
class Refusal:
    """Requests of one caller that were refused one connector, since they were last recorded."""

    caller: str
    connector: str
    attempts: int
    first_seen: datetime
    last_seen: datetime


def policy() -> Policy:
    """What happens to a pair of caller and connector that nobody has decided about."""
    return "ask" if conf.approval() == "ask" else "allow"


def decide(caller: str, connector: str, state: str) -> Approval:
    """Allow or deny, or put back to pending. Raises FieldError.

    What was refused meanwhile stays counted.
    """
    caller = _cleaned(caller)
    if state not in ApprovalState.values:
        raise FieldError(
            gettext("The state must be one of: %(states)s.")
            % {"states": ", ".join(ApprovalState.values)},
            field="state",
        )
    with writing() as database:
        rows = Approval.objects.using(database)
        found = rows.filter(caller=caller, connector=connector).first()
        if found is None:
            known = registry.get(connector)
            if known is None or known.hidden:
                raise UnknownProvider(connector, registry.slugs())
            found = Approval(caller=caller, connector=connector)
        elif found.state == state:
            return found
        found.state = state
        found.save(using=database)
        bump_version()
    return found


def forget(caller: str, connector: str) -> bool:
    """Remove the decision and the count; whether there was any. The policy decides again."""
    if not (caller + connector).isprintable():
        return False  # no such name can be stored, and PostgreSQL refuses to look for a NUL
    with writing() as database:
        rows = Approval.objects.using(database).filter(caller=caller, connector=connector)
        removed, _ = rows.delete()
        if removed:
            bump_version()
    return bool(removed)


def record_refusals(batch: Iterable[Refusal]) -> None:
    """Count refused requests; a pair that is not known yet becomes pending.

    No decision changes by it, so the configuration's version stays.
    """
    refusals = list(batch)
    if not refusals:
        return
    with writing() as database:
        rows = Approval.objects.using(database)
        for each in refusals:
            pair = rows.filter(caller=each.caller, connector=each.connector)
            known = pair.first()
            if known is not None:
                pair.update(
                    attempts=F("attempts") + each.attempts,
                    first_seen=known.first_seen or each.first_seen,
                    last_seen=max(known.last_seen or each.last_seen, each.last_seen),
                )
                continue
            pending = rows.filter(state=ApprovalState.PENDING)
            if (
                pending.filter(caller=each.caller).count() < MAXIMUM_PENDING
                and pending.count() < MAXIMUM_PENDING_IN_ALL
            ):
                rows.create(
                    caller=each.caller,
                    connector=each.connector,
                    attempts=each.attempts,
                    first_seen=each.first_seen,
                    last_seen=each.last_seen,
                )


def _cleaned(caller: str) -> str:
    caller = caller.strip()
    if not caller or len(caller) > LONGEST_CALLER or not caller.isprintable():
        raise FieldError(
            gettext("The caller must be text on one line, 1 to %(longest)d characters.")
            % {"longest": LONGEST_CALLER},
            field="caller",
        )
    return caller
