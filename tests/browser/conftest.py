"""The Connectors page in real Chromium, with the site and simulated upstreams behind it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import Settings

from tests.live_site import Site
from tests.source_tree import ROOT

SCREENSHOTS = ROOT / "docs" / "screenshots"
WAIT_MS = 10_000
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
Visit: TypeAlias = Callable[..., Page]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the browser out of a run that did not ask for it."""
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    for item in ours:
        item.add_marker(pytest.mark.browser)
        # WhiteNoise hands Django's asynchronous handler files as synchronous iterators.
        item.add_marker(
            pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
        )
    if os.environ.get("REQUIRE_SERVICES") == "1" or "browser" in config.option.markexpr:
        return
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if item not in ours]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, for as long as there are tests here.

    Playwright's event loop in this thread would be in the way of asynchronous tests elsewhere.
    """
    path = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    assert path, "No Chromium: apt-get install chromium, or name it in the variable CHROMIUM."
    with pytest.MonkeyPatch.context() as patch:
        # Playwright runs an event loop in this thread, in which Django then refuses its database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            expect.set_options(timeout=WAIT_MS)
            browser = playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
            yield browser
            browser.close()


def session_of(user: User) -> str:
    """A session in which the user is logged in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


@pytest.fixture
def visit(chromium: Browser, site: Site, settings: Settings) -> Iterator[Visit]:
    """Opens the page as a superuser, in a browser of its own; says what went wrong in it."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(path: str = "/settings/connectors/", **options: Any) -> Page:
        before = options.pop("before", None)
        context = chromium.new_context(
            **{"base_url": site.base_url, "viewport": {"width": 1180, "height": 900}, **options}
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        user, _made = User.objects.get_or_create(
            username="alice", defaults={"is_staff": True, "is_superuser": True}
        )
        context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": session_of(user),
                    "url": site.base_url,
                }
            ]
        )
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: (
                wrong.append(said.text) if "Content Security Policy" in said.text else None
            ),
        )
        if before:
            before(page)
        page.goto(path)
        if options.get("java_script_enabled", True):
            page.locator("[data-mounted]").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong
