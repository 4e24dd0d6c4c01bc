"""A site that somebody makes with Django's own command, after the README's section about it."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source_tree import ROOT

OWN_SITE = "In a site of your own"
BLOCK = re.compile(r"^```python\n# (settings|urls)\.py\n(.*?)^```", re.DOTALL | re.MULTILINE)
ADDRESS = re.compile(r'`(path\("", include\("[\w.]+"\)\))`')
ANSWERS = """
from django.test import Client
for address in {addresses}:
    print(address, Client(SERVER_NAME='localhost').get(address).status_code)
"""


def section(heading: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def manage(site: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=site,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "AI_CLIENT_SPOOL_DIR": str(site / "spool"),
            "KONEEK_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(site: Path, *addresses: str) -> dict[str, str]:
    """The status of each address, to somebody who is not logged in and has no key."""
    said = manage(site, "shell", "-c", ANSWERS.format(addresses=addresses))
    return dict(re.findall(r"^(/\S*) (\d{3})$", said, re.MULTILINE))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """``startproject``'s site with the README's lines at the end of its files."""
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "project", str(tmp_path)], check=True
    )
    blocks = BLOCK.findall(section(OWN_SITE))
    assert [name for name, _ in blocks] == ["settings", "urls"]
    for name, lines in blocks:
        add(tmp_path, name, lines)
    return tmp_path


def add(site: Path, name: str, lines: str) -> None:
    with (site / "project" / f"{name}.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{lines}")


def test_the_readmes_lines_put_both_apps_into_a_site(site: Path) -> None:
    manage(site, "check", "--fail-level", "WARNING")
    manage(site, "migrate", "--verbosity", "0")
    assert answers(site, "/settings/connectors/", "/v1/models", "/nowhere") == {
        "/settings/connectors/": "302",
        "/v1/models": "401",
        "/nowhere": "404",
    }


def test_the_readmes_addresses_of_rest_are_there(site: Path) -> None:
    addresses = ADDRESS.findall(section(OWN_SITE))
    add(site, "settings", "INSTALLED_APPS += ['rest_framework', 'rest_framework.authtoken']\n")
    add(site, "urls", f"urlpatterns += [{', '.join(addresses)}]\n")
    manage(site, "check", "--fail-level", "WARNING")
    manage(site, "migrate", "--verbosity", "0")
    listed = re.findall(r"^\| `(/[\w/]+)`", section("REST"), re.MULTILINE)
    assert set(answers(site, *listed).values()) <= {"401", "403", "405"}
    assert "/ai/v1/keys" in listed
