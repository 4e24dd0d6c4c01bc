"""The pages about the AI client are so: their programs run, and print what their comments say."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from django.conf import LazySettings

from ai_client.client import default_client
from ai_client.registry import default_registry
from ai_client.signals import after_generate, before_generate
from ai_client.simulator.media_files import png
from ai_client.stand_in import StandIn, standing_in
from ai_client.testing import SimulatedClock
from tests.live_site import Site
from tests.source_tree import ROOT

PAGES = (
    "text",
    "chat",
    "functions",
    "structured",
    "files",
    "images",
    "speech",
    "embeddings",
    "video",
    "events",
    "php_ai_client",
)
BLOCK = re.compile(
    r"^```python(?: (?:file=(\S+)|(settings)))?\n(.*?)^```", re.DOTALL | re.MULTILINE
)
FENCE = re.compile(r"^```(\w*)", re.MULTILINE)
PRINTED = re.compile(r"^ *print\(.*\)  # (.*)$", re.MULTILINE)


class Block(NamedTuple):
    """A program of a page: a file of that name, settings, or a piece of the page's program."""

    file: str
    settings: str
    code: str
    line: int


def blocks(text: str) -> list[Block]:
    return [
        Block(found[1] or "", found[2] or "", found[3], text.count("\n", 0, found.start()) + 1)
        for found in BLOCK.finditer(text)
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the pages' programs run: with the files that they read, and importable."""
    (tmp_path / "photo.png").write_bytes(png(16, 16, b"\x20\x40\x80"))
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "interview.mp3").write_bytes(b"ID3 recording")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] == "shop"]:
        del sys.modules[name]


@pytest.fixture
def owners_site(site: Site, settings: LazySettings, folder: Path) -> Iterator[None]:
    """The site that the pages speak of, whose waiting takes no time."""
    settings.MEDIA_ROOT = folder / "media"
    site.connect(
        site.upstream("openai_chat", name="primary", model="gpt-5.4-mini"),
        site.upstream("anthropic_messages", name="second", model="claude-sonnet-4-6"),
        site.upstream("google_generate", name="third", model="gemini-3.8-flash"),
    )
    clock = SimulatedClock()
    stand_in = StandIn(default_client(), default_registry(), clock, clock.sleep, clock.asleep)
    receivers = list(before_generate.receivers), list(after_generate.receivers)
    with standing_in(stand_in):
        yield
    before_generate.receivers, after_generate.receivers = receivers
    before_generate.sender_receivers_cache.clear()
    after_generate.sender_receivers_cache.clear()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A page's program, a module of its own, so that its type hints find what they name."""
    module = ModuleType("program_of_a_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def put_into(settings: LazySettings, code: str) -> None:
    given: dict[str, Any] = {}
    exec(code, given)
    for name, value in given.items():
        if name.isupper():
            setattr(settings, name, {**getattr(settings, name, {}), **value})


def write(folder: Path, block: Block) -> None:
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.code, encoding="utf-8")
    importlib.invalidate_caches()
    importlib.import_module(block.file.removesuffix(".py").replace("/", "."))


def run(
    page: str, text: str, program: ModuleType, folder: Path, settings: LazySettings, above: int = 0
) -> None:
    """The programs of a text, the first to the last; what they print is in their comments."""
    found = blocks(text)
    assert found
    for block in found:
        if block.file:
            write(folder, block)
        elif block.settings:
            put_into(settings, block.code)
        else:
            # Counted so that a traceback shows the page's own lines.
            code = "\n" * (above + block.line) + block.code
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(code, str(ROOT / page), "exec"), vars(program))
            said = PRINTED.findall(block.code)
            assert printed.getvalue().splitlines() == said, f"{page}, line {above + block.line}"


@pytest.mark.parametrize("page", PAGES)
def test_the_programs_of_a_page_run_and_print_what_they_say(
    page: str, owners_site: None, program: ModuleType, folder: Path, settings: LazySettings
) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    run(f"docs/{page}.md", text, program, folder, settings)


def test_the_programs_of_the_readme_run(
    owners_site: None, program: ModuleType, folder: Path, settings: LazySettings
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    above, _, rest = readme.partition("\n## From Python\n")
    section = rest.partition("\n## ")[0]
    run("README.md", section, program, folder, settings, above.count("\n") + 1)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_program_that_is_not_run(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    opened = [each for each in FENCE.findall(text)[::2] if each not in ("php", "sh")]
    assert opened == ["python"] * len(blocks(text))
