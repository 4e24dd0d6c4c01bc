"""import_wordpress: what comes along is said, and what does not too."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from connectors.credentials import Credential, resolve
from connectors.models import Connection

pytestmark = pytest.mark.django_db

KEY = "sk-plain-0123456789"
DUMP = [
    {"option_name": "koneek_api_key_acme", "option_value": KEY},
    {"option_name": "koneek_api_key_acme_lab", "option_value": "\u2022" * 16},
    {"option_name": "connectors_ai_acme_api_key", "option_value": "sk-of-the-provider"},
    {"option_name": "siteurl", "option_value": "https://blog.example"},
]


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("import_wordpress", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_dump_comes_in_and_again_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    file.write_text(json.dumps(DUMP), encoding="utf-8")
    out, err = run(str(file), "--dry-run")
    assert "created acme" in out
    assert "Nothing was written" in out
    assert not Connection.objects.exists()

    out, err = run(str(file))
    assert "created acme\n" in out
    assert "updated option connectors_ai_acme_api_key" in out
    assert "not ours: siteurl" in out
    assert "skipped koneek_api_key_acme_lab" in err
    assert KEY not in out + err
    found = resolve(Connection.objects.get()).credential
    assert isinstance(found, Credential)
    assert found.value == KEY

    out, _ = run(str(file))
    assert "unchanged acme" in out
    assert "unchanged option" in out


def test_it_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"koneek_api_key_acme_lab": KEY})))
    run("-")
    assert Connection.objects.get().name == "lab"


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"5", b"[1]"])
def test_what_is_no_dump_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    file.write_bytes(content)
    with pytest.raises(CommandError):
        run(str(file))


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run("/nowhere/options.json")
