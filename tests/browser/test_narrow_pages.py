"""What pages look like where there is little room."""

from __future__ import annotations

from datetime import UTC, datetime

from django.urls import reverse
from playwright.sync_api import Page, expect

from ai_client.models import RequestLog
from tests.browser.conftest import Visit
from tests.browser.test_connectors_page import open_tile, tile
from tests.live_site import Site

PHONE = {"width": 360, "height": 900}


def test_a_label_stands_beside_its_box(site: Site, visit: Visit) -> None:
    page = visit(
        "/settings/connectors/new/?provider=openai-compatible",
        viewport=PHONE,
        locale="de",
    )
    boxes = page.locator("[data-connection-form] .is-box")
    assert boxes.count() > 1
    for box in boxes.all():
        label, control = box.locator("label").bounding_box(), box.locator("input").bounding_box()
        assert label is not None
        assert control is not None
        assert label["x"] > control["x"]
        assert label["y"] < control["y"] + control["height"]


def test_a_tile_says_that_it_shows_the_last_error(site: Site, visit: Visit) -> None:
    site.connect(site.upstream("openai_chat", name="broken", failure="status-500"))
    page = visit()
    open_tile(page, "broken").get_by_role("button", name="Test").click()
    said = tile(page, "broken").locator(".tile-error")
    expect(said).to_contain_text("Last error:")
    expect(said.locator(".visually-hidden")).to_have_count(0)


def test_the_request_log_fits_a_phone_and_shows_what_matters_on_a_desk(
    site: Site, visit: Visit
) -> None:
    row = RequestLog.objects.create(
        request_id=f"req_{'0123456789' * 5}",
        created=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
        dialect="openai_chat",
        connection="openai-main",
        model="gpt-4o-mini-2024-07-18",
        gateway_key_name="shop",
        outcome="success",
        status=200,
        total_ms=1234.5,
        total_tokens=12345,
        cost="0.0012",
    )
    page = visit()
    page.goto(reverse("admin:ai_client_requestlog_changelist"))
    shown = page.locator("#changelist .results")
    assert right_of(page, ".field-model") <= right_of(page, "#changelist .results")
    expect(shown.locator(".field-began a")).to_have_text("2026-05-04 03:02:01")
    page.set_viewport_size({"width": 360, "height": 900})
    page.goto(reverse("admin:ai_client_requestlog_change", args=[row.pk]))
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def right_of(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"]
