"""Another site installs the wheel, and nothing else, and its own suite passes.

The site is tests/second_site: its own admin, prefixes and database, under WSGI.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.built_wheel import build_wheel
from tests.source_tree import ROOT

pytestmark = pytest.mark.service

Manage: TypeAlias = Callable[..., str]
SETTINGS = ("office.settings_alone", "office.settings_both")
OURS = ("DJANGO_", "KONEEK_", "AI_CLIENT_", "PYTHON", "COV_")


def other_environment() -> Mapping[str, str]:
    """This process's variables without those that this project's site and tests set."""
    own = {"SECRET_KEY", "DATABASE_URL", "DEBUG", "HTTPS_ONLY", "VIRTUAL_ENV"}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in own and not name.startswith(OURS)
    }


def run(*command: str | Path, at: Path, **more: str) -> str:
    """What the program said; fails with it where the program failed."""
    done = subprocess.run(
        command,
        cwd=at,
        env={**other_environment(), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that has the wheel with what it needs, and no more."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = build_wheel(folder)
    run(sys.executable, "-m", "venv", folder / "environment", at=folder)
    installed = folder / "environment" / "bin" / "python"
    quietly = ("--quiet", "--disable-pip-version-check")
    run(installed, "-m", "pip", "install", *quietly, wheel, at=folder)
    return installed


@pytest.fixture
def django(python: Path, tmp_path: Path) -> Manage:
    """Runs Django's commands in a copy of the second site, far from this source tree."""
    site = tmp_path / "site"
    shutil.copytree(
        ROOT / "tests" / "second_site", site, ignore=shutil.ignore_patterns("__pycache__")
    )
    key = secrets.token_urlsafe(32)

    def django(settings: str, *words: str) -> str:
        return run(
            *(str(python), "-W", "error", "-m", "django", *words),
            at=site,
            DJANGO_SETTINGS_MODULE=settings,
            OFFICE_KEY=key,
            PYTHONPATH=str(site),
        )

    return django


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_other_site_is_in_order(settings: str, django: Manage) -> None:
    django(settings, "migrate", "--verbosity", "0")
    django(settings, "check", "--fail-level", "WARNING", "--database", "default")
    django(settings, "makemigrations", "--check", "--dry-run")
    assert "connections" in django(settings, "export_connections")


def test_connectors_alone_pass_its_suite(django: Manage) -> None:
    assert "\nOK" in django("office.settings_alone", "test", "office.page_suite")


def test_both_apps_pass_its_suite(django: Manage) -> None:
    said = django("office.settings_both", "test", "office.page_suite", "office.gateway_suite")
    assert "\nOK" in said
