"""The page's JavaScript modules, by their own tests under Node."""

from __future__ import annotations

import shutil
import subprocess

from tests.source_tree import ROOT


def test_the_modules_pass_their_own_tests() -> None:
    node = shutil.which("node")
    assert node, "No Node: apt-get install nodejs."
    files = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.js"))
    assert files
    done = subprocess.run([node, "--test", *files], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
