"""The official google-genai SDK, sync and async, over each upstream dialect.

Tools and what the model thought before it called them are in ``test_google_sdk_tools``.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
import pytest
from google.genai import types
from pydantic import BaseModel

from tests.gateway.google_callers import ALLOWED, GoogleCaller, google_sdk, parts_of, text_of
from tests.gateway.openai_callers import EVERY_WAY, KEY_AS_SENT, PNG, key_sent, turns
from tests.live_site import DIALECTS, UPSTREAM_KEY, Site

pytestmark = ALLOWED

AWKWARD = 'Grüße 👩‍👩‍👧 \u2028 \u2029 \u0085 \\u0041 "quoted" 中文 \x7f end'
SECONDS_FOR_THE_LOG = 10.0


@pytest.fixture(params=EVERY_WAY, ids=lambda way: "-".join(way))
def caller(request: pytest.FixtureRequest, site: Site) -> GoogleCaller:
    """The SDK, both ways, over one connection in each dialect."""
    caller = GoogleCaller(site, *request.param)
    caller.connect()
    return caller


@pytest.fixture(params=DIALECTS)
def one_way(request: pytest.FixtureRequest, site: Site) -> GoogleCaller:
    """The blocking SDK over one connection in each dialect, for what does not depend on the way."""
    caller = GoogleCaller(site, request.param)
    caller.connect()
    return caller


def test_a_text_is_answered(caller: GoogleCaller) -> None:
    answer = caller.generate("Hello there")
    assert answer.text == "Echo: Hello there"
    (candidate,) = answer.candidates
    assert candidate.content.role == "model"
    assert candidate.finish_reason is types.FinishReason.STOP
    assert answer.model_version == DIALECTS[caller.dialect][2]
    assert answer.response_id


def test_a_text_is_streamed(caller: GoogleCaller) -> None:
    pieces = caller.stream("Hello there, how are you?")
    assert text_of(pieces) == "Echo: Hello there, how are you?"
    assert sum(bool(piece.text) for piece in pieces) >= 3
    *others, last = pieces
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    assert not any(piece.candidates[0].finish_reason for piece in others)
    assert len({(piece.response_id, piece.model_version) for piece in pieces}) == 1


def test_the_upstream_gets_its_own_model_and_key_and_nothing_of_the_caller(
    caller: GoogleCaller,
) -> None:
    caller.generate(
        "Hello",
        http_options=types.HttpOptions(
            headers={
                "x-forwarded-for": "203.0.113.7",
                "cookie": "session=mine",
                "x-goog-user-project": "project-mine",
            }
        ),
    )
    sent = caller.sent()
    model = DIALECTS[caller.dialect][2]
    if caller.dialect == "google_generate":
        assert sent.path == f"/v1beta/models/{model}:generateContent"
        assert "model" not in caller.body()
    else:
        assert caller.body()["model"] == model
    assert key_sent(caller.dialect, sent) == KEY_AS_SENT[caller.dialect]
    everything = repr(sent.headers) + sent.target + sent.body.decode()
    assert everything.count(UPSTREAM_KEY) == 1
    for foreign in (caller.site.key, "203.0.113.7", "session=mine", "project-mine"):
        assert foreign not in everything
    assert not [name for name in sent.headers if name.startswith("x-goog-api-client")]


def test_usage_comes_unasked_and_is_the_same_plain_and_streamed(caller: GoogleCaller) -> None:
    prompt = "A prompt of exactly seven words, cached"
    plain = caller.generate(prompt).usage_metadata
    assert (plain.prompt_token_count, plain.candidates_token_count) == (7, 8)
    assert (plain.total_token_count, plain.cached_content_token_count) == (15, 3)
    streamed = caller.stream(prompt)[-1].usage_metadata
    assert streamed == plain
    assert [row.total_tokens for row in caller.site.rows()] == [15, 15]


def test_the_system_prompt_and_all_turns_reach_the_upstream(caller: GoogleCaller) -> None:
    answer = caller.generate(
        [
            types.UserContent("One"),
            types.ModelContent("Two"),
            types.UserContent("Three"),
            types.ModelContent("Four"),
            types.UserContent("Five"),
        ],
        system_instruction="Be brief.",
    )
    assert answer.text == "Echo: Five"
    model = "model" if caller.dialect == "google_generate" else "assistant"
    assert turns(caller.dialect, caller.body()) == [
        ("system", "Be brief."),
        ("user", "One"),
        (model, "Two"),
        ("user", "Three"),
        (model, "Four"),
        ("user", "Five"),
    ]


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_a_chat_of_the_sdk_goes_on(one_way: GoogleCaller, streamed: bool) -> None:
    with google_sdk(one_way.site) as sdk:
        chat = sdk.chats.create(model="auto")
        for word in ("One", "Two", "Three"):
            if streamed:
                said = "".join(piece.text or "" for piece in chat.send_message_stream(word))
            else:
                said = chat.send_message(word).text or ""
            assert said == f"Echo: {word}"
        assert len(chat.get_history(curated=True)) >= 6
    if one_way.dialect != "google_generate":
        model = "assistant"
        assert turns(one_way.dialect, one_way.body()) == [
            ("user", "One"),
            (model, "Echo: One"),
            ("user", "Two"),
            (model, "Echo: Two"),
            ("user", "Three"),
        ]


def test_awkward_texts_arrive_unchanged(caller: GoogleCaller) -> None:
    assert caller.generate(AWKWARD).text == f"Echo: {AWKWARD}"
    assert text_of(caller.stream(AWKWARD)) == f"Echo: {AWKWARD}"


def test_an_image_reaches_the_upstream(caller: GoogleCaller) -> None:
    picture = types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")
    answer = caller.generate([picture, "What is this?"])
    assert "image/png 68 bytes" in answer.text or "image 68 bytes" in answer.text, answer.text


class Weather(BaseModel):
    """An answer in a shape."""

    city: str
    degrees: int
    wind: str | None = None


@pytest.mark.parametrize("way", ["response_schema", "response_json_schema"])
def test_an_answer_in_the_shape_of_a_schema(caller: GoogleCaller, way: str) -> None:
    shape: Any = Weather if way == "response_schema" else Weather.model_json_schema()
    answer = caller.generate(
        "How is the weather?", response_mime_type="application/json", **{way: shape}
    )
    read = Weather.model_validate_json(answer.text)
    assert read.city
    assert isinstance(read.degrees, int)
    body = json.dumps(caller.body())
    assert '"degrees"' in body
    if caller.dialect != "google_generate":
        assert '"integer"' in body
        assert "INTEGER" not in body


def test_tuning_reaches_the_upstream_or_is_named_in_the_log(one_way: GoogleCaller) -> None:
    one_way.generate(
        "Hello",
        temperature=0.5,
        top_p=0.25,
        top_k=7,
        max_output_tokens=99,
        stop_sequences=["never"],
        seed=3,
        safety_settings=[
            types.SafetySetting(
                category=types.HarmCategory.HARM_CATEGORY_HATE_SPEECH,
                threshold=types.HarmBlockThreshold.BLOCK_NONE,
            )
        ],
    )
    body, warnings = one_way.body(), one_way.site.row().warnings
    match one_way.dialect:
        case "openai_chat":
            assert (body["temperature"], body["top_p"], body["seed"]) == (0.5, 0.25, 3)
            assert 99 in (body.get("max_tokens"), body.get("max_completion_tokens"))
            assert body["stop"] == ["never"]
            assert sorted(warnings) == ["safetySettings was left out", "top_k was left out"]
        case "anthropic_messages":
            assert (body["max_tokens"], body["stop_sequences"]) == (99, ["never"])
            assert "safetySettings" in " ".join(warnings)
        case _:
            assert body["generationConfig"]["topK"] == 7
            assert body["safetySettings"][0]["threshold"] == "BLOCK_NONE"
            assert warnings == []


def test_the_limit_of_tokens_is_the_finish_reason(caller: GoogleCaller) -> None:
    answer = caller.generate("Many words to be said again by the upstream", max_output_tokens=2)
    assert answer.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    pieces = caller.stream("Many words to be said again by the upstream", max_output_tokens=2)
    assert pieces[-1].candidates[0].finish_reason is types.FinishReason.MAX_TOKENS


@pytest.mark.parametrize("dialect", ["openai_chat", "google_generate"])
def test_several_candidates_and_log_probabilities_where_the_upstream_has_them(
    site: Site, dialect: str
) -> None:
    caller = GoogleCaller(site, dialect)
    caller.connect()
    options: dict[str, Any] = {"candidate_count": 2, "response_logprobs": True, "logprobs": 2}
    answer = caller.generate("Hello there", **options)
    assert len(answer.candidates) == 2
    for candidate in answer.candidates:
        chosen = candidate.logprobs_result.chosen_candidates
        assert "".join(each.token for each in chosen) == candidate.content.parts[0].text
        assert len(candidate.logprobs_result.top_candidates[0].candidates) == 2
    pieces = caller.stream("Hello there", **options)
    for number in (0, 1):
        assert text_of(pieces, number) == answer.candidates[number].content.parts[0].text


def test_a_filtered_answer_ends_with_safety(one_way: GoogleCaller) -> None:
    one_way.connect(failure="filter-finish")
    assert one_way.generate("Hello").candidates[0].finish_reason is types.FinishReason.SAFETY
    pieces = one_way.stream("Hello")
    assert pieces[-1].candidates[0].finish_reason is types.FinishReason.SAFETY


def test_a_stream_that_is_left_stops_the_upstream(caller: GoogleCaller) -> None:
    caller.connect(failure="hang-midstream")
    assert caller.leave_after_first_text("Hello there, my dear friend").startswith("Echo")
    left = caller.site.simulator.wait_for(lambda request: request.left_early)
    assert left.failure == "hang-midstream"
    until = time.monotonic() + SECONDS_FOR_THE_LOG
    while not caller.site.rows():
        assert time.monotonic() < until, "The request was never logged."
    row = caller.site.row()
    assert (row.outcome, row.attempt_count, row.stream) == ("client_closed", 1, True)


@pytest.mark.parametrize("failure", ["comments", "multiline", "crlf", "cr", "u2028", "bom"])
def test_streams_of_every_form_are_read_by_the_sdk(one_way: GoogleCaller, failure: str) -> None:
    one_way.connect(failure=failure)
    assert text_of(one_way.stream("Hello there")).startswith("Echo")


def test_what_keeps_a_stream_alive_is_nothing_to_the_sdk(site: Site, settings: Any) -> None:
    settings.AI_CLIENT = {**settings.AI_CLIENT, "KEEP_ALIVE_AFTER": 0.05}
    site.connect(site.upstream("openai_chat", failure="slow-first-event-1"))
    assert text_of(GoogleCaller(site, "openai_chat").stream("Hello")) == "Echo: Hello"
    for frame in ("sse", "json"):
        answer = httpx.post(
            f"{site.base_url}/v1beta/models/auto:streamGenerateContent",
            params={"alt": frame},
            headers={"x-goog-api-key": site.key},
            json={"contents": [{"parts": [{"text": "Hello"}]}]},
            timeout=30,
        )
        assert answer.content.startswith(b"\n"), "nothing was sent while there was nothing to say"
        if frame == "json":
            assert answer.json()[-1]["candidates"][0]["finishReason"] == "STOP"


def test_models_are_listed_and_told_one_by_one(site: Site) -> None:
    site.connect(
        site.upstream("openai_chat", name="primary"),
        site.upstream("google_generate", name="second", model="gemini:simulated"),
    )
    names = [
        "auto",
        "primary",
        "second",
        "gpt-simulated",
        "primary/gpt-simulated",
        "gemini:simulated",
        "second/gemini:simulated",
    ]
    with google_sdk(site) as sdk:
        listed = list(sdk.models.list())
        paged = list(sdk.models.list(config={"page_size": 2}))
        one = sdk.models.get(model="second/gemini:simulated")
    assert [each.name for each in listed] == [f"models/{name}" for name in names]
    assert [each.name for each in paged] == [each.name for each in listed]
    assert all("generateContent" in (each.supported_actions or ()) for each in listed)
    assert one.name == "models/second/gemini:simulated"
    assert one.display_name == "second/gemini:simulated"


@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("name", "connection", "model"),
    [
        ("second", "second", "llama3:8b"),
        ("second/llama3:8b", "second", "llama3:8b"),
        ("models/llama3:8b", "second", "llama3:8b"),
        ("primary/other:4", "primary", "other:4"),
    ],
)
def test_names_with_slashes_and_colons_find_their_model(
    site: Site, name: str, connection: str, model: str, streamed: bool
) -> None:
    caller = GoogleCaller(site, "openai_chat")
    site.connect(
        site.upstream("openai_chat", name="primary"),
        site.upstream("openai_chat", name="second", model="llama3:8b"),
    )
    if streamed:
        assert text_of(caller.stream("Hello", model=name)) == "Echo: Hello"
    else:
        assert caller.generate("Hello", model=name).text == "Echo: Hello"
    assert caller.body()["model"] == model
    assert site.row().connection == connection


def test_pictures_come_back_as_files(site: Site) -> None:
    caller = GoogleCaller(site, "google_generate")
    caller.connect(model="gemini-3-pro-image-preview")
    answer = caller.generate("Draw a cat", response_modalities=["TEXT", "IMAGE"])
    (picture,) = [part.inline_data for part in parts_of(answer) if part.inline_data]
    assert picture.mime_type == "image/png"
    assert picture.data.startswith(b"\x89PNG")
