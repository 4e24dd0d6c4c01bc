"""Tests and model lists for the page: from its form, step by step, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors import trials
from connectors.errors import ConnectorError
from connectors.json_lines import lines_response
from connectors.page_forms import ConnectionPageForm
from connectors.probing import ModelEntry, ProbeFailed, Step, StepName, Target

_REACHES = {"provider", "base_url", "api_key", "fields"}
"""What the answer to "which models are there" depends on."""


class InvalidForm(ConnectorError):
    """The form holds mistakes, which it shows itself."""


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step of a test in words; ``state`` is for the style sheet."""

    title: str
    state: str
    words: str
    time: str
    message: str
    advice: str


@sensitive_variables()
def steps(form: ConnectionPageForm) -> Iterator[Step]:
    """The steps of a test, each when it is done. Raises ConnectorError before the first."""
    target = _target(form)
    return _until_it_fails(target, trials.steps_of(target))


@sensitive_variables()
def models(form: ConnectionPageForm) -> list[ModelEntry]:
    """The models that the provider lists. Raises ConnectorError."""
    target = _target(form)
    if form.connection is not None and not _REACHES & form.values().keys():
        return trials.models_of_connection(form.connection)
    return trials.models_of(target)


def in_words(step: Step) -> ShownStep:
    """A step for people."""
    time = "" if step.ms is None else _("%(number)d ms") % {"number": round(step.ms)}
    return ShownStep(
        _titles()[step.name], step.state, _states()[step.state], time, step.message, step.advice
    )


def stream(request: HttpRequest, run: Iterator[Step]) -> StreamingHttpResponse:
    """The steps as lines of JSON, each sent as soon as it is known."""
    return lines_response(request, (asdict(in_words(step)) for step in run))


@sensitive_variables()
def _target(form: ConnectionPageForm) -> Target:
    if not form.is_valid():
        raise InvalidForm(_("Correct what is marked, then test again."))
    return trials.target_for(form.connection, **form.values())


def _until_it_fails(target: Target, run: Iterator[Step]) -> Iterator[Step]:
    try:
        yield from run
    except ProbeFailed as error:
        yield Step("connect", "failed", None, error.message)


def _titles() -> dict[StepName, str]:
    return {
        "dns": _("Name (DNS)"),
        "connect": _("Connection"),
        "tls": _("Encryption (TLS)"),
        "auth": _("Key"),
        "model": _("Model"),
        "first_token": _("First token"),
    }


def _states() -> dict[str, str]:
    return {"ok": _("Passed"), "failed": _("Failed"), "skipped": _("Not tried")}
