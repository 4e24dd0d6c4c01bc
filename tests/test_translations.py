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
from tests.source_tree import ROOT, Module, read
from tests.unmarked_texts import MARKERS, unmarked

APPS = ("connectors", "ai_client")
_IN_TEMPLATE = re.compile(r"""\b(?:_|n?gettext)\(u?(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sd]|\{\w+\}|</?\w+")

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


def shown_modules(root: Path) -> dict[str, Module]:
    """``connectors``, and what hands it the outcome of a test."""
    return {
        name: module
        for name, module in read(root, APPS).items()
        if name.startswith("connectors") or module.imports_from("connectors.probing")
    }


def test_every_refusal_is_marked() -> None:
    found = unmarked(shown_modules(ROOT))
    assert not found, "Mark it with gettext and named placeholders:\n  " + "\n  ".join(found)


ERRORS = """
class ConnectorError(Exception):
    def __init__(self, message, *, field=""): ...
class FieldError(ConnectorError): ...
class RegistryError(ConnectorError): ...
class NameTaken(FieldError):
    def __init__(self, name): super().__init__(_("%(name)s is taken.") % {"name": name})
"""


@pytest.mark.parametrize(
    "source",
    [
        'raise FieldError("It is wrong.", field="name")',
        'raise FieldError(message="It is wrong.")',
        'raise FieldError(f"{name} is wrong.")',
        'raise errors.FieldError("It is " + name)',
        'raise ValidationError({"name": "It is wrong."})',
        'raise ValidationError([ErrorDetail("It is wrong.")])',
        'raise FieldError("It is wrong." if name else _("It is right."))',
        'def f():\n    why = "It is wrong."\n    raise FieldError(why)',
        'def f():\n    why = "is wrong"\n    raise FieldError(f"{why}: {name}")',
        'def refuse(field, what):\n    raise FieldError(what)\nrefuse("name", "It is wrong.")',
        'class Odd(FieldError):\n    def __init__(self): super().__init__("It is odd.")',
        'Unreadable(reason="It is wrong.")',
        'Step("dns", "failed", None, "It is wrong.")',
    ],
)
def test_an_unmarked_refusal_is_noticed(source: str, tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "errors.py").write_text(ERRORS)
    (tmp_path / "connectors" / "breach.py").write_text(source)
    found = unmarked(shown_modules(tmp_path))
    assert found
    assert all(each.startswith("connectors.breach:") for each in found)


@pytest.mark.parametrize(
    "source",
    [
        'raise FieldError(_("%(name)s is wrong.") % {"name": name}, field="name")',
        "raise FieldError(f\"{_('It is wrong.')} {hint}\")",
        'raise RegistryError("Only who writes an app reads this.")',
        'raise NameTaken("primary")',
        'def refuse(field, what):\n    raise FieldError(what)\nrefuse("name", _("It is wrong."))',
        'raise ValueError("Nobody reads this.")',
    ],
)
def test_a_marked_refusal_is_fine(source: str, tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "errors.py").write_text(ERRORS)
    (tmp_path / "connectors" / "fine.py").write_text(source)
    assert not unmarked(shown_modules(tmp_path))


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
