"""docs/reference says what the sources say, and leaves no public name out."""

from __future__ import annotations

import re

import pytest

import ai_client
from ai_client import testing
from docs.generate_reference import FOLDER, documents

MADE = documents()


def test_the_reference_is_that_of_the_sources() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    stale = [name for name in MADE.keys() | committed if MADE.get(name) != committed.get(name)]
    assert stale == [], "Run `make docs`."


@pytest.mark.parametrize("module", [ai_client, testing], ids=lambda module: module.__name__)
def test_every_name_that_a_package_offers_is_in_the_reference(module: object) -> None:
    described = set(re.findall(r"^(?:###|\|) `(\w+)`", "\n".join(MADE.values()), re.MULTILINE))
    homes = vars(module).get("_HOME_OF") or vars(module)["_HOMES"]
    assert homes.keys() - described == set()


def test_an_entry_has_signature_words_and_members() -> None:
    prompts = MADE["prompts.md"]
    assert (
        "def is_configured(provider: str, *, registry: ProviderRegistry | None = None)" in prompts
    )
    assert "* `using_max_tokens(max_tokens: int) -> Self`\n\n  The longest answer" in prompts
    assert "* `await agenerate_text() -> str`" in prompts
    assert 'TEXT_GENERATION = "text_generation"' in MADE["capabilities.md"]
    assert "| `RateLimited` | `UpstreamError` | rate_limited | 429 |" in MADE["errors.md"]
