"""Which connection answers a prompt, and who stands in for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ai_client import providers
from ai_client.capabilities import Capability, Modality, ModelRequirements, Option
from ai_client.errors import CapabilityUnsupported, InvalidArgument, NoModelFound
from ai_client.messages import File, ModelConfig, user_message
from ai_client.model_catalog import metadata
from ai_client.providers import Operation, Provider, scan
from ai_client.requirements import infer
from ai_client.selection import Chain, Offer, Wish, routes, routes_at_hand
from ai_client.snapshot import ConnectionConfig

ALL = {provider.slug: provider for provider in scan(providers)}
TALK = Capability.TEXT_GENERATION
DRAW = Capability.IMAGE_GENERATION
PICTURES = (Operation(DRAW, "some_images", ("*image*", "dall-e-*", "imagen-*")),)


class Upstreams:
    """Offers of connections; whose upstream was asked for its models, and for how long."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.seconds: list[float] = []

    def offer(
        self,
        name: str,
        provider: str | Provider,
        model: str = "",
        *,
        models: Sequence[str] = (),
        listed: Sequence[str] = (),
        at_hand: bool = False,
    ) -> Offer:
        vendor = ALL[provider] if isinstance(provider, str) else provider
        vendor = replace(vendor, operations=PICTURES)
        connection = ConnectionConfig(
            name, name, vendor, model, "https://one.example/v1", models=tuple(models)
        )
        everything = tuple(
            metadata(vendor, each)
            for each in dict.fromkeys([*filter(None, [model]), *models, *listed])
        )

        def ask(patience: float = 0.0) -> tuple[providers.ModelMetadata, ...]:
            self.asked.append(name)
            self.seconds.append(patience)
            return everything

        return Offer(connection, ask, lambda: everything if at_hand else None)


@pytest.fixture
def upstreams() -> Upstreams:
    return Upstreams()


def needs(
    capability: Capability = TALK, config: ModelConfig | None = None, *files: File
) -> ModelRequirements:
    return infer(capability, [user_message("hello", *files)], config or ModelConfig())


def named(found: Chain | None) -> list[str]:
    return [f"{each.connection.name}/{each.model}" for each in (found.routes if found else ())]


def test_each_connection_answers_with_its_own_model_in_order(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("first", "openai", "gpt-5.4-mini", listed=["gpt-4o"]),
        upstreams.offer("second", "anthropic", "claude-sonnet-5-5"),
        upstreams.offer("third", "groq", "llama"),
    )
    wish = Wish(needs())
    found = routes(offers, wish, TALK)
    assert named(found) == ["first/gpt-5.4-mini", "second/claude-sonnet-5-5", "third/llama"]
    assert [each.wire for each in found.routes] == [
        "openai_chat",
        "anthropic_messages",
        "openai_chat",
    ]
    assert named(routes_at_hand(offers, wish, TALK)) == named(found)
    assert upstreams.asked == []


def test_without_fallback_there_is_one_route(upstreams: Upstreams) -> None:
    offers = (upstreams.offer("a", "groq", "x"), upstreams.offer("b", "groq", "y"))
    assert named(routes(offers, Wish(needs(), fallback=False), TALK)) == ["a/x"]
    explicit = Wish(needs(), model=("groq", "z"), fallback=False)
    assert named(routes(offers, explicit, TALK)) == ["a/z"]


def test_another_named_model_stands_in_for_the_own_one(upstreams: Upstreams) -> None:
    offers = (upstreams.offer("a", "openai", "gpt-5", models=["gpt-4.1", "gpt-4o"]),)
    wish = Wish(needs(config=ModelConfig(logprobs=True)))
    assert named(routes(offers, wish, TALK)) == ["a/gpt-4.1"]
    assert upstreams.asked == []


def test_the_upstream_is_asked_only_where_no_named_model_does(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("a", "openai", "gpt-5", listed=["gpt-3.5-turbo", "gpt-4o"]),
        upstreams.offer("b", "openai", "gpt-4.1"),
    )
    wish = Wish(needs(TALK, ModelConfig(logprobs=True), File("image/png", "AAAA")))
    assert routes_at_hand(offers, wish, TALK) is None
    assert upstreams.asked == []
    assert named(routes(offers, wish, TALK)) == ["a/gpt-4o", "b/gpt-4.1"]
    assert upstreams.asked == ["a"]


def test_a_list_at_hand_is_enough(upstreams: Upstreams) -> None:
    offers = (upstreams.offer("a", "openai", "gpt-5", listed=["gpt-4o"], at_hand=True),)
    wish = Wish(needs(config=ModelConfig(logprobs=True)))
    assert named(routes_at_hand(offers, wish, TALK)) == ["a/gpt-4o"]
    assert upstreams.asked == []


def test_fallback_never_lands_on_a_model_that_lacks_something(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("a", "openai", "gpt-5.4", listed=["gpt-image-1"]),
        upstreams.offer("b", "anthropic", "claude-sonnet-5-5"),
        upstreams.offer("c", "google", "gemini-2.5-flash-image"),
    )
    config = ModelConfig(output_modalities=(Modality.IMAGE,))
    found = routes(offers, Wish(needs(DRAW, config)), DRAW)
    assert named(found) == ["a/gpt-image-1", "c/gemini-2.5-flash-image"]
    assert {each.wire for each in found.routes} == {"some_images"}


def test_who_is_never_asked_for_pictures_is_not_asked_for_its_models(upstreams: Upstreams) -> None:
    mute = replace(
        upstreams.offer("a", "groq", "x"),
        connection=ConnectionConfig(
            "a", "a", ALL["anthropic"], "claude-sonnet-5-5", "https://one.example"
        ),
    )
    offers = (mute, upstreams.offer("b", "openai", "gpt-image-1"))
    assert named(routes(offers, Wish(needs(DRAW)), DRAW)) == ["b/gpt-image-1"]
    assert upstreams.asked == []


def test_a_provider_is_stayed_within(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("a", "openai", "gpt-4o"),
        upstreams.offer("b", "groq", "x"),
        upstreams.offer("c", "groq", "y"),
    )
    assert named(routes(offers, Wish(needs(), provider="groq"), TALK)) == ["b/x", "c/y"]
    assert named(routes(offers, Wish(needs(), provider="c"), TALK)) == ["c/y"]


def test_the_first_preference_that_somebody_has_wins(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("a", "openai", "gpt-4o", listed=["gpt-4.1"]),
        upstreams.offer("b", "anthropic", "claude-opus-4-6"),
        upstreams.offer("c", "groq", "x"),
    )
    wish = Wish(needs(), preferences=((None, "nobody-has-it"), ("anthropic", "claude-opus-4-6")))
    assert named(routes(offers, wish, TALK)) == ["b/claude-opus-4-6", "a/gpt-4o", "c/x"]
    wish = Wish(needs(), preferences=(("openai", "gpt-4.1"),))
    assert named(routes(offers, wish, TALK)) == [
        "a/gpt-4.1",
        "b/claude-opus-4-6",
        "c/x",
        "a/gpt-4o",
    ]


def test_a_preference_goes_for_those_that_stand_in_too(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("a", "openai", "gpt-4.1"),
        upstreams.offer("b", "openai", "gpt-4o", models=["gpt-4.1"]),
    )
    wish = Wish(needs(), preferences=((None, "gpt-4.1"),))
    assert named(routes(offers, wish, TALK)) == ["a/gpt-4.1", "b/gpt-4.1", "b/gpt-4o"]


def test_a_preference_that_lacks_something_is_passed_over(upstreams: Upstreams) -> None:
    offers = (upstreams.offer("a", "openai", "gpt-4o", listed=["gpt-5"]),)
    wish = Wish(needs(config=ModelConfig(temperature=0.1)), preferences=(("openai", "gpt-5"),))
    assert named(routes(offers, wish, TALK)) == ["a/gpt-4o"]
    assert upstreams.asked == []


def test_an_own_model_that_refuses_tuning_answers_without_it(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("thinks", "openai", "o3", models=["gpt-4o"]),
        upstreams.offer("talks", "openai", "gpt-4o"),
    )
    warm = infer(TALK, (user_message("Hi"),), ModelConfig(temperature=0.7, top_p=0.9))
    first, second = routes(offers, Wish(warm), TALK).routes
    assert (first.connection.name, first.model) == ("thinks", "o3")
    assert first.without == (Option.TEMPERATURE, Option.TOP_P)
    assert (second.connection.name, second.without) == ("talks", ())
    picture = File("audio/wav", base64_data="AAAA")
    heard = infer(TALK, (user_message("Hi", picture),), ModelConfig(temperature=0.7))
    with pytest.raises(NoModelFound):
        routes(offers, Wish(heard), TALK)


def test_an_explicit_model_is_taken_as_it_is(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("a", "groq", "x"),
        upstreams.offer("b", "openai", "gpt-4o"),
        upstreams.offer("c", "openai", "gpt-5", models=["o3"]),
    )
    wish = Wish(needs(config=ModelConfig(temperature=0.1)), "groq", ("openai", "o3"))
    # It goes before the provider, which holds for those that stand in.
    assert named(routes(offers, wish, TALK)) == ["c/o3", "a/x"]
    wish = Wish(needs(config=ModelConfig(temperature=0.1)), model=("openai", "o3"))
    assert named(routes(offers, wish, TALK)) == ["c/o3", "a/x", "b/gpt-4o"]
    wish = Wish(needs(), "openai", (None, "o3"))
    assert named(routes(offers, wish, TALK)) == ["c/o3", "b/gpt-4o"]
    # Nobody names it: the provider's connections are told to use it all the same.
    wish = Wish(needs(), model=("openai", "gpt-99"))
    assert named(routes(offers, wish, TALK)) == ["b/gpt-99", "c/gpt-99", "a/x"]
    assert upstreams.asked == []


@pytest.mark.parametrize(
    ("name", "first"),
    [("gpt-4o", "b/gpt-4o"), ("b", "b/gpt-4o"), ("b/else", "b/else"), ("hidden", "a/hidden")],
)
def test_an_explicit_name_is_a_model_a_connection_or_both(
    upstreams: Upstreams, name: str, first: str
) -> None:
    offers = (
        upstreams.offer("a", "groq", "x", listed=["hidden"]),
        upstreams.offer("b", "openai", "gpt-4o"),
    )
    found = routes(offers, Wish(needs(), model=(None, name)), TALK)
    assert named(found)[0] == first
    assert len({each.connection.name for each in found.routes}) == 2


def test_an_explicit_model_that_is_not_for_that_names_those_that_are(upstreams: Upstreams) -> None:
    offers = (upstreams.offer("a", "openai", "gpt-4o"),)
    with pytest.raises(CapabilityUnsupported, match="gpt-image-") as raised:
        routes(offers, Wish(needs(DRAW), model=("openai", "gpt-4o")), DRAW)
    assert raised.value.param == "model"


def test_nothing_found_says_what_is_missing_and_who_has_it(upstreams: Upstreams) -> None:
    offers = (upstreams.offer("a", "anthropic", "claude-sonnet-5-5"),)
    wish = Wish(needs(TALK, ModelConfig(temperature=0.2), File("audio/wav", "AAAA")))
    with pytest.raises(NoModelFound) as raised:
        routes(offers, wish, TALK, others=ALL.values())
    said = raised.value.message
    assert "text_generation with temperature, inputModalities text + audio" in said
    assert "a/claude-sonnet-5-5 temperature, inputModalities text + audio" in said
    assert "Google (gemini-" in said
    assert "Anthropic (" not in said
    assert isinstance(raised.value, InvalidArgument)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(needs(), provider="mistral"), "'mistral' has no connection.*groq"),
        (Wish(needs(), model=("mistral", "m")), "model 'm' of 'mistral'.*a/x"),
        (Wish(needs(), model=(None, "m")), "model 'm'.*a/x"),
    ],
)
def test_what_is_unknown_is_named_beside_what_is_known(
    upstreams: Upstreams, wish: Wish, said: str
) -> None:
    with pytest.raises(NoModelFound, match=said):
        routes((upstreams.offer("a", "groq", "x"),), wish, TALK)


def test_a_site_without_connections_is_told_how_to_get_one() -> None:
    with pytest.raises(NoModelFound, match="apply_connections"):
        routes((), Wish(needs()), TALK)


def test_for_embeddings_only_the_same_model_stands_in(upstreams: Upstreams) -> None:
    embedding = Capability.EMBEDDING_GENERATION
    operations = (Operation(embedding, "some_embeddings"),)
    small, large = "text-embedding-3-small", "text-embedding-3-large"

    def offer(name: str, *models: str) -> Offer:
        config = upstreams.offer(name, "openai", models=models).connection
        provider = replace(config.provider, operations=operations)
        return Offer(replace(config, provider=provider), lambda patience=0.0: ())

    offers = (offer("first", small), offer("other", large), offer("same", large, small))
    found = routes(offers, Wish(needs(embedding)), embedding)
    assert named(found) == [f"first/{small}", f"same/{small}"]


def test_preferred_models_come_first_in_the_callers_order(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("a", "groq", "x"),
        upstreams.offer("b", "openai", "gpt-5.4", models=["gpt-4.1", "gpt-4o"]),
        upstreams.offer("c", "openai", "gpt-4o"),
    )
    wish = Wish(needs(), preferences=((None, "gpt-4o"), ("openai", "gpt-4.1")))
    assert named(routes(offers, wish, TALK)) == [
        *("b/gpt-4o", "c/gpt-4o", "b/gpt-4.1"),
        *("a/x", "b/gpt-5.4"),
    ]


def test_nobody_is_waited_for_once_somebody_is_found(upstreams: Upstreams) -> None:
    offers = (
        upstreams.offer("a", "openai", "gpt-image-1"),
        upstreams.offer("b", "openai", "gpt-5.4", listed=["gpt-image-1"]),
        upstreams.offer("c", "openai", "gpt-image-1"),
        upstreams.offer("d", "openai", "gpt-5.4", listed=["dall-e-3"]),
    )
    found = routes(offers, Wish(needs(DRAW)), DRAW)
    assert named(found) == ["a/gpt-image-1", "c/gpt-image-1"]
    assert not found.is_complete
    assert upstreams.asked == []
    # Those that had to be asked stand in last, one after the other.
    found.ask(5.0)
    assert named(found) == ["a/gpt-image-1", "c/gpt-image-1", "b/gpt-image-1"]
    assert upstreams.asked == ["b"]
    found.ask(3.0)
    assert named(found)[3:] == ["d/dall-e-3"]
    assert found.is_complete
    assert upstreams.seconds == [5.0, 3.0]


def test_lists_are_waited_for_as_long_as_there_is_time(upstreams: Upstreams) -> None:
    offers = tuple(upstreams.offer(each, "openai", "gpt-5.4") for each in "abc")
    left = iter((0.5, 0.2, 0.0))
    with pytest.raises(NoModelFound):
        routes(offers, Wish(needs(DRAW)), DRAW, patience=lambda: next(left))
    assert upstreams.asked == ["a", "b"]
    assert upstreams.seconds == [0.5, 0.2]


@pytest.mark.parametrize(
    ("config", "files"),
    [
        (ModelConfig(), (File("image/png", base64_data="AAAA"),)),
        (ModelConfig(candidate_count=3), ()),
        (ModelConfig(logprobs=True), ()),
    ],
)
def test_models_that_are_known_to_do_it_go_before_unknown_ones(
    upstreams: Upstreams, config: ModelConfig, files: tuple[File, ...]
) -> None:
    local = upstreams.offer("local", "ollama", "llama3.2")
    offers = (local, upstreams.offer("known", "openai", "gpt-4o"))
    wish = Wish(needs(TALK, config, *files))
    assert named(routes(offers, wish, TALK)) == ["known/gpt-4o", "local/llama3.2"]
    assert named(routes((local,), wish, TALK)) == ["local/llama3.2"]
    # What is usual is asked of everybody in their order.
    usual = Wish(needs(TALK, ModelConfig(temperature=0.5, candidate_count=1)))
    assert named(routes(offers, usual, TALK)) == ["local/llama3.2", "known/gpt-4o"]
    # Who is named goes first all the same.
    asked = replace(wish, preferences=((None, "llama3.2"),))
    assert named(routes(offers, asked, TALK)) == ["local/llama3.2", "known/gpt-4o"]


def test_video_is_asked_of_nobody_unknown(upstreams: Upstreams) -> None:
    offers = (upstreams.offer("a", "openai-compatible", "my-model"),)
    wish = Wish(needs(TALK, None, File("video/mp4", base64_data="AAAA")))
    with pytest.raises(NoModelFound, match=r"Google \(gemini-"):
        routes(offers, wish, TALK, others=ALL.values())


def test_what_only_the_offers_decide_is_worked_out_once(upstreams: Upstreams) -> None:
    offers = (upstreams.offer("a", "groq", "x"), upstreams.offer("b", "groq", "y"))
    found = routes(offers, Wish(needs()), TALK)
    assert routes(offers, Wish(needs()), TALK) is found
    assert named(routes(offers, Wish(needs(), provider="b"), TALK)) == ["b/y"]
    assert named(routes(offers[1:], Wish(needs()), TALK)) == ["b/y"]
    assert named(routes(offers, Wish(needs()), TALK)) == ["a/x", "b/y"]


def test_what_a_list_decides_is_looked_at_each_time(upstreams: Upstreams) -> None:
    listed: list[str] = []
    given = upstreams.offer("a", "openai", "gpt-4o")
    image = metadata(given.connection.provider, "gpt-image-1")
    offers = (Offer(given.connection, given.models, lambda: (image,) if listed else ()),)
    assert routes_at_hand(offers, Wish(needs(DRAW)), DRAW) is None
    listed.append("gpt-image-1")
    assert named(routes_at_hand(offers, Wish(needs(DRAW)), DRAW)) == ["a/gpt-image-1"]
    listed.clear()
    assert routes_at_hand(offers, Wish(needs(DRAW)), DRAW) is None


def test_a_requirement_that_is_json_does_not_keep_anybody_from_answering(
    upstreams: Upstreams,
) -> None:
    config = ModelConfig(output_mime_type="application/json", output_schema={"type": "object"})
    offers = (upstreams.offer("a", "openai", "gpt-4o"),)
    for _ in range(2):
        assert named(routes(offers, Wish(needs(config=config)), TALK)) == ["a/gpt-4o"]
