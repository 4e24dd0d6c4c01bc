"""The form of one connection on the page, with the fields that its provider declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from connectors.conf import MAXIMUM_TIMEOUT, default_timeout
from connectors.errors import ConnectorError
from connectors.forms import ModelIdsField
from connectors.models import Connection
from connectors.registry import registry
from connectors.services import ConnectionValues
from connectors.values import ConnectorType, Field

DECLARED = "field-"
"""What stands before a declared field's name in the form."""

_TEXT = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_VALUES = ("name", "provider", "base_url", "model", "models", "timeout", "enabled")


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that two editors see differently, both sides as text."""

    label: str
    yours: str
    stored: str


class ConnectionPageForm(forms.Form):
    """A connection, stored (``connection``) or new. A blank key keeps the stored one.

    ``fields_for`` is the provider whose fields the form was shown with: where the provider was
    changed since, the form comes back with the fields of the new one before anything is saved.
    ``typed`` is what such a form begins with.
    """

    provider = forms.ChoiceField(label=_("Provider"))
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=100,
        help_text=_("Letters, digits and hyphens. Blank: made from the provider."),
    )
    base_url = forms.CharField(label=_("Base URL"), required=False, max_length=500)
    api_key = forms.CharField(label=_("API key"), required=False)
    remove_key = forms.BooleanField(label=_("Remove the stored key"), required=False)
    model = forms.CharField(
        label=_("Model"),
        required=False,
        max_length=200,
        help_text=_("Choose from the list or type any model id."),
    )
    models = ModelIdsField(
        label=_("Further models"),
        required=False,
        help_text=_("Model ids that this connection also answers for, one a line."),
    )
    timeout = forms.FloatField(
        label=_("Timeout in seconds"), min_value=0.001, max_value=MAXIMUM_TIMEOUT
    )
    enabled = forms.BooleanField(label=_("Enabled"), required=False)
    revision = forms.CharField(required=False, widget=forms.HiddenInput)
    fields_for = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        connection: Connection | None,
        provider: str = "",
        typed: Mapping[str, Any] | None = None,
    ) -> None:
        self.connection = connection
        stored = connection.provider if connection else ""
        chosen = data.get("provider") if data is not None else ""
        self.slug = str(chosen or provider or stored)
        self.connector = registry.get(self.slug)
        key = str(connection.pk) if connection else "new"
        super().__init__(
            data,
            auto_id=f"id_{key}_%s",
            initial=_initial(connection, self.slug),
            label_suffix="",
        )
        self._fit_widgets(key)
        for declared in self.connector.fields if self.connector else ():
            field = _form_field(declared)
            if connection and self.slug == stored:
                field.initial = connection.fields.get(declared.name, declared.default)
            self.fields[DECLARED + declared.name] = field
        if typed is not None:
            self._begin_with(typed)

    def _begin_with(self, typed: Mapping[str, Any]) -> None:
        for name, field in self.fields.items():
            is_box = isinstance(field, forms.BooleanField) and not name.startswith(DECLARED)
            if name in typed or is_box:
                self.initial[name] = name in typed if is_box else typed[name]
        self.initial["fields_for"] = self.slug

    def _fit_widgets(self, key: str) -> None:
        shown = self.fields
        provider = cast(forms.ChoiceField, shown["provider"])
        provider.choices = provider_choices(self.connection.provider if self.connection else "")
        for name in ("name", "base_url", "model"):
            shown[name].widget.attrs |= _TEXT
        shown["models"].widget.attrs |= {"rows": "2", "spellcheck": "false"}
        shown["model"].widget.attrs |= {"list": f"models_{key}"}
        shown["timeout"].widget.attrs |= {"step": "any"}
        shown["base_url"].widget.attrs["placeholder"] = (
            self.connector.base_url if self.connector else ""
        )
        shown["base_url"].widget.attrs["inputmode"] = "url"
        shown["base_url"].help_text = (
            _("Blank: the provider's own. At another host the stored key does not apply.")
            if self.connector and self.connector.base_url
            else _("Where the provider answers, as in https://api.example.com/v1.")
        )
        shown["api_key"].widget = forms.PasswordInput(
            render_value=False, attrs={"autocomplete": "new-password", "spellcheck": "false"}
        )

    @property
    def declared(self) -> list[forms.BoundField]:
        """The provider's own fields."""
        return [self[name] for name in self.fields if name.startswith(DECLARED)]

    @property
    def provider_was_changed(self) -> bool:
        """Whether the person saw the fields of another provider than the one now chosen."""
        shown = str(self.data.get("fields_for") or "")
        return self.is_bound and shown != "" and shown != self.slug

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("remove_key") and self.cleaned_data.get("api_key"):
            self.add_error("remove_key", _("Either type a key or remove the stored one."))
        return self.cleaned_data

    @sensitive_variables()
    def values(self) -> ConnectionValues:
        """What the form says: all of a new connection, else what differs from the stored one."""
        data = self.cleaned_data
        changed = set(self.changed_data)
        is_new = self.connection is None
        given: dict[str, Any] = {name: data[name] for name in _VALUES if is_new or name in changed}
        declared = [name for name in self.fields if name.startswith(DECLARED)]
        if is_new or "provider" in changed or changed & set(declared):
            given["fields"] = {
                name.removeprefix(DECLARED): _written(data.get(name)) for name in declared
            }
        if data.get("api_key"):
            given["api_key"] = data["api_key"]
        elif data.get("remove_key"):
            given["api_key"] = None
        return cast(ConnectionValues, given)

    def refuse(self, error: ConnectorError) -> None:
        """Shows what the services refused beside the field that it is about."""
        name = error.field
        if name.startswith("fields."):
            name = DECLARED + name.removeprefix("fields.")
        self.add_error(name if name in self.fields else None, error.message)

    def differences(self) -> list[Difference]:
        """Where the form differs from what is stored, the key left out."""
        found = []
        for name in self.fields:
            if name in ("api_key", "remove_key", "revision", "fields_for"):
                continue
            bound = self[name]
            yours, stored = _as_text(bound.value()), _as_text(bound.initial)
            if name == "models":
                yours = ", ".join(yours.split())
            if name in self.changed_data:
                found.append(Difference(str(bound.label), yours, stored))
        return found


def provider_choices(present: str = "") -> list[tuple[str, str]]:
    """The providers that a connection may have; one that is gone stays while it is in use."""
    choices = [(connector.slug, connector.name) for connector in offered()]
    if present and present not in {slug for slug, _name in choices}:
        choices.append((present, present))
    return choices


def offered() -> list[ConnectorType]:
    """The connectors that connections can be made of: shown, in use, and opened with a key."""
    return [
        each
        for each in registry.all()
        if not each.hidden and each.method != "application_password" and each.active
    ]


def _initial(connection: Connection | None, provider: str) -> dict[str, Any]:
    if connection is None:
        connector = registry.get(provider)
        timeout = default_timeout()
        return {
            "provider": provider,
            "model": connector.default_model if connector else "",
            "timeout": int(timeout) if timeout.is_integer() else timeout,
            "enabled": True,
            "fields_for": provider,
        }
    timeout = connection.timeout
    return {name: getattr(connection, name) for name in _VALUES} | {
        "timeout": int(timeout) if timeout.is_integer() else timeout,
        "revision": connection.revision,
        "fields_for": provider,
    }


def _form_field(declared: Field) -> forms.Field:
    given: dict[str, Any] = {
        "label": declared.label,
        "required": declared.required and declared.default is None,
        "help_text": declared.help,
        "initial": declared.default,
    }
    match declared.kind:
        case "integer":
            return forms.IntegerField(**given)
        case "boolean":
            return forms.BooleanField(**given | {"required": False})
        case "choice":
            blank = [] if given["required"] or declared.default is not None else [("", "")]
            choices = blank + [(choice, choice) for choice in declared.choices]
            return forms.ChoiceField(choices=choices, **given)
        case "text" | "url":
            return forms.CharField(widget=forms.TextInput(attrs=_TEXT), **given)


def _written(value: object) -> object:
    return "" if value is None else value


def _as_text(value: object) -> str:
    match value:
        case None | "":
            return ""
        case bool():
            return str(_("Yes") if value else _("No"))
        case list():
            return ", ".join(map(str, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)
