"""Finding out what an address has, and putting it into a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast
from uuid import UUID

from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.api import documentation as documented
from connectors.api.base import ConnectorsView
from connectors.api.bodies import WRITABLE, object_in
from connectors.api.permissions import ADD, CHANGE, TEST, require
from connectors.api.preconditions import etag_of, found, unchanged
from connectors.errors import FieldError
from connectors.models import Connection
from connectors.probing import Detection
from connectors.services import ConnectionValues
from connectors.services.detecting import store_detection
from connectors.trials import detection_of, target_for

_TARGET = ("provider", "base_url", "api_key", "timeout", "fields")


class DetectWrite(serializers.Serializer[Any]):
    """What to look at: a stored connection, with what is sent instead, or what is sent alone."""

    connection = serializers.UUIDField(required=False, help_text="A stored connection.")
    save = serializers.BooleanField(  # type: ignore[assignment]
        required=False, help_text="Store what is found; takes If-Match and nothing else sent."
    )
    provider = serializers.CharField(required=False)
    base_url = serializers.CharField(required=False, allow_blank=True)
    api_key = serializers.CharField(
        required=False,
        allow_null=True,
        write_only=True,
        help_text="Left out, or the mask of the stored key: the stored one, at its own address.",
    )
    timeout = serializers.FloatField(required=False, help_text="Seconds.")
    fields = serializers.DictField(required=False)  # type: ignore[assignment]


class DetectRead(serializers.Serializer[Any]):
    """What was found."""

    models = serializers.ListField(child=serializers.CharField(), help_text="The best first.")
    fields = serializers.DictField(help_text="What to put in.")  # type: ignore[assignment]
    source = serializers.CharField(help_text="How it was found out.")  # type: ignore[assignment]
    saved = serializers.BooleanField()


class DetectView(ConnectorsView):
    """Connect and detect."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": (TEST,)}

    @documented.described(
        operation_id="connectors_detect",
        request=DetectWrite,
        responses=documented.answers({200: DetectRead}, 400, 404, 412, 415, 422, 428, 502),
    )
    @method_decorator(sensitive_variables())
    def post(self, request: Request) -> Response:
        """Ask the address what it has. A stored key is sent to the address that it was given for
        and to no other: who names another address sends a key along. A stored connection takes
        the permission change_connection besides, another one add_connection.
        """
        given = object_in(request, known=("connection", "save", *_TARGET))
        require(request, ADD if given.get("connection") is None else CHANGE)
        connection = _stored(given.get("connection"))
        save = given.get("save", False)
        if not isinstance(save, bool):
            raise FieldError(_("The save must be true or false."), field="save")
        values = _values(given)
        if save:
            _require_as_stored(connection, values)
            assert connection is not None
            with unchanged(request, connection.pk):
                pass
        detected = detection_of(target_for(connection, **values))
        if not save or connection is None:
            return Response(_shown(detected, saved=False))
        with unchanged(request, connection.pk) as current:
            update = store_detection(current, detected)
        headers = {"ETag": etag_of(update.connection)}
        return Response(_shown(detected, saved=True), headers=headers)


def _stored(given: object) -> Connection | None:
    if given is None:
        return None
    try:
        pk = UUID(str(given))
    except ValueError:
        raise FieldError(_("The connection must be a UUID."), field="connection") from None
    return found(pk)


@sensitive_variables()
def _values(given: Mapping[str, object]) -> ConnectionValues:
    values = {name: given[name] for name in _TARGET if name in given and name in WRITABLE}
    if not isinstance(values.get("api_key"), str | None):
        raise FieldError(_("The api_key must be text or null."), field="api_key")
    if values.get("api_key") in ("", None):
        # Nothing typed keeps the stored key; null and blank would remove it.
        values.pop("api_key", None)
    return cast(ConnectionValues, values)


def _require_as_stored(connection: Connection | None, values: ConnectionValues) -> None:
    """What is found at one address must not be written beside another one."""
    if connection is None:
        raise FieldError(_("Only a stored connection can be saved; name it."), field="save")
    if values:
        raise FieldError(
            _("Save the %(field)s first: what is detected is stored for the connection as it is.")
            % {"field": min(values)},
            field="save",
        )


def _shown(detected: Detection, *, saved: bool) -> dict[str, object]:
    return {
        "models": list(detected.models),
        "fields": dict(detected.fields),
        "source": detected.source,
        "saved": saved,
    }
