"""The site's own app, which adds a connector for the courier that it works with."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class OfficeConfig(AppConfig):
    """The office."""

    name = "office"

    def ready(self) -> None:
        """Listen for the moment at which connectors are registered."""
        from connectors.signals import connectors_init

        connectors_init.connect(register_courier, dispatch_uid="office.courier")


def register_courier(registry: Any, **_: object) -> None:
    """The courier: something that is connected and has nothing to do with AI."""
    from connectors.values import ConnectorType, Field

    registry.register(
        ConnectorType(
            "courier",
            "Courier",
            type="delivery",
            base_url="https://api.courier.example/v2",
            env_key="COURIER_API_KEY",
            fields=(Field("depot", "Depot", required=True),),
        )
    )
