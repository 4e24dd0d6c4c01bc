"""Embeddings through the official google-genai SDK, and by the two paths that Google has."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from google.genai import errors, types

from tests.gateway.google_callers import ALLOWED, async_google_sdk, google_sdk
from tests.live_site import Site

pytestmark = ALLOWED

MODELS = {"openai_chat": "text-embedding-3-small", "google_generate": "gemini-embedding-001"}


@pytest.fixture(params=MODELS)
def dialect(request: pytest.FixtureRequest, site: Site) -> str:
    """A connection that embeds, in each dialect that has embeddings."""
    dialect = str(request.param)
    site.connect(site.upstream(dialect, name="embeds", model=MODELS[dialect]))
    return dialect


@pytest.mark.parametrize("way", ["sync", "async"])
def test_texts_have_vectors_in_their_order(site: Site, dialect: str, way: str) -> None:
    def embed(*contents: str) -> Any:
        given: dict[str, Any] = {"model": "embeds", "contents": list(contents)}
        given["config"] = types.EmbedContentConfig(output_dimensionality=8)
        if way == "sync":
            with google_sdk(site) as sdk:
                return sdk.models.embed_content(**given).embeddings

        async def run() -> Any:
            async with async_google_sdk(site) as sdk:
                return (await sdk.models.embed_content(**given)).embeddings

        return asyncio.run(run())

    first, second = embed("One", "Two")
    assert len(first.values) == len(second.values) == 8
    assert first.values != second.values
    assert [each.values for each in embed("Two", "One")] == [second.values, first.values]
    (alone,) = embed("One")
    assert alone.values == first.values


def test_what_a_vector_is_for_reaches_google_and_is_named_in_the_log_elsewhere(
    site: Site, dialect: str
) -> None:
    with google_sdk(site) as sdk:
        sdk.models.embed_content(
            model="embeds",
            contents="One",
            config=types.EmbedContentConfig(task_type="RETRIEVAL_QUERY"),
        )
    sent, warnings = site.simulator.requests[-1], site.row().warnings
    body: Any = sent.json
    if dialect == "google_generate":
        assert sent.path == f"/v1beta/models/{MODELS[dialect]}:batchEmbedContents"
        (one,) = body["requests"]
        assert one["taskType"] == "RETRIEVAL_QUERY"
        assert one["model"] == f"models/{MODELS[dialect]}"
        assert warnings == []
    else:
        assert sent.path == "/v1/embeddings"
        assert warnings == ["taskType was left out"]


@pytest.mark.parametrize("snake", [False, True])
def test_one_content_by_the_path_for_one(site: Site, dialect: str, snake: bool) -> None:
    size = "output_dimensionality" if snake else "outputDimensionality"
    answer = httpx.post(
        f"{site.base_url}/v1beta/models/embeds:embedContent",
        headers={"x-goog-api-key": site.key},
        json={"content": {"parts": [{"text": "One"}]}, size: 8},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["embedding"]["values"]) == 8
    if dialect == "google_generate":
        sent = site.simulator.requests[-1]
        body: Any = sent.json
        assert sent.path == f"/v1beta/models/{MODELS[dialect]}:embedContent"
        assert "model" not in body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"requests": []}, "requests"),
        ({"requests": [{"content": {"parts": [{}]}}]}, "requests[0].content.parts[0]"),
        ({"content": {"parts": []}}, "content.parts"),
        ({"content": {"parts": [{"text": 5}]}}, "content.parts[0].text"),
    ],
)
def test_what_is_malformed_is_named(site: Site, body: Any, field: str) -> None:
    site.connect(site.upstream("openai_chat", name="embeds", model=MODELS["openai_chat"]))
    answer = httpx.post(
        f"{site.base_url}/v1beta/models/embeds:batchEmbedContents",
        headers={"x-goog-api-key": site.key},
        json=body,
        timeout=30,
    )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["status"] == "INVALID_ARGUMENT"
    assert f"'{field}'" in error["message"]
    assert site.simulator.requests == []


def test_vectors_of_several_lengths_are_for_google_alone(site: Site) -> None:
    site.connect(site.upstream("openai_chat", name="embeds", model=MODELS["openai_chat"]))
    content = {"parts": [{"text": "One"}]}
    body = {
        "requests": [
            {"content": content, "outputDimensionality": 8},
            {"content": content, "outputDimensionality": 16},
        ]
    }
    url = f"{site.base_url}/v1beta/models/embeds:batchEmbedContents"
    headers = {"x-goog-api-key": site.key}
    answer = httpx.post(url, headers=headers, json=body, timeout=30)
    assert answer.status_code == 400
    assert "outputDimensionality" in answer.json()["error"]["message"]


def test_who_cannot_embed_says_so(site: Site) -> None:
    site.connect(site.upstream("anthropic_messages", name="only"))
    with google_sdk(site) as sdk, pytest.raises(errors.APIError) as caught:
        sdk.models.embed_content(model="only", contents="One")
    assert caught.value.code in (400, 404)
    assert site.simulator.requests == []
