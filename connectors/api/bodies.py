"""What comes in: JSON objects, with a pointer to each mistake."""

from __future__ import annotations

from difflib import get_close_matches
from typing import cast

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from connectors.errors import FieldError
from connectors.masking import is_masked
from connectors.models import Connection
from connectors.services import ConnectionValues
from connectors.values import EnvironmentKey

READ_ONLY = frozenset(
    {"address", "created", "id", "key", "option_name", "revision", "status", "unusable", "updated"}
)
"""What a representation holds beyond what can be written; sent back, it is passed over."""
WRITABLE = tuple(ConnectionValues.__annotations__)
_ON_REPLACE: dict[str, object] = {
    "base_url": "",
    "model": "",
    "models": [],
    "enabled": True,
    "fields": {},
}


@sensitive_variables()
def object_in(request: Request, *, known: tuple[str, ...] = ()) -> dict[str, object]:
    """The JSON object in the body; with ``known``, only these names. Raises ValidationError."""
    data = request.data
    if not isinstance(data, dict):
        raise ValidationError([ErrorDetail(_("The body must be a JSON object."), code="invalid")])
    given = {str(name): value for name, value in data.items()}
    if known:
        for name in given:
            if name not in known:
                close = get_close_matches(name, known, n=1)
                if close:
                    what = _("%(name)r is not known here. Did you mean %(close)r?")
                else:
                    what = _("%(name)r is not known here. Known: %(names)s.")
                names = {"name": name, "close": "".join(close), "names": ", ".join(known)}
                raise FieldError(what % names, field=name)
    return given


@sensitive_variables()
def connection_values(request: Request) -> ConnectionValues:
    """What a body says about a connection; the services check the values. Raises FieldError."""
    given = object_in(request, known=(*WRITABLE, *READ_ONLY))
    values = {name: value for name, value in given.items() if name in WRITABLE}
    if "api_key" in values:
        values["api_key"] = _api_key(values["api_key"])
    return cast(ConnectionValues, values)


@sensitive_variables()
def replacement_values(request: Request) -> ConnectionValues:
    """As ``connection_values``, with a default for what is left out; the key alone is kept."""
    given = connection_values(request)
    for name in ("name", "provider", "priority", "timeout"):
        if name not in given:
            what = _("The %(field)s is required where all is replaced.")
            raise FieldError(what % {"field": name}, field=name)
    return cast(ConnectionValues, {**_ON_REPLACE, **given})


@sensitive_variables()
def names_variable(values: ConnectionValues) -> bool:
    """Whether a body says that the key is in a variable of the server."""
    return isinstance(values.get("api_key"), EnvironmentKey)


@sensitive_variables()
def replaces_key(existing: Connection | None, values: ConnectionValues) -> bool:
    """Whether a write gives, removes or loses a key, or may send one to another address."""
    submitted = values.get("api_key", "")
    if "api_key" in values and not (isinstance(submitted, str) and is_masked(submitted)):
        return True
    if existing is None:
        return False
    return any(
        name in values and values.get(name) != getattr(existing, name)
        for name in ("base_url", "provider")
    )


@sensitive_variables()
def _api_key(value: object) -> str | EnvironmentKey | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict) and list(value) == ["env"] and isinstance(value["env"], str):
        return EnvironmentKey(value["env"], by_request=True)
    raise FieldError(
        _('The api_key must be text, null, or {"env": "NAME_OF_A_VARIABLE"}.'), field="api_key"
    )
