"""The form of a gateway key in the admin."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from ai_client.key_services import check_scope
from ai_client.models import GatewayKey
from connectors.models import Connection

if TYPE_CHECKING:
    _GatewayKeyForm = forms.ModelForm[GatewayKey]
else:
    _GatewayKeyForm = forms.ModelForm


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        """The list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The lines that hold something."""
        lines = (line.strip() for line in (value or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))


class GatewayKeyForm(_GatewayKeyForm):
    """Connections are chosen among those that there are, models are written a line each."""

    class Meta:
        model = GatewayKey
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        connections = self.fields.get("allowed_connections")
        if connections is not None:
            # One that was deleted meanwhile stays on the key until it is taken away.
            names = [*Connection.objects.values_list("name", flat=True)]
            names += [each for each in self.instance.allowed_connections if each not in names]
            self.fields["allowed_connections"] = forms.MultipleChoiceField(
                choices=[(each, each) for each in names],
                required=False,
                label=connections.label,
                help_text=connections.help_text,
                widget=forms.CheckboxSelectMultiple,
            )
        models = self.fields.get("allowed_models")
        if models is not None:
            one_a_line = _("One a line.")
            self.fields["allowed_models"] = LinesField(
                required=False,
                label=models.label,
                help_text=f"{models.help_text} {one_a_line}",
            )

        priced = _('What has no known price does not count; AI_CLIENT["PRICES"] adds prices.')
        for name in ("budget_per_day", "budget_per_month"):
            if name in self.fields:
                budget = self.fields[name]
                budget.help_text = f"{budget.help_text} {priced}"

    def clean(self) -> dict[str, Any]:
        """The lists are checked as everybody's are."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "allowed_connections" in cleaned and "allowed_models" in cleaned:
            try:
                check_scope(
                    cleaned["allowed_connections"],
                    cleaned["allowed_models"],
                    self.instance.allowed_connections,
                )
            except ValidationError as error:
                self.add_error(None, error)
        return cleaned


def limits_in_words(key: GatewayKey) -> Iterator[str]:
    """Each limit that a key has, in a few words."""
    words: tuple[tuple[str, int | Decimal | None], ...] = (
        (_("%(number)s requests/min"), key.requests_per_minute),
        (_("%(number)s tokens/min"), key.tokens_per_minute),
        (_("%(number)s at once"), key.concurrency),
        (_("%(number)s US dollars/day"), key.budget_per_day),
        (_("%(number)s US dollars/month"), key.budget_per_month),
    )
    for text, number in words:
        if number is not None:
            shown = f"{number.normalize():f}" if isinstance(number, Decimal) else number
            yield text % {"number": shown}
