"""The app, and the moment at which others add their connectors."""

from __future__ import annotations

from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    """Connectors: what can be connected, what is connected, and its secrets."""

    name = "connectors"
    label = "connectors"
    verbose_name = "Connectors"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks and send ``connectors_init``; touches no database."""
        from connectors import checks  # noqa: F401  registers on import
        from connectors.registry import ConnectorRegistry, registry
        from connectors.signals import connectors_init

        connectors_init.send_robust(sender=ConnectorRegistry, registry=registry)
