"""What WordPress does with connectors, case by case, through the doors that apps and browsers use.

The cases come from running WordPress's own functions. ``DIFFERENCES`` holds every case in which
something else happens here, with the reason; docs/wordpress.md says the same to people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from pytest_django import Settings
from rest_framework.test import APIClient

from ai_client.providers import Provider
from ai_client.registration import key_variable, provider_for, register_providers
from connectors import application_passwords, settings_group
from connectors.binding import Credential, Source
from connectors.credentials import provider_keys
from connectors.errors import RegistryError
from connectors.masking import KeyChange, mask, merge
from connectors.models import Option
from connectors.page_data import KEY_SOURCES, script_module_data
from connectors.probing import ModelEntry, ProbeFailed, Step, Target
from connectors.registry import ConnectorRegistry, registry
from connectors.sanitising import sanitize_text_field
from connectors.services import get_option, set_option
from connectors.settings_group import RegisteredSetting, registered_settings
from connectors.values import ConnectorType
from tests.source_tree import ROOT

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "wordpress_connectors.json").read_text("utf-8")
)
BUILT_IN = ("anthropic", "google", "openai")
GOOD = "\N{BULLET}" * 9 + "1234"

Expected = dict[str, Any]


def _set(*path: str | int, to: Any) -> Callable[[Expected], None]:
    def change(expected: Expected) -> None:
        place: Any = expected
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _key_is_kept(expected: Expected) -> None:
    for request in expected["requests"]:
        request["response"]["connectors_ai_openai_api_key"] = GOOD
        request["storedAfter"]["connectors_ai_openai_api_key"] = "good-key-1234"
        request["boundKeysAfter"]["openai"] = "good-key-1234"


def _nothing_stays_bound(expected: Expected) -> None:
    for request in expected["requests"]:
        request["boundKeysAfter"]["openai"] = None


def _openai_keeps_its_key_field(expected: Expected) -> None:
    auth = {
        "method": "api_key",
        "credentials_url": "https://platform.openai.com/api-keys",
        "setting_name": "connectors_ai_openai_api_key",
        "constant_name": "OPENAI_API_KEY",
        "env_var_name": "OPENAI_API_KEY",
    }
    expected["connectors"]["openai"]["authentication"] = auth
    _group_holds("openai", "Openai")(expected)
    expected["scriptModuleData"]["connectors"]["openai"]["authentication"] = {
        "method": "api_key",
        "settingName": auth["setting_name"],
        "credentialsUrl": auth["credentials_url"],
        "keySource": "none",
        "isConnected": False,
    }


def _group_holds(slug: str, name: str) -> Callable[[Expected], None]:
    def change(expected: Expected) -> None:
        expected["registeredSettings"][f"connectors_ai_{slug}_api_key"] = {
            "group": "connectors",
            "type": "string",
            "label": f"{name} API Key",
            "description": f"API key for the {name} connector.",
            "default": "",
            "show_in_rest": True,
        }

    return change


def _zero_is_a_provider(expected: Expected) -> None:
    expected["order"].append("0")
    expected["connectors"]["0"] = {
        "name": "0",
        "description": "",
        "type": "ai_provider",
        "authentication": {
            "method": "api_key",
            "setting_name": "connectors_ai_0_api_key",
            "constant_name": "0_API_KEY",
            "env_var_name": "0_API_KEY",
        },
        "plugin": {"is_active": "__return_true"},
    }
    _group_holds("0", "0")(expected)
    expected["scriptModuleData"]["connectors"]["0"] = {
        "name": "0",
        "description": "",
        "logoUrl": None,
        "type": "ai_provider",
        "authentication": {
            "method": "api_key",
            "settingName": "connectors_ai_0_api_key",
            "credentialsUrl": None,
            "keySource": "none",
            "isConnected": False,
        },
    }


_OPENAI_DATA = ("scriptModuleData", "connectors", "openai", "authentication", "isConnected")

DIFFERENCES: Mapping[str, tuple[str, Callable[[Expected], None]]] = {
    "source_database_false_counts": (
        "An option is text, so nothing false can be stored.",
        _set("source", to="none"),
    ),
    "boot_provider_no_auth_over_default": (
        "A provider is a declaration that always has a place for a key, if only an optional one.",
        _openai_keeps_its_key_field,
    ),
    "boot_new_provider_numeric_id": (
        'The id "0" is an id like any other.',
        _zero_is_a_provider,
    ),
    "boot_key_without_provider_plugin": (
        "The providers are part of the package, so a stored key has somebody to use it.",
        _set(*_OPENAI_DATA, to=True),
    ),
    "boot_availability_throws": (
        "Showing the page asks no provider anything; connected means that a key is there.",
        _set(*_OPENAI_DATA, to=True),
    ),
    "boot_other_types": (
        "plugin.file names a Python package, and in/in.php is none that could be installed.",
        _set("scriptModuleData", "connectors", "inactive", "plugin", "isInstalled", to=False),
    ),
    "rest_post_invalid_key_reverts_to_empty": (
        "A rejected key is in force nowhere, not even until the process ends.",
        _nothing_stays_bound,
    ),
    "rest_post_stale_mask_is_treated_as_a_key": (
        "A refused value does not cost the good key that is stored.",
        _key_is_kept,
    ),
    "rest_post_empty_clears": (
        "A key that was removed is not used any more, not even until the process ends.",
        _nothing_stays_bound,
    ),
    "rest_unregistered_connector_key_is_not_masked": (
        "A setting that an app registers itself is masked like the others.",
        _set("requests", 0, "response", "connectors_ai_openai_api_key", to=GOOD),
    ),
}


def rows(*operations: str) -> list[Any]:
    return [pytest.param(row, id=row["name"]) for row in ROWS if row["input"]["op"] in operations]


def expected_of(row: dict[str, Any]) -> Expected:
    expected: Expected = json.loads(json.dumps(row["expected"]))
    if row["name"] in DIFFERENCES:
        DIFFERENCES[row["name"]][1](expected)
    return expected


class AcceptingProbe:
    """A provider that takes the listed keys and is asked nothing else."""

    def __init__(self, *valid: str, fails: str = "") -> None:
        self.valid = valid
        self.fails = fails
        self.asked: list[Target] = []

    def steps(self, target: Target) -> Iterator[Step]:
        raise AssertionError("nobody tests here")

    def models(self, target: Target) -> list[ModelEntry]:
        raise AssertionError("nobody lists models here")

    def accepts_key(self, target: Target) -> bool:
        self.asked.append(target)
        if self.fails:
            raise ProbeFailed(self.fails)
        return target.api_key in self.valid


@pytest.fixture(autouse=True)
def only_the_listed_connectors(vendors: None, settings: Settings) -> Iterator[None]:
    """Takes everything out of the site's registry for the test, and puts it back."""
    before = registry.all(hidden=True)
    for connector in before:
        registry.unregister(connector.slug)
    yield
    # A case may have switched AI off, and then no provider could come back.
    settings.CONNECTORS = {}
    for connector in registry.all(hidden=True):
        registry.unregister(connector.slug)
    for connector in before:
        registry.register(connector)
    # The test's providers took the places of shipped ones.
    register_providers(into=ConnectorRegistry())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Callable[..., None]]:
    """Makes what a case starts from: environment, settings, providers, apps, stored options."""
    own: list[RegisteredSetting] = []

    def make(given: Mapping[str, Any]) -> None:
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in given.get("env", {}).items():
            monkeypatch.setenv(name, value)
        settings.CONNECTORS = given.get("constants", {})
        shipped = [provider for slug in BUILT_IN if (provider := provider_for(slug))]
        register_providers(shipped)
        for theirs in given.get("providers", ()):
            _register(theirs)
        for step in given.get("onInit", ()):
            _act(step)
        for name, shape in given.get("settingsAfterInit", {}).items():
            about = {"label": name, "description": "", "default": shape["default"]}
            setting = RegisteredSetting(name, show_in_rest=shape["show_in_rest"], **about)
            own.append(settings_group.register_setting(setting))
        names = settings_group.registered_settings()
        for name, value in given.get("options", {}).items():
            if isinstance(value, dict):
                value = application_passwords.dump(value)  # type: ignore[arg-type]
            set_option(name, value, encrypted=True if name in names else None)

    yield make
    for setting in own:
        settings_group.unregister_setting(setting.name)


def _register(theirs: Mapping[str, Any]) -> None:
    about = theirs["metadata"]
    existing = provider_for(about["id"])
    provider = Provider(
        slug=about["id"],
        name=about["name"],
        wire="openai_chat",
        base_url=existing.base_url if existing else "https://api.example.com/v1",
        env_key=existing.env_key if existing else None,
        description=about["description"] or "",
        credentials_url=about["credentialsUrl"],
        key_required=about["authenticationMethod"] == "api_key",
    )
    register_providers([provider])
    made = registry.get(provider.slug)
    assert made is not None
    registry.amend(replace(made, probe=AcceptingProbe(*theirs["validKeys"])))


def _act(step: Mapping[str, Any]) -> None:
    match step["do"]:
        case "unregister":
            registry.unregister(step["id"])
        case "override":
            registry.register(replace(registry.unregister(step["id"]), **step["with"]))
        case "register":
            registry.register(step["id"], _with_callables(step["args"]))
        case other:
            raise AssertionError(f"The case does {other}, which nobody taught this test.")


def _with_callables(args: Any) -> Any:
    """``<callable:true>`` stands for a callback that says so."""
    if isinstance(args, dict):
        return {key: _with_callables(value) for key, value in args.items()}
    if isinstance(args, str) and (found := re.fullmatch(r"<callable:(true|false)>", args)):
        return lambda: found[1] == "true"
    return args


def shape_of(connector: ConnectorType) -> dict[str, Any]:
    """The stored shape with the callback as the cases print it."""
    shape: Any = connector.to_dict()
    default = connector.is_active is ConnectorType("x", "X").is_active
    shape["plugin"]["is_active"] = "__return_true" if default else "<callable>"
    return dict(shape)


@pytest.mark.parametrize("row", rows("register"))
def test_registering(row: dict[str, Any], settings: Settings) -> None:
    settings.CONNECTORS = {"AI_ENABLED": row["input"].get("supportsAi", True)}
    own = ConnectorRegistry()
    for call, expected in zip(row["input"]["calls"], expected_of(row)["calls"], strict=True):
        refused = ""
        result: object = None
        slug = call["id"]
        try:
            match call["method"]:
                case "register":
                    result = own.register(slug, dict(_with_callables(call["args"] or {})))
                case "unregister":
                    result = own.unregister(slug)
                case "get_registered":
                    # Asking is not a mistake here: None says it all.
                    result = own.get(slug)
                    refused = "" if result else "unknown"
                case "is_registered":
                    result = own.is_registered(slug)
                case "get_all_registered":
                    result = list(own.slugs())
        except RegistryError as error:
            refused = error.message
        shown = shape_of(result) if isinstance(result, ConnectorType) else result
        assert shown == expected["returns"]
        assert bool(refused) == bool(expected["notices"]), refused


@pytest.mark.parametrize("row", rows("mask"))
def test_masking(row: dict[str, Any]) -> None:
    assert mask(row["input"]["key"]) == row["expected"]["masked"]


@pytest.mark.parametrize("row", rows("sanitize_text_field"))
def test_cleaning_text(row: dict[str, Any]) -> None:
    assert sanitize_text_field(row["input"]["value"]) == row["expected"]["sanitized"]


@pytest.mark.parametrize("row", rows("sanitize_api_key"))
def test_cleaning_a_key(row: dict[str, Any]) -> None:
    stored, submitted = row["input"]["stored"], row["input"]["submitted"]
    kept = merge(stored, submitted) is KeyChange.KEEP
    assert (stored if kept else sanitize_text_field(submitted)) == row["expected"]["sanitized"]


@pytest.mark.parametrize("row", rows("sanitize_app_password"))
def test_cleaning_an_application_password(row: dict[str, Any]) -> None:
    stored = row["input"].get("stored", application_passwords.NOTHING)
    found = application_passwords.merged(stored, row["input"]["submitted"])
    assert found == row["expected"]["sanitized"]


@pytest.mark.parametrize("row", rows("parse_app_password"))
def test_reading_an_application_password(row: dict[str, Any]) -> None:
    assert application_passwords.parse(row["input"]["value"]) == row["expected"]


@pytest.mark.django_db
@pytest.mark.parametrize("row", rows("key_source"))
def test_the_source_of_a_key(row: dict[str, Any], world: Callable[..., None]) -> None:
    given = row["input"]
    args = {
        "method": "api_key",
        "setting_name": given["settingName"],
        "env_var_name": given.get("envVarName"),
        "constant_name": given.get("constantName"),
    }
    connector = registry.register("x", {"name": "X", "type": "email", "authentication": args})
    assert connector is not None
    options = {name: value for name, value in given.get("options", {}).items() if value}
    world({**given, "options": options})
    option = Option.objects.filter(name=given["settingName"]).first()
    found: Source = settings_group.key_source(connector, option)
    assert KEY_SOURCES[found] == expected_of(row)["source"]


@pytest.mark.django_db
@pytest.mark.parametrize("row", rows("app_password_credentials"))
def test_finding_an_application_password(row: dict[str, Any], world: Callable[..., None]) -> None:
    args = {"name": "X", "type": "content_source", "authentication": row["input"]["auth"]}
    connector = registry.register("x", args)
    assert connector is not None
    world(row["input"])
    option = Option.objects.filter(name=connector.setting_name).first()
    found = application_passwords.resolve(connector, option)
    assert {
        "username": found.username,
        "password": found.password,
        "source": KEY_SOURCES[found.source],
    } == row["expected"]["credentials"]
    assert len(found.mistakes) == len(row["expected"]["notices"])


@pytest.mark.django_db
@pytest.mark.parametrize("row", rows("boot"))
def test_starting(row: dict[str, Any], world: Callable[..., None]) -> None:
    world(row["input"])
    expected = _as_here(expected_of(row), row["input"])
    assert list(registry.slugs()) == expected["order"]
    assert {each.slug: shape_of(each) for each in registry.all()} == expected["connectors"]
    assert {
        name: _registered(setting) for name, setting in registered_settings().items()
    } == expected["registeredSettings"]
    assert script_module_data() == expected["scriptModuleData"]
    bound = _bound()
    for slug, key in expected["boundKeys"].items():
        assert bound[slug] == key


def _as_here(expected: Expected, given: Mapping[str, Any]) -> Expected:
    """What differs in every case: see "Always" in docs/wordpress.md."""
    expected["order"] = [slug for slug in expected["order"] if slug != "akismet"]
    page = expected["scriptModuleData"]
    page["isFileModDisabled"] = True
    theirs = {each["metadata"]["id"] for each in given.get("providers", ())}
    for listing in (expected["connectors"], page["connectors"]):
        listing.pop("akismet", None)
        for slug in (*BUILT_IN, *theirs):
            entry = listing.get(slug)
            if entry is None:
                continue
            # The providers are part of the package: no plugin file, active like the package.
            entry.pop("plugin", None)
            if listing is expected["connectors"]:
                entry["plugin"] = {"is_active": "__return_true"}
            ours = provider_for(slug)
            if slug in BUILT_IN and ours and slug not in theirs:
                entry["description"] = ours.description
                _link(entry, ours.credentials_url)
            elif slug in BUILT_IN and entry["description"] != "Custom":
                entry["description"] = _SHIPPED[slug]
    for slug in BUILT_IN:
        _group_holds(slug, expected["connectors"][slug]["name"])(expected)
    return expected


_SHIPPED = {slug: provider.description for slug in BUILT_IN if (provider := provider_for(slug))}


def _link(entry: Any, url: str | None) -> None:
    auth = entry["authentication"]
    auth["credentialsUrl" if "settingName" in auth else "credentials_url"] = url


def _registered(setting: RegisteredSetting) -> dict[str, Any]:
    shape: Any = setting.schema()
    plain = setting.type == "string"
    return {
        "group": settings_group.GROUP,
        "type": shape.pop("type"),
        "label": shape.pop("title"),
        "description": shape.pop("description"),
        "default": shape.pop("default"),
        "show_in_rest": True if plain else {"schema": {"type": "object", **shape}},
    }


def _bound() -> dict[str, str | None]:
    """The key that each provider would be asked with."""
    found = provider_keys(registry.all())
    return {
        slug: each.value or None if isinstance(each, Credential) else None
        for slug, each in found.items()
    }


@pytest.mark.django_db
@pytest.mark.parametrize("row", rows("rest"))
def test_reading_and_writing_settings(row: dict[str, Any], world: Callable[..., None]) -> None:
    world(row["input"])
    user = User.objects.create_user("alice", is_staff=True)
    granted = ("change_connection", "replace_key")
    user.user_permissions.set(Permission.objects.filter(codename__in=granted))
    client = APIClient()
    client.force_login(user)
    listed = {
        f"connectors_ai_{each['metadata']['id'].replace('-', '_')}_api_key"
        for each in row["input"]["providers"]
    }
    for request, expected in zip(
        row["input"]["requests"], expected_of(row)["requests"], strict=True
    ):
        fields = ",".join(request.get("fields", ()))
        response = client.generic(
            request["method"],
            "/wp/v2/settings" + (f"?_fields={fields}" if fields else ""),
            json.dumps(request["params"]) if request["method"] != "GET" else "",
            content_type="application/json",
        )
        assert response.status_code == 200, response.content
        body = response.json()
        assert {name: body[name] for name in body if name in listed} == expected["response"]
        for name, value in expected["storedAfter"].items():
            assert (get_option(name) or "") == value
        bound = _bound()
        for slug, key in expected["boundKeysAfter"].items():
            assert bound.get(slug) == key
    assert not (listed - set(body)) or fields


def test_every_case_is_run() -> None:
    source = Path(__file__).read_text("utf-8")
    for operation in {row["input"]["op"] for row in ROWS}:
        assert f'rows("{operation}")' in source


def test_each_difference_is_explained_to_people() -> None:
    text = (ROOT / "docs" / "wordpress.md").read_text("utf-8").partition("\nBy case:\n")[2]
    explained = dict(re.findall(r"^\| `([a-z_]+)` \| (.+?) \|", text, re.MULTILINE))
    assert explained == {name: reason for name, (reason, _) in DIFFERENCES.items()}
    assert DIFFERENCES.keys() <= {row["name"] for row in ROWS}


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(DIFFERENCES))
def test_a_difference_is_one(name: str) -> None:
    (row,) = (row for row in ROWS if row["name"] == name)
    assert expected_of(row) != row["expected"]


def test_the_variable_of_a_key_is_named_after_the_provider() -> None:
    assert key_variable("azure-ai-foundry") == "AZURE_AI_FOUNDRY_API_KEY"
