"""The page of approvals: who may use which connector, seen and decided, by plain forms."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from connectors import approvals
from connectors.approval_matrix import matrix
from connectors.errors import ConnectorError
from connectors.models import ApprovalState
from connectors.page_answers import Page, page_view, render_context

UNPROCESSABLE = 422
STATES = {"allow": ApprovalState.ALLOWED, "deny": ApprovalState.DENIED}
FORGET = "forget"


@page_view("GET", "HEAD", "POST")
def index(page: Page) -> HttpResponse:
    """The matrix; a post decides about ``caller`` and the connector that its button names.

    The button is ``allow``, ``deny`` or ``forget``, and its value is the connector; where the
    connector is chosen from a list, the value is blank.
    """
    if page.request.method != "POST":
        return _show(page)
    page.require("decide")
    sent = page.request.POST
    caller = sent.get("caller", "").strip()
    try:
        messages.success(page.request, _decide(sent, caller))
    except ConnectorError as error:
        return _show(page, refused=error.message, typed=caller, status=UNPROCESSABLE)
    return HttpResponseRedirect(page.request.get_full_path())


def _decide(sent: QueryDict, caller: str) -> str:
    """Do what the button says; returns what was done, in words."""
    button = next((name for name in (*STATES, FORGET) if name in sent), None)
    if button is None:
        raise BadRequest("One of allow, deny and forget must say the connector.")
    connector = sent.get(button, "") or sent.get("connector", "")
    if "\0" in caller + connector:
        raise BadRequest("A name holds a NUL character.")
    names = {"caller": caller, "connector": connector}
    if button == FORGET:
        if approvals.forget(caller, connector):
            return _("Forgot %(caller)s and %(connector)s.") % names
        return _("There was nothing to forget about %(caller)s and %(connector)s.") % names
    approvals.decide(caller, connector, STATES[button])
    if button == "allow":
        return _("Allowed %(caller)s to use %(connector)s.") % names
    return _("Denied %(caller)s the use of %(connector)s.") % names


def _show(page: Page, *, refused: str = "", typed: str = "", status: int = 200) -> HttpResponse:
    context = {
        "title": _("Approvals"),
        "matrix": matrix(page.request.GET.get("page", "")),
        "policy": approvals.policy(),
        "here": page.request.get_full_path(),
        "index": reverse("connectors_page:index"),
        "refused": refused,
        "typed": typed,
    }
    return render_context(page, "connectors/approvals.html", context, status)
