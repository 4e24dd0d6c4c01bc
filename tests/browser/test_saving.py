"""Saving on the Connectors page: by Enter, after the session ended, and what is said of it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from connectors.models import Connection
from tests.browser.conftest import Visit, session_of
from tests.browser.test_connectors_page import open_tile, tile
from tests.live_site import Site

LOGGED_OUT = "You are logged out. Log in in another tab, then try again; what you typed stays here."


@pytest.fixture
def first(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="first"))


@pytest.mark.parametrize("scripts", [True, False])
def test_enter_saves_a_new_connection(site: Site, visit: Visit, scripts: bool) -> None:
    page = visit(
        "/settings/connectors/new/?provider=openai-compatible", java_script_enabled=scripts
    )
    form = page.locator("[data-connection-form]")
    form.get_by_label("Base URL").fill(f"http://127.0.0.1:{site.simulator.port}/v1")
    form.get_by_label("API key").fill("sk-of-nobody-else")
    form.get_by_label("Name", exact=True).fill("mine")
    form.get_by_label("Name", exact=True).press("Enter")
    expect(page.locator(".messagelist")).to_have_text("Saved mine.")
    page.wait_for_load_state("networkidle")
    assert Connection.objects.get().name == "mine"


@pytest.mark.parametrize("scripts", [True, False])
def test_enter_saves_an_open_connection(first: None, visit: Visit, scripts: bool) -> None:
    row = Connection.objects.get()
    page = visit(f"/settings/connectors/{row.pk}/", java_script_enabled=scripts)
    model = page.get_by_label("Model", exact=True)
    model.fill("another")
    model.press("Enter")
    expect(page.locator(".messagelist")).to_have_text("Saved first.")
    page.wait_for_load_state("networkidle")
    assert Connection.objects.get().model == "another"


def said_at(page: Page, opened: Locator, button: str) -> Locator:
    """Where the page says what became of a button."""
    match button:
        case "List models":
            return opened.locator("[data-models-status]")
        case "Test":
            return opened.locator("[data-trial-status]")
        case _:
            return page.locator("[data-announcements]")


@pytest.mark.parametrize(
    "button",
    ["Save", "Test", "List models", "Delete this connection", "Disable first", "Move first later"],
)
def test_who_is_logged_out_is_told_and_loses_nothing(site: Site, visit: Visit, button: str) -> None:
    site.connect(
        site.upstream("openai_chat", name="first"), site.upstream("openai_chat", name="second")
    )
    page = visit()
    opened = open_tile(page, "first")
    opened.get_by_label("Model", exact=True).fill("typed-before")
    Session.objects.all().delete()
    opened.get_by_role("button", name=button, exact=True).click()
    expect(said_at(page, opened, button)).to_contain_text(LOGGED_OUT)
    expect(opened.get_by_label("Model", exact=True)).to_have_value("typed-before")
    assert Connection.objects.count() == 2


def test_who_logs_in_again_saves_what_was_typed(
    first: None, site: Site, visit: Visit, settings: Settings
) -> None:
    page = visit()
    opened = open_tile(page, "first")
    model = opened.get_by_label("Model", exact=True)
    model.fill("typed-before")
    Session.objects.all().delete()
    model.press("Enter")
    expect(page.locator("[data-announcements]")).to_have_text(LOGGED_OUT)
    log_in_elsewhere(page, site, settings)
    model.press("Enter")
    expect(page.locator(".messagelist")).to_have_text("Saved first.")
    assert Connection.objects.get().model == "typed-before"


def log_in_elsewhere(page: Page, site: Site, settings: Settings) -> None:
    """A new session and a new CSRF token, as another tab's login leaves them."""
    answered = Client().get("/admin/login/", headers={"host": "127.0.0.1"}).cookies
    token = answered[settings.CSRF_COOKIE_NAME].value
    session = session_of(User.objects.get(username="alice"))
    page.context.add_cookies(
        [
            {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": site.base_url},
            {"name": settings.CSRF_COOKIE_NAME, "value": token, "url": site.base_url},
        ]
    )


def test_what_was_said_of_a_connection_goes_with_it(first: None, visit: Visit) -> None:
    page = visit()
    opened = open_tile(page, "first")
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved first.")
    opened.get_by_role("button", name="Delete this connection").click()
    expect(page.locator(".undo")).to_contain_text("first was deleted")
    expect(tile(page, "first")).to_have_count(0)
    expect(page.locator(".messagelist")).to_have_count(0)
