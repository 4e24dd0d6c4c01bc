"""What the providers' tables say of the vendors' models."""

from __future__ import annotations

import pytest

from ai_client import providers
from ai_client.capabilities import Capability, FileType, Modality, ModelMetadata
from ai_client.messages import File, Message, ModelConfig, Role, WebSearch, user_message
from ai_client.model_catalog import metadata, ordered, provider_metadata
from ai_client.providers import Provider, scan
from ai_client.requirements import are_met_by, infer

ALL = {provider.slug: provider for provider in scan(providers)}

TALK = Capability.TEXT_GENERATION
DRAW = Capability.IMAGE_GENERATION
READ_ALOUD = Capability.TEXT_TO_SPEECH_CONVERSION
SPEAK = Capability.SPEECH_GENERATION
FILM = Capability.VIDEO_GENERATION
EMBED = Capability.EMBEDDING_GENERATION


def file(mime_type: str) -> File:
    return File(mime_type, base64_data="AAAA")


def can(provider: str, model: str, capability: Capability, config: ModelConfig) -> bool:
    needed = infer(capability, [user_message("say")], config)
    return are_met_by(needed, metadata(ALL[provider], model))


@pytest.mark.parametrize(
    ("provider", "model", "capabilities"),
    [
        ("openai", "gpt-5.4-mini", {TALK}),
        ("openai", "gpt-5.4-pro", {TALK}),
        ("openai", "gpt-5.3-codex", {TALK}),
        ("openai", "gpt-4o-2024-08-06", {TALK}),
        ("openai", "gpt-4o-transcribe", set()),
        ("openai", "gpt-4o-mini-tts", {READ_ALOUD}),
        ("openai", "tts-1-hd", {READ_ALOUD}),
        ("openai", "gpt-audio-1.5", {TALK, SPEAK}),
        ("openai", "gpt-4o-mini-audio-preview", {TALK, SPEAK}),
        ("openai", "gpt-5-search-api", {TALK}),
        ("openai", "gpt-image-1.5", {DRAW}),
        ("openai", "chatgpt-image-latest", {DRAW}),
        ("openai", "dall-e-3", {DRAW}),
        ("openai", "text-embedding-3-small", {EMBED}),
        ("openai", "sora-2-pro", {FILM}),
        ("openai", "omni-moderation-latest", set()),
        ("anthropic", "claude-sonnet-5-5", {TALK}),
        ("google", "gemini-flash-latest", {TALK}),
        ("google", "gemini-2.5-flash-image", {TALK, DRAW}),
        ("google", "gemini-2.5-flash-preview-tts", {READ_ALOUD, SPEAK}),
        ("google", "gemini-embedding-001", {EMBED}),
        ("google", "imagen-4.0-fast-generate-001", {DRAW}),
        ("google", "veo-3.1-generate-preview", {FILM}),
        ("google", "gemini-3.8-live", set()),
        ("groq", "whisper-large-v3-turbo", set()),
        ("groq", "llama-3.3-70b-versatile", {TALK}),
        ("ollama", "nomic-embed-text:latest", {EMBED}),
        ("openai-compatible", "gpt-image-1", {DRAW}),
        ("openai-compatible", "anything", {TALK}),
    ],
)
def test_a_model_is_for_what_its_vendor_says(
    provider: str, model: str, capabilities: set[Capability]
) -> None:
    said = set(metadata(ALL[provider], model).capabilities)
    assert said - {Capability.CHAT_HISTORY} == capabilities
    assert (Capability.CHAT_HISTORY in said) is (TALK in capabilities)


@pytest.mark.parametrize(
    ("provider", "model", "takes"),
    [
        ("openai", "gpt-5.4-mini", True),
        ("openai", "gpt-4.1", True),
        ("openai", "gpt-5-mini", False),
        ("openai", "gpt-5.5", False),
        ("openai", "o3", False),
        ("anthropic", "claude-opus-4-6", True),
        ("anthropic", "claude-3-5-haiku-20241022", True),
        ("anthropic", "claude-opus-4-20250514", True),
        ("anthropic", "claude-opus-4-7", False),
        ("anthropic", "claude-sonnet-5-5", False),
        ("anthropic", "claude-mythos-preview", False),
        ("google", "gemini-3-pro-preview", True),
        ("openrouter", "some/model", True),
    ],
)
def test_a_temperature_is_taken_or_refused(provider: str, model: str, takes: bool) -> None:
    assert can(provider, model, TALK, ModelConfig(temperature=0.3)) is takes


@pytest.mark.parametrize(
    ("provider", "model", "mime_type", "takes"),
    [
        ("openai", "gpt-5.4", "application/pdf", True),
        ("openai", "gpt-4", "image/png", False),
        ("openai", "gpt-4-turbo", "image/png", True),
        ("openai", "gpt-4o", "audio/wav", False),
        ("openai", "gpt-audio", "audio/wav", True),
        ("openai", "gpt-audio", "image/png", False),
        ("openai", "o3-mini", "image/png", False),
        ("anthropic", "claude-haiku-4-5", "application/pdf", True),
        ("anthropic", "claude-3-haiku-20240307", "application/pdf", False),
        ("anthropic", "claude-sonnet-5", "audio/wav", False),
        ("google", "gemini-2.5-pro", "video/mp4", True),
        ("google", "gemma-3-27b-it", "audio/wav", False),
        ("openai-compatible", "anything", "video/mp4", False),
    ],
)
def test_a_file_is_taken_or_refused(provider: str, model: str, mime_type: str, takes: bool) -> None:
    for message in (user_message("see", file(mime_type)), user_message(file(mime_type), "see")):
        needed = infer(TALK, [message], ModelConfig())
        assert are_met_by(needed, metadata(ALL[provider], model)) is takes


def test_options_that_a_model_refuses_are_not_met() -> None:
    assert not can("google", "gemini-2.5-flash", TALK, ModelConfig(presence_penalty=0.5))
    assert can("google", "gemini-2.0-flash", TALK, ModelConfig(presence_penalty=0.5))
    assert not can("anthropic", "claude-opus-4-6", TALK, ModelConfig(candidate_count=2))
    assert can("anthropic", "claude-opus-4-6", TALK, ModelConfig(candidate_count=1))
    assert not can("openai", "dall-e-3", DRAW, ModelConfig(candidate_count=2))
    assert can("openai", "gpt-image-1", DRAW, ModelConfig(candidate_count=2))
    assert not can("openai", "gpt-image-1", DRAW, ModelConfig(output_file_type=FileType.REMOTE))
    assert can("openai", "dall-e-3", DRAW, ModelConfig(output_file_type=FileType.REMOTE))
    assert not can("openai", "gpt-image-1", DRAW, ModelConfig(output_media_aspect_ratio="16:9"))
    assert can(
        "google", "imagen-4.0-generate-001", DRAW, ModelConfig(output_media_aspect_ratio="16:9")
    )


@pytest.mark.parametrize(
    ("provider", "model", "searches"),
    [
        ("openai", "gpt-5.4-mini", False),
        ("openai", "gpt-4o", False),
        ("openai", "gpt-4o-search-preview", True),
        ("openai", "gpt-5-search-api-2025-10-14", True),
        ("anthropic", "claude-sonnet-5-5", True),
        ("anthropic", "claude-3-haiku-20240307", False),
        ("google", "gemini-flash-latest", True),
        ("google", "gemma-4-31b-it", False),
        ("openai-compatible", "anything", False),
    ],
)
def test_the_web_is_searched_or_not(provider: str, model: str, searches: bool) -> None:
    assert can(provider, model, TALK, ModelConfig(web_search=WebSearch())) is searches


def test_models_that_always_search_come_after_those_that_do_not() -> None:
    openai = ALL["openai"]
    listed = [metadata(openai, each) for each in ("gpt-4o-search-preview", "gpt-4", "gpt-4o")]
    assert [each.id for each in ordered(openai, listed)][-1] == "gpt-4o-search-preview"


def test_a_conversation_with_a_picture_in_it_needs_history_and_sight() -> None:
    asked = user_message("what is this?", file("image/png"))
    turns = [asked, Message(Role.MODEL, user_message("a cat").parts), user_message("sure?")]
    needed = infer(TALK, turns, ModelConfig())
    assert are_met_by(needed, metadata(ALL["openai"], "gpt-4o"))
    assert not are_met_by(needed, metadata(ALL["openai"], "gpt-4"))


@pytest.mark.parametrize("provider", [each for each in ALL.values() if each.default_model])
def test_a_default_model_talks_and_is_spoken_to(provider: Provider) -> None:
    model = metadata(provider, provider.default_model)
    needed = infer(TALK, [user_message("hello")], ModelConfig(output_modalities=(Modality.TEXT,)))
    assert are_met_by(needed, model)
    assert provider.wire_for(TALK, model.id) == provider.wire


def test_what_a_provider_lists_itself_goes_before_its_kinds() -> None:
    own = ModelMetadata("gpt-4o", "Mine", (EMBED,))
    provider = Provider(
        slug="own", name="Own", wire="openai_chat", kinds=ALL["openai"].kinds, models=(own,)
    )
    assert metadata(provider, "gpt-4o") is own
    assert metadata(provider, "gpt-4.1").capabilities == providers.TALKS


def test_a_name_is_kept_and_an_id_stands_in_for_it() -> None:
    assert metadata(ALL["openai"], "gpt-4o", "Omni").name == "Omni"
    assert metadata(ALL["openai"], "gpt-4o").name == "gpt-4o"


def test_models_stand_in_the_order_of_the_table() -> None:
    openai = ALL["openai"]
    listed = [metadata(openai, each) for each in ("new", "dall-e-2", "dall-e-3", "gpt-image-1")]
    assert [each.id for each in ordered(openai, listed)] == [
        "gpt-image-1",
        "dall-e-3",
        "dall-e-2",
        "new",
    ]


def test_of_googles_models_the_newest_come_first() -> None:
    google = ALL["google"]
    names = ("gemini-1.5-pro", "gemini-2.0-flash", "gemini-exp-1206", "gemini-2.5-pro")
    newest = ("gemini-3-pro-preview", "gemini-flash-latest")
    listed = [metadata(google, each) for each in (*names, *newest)]
    assert [each.id for each in ordered(google, listed)] == [
        *newest,
        "gemini-2.5-pro",
        "gemini-2.0-flash",
        "gemini-1.5-pro",
        "gemini-exp-1206",
    ]


def test_a_provider_says_who_it_is() -> None:
    assert provider_metadata(ALL["ollama"]).to_dict() == {
        "id": "ollama",
        "name": "Ollama",
        "description": "Models on your own machine; needs no key.",
        "type": "server",
        "credentialsUrl": None,
        "authenticationMethod": None,
        "logoPath": None,
    }
    openai = provider_metadata(ALL["openai"])
    assert (openai.type.value, openai.authentication_method) == ("cloud", "api_key")
    assert provider_metadata(ALL["openai"]) is openai


def test_every_option_of_a_kind_is_there_once() -> None:
    for provider in ALL.values():
        for kind in provider.kinds:
            names = [option.name for option in kind.options]
            assert len(names) == len(set(names)), (provider.slug, kind.models)
