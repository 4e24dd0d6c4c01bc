"""Providers as a Python program sees them: registered, configured, with keys and models."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from ai_client import prompt
from ai_client.capabilities import (
    Capability,
    ModelMetadata,
    ModelRequirements,
    Option,
    ProviderMetadata,
    RequiredOption,
)
from ai_client.configuration import configuration
from ai_client.errors import InvalidArgument
from ai_client.providers import Auth, Operation, Provider
from ai_client.registration import key_variable, register_providers, registered
from ai_client.registry import (
    Authentication,
    ProviderRegistry,
    SiteRegistry,
    Transporter,
    default_registry,
)
from ai_client.simulator.server import Simulator
from ai_client.snapshot import ConnectionConfig, Snapshot
from ai_client.testing import HttpAnswer, ScriptedTransport
from connectors.registry import registry as connectors
from connectors.services import create_connection
from tests.ai_client.scripted_site import answer, provider
from tests.ai_client.vectors import Row, rows
from tests.upstreams import KEY, locked_simulator

__all__ = ["locked_simulator"]

CANARY = "sk-canary-0123456789abcdef"
TALKS = ModelRequirements((Capability.TEXT_GENERATION,))


def provider_of(given: dict[str, Any]) -> Provider:
    """A provider with the metadata and the closed list of models of a case."""
    metadata = ProviderMetadata.from_dict(given["metadata"])
    return Provider(
        slug=metadata.id,
        name=metadata.name,
        wire="openai_chat",
        base_url="https://api.example.com/v1",
        env_key=None,
        models=tuple(map(ModelMetadata.from_dict, given["models"])),
    )


def registry_of(given: list[dict[str, Any]]) -> ProviderRegistry:
    made = ProviderRegistry(map(provider_of, given))
    for each in given:
        if each["configured"]:
            made.set_authentication(each["metadata"]["id"], "key")
    return made


# PHP finds a provider by its class as well. Here it is a value and has its id alone.
CALLS: dict[str, Callable[..., object]] = {
    "getRegisteredProviderIds": lambda made: list(made.ids()),
    "hasProvider": lambda made, name: made.has(name.replace("Oracle\\ProviderA", "alpha")),
    "getProviderId": lambda made, name: (
        made.metadata(name.replace("Oracle\\ProviderA", "alpha")).id
    ),
    "getProviderClassName": lambda made, name: made.provider(name) and "Oracle\\ProviderA",
    "isProviderConfigured": lambda made, name: made.is_configured(name),
    "getProviderModel": lambda made, name, model: made.model(name, model),
    "setProviderRequestAuthentication": lambda made, name, auth: made.set_authentication(
        name, auth["$auth"]
    ),
    # Configured is who has a key here, so the key that makes it so is there too.
    "getProviderRequestAuthentication": lambda made, name: (
        None
        if made.authentication(name) == Authentication("key", made.provider(name).auth)
        else "another"
    ),
}


@pytest.mark.parametrize("row", rows("validation_errors", lambda given: given["op"] == "registry"))
def test_the_registry_answers_as_the_php_client_does(row: Row) -> None:
    made = registry_of(row["input"]["providers"])

    def returns() -> list[object]:
        return [CALLS[each["method"]](made, *each["args"]) for each in row["input"]["calls"]]

    if "exception" in row["expected"]:
        with pytest.raises(InvalidArgument):
            returns()
    else:
        assert returns() == row["expected"]["returns"]


@pytest.mark.parametrize(
    "row", rows("validation_errors", lambda given: given["op"] == "registry_register_class")
)
def test_only_providers_are_registered(row: Row) -> None:
    wrong: Any = row["input"]["class"]
    with pytest.raises(InvalidArgument) as raised:
        ProviderRegistry([wrong])
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    "row", rows("validation_errors", lambda given: given["op"] == "ai_client_is_configured")
)
def test_whether_a_provider_is_configured_is_asked_by_its_id(row: Row) -> None:
    if "exception" in row["expected"]:
        with pytest.raises(InvalidArgument):
            ProviderRegistry().is_configured(row["input"]["value"])
    else:
        assert ProviderRegistry().is_configured(row["input"]["value"]) is row["expected"]["value"]


@pytest.mark.parametrize("row", rows("http_misc", lambda given: given["op"] == "env_var_name"))
def test_a_keys_variable_is_called_as_in_php(row: Row) -> None:
    name, field = row["input"]["providerId"], row["input"]["field"]
    if field == "apiKey":
        assert key_variable(name) == row["expected"]["name"]
    else:
        # Other credentials have no variable here; what is between two of "-" is one "_".
        assert key_variable(name).removesuffix("_API_KEY") in {"X", "FAL_AI_2", "A_B"}


@pytest.mark.parametrize("row", rows("http_misc", lambda given: given["op"] == "default_auth"))
def test_a_key_comes_from_the_settings_by_itself(row: Row, settings: Any) -> None:
    settings.CONNECTORS = row["input"]["constants"]
    made = ProviderRegistry([provider_of(row["input"]["provider"])])
    found = made.authentication(row["input"]["provider"]["metadata"]["id"])
    assert found is not None
    assert found.to_dict() == row["expected"]["authentication"]


def test_the_environment_goes_before_the_settings_and_a_given_key_before_both(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ProviderRegistry([fake()])
    assert made.authentication("fake") is None
    assert not made.is_configured("fake")
    settings.CONNECTORS = {"FAKE_API_KEY": "from-settings"}
    assert made.authentication("fake") == Authentication("from-settings", fake().auth)
    monkeypatch.setenv("FAKE_API_KEY", "from-environment")
    assert made.authentication("fake") == Authentication("from-environment", fake().auth)
    made.set_authentication("fake", "given")
    assert made.authentication("fake") == Authentication("given", fake().auth)
    assert made.is_configured("fake")


def fake(**changes: Any) -> Provider:
    plain = Provider(
        slug="fake",
        name="Fake",
        wire="openai_chat",
        base_url="https://fake.example/v1",
        default_model="tiny",
    )
    return replace(plain, **changes)


@dataclass(frozen=True)
class Regional(Provider):
    """A provider of another app, which says more."""

    region: str = "eu"


def test_a_provider_may_be_of_a_class_of_its_own() -> None:
    plain = provider("fake")
    regional = Regional(**{each.name: getattr(plain, each.name) for each in fields(plain)})
    assert regional != replace(regional)
    transport = ScriptedTransport(answer)
    made = ProviderRegistry([regional])
    made.set_authentication("fake", KEY)
    made.set_transporter(Transporter(transport.engine, transport.async_engine))
    assert prompt("Hello", registry=made).generate_text() == "ok"
    assert made.models_for(TALKS)


class Counted(ProviderRegistry):
    """One that knows how many it has."""

    def __len__(self) -> int:
        return len(self.ids())


def test_an_empty_registry_is_not_the_sites(site: SiteRegistry) -> None:
    create_connection(name="mine", provider="openai", api_key=CANARY, model="gpt-4o")
    assert prompt("Hello").is_supported()
    assert not prompt("Hello", registry=Counted()).is_supported()


def test_a_key_may_go_into_a_header_of_its_own() -> None:
    made = ProviderRegistry([fake()])
    made.set_authentication("fake", Authentication(CANARY, Auth("api-key")))
    (offer,) = made.offers()
    sent = offer.connection.provider.auth.headers(offer.connection.api_key)
    assert sent == {"api-key": CANARY}


def test_a_key_is_in_no_text_of_the_registry() -> None:
    made = ProviderRegistry([fake()])
    made.set_authentication("fake", CANARY)
    assert CANARY not in repr(made.authentication("fake"))
    assert CANARY not in repr(made.offers())


@pytest.mark.parametrize("wrong", ["sk-\n", "clé", 5, None])
def test_a_key_that_no_header_can_carry_is_refused(wrong: Any) -> None:
    made = ProviderRegistry([fake()])
    with pytest.raises(InvalidArgument) as raised:
        made.set_authentication("fake", wrong)
    assert "clé" not in raised.value.message


def test_registering_again_replaces_in_place() -> None:
    made = ProviderRegistry([fake(), fake(slug="other")])
    made.register(fake(name="Changed"))
    assert made.ids() == ("fake", "other")
    assert made.metadata("fake").name == "Changed"


@pytest.mark.parametrize("wrong", [[], {}, 5, None])
@pytest.mark.parametrize(
    "ask",
    [
        ProviderRegistry.has,
        ProviderRegistry.provider,
        ProviderRegistry.metadata,
        ProviderRegistry.is_configured,
        ProviderRegistry.provider_models,
        ProviderRegistry.authentication,
        lambda made, wrong: made.model(wrong, "tiny"),
        lambda made, wrong: made.set_authentication(wrong, "k"),
    ],
)
def test_what_names_no_provider_is_refused(
    ask: Callable[[ProviderRegistry, Any], object], wrong: Any
) -> None:
    with pytest.raises(InvalidArgument) as raised:
        ask(ProviderRegistry([fake()]), wrong)
    assert raised.value.param == "provider"


@pytest.mark.parametrize("wrong", [[], 5, None])
def test_what_names_no_model_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgument) as raised:
        ProviderRegistry([fake()]).model("fake", wrong)
    assert raised.value.param == "model"


def test_providers_may_come_while_others_are_looked_at() -> None:
    """As where another thread registers one in between."""

    class InBetween(Authentication):
        def __getattribute__(self, name: str) -> Any:
            if name == "api_key":
                made.register(fake(slug="late"))
            return super().__getattribute__(name)

    made = ProviderRegistry([fake(), fake(slug="other")])
    made.set_authentication("fake", InBetween("k"))
    assert [each.connection.name for each in made.offers()] == ["fake"]
    assert made.ids() == ("fake", "other", "late")


def test_models_are_asked_for_through_the_transporter_that_was_set() -> None:
    engine = ScriptedTransport(
        lambda step: HttpAnswer.json({"data": [{"id": "big"}, {"id": "whisper"}]})
    )
    made = ProviderRegistry([fake()])
    made.set_authentication("fake", CANARY)
    made.set_transporter(Transporter(engine.engine, engine.async_engine))
    assert [each.id for each in made.provider_models("fake")] == ["tiny", "big", "whisper"]
    assert made.model("fake", "big").id == "big"
    assert engine.sent[0].headers["authorization"] == f"Bearer {CANARY}"
    with pytest.raises(InvalidArgument, match="no model 'huge'"):
        made.model("fake", "huge")


@pytest.mark.parametrize(
    "wrong",
    [
        fake(slug="bad", base_url="ftp://x"),
        fake(slug="bad", base_url="https://"),
        fake(slug="Bad Slug"),
        fake(slug="bad\n"),
        fake(slug=""),
        fake(slug="bad", wire="nope"),
        fake(slug="bad", wire="openai_images"),
        fake(slug="bad", operations=(Operation(Capability.IMAGE_GENERATION, "nope"),)),
    ],
)
def test_a_provider_that_nobody_could_ask_is_refused(wrong: Provider) -> None:
    made = ProviderRegistry([fake()])
    with pytest.raises(InvalidArgument) as refused:
        made.register(wrong)
    assert refused.value.param == "provider"
    made.set_authentication("fake", CANARY)
    assert made.ids() == ("fake",)
    assert made.is_configured("fake")


def test_what_moves_bytes_is_a_transporter_with_two_engines() -> None:
    made = ProviderRegistry([fake()])
    engine = ScriptedTransport()
    wrong: Any
    for wrong in ("x", None, object()):
        with pytest.raises(InvalidArgument) as refused:
            made.set_transporter(wrong)
        assert refused.value.param == "transporter"
        with pytest.raises(InvalidArgument) as refused:
            Transporter(wrong, engine.async_engine)
        assert refused.value.param == "engine"
    assert made.transporter() is None


def test_with_ai_off_nobody_is_configured_and_no_list_is_asked_for(settings: Any) -> None:
    engine = ScriptedTransport(lambda step: HttpAnswer.json({"data": [{"id": "big"}]}))
    made = ProviderRegistry([fake()])
    made.set_authentication("fake", "k-switched-off")
    made.set_transporter(Transporter(engine.engine, engine.async_engine))
    before = settings.AI_CLIENT
    settings.AI_CLIENT = {**before, "ENABLED": False}
    assert not made.is_configured("fake")
    assert [each.id for each in made.provider_models("fake")] == ["tiny"]
    assert engine.sent == []
    settings.AI_CLIENT = before
    assert made.is_configured("fake")
    assert [each.id for each in made.provider_models("fake")] == ["tiny", "big"]


def test_models_are_found_for_what_they_can_do() -> None:
    draws = ModelMetadata("pencil", "Pencil", (Capability.IMAGE_GENERATION,))
    talks = ModelMetadata("parrot", "Parrot", (Capability.TEXT_GENERATION,))
    made = ProviderRegistry(
        [
            fake(models=(draws, talks), default_model=""),
            fake(slug="mute", models=(draws,), default_model=""),
        ]
    )
    assert made.models_for(TALKS) == ()
    made.set_authentication("fake", "k")
    made.set_authentication("mute", "k")
    (found,) = made.models_for(TALKS)
    assert (found.provider.id, found.models) == ("fake", (talks,))
    # No wire format for pictures: the model may draw, and nobody can ask it to.
    assert made.models_for(ModelRequirements((Capability.IMAGE_GENERATION,))) == ()
    picky = ModelRequirements(TALKS.capabilities, (RequiredOption(Option.TOP_K, 5),))
    assert made.provider_models("fake", picky) == ()


def test_a_snapshots_connections_come_first_and_offers_are_made_once() -> None:
    made = ProviderRegistry([fake()])
    made.set_authentication("fake", "k")
    stored = ConnectionConfig("1", "one", fake(slug="x"), "m", "https://x.example")
    snapshot = Snapshot(connections=(stored,))
    offers = made.offers(snapshot)
    assert [each.connection.name for each in offers] == ["one", "fake"]
    assert offers[1].connection.model == "tiny"
    assert made.offers(snapshot) is offers
    made.set_authentication("fake", "another")
    assert made.offers(snapshot)[1].connection.api_key == "another"


@pytest.mark.parametrize(
    "row", rows("validation_errors", lambda given: given["op"] == "model_without_transporter")
)
def test_nobody_has_to_set_a_transporter(
    row: Row, locked_simulator: Simulator, settings: Any
) -> None:
    """PHP's models raise until somebody hands them one; there is always one here."""
    assert row["expected"]["exception"]["type"] == "RuntimeException"
    settings.AI_CLIENT = {**settings.AI_CLIENT, "ALLOW_PRIVATE_HOSTS": ["127.0.0.1"]}
    made = ProviderRegistry([fake(base_url=locked_simulator.base_url("openai"))])
    made.set_authentication("fake", KEY)
    assert made.transporter() is None
    assert len(made.provider_models("fake")) > 1


@pytest.fixture
def site(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[SiteRegistry]:
    """The site's registry, with one provider more; everything is put back."""
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "FAKE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    table = dict(registered())
    register_providers([fake()])
    configuration().forget()
    yield SiteRegistry()
    mutable: Any = registered()
    mutable.clear()
    mutable.update(table)
    connectors.unregister("fake")
    configuration().forget()


def names(made: ProviderRegistry) -> list[str]:
    return [each.connection.name for each in made.offers()]


def test_the_site_offers_its_connections_and_then_providers_with_a_key(
    site: SiteRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_connection(name="mine", provider="openai", api_key=CANARY, model="gpt-4o")
    assert names(site) == ["mine"]
    monkeypatch.setenv("FAKE_API_KEY", "k-fake")
    monkeypatch.setenv("OPENAI_API_KEY", "k-openai")
    configuration().refresh()
    # OpenAI has a connection, so its key is that connection's affair.
    assert names(site) == ["mine", "fake"]
    implicit = site.offers()[-1].connection
    assert (implicit.model, implicit.api_key) == ("tiny", "k-fake")
    assert (implicit.id, implicit.base_url) == ("provider:fake", "https://fake.example/v1")
    assert site.is_configured("fake")
    assert not site.is_configured("anthropic")


def test_a_disabled_connection_is_not_worked_around(
    site: SiteRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_API_KEY", "k-fake")
    create_connection(name="off", provider="fake", enabled=False)
    assert names(site) == []


def test_a_key_given_in_python_reaches_the_sites_prompts(site: SiteRegistry) -> None:
    assert names(site) == []
    site.set_authentication("fake", Authentication(CANARY, Auth("x-fake")))
    assert names(site) == ["fake"]
    connection = site.offers()[0].connection
    assert connection.provider.auth.headers(connection.api_key) == {"x-fake": CANARY}
    assert site.authentication("fake") == Authentication(CANARY, Auth("x-fake"))
    site.register(fake(name="Changed"))
    assert site.metadata("fake").name == "Changed"
    assert site.offers()[0].connection.api_key == CANARY


def test_an_implicit_connections_health_ends_with_its_key(
    site: SiteRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_API_KEY", "one")
    first = configuration().refresh().implicit[0]
    again = configuration().refresh().implicit[0]
    monkeypatch.setenv("FAKE_API_KEY", "two")
    second = configuration().refresh().implicit[0]
    assert first.revision == again.revision != second.revision
    assert "one" not in first.revision


def test_the_default_registry_is_the_sites() -> None:
    assert isinstance(default_registry(), SiteRegistry)
    assert default_registry().has("openai")
    assert default_registry() is default_registry()


def test_the_registry_loads_without_asking_the_database() -> None:
    program = (
        "import django, os\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "django.setup()\n"
        "from django.db import connection\n"
        "from ai_client.registry import default_registry\n"
        "assert default_registry().has('openai')\n"
        "assert connection.connection is None\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
