"""Gateway keys: list, make, look at, change, rotate, delete."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from ai_client import key_services
from ai_client.api import documentation as documented
from ai_client.api.bodies import key_values, mistakes_by_field
from ai_client.api.permissions import ADD, CHANGE, DELETE, VIEW
from ai_client.api.representations import etag_of, key_shown, keys_shown, new_key_shown
from ai_client.models import GatewayKey
from connectors.api.base import ConnectorsView
from connectors.api.documentation import answers, described
from connectors.api.problems import PreconditionFailed, PreconditionRequired
from connectors.errors import FieldError
from connectors.services.versions import writing

_TAG = re.compile(r'(?:W/)?("[^"]*")')


class GatewayKeysView(ConnectorsView):
    """All gateway keys, by name."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"GET": (VIEW,), "POST": (ADD,)}

    @described(operation_id="ai_keys_list", responses=answers({200: documented.GatewayKeyList}))
    def get(self, request: Request) -> Response:
        """The keys with their limits and what they have used."""
        return Response({"keys": keys_shown(GatewayKey.objects.all())})

    @described(
        operation_id="ai_keys_create",
        request=documented.GatewayKeyWrite,
        responses=answers({201: documented.NewGatewayKey}, 400, 415),
    )
    @method_decorator(sensitive_variables())
    def post(self, request: Request) -> Response:
        """Make a key. Only this answer holds it."""
        values = key_values(request)
        name = values.pop("name", None)
        if name is None:
            raise FieldError(_("The %(field)s is required.") % {"field": "name"}, field="name")
        with mistakes_by_field():
            key, plain = key_services.create_gateway_key(name, **values)
        response = _shown_new(key, plain, status=201)
        response["Location"] = reverse("ai_client_api:key", args=[key.pk])
        return response


class GatewayKeyView(ConnectorsView):
    """One key. Changes name the state that they are made from in ``If-Match``."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GET": (VIEW,),
        "PATCH": (CHANGE,),
        "DELETE": (DELETE,),
    }

    @described(
        operation_id="ai_keys_retrieve", responses=answers({200: documented.GatewayKeyRead}, 404)
    )
    def get(self, request: Request, pk: int) -> Response:
        """The key, with its ETag."""
        return _shown(_found(pk))

    @described(
        operation_id="ai_keys_update",
        parameters=[documented.IF_MATCH],
        request=documented.GatewayKeyChange,
        responses=answers({200: documented.GatewayKeyRead}, 400, 404, 412, 415, 428),
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is sent; null takes a limit away."""
        values = key_values(request)
        with _unchanged(request, pk) as key, mistakes_by_field():
            key_services.update_gateway_key(key, **values)
        return _shown(key)

    @described(
        operation_id="ai_keys_delete",
        parameters=[documented.IF_MATCH],
        responses=answers({204: None}, 404, 412, 428),
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Remove the key with the record of its use; rows of the log keep its name."""
        with _unchanged(request, pk) as key:
            key_services.delete_gateway_key(key)
        return Response(status=204)


class RotationView(ConnectorsView):
    """Another plain text for a key."""

    required_permissions: ClassVar[Mapping[str, tuple[str, ...]]] = {"POST": (CHANGE,)}

    @described(
        operation_id="ai_keys_rotate",
        parameters=[documented.IF_MATCH],
        request=None,
        responses=answers({200: documented.NewGatewayKey}, 404, 412, 428),
    )
    @method_decorator(sensitive_variables())
    def post(self, request: Request, pk: int) -> Response:
        """Replace the key; the former one is void at once. Only this answer holds the new one."""
        with _unchanged(request, pk) as key:
            plain = key_services.rotate_gateway_key(key)
        return _shown_new(key, plain)


def _found(pk: int) -> GatewayKey:
    key = GatewayKey.objects.filter(pk=pk).first()
    if key is None:
        raise NotFound(_("There is no such gateway key."))
    return key


@contextmanager
def _unchanged(request: Request, pk: int) -> Iterator[GatewayKey]:
    """The key as the caller saw it, while nobody else writes."""
    with writing():
        key = _found(pk)
        given = request.headers.get("If-Match", "").strip()
        if not given:
            raise PreconditionRequired(
                _(
                    "Send If-Match with the ETag of the gateway key as you know it, so that nobody "
                    "else's change is lost."
                )
            )
        if given != "*" and etag_of(key) not in _TAG.findall(given):
            raise PreconditionFailed(
                _(
                    "The gateway key %(name)s was changed by somebody else meanwhile. Look at what "
                    "is stored now, and send your change again with its ETag."
                )
                % {"name": key.name},
                key_shown(key),
                {"ETag": etag_of(key)},
            )
        yield key


def _shown(key: GatewayKey) -> Response:
    return Response(key_shown(key), headers={"ETag": etag_of(key)})


@sensitive_variables()
def _shown_new(key: GatewayKey, plain: str, status: int = 200) -> Response:
    return Response(new_key_shown(key, plain), status=status, headers={"ETag": etag_of(key)})
