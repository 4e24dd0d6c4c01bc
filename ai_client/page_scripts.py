"""Scripts that providers bring to the Connectors page, and what they are told."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from ai_client.providers.azure_ai_foundry.deployments import CAPABILITIES
from connectors.script_modules import register_script_module

AZURE = "ai-client/azure-ai-foundry"


def register_page_scripts() -> None:
    """Have the page load them. Called once, when the app is ready."""
    register_script_module(AZURE, "ai_client/azure_ai_foundry.js", data=azure_data)


def azure_data(request: HttpRequest) -> dict[str, object]:
    """Its sentences, and where to detect: blank for who may not, and without the REST face."""
    names = (
        _("Text"),
        _("Conversations"),
        _("Images"),
        _("Embeddings"),
        _("Speech"),
    )
    return {
        "detect": _address() if _may_detect(request) else "",
        "capabilities": [
            {"value": each.value, "label": name}
            for each, name in zip(CAPABILITIES, names, strict=True)
        ],
        "usual": [each.value for each in CAPABILITIES[:2]],
        "texts": {
            "capabilities": _("What the deployments are for"),
            "detect": _("Connect and detect"),
            "busy": _("Asking the endpoint…"),
            "found": _("Found and filled in: {models}."),
            "failed": _("The site could not be asked. Try again."),
        },
    }


def _may_detect(request: HttpRequest) -> bool:
    may = request.user.has_perm
    return may("connectors.test_connection") and (
        may("connectors.change_connection") or may("connectors.add_connection")
    )


def _address() -> str:
    try:
        return reverse("connectors_api:detect")
    except NoReverseMatch:
        return ""
