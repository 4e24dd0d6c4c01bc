"""The app: registers providers as connectors and listens for changes. Touches no database."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AiClientConfig(AppConfig):
    """AI client: wire formats, routing, fallback, gateway and request log."""

    name = "ai_client"
    label = "ai_client"
    verbose_name = _("AI client")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ai_client import checks, conf  # noqa: F401  checks register on import
        from ai_client.callers import gateway_callers
        from ai_client.configuration import configuration, on_change
        from ai_client.live_status import live_statuses
        from ai_client.page_scripts import register_page_scripts
        from ai_client.registration import register_providers
        from ai_client.snippets import snippets
        from connectors.callers import register_callers
        from connectors.conf import add_ai_switch
        from connectors.signals import configuration_changed
        from connectors.snippets import register_snippets
        from connectors.status import set_status_source

        add_ai_switch(conf.switched_on)
        register_providers()
        set_status_source(live_statuses)
        register_snippets("ai_client", snippets)
        register_callers("ai_client", gateway_callers)
        register_page_scripts()
        # Made now, when there are no threads that could each make one of their own.
        configuration()
        configuration_changed.connect(on_change, dispatch_uid="ai_client.configuration")
