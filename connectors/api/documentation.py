"""The shapes of the REST face for its OpenAPI document. Values are checked by the services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from connectors.api.problems import MEDIA_TYPE, SCHEMA
from connectors.status import State

_Method = TypeVar("_Method", bound=Callable[..., Any])

IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="The ETag of the connection as the caller knows it.",
)
REFRESH = OpenApiParameter(
    "refresh",
    OpenApiTypes.BOOL,
    OpenApiParameter.QUERY,
    description="Ask the provider again instead of giving the list that was kept.",
)
OPTION_NAME = OpenApiParameter(
    "option_name",
    OpenApiTypes.STR,
    OpenApiParameter.QUERY,
    description="Only the connection with this name in Koneek for WordPress.",
)
CALLER = OpenApiParameter("caller", OpenApiTypes.STR, OpenApiParameter.QUERY, required=True)
CONNECTOR = OpenApiParameter("connector", OpenApiTypes.STR, OpenApiParameter.QUERY, required=True)
_MEANINGS = {
    400: "A value is wrong; errors says which.",
    401: "Nobody is logged in.",
    403: "A permission is missing.",
    404: "There is no such thing.",
    409: "The list does not hold each connection exactly once; current is the order.",
    412: "The connection was changed meanwhile; current is what is stored.",
    415: "The body is not JSON.",
    422: "The address does not tell what it has.",
    428: "If-Match is missing.",
    502: "The provider was not reached, or not understood.",
}


class KeyRead(serializers.Serializer[Any]):
    """A key as it may be seen."""

    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["env", "setting", "database", "app", "none", "unreadable"]
    )
    name = serializers.CharField(help_text="The variable, setting or option.")
    masked = serializers.CharField()
    problem = serializers.CharField(help_text="Why there is none; blank where there is one.")


class AddressRead(serializers.Serializer[Any]):
    """Where a connection goes."""

    base_url = serializers.CharField()
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["connection", "env", "setting", "app", "default"]
    )


class StatusRead(serializers.Serializer[Any]):
    """How a connection is doing at the moment."""

    state = serializers.ChoiceField(State.values)
    words = serializers.CharField()
    until_seconds = serializers.FloatField(allow_null=True)
    last_latency_ms = serializers.FloatField(allow_null=True)
    last_error = serializers.CharField()
    last_error_age = serializers.FloatField(allow_null=True, help_text="Seconds.")
    who = serializers.CharField(help_text="Whether it answers the next request, or why not.")
    answers_now = serializers.BooleanField()


class ConnectionRead(serializers.Serializer[Any]):
    """A connection. Its key is written as api_key and read as a mask."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    provider = serializers.CharField()
    base_url = serializers.CharField(help_text="Blank: the provider's own.")
    address = AddressRead(allow_null=True)
    model = serializers.CharField()
    models = serializers.ListField(child=serializers.CharField())
    priority = serializers.IntegerField()
    timeout = serializers.FloatField(help_text="Seconds.")
    enabled = serializers.BooleanField()
    fields = serializers.DictField()  # type: ignore[assignment]
    key = KeyRead()
    option_name = serializers.CharField(
        help_text="Its name in Koneek for WordPress; it never changes."
    )
    unusable = serializers.CharField(help_text="Why it cannot be used; blank where it can.")
    status = StatusRead(allow_null=True)
    revision = serializers.CharField()
    created = serializers.DateTimeField()
    updated = serializers.DateTimeField()


class ConnectionList(serializers.Serializer[Any]):
    """Connections in their order."""

    connections = ConnectionRead(many=True)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"env": {"type": "string"}},
                "required": ["env"],
                "additionalProperties": False,
            },
        ]
    }
)
class _KeyWrite(serializers.JSONField):
    """A key, or the name of the variable that holds it."""


class ConnectionChange(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    name = serializers.RegexField(r"^[A-Za-z0-9-]{1,100}$", required=False)
    provider = serializers.CharField(required=False)
    base_url = serializers.CharField(required=False, allow_blank=True)
    api_key = _KeyWrite(
        required=False,
        allow_null=True,
        write_only=True,
        help_text="Left out keeps, null removes, text replaces; the mask of the stored key keeps. "
        "The name of a variable leaves the key there: the provider's own variable, or one whose "
        "name begins with that and an underscore, at the provider's own address.",
    )
    model = serializers.CharField(required=False, allow_blank=True)
    models = serializers.ListField(child=serializers.CharField(), required=False)
    priority = serializers.IntegerField(required=False)
    timeout = serializers.FloatField(required=False, help_text="Seconds, above 0 and up to 600.")
    enabled = serializers.BooleanField(required=False)
    fields = serializers.DictField(required=False)  # type: ignore[assignment]


class ConnectionWrite(ConnectionChange):
    """A new connection. Without a name it gets one from its provider."""

    provider = serializers.CharField()


class ConnectionReplace(ConnectionWrite):
    """All of a connection but its key, which stays unless it is sent."""

    name = serializers.RegexField(r"^[A-Za-z0-9-]{1,100}$")
    priority = serializers.IntegerField()
    timeout = serializers.FloatField(help_text="Seconds, above 0 and up to 600.")


class Order(serializers.Serializer[Any]):
    """The id of each connection, once."""

    ids = serializers.ListField(child=serializers.UUIDField())


class StepRead(serializers.Serializer[Any]):
    """One step of a test. As application/x-ndjson each step is a line of its own."""

    name = serializers.ChoiceField(["dns", "connect", "tls", "auth", "model", "first_token"])
    state = serializers.ChoiceField(["ok", "failed", "skipped"])
    ms = serializers.FloatField(allow_null=True, help_text="Milliseconds of this step alone.")
    message = serializers.CharField()
    advice = serializers.CharField()


class Trial(serializers.Serializer[Any]):
    """A whole test."""

    ok = serializers.BooleanField()
    steps = StepRead(many=True)


class ModelRead(serializers.Serializer[Any]):
    """A model that the provider lists."""

    id = serializers.CharField()
    name = serializers.CharField()


class ModelList(serializers.Serializer[Any]):
    """What the provider lists."""

    models = ModelRead(many=True)


class PresetField(serializers.Serializer[Any]):
    """A setting that the provider needs beyond key, model and base URL."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(["text", "url", "integer", "boolean", "choice"])
    required = serializers.BooleanField()  # type: ignore[assignment]
    default = serializers.JSONField(allow_null=True)
    choices = serializers.ListField(child=serializers.CharField())
    help = serializers.CharField()


class Preset(serializers.Serializer[Any]):
    """Something that a connection can be made of."""

    provider = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    type = serializers.CharField()
    method = serializers.ChoiceField(["api_key", "application_password", "none"])
    logo_url = serializers.CharField()
    credentials_url = serializers.CharField(help_text="Where its vendor hands out keys.")
    base_url = serializers.CharField(help_text="Blank: each connection brings its own.")
    model = serializers.CharField()
    key_required = serializers.BooleanField()
    can_be_tested = serializers.BooleanField()
    fields = PresetField(many=True)  # type: ignore[assignment]


class PresetList(serializers.Serializer[Any]):
    """All of them, in order of registration."""

    presets = Preset(many=True)


class Import(serializers.Serializer[Any]):
    """An export and whether to write it."""

    document = serializers.JSONField(
        help_text="What wp option list --format=json prints, options by name, or an export of "
        "this site."
    )
    dry_run = serializers.BooleanField(required=False, help_text="Only say what would happen.")


class AppliedRead(serializers.Serializer[Any]):
    """What happened to a connection."""

    name = serializers.CharField()
    action = serializers.ChoiceField(["created", "updated", "unchanged", "removed"])
    changed = serializers.ListField(child=serializers.CharField())
    note = serializers.CharField()


class OptionRead(serializers.Serializer[Any]):
    """What happened to the key of a provider."""

    name = serializers.CharField()
    action = serializers.ChoiceField(["created", "updated", "unchanged", "removed"])


class SkippedRead(serializers.Serializer[Any]):
    """What does not come along, and why."""

    name = serializers.CharField()
    reason = serializers.CharField()


class ImportResult(serializers.Serializer[Any]):
    """Names and reasons, never values."""

    dry_run = serializers.BooleanField()
    connections = AppliedRead(many=True)
    options = OptionRead(many=True)
    skipped = SkippedRead(many=True)
    unknown = serializers.ListField(child=serializers.CharField())


class Export(serializers.Serializer[Any]):
    """The connections as apply_connections and import read them, secrets left out."""

    connections = serializers.ListField(child=serializers.DictField())


class ApprovalRead(serializers.Serializer[Any]):
    """A decision (pending takes one back), with the requests that were refused."""

    caller = serializers.CharField(help_text="An app's label, or gateway: and a key's name.")
    connector = serializers.CharField()
    state = serializers.ChoiceField(["pending", "allowed", "denied"])
    attempts = serializers.IntegerField(read_only=True)
    first_seen = serializers.DateTimeField(read_only=True, allow_null=True)
    last_seen = serializers.DateTimeField(read_only=True, allow_null=True)


class CallerRow(serializers.Serializer[Any]):
    """A caller, and what holds for each connector: a decision, pending, or else the policy."""

    caller = serializers.CharField()
    states = serializers.DictField(
        child=serializers.ChoiceField(["pending", "allowed", "denied", "allow", "ask"])
    )


class ApprovalList(serializers.Serializer[Any]):
    """All pairs that something is known of, and a row for each caller that is known or can ask."""

    policy = serializers.ChoiceField(["allow", "ask"])
    callers = serializers.ListField(child=serializers.CharField())
    connectors = serializers.ListField(child=serializers.CharField())
    rows = CallerRow(many=True)
    approvals = ApprovalRead(many=True)


def described(**about: Any) -> Callable[[_Method], _Method]:
    """drf-spectacular's ``extend_schema``, whichever schema class the site's settings name."""

    def decorate(method: _Method) -> _Method:
        setattr(method, "schema", AutoSchema)  # noqa: B010  what extend_schema builds upon
        extended: _Method = extend_schema(**about)(method)
        delattr(method, "schema")
        return extended

    return decorate


def answers(good: Mapping[Any, Any], *problems: int) -> dict[Any, Any]:
    """The responses of an operation; 401 and 403 belong to each."""
    wrong = {
        (status, MEDIA_TYPE): OpenApiResponse(dict(SCHEMA), _MEANINGS[status])
        for status in sorted({401, 403, *problems})
    }
    return {**good, **wrong}
