"""The matrix as a document, and the document as a matrix."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from textwrap import fill

from tests.sdk_matrix.clients import CLIENTS
from tests.sdk_matrix.scenarios import SCENARIOS
from tests.sdk_matrix.upstreams import UPSTREAMS
from tests.source_tree import ROOT

DOCUMENT = ROOT / "docs/compatibility.md"
YES = "yes"
NOTHING = "n/a"
"""Of a client without words for it."""

_PLAIN = (YES, NOTHING)
COLUMNS = [upstream.name for upstream in UPSTREAMS]

Matrix = Mapping[tuple[str, str, str], str]
"""Client, upstream and scenario: ``yes``, ``n/a``, or ``refused: `` or ``partly: `` and why."""

_BEFORE = """\
# Compatibility

Written by `make compatibility`, which runs every client below against every upstream through the
running site; a test fails where this page says something else than the run. Upstreams are the
simulators that come with the package, each of which checks requests as its vendor does. Every cell
is the outcome of the blocking and of the awaiting client; both have to agree. Tools, files,
reasoning, errors and fallback are tried with whole answers and with streams.

"""


def render(cells: Matrix) -> str:
    """The document."""
    text = [_BEFORE, "| Row | What is tried |\n|---|---|\n"]
    for name, scenario in SCENARIOS.items():
        text.append(f"| {name} | {' '.join((scenario.__doc__ or '').split())} |\n")
    text.append(
        "\n`yes` is a client that got what it is owed: answers whole and in its own types, errors\n"
        "as the classes of its own SDK. `refused` stands where an upstream cannot say what is\n"
        "asked for; nothing is sent to it, and the client gets a 400 with the reason below.\n"
        "`partly` is the client's own limit, `n/a` stands where the client has no words for it.\n"
    )
    for client in CLIENTS:
        text.append(f"\n## {client.name}\n\n{_versions(client.packages)}\n\n")
        text.append(f"{fill(client.remark, 100)}\n\n" if client.remark else "")
        text.append(f"| | {' | '.join(COLUMNS)} |\n|---|{'---|' * len(COLUMNS)}\n")
        notes: list[str] = []
        for tried in SCENARIOS:
            row = [cells[client.name, column, tried] for column in COLUMNS]
            shown = [cell if cell in _PLAIN else _noted(cell, notes) for cell in row]
            text.append(f"| {tried} | {' | '.join(shown)} |\n")
        text.extend(f"\n{place}. {note}" for place, note in enumerate(notes, start=1))
        text.append("\n" if notes else "")
    return "".join(text)


def read(text: str) -> dict[tuple[str, str, str], str]:
    """The cells of a document."""
    cells: dict[tuple[str, str, str], str] = {}
    for part in text.split("\n## ")[1:]:
        client, _, body = part.partition("\n")
        lines = body.splitlines()
        notes = dict(line.split(". ", 1) for line in lines if line[:1].isdigit())
        for line in lines:
            scenario, *row = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("|") and scenario in SCENARIOS:
                for column, cell in zip(COLUMNS, row, strict=True):
                    word, _, number = cell.rstrip(")").partition(" (")
                    told = cell if cell in _PLAIN else f"{word}: {notes[number]}"
                    cells[client, column, scenario] = told
    return cells


def without_versions(text: str) -> str:
    """The document as it is with any release of the clients."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("With "))


def _versions(packages: tuple[str, ...]) -> str:
    return f"With {', '.join(f'{name} {version(name)}' for name in packages)}."


def _noted(cell: str, notes: list[str]) -> str:
    word, _, note = cell.partition(": ")
    if note not in notes:
        notes.append(note)
    return f"{word} ({notes.index(note) + 1})"
