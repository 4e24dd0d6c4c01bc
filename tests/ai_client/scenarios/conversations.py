"""Scenarios of what is said and answered in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ai_client import (
    File,
    FunctionCall,
    FunctionResponse,
    Message,
    PromptBuilder,
    Role,
    model_message,
    prompt,
    user_message,
)
from ai_client.capabilities import Capability
from ai_client.messages import Channel, FinishReason, MessagePart
from ai_client.simulator.media_files import PICTURES, wav
from tests.ai_client.scenarios.scenario import Scenarios, seen
from tests.ai_client.scenarios.stage import Stage
from tests.ai_client.scenarios.upstreams import OPENAI
from tests.ai_client.scenarios.ways import WHOLE

scenario = Scenarios(alone=True)

PICTURE = File.from_bytes(PICTURES["png"](1, 1, b"rgb"), "image/png")
PDF = File.from_bytes(b"%PDF-1.4\n%%EOF", "application/pdf", "report.pdf")
SOUND = File.from_bytes(wav(1), "audio/wav")


@dataclass
class Place:
    """Where something is."""

    city: str
    country: str


@scenario
def plain_text(stage: Stage) -> object:
    text = stage.way.text(prompt("Explain gravity"))
    assert text == "Echo: Explain gravity"
    result = stage.way.result(prompt("Explain gravity"))
    assert result.to_text() == text
    assert result.candidates[0].finish_reason is FinishReason.STOP
    assert result.model == stage.upstream.model
    return text, seen(result)


@scenario
def text_beyond_ascii(stage: Stage) -> object:
    said = "Grüße 🎉 \u2028 and \u0085 مرحبا"
    assert stage.way.text(prompt(said)) == f"Echo: {said}"
    result = stage.way.result(prompt(said).using_system_instruction("Être bref"))
    assert result.to_text() == f"Echo: {said}"
    return seen(result)


@scenario.in_ways(*WHOLE)
def who_answered(stage: Stage) -> object:
    result = stage.way.result(prompt("Hello"))
    assert result.provider_metadata is not None
    assert result.model_metadata is not None
    assert result.provider_metadata.id == stage.upstream.slug
    assert result.model_metadata.id == stage.upstream.model
    assert Capability.TEXT_GENERATION in result.model_metadata.capabilities
    return result.provider_metadata, result.model_metadata


@scenario
def usage(stage: Stage) -> object:
    result = stage.way.result(prompt("One two three"))
    assert result.usage is not None
    # The simulators count words: three come in, "Echo:" and these go out.
    assert result.usage.prompt_tokens == 3
    assert result.usage.completion_tokens == 4
    assert result.usage.total_tokens == 7
    return result.usage


@scenario
def tokens_from_a_cache(stage: Stage) -> object:
    result = stage.way.result(prompt("One two three cached"))
    assert result.usage is not None
    assert (result.usage.prompt_tokens, result.usage.cached_tokens) == (4, 2)
    return result.usage


@scenario
def system_instruction(stage: Stage) -> object:
    result = stage.way.result(prompt("Hello").using_system_instruction("Be very brief"))
    assert result.to_text() == "Echo: Hello"
    assert result.usage is not None
    assert result.usage.prompt_tokens == 4, "the system's words count"
    return seen(result)


@scenario
def history_of_several_turns(stage: Stage) -> object:
    first = stage.way.result(prompt("First"))
    second = stage.way.result(
        prompt("Second").with_history(user_message("First"), first.to_message())
    )
    third = stage.way.result(
        prompt("Third").with_history(
            user_message("First"), first.to_message(), user_message("Second"), second.to_message()
        )
    )
    assert third.to_text() == "Echo: Third"
    assert third.usage is not None
    assert third.usage.prompt_tokens == 7, "all that was said before is sent"
    return seen(first), seen(second), seen(third)


@scenario
def history_that_was_stored(stage: Stage) -> object:
    first = stage.way.result(prompt("Think of a number").using_reasoning(budget_tokens=1024))
    stored: Any = first.to_message().to_dict()
    again = Message.from_dict(stored)
    assert again == first.to_message()
    second = stage.way.result(
        prompt("Now double it").with_history(user_message("Think of a number"), again)
    )
    assert second.to_text() == "Echo: Now double it"
    return seen(first), seen(second)


@scenario
def image_input(stage: Stage) -> object:
    result = stage.way.result(prompt("What is it?").with_file(PICTURE))
    size = len(PICTURE.as_bytes())
    assert result.to_text() == f"Echo: What is it? [image image/png {size} bytes]"
    return seen(result)


@scenario
def image_by_url(stage: Stage) -> object:
    url = "https://pictures.example/cat.png"
    result = stage.way.result(prompt("What is it?").with_file(url, "image/png"))
    assert result.to_text() == f"Echo: What is it? [image url {url}]"
    return seen(result)


@scenario
def document_input(stage: Stage) -> object:
    result = stage.way.result(prompt("Sum it up").with_file(PDF))
    size = len(PDF.as_bytes())
    assert result.to_text() == f"Echo: Sum it up [file application/pdf {size} bytes]"
    return seen(result)


@scenario
def audio_input(stage: Stage) -> object:
    result = stage.way.result(prompt("Write down what is said").with_file(SOUND))
    assert result.to_text().startswith("Echo: Write down what is said [audio audio/wav ")
    return seen(result)


@scenario
def audio_input_for_a_model_that_is_named(stage: Stage) -> object:
    """Requirements are not checked then, so the dialect decides."""
    asked = prompt("Write it down").with_file(SOUND)
    result = stage.way.result(asked.using_model((stage.upstream.slug, stage.upstream.model)))
    assert "[audio audio/wav" in result.to_text()
    return seen(result)


@scenario
def json_of_a_schema(stage: Stage) -> object:
    schema: Any = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"],
        "additionalProperties": False,
    }
    result = stage.way.result(prompt("A city").as_json_response(schema))
    assert result.to_text() == '{"city":"city","people":1}'
    return seen(result)


@scenario
def json_of_a_schema_with_bounds(stage: Stage) -> object:
    schema: Any = {
        "type": "object",
        "properties": {"rooms": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["rooms"],
        "additionalProperties": False,
    }
    result = stage.way.result(prompt("A house").as_json_response(schema))
    assert result.to_text() == '{"rooms":1}'
    return seen(result)


@scenario
def json_with_members_of_any_name(stage: Stage) -> object:
    """Who has no word for it is passed over."""
    stage.connect(stage.own(), stage.of(OPENAI, name="last"))
    schema: Any = {
        "type": "object",
        "properties": {"by_name": {"type": "object", "additionalProperties": {"type": "integer"}}},
        "required": ["by_name"],
        "additionalProperties": False,
    }
    result = stage.way.result(prompt("Places").as_json_response(schema))
    assert result.to_text() == '{"by_name":{}}'
    return seen(result)


@scenario
def json_of_any_shape(stage: Stage) -> object:
    said = stage.way.result(prompt("Hello as JSON").as_json_response())
    assert said.to_text() == '{"echo":"Hello as JSON"}'
    unsaid = stage.way.result(prompt("Hello").as_json_response())
    assert unsaid.to_text() == '{"echo":"Hello"}'
    in_system = stage.way.result(
        prompt("Hello").using_system_instruction("Speak json").as_json_response()
    )
    assert in_system.to_text() == '{"echo":"Hello"}'
    return seen(said), seen(unsaid), seen(in_system)


@scenario
def json_of_any_shape_of_who_can(stage: Stage) -> object:
    stage.connect(stage.own(), stage.other(), stage.of(OPENAI, name="last"))
    asked = prompt("Hello").as_json_response()
    assert stage.way.is_supported(asked, "text_generation")
    result = stage.way.result(asked)
    assert result.to_text() == '{"echo":"Hello"}'
    return seen(result)


@scenario
def text_beside_the_result_of_a_function(stage: Stage) -> object:
    beside = Message(
        Role.USER,
        (MessagePart("And"), MessagePart(FunctionResponse("call_1", "f", "4")), MessagePart("so?")),
    )
    result = stage.way.result(
        prompt(beside).with_history(
            user_message("Two and two"), model_message(FunctionCall("call_1", "f", "{}"))
        )
    )
    assert result.to_text()
    return seen(result)


@scenario.in_ways(*WHOLE)
def json_read_into_a_type(stage: Stage) -> object:
    place = stage.way.answer(prompt("A city"), Place)
    assert place == Place("city", "country")
    return place


@scenario
def an_answer_that_is_too_long(stage: Stage) -> object:
    result = stage.way.result(prompt("One two three four five").using_max_tokens(2))
    assert result.to_text() == "Echo: One"
    assert result.candidates[0].finish_reason is FinishReason.LENGTH
    return seen(result)


@scenario
def stop_sequences(stage: Stage) -> object:
    result = stage.way.result(prompt("One two STOP three").using_stop_sequences("STOP"))
    assert result.to_text().rstrip() == "Echo: One two"
    assert result.candidates[0].finish_reason is FinishReason.STOP
    return seen(result)


@scenario
def several_candidates(stage: Stage) -> object:
    result = stage.way.result(prompt("Hello").using_candidate_count(2))
    assert result.to_texts() == ("Echo: Hello", "Echo: Hello (choice 2)")
    return seen(result)


@scenario
def several_candidates_of_a_model_that_is_named(stage: Stage) -> object:
    asked = prompt("Hello").using_candidate_count(2).without_fallback()
    result = stage.way.result(asked.using_model((stage.upstream.slug, stage.upstream.model)))
    assert result.to_texts() == ("Echo: Hello", "Echo: Hello (choice 2)")
    return seen(result)


@scenario
def log_probabilities(stage: Stage) -> object:
    result = stage.way.result(prompt("Hello").using_top_logprobs(2))
    listed = result.candidates[0].logprobs
    assert [each.token for each in listed] == ["Echo:", " Hello"]
    assert all(len(each.top) == 2 for each in listed)
    return seen(result)


@scenario
def web_search(stage: Stage) -> object:
    result = stage.way.result(prompt("What is new?").using_web_search())
    assert any(part.citations for part in result.to_message().parts)
    return seen(result)


@scenario
def reasoning_over_turns(stage: Stage) -> object:
    """What was thought goes back as it came; vendors that sign it refuse anything else."""
    upstream = stage.upstream

    def asked(text: str) -> Any:
        said = prompt(text).using_reasoning(budget_tokens=1024)
        return said.using_model((upstream.slug, upstream.thinker))

    first = stage.way.result(asked("Think hard"))
    thoughts = [part for part in first.to_message().parts if part.channel is Channel.THOUGHT]
    assert first.to_text() == "Echo: Think hard"
    assert first.usage is not None
    assert first.usage.thought_tokens, "thinking is counted, shown or not"
    if upstream.thoughts == "hidden":
        assert not thoughts
    else:
        assert [part.content for part in thoughts] == ["Thinking about: Think hard"]
    if upstream.thoughts == "signed":
        assert any(part.opaque for part in first.to_message().parts)
    second = stage.way.result(
        asked("Think again").with_history(user_message("Think hard"), first.to_message())
    )
    assert second.to_text() == "Echo: Think again"
    sent = stage.requests[-1].body.decode()
    assert ("Thinking about: Think hard" in sent) is (upstream.thoughts != "hidden")
    return seen(first), seen(second)


@scenario
def reasoning_of_another_vendor(stage: Stage) -> object:
    """Thoughts of another dialect are left out: no vendor takes another's signature."""
    stage.connect(stage.own(), stage.other())
    other = stage.stand_in

    first = stage.way.result(
        prompt("Think hard")
        .using_reasoning(budget_tokens=1024)
        .using_model((other.slug, other.thinker))
    )
    second = stage.way.result(
        prompt("Go on").with_history(user_message("Think hard"), first.to_message())
    )
    assert second.to_text() == "Echo: Go on"
    assert "Thinking about" not in stage.requests[-1].body.decode()
    return seen(first), seen(second)


@scenario
def several_parts_in_their_order(stage: Stage) -> object:
    parts = (MessagePart("Before"), MessagePart(PICTURE), MessagePart("after"))
    result = stage.way.result(prompt(Message(Role.USER, parts)))
    assert result.to_text().startswith("Echo: Before after [image image/png")
    return seen(result)


@scenario
def what_a_dialect_cannot_say(stage: Stage) -> object:
    """Of a model that is named, where requirements are not checked: everybody lacks something."""
    upstream = stage.upstream
    asked = with_what_is_lacked(prompt("Look at it"), upstream.dialect)
    return stage.way.text(asked.using_model((upstream.slug, upstream.model)))


def with_what_is_lacked(asked: PromptBuilder, dialect: str) -> PromptBuilder:
    """A prompt for which a dialect has no words, but that of its stand-in has."""
    match dialect:
        case "openai":
            return asked.with_file("https://files.example/report.pdf", "application/pdf")
        case "anthropic":
            return asked.with_file(SOUND)
        case _:
            return asked.with_file("data:image/gif;base64,R0lGODlhAQABAAAAACw=")


@scenario
def tuning(stage: Stage) -> object:
    asked = prompt("Hello").using_temperature(0.5).using_max_tokens(50)
    result = stage.way.result(asked)
    assert result.to_text() == "Echo: Hello"
    sent = stage.requests[-1].body.decode()
    assert '"temperature":0.5' in sent.replace(" ", "")
    return seen(result)
