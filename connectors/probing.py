"""How a connector is tried before anyone depends on it: values and a seam, and nothing of AI.

A provider's package gives its ``ConnectorType`` a ``ConnectorProbe``; the page, REST and commands
hand it a ``Target`` and show what it found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from connectors.errors import ConnectorError

if TYPE_CHECKING:
    # ``values`` imports this module.
    from connectors.values import FieldValue

StepName: TypeAlias = Literal["dns", "connect", "tls", "auth", "model", "first_token"]
StepState: TypeAlias = Literal["ok", "failed", "skipped"]


class ProbeFailed(ConnectorError):
    """The question could not be answered: the provider was not reached, or not understood.

    The message says what happened and the way out; it never holds a key.
    """


class NothingDetected(ProbeFailed):
    """What was asked answered, or not, but did not tell what it has."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a test: what was tried, how long it took, and what to do about it.

    ``ms`` are milliseconds of this step alone; None where nothing was timed. ``message`` says what
    happened, ``advice`` what to do; ``advice`` is blank where nothing has to be done.
    """

    name: StepName
    state: StepState
    ms: float | None = None
    message: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that the provider lists: the id to send, and the name to show."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found at an address: ids of models that answer, the best first, and what to put
    into the provider's fields. ``source`` says in a word how it was found out.
    """

    models: tuple[str, ...]
    fields: Mapping[str, FieldValue]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What to try, resolved: the key is one that may be sent to ``base_url``.

    ``timeout`` is in seconds and bounds each wait. ``fields`` are the provider's own settings.
    ``connection`` and ``revision`` name the stored connection where it is tried exactly as it is
    stored, so that what is found out can count for its health; blank otherwise.
    """

    provider: str
    base_url: str
    api_key: str = field(repr=False)
    model: str
    timeout: float
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    connection: str = ""
    revision: str = ""


class ConnectorProbe(Protocol):
    """Tries a target. Every method may raise ``ProbeFailed`` with a message for people."""

    def steps(self, target: Target) -> Iterator[Step]:
        """The steps of a test in their order, each as soon as it is known.

        A failed step is the last that was tried; those after it come as skipped.
        """
        ...

    def models(self, target: Target) -> list[ModelEntry]:
        """The models that the provider lists for this key."""
        ...

    def accepts_key(self, target: Target) -> bool:
        """Whether the provider takes the key; ProbeFailed when that cannot be told."""
        ...


@runtime_checkable
class DetectingProbe(ConnectorProbe, Protocol):
    """A probe that can also find out what an address has."""

    def detect(self, target: Target) -> Detection:
        """What is there; NothingDetected where the address does not tell."""
        ...
