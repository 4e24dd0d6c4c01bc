"""Every dialect's list of models, found by being there: read whole, page by page, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.errors import AiClientError, BadContent, KeyRejected
from ai_client.wire import ListedModel, ModelsFace, models_face, wire_formats

PAGES: dict[str, tuple[Any, str, Any]] = {
    "openai_chat": (
        {"object": "list", "data": [{"id": "a"}, {"id": "b", "name": "Bee"}, {"x": 1}, 3]},
        "",
        {"error": {"message": "no", "type": "invalid_request_error", "code": "invalid_api_key"}},
    ),
    "anthropic_messages": (
        {
            "data": [{"type": "model", "id": "a"}, {"id": "b", "display_name": "Bee"}, None],
            "has_more": True,
            "first_id": "a",
            "last_id": "b",
        },
        "b",
        {"type": "error", "error": {"type": "authentication_error", "message": "no"}},
    ),
    "google_generate": (
        {
            "models": [
                {"name": "models/a", "supportedGenerationMethods": ["generateContent"]},
                {"name": "models/b", "displayName": "Bee"},
                {"name": "models/e", "supportedGenerationMethods": ["bidiGenerateContent"]},
                {"name": "models/"},
            ],
            "nextPageToken": "t 1",
        },
        "t 1",
        {"error": {"code": 401, "message": "no", "status": "UNAUTHENTICATED"}},
    ),
}
"""Per dialect: a page of the models a and b, its cursor, and an error inside a 200."""

PAGES["openai_responses"] = PAGES["openai_chat"]

EVERY_DIALECT = pytest.mark.parametrize("dialect", sorted(PAGES))


def face_of(dialect: str) -> ModelsFace:
    face = models_face(dialect)
    assert face is not None
    return face


def test_each_dialect_that_lists_models_has_an_example() -> None:
    assert {name for name in wire_formats() if models_face(name)} == set(PAGES)


@EVERY_DIALECT
def test_a_page_is_its_models_and_the_way_to_the_next(dialect: str) -> None:
    page, cursor, _ = PAGES[dialect]
    found = face_of(dialect).parse_models(json.dumps(page).encode())
    assert found.models == (ListedModel("a"), ListedModel("b", "Bee"))
    assert found.cursor == cursor


@EVERY_DIALECT
def test_a_request_has_no_body_and_asks_for_the_page(dialect: str) -> None:
    face = face_of(dialect)
    first = face.models_request("")
    assert (first.method, first.path, first.body) == ("GET", "models", {})
    cursor = PAGES[dialect][1]
    if cursor:
        following = face.models_request(cursor)
        assert cursor in following.query.values()
        assert cursor not in first.query.values()


def test_the_last_page_leads_nowhere() -> None:
    last = b'{"data": [{"id": "a"}], "has_more": false, "last_id": "a"}'
    assert face_of("anthropic_messages").parse_models(last).cursor == ""
    assert face_of("google_generate").parse_models(b"{}").models == ()
    assert face_of("openai_chat").parse_models(b'[{"id": "a"}]').models == (ListedModel("a"),)


@pytest.mark.parametrize("method", ["embedContent", "predict", "predictLongRunning"])
def test_googles_models_for_more_than_text_are_listed(method: str) -> None:
    page = {"models": [{"name": "models/a", "supportedGenerationMethods": [method]}]}
    found = face_of("google_generate").parse_models(json.dumps(page).encode())
    assert found.models == (ListedModel("a"),)


@EVERY_DIALECT
def test_an_error_inside_a_200_is_that_error(dialect: str) -> None:
    with pytest.raises(KeyRejected):
        face_of(dialect).parse_models(json.dumps(PAGES[dialect][2]).encode())


@EVERY_DIALECT
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"hello": 1}', b"3", b'{"data": [', b'"a"'])
def test_what_is_no_list_is_refused(dialect: str, body: bytes) -> None:
    with pytest.raises(BadContent):
        face_of(dialect).parse_models(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "models", "id", "name", "error", "has_more", "last_id"]), inner
        )
    ),
    max_leaves=8,
)


@EVERY_DIALECT
@given(document=JSON)
def test_any_json_is_a_page_or_an_error_of_ours(dialect: str, document: Any) -> None:
    try:
        page = face_of(dialect).parse_models(json.dumps(document).encode())
    except AiClientError:
        return
    assert all(each.id for each in page.models)
