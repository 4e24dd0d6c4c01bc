"""What people do on the page of approvals, done in a browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from connectors.approvals import Refusal, decide, record_refusals
from connectors.models import Approval
from tests.browser.conftest import Visit
from tests.browser.test_connectors_page import picture, three
from tests.live_site import Site

PATH = "/settings/connectors/approvals/"


@pytest.fixture
def asked() -> None:
    """Two callers that were refused, and one that was decided about."""
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    record_refusals(
        [
            Refusal("blog", "anthropic", 3, at, at + timedelta(hours=2)),
            Refusal("gateway:a-key-with-a-rather-long-name-to-be-wrapped", "openai", 1, at, at),
        ]
    )
    decide("shop", "openai-compatible", "allowed")
    decide("shop", "anthropic", "denied")


def test_a_caller_is_decided_about_without_javascript(
    site: Site, asked: None, visit: Visit
) -> None:
    three(site)
    page = visit(PATH, java_script_enabled=False)
    cell = page.locator('[data-caller="blog"] [data-connector="anthropic"]')
    expect(cell).to_contain_text("3 refused attempts")
    cell.get_by_role("button", name="Allow").click()
    expect(cell).to_contain_text("Allowed")
    expect(page.locator(".messagelist")).to_contain_text("Allowed blog to use anthropic.")
    assert Approval.objects.get(caller="blog").state == "allowed"
    page.get_by_label("Caller", exact=True).fill("news")
    page.get_by_label("Connector", exact=True).select_option("anthropic")
    page.locator(".approval-new").get_by_role("button", name="Deny").click()
    expect(page.locator('[data-caller="news"] td[data-state="denied"]')).to_be_visible()
    page.get_by_role("button", name="Forget news and").click()
    expect(page.locator('[data-caller="news"]')).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1180, 360])
def test_nobody_is_shut_out(site: Site, asked: None, visit: Visit, scheme: str, width: int) -> None:
    three(site)
    page: Page = visit(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("link", name="Approvals").click()
    expect(page.get_by_role("heading", name="Approvals")).to_be_visible()
    picture(page, f"approvals-{scheme}-{width}")
    found = Axe().run(page, context=".connectors")
    assert found.violations_count == 0, found.generate_report()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
