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
from connectors.forms import ModelIdsField, message_for
from connectors.models import Connection
from connectors.registry import registry
from connectors.services import ConnectionValues
from connectors.values import ConnectorType, EnvironmentKey, Field

DECLARED = "field-"
"""What stands before a declared field's name in the form."""

_TEXT = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_VALUES = ("name", "provider", "base_url", "model", "models", "timeout", "enabled")
_KEY = ("key_source", "api_key", "api_key_env", "remove_key", "key_was_typed", "without_key")
_NOT_COMPARED = (*_KEY, "revision", "fields_for", "fields_shown")


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that two editors see differently, both sides as text."""

    label: str
    yours: str
    stored: str


class ConnectionPageForm(forms.Form):
    """A connection, stored (``connection``) or new. A blank key keeps the stored one.

    The key is typed, or the name of its environment variable is; ``key_source`` says which counts.

    ``fields_for`` is the provider whose fields the form was shown with: where the provider was
    changed since, the form comes back with the fields of the new one before anything is saved.
    ``typed`` is what such a form begins with.

    ``fields_shown`` names the declared fields that the person had before them. The others, which
    another app's script left out, keep their values.

    A typed key is never sent back to the page. A form that comes back says so in
    ``key_was_typed``, and is then refused without a key, unless ``without_key`` says that this is
    meant.
    """

    provider = forms.ChoiceField(label=_("Provider"))
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=100,
        help_text=_("Letters, digits and hyphens. Blank: made from the provider."),
    )
    base_url = forms.CharField(label=_("Base URL"), required=False, max_length=500)
    key_source = forms.ChoiceField(
        label=_("Where the key is"),
        choices=[("typed", _("Key")), ("variable", _("Environment variable"))],
        required=False,
        widget=forms.RadioSelect,
    )
    api_key = forms.CharField(label=_("API key"), required=False)
    api_key_env = forms.CharField(
        label=_("Name of the variable"),
        required=False,
        max_length=200,
        help_text=_(
            "The provider's own, as OPENAI_API_KEY, or one whose name begins with that, as "
            "OPENAI_API_KEY_2. Its key goes to the provider's own address only."
        ),
    )
    remove_key = forms.BooleanField(label=_("Remove the stored key"), required=False)
    key_was_typed = forms.BooleanField(required=False, widget=forms.HiddenInput)
    without_key = forms.BooleanField(label=_("Go on without the typed key"), required=False)
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
    fields_shown = forms.CharField(required=False, widget=forms.HiddenInput)

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
        held = (
            self.connector.field_values(connection.fields) if self.connector and connection else {}
        )
        for declared in self.connector.fields if self.connector else ():
            field = _form_field(declared)
            if self.slug == stored:
                field.initial = held.get(declared.name)
            self.fields[DECLARED + declared.name] = field
        self.initial["fields_shown"] = self._declared_names()
        if data is not None:
            self.data = self._completed(data)
        if typed is not None:
            self._begin_with(typed)

    def _declared_names(self) -> str:
        return " ".join(
            name.removeprefix(DECLARED) for name in self.fields if name.startswith(DECLARED)
        )

    @sensitive_variables()
    def _completed(self, sent: QueryDict) -> QueryDict:
        """What was sent, with what the form says of itself when it is shown again."""
        data = sent.copy()
        if data.get("api_key"):
            data["key_was_typed"] = "1"
        if not self.provider_was_changed:
            self._add_fields_not_shown(data)
        return data

    def _add_fields_not_shown(self, data: QueryDict) -> None:
        """Adds the values of the declared fields that were not on the form."""
        shown = str(data.get("fields_shown") or "").split()
        for name, field in self.fields.items():
            value = field.initial
            if not name.startswith(DECLARED) or name in data or name[len(DECLARED) :] in shown:
                continue
            if isinstance(field, forms.BooleanField):
                value = "on" if value else None
            if value is not None:
                data[name] = str(value)
        data["fields_shown"] = self._declared_names()

    @sensitive_variables()
    def _begin_with(self, typed: Mapping[str, Any]) -> None:
        before = registry.get(str(typed.get("fields_for") or ""))
        for name, field in self.fields.items():
            is_box = isinstance(field, forms.BooleanField) and not name.startswith(DECLARED)
            if name in typed or is_box:
                self.initial[name] = name in typed if is_box else typed[name]
        if typed.get("model") in ("", before.default_model if before else ""):
            self.initial["model"] = self.connector.default_model if self.connector else ""
        self.initial["key_was_typed"] = bool(typed.get("api_key") or typed.get("key_was_typed"))
        self.initial.pop("api_key", None)
        self.initial["fields_for"] = self.slug
        self.initial["fields_shown"] = self._declared_names()

    def _fit_widgets(self, key: str) -> None:
        shown = self.fields
        provider = cast(forms.ChoiceField, shown["provider"])
        provider.choices = provider_choices(self.connection.provider if self.connection else "")
        for name in ("name", "base_url", "model", "api_key_env"):
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
        if self.connection and self.connection.api_key_env:
            shown["remove_key"].label = _("Stop using the variable")
        if self.connection and (self.connection.api_key_encrypted or self.connection.api_key_env):
            shown["without_key"].label = _("Keep the key that is stored")
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

    @property
    def key_problems(self) -> bool:
        """Whether something is wrong with what was given as key."""
        return any(self[name].errors for name in _KEY)

    @property
    def key_to_type_again(self) -> bool:
        """Whether a key was typed that the form, as it comes back, does not hold any more."""
        return bool(self["key_was_typed"].value())

    @property
    def variable_typed(self) -> str:
        """The name of a variable that the form came back with."""
        return str(self["api_key_env"].value() or "")

    @property
    def names_variable(self) -> bool:
        """Whether the form, which holds no mistakes, names a variable for the key."""
        return self.is_valid() and isinstance(self._key(), EnvironmentKey)

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        filled = {name for name in ("api_key", "api_key_env") if data.get(name)}
        if filled and self._chosen not in filled:
            self.add_error("key_source", _("What you filled in is not chosen. Choose or clear it."))
        elif filled and data.get("remove_key"):
            self.add_error("remove_key", _("Either type a key or remove the stored one."))
        elif data.get("key_was_typed") and not (
            filled or data.get("remove_key") or data.get("without_key")
        ):
            self.add_error(
                "api_key", _("Type the key again, or tick below that you go on without it.")
            )
        return data

    @property
    def _chosen(self) -> str:
        return "api_key_env" if self["key_source"].data == "variable" else "api_key"

    @sensitive_variables()
    def _key(self) -> str | EnvironmentKey:
        """What was given, blank where nothing was."""
        given = str(self.cleaned_data.get(self._chosen) or "")
        if given and self._chosen == "api_key_env":
            return EnvironmentKey(given, by_request=True)
        return given

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
        if key := self._key():
            given["api_key"] = key
        elif data.get("remove_key"):
            given["api_key"] = None
        return cast(ConnectionValues, given)

    def refuse(self, error: ConnectorError) -> None:
        """Shows what the services refused beside the field that it is about."""
        name = error.field
        if name.startswith("fields."):
            name = DECLARED + name.removeprefix("fields.")
        if name == "api_key":
            name = self._chosen
        self.add_error(name if name in self.fields else None, message_for(self, error))

    def differences(self) -> list[Difference]:
        """Where the form differs from what is stored, the key left out."""
        found = []
        for name in self.fields:
            if name in _NOT_COMPARED:
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
    """The connectors that connections can be made of."""
    return [each for each in registry.all() if each.connectable]


def _initial(connection: Connection | None, provider: str) -> dict[str, Any]:
    if connection is None:
        connector = registry.get(provider)
        timeout = default_timeout()
        return {
            "provider": provider,
            "model": connector.default_model if connector else "",
            "timeout": int(timeout) if timeout.is_integer() else timeout,
            "enabled": True,
            "key_source": "typed",
            "fields_for": provider,
        }
    timeout = connection.timeout
    return {name: getattr(connection, name) for name in _VALUES} | {
        "timeout": int(timeout) if timeout.is_integer() else timeout,
        "key_source": "variable" if connection.api_key_env else "typed",
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
