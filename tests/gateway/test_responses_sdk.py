"""OpenAI's Responses through the official SDK, over each upstream dialect: texts, files, JSON.

Tools and thoughts are in ``test_responses_sdk_tools``, what goes wrong in
``test_responses_sdk_errors``.
"""

from __future__ import annotations

import json
import time
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.gateway.openai_callers import PDF, PNG, turns
from tests.gateway.responses_callers import (
    EVERY_WAY,
    OTHER_DIALECTS,
    OTHERS,
    ResponsesCaller,
    text_of,
)
from tests.live_site import DIALECTS, Site

AWKWARD = 'Grüße 👩‍👩‍👧 \u2028 \u2029 \u0085 \\u0041 "quoted" 中文 \x7f end'
SECONDS_FOR_THE_LOG = 10.0


@pytest.fixture(params=EVERY_WAY, ids=lambda way: "-".join(way))
def caller(request: pytest.FixtureRequest, site: Site) -> ResponsesCaller:
    """The SDK, both ways, over one connection in each dialect, this one among them."""
    caller = ResponsesCaller(site, *request.param)
    caller.connect()
    return caller


@pytest.fixture(params=OTHERS, ids=lambda way: "-".join(way))
def translated(request: pytest.FixtureRequest, site: Site) -> ResponsesCaller:
    """The SDK, both ways, over one connection in each other dialect."""
    caller = ResponsesCaller(site, *request.param)
    caller.connect()
    return caller


@pytest.fixture(params=OTHER_DIALECTS)
def one_way(request: pytest.FixtureRequest, site: Site) -> ResponsesCaller:
    """The blocking SDK over one connection in each other dialect."""
    caller = ResponsesCaller(site, request.param)
    caller.connect()
    return caller


def test_a_text_is_answered(translated: ResponsesCaller) -> None:
    answer = translated.create("Hello there", temperature=0.5, metadata={"team": "blue"})
    assert answer.output_text == "Echo: Hello there"
    assert (answer.status, answer.object, answer.error) == ("completed", "response", None)
    assert answer.model == DIALECTS[translated.dialect][2]
    (message,) = answer.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert answer.id.startswith("resp_")
    assert message.id.startswith("msg_")
    assert len(message.id) <= 64
    assert (answer.temperature, answer.metadata) == (0.5, {"team": "blue"})
    assert (answer.tools, answer.tool_choice, answer.parallel_tool_calls) == ([], "auto", True)


def test_a_text_is_streamed(caller: ResponsesCaller) -> None:
    events = caller.stream("Hello there, how are you?")
    assert text_of(events) == "Echo: Hello there, how are you?"
    assert [each.sequence_number for each in events] == list(range(len(events)))
    kinds = [each.type for each in events]
    assert kinds.count("response.output_text.delta") >= 3
    assert [kind for kind in kinds if kind != "response.output_text.delta"] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    created, done = events[0].response, events[-1].response
    assert (created.status, created.output, created.usage) == ("in_progress", [], None)
    assert (done.id, done.model, done.created_at) == (created.id, created.model, created.created_at)
    assert done.output_text == "Echo: Hello there, how are you?"
    assert done.output == [each.item for each in events if each.type.endswith("item.done")]


def test_the_sdks_own_helper_puts_a_stream_together(caller: ResponsesCaller) -> None:
    assert caller.assembled("Hello there").output_text == "Echo: Hello there"


def test_usage_is_the_same_plain_and_streamed(caller: ResponsesCaller) -> None:
    prompt = "A prompt of exactly seven words, cached"
    plain = caller.create(prompt).usage
    assert (plain.input_tokens, plain.output_tokens, plain.total_tokens) == (7, 8, 15)
    assert plain.input_tokens_details.cached_tokens == 3
    assert caller.stream(prompt)[-1].response.usage == plain
    assert [row.total_tokens for row in caller.site.rows()] == [15, 15]


def test_instructions_and_all_turns_reach_the_upstream(translated: ResponsesCaller) -> None:
    answer = translated.create(
        [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"role": "developer", "content": "Be kind."},
            {"type": "message", "role": "user", "content": [_text("Three")]},
            {
                "type": "message",
                "role": "assistant",
                "id": "msg_1",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Four", "annotations": []}],
            },
            {"role": "user", "content": "Five"},
        ],
        instructions="Be brief.",
    )
    assert answer.output_text == "Echo: Five"
    assert answer.instructions == "Be brief."
    model = "model" if translated.dialect == "google_generate" else "assistant"
    assert turns(translated.dialect, translated.body()) == [
        ("system", "Be brief.|Be kind."),
        ("user", "One"),
        (model, "Two"),
        ("user", "Three"),
        (model, "Four"),
        ("user", "Five"),
    ]


def test_awkward_text_arrives_and_comes_back_unchanged(translated: ResponsesCaller) -> None:
    plain = translated.create(AWKWARD).output_text
    assert plain == f"Echo: {AWKWARD}"
    assert turns(translated.dialect, translated.body()) == [("user", AWKWARD)]
    assert text_of(translated.stream(AWKWARD)) == plain


def test_an_answer_without_content_is_an_answer(caller: ResponsesCaller) -> None:
    caller.connect(failure="empty-finish")
    answer = caller.create("Hello")
    assert (answer.output_text, answer.status) == ("", "completed")
    assert caller.stream("Hello")[-1].response.status == "completed"


def test_an_inline_image_reaches_the_upstream(caller: ResponsesCaller) -> None:
    answer = caller.create(_asking_about(_image(f"data:image/png;base64,{PNG}")))
    assert answer.output_text == "Echo: Look [image image/png 68 bytes]"
    assert PNG in caller.sent().body.decode()


def test_an_image_by_address_is_passed_on_and_never_fetched_by_the_site(
    caller: ResponsesCaller,
) -> None:
    address = f"http://127.0.0.1:{caller.site.simulator.port}/picture.png?size=1"
    answer = caller.create(_asking_about(_image(address)))
    assert answer.output_text == f"Echo: Look [image url {address}]"
    assert len(caller.site.simulator.requests) == 1


def test_a_file_reaches_the_upstream(caller: ResponsesCaller) -> None:
    file = {
        "type": "input_file",
        "filename": "report.pdf",
        "file_data": f"data:application/pdf;base64,{PDF}",
    }
    answer = caller.create(_asking_about(file))
    assert answer.output_text == "Echo: Look [file application/pdf 100 bytes]"
    assert PDF in caller.sent().body.decode()


def test_a_file_that_is_kept_at_the_vendor_is_refused(one_way: ResponsesCaller) -> None:
    for kind in ("input_file", "input_image"):
        part = {"type": kind, "file_id": "file-123"}
        with pytest.raises(openai.BadRequestError, match="file_id") as caught:
            one_way.create(_asking_about(part))
        assert caught.value.code == "unsupported_feature"
        assert caught.value.param == "input[0].content[1].file_id"
    assert one_way.site.simulator.requests == []


class Address(BaseModel):
    """Where somebody lives."""

    street: str
    number: int | None


class Person(BaseModel):
    """Somebody."""

    name: str
    addresses: list[Address]


def test_a_pydantic_model_is_parsed_from_the_answer(caller: ResponsesCaller) -> None:
    person = caller.parse("Who is it?", Person).output_parsed
    assert isinstance(person, Person)
    assert (person.name, person.addresses[0].street) == ("name", "street")
    assert "addresses" in caller.sent().body.decode()
    assert caller.assembled("Who is it?", text_format=Person).output_parsed == person


def test_a_json_schema_is_answered_with_json(translated: ResponsesCaller) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "wet": {"type": "boolean"}},
        "required": ["city", "wet"],
        "additionalProperties": False,
    }
    text = {"format": {"type": "json_schema", "name": "weather", "schema": schema}}
    answer = translated.create("Where does it rain?", text=text)
    assert json.loads(answer.output_text) == {"city": "city", "wet": True}
    assert answer.text.format.name == "weather"
    events = translated.stream("Where does it rain?", text=text)
    assert json.loads(text_of(events)) == {"city": "city", "wet": True}


def test_json_without_a_schema_where_the_upstream_has_it(one_way: ResponsesCaller) -> None:
    text = {"format": {"type": "json_object"}}
    if one_way.dialect == "anthropic_messages":
        with pytest.raises(openai.BadRequestError, match="schema"):
            one_way.create("Say it in JSON", text=text)
        return
    answer = one_way.create("Say it in JSON", text=text)
    assert json.loads(answer.output_text) == {"echo": "Say it in JSON"}


def test_an_answer_that_reached_its_token_limit_is_incomplete(translated: ResponsesCaller) -> None:
    limit = {"max_output_tokens": 2}
    answer = translated.create("one two three four", **limit)
    assert (answer.output_text, answer.status) == ("Echo: one", "incomplete")
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert answer.output[0].status == "incomplete"
    assert answer.max_output_tokens == 2
    events = translated.stream("one two three four", **limit)
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.incomplete_details == answer.incomplete_details
    assert events[-1].response.output[0].status == "incomplete"


def test_tuning_reaches_the_upstream_or_is_left_out_with_a_warning_in_the_log(
    one_way: ResponsesCaller,
) -> None:
    answer = one_way.create(
        "Hello",
        temperature=0.5,
        top_p=0.25,
        text={"verbosity": "low"},
        metadata={"team": "blue"},
        truncation="auto",
        prompt_cache_key="k",
        store=False,
    )
    assert (answer.store, answer.text.verbosity) == (False, "low")
    body = one_way.body()
    said = body.get("generationConfig", body)
    assert said["temperature"] == 0.5
    left_out = {"text.verbosity", "metadata", "truncation", "prompt_cache_key"}
    warnings = {each.removesuffix(" was left out") for each in one_way.site.row().warnings}
    assert warnings == left_out


def test_log_probabilities_where_the_upstream_has_them(caller: ResponsesCaller) -> None:
    wanted = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    if caller.dialect == "anthropic_messages":
        with pytest.raises(openai.BadRequestError, match="log probabilities") as caught:
            caller.create("Hello", **wanted)
        assert caught.value.code == "unsupported_feature"
        return
    tokens = caller.create("Hello", **wanted).output[0].content[0].logprobs
    assert [(each.token, each.logprob) for each in tokens] == [("Echo:", -0.25), (" Hello", -0.25)]
    assert [each.token for each in tokens[0].top_logprobs] == ["Echo:", "other0"]
    events = caller.stream("Hello", **wanted)
    deltas = [each for each in events if each.type == "response.output_text.delta"]
    assert [one.token for each in deltas for one in each.logprobs] == ["Echo:", " Hello"]
    assert events[-1].response.output[0].content[0].logprobs == tokens


def test_closing_a_stream_ends_the_call_of_the_upstream(caller: ResponsesCaller) -> None:
    caller.connect(failure="hang-midstream")
    assert caller.leave_after_first_content("Hello there, my dear friend").startswith("Echo")
    left = caller.site.simulator.wait_for(lambda request: request.left_early)
    assert left.failure == "hang-midstream"
    until = time.monotonic() + SECONDS_FOR_THE_LOG
    while not caller.site.rows():
        assert time.monotonic() < until, "The request was never logged."
    row = caller.site.row()
    assert (row.outcome, row.attempt_count, row.stream) == ("client_closed", 1, True)


def _text(text: str) -> dict[str, Any]:
    return {"type": "input_text", "text": text}


def _image(url: str) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url, "detail": "low"}


def _asking_about(part: dict[str, Any]) -> list[Any]:
    return [{"role": "user", "content": [_text("Look"), part]}]
