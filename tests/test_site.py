"""The site as an operator meets it: its settings from the environment, its error pages."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import Permission, User
from django.templatetags.static import static
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.defaults import page_not_found, permission_denied, server_error
from pytest_django.asserts import assertRedirects

from ai_client.management.commands.run_site import Command as RunSite
from koneek_site.settings import database
from tests.gateway.server_process import site_process
from tests.source_tree import ROOT

SECRET = "a-secret-of-forty-nine-or-more-letters-0123456789-abcdef"


def ask_settings(expression: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Evaluates ``expression`` in a process of its own that knows only ``environment``."""
    return subprocess.run(
        [sys.executable, "-c", f"from koneek_site import settings; print({expression})"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://:memory:", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_secret_key_is_explained_with_the_way_out() -> None:
    answer = ask_settings("settings.SECRET_KEY")
    assert answer.returncode != 0
    last_line = answer.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured: The environment variable SECRET_KEY is not set." in last_line
    assert "secrets.token_urlsafe" in last_line
    assert "DEBUG=true" in last_line


def test_debug_needs_no_secret_key_and_is_never_the_default() -> None:
    assert ask_settings("settings.DEBUG", DEBUG="true").stdout == "True\n"
    assert ask_settings("settings.DEBUG", SECRET_KEY=SECRET).stdout == "False\n"


def test_production_is_closed_by_default() -> None:
    answer = ask_settings(
        "settings.SECURE_SSL_REDIRECT, settings.SESSION_COOKIE_SECURE,"
        " settings.CSRF_COOKIE_SECURE, settings.ALLOWED_HOSTS",
        SECRET_KEY=SECRET,
    )
    assert answer.stdout == "True True True []\n"


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ({"SECRET_KEY": SECRET}, []),
        ({"DEBUG": "true"}, ["127.0.0.1:{port}"]),
        ({"DEBUG": "true", "KONEEK_ALLOW_PRIVATE_HOSTS": "ollama"}, ["ollama"]),
        ({"DEBUG": "true", "KONEEK_ALLOW_PRIVATE_HOSTS": ""}, []),
    ],
)
def test_only_a_trial_reaches_its_simulated_upstreams_unasked(
    environment: dict[str, str], allowed: list[str]
) -> None:
    port = RunSite().create_parser("manage.py", "run_site").get_default("simulator_port")
    answer = ask_settings("settings.KONEEK_ALLOW_PRIVATE_HOSTS", **environment)
    assert answer.stdout == f"{[each.format(port=port) for each in allowed]}\n"


@pytest.mark.django_db
def test_the_sites_own_address_and_the_admins_link_to_it_lead_to_the_page(
    admin_client: Client,
) -> None:
    page = reverse("connectors_page:index")
    assertRedirects(admin_client.get("/"), page)
    assert 'href="/"' in admin_client.get(page).content.decode()


@pytest.mark.django_db
def test_the_admin_lists_the_page_and_its_approvals_for_those_who_may_see_them(
    client: Client,
) -> None:
    links = [f'href="{reverse(f"connectors_page:{name}")}"' for name in ("index", "approvals")]
    staff = User.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert [link in admin_index(client) for link in links] == [False, False]
    staff.user_permissions.add(Permission.objects.get(codename="view_connection"))
    assert [link in admin_index(client) for link in links] == [True, True]


def admin_index(client: Client) -> str:
    return client.get(reverse("admin:index")).content.decode()


@pytest.mark.parametrize(
    ("headers", "status", "place"),
    [
        ({}, 301, "https://127.0.0.1{page}"),
        ({"X-Forwarded-Proto": "https"}, 302, "/admin/login/?next={page}"),
    ],
)
def test_the_server_in_front_says_that_it_was_asked_by_tls(
    transactional_db: None, tmp_path: Path, headers: dict[str, str], status: int, place: str
) -> None:
    page = reverse("connectors_page:index")
    with site_process(tmp_path, HTTPS_ONLY="true") as server:
        answer = httpx.get(f"{server.base_url}{page}", headers={"Host": "127.0.0.1", **headers})
    assert (answer.status_code, answer.headers["location"]) == (status, place.format(page=page))


def test_production_settings_pass_djangos_own_deployment_checks() -> None:
    answer = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": "sqlite://:memory:",
            "SECRET_KEY": SECRET,
            "ALLOWED_HOSTS": "koneek.example",
            "KONEEK_ENCRYPTION_KEYS": "A" * 43,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def test_readers_and_the_writer_of_sqlite_do_not_lock_each_other_out(tmp_path: Path) -> None:
    settings = database(f"sqlite:///{tmp_path / 'db.sqlite3'}")
    assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert settings["OPTIONS"]["timeout"] == 20
    with sqlite3.connect(settings["NAME"]) as connection:
        connection.executescript(settings["OPTIONS"]["init_command"])
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_database_url_names_postgresql_too() -> None:
    settings = database("postgres://koneek:secret@127.0.0.1:5432/koneek")
    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert settings.get("CONN_MAX_AGE", 0) == 0, "Under ASGI each request has a thread of its own."


def test_error_pages_say_what_happened_and_nothing_of_the_inside() -> None:
    request = RequestFactory().get("/nowhere")
    missing = page_not_found(request, exception=Exception("a secret of the inside"))
    forbidden = permission_denied(request, exception=Exception("a secret of the inside"))
    broken = server_error(request)
    assert missing.status_code == 404
    assert b"There is no page here" in missing.content
    assert b"a secret of the inside" not in missing.content
    assert forbidden.status_code == 403
    assert b"You may not see this page" in forbidden.content
    assert b"a secret of the inside" not in forbidden.content
    assert broken.status_code == 500
    assert b"Something went wrong" in broken.content


def test_browsers_that_ask_for_an_icon_find_it(client: Client) -> None:
    found = client.get("/favicon.ico")
    assert (found.status_code, found.headers["Location"]) == (302, static("favicon.svg"))
