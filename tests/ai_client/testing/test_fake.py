"""The fake as tests of other people's code meet it."""

from __future__ import annotations

import asyncio
import re
import unittest
from typing import Any

import pytest
from django.test import AsyncClient, Client

from ai_client import (
    Capability,
    File,
    FunctionCall,
    GenerativeAiResult,
    Modality,
    Model,
    ModelConfig,
    is_configured,
    operation,
    prompt,
    user_message,
)
from ai_client.client import default_client
from ai_client.errors import (
    AiClientError,
    BudgetExhausted,
    ConnectFailed,
    ConnectionReset,
    ContentFiltered,
    ContextTooLong,
    FirstEventTimedOut,
    HeadersTimedOut,
    IdleTimedOut,
    InvalidArgument,
    KeyLimitReached,
    KeyRejected,
    ModelNotFound,
    NoModelFound,
    PoolExhausted,
    QuotaExhausted,
    RateLimited,
    ServerFailed,
    StreamTruncated,
    UpstreamError,
)
from ai_client.messages import GenerationRequest, OperationState, TokenUsage
from ai_client.plan import Plan
from ai_client.records import Outcome
from ai_client.registry import default_registry
from ai_client.testing import FakeAi, FakeAiMixin, FakeConnection
from ai_client.wire import ClientFace, UnknownWireFormat, client_face

PICTURE = File.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")
FILM = File.from_bytes(b"a film", "video/mp4")


def test_a_prompt_gets_the_answer_that_was_scripted(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("Rayleigh scattering.")
    assert prompt("Why is the sky blue?").generate_text() == "Rayleigh scattering."
    fake_ai.assert_prompted("the sky", times=1)


def test_answers_come_in_the_order_in_which_they_were_said(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("one")
    fake_ai.will_answer("two")
    assert [prompt("Count").generate_text() for _ in range(2)] == ["one", "two"]


def test_an_answer_can_be_for_some_prompts_only(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("blue", text=re.compile("sk[iy]"), times=None)
    fake_ai.will_answer("green", text=lambda asked: asked.text.endswith("grass"))
    assert prompt("The grass").generate_text() == "green"
    assert prompt("The sky").generate_text() == "blue"
    assert prompt("Of the sky").generate_text() == "blue"


def test_an_answer_can_be_made_of_what_was_asked(fake_ai: FakeAi) -> None:
    fake_ai.will_reply(lambda asked: asked.text.upper())
    assert prompt("hello").generate_text() == "HELLO"
    assert prompt("again").generate_text() == "AGAIN"


def test_what_was_asked_can_be_read_as_it_was(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("ok")
    builder = (
        prompt("What is this?")
        .with_file(PICTURE)
        .using_system_instruction("Be brief")
        .using_temperature(0.25)
        .using_top_k(7)
        .using_stop_sequences("END")
    )
    builder.generate_text()
    asked = fake_ai.last_request
    assert asked.messages == builder.messages
    assert asked.config == builder.as_output_modalities(Modality.TEXT).config
    assert asked.capability is Capability.TEXT_GENERATION
    fake_ai.assert_prompted("Be brief", capability=Capability.TEXT_GENERATION)


def test_a_client_gets_scripted_answers_too(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("ok", usage=TokenUsage(3, 4, 7))
    request = GenerationRequest((user_message("Hello"),))
    result = default_client().generate(request, model="whatever/it-is-called", caller="shop")
    assert (result.to_text(), result.usage) == ("ok", TokenUsage(3, 4, 7))
    assert fake_ai.asked[0].request == request
    (record,) = fake_ai.records
    assert (record.caller, record.outcome, record.usage) == (
        "shop",
        Outcome.SUCCESS,
        TokenUsage(3, 4, 7),
    )


async def test_awaiting_code_gets_scripted_answers_too(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("ok", times=None)
    assert await prompt("Hello").agenerate_text() == "ok"
    result = await default_client().agenerate(GenerationRequest((user_message("Hello"),)))
    assert result.to_text() == "ok"
    fake_ai.assert_prompted("Hello", times=2)


def test_a_stream_comes_piece_by_piece(fake_ai: FakeAi) -> None:
    fake_ai.will_stream("Hel", "lo", times=2)
    assert list(prompt("Say hello").stream_text()) == ["Hel", "lo"]
    assert prompt("Say hello").generate_text() == "Hello"


async def test_a_stream_is_awaited_piece_by_piece(fake_ai: FakeAi) -> None:
    fake_ai.will_stream("Hel", "lo")
    assert [each async for each in prompt("Say hello").astream_text()] == ["Hel", "lo"]


def test_a_whole_answer_can_be_streamed(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("Hello")
    assert "".join(prompt("Say hello").stream_text()) == "Hello"


def test_a_stream_can_break_off(fake_ai: FakeAi) -> None:
    fake_ai.will_stream("Hel", StreamTruncated("It stopped."))
    pieces = prompt("Say hello").stream_text()
    assert next(pieces) == "Hel"
    with pytest.raises(StreamTruncated, match="It stopped"):
        next(pieces)


def test_functions_are_called(fake_ai: FakeAi) -> None:
    def weather(city: str) -> str:
        """The weather there."""
        return f"sunny in {city}"

    fake_ai.will_call("weather", {"city": "Paris"})
    fake_ai.will_answer("It is sunny.")
    run = prompt("How is the weather in Paris?").using_functions(weather).run_functions()
    assert run.result.to_text() == "It is sunny."
    (response,) = fake_ai.last_request.messages[-1].parts
    assert response.content.response == "sunny in Paris"  # type: ignore[union-attr]


def test_pictures_speech_and_vectors_are_answered(fake_ai: FakeAi) -> None:
    fake_ai.will_answer(PICTURE, capability=Capability.IMAGE_GENERATION)
    fake_ai.will_answer(File.from_bytes(b"ID3", "audio/mpeg"))
    fake_ai.will_embed([1, 2], [3, 4])
    assert prompt("A cat").generate_image() == PICTURE
    assert prompt("Say it").convert_text_to_speech().mime_type == "audio/mpeg"
    assert prompt().with_text("a").with_text("b").generate_embeddings() == [(1, 2), (3, 4)]
    fake_ai.assert_all_given()


def test_json_is_answered(fake_ai: FakeAi) -> None:
    fake_ai.will_answer({"name": "Åsa", "age": 3})
    assert prompt("Who?").generate_text() == '{"name": "Åsa", "age": 3}'


def test_a_video_takes_its_time_and_none_of_the_tests(fake_ai: FakeAi) -> None:
    fake_ai.will_answer(FILM, looks=3)
    assert prompt("A film").generate_video() == FILM
    assert fake_ai.clock.now == 15.0


def test_a_video_can_be_followed(fake_ai: FakeAi) -> None:
    fake_ai.will_answer(FILM, looks=1)
    started = prompt("A film").start_video()
    assert started.state is OperationState.PROCESSING
    again = operation(started.id)
    assert again.state is OperationState.SUCCEEDED
    assert again.wait().to_file() == FILM


async def test_a_video_can_be_awaited(fake_ai: FakeAi) -> None:
    fake_ai.will_answer(FILM, looks=2)
    assert await prompt("A film").agenerate_video() == FILM


@pytest.mark.parametrize(
    "error",
    [
        RateLimited("Slow down.", retry_after=7.0, upstream_status=429),
        QuotaExhausted("Nothing left."),
        ServerFailed("Down.", upstream_status=503, upstream_code="down"),
        KeyRejected("No."),
        ContextTooLong("Too long."),
        ContentFiltered("Not that."),
        ConnectFailed("Nobody there."),
        ConnectionReset("Gone."),
        ModelNotFound("Not here.", available=("one", "two")),
        InvalidArgument("Wrong.", param="seed"),
        PoolExhausted("Full."),
        KeyLimitReached("Enough.", retry_after=3.0, headers={"x-limit": "1"}),
        BudgetExhausted("Spent.", retry_after=9.0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_raised_as_it_was_scripted(fake_ai: FakeAi, error: AiClientError) -> None:
    fake_ai.will_fail(error)
    with pytest.raises(type(error)) as raised:
        prompt("Hello").generate_text()
    assert type(raised.value) is type(error)
    assert raised.value.message.endswith(error.message)
    for name in ("param", "retry_after", "headers", "available"):
        assert getattr(raised.value, name, None) == getattr(error, name, None)
    if isinstance(error, UpstreamError) and error.retry_after is not None:
        assert isinstance(raised.value, UpstreamError)
        assert raised.value.retry_after == error.retry_after
    fake_ai.assert_prompted(times=1)
    assert fake_ai.records[0].error_code == error.code


class OfOnesOwn(ServerFailed):
    """No error of this package."""


@pytest.mark.parametrize("wrong", ["x", None, KeyRejected, ValueError("x"), OfOnesOwn("x")])
def test_what_is_no_error_of_ours_cannot_be_failed_with(fake_ai: FakeAi, wrong: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"an error of ai_client\.errors") as raised:
        fake_ai.will_fail(wrong)
    assert raised.value.param == "error"


def test_half_a_character_is_refused_where_it_is_scripted(fake_ai: FakeAi) -> None:
    with pytest.raises(InvalidArgument, match="half a character"):
        fake_ai.will_answer("\ud800")
    with pytest.raises(InvalidArgument, match="half a character"):
        fake_ai.will_stream("fine", "\ud800")
    fake_ai.will_reply(lambda asked: "\ud800", times=1)
    with pytest.raises(AssertionError, match=r"cannot be sent.*half a character"):
        prompt("Hello").generate_text()


def test_an_error_is_forgotten_with_the_fake() -> None:
    for _ in range(2):
        with FakeAi() as fake_ai:
            fake_ai.will_fail(KeyRejected("No."))
            with pytest.raises(KeyRejected):
                prompt("Hello").generate_text()


def test_time_passes_without_being_waited_for(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("late", after=59.0)
    assert prompt("Hello").generate_text() == "late"
    assert fake_ai.records[0].total_ms == 59_000


def test_an_answer_that_is_too_late_times_out(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("too late", after=61.0)
    with pytest.raises(HeadersTimedOut):
        prompt("Hello").generate_text()


def test_silence_in_a_stream_times_out(fake_ai: FakeAi) -> None:
    fake_ai.will_stream("Hel", 59.0, "lo", 61.0, "!")
    pieces = prompt("Hello").stream_text()
    assert [next(pieces), next(pieces)] == ["Hel", "lo"]
    with pytest.raises(IdleTimedOut):
        next(pieces)
    fake_ai.will_stream(61.0, "late")
    with pytest.raises(FirstEventTimedOut):
        list(prompt("Hello").stream_text())


@pytest.mark.parametrize(
    ("ask", "way_out"),
    [
        (lambda: prompt("Who?").generate_text(), r'fake_ai\.will_answer\("…"\)'),
        (lambda: prompt("Who?").generate_embedding(), r"fake_ai\.will_embed\("),
        (lambda: prompt("Who?").generate_image(), r"will_answer\(File\.from_bytes"),
    ],
)
def test_what_was_not_scripted_says_what_to_script(ask: Any, way_out: str) -> None:
    said = rf"No answer was scripted for \w+ of fake/fake-model: 'Who\?'\. Script one: .*{way_out}"
    with pytest.raises(AssertionError, match=said), FakeAi():
        ask()


def test_code_that_hides_the_refusal_fails_at_the_end() -> None:
    with pytest.raises(AssertionError, match="No answer was scripted"), FakeAi():
        _swallowing(AssertionError)


def test_the_first_failure_of_a_test_is_not_hidden() -> None:
    with pytest.raises(KeyError, match="mine"), FakeAi():
        _swallowing(AssertionError, then=KeyError("mine"))


def _swallowing(kind: type[Exception], then: Exception | None = None) -> None:
    try:
        prompt("Hello").generate_text()
    except kind:
        if then is not None:
            raise then from None


def test_other_requests_reach_nobody_either() -> None:
    refused = r"GET https://api\.openai\.com/v1/models.*transport\.on\("
    with pytest.raises(AssertionError, match=refused), FakeAi():
        _list_models_of_openai()


def test_other_requests_are_answered_by_the_transport(fake_ai: FakeAi) -> None:
    fake_ai.transport.on(
        "GET", "https://api.openai.com/v1/models", json={"object": "list", "data": [{"id": "one"}]}
    )
    assert [each.id for each in _list_models_of_openai()] == ["one"]


def _list_models_of_openai() -> Any:
    from ai_client.model_directory import ModelDirectory
    from ai_client.registration import registered
    from ai_client.snapshot import ConnectionConfig

    provider = registered()["openai"]
    connection = ConnectionConfig(
        "1", "mine", provider, "", provider.base_url or "", api_key="a-key"
    )
    directory = ModelDirectory()
    directory.forget(connection)
    try:
        return directory.models(connection)
    finally:
        directory.forget(connection)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "azure-ai-foundry"])
def test_code_that_names_a_provider_gets_answers(fake_ai: FakeAi, provider: str) -> None:
    fake_ai.will_answer("ok", provider=provider, times=None)
    assert is_configured(provider)
    result = prompt("Hello").using_provider(provider).generate_text_result()
    assert result.provider_metadata is not None
    assert result.provider_metadata.id == provider
    prompt("Hello").using_model(Model(provider, "a-model")).generate_text()
    fake_ai.assert_prompted("Hello", provider=provider, model="a-model", times=1)


def test_whatever_code_calls_its_model_somebody_has_it(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("ok", times=None)
    assert prompt("Named").using_model("gpt-whatever").generate_text() == "ok"
    fake_ai.assert_prompted("Named", model="gpt-whatever", times=1)
    assert prompt("Named").using_model("gpt-whatever").is_supported_for_text_generation()
    prompt("First").using_model_preference("gpt-first", "gpt-second").generate_text()
    fake_ai.assert_prompted("First", model="gpt-first", times=1)
    prompt("Theirs").using_provider("openai").using_model_preference("gpt-any").generate_text()
    fake_ai.assert_prompted("Theirs", provider="openai", model="gpt-any", times=1)
    asyncio.run(prompt("Awaited").using_model("gpt-whatever").agenerate_text())
    fake_ai.assert_prompted("Awaited", model="gpt-whatever", times=1)


def test_connections_of_a_tests_own_have_the_models_that_they_name(fake_ai: FakeAi) -> None:
    fake_ai.use_connections(FakeConnection("first", model="small", models=["big"]))
    fake_ai.will_answer("ok", times=None)
    with pytest.raises(NoModelFound, match="gpt-whatever"):
        prompt("Hello").using_model("gpt-whatever").generate_text()
    fake_ai.assert_not_prompted()
    prompt("Hello").using_model_preference("gpt-whatever", "big").generate_text()
    fake_ai.assert_prompted(model="big", times=1)


def test_what_a_provider_cannot_do_it_cannot_do_here(fake_ai: FakeAi) -> None:
    assert not prompt("A cat").using_provider("anthropic").is_supported_for_image_generation()
    with pytest.raises(NoModelFound):
        prompt("A cat").using_provider("anthropic").generate_image()
    fake_ai.assert_not_prompted()
    fake_ai.will_answer(PICTURE, provider="openai")
    assert prompt("A cat").using_provider("openai").generate_image() == PICTURE


def test_nobody_stands_in_unless_connections_are_named(fake_ai: FakeAi) -> None:
    fake_ai.will_fail(ServerFailed("Down."))
    with pytest.raises(ServerFailed, match=r"Down\.$"):
        prompt("Hello").generate_text()
    assert len(fake_ai.records[0].attempts) == 1


def test_fallback_goes_through_the_connections_of_the_test(fake_ai: FakeAi) -> None:
    fake_ai.use_connections(
        FakeConnection("primary", "openai", "gpt-5"), FakeConnection("second", "anthropic")
    )
    fake_ai.will_fail(ServerFailed("Down."), connection="primary")
    fake_ai.will_answer("ok", connection="second")
    assert prompt("Hello").generate_text() == "ok"
    assert [each.connection for each in fake_ai.asked] == ["primary", "second"]
    assert [each.code for each in fake_ai.records[0].attempts] == ["upstream_error", "ok"]


def test_a_site_without_connections(fake_ai: FakeAi) -> None:
    fake_ai.use_connections()
    assert not is_configured("openai")
    with pytest.raises(NoModelFound, match="no connection is set up"):
        prompt("Hello").generate_text()


def test_a_wrong_provider_is_said_to_be_one(fake_ai: FakeAi) -> None:
    with pytest.raises(AssertionError, match=r"no provider 'opanai'; there are: fake, "):
        fake_ai.use_connections(FakeConnection("primary", "opanai"))


def test_a_failed_assertion_says_what_arrived(fake_ai: FakeAi) -> None:
    with pytest.raises(AssertionError, match=r"at least once: anything\. Nothing arrived"):
        fake_ai.assert_prompted()
    fake_ai.will_answer("ok", times=None)
    prompt("Hello").generate_text()
    arrived = r"Asked 0 times instead of 2 times: text='the sky'.*fake/fake-model: 'Hello'"
    with pytest.raises(AssertionError, match=re.compile(arrived, re.DOTALL)):
        fake_ai.assert_prompted("the sky", times=2)
    fake_ai.assert_prompted("the sky", times=0)
    with pytest.raises(AssertionError, match="Nothing was to be asked"):
        fake_ai.assert_not_prompted()


def test_answers_that_are_left_over_can_be_asserted(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("ok")
    with pytest.raises(AssertionError, match="1 of 1 answers were not asked for"):
        fake_ai.assert_all_given()
    prompt("Hello").generate_text()
    fake_ai.assert_all_given()


def test_outside_of_its_block_there_is_no_fake() -> None:
    with FakeAi() as fake_ai:
        inside, registry = default_client(), default_registry()
        assert inside.snapshot().connections[0].name == "fake"
    assert default_client() is not inside
    assert default_registry() is not registry
    with pytest.raises(AssertionError, match="not entered"):
        fake_ai.use_connections()


def test_fakes_can_be_within_each_other(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("outer")
    with FakeAi() as inner:
        inner.will_answer("inner")
        assert prompt("Hello").generate_text() == "inner"
    assert prompt("Hello").generate_text() == "outer"


class ACase(FakeAiMixin, unittest.TestCase):
    """Somebody's case for unittest."""

    def test_it(self) -> None:
        self.fake_ai.will_answer("ok")
        self.assertEqual(prompt("Hello").generate_text(), "ok")  # noqa: PT009
        self.fake_ai.assert_prompted("Hello")


# The gateway of the site under test.


def _chat(key: str, **body: Any) -> dict[str, Any]:
    return {
        "path": "/v1/chat/completions",
        "data": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], **body},
        "content_type": "application/json",
        "headers": {"authorization": f"Bearer {key}"},
    }


def test_the_gateway_answers_from_the_script(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("Hello yourself.")
    answered = Client().post(**_chat(fake_ai.gateway_key("laptop")))
    assert answered.status_code == 200, answered.content
    assert answered.json()["choices"][0]["message"]["content"] == "Hello yourself."
    assert answered["x-koneek-connection"] == "fake"
    fake_ai.assert_prompted("Hello", model="gpt-4o", times=1)
    assert fake_ai.records[0].gateway_key_name == "laptop"


def test_the_gateway_streams_from_the_script(fake_ai: FakeAi) -> None:
    fake_ai.will_stream("Hel", "lo")
    answered = Client().post(**_chat(fake_ai.gateway_key(), stream=True))
    body = b"".join(answered.streaming_content)  # type: ignore[attr-defined]
    assert body.count(b"data: ") >= 4
    assert b'"content":"Hel"' in body.replace(b" ", b"")


def test_the_gateway_answers_awaiting_callers(fake_ai: FakeAi) -> None:
    async def call() -> Any:
        return await AsyncClient().post(**_chat(fake_ai.gateway_key()))

    fake_ai.will_answer("ok")
    assert asyncio.run(call()).json()["choices"][0]["message"]["content"] == "ok"


def test_the_gateway_tells_scripted_errors_and_refuses_strangers(fake_ai: FakeAi) -> None:
    fake_ai.will_fail(RateLimited("Slow down.", retry_after=7.0))
    answered = Client().post(**_chat(fake_ai.gateway_key()))
    assert (answered.status_code, answered["retry-after"]) == (429, "7")
    assert Client().post(**_chat("kn_nobody")).status_code == 401


def test_what_the_gateway_swallows_fails_at_the_end() -> None:
    with pytest.raises(AssertionError, match="No answer was scripted"), FakeAi() as fake_ai:
        assert Client().post(**_chat(fake_ai.gateway_key())).status_code == 500


@pytest.mark.django_db
def test_the_sites_own_connections_can_be_asked(fake_ai: FakeAi) -> None:
    from ai_client.key_services import create_gateway_key
    from connectors.models import Connection
    from connectors.services import create_connection

    for number, name in enumerate(("primary", "second")):
        create_connection(
            name=name, provider="openai", api_key=f"sk-{name}-0123456789", model=f"gpt-{number}"
        )
    assert Connection.objects.count() == 2
    _, key = create_gateway_key("laptop")
    fake_ai.use_site_connections()
    fake_ai.will_fail(ServerFailed("Down."), connection="primary")
    fake_ai.will_answer("ok", connection="second")
    answered = Client().post(**_chat(key, model="primary"))
    assert answered.json()["choices"][0]["message"]["content"] == "ok"
    assert [each.model for each in fake_ai.asked] == ["gpt-0", "gpt-1"]
    assert "sk-primary" not in repr(fake_ai.transport.sent)
    assert not any("authorization" in each.headers for each in fake_ai.transport.sent)


def test_whole_results_can_be_given(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("ok")
    result = prompt("Hello").generate_text_result()
    assert isinstance(result, GenerativeAiResult)
    fake_ai.will_answer(result)
    assert prompt("Hello").generate_text_result() == result


@pytest.mark.parametrize("answer", [object(), user_message("Hello"), 3])
def test_what_no_model_answers_is_refused(answer: Any) -> None:
    with FakeAi() as fake_ai:
        fake_ai.will_answer(answer)
        with pytest.raises(AssertionError, match=r"nothing that a model|have the role model"):
            prompt("Hello").generate_text()


def test_a_call_can_be_scripted_whole(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("Let me see.", FunctionCall("1", "look", '{"at": "it"}'))
    message = prompt("Look").generate_text_result().to_message()
    assert [type(part.content) for part in message.parts] == [str, FunctionCall]


def test_a_plan_can_be_asked(fake_ai: FakeAi) -> None:
    fake_ai.will_answer("ok")
    plan = Plan(GenerationRequest((user_message("Hello"),), ModelConfig(temperature=0.5)))
    result = default_client().ask(plan)
    assert isinstance(result, GenerativeAiResult)
    assert fake_ai.last_request.config.temperature == 0.5


def test_a_wire_format_elsewhere_is_named_by_its_path() -> None:
    assert isinstance(client_face("ai_client.testing.dialect"), ClientFace)
    with pytest.raises(UnknownWireFormat, match=r"No wire format 'nowhere\.at_all'"):
        client_face("nowhere.at_all")
