"""Reads Python sources without running them: which module imports what, and how long it is."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Module:
    """One source file. ``imports`` are dotted names as far as they are modules or their members."""

    name: str
    path: Path
    tree: ast.Module
    lines: int
    imports: frozenset[str]

    def imports_from(self, *packages: str) -> list[str]:
        """The imports that are one of ``packages`` or inside one, sorted."""
        return sorted(name for name in self.imports if is_within(name, packages))


def is_within(name: str, packages: Iterable[str]) -> bool:
    """Whether ``name`` is one of ``packages`` or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def read(root: Path, packages: Iterable[str]) -> dict[str, Module]:
    """All modules of ``packages`` under ``root`` by dotted name, migrations left out."""
    modules = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if "migrations" in parts:
                continue
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text, str(path))
            lines = len(text.splitlines())
            modules[name] = Module(name, path, tree, lines, frozenset(_imports(tree)))
    return modules


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                # The members too, because each may be a module of that package.
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.Call(
                func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name))]
            ):
                yield name
            case _:
                pass
