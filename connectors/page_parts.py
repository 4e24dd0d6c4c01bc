"""What the page's templates are given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from connectors.approval_matrix import waiting
from connectors.deletions import deletions
from connectors.models import Connection
from connectors.page_data import script_module_data
from connectors.page_forms import ConnectionPageForm, Difference, offered
from connectors.probing import ModelEntry
from connectors.script_modules import DATA_ID, PUBLIC, import_map, page_data, script_modules
from connectors.service_cards import RefusedService, service_cards
from connectors.snippets import Snippet, snippets_for
from connectors.tiles import Logo, Tile, answering, logo_of, tiles_of
from connectors.trial_runs import ShownStep
from connectors.values import ConnectorType


@dataclass(slots=True)
class Editor:
    """An open connection: its form and what was found out about it in this request."""

    form: ConnectionPageForm
    steps: list[ShownStep] = field(default_factory=list)
    listed: list[ModelEntry] = field(default_factory=list)
    listed_words: str = ""
    notice: str = ""
    conflict: bool = False
    differences: list[Difference] = field(default_factory=list)
    tile: Tile | None = None
    snippets: list[Snippet] = field(default_factory=list)

    @property
    def connection(self) -> Connection | None:
        """The stored connection; None for one that is being added."""
        return self.form.connection

    @property
    def connector(self) -> ConnectorType | None:
        """The provider that the form is for."""
        return self.form.connector

    @property
    def key(self) -> str:
        """What tells the parts of this editor from those of others on the page."""
        return str(self.connection.pk) if self.connection else "new"

    @property
    def rendering(self) -> str:
        """The name under which other apps' scripts render this connector."""
        return f"{self.connector.type}/{self.connector.slug}" if self.connector else ""

    @property
    def models(self) -> list[ModelEntry]:
        """What the model picker offers: what the provider lists, else what is stored."""
        if self.listed or self.connection is None:
            return self.listed
        known = [self.connection.model, *self.connection.models]
        return [ModelEntry(each, "") for each in dict.fromkeys(known) if each]

    @property
    def render_data(self) -> dict[str, object]:
        """What a script that renders the connector itself is told; nothing secret."""
        names = [field.name for field in self.connector.fields] if self.connector else []
        return {
            "connection": self.key,
            "connector": self.rendering,
            "values": {name: self.form[f"field-{name}"].value() for name in names},
        }


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider that a connection can be added for."""

    connector: ConnectorType
    logo: Logo
    url: str


def page_context(
    request: HttpRequest, editor: Editor | None, refused: RefusedService | None = None
) -> dict[str, Any]:
    """Everything on the page. The number of queries does not depend on what there is.

    What parts of the page seldom need is a function, which Django's templates call.
    """
    told: Callable[[], dict[str, Any]] = cache(lambda: script_module_data())
    tiles = tiles_of(Connection.objects.all())
    if editor is not None and editor.connection is not None:
        editor.tile = next(
            (tile for tile in tiles if tile.connection.pk == editor.connection.pk), None
        )
        editor.snippets = snippets_for(request, editor.connection)
    return {
        "title": _("Connectors"),
        "tiles": tiles,
        "answering": answering(tiles),
        "presets": _presets(),
        "editor": editor,
        "waiting": waiting(),
        "deletions": deletions(request.session),
        "services": cache(lambda: service_cards(told(), refused)),
        "import_map": json.dumps(import_map()).replace("<", "\\u003c"),
        "script_modules": script_modules(),
        "module_data": lambda: [(DATA_ID + PUBLIC, told()), *page_data(request)],
        "texts": _texts(),
    }


def _presets() -> list[Preset]:
    address = reverse("connectors_page:new")
    return [
        Preset(each, logo_of(each, each.name), f"{address}?provider={each.slug}")
        for each in offered()
    ]


def _texts() -> dict[str, str]:
    """The sentences of the page's script, in the person's language."""
    return {
        "moved": _("{name} is now {place} of {count}."),
        "order_refused": _("The order was not saved. {reason}"),
        "failed": _("That did not work. Check your connection and try again."),
        "not_renewed": _("Done, but this page shows what was before. Load it again."),
        "refused": _("The site refused that (status {status}). Load the page again."),
        "logged_out": _(
            "You are logged out. Log in in another tab, then try again; what you typed stays here."
        ),
        "copied": _("Copied"),
        "not_copied": _("Copying is not allowed here. Select the text instead."),
        "testing": _("Testing…"),
        "tested": _("The test passed."),
        "test_failed": _("The test failed."),
        "loading_models": _("Asking the provider…"),
        "unsaved": _("Something that you typed here is not saved. Close it and lose that?"),
    }
