"""What holds for every gateway face that is for no conversation, found by being there.

Answers and requests go through the face and back without loss, and errors are errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.errors import AiClientError, InvalidRequest, RateLimited, UnsupportedFeature
from ai_client.gateway.endpoints import ENDPOINTS, Kind
from ai_client.messages import EmbeddingResult, GenerationRequest, TokenCount, user_message
from ai_client.wire import (
    RenderContext,
    UnknownWireFormat,
    result_gateway_face,
    wire_formats,
)
from tests.ai_client.wire.test_contract import unhurried, vandalized
from tests.ai_client.wire.test_result_contract import EXAMPLES, TARGET, asked, face_of

CONTEXT = RenderContext("req_1", "some-model", 1_700_000_000, include_usage=True)


def found() -> list[str]:
    faces = []
    for name in wire_formats():
        try:
            result_gateway_face(name)
        except UnknownWireFormat:
            continue
        faces.append(name)
    return faces


GATEWAYS = found()
every_gateway = pytest.mark.parametrize("wire", GATEWAYS)


def told(wire: str, result: Any, body: Mapping[str, Any]) -> Any:
    """The result as a caller reads what the gateway answers."""
    response = result_gateway_face(wire).render_result(result, body, CONTEXT)
    assert response.status == 200
    content_type = response.headers.get("content-type", "application/json")
    return face_of(wire).parse_result(response.body, content_type, asked(wire))


def test_every_face_is_served_and_has_an_example() -> None:
    served = {each.dialect for each in ENDPOINTS if each.kind in (Kind.RESULT, Kind.COUNT)}
    assert set(GATEWAYS) == served
    assert set(GATEWAYS) <= set(EXAMPLES)


@every_gateway
def test_an_answer_is_read_as_it_was_written(wire: str) -> None:
    example = EXAMPLES[wire]
    sent = asked(wire)
    result = face_of(wire).parse_result(example.raw, example.content_type, sent)
    again = told(wire, result, sent.body)
    assert type(again) is type(result)
    assert without_envelope(again) == without_envelope(result)


def without_envelope(result: Any) -> Any:
    """Ids, names of models and counts that only one of the answers has are not the answer."""
    match result:
        case EmbeddingResult():
            return result.embeddings
        case TokenCount():
            return result
        case _:
            return [each.message.parts for each in result.candidates]


@every_gateway
@unhurried
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip))
def test_a_request_is_read_as_it_was_written(wire: str, text: str) -> None:
    request = GenerationRequest((user_message(text),), capability=EXAMPLES[wire].capability)
    sent = face_of(wire).render_request(request, TARGET)
    body = {"model": "some-model", **json.loads(json.dumps(sent.body))}
    read = result_gateway_face(wire).parse_request(body)
    assert read.capability is request.capability
    assert read.untranslatable == ()
    assert read.messages == request.messages
    assert json.loads(json.dumps(face_of(wire).render_request(read, TARGET).body)) == json.loads(
        json.dumps(sent.body)
    )


@every_gateway
@unhurried
@given(data=st.data())
def test_any_json_is_a_request_or_has_a_field_at_fault(wire: str, data: st.DataObject) -> None:
    body = data.draw(vandalized({"model": "some-model", **asked(wire).body}))
    try:
        read = result_gateway_face(wire).parse_request(body)
        face_of(wire).render_request(replace(read, untranslatable=()), TARGET)
    except (InvalidRequest, UnsupportedFeature):
        return


@every_gateway
def test_an_error_is_one_of_the_dialect(wire: str) -> None:
    error: AiClientError = RateLimited("Slow down.", retry_after=7)
    response = result_gateway_face(wire).render_error(error, "req_1")
    assert response.status == 429
    assert response.headers["retry-after"] == "7"
    again = face_of(wire).parse_error(response.status, response.headers, response.body)
    assert isinstance(again, RateLimited)
    assert "Slow down." in again.message
    assert again.retry_after == 7
