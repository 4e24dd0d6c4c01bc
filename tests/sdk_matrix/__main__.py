"""Runs the matrix and writes docs/compatibility.md: ``python -m tests.sdk_matrix``."""

from __future__ import annotations

import os
import sys

import pytest

from tests.source_tree import ROOT

if __name__ == "__main__":
    os.environ["WRITE_COMPATIBILITY"] = "1"
    sys.exit(pytest.main(["-q", str(ROOT / "tests/sdk_matrix"), *sys.argv[1:]]))
