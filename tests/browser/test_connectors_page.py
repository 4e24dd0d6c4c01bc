"""What people do on the Connectors page, done in a browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, Locator, Page, Route, expect

from connectors.credentials import Credential, resolve
from connectors.models import Connection
from connectors.registry import registry
from connectors.script_modules import register_script_module, unregister_script_module
from connectors.services import update_connection
from connectors.values import ConnectorType, Field
from tests.browser.conftest import SCREENSHOTS, Visit
from tests.live_site import UPSTREAM_KEY, Site

NEW_KEY = "sk-typed-in-the-browser-9876"


def picture(page: Page, name: str) -> None:
    """Takes a screenshot for the documentation, if SCREENSHOTS=1 asks for new ones."""
    if os.environ.get("SCREENSHOTS") != "1":
        return
    page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")


def tile(page: Page, name: str) -> Locator:
    return page.locator(f'[data-tile][data-name="{name}"]')


def open_tile(page: Page, name: str) -> Locator:
    """The tile of that name, opened."""
    found = tile(page, name)
    found.locator("[data-toggle]").click()
    expect(found.locator("[data-connection-form]")).to_be_visible()
    return found


def order(page: Page) -> list[str | None]:
    return [each.get_attribute("data-name") for each in page.locator("[data-tiles] > li").all()]


def stored_order() -> list[str]:
    return list(Connection.objects.values_list("name", flat=True))


def key_of(name: str) -> str:
    found = resolve(Connection.objects.get(name=name)).credential
    assert isinstance(found, Credential)
    return found.value


def three(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="first"),
        site.upstream("anthropic_messages", name="second"),
        site.upstream("google_generate", name="third"),
    )


def test_a_connection_is_added_from_a_preset_tested_and_saved(site: Site, visit: Visit) -> None:
    page = visit()
    picture(page, "empty")
    page.get_by_role("link", name="OpenAI", exact=True).click()
    form = page.locator("[data-connection-form]")
    form.get_by_label("Name", exact=True).fill("mine")
    form.get_by_label("Base URL").fill(f"http://127.0.0.1:{site.simulator.port}/v1")
    form.get_by_label("API key").fill(NEW_KEY)
    form.get_by_role("button", name="List models").click()
    expect(form.locator("[data-models-status]")).to_contain_text("to choose from")
    listed = form.locator("datalist option").first.get_attribute("value")
    form.get_by_label("Model", exact=True).fill(listed or "")
    form.get_by_role("button", name="Test").click()
    expect(page.locator("[data-trial-status]")).to_have_text("The test passed.")
    picture(page, "tested")
    form.get_by_role("button", name="Save").click()
    expect(tile(page, "mine")).to_be_visible()
    expect(page.locator(".messagelist")).to_have_text("Saved mine.")
    expect(page.locator("[data-answering]")).to_contain_text("mine answers now")
    expect(tile(page, "mine").locator("[data-connection-form]")).to_have_count(0)
    assert key_of("mine") == NEW_KEY
    assert NEW_KEY not in page.content()


def test_a_wrong_key_is_explained(site: Site, visit: Visit) -> None:
    site.connect(site.upstream("openai_chat", name="wrong", failure="status-401"))
    page = visit()
    opened = open_tile(page, "wrong")
    opened.get_by_role("button", name="Test").click()
    expect(opened.locator("[data-trial-status]")).to_have_text("The test failed.")
    failed = opened.locator('[data-steps] li[data-state="failed"]')
    expect(failed).to_have_count(1)
    expect(failed.locator("[data-title]")).to_have_text("Key")
    expect(failed.locator("[data-advice]")).not_to_be_empty()
    expect(opened.locator(".state")).to_have_text("Key rejected")
    opened.locator("[data-trial]").scroll_into_view_if_needed()
    picture(page, "wrong-key")


def test_the_order_changes_by_keyboard_and_is_announced(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    picture(page, "grid")
    handle = tile(page, "third").locator("[data-handle]")
    handle.focus()
    with page.expect_response("**/order/") as saved:
        handle.press("ArrowUp")
    assert saved.value.ok
    assert order(page) == ["first", "third", "second"]
    expect(page.locator("[data-announcements]")).to_have_text("third is now 2 of 3.")
    expect(handle).to_be_focused()
    with page.expect_response("**/order/") as saved:
        handle.press("Home")
    assert saved.value.ok
    expect(page.locator("[data-answering]")).to_contain_text("third answers now")
    assert stored_order() == ["third", "first", "second"]


def test_the_order_changes_by_dragging(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    with page.expect_response("**/order/") as saved:
        tile(page, "first").locator("[data-handle]").drag_to(tile(page, "third"))
    assert saved.value.ok
    assert order(page) == ["second", "third", "first"]
    assert stored_order() == ["second", "third", "first"]


def test_the_order_changes_by_buttons(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    with page.expect_response("**/order/"):
        page.get_by_role("button", name="Move first later").click()
    assert stored_order() == ["second", "first", "third"]


def test_a_moved_tile_can_still_be_saved(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    opened = open_tile(page, "third")
    with page.expect_response(lambda answer: answer.url.endswith("/settings/connectors/")):
        page.get_by_role("button", name="Move third earlier").click()
    opened.get_by_label("Model", exact=True).fill("another")
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved third.")
    assert Connection.objects.get(name="third").model == "another"


def test_tiles_start_closed_and_an_open_one_is_remembered(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    expect(page.locator("[data-connection-form]")).to_have_count(0)
    opened = open_tile(page, "second")
    picture(page, "open")
    page.reload()
    expect(opened.locator("[data-connection-form]")).to_be_visible()
    expect(page.locator("[data-connection-form]")).to_have_count(1)
    opened.locator("[data-close]").click()
    expect(page.locator("[data-connection-form]")).to_have_count(0)
    page.reload()
    page.locator("[data-mounted]").wait_for()
    expect(page.locator("[data-connection-form]")).to_have_count(0)


def test_a_tile_opens_with_the_keyboard(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    toggle = tile(page, "first").locator("[data-toggle]")
    toggle.press("Space")
    expect(tile(page, "first").locator("[data-connection-form]")).to_be_visible()
    expect(toggle).to_have_attribute("aria-expanded", "true")
    toggle.press("Enter")
    expect(tile(page, "first").locator("[data-connection-form]")).to_have_count(0)
    expect(toggle).to_have_attribute("aria-expanded", "false")


def test_a_key_is_replaced_and_removed(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    opened = open_tile(page, "first")
    expect(opened.locator(".key-shown")).to_contain_text(UPSTREAM_KEY[-4:])
    expect(opened.locator(".badge")).to_have_text("Stored here")
    opened.get_by_text("Replace").click()
    opened.get_by_label("New API key").fill(NEW_KEY)
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved first.")
    assert key_of("first") == NEW_KEY
    expect(opened.locator(".key-shown")).to_contain_text("9876")
    opened.get_by_label("Remove the stored key").check()
    opened.get_by_role("button", name="Save").click()
    expect(tile(page, "first").locator(".state")).to_have_text("Not set up")
    assert not Connection.objects.get(name="first").api_key_encrypted


@pytest.mark.parametrize("scripts", [True, False])
def test_a_key_is_left_in_a_variable(
    site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch, scripts: bool
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{site.simulator.port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY_TWO", UPSTREAM_KEY)
    site.connect(site.upstream("openai_chat", name="first"))
    page = visit(java_script_enabled=scripts)

    def opened() -> Locator:
        if scripts:
            return open_tile(page, "first")
        tile(page, "first").locator("[data-toggle]").click()
        return tile(page, "first")

    def fill_in(editor: Locator, variable: str) -> None:
        if not editor.get_by_label("Environment variable").is_visible():
            editor.get_by_text("Replace").click()
        editor.get_by_label("Environment variable").check()
        expect(editor.get_by_label("New API key")).to_be_hidden()
        editor.get_by_label("Name of the variable").fill(variable)

    editor = opened()
    fill_in(editor, "DATABASE_URL")
    editor.get_by_role("button", name="Save").click()
    expect(editor.locator(".key .errorlist")).to_contain_text("DATABASE_URL")
    expect(editor.get_by_label("Name of the variable")).to_have_value("DATABASE_URL")
    fill_in(editor, "OPENAI_API_KEY_TWO")
    editor.get_by_role("button", name="Test").click()
    expect(editor.locator('[data-steps] li[data-state="failed"]')).to_have_count(0)
    expect(editor.locator('[data-steps] li[data-state="ok"]').last).to_be_visible()
    expect(editor.get_by_label("Name of the variable")).to_have_value("OPENAI_API_KEY_TWO")
    found = Axe().run(page, context=".connectors") if scripts else None
    assert found is None or found.violations_count == 0, found and found.generate_report()
    editor.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved first.")
    assert Connection.objects.get().api_key_env == "OPENAI_API_KEY_TWO"
    editor = tile(page, "first") if scripts else opened()
    expect(editor.locator(".badge")).to_have_text("Environment: OPENAI_API_KEY_TWO")
    expect(editor.locator(".key-variable")).to_have_text("The variable is set.")
    monkeypatch.delenv("OPENAI_API_KEY_TWO")
    page.reload()
    expect(editor.locator(".key-variable")).to_have_text("The variable is not set.")
    expect(page.locator(".messagelist")).to_have_count(0)
    editor.get_by_label("Stop using the variable").check()
    editor.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved first.")
    assert Connection.objects.get().api_key_env == ""


def test_two_editors_lose_nothing(site: Site, visit: Visit) -> None:
    three(site)
    alice, bob = visit(), visit()
    hers, his = open_tile(alice, "first"), open_tile(bob, "first")
    hers.get_by_label("Model", exact=True).fill("alices-model")
    hers.get_by_role("button", name="Save").click()
    expect(alice.locator(".messagelist")).to_have_text("Saved first.")
    his.get_by_label("Model", exact=True).fill("bobs-model")
    his.get_by_text("Replace").click()
    his.get_by_label("New API key").fill(NEW_KEY)
    his.get_by_role("button", name="Save").click()
    conflict = his.locator("[data-conflict]")
    expect(conflict).to_contain_text("bobs-model")
    expect(conflict).to_contain_text("alices-model")
    expect(his.locator("[data-retype]")).to_have_count(0)
    picture(bob, "conflict")
    assert Connection.objects.get(name="first").model == "alices-model"
    his.get_by_role("button", name="Save my version").click()
    expect(bob.locator(".messagelist")).to_have_text("Saved first.")
    assert Connection.objects.get(name="first").model == "bobs-model"
    assert key_of("first") == NEW_KEY


def test_what_is_typed_elsewhere_stays_whatever_is_done(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    first, second = open_tile(page, "first"), open_tile(page, "second")
    first.get_by_label("Model", exact=True).fill("typed-and-not-saved")
    first.get_by_text("Replace").click()
    first.get_by_label("New API key").fill(NEW_KEY)

    def is_still_there() -> None:
        expect(first.get_by_label("Model", exact=True)).to_have_value("typed-and-not-saved")
        expect(first.get_by_label("New API key")).to_have_value(NEW_KEY)

    for model in ("saved", "saved-again"):
        second.get_by_label("Model", exact=True).fill(model)
        second.get_by_role("button", name="Save").click()
        expect(second.locator(".tile-model span")).to_have_text(model)
        expect(page.locator(".messagelist")).to_have_text("Saved second.")
        expect(second.locator("[data-toggle]")).to_be_focused()
        is_still_there()
    page.get_by_role("button", name="Disable third").click()
    expect(page.locator(".messagelist")).to_have_text("Disabled third.")
    is_still_there()
    second.get_by_role("button", name="Delete this connection").click()
    expect(page.locator(".undo")).to_contain_text("second")
    expect(page.get_by_role("button", name="Undo deleting second")).to_be_focused()
    assert order(page) == ["first", "third"]
    is_still_there()
    page.get_by_role("button", name="Undo deleting second").click()
    expect(tile(page, "second").locator("[data-toggle]")).to_be_focused()
    assert order(page) == ["first", "second", "third"]
    with page.expect_response("**/order/"):
        page.get_by_role("button", name="Move second earlier").click()
    expect(first.locator("[data-priority]")).to_have_text("2")
    is_still_there()
    open_tile(page, "second")
    first.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved first.")
    assert Connection.objects.get(name="first").model == "typed-and-not-saved"
    assert key_of("first") == NEW_KEY


def test_a_new_connection_is_saved_beside_an_open_tile(site: Site, visit: Visit) -> None:
    three(site)
    page = visit("/settings/connectors/new/?provider=openai")
    opened = open_tile(page, "first")
    opened.get_by_label("Model", exact=True).fill("typed-and-not-saved")
    added = page.locator("[data-tile=new]")
    added.get_by_label("Name", exact=True).fill("fourth")
    added.get_by_role("button", name="Save").click()
    expect(tile(page, "fourth").locator("[data-toggle]")).to_be_focused()
    expect(added).to_have_count(0)
    expect(page.locator(".breadcrumbs")).not_to_contain_text("New connection")
    expect(opened.get_by_label("Model", exact=True)).to_have_value("typed-and-not-saved")
    assert page.url.partition("#")[0].endswith("/settings/connectors/")
    assert order(page) == ["first", "second", "third", "fourth"]


def test_a_new_connection_is_cancelled_beside_an_open_tile(site: Site, visit: Visit) -> None:
    three(site)
    page = visit("/settings/connectors/new/?provider=openai")
    opened = open_tile(page, "first")
    opened.get_by_label("Model", exact=True).fill("typed-and-not-saved")
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("[data-tile=new]")).to_have_count(0)
    expect(page.locator(".breadcrumbs")).not_to_contain_text("New connection")
    expect(opened.get_by_label("Model", exact=True)).to_have_value("typed-and-not-saved")


def test_an_open_tile_is_switched_off_and_then_saved(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    opened = open_tile(page, "first")
    opened.get_by_label("Model", exact=True).fill("typed")
    opened.get_by_role("button", name="Disable first").click()
    expect(opened.get_by_role("button", name="Enable first")).to_be_focused()
    expect(opened.get_by_label("Enabled", exact=True)).not_to_be_checked()
    opened.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved first.")
    stored = Connection.objects.get(name="first")
    assert (stored.model, stored.enabled) == ("typed", False)


def test_switching_off_does_not_hide_what_somebody_else_changed(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    opened = open_tile(page, "first")
    opened.get_by_label("Model", exact=True).fill("typed")
    update_connection(Connection.objects.get(name="first"), timeout=33)
    opened.get_by_role("button", name="Disable first").click()
    expect(page.locator(".messagelist")).to_have_text("Disabled first.")
    opened.get_by_role("button", name="Save").click()
    expect(opened.locator("[data-conflict]")).to_contain_text("33")


def test_what_is_not_saved_is_not_given_up_unasked(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    asked: list[str] = []
    answers = [False, True, True]

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message or dialog.type)
        if answers.pop(0):
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", answer)
    opened = open_tile(page, "first")
    opened.locator("[data-close]").click()
    expect(opened.locator("[data-connection-form]")).to_have_count(0)
    open_tile(page, "first").get_by_label("Model", exact=True).fill("typed")
    opened.locator("[data-toggle]").click()
    expect(opened.get_by_label("Model", exact=True)).to_have_value("typed")
    opened.locator("[data-close]").click()
    expect(opened.locator("[data-connection-form]")).to_have_count(0)
    expect(opened.locator("[data-toggle]")).to_be_focused()
    assert asked == ["Something that you typed here is not saved. Close it and lose that?"] * 2
    open_tile(page, "first").get_by_label("Model", exact=True).fill("typed")
    page.get_by_role("link", name="Groq", exact=True).click()
    expect(page.get_by_role("heading", name="New connection to Groq")).to_be_visible()
    assert asked[2:] == ["beforeunload"]


@pytest.mark.parametrize("status", [409, 500, None])
def test_an_order_that_was_not_saved_is_put_back(
    site: Site, visit: Visit, status: int | None
) -> None:
    three(site)

    def refuse(route: Route) -> None:
        if status is None:
            route.abort()
        else:
            route.fulfill(status=status, json={"error": "Load the list again."})

    page = visit(before=lambda page: page.route("**/order/", refuse))
    handle = tile(page, "third").locator("[data-handle]")
    handle.focus()
    handle.press("Home")
    said = "That did not work." if status is None else "not saved. Load the list again."
    expect(page.locator("[data-announcements]")).to_contain_text(said)
    assert order(page) == ["first", "second", "third"]
    assert page.locator("[data-place]").all_inner_texts() == ["1", "2", "3"]
    expect(handle).to_be_focused()
    page.unroute_all()
    with page.expect_response("**/order/") as saved:
        handle.press("ArrowUp")
    assert saved.value.ok
    assert stored_order() == ["first", "third", "second"]


def test_a_refused_value_keeps_the_typed_key(site: Site, visit: Visit) -> None:
    page = visit("/settings/connectors/new/?provider=openai")
    page.get_by_label("Name", exact=True).fill("not allowed!")
    page.get_by_label("API key").fill(NEW_KEY)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".has-errors")).to_contain_text("letters, digits and hyphens")
    expect(page.get_by_label("API key")).to_have_value(NEW_KEY)


def test_deleting_is_undone(site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    open_tile(page, "second").get_by_role("button", name="Delete this connection").click()
    expect(page.locator(".undo")).to_contain_text("second")
    assert order(page) == ["first", "third"]
    picture(page, "deleted")
    page.get_by_role("button", name="Undo").click()
    expect(tile(page, "second")).to_be_visible()
    assert order(page) == ["first", "second", "third"]
    assert key_of("second") == UPSTREAM_KEY


@pytest.fixture
def shop() -> Iterator[None]:
    """Registers a connector with a field of its own, as another app does."""
    registry.register(
        ConnectorType(
            slug="shop",
            name="Shop",
            description="An assistant for the shop.",
            base_url="https://ai.shop.example/v1",
            default_model="shop-1",
            fields=(
                Field("edition", "Edition", help="As in 2026-1."),
                Field("polite", "Polite", kind="boolean", default=True),
                Field("seats", "Seats", kind="integer"),
            ),
        )
    )
    yield
    registry.unregister("shop")


@pytest.fixture
def services() -> Iterator[None]:
    """Registers two services that are no AI providers."""
    listed = (
        ConnectorType(
            slug="guard",
            name="Guard",
            description="Keeps spam out of comments.",
            type="spam_filtering",
            credentials_url="https://guard.example/keys",
        ),
        ConnectorType(
            slug="remote",
            name="Remote library",
            description="Pictures and texts from another site.",
            type="content_source",
            method="application_password",
        ),
    )
    for each in listed:
        registry.register(each)
    yield
    for each in listed:
        registry.unregister(each.slug)


def test_services_are_saved_in_place(services: None, site: Site, visit: Visit) -> None:
    three(site)
    page = visit()
    opened = open_tile(page, "first")
    opened.get_by_label("Model", exact=True).fill("typed-and-not-saved")
    remote, guard = page.locator("#service-remote"), page.locator("#service-guard")
    remote.locator("summary").click()
    remote.get_by_label("Application password").fill("abcd efgh")
    remote.get_by_role("button", name="Save").click()
    expect(remote.locator(".errorlist")).to_have_text("Type the user name.")
    expect(remote.get_by_label("Application password")).to_have_value("abcd efgh")
    expect(remote.locator("[data-retype]")).to_have_count(0)
    found = Axe().run(page, context=".services")
    assert found.violations_count == 0, found.generate_report()
    guard.locator("summary").click()
    guard.get_by_label("New API key").fill("guard-key-typed-4321")
    remote.get_by_label("User name").fill("alice")
    remote.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved Remote library.")
    expect(remote.locator("summary")).to_be_focused()
    expect(remote.locator(".state")).to_have_text("Connected")
    expect(guard.get_by_label("New API key")).to_have_value("guard-key-typed-4321")
    expect(opened.get_by_label("Model", exact=True)).to_have_value("typed-and-not-saved")
    guard.get_by_role("button", name="Save").click()
    expect(guard.locator(".key-shown")).to_contain_text("4321")
    page.locator(".services").scroll_into_view_if_needed()
    picture(page, "services")
    guard.get_by_role("button", name="Remove").click()
    expect(guard.locator(".state")).to_have_text("Not connected")
    expect(opened.get_by_label("Model", exact=True)).to_have_value("typed-and-not-saved")


def test_services_are_saved_without_javascript(services: None, visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    guard = page.locator("#service-guard")
    guard.locator("summary").click()
    guard.get_by_role("button", name="Save").click()
    expect(guard.locator(".errorlist")).to_have_text("Type the key.")
    guard.get_by_label("New API key").fill("guard-key-typed-4321")
    guard.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved Guard.")
    expect(guard.locator(".state")).to_have_text("Connected")


def test_another_provider_shows_its_own_fields(shop: None, visit: Visit) -> None:
    page = visit("/settings/connectors/new/?provider=openai")
    expect(page.get_by_label("Edition")).to_have_count(0)
    page.get_by_label("Name", exact=True).fill("typed-before")
    page.get_by_label("Base URL").fill("https://typed.example/v1")
    page.get_by_label("Provider").select_option("shop")
    expect(page.get_by_label("Edition")).to_be_visible()
    expect(page.get_by_role("heading", name="New connection to Shop")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("typed-before")
    expect(page.get_by_label("Base URL")).to_have_value("https://typed.example/v1")
    expect(page.get_by_label("Model", exact=True)).to_have_value("shop-1")
    page.get_by_label("Model", exact=True).fill("typed-model")
    page.get_by_label("Provider").select_option("openai")
    expect(page.get_by_label("Edition")).to_have_count(0)
    expect(page.get_by_label("Model", exact=True)).to_have_value("typed-model")


def test_another_provider_keeps_the_address_that_was_typed_over_the_stored_one(
    shop: None, site: Site, visit: Visit
) -> None:
    three(site)
    page = visit()
    opened = open_tile(page, "first")
    opened.get_by_label("Base URL").fill("https://typed.example/v1")
    opened.get_by_label("Provider").select_option("shop")
    expect(opened.get_by_label("Edition")).to_be_visible()
    expect(opened.get_by_label("Base URL")).to_have_value("https://typed.example/v1")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_box_can_be_switched_off(shop: None, visit: Visit, scripts: bool) -> None:
    page = visit("/settings/connectors/new/?provider=shop", java_script_enabled=scripts)
    page.get_by_label("Polite").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(tile(page, "shop")).to_be_visible()
    assert Connection.objects.get().fields == {"polite": False}


def test_snippets_are_copied(site: Site, visit: Visit) -> None:
    three(site)
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    opened = open_tile(page, "first")
    opened.get_by_text("Use it in a program").click()
    expect(opened.locator(".snippets")).to_contain_text(f"curl {site.base_url}/v1/chat/completions")
    opened.locator(".snippets").scroll_into_view_if_needed()
    picture(page, "snippets")
    opened.get_by_role("button", name="Copy Django code").click()
    expect(page.locator("[data-announcements]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    compile(copied, "the snippet", "exec")
    assert '.using_model("first")' in copied


def test_everything_works_without_javascript(site: Site, visit: Visit) -> None:
    site.connect(site.upstream("openai_chat", name="plain"))
    page = visit(java_script_enabled=False)
    page.get_by_role("link", name="plain").click()
    expect(page.get_by_label("Model", exact=True)).to_be_visible()
    page.get_by_role("button", name="Test").click()
    expect(page.locator('[data-steps] li[data-state="ok"]').first).to_be_visible()
    picture(page, "without-javascript")
    page.get_by_label("Model", exact=True).fill("changed-plainly")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved plain.")
    page.get_by_role("link", name="Ollama", exact=True).click()
    page.get_by_label("Base URL").fill(f"http://127.0.0.1:{site.simulator.port}/v1")
    page.get_by_role("button", name="Save").click()
    expect(tile(page, "ollama")).to_be_visible()
    page.get_by_role("button", name="Move ollama earlier").click()
    assert order(page) == ["ollama", "plain"]
    page.get_by_role("button", name="Disable ollama").click()
    expect(tile(page, "ollama")).to_contain_text("Disabled")
    page.get_by_role("link", name="ollama", exact=True).first.click()
    page.get_by_role("button", name="Delete this connection").click()
    page.get_by_role("button", name="Undo").click()
    assert stored_order() == ["ollama", "plain"]
    assert Connection.objects.get(name="plain").model == "changed-plainly"


THIRD_PARTY = """
import { moduleData, registerConnector } from "@koneek/connectors";

registerConnector("ai_provider/shop", {
  render(root, { values }) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.name = "field-edition";
    input.value = values.edition ?? "";
    label.append(moduleData("shop/script").label, input);
    label.className = "field";
    root.replaceChildren(label);
  },
});
"""


def test_an_app_renders_its_own_connector(shop: None, visit: Visit) -> None:
    def serve(page: Page) -> None:
        page.route(
            "**/static/shop/script.js",
            lambda route: route.fulfill(body=THIRD_PARTY, content_type="text/javascript"),
        )

    told = {"label": "Edition (drawn by the shop's own script) "}
    register_script_module("shop/script", "shop/script.js", data=lambda request: told)
    try:
        page = visit("/settings/connectors/new/?provider=shop", before=serve)
        own = page.get_by_label(re.compile("own script"))
        own.fill("2026-2")
        picture(page, "third-party")
        page.get_by_label("Timeout").fill("0")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".has-errors")).to_be_visible()
        expect(own).to_have_value("2026-2")
        page.get_by_label("Timeout").fill("5")
        page.get_by_role("button", name="Save").click()
        expect(tile(page, "shop")).to_be_visible()
        told = page.evaluate(
            "import('@koneek/connectors').then(api => api.moduleData('@koneek/connectors'))"
        )
    finally:
        unregister_script_module("shop/script")
    assert told["connectors"]["shop"]["authentication"]["keySource"] == "none"
    # The script drew one of the two fields; the other keeps its value.
    assert Connection.objects.get().fields == {"edition": "2026-2", "polite": True}


def test_a_key_that_is_not_sent_back_is_asked_for_without_javascript(
    site: Site, visit: Visit
) -> None:
    page = visit("/settings/connectors/new/?provider=openai", java_script_enabled=False)
    page.get_by_label("Base URL").fill(f"http://127.0.0.1:{site.simulator.port}/v1")
    page.get_by_label("API key", exact=True).fill(NEW_KEY)
    page.get_by_role("button", name="List models").click()
    expect(page.locator(".notice[data-retype]")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".key .errorlist")).to_contain_text("Type the key again")
    picture(page, "key-again")
    assert not Connection.objects.exists()
    page.get_by_label("API key", exact=True).fill(NEW_KEY)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist")).to_have_text("Saved openai.")
    assert key_of("openai") == NEW_KEY


OWN_BOX = """
import { registerConnector } from "@koneek/connectors";

registerConnector("ai_provider/shop", {
  render(root) {
    const made = [["checkbox", "field-polite"], ["text", "field-seats"]].map(([type, name]) => {
      const control = document.createElement("input");
      Object.assign(control, { type, name });
      control.setAttribute("aria-label", `own ${name}`);
      return control;
    });
    root.replaceChildren(...made);
  },
});
"""


def test_an_app_draws_a_box_that_is_off_and_sees_what_is_wrong(shop: None, visit: Visit) -> None:
    def serve(page: Page) -> None:
        page.route(
            "**/static/shop/script.js",
            lambda route: route.fulfill(body=OWN_BOX, content_type="text/javascript"),
        )

    register_script_module("shop/script", "shop/script.js")
    try:
        page = visit("/settings/connectors/new/?provider=shop", before=serve)
        page.get_by_label("own field-seats").fill("many")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("[data-provider-part] .errorlist")).to_contain_text("whole number")
        page.get_by_label("own field-seats").fill("7")
        page.get_by_role("button", name="Save").click()
        expect(tile(page, "shop")).to_be_visible()
    finally:
        unregister_script_module("shop/script")
    assert Connection.objects.get().fields == {"polite": False, "seats": 7}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1180, 360])
def test_nobody_is_shut_out(
    services: None, site: Site, visit: Visit, scheme: str, width: int
) -> None:
    three(site)
    site.connect(
        site.upstream("openai_chat", name="first"),
        site.upstream("anthropic_messages", name="second", enabled=False),
        site.upstream("google_generate", name="a-third-one-with-a-rather-long-name-to-be-wrapped"),
        {"name": "keyless", "provider": "groq"},
    )
    page = visit(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    opened = open_tile(page, "first")
    opened.get_by_role("button", name="Test").click()
    expect(opened.locator("[data-trial-status]")).to_have_text("The test passed.")
    expect(opened.locator(".tile-state .latency")).to_be_visible()
    page.locator("[data-answering] summary").click()
    page.locator("[data-announcements]").evaluate("place => { place.textContent = '' }")
    page.evaluate("scrollTo(0, 0)")
    picture(page, f"{scheme}-{width}")
    found = Axe().run(page, context=".connectors")
    assert found.violations_count == 0, found.generate_report()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
