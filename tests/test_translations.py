"""German is complete: every marked text is translated, and what is compiled is what is written."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.translation.template import templatize

from connectors.services import create_connection
from tests.source_tree import ROOT

APPS = ("connectors", "ai_client")
MARKERS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy"}
_IN_TEMPLATE = re.compile(r"""\b(?:_|n?gettext)\(u?(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|</?\w+")

Entry = tuple[str, list[str]]
"""The plural, blank where there is none, and the translations."""


def po_file(app: str) -> Path:
    return ROOT / app / "locale" / "de" / "LC_MESSAGES" / "django.po"


def entries(app: str) -> dict[str, Entry]:
    """What the catalogue holds, by the English text; the header is left out."""
    found = {}
    for block in po_file(app).read_text(encoding="utf-8").split("\n\n"):
        parts: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            if not line.startswith("#"):
                if not line.startswith('"'):
                    keyword, _, line = line.partition(" ")
                parts[keyword] = parts.get(keyword, "") + ast.literal_eval(line)
        if parts.get("msgid"):
            translated = [text for name, text in parts.items() if name.startswith("msgstr")]
            found[parts["msgid"]] = (parts.get("msgid_plural", ""), translated)
    return found


def marked(app: str) -> Iterator[str]:
    """The texts that the app's code and templates mark for translation."""
    for path in (ROOT / app).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in MARKERS
            ):
                text = node.args[0]
                assert isinstance(text, ast.Constant), f"{path}:{node.lineno}"
                assert isinstance(text.value, str), f"{path}:{node.lineno}"
                yield text.value
    for path in (ROOT / app).rglob("*.html"):
        for found in _IN_TEMPLATE.finditer(templatize(path.read_text(encoding="utf-8"))):
            yield ast.literal_eval(found["text"])


@pytest.mark.parametrize("app", APPS)
def test_every_marked_text_is_in_the_catalogue_and_no_other(app: str) -> None:
    assert set(entries(app)) == set(marked(app)), (
        f"In {app} run: django-admin makemessages -l de --add-location file --no-wrap "
        "--no-obsolete; translate; then: django-admin compilemessages"
    )


@pytest.mark.parametrize("app", APPS)
def test_every_text_is_translated_and_keeps_its_placeholders(app: str) -> None:
    assert "fuzzy" not in po_file(app).read_text(encoding="utf-8")
    for text, (plural, translated) in entries(app).items():
        assert len(translated) == (2 if plural else 1), text
        for each in translated:
            assert each.strip(), text
            assert sorted(_PLACEHOLDER.findall(each)) == sorted(_PLACEHOLDER.findall(text)), text


@pytest.mark.parametrize("app", APPS)
def test_what_is_compiled_is_what_is_written(app: str) -> None:
    with po_file(app).with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    texts: Mapping[object, str] = compiled._catalog  # type: ignore[attr-defined]
    written: dict[object, str] = {}
    for text, (plural, translated) in entries(app).items():
        if plural:
            written |= {(text, number): each for number, each in enumerate(translated)}
        else:
            written[text] = translated[0]
    assert {key: text for key, text in texts.items() if key != ""} == written


def test_the_page_is_german_for_whom_prefers_it(client: Client, db: None) -> None:
    client.force_login(User.objects.create_superuser("alice"))
    row = create_connection(name="primary", provider="openai", model="gpt", enabled=False)
    address = reverse("connectors_page:connection", args=[row.pk])
    german = client.get(address, headers={"accept-language": "de-AT, de;q=0.9"})
    text = german.content.decode()
    assert german.headers["Content-Language"] == "de"
    for words in ("Zurzeit antwortet niemand.", "Ausgeschaltet", "Basis-URL", "Kopiert", "Sichern"):
        assert words in text
    for words in ("Nobody answers", "Add a connection", "Delete this connection", "Copied"):
        assert words not in text
    assert "Nobody answers now." in client.get(address).content.decode()
