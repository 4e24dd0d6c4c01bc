"""The wheel has everything that another site needs, and the requirements are pinned and few."""

from __future__ import annotations

import itertools
import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.built_wheel import build_wheel
from tests.source_tree import ROOT

NOT_PYTHON = ("templates", "static", "locale")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_both_apps_completely_and_nothing_else(wheel: Path) -> None:
    expected = {
        str(path.relative_to(ROOT))
        for app in ("connectors", "ai_client")
        for path in (ROOT / app).rglob("*")
        if path.is_file()
        and (path.suffix == ".py" or path.name == "py.typed" or set(path.parts) & {*NOT_PYTHON})
    }
    names = set(zipfile.ZipFile(wheel).namelist())
    packed = {name for name in names if ".dist-info/" not in name}
    assert packed == expected


def test_each_app_is_marked_as_typed_and_has_its_migrations(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for app in ("connectors", "ai_client"):
        assert f"{app}/py.typed" in names
        assert f"{app}/migrations/0001_initial.py" in names


def test_the_page_comes_with_what_it_is_made_of(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "templates/connectors/page.html",
        "templates/admin/connectors/connection/change_list.html",
        "static/connectors/page.js",
        "locale/de/LC_MESSAGES/django.mo",
    ):
        assert f"connectors/{name}" in names


def test_what_only_some_sites_need_is_an_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert sorted(extras) == [
        "channels",
        "opentelemetry",
        "postgres",
        "rest",
        "server",
        "wordpress",
    ]
    needed = {Requirement(each).name for each in project["dependencies"]}
    optional = {Requirement(each).name for extra in extras.values() for each in extra}
    assert {"djangorestframework", "drf-spectacular", "channels", "psycopg"} <= optional
    assert not needed & optional


def test_the_wheel_says_its_license(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    assert "License-Expression: BSD-3-Clause" in archive.read(metadata).decode()
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


def requirement_lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def pins(name: str) -> dict[str, str]:
    """Package to version, as a requirements file pins them."""
    found = {}
    for line in requirement_lines(name):
        if line and not line.startswith(("#", "-r ")):
            pin = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([0-9][0-9a-z.]*)", line)
            assert pin, f"{name}: {line!r} is not pinned to one version."
            found[pin[1].lower()] = pin[2]
    return found


def test_requirements_are_pinned_few_and_have_their_reasons() -> None:
    assert len(pins("requirements.txt")) <= 15
    lines = requirement_lines("requirements.txt")
    without_reason = [
        line
        for before, line in itertools.pairwise(lines)
        if line and not line.startswith("#") and not before.startswith("#")
    ]
    assert without_reason == []


def test_development_requirements_are_pinned() -> None:
    assert pins("requirements-dev.txt")


def test_the_site_runs_on_versions_that_the_wheel_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = pins("requirements-dev.txt") | pins("requirements.txt")
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[requirement.name.lower()]), requirement


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "Makefile", ".ci/run", "pyproject.toml"]
)
def test_no_package_registry_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"index-url|find-links|trusted-host|https?://\S*(simple|packages)", text)
