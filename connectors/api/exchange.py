"""Connections in and out: import, export, and what connections can be made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from connectors import services
from connectors.api import documentation as documented
from connectors.api.base import ConnectorsView
from connectors.api.bodies import object_in
from connectors.api.permissions import ADD, CHANGE, REPLACE_KEY, VIEW
from connectors.api.representations import applied_shown, import_shown, presets_shown
from connectors.errors import DeclarationError, FieldError
from connectors.models import Connection
from connectors.services import declarations
from connectors.services.importing import import_wordpress


class PresetsView(ConnectorsView):
    """What connections can be made of."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": (VIEW,)}

    @documented.described(
        operation_id="connectors_presets_list",
        responses=documented.answers({200: documented.PresetList}),
    )
    def get(self, request: Request) -> Response:
        """All registered connectors with the form that their connections need."""
        return Response({"presets": presets_shown()})


class ExportView(ConnectorsView):
    """The connections as a document."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": (VIEW,)}

    @documented.described(
        operation_id="connectors_export",
        responses=documented.answers({200: documented.Export}),
    )
    def get(self, request: Request) -> Response:
        """What apply_connections and import read, secrets left out."""
        return Response(declarations.dump(list(Connection.objects.all())))


class ImportView(ConnectorsView):
    """Bringing connections in."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "POST": (ADD, CHANGE, REPLACE_KEY)
    }

    @documented.described(
        operation_id="connectors_import",
        request=documented.Import,
        responses=documented.answers({200: documented.ImportResult}, 400, 415),
    )
    @method_decorator(sensitive_variables())
    def post(self, request: Request) -> Response:
        """Store an export of WordPress or of this site, or only say what that would do.

        Of WordPress's what cannot be stored is skipped with the reason; an export of this site is
        stored all or not at all.
        """
        given = object_in(request, known=("document", "dry_run"))
        dry_run = given.get("dry_run", False)
        if not isinstance(dry_run, bool):
            raise FieldError(_("The dry_run must be true or false."), field="dry_run")
        if "document" not in given:
            raise FieldError(_("The document is required."), field="document")
        document = given["document"]
        if not (isinstance(document, dict) and isinstance(document.get("connections"), list)):
            return Response(
                import_shown(import_wordpress(document, dry_run=dry_run), dry_run=dry_run)
            )
        report = _applied(document["connections"], dry_run=dry_run)
        return Response(applied_shown(report.connections, dry_run=dry_run))


@sensitive_variables()
def _applied(entries: list[object], *, dry_run: bool) -> services.ApplyReport:
    _refuse_new_variables(entries)
    try:
        return services.apply_connections(entries, dry_run=dry_run)
    except DeclarationError as error:
        place = error.field
        raise DeclarationError(
            f"document.{place}", error.message.removeprefix(f"{place}: ")
        ) from None


def _refuse_new_variables(entries: list[object]) -> None:
    """Whoever writes over HTTP may not have a variable of the server's sent to an address."""
    known = {
        each.name.casefold(): (each.api_key_env, each.base_url, each.provider)
        for each in Connection.objects.exclude(api_key_env="")
    }
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("api_key"), Mapping):
            continue
        said = (
            entry["api_key"].get("env"),
            entry.get("base_url", ""),
            entry.get("provider"),
        )
        if known.get(str(entry.get("name")).casefold()) != said:
            raise DeclarationError(
                f"document.connections[{index}].api_key",
                _(
                    "is a variable that this connection does not have. Declare it with "
                    "apply_connections, on the server."
                ),
            )
