"""The official anthropic SDK, sync and async, over each upstream dialect: texts, files, JSON."""

from __future__ import annotations

import time
from typing import Any

import anthropic
import pytest
from anthropic.types import (
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
)
from pydantic import BaseModel

from tests.gateway.anthropic_callers import EVERY_WAY, HELLO, Caller, sdk, text_of
from tests.gateway.openai_callers import KEY_AS_SENT, PDF, PNG, key_sent, turns
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
    (block,) = answer.content
    assert (block.type, block.text) == ("text", "Echo: Hello there")
    assert (answer.type, answer.role, answer.stop_reason) == ("message", "assistant", "end_turn")
    assert answer.stop_sequence is None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (2, 3)
    assert answer.model == DIALECTS[caller.dialect][2]
    row = caller.site.row()
    assert (row.outcome, row.dialect, row.total_tokens) == ("success", "anthropic_messages", 5)
    assert answer._request_id == row.request_id


def test_a_text_is_streamed_in_the_order_of_the_dialect(caller: Caller) -> None:
    events = caller.events("Hello there, how are you?")
    kinds = [type(event) for event in events]
    assert kinds[:2] == [RawMessageStartEvent, RawContentBlockStartEvent]
    assert kinds[-3:] == [RawContentBlockStopEvent, RawMessageDeltaEvent, RawMessageStopEvent]
    assert set(kinds[2:-3]) == {RawContentBlockDeltaEvent}
    assert len(kinds) >= 8
    start, delta = events[0].message, events[-2]
    assert (start.role, start.content, start.stop_reason) == ("assistant", [], None)
    assert start.usage.output_tokens <= delta.usage.output_tokens
    assert delta.delta.stop_reason == "end_turn"
    assert (delta.usage.input_tokens, delta.usage.output_tokens) == (5, 6)
    pieces = [event.delta.text for event in events[2:-3]]
    assert "".join(pieces) == "Echo: Hello there, how are you?"


def test_a_stream_is_the_plain_answer(caller: Caller) -> None:
    asked = "A prompt of exactly seven words, cached"
    plain, streamed = caller.create(asked), caller.assembled(asked)
    assert text_of(plain) == text_of(streamed) == f"Echo: {asked}"
    for usage in (plain.usage, streamed.usage):
        assert (usage.input_tokens, usage.cache_read_input_tokens) == (4, 3)
        assert usage.output_tokens == 8
    assert plain.stop_reason == streamed.stop_reason == "end_turn"
    assert [row.total_tokens for row in caller.site.rows()] == [15, 15]


def test_the_upstream_gets_its_own_model_and_key_and_nothing_of_the_caller(caller: Caller) -> None:
    answer = caller.raw(
        "Hello", extra_headers={"x-forwarded-for": "203.0.113.7", "cookie": "session=mine"}
    )
    assert answer.headers["x-koneek-connection"].endswith("works")
    sent = caller.sent()
    assert key_sent(caller.dialect, sent) == KEY_AS_SENT[caller.dialect]
    everything = repr(sent.headers) + sent.target + sent.body.decode()
    assert everything.count(UPSTREAM_KEY) == 1
    for foreign in (caller.site.key, "203.0.113.7", "session=mine"):
        assert foreign not in everything
    assert not [name for name in sent.headers if name.startswith("x-stainless")]


def test_betas_go_on_to_anthropic_alone(one_way: Caller) -> None:
    one_way.create("Hello", extra_headers={"anthropic-beta": "some-feature-2026-01-01"})
    wanted = "some-feature-2026-01-01" if one_way.dialect == "anthropic_messages" else None
    assert one_way.sent().headers.get("anthropic-beta") == wanted


def test_the_beta_messages_of_the_sdk_are_served_too(one_way: Caller) -> None:
    with sdk(one_way.site) as client:
        answer = client.beta.messages.create(model="auto", max_tokens=99, messages=HELLO)
    assert text_of(answer) == "Echo: Hello there"


def test_the_system_prompt_and_all_turns_reach_the_upstream(caller: Caller) -> None:
    blocks = [{"type": "text", "text": "Three", "cache_control": {"type": "ephemeral"}}]
    answer = caller.create(
        [
            {"role": "user", "content": "One"},
            {"role": "assistant", "content": "Two"},
            {"role": "user", "content": blocks},
            {"role": "assistant", "content": [{"type": "text", "text": "Four"}]},
            {"role": "user", "content": "Five"},
        ],
        system=[{"type": "text", "text": "Be brief."}],
    )
    assert text_of(answer) == "Echo: Five"
    model = "model" if caller.dialect == "google_generate" else "assistant"
    assert turns(caller.dialect, caller.body()) == [
        ("system", "Be brief."),
        ("user", "One"),
        (model, "Two"),
        ("user", "Three"),
        (model, "Four"),
        ("user", "Five"),
    ]


def test_awkward_text_arrives_and_comes_back_unchanged(caller: Caller) -> None:
    assert text_of(caller.create(AWKWARD, system="Echo.")) == f"Echo: {AWKWARD}"
    assert turns(caller.dialect, caller.body()) == [("system", "Echo."), ("user", AWKWARD)]
    assert text_of(caller.assembled(AWKWARD)) == f"Echo: {AWKWARD}"


def test_an_answer_without_content_is_an_answer(caller: Caller) -> None:
    caller.connect(failure="empty-finish")
    for ask in (caller.create, caller.assembled):
        answer = ask("Hello")
        assert (answer.content, answer.stop_reason) == ([], "end_turn")


FILES: dict[str, tuple[dict[str, Any], str]] = {
    "image": (
        {"type": "base64", "media_type": "image/png", "data": PNG},
        "[image image/png 68 bytes]",
    ),
    "document": (
        {"type": "base64", "media_type": "application/pdf", "data": PDF},
        "[file application/pdf 100 bytes]",
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_reaches_the_upstream(caller: Caller, kind: str) -> None:
    source, seen = FILES[kind]
    answer = caller.create([_looking_at({"type": kind, "source": source})])
    assert text_of(answer) == f"Echo: Look {seen}"
    assert source["data"] in caller.sent().body.decode()


def test_an_image_by_address_is_passed_on_and_never_fetched_by_the_site(caller: Caller) -> None:
    address = f"http://127.0.0.1:{caller.site.simulator.port}/picture.png?size=1"
    image = {"type": "image", "source": {"type": "url", "url": address}}
    answer = caller.create([_looking_at(image)])
    assert text_of(answer) == f"Echo: Look [image url {address}]"
    assert len(caller.site.simulator.requests) == 1


def test_a_text_as_document_reaches_the_upstream(one_way: Caller) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "grüner Text"}
    answer = one_way.create([_looking_at({"type": "document", "source": source})])
    assert text_of(answer) == "Echo: Look [file text/plain 12 bytes]"


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
    assert isinstance(answer.parsed_output, Person)
    assert answer.parsed_output.addresses[0].street == "street"
    streamed = caller.assembled("Who is it?", output_format=Person)
    assert streamed.parsed_output == answer.parsed_output


def test_stop_sequences_end_the_answer(one_way: Caller) -> None:
    for ask in (one_way.create, one_way.assembled):
        answer = ask("one two three four", stop_sequences=["never", "three"])
        assert text_of(answer).rstrip() == "Echo: one two"
        if one_way.dialect == "anthropic_messages":
            assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "three")
        else:
            assert (answer.stop_reason, answer.stop_sequence) == ("end_turn", None)


def test_the_token_limit_ends_the_answer(one_way: Caller) -> None:
    for ask in (one_way.create, one_way.assembled):
        answer = ask("one two three four", max_tokens=2)
        assert (text_of(answer), answer.stop_reason) == ("Echo: one", "max_tokens")


def test_tuning_reaches_the_upstream_or_is_left_out_with_a_warning_in_the_log(
    one_way: Caller,
) -> None:
    one_way.create(
        "Hello",
        metadata={"user_id": "user-17"},
        service_tier="auto",
        # Older models only, which the SDK has stopped to name.
        extra_body={"temperature": 0.5, "top_k": 7},
    )
    body, warnings = one_way.body(), " ".join(one_way.site.row().warnings)
    match one_way.dialect:
        case "openai_chat":
            assert (body["temperature"], body["user"]) == (0.5, "user-17")
            assert "top_k" in warnings
        case "anthropic_messages":
            assert (body["temperature"], body["top_k"]) == (0.5, 7)
            assert (body["metadata"], body["service_tier"]) == ({"user_id": "user-17"}, "auto")
            assert warnings == ""
        case _:
            config = body["generationConfig"]
            assert (config["temperature"], config["topK"]) == (0.5, 7)
    assert ("service_tier" in warnings) == (one_way.dialect != "anthropic_messages")


def test_tools_of_the_vendor_are_refused_elsewhere_and_skipped_in_a_chain(site: Site) -> None:
    tools: Any = [{"type": "bash_20250124", "name": "bash"}]
    caller = Caller(site, "openai_chat")
    caller.connect()
    with pytest.raises(anthropic.BadRequestError, match="bash_20250124") as caught:
        caller.create("Hello", tools=tools)
    assert caught.value.error_code == "unsupported_feature"
    assert site.simulator.requests == []


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_pictures_of_an_answer_come_as_blocks_and_are_history_for_who_can_read_them(
    site: Site,
) -> None:
    caller = Caller(site, "google_generate")
    caller.connect(model="gemini-3.1-flash-image")
    for ask in (caller.create, caller.assembled):
        answer = ask("A picture of a cat, please")
        (picture,) = [block for block in answer.content if block.type == "image"]
        assert picture.source["media_type"] == "image/png"
        history = [
            {"role": "user", "content": "A picture of a cat, please"},
            {"role": "assistant", "content": answer.content},
            {"role": "user", "content": "Now a dog"},
        ]
        caller.create(history)
        assert picture.source["data"] in caller.sent().body.decode()
        assert "koneek" not in caller.sent().body.decode()


@pytest.mark.parametrize("ask", ["count", "create"])
def test_counting_tokens_leaves_a_row_without_usage(caller: Caller, ask: str) -> None:
    """A prompt has as many tokens as the answer to it says that it had."""
    prompt: Any = [_looking_at({"type": "text", "text": "at these five words"})]
    options: dict[str, Any] = {
        "system": "Be brief.",
        "tools": [{"name": "weather", "input_schema": {"type": "object", "properties": {}}}],
        "tool_choice": {"type": "none"},
    }
    if ask == "create":
        assert caller.create(prompt, **options).usage.input_tokens == 7
        return
    assert caller.count(prompt, **options) == 7
    row = caller.site.row()
    assert (row.outcome, row.status) == ("success", 200)
    assert (row.dialect, row.total_tokens) == ("anthropic_count_tokens", None)
    assert row.attempts[0]["class"] == "ok"
    path = caller.sent().path
    assert path.endswith(("/messages/count_tokens", ":countTokens", "/responses/input_tokens"))


def test_a_connection_that_cannot_count_is_skipped_and_alone_refused(site: Site) -> None:
    cannot = site.upstream("openai_chat", name="cannot", provider="openai-compatible")
    site.connect(cannot, site.upstream("anthropic_messages"))
    caller = Caller(site, "anthropic_messages")
    assert caller.count("Two words") == 2
    site.connect(cannot)
    with pytest.raises(anthropic.BadRequestError, match="counts tokens") as caught:
        caller.count("Two words")
    assert caught.value.error_code == "unsupported_feature"


def test_the_names_of_models_come_in_pages(site: Site) -> None:
    names = [f"model-{number:02}" for number in range(30)]
    site.connect(site.upstream("openai_chat", name="only", model="first", models=names))
    with sdk(site) as client:
        page = client.models.list(limit=7)
        assert (len(page.data), page.has_more) == (7, True)
        assert (page.first_id, page.data[0].id) == ("auto", "auto")
        listed = [model.id for model in page]
        assert {"auto", "only", "first", *names} <= set(listed)
        assert len(listed) == len(set(listed))
        back = client.models.list(before_id=listed[9], limit=3)
        assert [model.id for model in back.data] == listed[6:9]
        one = client.models.retrieve("model-07")
        assert (one.id, one.type, one.created_at.year >= 2025) == ("model-07", "model", True)
        with pytest.raises(anthropic.NotFoundError, match="auto"):
            client.models.retrieve("model-99")
        with pytest.raises(anthropic.BadRequestError, match="after_id"):
            client.models.list(after_id="model-99")
        with pytest.raises(anthropic.BadRequestError, match="limit"):
            client.models.list(limit=1001)


def test_closing_a_stream_ends_the_call_of_the_upstream(caller: Caller) -> None:
    caller.connect(failure="hang-midstream")
    assert caller.leave_after_first_text("Hello there, my dear friend").startswith("Echo")
    left = caller.site.simulator.wait_for(lambda request: request.left_early)
    assert left.failure == "hang-midstream"
    until = time.monotonic() + SECONDS_FOR_THE_LOG
    while not caller.site.rows():
        assert time.monotonic() < until, "The request was never logged."
    row = caller.site.row()
    assert (row.outcome, row.attempt_count, row.stream) == ("client_closed", 1, True)


def _looking_at(block: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": "Look"}, block]}
