"""Azure AI Foundry on the Connectors page: its own script beside the server's fields."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from ai_client.simulator.azure import AzureSimulator
from ai_client.simulator.server import running
from connectors.models import Connection
from tests.browser.conftest import Visit
from tests.live_site import Site

KEY = "az-typed-in-the-browser-0123456789abcd"


@pytest.fixture
def resource() -> Iterator[AzureSimulator]:
    deployments = {"gpt-4o": "gpt-4o", "gpt-image-1": "gpt-image-1"}
    with running(AzureSimulator(KEY, deployments=deployments)) as simulator:
        yield simulator


def test_connect_and_detect_fills_the_form_in(
    site: Site, visit: Visit, resource: AzureSimulator
) -> None:
    page = visit()
    page.get_by_role("link", name="Azure AI Foundry", exact=True).click()
    form = page.locator("[data-connection-form]")
    form.locator("[name=base_url]").fill(resource.address)
    detect = form.get_by_role("button", name="Connect and detect")
    detect.click()
    said = form.locator("[data-provider-part] [role=status]")
    expect(said).to_contain_text("key")
    assert resource.requests == []
    form.locator("[name=api_key]").fill(KEY)
    detect.click()
    expect(said).to_contain_text("Found and filled in: gpt-4o, gpt-image-1.")
    expect(form.get_by_label("Deployments", exact=True)).to_have_value("gpt-4o, gpt-image-1")
    purposes = form.get_by_role("group", name="What the deployments are for")
    for name, is_ticked in (("Text", True), ("Images", True), ("Embeddings", False)):
        expect(purposes.get_by_label(name, exact=True)).to_be_checked(checked=is_ticked)
    purposes.get_by_label("Images", exact=True).uncheck()
    audit = Axe().run(page, context=".connectors")
    assert audit.violations_count == 0, audit.generate_report()
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_contain_text("Saved")
    stored = Connection.objects.get(provider="azure-ai-foundry")
    assert stored.fields == {
        "deployments": "gpt-4o, gpt-image-1",
        "capabilities": "text_generation, chat_history",
        "media_fallback_after_timeout": False,
    }
    assert KEY not in page.content()


def test_without_javascript_the_fields_are_typed_in(site: Site, visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    page.get_by_role("link", name="Azure AI Foundry", exact=True).click()
    form = page.locator("[data-connection-form]")
    form.locator("[name=base_url]").fill("https://r.services.ai.azure.com")
    form.get_by_label("Deployments", exact=True).fill("gpt-4.1")
    form.get_by_label("Capabilities", exact=True).fill("text_generation")
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_contain_text("Saved")
    stored = Connection.objects.get(provider="azure-ai-foundry")
    assert stored.fields == {
        "deployments": "gpt-4.1",
        "capabilities": "text_generation",
        "media_fallback_after_timeout": False,
    }
