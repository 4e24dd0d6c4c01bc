"""The app, and the moment at which others add their connectors."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class ConnectorsConfig(AppConfig):
    """Connectors: what can be connected, what is connected, and its secrets."""

    name = "connectors"
    label = "connectors"
    verbose_name = _("Connectors")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register checks and the sentinel's upkeep; touches no database.

        ``connectors_init`` is sent by the registry, before its first reader, when every app had
        its chance to listen.
        """
        from django.db.models.signals import post_migrate

        from connectors import checks  # noqa: F401  registers on import
        from connectors.sentinel import keep_up
        from connectors.signals import configuration_changed
        from connectors.texts import translate_with

        translate_with(gettext)

        configuration_changed.connect(keep_up, dispatch_uid="connectors.sentinel")
        post_migrate.connect(keep_up, sender=self, dispatch_uid="connectors.sentinel")
