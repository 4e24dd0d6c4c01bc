"""``/wp/v2/settings``: the registered settings of the group, masked.

The body is WordPress's: one member per setting. Two members are ours and begin with ``_``:
``_sources`` tells, of each setting that the environment or Django's settings hold, where it
stands and what is in force, masked; ``_errors`` tells, after a write, which values were refused
and why. A refused value leaves what was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.metadata import BaseMetadata
from rest_framework.parsers import FormParser, JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors import settings_group
from connectors.api import problems
from connectors.api.base import ConnectorsView
from connectors.api.permissions import CHANGE, REPLACE_KEY, RequiredPermissions
from connectors.errors import FieldError
from connectors.page_data import KEY_SOURCES
from connectors.services.settings_group import Refusal, save_settings

_WRITING = ("POST", "PUT", "PATCH")
_ADDED: dict[str, Any] = {
    "_sources": {
        "type": "object",
        "readOnly": True,
        "description": "Settings that the environment or Django's settings hold.",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "source": {"type": "string", "enum": ["env", "constant"]},
                "name": {"type": "string"},
                "value": {"description": "What is in force, masked."},
                "readOnly": {"type": "boolean"},
            },
        },
    },
    "_errors": {
        "type": "array",
        "readOnly": True,
        "description": "Values that were refused; what was stored before still is.",
        "items": {
            "type": "object",
            "properties": {
                "field": {"type": "string"},
                "pointer": {"type": "string"},
                "detail": {"type": "string"},
                "code": {"type": "string"},
            },
        },
    },
}


def settings_schema() -> dict[str, Any]:
    """The JSON Schema of the body, as registry and environment stand now; reads no database."""
    properties = {}
    for name, setting in settings_group.registered_settings().items():
        if setting.show_in_rest:
            fixed = {"readOnly": True} if setting.is_read_only() else {}
            properties[name] = {**setting.schema(), **fixed}
    return {"type": "object", "properties": properties}


class SettingsSchema(AutoSchema):
    """OpenAPI from the registered settings instead of a serializer."""

    def get_operation_id(self) -> str:
        """A name per method, for there is no model to take it from."""
        return {"GET": "settings_retrieve", "POST": "settings_save", "PUT": "settings_replace"}.get(
            self.method, "settings_update"
        )

    def get_override_parameters(self) -> list[Any]:
        """``_fields``."""
        about = "Only these settings, separated by commas; 'setting.username' for a part."
        return [OpenApiParameter("_fields", str, description=about)]

    def get_request_serializer(self) -> Any:
        """One member per setting, none of them required. A form holds texts only."""
        schema = settings_schema()
        texts = {
            name: described
            for name, described in schema["properties"].items()
            if described["type"] == "string"
        }
        return {
            "application/json": schema,
            "application/x-www-form-urlencoded": {**schema, "properties": texts},
        }

    def get_response_serializers(self) -> Any:
        """The settings, or a problem."""
        body = settings_schema()
        body = {**body, "properties": {**body["properties"], **_ADDED}}
        refused = {
            (status, problems.MEDIA_TYPE): problems.SCHEMA
            for status in (("400", "401", "403") if self.method in _WRITING else ("401", "403"))
        }
        return {"200": body, **refused}


class SettingsMetadata(BaseMetadata):
    """What WordPress answers to OPTIONS: the methods with their arguments, and the schema."""

    def determine_metadata(self, request: Request, view: APIView) -> dict[str, Any]:
        """Types, labels, descriptions and defaults of all settings."""
        schema = settings_schema()
        arguments = {
            name: {key: value for key, value in described.items() if key != "title"}
            for name, described in schema["properties"].items()
        }
        return {
            "namespace": "wp/v2",
            "methods": ["GET", *_WRITING],
            "endpoints": [
                {"methods": ["GET"], "args": {}},
                {"methods": list(_WRITING), "args": arguments},
            ],
            "schema": {
                "$schema": "http://json-schema.org/draft-04/schema#",
                "title": "settings",
                **schema,
            },
        }


class SettingsView(ConnectorsView):
    """Read and write the settings. A write touches the settings that it names, and no other."""

    metadata_class = SettingsMetadata
    parser_classes = (JSONParser, FormParser)
    schema = SettingsSchema()
    # Every setting of the group is a credential, so a write replaces one.
    required_permissions: ClassVar[RequiredPermissions] = {
        **dict.fromkeys(("GET", "OPTIONS"), (CHANGE,)),
        **dict.fromkeys(_WRITING, (CHANGE, REPLACE_KEY)),
    }

    def get(self, request: Request) -> Response:
        """All registered settings, masked."""
        return self._answer(request)

    def post(self, request: Request) -> Response:
        """Store the settings that are submitted."""
        return self._save(request)

    def put(self, request: Request) -> Response:
        """As POST: what is not submitted is not touched."""
        return self._save(request)

    def patch(self, request: Request) -> Response:
        """As POST, the check of keys included."""
        return self._save(request)

    @sensitive_variables()
    def _save(self, request: Request) -> Response:
        body = request.data
        if not isinstance(body, Mapping):
            raise FieldError(_("The body must be an object with the settings to change."))
        shown = {
            name
            for name, setting in settings_group.registered_settings().items()
            if setting.show_in_rest
        }
        return self._answer(
            request, save_settings({name: body[name] for name in body if name in shown})
        )

    def _answer(self, request: Request, refusals: Sequence[Refusal] = ()) -> Response:
        settings = {
            name: setting
            for name, setting in settings_group.registered_settings().items()
            if setting.show_in_rest
        }
        held = settings_group.read(settings.values())
        body: dict[str, Any] = {name: held[name].shown for name in settings}
        sources = {
            name: {
                "source": KEY_SOURCES[each.source],
                "name": each.name,
                "value": each.elsewhere,
                "readOnly": True,
            }
            for name, each in held.items()
            if each.is_read_only
        }
        wanted = _wanted(request)
        if wanted:
            body = _only(body, wanted)
            sources = {name: sources[name] for name in sources if name in body}
        if sources:
            body["_sources"] = sources
        if refusals:
            body["_errors"] = [
                problems.field_error(each.setting, each.message, each.code) for each in refusals
            ]
        return Response(body)


def _wanted(request: Request) -> list[str]:
    given = [
        *request.query_params.getlist("_fields"),
        *request.query_params.getlist("_fields[]"),
    ]
    names = [name.strip() for text in given for name in text.split(",")]
    return [name for name in names if name]


def _only(body: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    """The members that are wanted; ``name.part`` wants one part of an object."""
    kept: dict[str, Any] = {}
    for name, value in body.items():
        parts = [each.partition(".")[2] for each in wanted if each.partition(".")[0] == name]
        if not parts:
            continue
        if "" in parts or not isinstance(value, Mapping):
            if "" in parts:
                kept[name] = value
            continue
        chosen = {part: value[part] for part in parts if part in value}
        if chosen:
            kept[name] = chosen
    return kept
