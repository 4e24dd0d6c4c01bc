"""Reads a file of this machine: the one place where that happens.

Only from a path object, which a program makes on purpose. A string is never a path here, so a
string out of a request opens nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias, TypeGuard

LocalPath: TypeAlias = os.PathLike[str]


def is_path(value: object) -> TypeGuard[LocalPath]:
    """Whether ``value`` is a path object."""
    return isinstance(value, os.PathLike)


def read(path: LocalPath) -> tuple[str, bytes]:
    """The file's name, without its folder, with its content. Raises OSError like ``open``."""
    file = Path(path)
    return file.name, file.read_bytes()
