"""The official openai SDK, sync and async, over each upstream dialect: texts, files, JSON, tuning.

Tools and what the model thought before it called them are in ``test_openai_sdk_tools``.
"""

from __future__ import annotations

import json
import time
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.gateway.openai_callers import (
    EVERY_WAY,
    KEY_AS_SENT,
    PDF,
    PNG,
    Caller,
    finish_of,
    key_sent,
    text_of,
    turns,
)
from tests.live_site import DIALECTS, UPSTREAM_KEY, Site

AWKWARD = 'Grüße 👩‍👩‍👧 \u2028 \u2029 \u0085 \\u0041 "quoted" 中文 \x7f end'
SECONDS_FOR_THE_LOG = 10.0


@pytest.fixture(params=EVERY_WAY, ids=lambda way: "-".join(way))
def caller(request: pytest.FixtureRequest, site: Site) -> Caller:
    """The SDK, both ways, over one connection in each dialect."""
    caller = Caller(site, *request.param)
    caller.connect()
    return caller


@pytest.fixture(params=DIALECTS)
def one_way(request: pytest.FixtureRequest, site: Site) -> Caller:
    """The blocking SDK over one connection in each dialect, for what does not depend on the way."""
    caller = Caller(site, request.param)
    caller.connect()
    return caller


def test_a_text_is_answered(caller: Caller) -> None:
    answer = caller.create("Hello there")
    (choice,) = answer.choices
    assert choice.message.role == "assistant"
    assert choice.message.content == "Echo: Hello there"
    assert choice.message.tool_calls is None
    assert choice.message.refusal is None
    assert choice.finish_reason == "stop"
    assert answer.object == "chat.completion"
    assert answer.model == DIALECTS[caller.dialect][2]
    assert answer.id


def test_a_text_is_streamed(caller: Caller) -> None:
    chunks = caller.stream("Hello there, how are you?")
    assert text_of(chunks) == "Echo: Hello there, how are you?"
    assert sum(bool(chunk.choices[0].delta.content) for chunk in chunks) >= 3
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert finish_of(chunks) == "stop"
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1


def test_the_upstream_gets_its_own_model_and_key_and_nothing_of_the_caller(caller: Caller) -> None:
    answer = caller.raw(
        "Hello",
        extra_headers={
            "x-forwarded-for": "203.0.113.7",
            "cookie": "session=mine",
            "openai-organization": "org-mine",
            "x-mine": "secret-of-the-caller",
        },
    )
    assert answer.headers["x-koneek-connection"].endswith("works")
    sent = caller.sent()
    model = DIALECTS[caller.dialect][2]
    if caller.dialect == "google_generate":
        assert sent.path == f"/v1beta/models/{model}:generateContent"
    else:
        assert caller.body()["model"] == model
    assert key_sent(caller.dialect, sent) == KEY_AS_SENT[caller.dialect]
    everything = repr(sent.headers) + sent.target + sent.body.decode()
    assert everything.count(UPSTREAM_KEY) == 1
    for foreign in (caller.site.key, "203.0.113.7", "session=mine", "org-mine", "of-the-caller"):
        assert foreign not in everything
    assert not [name for name in sent.headers if name.startswith(("x-stainless", "openai-"))]


def test_usage_is_the_same_plain_and_streamed_and_is_streamed_only_when_asked_for(
    caller: Caller,
) -> None:
    prompt = "A prompt of exactly seven words, cached"
    plain = caller.create(prompt).usage
    assert (plain.prompt_tokens, plain.completion_tokens, plain.total_tokens) == (7, 8, 15)
    assert plain.prompt_tokens_details.cached_tokens == 3

    *others, last = caller.stream(prompt, stream_options={"include_usage": True})
    assert last.choices == []
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (7, 8)
    assert last.usage.total_tokens == 15
    assert last.usage.prompt_tokens_details.cached_tokens == 3
    assert all(chunk.usage is None and chunk.choices for chunk in others)

    unasked = caller.stream(prompt)
    assert all(chunk.usage is None and chunk.choices for chunk in unasked)
    assert [row.total_tokens for row in caller.site.rows()] == [15, 15, 15]


def test_the_system_prompt_and_all_turns_reach_the_upstream(caller: Caller) -> None:
    answer = caller.create(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"role": "user", "content": [{"type": "text", "text": "Three"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Four"}]},
            {"role": "user", "content": "Five"},
        ]
    )
    assert answer.choices[0].message.content == "Echo: Five"
    model = "model" if caller.dialect == "google_generate" else "assistant"
    assert turns(caller.dialect, caller.body()) == [
        ("system", "Be brief."),
        ("user", "One"),
        (model, "Two"),
        ("user", "Three"),
        (model, "Four"),
        ("user", "Five"),
    ]


def test_developer_messages_and_several_system_messages_are_the_system_prompt(
    one_way: Caller,
) -> None:
    one_way.create(
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello"},
        ]
    )
    said = turns(one_way.dialect, one_way.body())
    if one_way.dialect == "openai_chat":
        assert said[:2] == [("developer", "Be brief."), ("system", "Be kind.")]
    else:
        assert said[0] == ("system", "Be brief.|Be kind.")
    assert said[-1] == ("user", "Hello")


def test_awkward_text_arrives_and_comes_back_unchanged(caller: Caller) -> None:
    plain = caller.create(AWKWARD).choices[0].message.content
    assert plain == f"Echo: {AWKWARD}"
    assert turns(caller.dialect, caller.body()) == [("user", AWKWARD)]
    assert text_of(caller.stream(AWKWARD)) == plain


def test_an_answer_without_content_is_an_answer(caller: Caller) -> None:
    caller.connect(failure="empty-finish")
    answer = caller.create("Hello").choices[0]
    assert (answer.message.content or "", answer.finish_reason) == ("", "stop")
    chunks = caller.stream("Hello")
    assert (text_of(chunks), finish_of(chunks)) == ("", "stop")


def test_an_inline_image_reaches_the_upstream(caller: Caller) -> None:
    answer = caller.create([_asking_about(_image(f"data:image/png;base64,{PNG}"))])
    assert answer.choices[0].message.content == "Echo: Look [image image/png 68 bytes]"
    assert PNG in caller.sent().body.decode()


def test_an_image_by_address_is_passed_on_and_never_fetched_by_the_site(caller: Caller) -> None:
    address = f"http://127.0.0.1:{caller.site.simulator.port}/picture.png?size=1"
    answer = caller.create([_asking_about(_image(address))])
    assert answer.choices[0].message.content == f"Echo: Look [image url {address}]"
    assert len(caller.site.simulator.requests) == 1
    assert address in caller.sent().body.decode()


def test_a_file_reaches_the_upstream(caller: Caller) -> None:
    file = {"filename": "report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}
    answer = caller.create([_asking_about({"type": "file", "file": file})])
    assert answer.choices[0].message.content == "Echo: Look [file application/pdf 100 bytes]"
    assert PDF in caller.sent().body.decode()


class Address(BaseModel):
    """Where somebody lives."""

    street: str
    number: int | None


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int
    addresses: list[Address]


def test_a_pydantic_model_is_parsed_from_the_answer(caller: Caller) -> None:
    answer = caller.parse("Who is it?", Person)
    person = answer.choices[0].message.parsed
    assert isinstance(person, Person)
    assert person.name == "name"
    assert person.addresses[0].street == "street"
    assert "addresses" in caller.sent().body.decode()
    streamed = caller.assembled("Who is it?", response_format=Person)
    assert streamed.choices[0].message.parsed == person


def test_a_json_schema_is_answered_with_json(caller: Caller) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "wet": {"type": "boolean"}},
        "required": ["city", "wet"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema}}
    answer = caller.create("Where does it rain?", response_format=wanted)
    assert json.loads(answer.choices[0].message.content) == {"city": "city", "wet": True}
    chunks = caller.stream("Where does it rain?", response_format=wanted)
    assert json.loads(text_of(chunks)) == {"city": "city", "wet": True}


def test_json_without_a_schema_where_the_upstream_has_it(caller: Caller) -> None:
    wanted = {"type": "json_object"}
    if caller.dialect == "anthropic_messages":
        with pytest.raises(openai.BadRequestError, match="schema") as caught:
            caller.create("Say it in JSON", response_format=wanted)
        assert caught.value.code == "unsupported_feature"
        assert caller.site.simulator.requests == []
        return
    answer = caller.create("Say it in JSON", response_format=wanted)
    assert json.loads(answer.choices[0].message.content) == {"echo": "Say it in JSON"}


def test_several_choices_where_the_upstream_has_them(caller: Caller) -> None:
    if caller.dialect == "anthropic_messages":
        with pytest.raises(openai.BadRequestError, match="one candidate") as caught:
            caller.create("Hello", n=2)
        assert caught.value.code == "unsupported_feature"
        with pytest.raises(openai.BadRequestError, match="one candidate"):
            caller.stream("Hello", n=2)
        assert caller.site.simulator.requests == []
        return
    answer = caller.create("Hello", n=2)
    assert [each.index for each in answer.choices] == [0, 1]
    assert [each.message.content for each in answer.choices] == [
        "Echo: Hello",
        "Echo: Hello (choice 2)",
    ]
    assert [each.finish_reason for each in answer.choices] == ["stop", "stop"]
    chunks = caller.stream("Hello", n=2)
    assert text_of(chunks, 0) == "Echo: Hello"
    assert text_of(chunks, 1) == "Echo: Hello (choice 2)"


def test_a_connection_that_cannot_give_several_choices_is_skipped(site: Site) -> None:
    site.connect(
        site.upstream("anthropic_messages", name="one-only"),
        site.upstream("openai_chat", name="several"),
    )
    with site.sdk() as sdk:
        answer = sdk.chat.completions.with_raw_response.create(
            model="auto", messages=[{"role": "user", "content": "Hello"}], n=2
        )
    assert answer.headers["x-koneek-connection"] == "several"
    assert len(answer.parse().choices) == 2
    assert [request.path for request in site.simulator.requests] == ["/v1/chat/completions"]
    assert [each["class"] for each in site.row().attempts] == ["unsupported_feature", "ok"]


def test_stop_sequences_end_the_answer(one_way: Caller) -> None:
    for stop in ("three", ["never", "three"]):
        choice = one_way.create("one two three four", stop=stop).choices[0]
        assert (choice.message.content, choice.finish_reason) == ("Echo: one two ", "stop")
        chunks = one_way.stream("one two three four", stop=stop)
        assert (text_of(chunks), finish_of(chunks)) == ("Echo: one two ", "stop")


def test_either_token_limit_ends_the_answer_under_the_upstreams_own_name(one_way: Caller) -> None:
    for spelling in ("max_tokens", "max_completion_tokens"):
        limit = {spelling: 2}
        choice = one_way.create("one two three four", **limit).choices[0]
        assert (choice.message.content, choice.finish_reason) == ("Echo: one", "length")
        match one_way.dialect:
            case "openai_chat":
                assert one_way.body()[spelling] == 2
            case "anthropic_messages":
                assert one_way.body()["max_tokens"] == 2
            case _:
                assert one_way.body()["generationConfig"]["maxOutputTokens"] == 2
        chunks = one_way.stream("one two three four", **limit)
        assert (text_of(chunks), finish_of(chunks)) == ("Echo: one", "length")


def test_a_model_that_knows_only_the_new_name_of_the_token_limit_gets_that(site: Site) -> None:
    caller = Caller(site, "openai_chat")
    caller.connect(model="gpt-5.4-mini")
    answer = caller.create("one two three four", max_tokens=2)
    assert answer.choices[0].finish_reason == "length"
    assert caller.body()["max_completion_tokens"] == 2
    assert "max_tokens" not in caller.body()


def test_a_server_that_knows_only_the_old_name_of_the_token_limit_gets_that(site: Site) -> None:
    caller = Caller(site, "openai_chat")
    caller.connect(provider="openai-compatible")
    caller.create("one two three four", max_completion_tokens=2)
    assert caller.body()["max_tokens"] == 2
    assert "max_completion_tokens" not in caller.body()


def test_tuning_reaches_the_upstream_or_is_left_out_with_a_warning_in_the_log(
    caller: Caller,
) -> None:
    tuning = {
        "temperature": 0.5,
        "top_p": 0.25,
        "seed": 7,
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
    }
    answer = caller.create("Hello", **tuning)
    assert answer.choices[0].message.content == "Echo: Hello"
    body = caller.body()
    warnings = caller.site.row().warnings
    match caller.dialect:
        case "openai_chat":
            assert {name: body[name] for name in tuning} == tuning
            assert warnings == []
        case "anthropic_messages":
            assert (body["temperature"], body["top_p"]) == (0.5, 0.25)
            assert not {"seed", "presence_penalty", "frequency_penalty"} & set(body)
            assert sorted(warnings) == ["frequency_penalty", "presence_penalty", "seed"]
        case _:
            assert body["generationConfig"] == {
                "temperature": 0.5,
                "topP": 0.25,
                "seed": 7,
                "presencePenalty": 0.5,
                "frequencyPenalty": -0.5,
            }
            assert warnings == []


def test_tuning_that_no_other_dialect_has_is_left_out_with_a_warning(one_way: Caller) -> None:
    one_way.create("Hello", store=True, verbosity="low", metadata={"team": "blue"})
    names = {"store", "verbosity", "metadata"}
    if one_way.dialect == "openai_chat":
        assert names <= set(one_way.body())
        assert one_way.site.row().warnings == []
    else:
        assert not names & set(one_way.body())
        assert names <= set(one_way.site.row().warnings)


def test_log_probabilities_where_the_upstream_has_them(caller: Caller) -> None:
    wanted = {"logprobs": True, "top_logprobs": 2}
    if caller.dialect == "anthropic_messages":
        with pytest.raises(openai.BadRequestError, match="log probabilities") as caught:
            caller.create("Hello", **wanted)
        assert (caught.value.code, caught.value.param) == ("unsupported_feature", "logprobs")
        return
    tokens = caller.create("Hello", **wanted).choices[0].logprobs.content
    assert [(each.token, each.logprob) for each in tokens] == [("Echo:", -0.25), (" Hello", -0.25)]
    assert [each.token for each in tokens[0].top_logprobs] == ["Echo:", "other0"]
    assert bytes(tokens[1].bytes) == b" Hello"
    streamed = [
        token.token
        for chunk in caller.stream("Hello", **wanted)
        for choice in chunk.choices
        for token in (choice.logprobs.content if choice.logprobs else ()) or ()
    ]
    assert streamed == ["Echo:", " Hello"]


def test_what_the_model_thought_comes_as_reasoning_content(caller: Caller) -> None:
    if caller.dialect == "openai_chat":
        caller.connect(provider="openai-compatible", model="deepseek-reasoner")
    message = caller.create("Please think").choices[0].message
    assert message.content == "Echo: Please think"
    assert message.reasoning_content == "Thinking about: Please think"
    chunks = caller.stream("Please think")
    thought = "".join(
        getattr(each.delta, "reasoning_content", None) or ""
        for chunk in chunks
        for each in chunk.choices
    )
    assert thought == "Thinking about: Please think"
    assert text_of(chunks) == "Echo: Please think"


def test_reasoning_effort_is_said_in_the_upstreams_words(one_way: Caller) -> None:
    model = {
        "openai_chat": "gpt-5.4-mini",
        "anthropic_messages": "claude-sonnet-4-6",
        "google_generate": "gemini-3.8-flash",
    }[one_way.dialect]
    one_way.connect(model=model)
    usage = one_way.create("Hello", reasoning_effort="low").usage
    assert usage.completion_tokens_details.reasoning_tokens == 3
    body = one_way.body()
    match one_way.dialect:
        case "openai_chat":
            assert body["reasoning_effort"] == "low"
        case "anthropic_messages":
            assert body["thinking"]["type"] == "adaptive"
            assert body["output_config"]["effort"] == "low"
        case _:
            assert body["generationConfig"]["thinkingConfig"] == {
                "thinkingLevel": "LOW",
                "includeThoughts": True,
            }


def test_closing_a_stream_ends_the_call_of_the_upstream(caller: Caller) -> None:
    caller.connect(failure="hang-midstream")
    assert caller.leave_after_first_content("Hello there, my dear friend").startswith("Echo")
    left = caller.site.simulator.wait_for(lambda request: request.left_early)
    assert left.failure == "hang-midstream"
    until = time.monotonic() + SECONDS_FOR_THE_LOG
    while not caller.site.rows():
        assert time.monotonic() < until, "The request was never logged."
    row = caller.site.row()
    assert (row.outcome, row.attempt_count, row.stream) == ("client_closed", 1, True)


def _image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


def _asking_about(part: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": "Look"}, part]}
