"""How the connections are doing at the moment: values and a seam.

Whoever uses connections (``ai_client``) sets the source at start; the page and REST ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """How a connection stands; ``label`` says it in words."""

    READY = "ready", _("Ready")
    TRYING_AGAIN = "trying_again", _("Trying again")
    COOLING_DOWN = "cooling_down", _("Cooling down")
    CIRCUIT_OPEN = "circuit_open", _("Circuit open")
    UNREACHABLE = "unreachable", _("Unreachable")
    KEY_REJECTED = "key_rejected", _("Key rejected")
    OUT_OF_CREDIT = "out_of_credit", _("Out of credit")
    MODEL_MISSING = "model_missing", _("Model missing")
    KEY_UNREADABLE = "key_unreadable", _("Key unreadable")
    NOT_SET_UP = "not_set_up", _("Not set up")
    REFUSED_ADDRESS = "refused_address", _("Address refused")
    TLS_FAILED = "tls_failed", _("Encryption failed")
    REDIRECTED = "redirected", _("Redirected")
    DISABLED = "disabled", _("Disabled")


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection's standing.

    ``until_seconds`` is how long the state lasts from now, None where that is not known or until
    the connection is edited. ``last_latency_ms`` is the last answer's, ``last_error`` the last
    failure's message with its age in seconds; both may be older than the state. ``who`` says in a
    sentence whether this connection answers the next request, and if not, why. ``answers_now`` is
    set on the one that does.
    """

    state: State
    until_seconds: float | None = None
    last_latency_ms: float | None = None
    last_error: str = ""
    last_error_age: float | None = None
    who: str = ""
    answers_now: bool = False


Source = Callable[[], Mapping[str, ConnectionStatus]]


def _nobody() -> Mapping[str, ConnectionStatus]:
    return {}


_source: Source = _nobody


def set_status_source(source: Source) -> None:
    """From now on ``source`` tells, by connection id as text, of those that requests can use."""
    global _source
    _source = source


def current_statuses() -> Mapping[str, ConnectionStatus]:
    """What the source says now; empty where nobody uses connections yet."""
    return _source()
