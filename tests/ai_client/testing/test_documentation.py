"""docs/testing.md, run as it stands: its files in a folder, its tests by a pytest of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.source_tree import ROOT

PAGE = (ROOT / "docs/testing.md").read_text(encoding="utf-8")
FILES = re.findall(r"^```python file=(\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_block_is_a_file_that_is_run() -> None:
    assert PAGE.count("\n```python") == len(FILES)
    assert len({name for name, _ in FILES}) == len(FILES)


def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    for name, code in FILES:
        (tmp_path / name).write_text(code, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"],
        cwd=tmp_path,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    tests = sum(code.count("def test_") for _, code in FILES)
    assert f"{tests} passed" in run.stdout
