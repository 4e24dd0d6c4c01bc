"""What the office expects of the page, with or without AI."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import TestCase

from connectors.credentials import resolve_all
from connectors.models import Connection

PAGE = "/back-office/lines/"
LOGIN = "/back-office/login/"
KEY = "courier-canary-key-0123456789"


class Installation(TestCase):
    """What is on this machine, and what is loaded of it."""

    def test_nothing_optional_is_installed(self) -> None:
        for name in ("rest_framework", "drf_spectacular", "channels", "psycopg", "uvicorn"):
            self.assertIsNone(find_spec(name), name)

    def test_connectors_load_no_ai_of_their_own_accord(self) -> None:
        self.client.get(PAGE)
        loaded = {name for name in sys.modules if name.partition(".")[0] == "ai_client"}
        self.assertEqual(bool(loaded), apps.is_installed("ai_client"))

    def test_the_apps_come_from_the_environment_and_not_from_a_checkout(self) -> None:
        self.assertIn("site-packages", str(sys.modules["connectors"].__file__))

    def test_styles_and_scripts_are_found(self) -> None:
        for name in ("page.css", "page.js"):
            self.assertTrue(finders.find(f"connectors/{name}"), name)


class Page(TestCase):
    """The page in the office's own admin."""

    def setUp(self) -> None:
        User.objects.create_superuser("alice", password="alice-at-work")

    def log_in(self) -> Any:
        """Through the office's own form, back to the page."""
        return self.client.post(
            f"{LOGIN}?next={PAGE}",
            {"username": "alice", "password": "alice-at-work", "next": PAGE},
            follow=True,
        )

    def test_strangers_are_sent_to_the_office_and_come_back_to_the_page(self) -> None:
        self.assertRedirects(self.client.get(PAGE), f"{LOGIN}?next={PAGE}")
        answer = self.log_in()
        self.assertEqual(answer.redirect_chain, [(PAGE, 302)])
        self.assertContains(answer, "The Office")
        self.assertContains(answer, 'href="/back-office/"')
        self.assertContains(answer, "Courier")
        self.assertContains(answer, "/files/connectors/page.js")
        self.assertNotContains(answer, 'href="/admin/')

    def test_one_part_of_the_page_is_the_office_s_own(self) -> None:
        answer = self.log_in()
        self.assertContains(answer, "The office has no line to anybody.")
        self.assertContains(answer, "Add a connection")

    def test_a_connection_is_saved_and_its_key_is_kept(self) -> None:
        self.log_in()
        form = self.client.get(f"{PAGE}new/", {"provider": "courier"})
        self.assertContains(form, "Depot")
        typed = {
            "provider": "courier",
            "fields_for": "courier",
            "name": "parcels",
            "api_key": KEY,
            "field-depot": "north",
            "timeout": "20",
            "enabled": "on",
        }
        answer = self.client.post(f"{PAGE}new/", typed, follow=True)
        self.assertEqual(answer.status_code, 200)
        row = Connection.objects.get()
        self.assertEqual((row.name, row.fields), ("parcels", {"depot": "north"}))
        self.assertNotIn(KEY, row.api_key_encrypted)
        self.assertNotContains(answer, KEY)
        self.assertContains(answer, "parcels")
        (resolved,) = resolve_all([row])
        self.assertEqual(getattr(resolved.credential, "value", None), KEY)

    def test_the_page_speaks_the_browser_s_language(self) -> None:
        self.log_in()
        answer = self.client.get(PAGE, headers={"accept-language": "de"})
        self.assertContains(answer, "Verbindung hinzufügen")
