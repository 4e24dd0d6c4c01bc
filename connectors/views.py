"""The page Settings > Connectors. Every form on it works without JavaScript.

A plain form post ends in a redirect, or in the whole page with what is wrong. The page's own
script sends the header ``X-Part`` and gets less: the part that changed, or 204 with
``X-Location`` instead of a redirect. It then asks for what changed (``X-Part: page``) and leaves
alone what is open, so that nothing typed is lost on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from connectors import deletions, services, trial_runs
from connectors.errors import ConnectionMissing, ConnectorError
from connectors.json_lines import MEDIA_TYPE
from connectors.models import Connection
from connectors.page_answers import (
    Page,
    go_to,
    page_view,
    render_page,
    render_part,
    wants_part,
)
from connectors.page_forms import ConnectionPageForm, offered
from connectors.page_parts import Editor
from connectors.services.connections import reorder_connections
from connectors.services.revisions import OutdatedRevision, update_at_revision
from connectors.services.undoing import delete_with_memory, restore_connection

NO_CONTENT = 204
UNPROCESSABLE = 422
CONFLICT = 409


@page_view("GET", "HEAD")
def index(page: Page) -> HttpResponse:
    """All connections, closed.

    With ``X-Part: live`` only how they are doing now, with ``X-Part: page`` all that may have
    changed by what somebody did.
    """
    if wants_part(page.request, "live"):
        return render_part(page, "connectors/live.html")
    if wants_part(page.request, "page"):
        return render_part(page, "connectors/renewed.html")
    return render_page(page)


@page_view("GET", "HEAD", "POST")
def connection(page: Page, connection_id: UUID) -> HttpResponse:
    """One connection, open; a post saves it."""
    row = _row(connection_id)
    if page.request.method == "POST":
        page.require("change")
        return _save(page, ConnectionPageForm(page.request.POST, connection=row))
    return _show(page, Editor(ConnectionPageForm(connection=row)))


@page_view("GET", "HEAD", "POST")
def new(page: Page) -> HttpResponse:
    """A connection that is not stored yet, of the provider in the query; a post stores it."""
    page.require("add")
    if page.request.method == "POST":
        return _save(page, ConnectionPageForm(page.request.POST, connection=None))
    provider = page.request.GET.get("provider", "")
    if provider not in {each.slug for each in offered()}:
        raise Http404(_("No provider of that name is registered."))
    return _show(page, Editor(ConnectionPageForm(connection=None, provider=provider)))


@page_view("GET", "HEAD")
def declared_fields(page: Page) -> HttpResponse:
    """The fields that a provider declares, for a connection that is about to change to it."""
    stored = page.request.GET.get("connection", "")
    row = _row(stored) if stored else None
    form = ConnectionPageForm(connection=row, provider=page.request.GET.get("provider", ""))
    return render_part(page, "connectors/provider_part.html", Editor(form))


@page_view("POST")
def trial(page: Page, connection_id: UUID | None = None) -> HttpResponseBase:
    """Tries a connection as the form has it, saved or not; nothing is stored."""
    editor = Editor(_form_to_try(page, connection_id))
    try:
        run = trial_runs.steps(editor.form)
    except ConnectorError as error:
        return _refused(page, editor, error)
    if MEDIA_TYPE in page.request.headers.get("accept", ""):
        return trial_runs.stream(page.request, run)
    editor.steps = [trial_runs.in_words(step) for step in run]
    return _show(page, editor)


@page_view("POST")
def models(page: Page, connection_id: UUID | None = None) -> HttpResponse:
    """The models that the provider lists, for the form as it is; nothing is stored."""
    editor = Editor(_form_to_try(page, connection_id))
    as_json = "application/json" in page.request.headers.get("accept", "")
    try:
        editor.listed = trial_runs.models(editor.form)
    except ConnectorError as error:
        if as_json:
            return JsonResponse({"error": error.message}, status=UNPROCESSABLE)
        return _refused(page, editor, error)
    count = len(editor.listed)
    editor.listed_words = ngettext(
        "%(count)d model to choose from.", "%(count)d models to choose from.", count
    ) % {"count": count}
    if as_json:
        entries = [{"id": entry.id, "name": entry.name} for entry in editor.listed]
        return JsonResponse({"models": entries, "message": editor.listed_words})
    return _show(page, editor)


@page_view("POST")
def enable(page: Page, connection_id: UUID) -> HttpResponse:
    """Switches a connection on or off.

    Whoever has it open sends the ``revision`` that they see, and is told the new one in
    ``X-Revision`` if nobody changed anything in between.
    """
    page.require("change")
    enabled = page.request.POST.get("enabled") == "on"
    revision = ""
    try:
        try:
            seen = page.request.POST.get("revision", "")
            done = update_at_revision(connection_id, seen, enabled=enabled)
            revision = done.connection.revision
        except OutdatedRevision:
            done = services.set_connection_enabled(connection_id, enabled)
    except ConnectionMissing as error:
        raise Http404(error.message) from None
    text = _("Enabled %(name)s.") if enabled else _("Disabled %(name)s.")
    messages.success(page.request, text % {"name": done.connection.name})
    answer = _go(page, done.connection)
    if revision:
        answer.headers["X-Revision"] = revision
    return answer


@page_view("POST")
def delete(page: Page, connection_id: UUID) -> HttpResponse:
    """Deletes a connection and keeps what it takes to undo that, in the session."""
    page.require("delete")
    row = _row(connection_id)
    try:
        memory = delete_with_memory(row.pk)
    except ConnectionMissing as error:
        raise Http404(error.message) from None
    deletions.remember(page.request.session, row, memory)
    return _go(page)


@page_view("POST")
def undo(page: Page) -> HttpResponse:
    """Brings a deleted connection back, the last one unless one is named, or forgets it."""
    page.require("delete")
    session = page.request.session
    found = deletions.find(session, page.request.POST.get("connection", ""))
    if found is None:
        messages.error(page.request, _("There is nothing to bring back any more."))
        return _go(page)
    row = None
    if not page.request.POST.get("forget"):
        try:
            row = restore_connection(found.memory)
        except ConnectorError as error:
            messages.error(page.request, error.message)
            return _go(page)
        messages.success(page.request, _("Brought back %(name)s.") % {"name": row.name})
    deletions.forget(session, found)
    return _go(page, row)


@page_view("POST")
def move(page: Page, connection_id: UUID) -> HttpResponse:
    """Moves a connection by one place: ``direction`` is "earlier" or "later"."""
    page.require("change")
    ids = [str(pk) for pk in Connection.objects.values_list("pk", flat=True)]
    wanted = str(connection_id)
    if wanted not in ids:
        raise Http404(_("There is no such connection."))
    place = ids.index(wanted)
    step = -1 if page.request.POST.get("direction") == "earlier" else 1
    ids.insert(max(place + step, 0), ids.pop(place))
    try:
        reorder_connections(ids)
    except ConnectorError as error:
        messages.error(page.request, error.message)
    return _go(page, _row(connection_id))


@page_view("POST")
def order(page: Page) -> HttpResponse:
    """Puts all connections in the order of ``id``."""
    page.require("change")
    try:
        reorder_connections(page.request.POST.getlist("id"))
    except ConnectorError as error:
        return JsonResponse({"error": error.message}, status=CONFLICT)
    return HttpResponse(status=NO_CONTENT)


@sensitive_variables()
def _save(page: Page, form: ConnectionPageForm) -> HttpResponse:
    editor = Editor(form)
    if form.provider_was_changed:
        editor.form = _with_fields_of_new_provider(form)
        editor.notice = _("These are the fields of the provider that you chose. Save once more.")
        return _show(page, editor)
    if not form.is_valid():
        return _show(page, editor, UNPROCESSABLE)
    values = form.values()
    if _touches_the_key(form.connection, values) and not page.may("replace_key"):
        raise PermissionDenied
    try:
        if form.connection is None:
            row, key_cleared = services.create_connection(**values), False
        else:
            revision = form.cleaned_data["revision"]
            done = update_at_revision(form.connection.pk, revision, **values)
            row, key_cleared = done.connection, done.key_cleared
    except OutdatedRevision as outdated:
        return _show(page, _conflict(form, outdated.current), CONFLICT)
    except ConnectorError as error:
        form.refuse(error)
        return _show(page, editor, UNPROCESSABLE)
    messages.success(page.request, _("Saved %(name)s.") % {"name": row.name})
    if key_cleared:
        messages.warning(
            page.request,
            _("The connection goes to another address now, so its stored key was removed."),
        )
    return _go(page, row)


def _touches_the_key(connection: Connection | None, values: Mapping[str, object]) -> bool:
    """Whether saving gives a key, or takes the stored one away by going to another address."""
    if "api_key" in values:
        return True
    return connection is not None and any(
        name in values and values[name] != getattr(connection, name)
        for name in ("base_url", "provider")
    )


@sensitive_variables()
def _conflict(form: ConnectionPageForm, current: Connection) -> Editor:
    """The form as typed, over what is stored now: saving it once more is then a choice."""
    sent = cast(QueryDict, form.data).copy()
    sent["revision"] = current.revision
    again = ConnectionPageForm(sent, connection=current)
    return Editor(again, differences=again.differences(), conflict=True)


@sensitive_variables()
def _with_fields_of_new_provider(form: ConnectionPageForm) -> ConnectionPageForm:
    return ConnectionPageForm(
        connection=form.connection, provider=form.slug, typed=cast(QueryDict, form.data).dict()
    )


def _form_to_try(page: Page, connection_id: UUID | None) -> ConnectionPageForm:
    """The form as it was sent, by somebody who may have it tried. Raises PermissionDenied."""
    page.require("test", "change" if connection_id else "add")
    row = _row(connection_id) if connection_id else None
    form = ConnectionPageForm(page.request.POST, connection=row)
    if form.names_variable:
        page.require("replace_key")
    return form


def _refused(page: Page, editor: Editor, error: ConnectorError) -> HttpResponse:
    if not isinstance(error, trial_runs.InvalidForm):
        editor.form.refuse(error)
    return _show(page, editor, UNPROCESSABLE)


def _show(page: Page, editor: Editor, status: int = 200) -> HttpResponse:
    if wants_part(page.request, "editor"):
        return render_part(page, "connectors/editor.html", editor, status)
    return render_page(page, editor, status)


def _go(page: Page, row: Connection | None = None) -> HttpResponse:
    """To the list, at the connection's tile."""
    return go_to(page, f"#connection-{row.pk}" if row else "")


def _row(connection_id: Any) -> Connection:
    try:
        found = UUID(str(connection_id))
    except ValueError:
        found = None
    row = Connection.objects.filter(pk=found).first() if found else None
    if row is None:
        raise Http404(_("There is no such connection."))
    return row
