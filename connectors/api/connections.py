"""Connections: list, create, look at, change, delete, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response

from connectors import services
from connectors.api import documentation as documented
from connectors.api.base import ConnectorsView
from connectors.api.bodies import (
    connection_values,
    object_in,
    replacement_values,
    replaces_key,
)
from connectors.api.permissions import ADD, CHANGE, DELETE, REPLACE_KEY, VIEW, require
from connectors.api.preconditions import etag_of, found, unchanged
from connectors.api.problems import Outdated
from connectors.api.representations import connection_shown, connections_shown
from connectors.errors import ConnectorError, FieldError
from connectors.models import Connection
from connectors.services import ConnectionValues
from connectors.services.versions import writing


class ConnectionsView(ConnectorsView):
    """All connections, in their order."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": (VIEW,), "POST": (ADD,)}

    @documented.described(
        operation_id="connectors_connections_list",
        parameters=[documented.OPTION_NAME],
        responses=documented.answers({200: documented.ConnectionList}),
    )
    def get(self, request: Request) -> Response:
        """The connections by priority, keys as masks; with option_name that one, if it is there."""
        option = request.query_params.get("option_name")
        if option is None:
            return Response({"connections": connections_shown(Connection.objects.all())})
        found = services.connection_of_option(option)
        return Response({"connections": connections_shown([found] if found else [])})

    @documented.described(
        operation_id="connectors_connections_create",
        request=documented.ConnectionWrite,
        responses=documented.answers({201: documented.ConnectionRead}, 400, 415),
    )
    @method_decorator(sensitive_variables())
    def post(self, request: Request) -> Response:
        """Store a new connection. A key needs the permission replace_key too."""
        values = connection_values(request)
        if replaces_key(None, values):
            require(request, REPLACE_KEY)
        connection = services.create_connection(**values)
        response = _shown(connection, status=201)
        response["Location"] = reverse("connectors_api:connection", args=[connection.pk])
        return response


class ConnectionView(ConnectorsView):
    """One connection. Changes name the state that they are made from in ``If-Match``."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": (VIEW,),
        "PUT": (CHANGE,),
        "PATCH": (CHANGE,),
        "DELETE": (DELETE,),
    }

    @documented.described(
        operation_id="connectors_connections_retrieve",
        responses=documented.answers({200: documented.ConnectionRead}, 404),
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """The connection, with its revision as ETag."""
        return _shown(found(pk))

    @documented.described(
        operation_id="connectors_connections_replace",
        parameters=[documented.IF_MATCH],
        request=documented.ConnectionReplace,
        responses=documented.answers({200: documented.ConnectionRead}, 400, 404, 412, 415, 428),
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Replace everything but the key, which stays unless it is sent."""
        return self._change(request, pk, replacement_values(request))

    @documented.described(
        operation_id="connectors_connections_update",
        parameters=[documented.IF_MATCH],
        request=documented.ConnectionChange,
        responses=documented.answers({200: documented.ConnectionRead}, 400, 404, 412, 415, 428),
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change what is sent. Another address costs the stored key, unless a key comes along."""
        return self._change(request, pk, connection_values(request))

    @documented.described(
        operation_id="connectors_connections_delete",
        parameters=[documented.IF_MATCH],
        responses=documented.answers({204: None}, 404, 412, 428),
    )
    def delete(self, request: Request, pk: UUID) -> Response:
        """Remove the connection with its key."""
        with unchanged(request, pk) as connection:
            services.delete_connection(connection)
        return Response(status=204)

    @method_decorator(sensitive_variables())
    def _change(self, request: Request, pk: UUID, values: ConnectionValues) -> Response:
        with unchanged(request, pk) as connection:
            if replaces_key(connection, values):
                require(request, REPLACE_KEY)
            update = services.update_connection(connection, **values)
        return _shown(update.connection)


class OrderView(ConnectorsView):
    """The order in which connections are tried."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"PUT": (CHANGE,)}

    @documented.described(
        operation_id="connectors_order_replace",
        request=documented.Order,
        responses=documented.answers({200: documented.ConnectionList}, 400, 409, 415),
    )
    def put(self, request: Request) -> Response:
        """Put all connections into this order at once, or none where the set is another one."""
        ids = _ids(object_in(request, known=("ids",)))
        with writing():
            try:
                services.reorder_connections(ids)
            except ConnectorError as error:
                current = [str(each) for each in Connection.objects.values_list("pk", flat=True)]
                raise Outdated(error.message, current, {}) from None
        return Response({"connections": connections_shown(Connection.objects.all())})


def _shown(connection: Connection, **more: Any) -> Response:
    return Response(connection_shown(connection), headers={"ETag": etag_of(connection)}, **more)


def _ids(body: Mapping[str, object]) -> list[str]:
    listed = body.get("ids")
    if not isinstance(listed, list):
        raise FieldError(_("The ids must be a list with the id of each connection."), field="ids")
    ids = []
    for index, each in enumerate(listed):
        try:
            ids.append(str(UUID(each)))
        except (AttributeError, TypeError, ValueError):
            raise FieldError(_("An id must be a UUID."), field=f"ids[{index}]") from None
    return ids
