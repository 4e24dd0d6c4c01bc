"""Trying connections, saved or not, and asking providers for their models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponseBase
from django.views.decorators.debug import sensitive_variables
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.api import documentation as documented
from connectors.api.base import ConnectorsView
from connectors.api.bodies import connection_values, names_variable
from connectors.api.permissions import ADD, CHANGE, REPLACE_KEY, TEST, require
from connectors.api.preconditions import found
from connectors.api.problems import problem_of
from connectors.api.representations import models_shown, step_shown, trial_shown
from connectors.errors import ConnectorError
from connectors.json_lines import MEDIA_TYPE, lines_response
from connectors.models import Connection
from connectors.probing import Step, Target
from connectors.trials import models_of, models_of_connection, passed, steps_of, target_for

_ANSWERS = documented.answers(
    {
        (200, "application/json"): documented.Trial,
        (200, MEDIA_TYPE): documented.StepRead,
    },
    400,
    404,
    415,
    502,
)


class LinesRenderer(JSONRenderer):
    """Lets a caller ask for lines; what is no stream, such as a problem, stays one document."""

    media_type = MEDIA_TYPE
    format = "ndjson"


class _TrialView(ConnectorsView):
    """Answers with a list, or with a line for each step to who accepts application/x-ndjson."""

    renderer_classes = (JSONRenderer, LinesRenderer)

    def _try(self, request: Request, connection: Connection | None) -> HttpResponseBase:
        steps = steps_of(_target(request, connection))
        if request.accepted_media_type != MEDIA_TYPE:
            return Response(trial_shown(list(steps)))
        return lines_response(request._request, _lines(steps))


class TrialView(_TrialView):
    """A test of a stored connection."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": (CHANGE, TEST)}

    @documented.described(
        operation_id="connectors_connections_test",
        request=documented.ConnectionChange,
        responses=_ANSWERS,
    )
    def post(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Try the connection, with what is sent instead of what is stored. Nothing is written.

        Another address needs a key in the same call; the stored one is not sent there. To name a
        variable takes the permission replace_key too.
        """
        return self._try(request, found(pk))


class UnsavedTrialView(_TrialView):
    """A test of a connection that is not stored."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": (ADD, TEST)}

    @documented.described(
        operation_id="connectors_connections_test_unsaved",
        request=documented.ConnectionWrite,
        responses=_ANSWERS,
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Try what is sent. Nothing is written."""
        return self._try(request, None)


class ModelsView(ConnectorsView):
    """The models of a stored connection."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": (CHANGE, TEST)}

    @documented.described(
        operation_id="connectors_connections_models",
        parameters=[documented.REFRESH],
        responses=documented.answers({200: documented.ModelList}, 400, 404, 502),
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """What the provider lists, kept for an hour."""
        refresh = request.query_params.get("refresh", "").lower() in ("1", "true")
        return Response(models_shown(models_of_connection(found(pk), refresh=refresh)))


class UnsavedModelsView(ConnectorsView):
    """The models that a connection would have."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": (ADD, TEST)}

    @documented.described(
        operation_id="connectors_connections_models_unsaved",
        request=documented.ConnectionWrite,
        responses=documented.answers({200: documented.ModelList}, 400, 415, 502),
    )
    def post(self, request: Request) -> Response:
        """What the provider lists for the key that is sent."""
        return Response(models_shown(models_of(_target(request, None))))


@sensitive_variables()
def _target(request: Request, connection: Connection | None) -> Target:
    values = connection_values(request)
    if names_variable(values):
        require(request, REPLACE_KEY)
    return target_for(connection, **values)


def _lines(steps: Iterator[Step]) -> Iterator[Mapping[str, object]]:
    """The steps, and at the end whether all went well; a failure of the test itself too."""
    done = []
    try:
        for step in steps:
            done.append(step)
            yield step_shown(step)
    except ConnectorError as error:
        problem = problem_of(error)
        yield {"ok": False, "problem": problem.body() if problem else None}
    else:
        yield {"ok": passed(done)}
