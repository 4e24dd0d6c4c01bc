"""The forms of the admin. They write through ``services`` and never show a stored secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from connectors import crypto, services
from connectors.credentials import key_binding, option_binding
from connectors.crypto import Binding
from connectors.errors import ConnectorError
from connectors.masking import mask
from connectors.models import Connection, Option
from connectors.registry import registry
from connectors.services import ConnectionValues

if TYPE_CHECKING:
    _ConnectionModelForm = forms.ModelForm[Connection]
    _OptionModelForm = forms.ModelForm[Option]
else:
    _ConnectionModelForm = _OptionModelForm = forms.ModelForm

_CONNECTION_VALUES = (
    "name",
    "provider",
    "base_url",
    "model",
    "models",
    "priority",
    "timeout",
    "enabled",
)


class ModelIdsField(forms.CharField):
    """Model ids, one a line, as a list."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines()]
        return [line for line in lines if line]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.to_python(data) != (initial or []))


class ConnectionForm(_ConnectionModelForm):
    """A connection. A blank key keeps the stored one.

    ``key_cleared`` says, after ``write``, that a changed address cost the connection its key.
    """

    key_cleared = False
    may_replace_key = True
    """Whether whoever sends the form may give a key, or move the connection away from its own."""

    models = ModelIdsField(label=_("Further models"), required=False, help_text=_("One a line."))
    provider_fields = forms.JSONField(label=_("Provider's fields"), required=False)
    api_key = forms.CharField(label=_("API key"), required=False)
    clear_api_key = forms.BooleanField(label=_("Remove the stored key"), required=False)

    class Meta:
        model = Connection
        fields = _CONNECTION_VALUES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shown = self.fields
        shown["provider_fields"].initial = self.instance.fields
        shown["provider"] = forms.ChoiceField(
            label=_("Provider"), choices=_providers(self.instance.provider)
        )
        shown["name"].required = False
        shown["name"].help_text = _("Blank: made from the provider.")
        shown["base_url"].help_text = _(
            "Blank: the provider's own. Another host needs the key typed again."
        )
        shown["api_key"].widget = _secret_input(
            self.instance.api_key_encrypted if not self.instance.api_key_env else "",
            key_binding(self.instance),
        )
        if not self.instance._state.adding:
            shown["api_key"].help_text = _("Blank: the stored key stays.")

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("clear_api_key") and self.cleaned_data.get("api_key"):
            self.add_error("clear_api_key", _("Either type a key or remove the stored one."))
        if not self.may_replace_key:
            self._keep_the_key()
        _rehearse(self)
        return self.cleaned_data

    def _keep_the_key(self) -> None:
        touching = ["api_key", "clear_api_key"]
        if not self.instance._state.adding:
            touching += ["base_url", "provider"]
        for name in touching:
            if name in self.changed_data:
                self.add_error(name, _("You may not replace the key of a connection."))

    @sensitive_variables()
    def write(self) -> Connection:
        """Store what the form says: all of a new row, else what changed. Raises ConnectorError."""
        is_new = self.instance._state.adding
        given = {
            name: self.cleaned_data[name]
            for name in _CONNECTION_VALUES
            if is_new or name in self.changed_data
        }
        if is_new or "provider_fields" in self.changed_data:
            given["fields"] = self.cleaned_data["provider_fields"] or {}
        if self.cleaned_data.get("clear_api_key") or self.cleaned_data["api_key"]:
            given["api_key"] = self.cleaned_data["api_key"] or None
        values = cast(ConnectionValues, given)
        if is_new:
            return services.create_connection(**values)
        update = services.update_connection(self.instance.pk, **values)
        self.key_cleared = update.key_cleared
        return update.connection


class OptionForm(_OptionModelForm):
    """An option. An encrypted value is never shown; a blank one keeps it."""

    new_value = forms.CharField(label=_("Value"), required=False, strip=False)

    class Meta:
        model = Option
        fields = ("name", "encrypted")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        option = self.instance
        self.fields["name"].disabled = not option._state.adding
        if option.encrypted:
            self.fields["encrypted"].disabled = True
            self.fields["new_value"].widget = _secret_input(option.value, option_binding(option))
            self.fields["new_value"].help_text = _("Blank: the stored value stays.")
        else:
            self.fields["new_value"].widget = forms.Textarea(attrs={"rows": 3})
            self.fields["new_value"].initial = option.value

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        is_kept = self.instance.encrypted
        if data.get("encrypted") and not is_kept and not data.get("new_value", "").strip():
            self.add_error("new_value", _("An encrypted option needs a value."))
        _rehearse(self)
        return data

    @sensitive_variables()
    def write(self) -> Option:
        """Store what the form says. Raises ConnectorError."""
        data = self.cleaned_data
        if data["new_value"].strip() or not self.instance.encrypted:
            services.set_option(data["name"], data["new_value"], encrypted=data["encrypted"])
        return Option.objects.get(name=data["name"])


def _rehearse(form: ConnectionForm | OptionForm) -> None:
    """Writes and takes it back, so that what ``services`` refuses stands beside its field."""
    if form.errors:
        return
    try:
        with services.rehearsal():
            form.write()
    except ConnectorError as error:
        field = "provider_fields" if error.field.startswith("fields") else error.field
        form.add_error(field if field in form.fields else None, message_for(form, error))


def message_for(form: forms.BaseForm, error: ConnectorError) -> str:
    """The error's message, in which a column is called as the form labels it."""
    field = form.fields.get(error.field)
    if field is None or "_" not in error.field:
        return error.message
    return re.sub(rf"\b{error.field}\b", lambda _found: str(field.label), error.message)


def _providers(present: str) -> list[tuple[str, str]]:
    choices = [(connector.slug, connector.name) for connector in registry.all()]
    if present and not registry.is_registered(present):
        choices.append((present, present))
    return choices


@sensitive_variables()
def _secret_input(envelope: str, binding: Binding) -> forms.PasswordInput:
    try:
        masked = mask(crypto.decrypt(envelope, binding)) if envelope else ""
    except ConnectorError:
        masked = ""
    attributes = {"autocomplete": "off", "size": "60", "placeholder": masked}
    return forms.PasswordInput(render_value=False, attrs=attributes)
