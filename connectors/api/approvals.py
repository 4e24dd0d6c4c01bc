"""Which caller may use which connector: looked at, decided, forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from connectors import approvals
from connectors.api import documentation as documented
from connectors.api.base import ConnectorsView
from connectors.api.bodies import object_in
from connectors.api.permissions import DECIDE, VIEW
from connectors.api.representations import approval_shown, approvals_shown
from connectors.errors import FieldError, UnknownProvider
from connectors.models import Approval


class ApprovalsView(ConnectorsView):
    """The matrix of callers and connectors, as a list of its pairs."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": (VIEW,),
        "PUT": (DECIDE,),
        "DELETE": (DECIDE,),
    }

    @documented.described(
        operation_id="connectors_approvals_list",
        responses=documented.answers({200: documented.ApprovalList}),
    )
    def get(self, request: Request) -> Response:
        """What was decided and what waits for a decision, and what holds for other pairs."""
        return Response(approvals_shown(approvals.policy(), Approval.objects.all()))

    @documented.described(
        operation_id="connectors_approvals_decide",
        request=documented.ApprovalRead,
        responses=documented.answers({200: documented.ApprovalRead}, 400, 415),
    )
    def put(self, request: Request) -> Response:
        """Decide about one pair; the same decision twice changes nothing."""
        given = object_in(request, known=("caller", "connector", "state"))
        caller, connector, state = (_text(given, name) for name in ("caller", "connector", "state"))
        try:
            return Response(approval_shown(approvals.decide(caller, connector, state)))
        except UnknownProvider as error:
            raise FieldError(error.message, field="connector") from None

    @documented.described(
        operation_id="connectors_approvals_forget",
        parameters=[documented.CALLER, documented.CONNECTOR],
        responses=documented.answers({204: None}, 404),
    )
    def delete(self, request: Request) -> Response:
        """Forget what was decided and counted; the policy decides again."""
        query = request.query_params
        if not approvals.forget(query.get("caller", ""), query.get("connector", "")):
            raise NotFound(_("Nothing is known of this caller and connector."))
        return Response(status=204)


def _text(given: Mapping[str, object], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise FieldError(_("The %(field)s must be text.") % {"field": name}, field=name)
    return value
