"""The wheel of the two apps, as a release makes it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.source_tree import ROOT


def build_wheel(folder: Path) -> Path:
    """The wheel, made in ``folder`` by way of the source archive.

    From a copy, so that the working tree stays as it is.
    """
    source, target = folder / "source", folder / "built"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("connectors", "ai_client"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "-o", str(target), "."],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = target.glob("django_koneek-*.whl")
    return found
