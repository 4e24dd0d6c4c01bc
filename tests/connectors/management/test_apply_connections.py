"""apply_connections and export_connections: a file is brought into force, all of it or nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from connectors.credentials import Credential, resolve
from connectors.models import ConfigurationVersion, Connection
from connectors.registry import registry
from connectors.services import apply_connections, create_connection

pytestmark = pytest.mark.django_db

KEY = "sk-live-abcdefghijklmnop1234"
CHAIN: list[dict[str, Any]] = [
    {
        "name": "primary",
        "provider": "acme",
        "base_url": "http://127.0.0.1:9100/v1",
        "api_key": KEY,
        "model": "m1",
        "models": ["m2"],
        "priority": 1,
        "timeout": 10,
        "enabled": True,
        "fields": {"region": "us"},
    },
    {"name": "backup", "provider": "acme", "api_key": {"env": "MY_ACME_KEY"}, "priority": 2},
]


@pytest.fixture(autouse=True)
def variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_ACME_KEY", "my-key")


def key_of(name: str) -> str:
    found = resolve(Connection.objects.get(name=name)).credential
    assert isinstance(found, Credential)
    return found.value


def run(
    document: object, tmp_path: Path, *options: str, as_yaml: bool = False
) -> tuple[list[str], str]:
    """The command's lines on standard output, and its standard error."""
    file = tmp_path / "connections"
    file.write_text(yaml.safe_dump(document) if as_yaml else json.dumps(document))
    out, err = io.StringIO(), io.StringIO()
    call_command("apply_connections", str(file), *options, stdout=out, stderr=err)
    return out.getvalue().splitlines(), err.getvalue()


def refused(entries: object) -> str:
    with pytest.raises(CommandError) as caught:
        run_text(json.dumps({"connections": entries}))
    return str(caught.value)


def run_text(text: str, *options: str) -> str:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(text))
        call_command("apply_connections", "-", *options, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.parametrize("as_yaml", [False, True])
def test_a_file_is_brought_into_force_and_the_same_file_changes_nothing(
    as_yaml: bool, tmp_path: Path
) -> None:
    document = {"connections": CHAIN}
    lines, problems = run(document, tmp_path, as_yaml=as_yaml)
    assert (lines, problems) == (["created primary", "created backup"], "")
    primary = Connection.objects.get(name="primary")
    assert primary.base_url == "http://127.0.0.1:9100/v1"
    assert (primary.model, primary.models, primary.priority) == ("m1", ["m2"], 1)
    assert (primary.timeout, primary.enabled, primary.fields) == (10.0, True, {"region": "us"})
    assert (key_of("primary"), key_of("backup")) == (KEY, "my-key")

    version = ConfigurationVersion.current()
    rows = list(Connection.objects.values())
    lines, _ = run(document, tmp_path, as_yaml=as_yaml)
    assert lines == ["unchanged primary", "unchanged backup"]
    assert ConfigurationVersion.current() == version
    assert list(Connection.objects.values()) == rows


def test_only_what_changed_is_said_and_what_is_left_out_stays(tmp_path: Path) -> None:
    apply_connections(CHAIN)
    lines, _ = run(
        {"connections": [{"name": "primary", "provider": "acme", "model": "m9"}]}, tmp_path
    )
    assert lines == ["updated primary (model)"]
    primary = Connection.objects.get(name="primary")
    assert (primary.timeout, primary.models) == (10.0, ["m2"])
    assert key_of("primary") == KEY


def test_null_removes_the_key_and_says_that_one_is_missing(tmp_path: Path) -> None:
    apply_connections(CHAIN)
    lines, problems = run(
        {"connections": [{"name": "primary", "provider": "acme", "api_key": None}]}, tmp_path
    )
    assert lines == ["updated primary (api_key)"]
    assert "primary: No key for Acme" in problems
    assert key_of("primary") == ""


def test_null_elsewhere_means_blank(tmp_path: Path) -> None:
    apply_connections([{**CHAIN[0], "base_url": "https://api.acme.example/v7"}])
    entry = {"name": "primary", "provider": "acme", "base_url": None, "models": None}
    lines, _ = run({"connections": [entry]}, tmp_path)
    assert lines == ["updated primary (base_url, models)"]
    assert key_of("primary") == KEY
    assert "connections[0].timeout: must not be null" in refused([{**CHAIN[0], "timeout": None}])


def test_another_address_without_a_key_costs_the_key_and_says_so(tmp_path: Path) -> None:
    apply_connections(CHAIN)
    entry = {"name": "primary", "provider": "acme", "base_url": "http://127.0.0.1:9101/v1"}
    lines, problems = run({"connections": [entry]}, tmp_path)
    assert lines == ["updated primary (base_url, api_key)"]
    assert "its stored key was removed" in problems
    assert key_of("primary") == ""
    run({"connections": [{**entry, "api_key": KEY}]}, tmp_path)
    assert key_of("primary") == KEY


def test_prune_removes_the_others(tmp_path: Path) -> None:
    apply_connections(CHAIN)
    create_connection(name="stray", provider="acme")
    document = {"connections": CHAIN[:1]}
    assert run(document, tmp_path)[0] == ["unchanged primary"]
    assert Connection.objects.count() == 3
    lines, _ = run(document, tmp_path, "--prune")
    assert lines == ["removed backup", "removed stray", "unchanged primary"]
    assert [each.name for each in Connection.objects.all()] == ["primary"]


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    create_connection(name="stray", provider="acme", api_key=KEY)
    version = ConfigurationVersion.current()
    rows = list(Connection.objects.values())
    lines, _ = run({"connections": CHAIN}, tmp_path, "--prune", "--dry-run")
    assert lines == [
        "removed stray",
        "created primary",
        "created backup",
        "Nothing was written (--dry-run).",
    ]
    assert list(Connection.objects.values()) == rows
    assert ConfigurationVersion.current() == version


def test_one_mistake_leaves_everything_as_it_was() -> None:
    create_connection(name="stray", provider="acme")
    version = ConfigurationVersion.current()
    text = json.dumps({"connections": [CHAIN[0], {**CHAIN[1], "timeout": 0}]})
    with pytest.raises(CommandError, match=r"connections\[1\]\.timeout: .*600"):
        run_text(text, "--prune")
    assert [each.name for each in Connection.objects.all()] == ["stray"]
    assert ConfigurationVersion.current() == version


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (
            {"provider": "acme", "modle": "m"},
            "connections[0].modle: is not known here; did you mean 'model'?",
        ),
        ({"provider": "acme", "zzz": 1}, "connections[0].zzz: is not known here; known: name"),
        ({"name": "x"}, "connections[0].provider: is required"),
        ({"provider": "acne"}, "connections[0].provider: No provider 'acne'"),
        ({"provider": "acme", "name": 5}, "connections[0].name: must be text"),
        ({"provider": "acme", "fields": {"regoin": 1}}, "connections[0].fields.regoin: Acme has "),
        ({"provider": "acme", "fields": {"region": 1}}, "connections[0].fields.region: "),
        ({"provider": "acme", "models": "m"}, "connections[0].models: "),
        ({"provider": "acme", "base_url": "acme"}, "connections[0].base_url: "),
        ({"provider": "acme", "api_key": 5}, "connections[0].api_key: must be a key, null, or"),
        ({"provider": "acme", "api_key": {"enw": "X"}}, "connections[0].api_key: must be"),
        ({"provider": "acme", "api_key": {"env": "no name"}}, "connections[0].api_key: "),
        ("acme", "connections[0]: must be an object"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_path(entry: object, complaint: str) -> None:
    assert complaint in refused([entry])
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"conections": []}', "conections: is not known here; did you mean 'connections'?"),
        ("[]", "The file must hold"),
        ("", "The file must hold"),
        ('{"connections": {}}', "must be a list"),
        ('{"connections": null}', "must be a list"),
    ],
)
def test_a_document_of_another_shape_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(CommandError) as caught:
        run_text(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("mistake", ["{\n", "'\n", "\t", "*nowhere", "!!python/object:os.system "])
def test_a_file_that_cannot_be_parsed_is_refused_without_quoting_it(mistake: str) -> None:
    with pytest.raises(CommandError, match=r"neither JSON .* nor YAML") as caught:
        run_text(f"connections:\n- api_key: {mistake}{KEY}\n  provider: [")
    assert KEY not in str(caught.value)


def test_a_name_stands_there_once() -> None:
    again = {**CHAIN[1], "name": "Primary"}
    assert "connections[1].name: 'Primary' stands there twice" in refused([CHAIN[0], again])


def test_entries_without_a_name_are_the_same_ones_the_next_time() -> None:
    entries = [{"provider": "acme"}, {"provider": "acme"}, {"provider": "acme", "name": "acme-2"}]
    assert apply_connections(entries).created == ("acme", "acme-3", "acme-2")
    assert apply_connections(entries).unchanged == ("acme", "acme-3", "acme-2")


def test_an_unset_variable_is_a_warning_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_ACME_KEY")
    lines, problems = run({"connections": CHAIN[1:]}, tmp_path)
    assert lines == ["created backup"]
    assert "MY_ACME_KEY is not set" in problems


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("apply_connections", str(tmp_path / "nowhere"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="UTF-8"):
        call_command("apply_connections", str(tmp_path / "binary"))


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_an_export_is_the_same_shape_without_keys(form: str) -> None:
    apply_connections(CHAIN)
    out = io.StringIO()
    call_command("export_connections", "--format", form, stdout=out)
    text = out.getvalue()
    assert KEY not in text
    assert "kn1$" not in text
    exported = (json.loads if form == "json" else yaml.safe_load)(text)["connections"]
    said = {key: CHAIN[0][key] for key in CHAIN[0] if key != "api_key"}
    assert exported[0] == {**said, "option_name": "koneek_api_key_acme_primary"}
    assert exported[1]["api_key"] == {"env": "MY_ACME_KEY"}
    assert run_text(text).splitlines() == ["unchanged primary", "unchanged backup"]
    assert key_of("primary") == KEY


def test_an_export_of_some_connections_names_them_as_people_or_wordpress_do() -> None:
    apply_connections(CHAIN)

    def exported(*names: str) -> list[str]:
        out = io.StringIO()
        call_command("export_connections", *names, stdout=out)
        return [each["name"] for each in json.loads(out.getvalue())["connections"]]

    assert exported("koneek_api_key_acme_backup") == ["backup"]
    assert exported("backup", "primary", "koneek_api_key_acme_primary") == ["primary", "backup"]
    with pytest.raises(CommandError, match=r"'koneek_api_key_acme'. There are: primary, backup"):
        exported("koneek_api_key_acme")


def test_a_provider_that_went_away_is_named_in_the_refusal() -> None:
    apply_connections(CHAIN)
    registry.unregister("acme")
    assert "connections[0].provider: No provider 'acme'" in refused(
        [{**CHAIN[0], "base_url": "http://127.0.0.1:1"}]
    )
