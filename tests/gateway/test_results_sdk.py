"""Embeddings, images and speech through the official SDK, over OpenAI, Google and Azure."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

import httpx
import openai
import pytest

from ai_client.simulator.azure import AzureSimulator
from ai_client.simulator.server import running
from tests.gateway.results_site import (
    DEPLOYMENTS,
    EMBEDDING,
    GOOGLE_EMBEDDING,
    GOOGLE_IMAGE,
    GOOGLE_SPEECH,
    IMAGE,
    SPEECH,
    azure,
    google,
    openai_like,
    upstream_body,
)
from tests.live_site import UPSTREAM_KEY, Site

Asking: TypeAlias = Callable[[openai.OpenAI | openai.AsyncOpenAI], Any]
PNG, MP3 = b"\x89PNG\r\n", b"\xff\xfb"


@pytest.fixture(scope="module")
def resource() -> Iterator[AzureSimulator]:
    """A resource at Azure."""
    with running(AzureSimulator(UPSTREAM_KEY, deployments=DEPLOYMENTS)) as simulator:
        yield simulator


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, site: Site) -> Callable[[Asking], Any]:
    """Asks through the blocking or the awaiting SDK."""

    async def awaited(asking: Asking) -> Any:
        async with site.async_sdk() as sdk:
            return await asking(sdk)

    def asked(asking: Asking) -> Any:
        if request.param == "async":
            return asyncio.run(awaited(asking))
        return asking(site.sdk())

    return asked


def header(answer: Any, name: str) -> str:
    return str(answer.headers[name])


def same(site: Site, path: str, body: Any) -> tuple[httpx.Response, httpx.Response]:
    """The gateway's answer and the upstream's own to the same body."""
    more: Any = {"json": body, "trust_env": False}
    ours = httpx.post(
        f"{site.base_url}/v1/{path}", headers={"authorization": f"Bearer {site.key}"}, **more
    )
    theirs = httpx.post(
        f"http://127.0.0.1:{site.simulator.port}/v1/{path}",
        headers={"authorization": f"Bearer {UPSTREAM_KEY}"},
        **more,
    )
    return ours, theirs


class TestEmbeddings:
    @pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}], ids=["usual", "float"])
    @pytest.mark.parametrize("upstream", [openai_like, google], ids=["openai", "google"])
    def test_vectors_come_as_numbers_in_the_inputs_order(
        self, site: Site, ask: Any, upstream: Any, encoding: Any
    ) -> None:
        model = EMBEDDING if upstream is openai_like else GOOGLE_EMBEDDING
        site.connect(upstream(site, model, name="only"))
        both = ask(
            lambda sdk: sdk.embeddings.create(
                model="auto", input=["one", "two words"], dimensions=4, **encoding
            )
        )
        second = ask(
            lambda sdk: sdk.embeddings.create(model="auto", input="two words", dimensions=4)
        )
        assert [each.index for each in both.data] == [0, 1]
        assert [len(each.embedding) for each in both.data] == [4, 4]
        assert both.data[1].embedding == pytest.approx(second.data[0].embedding, rel=1e-6)
        assert both.data[0].embedding != pytest.approx(second.data[0].embedding)
        assert (both.model, both.object) == (model, "list")
        assert (both.usage.prompt_tokens, both.usage.total_tokens) == (3, 3)
        rows = site.rows()
        assert [row.prompt_tokens for row in rows] == [3, 2]
        assert {(row.outcome, row.model, row.dialect) for row in rows} == {
            ("success", model, "openai_embeddings")
        }

    def test_the_sdk_gets_the_base64_that_it_asks_for(self, site: Site) -> None:
        site.connect(google(site, GOOGLE_EMBEDDING))
        body = {"model": "auto", "input": "x", "dimensions": 2, "encoding_format": "base64"}
        packed = same(site, "embeddings", body)[0].json()["data"][0]["embedding"]
        numbers = same(site, "embeddings", {**body, "encoding_format": "float"})[0].json()
        assert list(struct.unpack("<2f", base64.b64decode(packed))) == pytest.approx(
            numbers["data"][0]["embedding"], rel=1e-6
        )

    def test_azures_deployment_gives_vectors(
        self, site: Site, ask: Any, resource: AzureSimulator
    ) -> None:
        site.connect(azure(resource))
        found = ask(lambda sdk: sdk.embeddings.create(model=EMBEDDING, input="x", dimensions=3))
        assert len(found.data[0].embedding) == 3

    @pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]], ids=["one", "several"])
    def test_tokens_are_for_openais_models_alone(self, site: Site, ask: Any, tokens: Any) -> None:
        site.connect(openai_like(site, EMBEDDING))
        found = ask(lambda sdk: sdk.embeddings.create(model="auto", input=tokens))
        assert len(found.data) == (2 if isinstance(tokens[0], list) else 1)
        assert upstream_body(site)["input"] == tokens
        site.connect(google(site, GOOGLE_EMBEDDING))
        with pytest.raises(openai.BadRequestError, match="tokens") as caught:
            ask(lambda sdk: sdk.embeddings.create(model="auto", input=tokens))
        assert caught.value.code == "unsupported_feature"
        assert len(site.simulator.requests) == 1

    def test_the_same_dialect_is_passed_on_without_loss(self, site: Site) -> None:
        site.connect(openai_like(site, EMBEDDING))
        body = {"input": ["a", "é"], "model": EMBEDDING, "encoding_format": "base64", "user": "u"}
        ours, theirs = same(site, "embeddings", body)
        assert ours.content == theirs.content
        first, second = site.simulator.requests
        assert first.json == second.json == body

    @pytest.mark.parametrize("name", ["auto", "first", f"first/{EMBEDDING}", EMBEDDING])
    def test_another_model_never_stands_in(self, site: Site, ask: Any, name: str) -> None:
        site.connect(
            openai_like(site, EMBEDDING, name="first", failure="status-500"),
            openai_like(site, "text-embedding-3-large", name="other"),
            google(site, GOOGLE_EMBEDDING, name="stranger"),
            openai_like(site, EMBEDDING, name="same"),
        )
        answer = ask(lambda sdk: sdk.embeddings.with_raw_response.create(model=name, input="x"))
        assert header(answer, "x-koneek-connection") == "same"
        assert header(answer, "x-koneek-attempts") == "2"

    def test_where_only_other_models_are_left_the_error_is_told(self, site: Site, ask: Any) -> None:
        site.connect(
            openai_like(site, EMBEDDING, name="first", failure="status-500"),
            openai_like(site, "text-embedding-3-large", name="other"),
        )
        with pytest.raises(openai.InternalServerError) as caught:
            ask(lambda sdk: sdk.embeddings.create(model="auto", input="x"))
        assert caught.value.status_code == 502


class TestImages:
    def test_an_image_comes_inline_with_its_usage(self, site: Site, ask: Any) -> None:
        site.connect(openai_like(site, IMAGE))
        made = ask(
            lambda sdk: sdk.images.generate(
                model="auto", prompt="a red cat", size="1536x1024", quality="high", n=2
            )
        )
        assert [base64.b64decode(each.b64_json)[:6] for each in made.data] == [PNG, PNG]
        assert (made.usage.input_tokens, made.usage.total_tokens) == (3, 103)
        assert (made.size, made.output_format) == ("1536x1024", "png")
        assert site.row().prompt_tokens == 3

    def test_an_address_comes_where_the_model_gives_one(self, site: Site, ask: Any) -> None:
        site.connect(openai_like(site, "dall-e-3"))
        made = ask(
            lambda sdk: sdk.images.generate(model="auto", prompt="a cat", response_format="url")
        )
        assert made.data[0].url.startswith("https://")

    @pytest.mark.parametrize("model", [GOOGLE_IMAGE, "imagen-4.0-generate-001"])
    def test_google_draws_what_was_asked_of_openai(self, site: Site, ask: Any, model: str) -> None:
        site.connect(google(site, model))
        made = ask(
            lambda sdk: sdk.images.generate(
                model="auto", prompt="a cat", size="1792x1024", quality="hd", user="u-1"
            )
        )
        (image,) = made.data
        assert base64.b64decode(image.b64_json).startswith(PNG)
        assert made.output_format == "png"
        body = upstream_body(site)
        if model == GOOGLE_IMAGE:
            assert body["contents"][0]["parts"] == [{"text": "a cat"}]
            assert body["generationConfig"]["imageConfig"] == {"aspectRatio": "16:9"}
            assert made.usage.input_tokens == 2
        else:
            assert body["instances"] == [{"prompt": "a cat"}]
            assert body["parameters"]["aspectRatio"] == "16:9"
        warnings = " ".join(site.row().warnings)
        assert "quality" in warnings
        assert "size (pixels)" in warnings

    def test_imagen_draws_several_as_jpeg(self, site: Site, ask: Any) -> None:
        site.connect(google(site, "imagen-4.0-generate-001"))
        made = ask(
            lambda sdk: sdk.images.generate(model="auto", prompt="x", n=3, output_format="jpeg")
        )
        assert [base64.b64decode(each.b64_json)[:2] for each in made.data] == [b"\xff\xd8"] * 3
        assert made.output_format == "jpeg"

    @pytest.mark.parametrize(
        "more",
        [{"response_format": "url"}, {"background": "transparent"}, {"output_format": "webp"}],
        ids=str,
    )
    def test_what_google_cannot_do_is_refused_before_it_is_asked(
        self, site: Site, ask: Any, more: Any
    ) -> None:
        site.connect(google(site, "imagen-4.0-generate-001"))
        with pytest.raises(openai.BadRequestError) as caught:
            ask(lambda sdk: sdk.images.generate(model="auto", prompt="x", **more))
        assert caught.value.code == "unsupported_feature"
        assert site.simulator.requests == []

    def test_azure_draws(self, site: Site, ask: Any, resource: AzureSimulator) -> None:
        site.connect(azure(resource))
        made = ask(lambda sdk: sdk.images.generate(model="azure", prompt="x"))
        assert base64.b64decode(made.data[0].b64_json).startswith(PNG)

    def test_the_same_dialect_is_passed_on_without_loss(self, site: Site) -> None:
        site.connect(openai_like(site, IMAGE))
        body = {
            "model": IMAGE,
            "prompt": "a cat",
            "background": "opaque",
            "moderation": "low",
            "output_compression": 50,
            "n": 1,
        }
        ours, theirs = same(site, "images/generations", body)
        assert ours.content == theirs.content
        first, second = site.simulator.requests
        assert first.json == second.json == body

    def test_a_stream_of_images_is_refused(self, site: Site, ask: Any) -> None:
        site.connect(openai_like(site, IMAGE))
        with pytest.raises(openai.BadRequestError) as caught:
            ask(
                lambda sdk: sdk.images.generate(
                    model="auto", prompt="x", stream=True, partial_images=2
                )
            )
        assert (caught.value.code, caught.value.param) == ("unsupported_feature", "stream")
        assert site.simulator.requests == []

    @pytest.mark.parametrize(
        ("failure", "error", "code"),
        [
            ("empty-finish", openai.InternalServerError, "empty_answer"),
            ("filter", openai.BadRequestError, "content_filter"),
        ],
    )
    def test_an_answer_without_an_image_is_an_error(
        self, site: Site, ask: Any, failure: str, error: type[openai.APIStatusError], code: str
    ) -> None:
        site.connect(google(site, GOOGLE_IMAGE, failure=failure))
        with pytest.raises(error) as caught:
            ask(lambda sdk: sdk.images.generate(model="auto", prompt="x"))
        assert caught.value.code == code
        row = site.row()
        assert (row.outcome, row.error_code) == ("error", code)


class TestSpeech:
    @pytest.mark.parametrize(
        ("wanted", "kind"),
        [
            ("mp3", "audio/mpeg"),
            ("opus", "audio/ogg"),
            ("aac", "audio/aac"),
            ("flac", "audio/flac"),
            ("wav", "audio/wav"),
            ("pcm", "audio/pcm"),
        ],
    )
    def test_the_audio_is_the_upstreams_with_its_type(
        self, site: Site, wanted: str, kind: str
    ) -> None:
        site.connect(openai_like(site, SPEECH))
        body = {
            "model": SPEECH,
            "input": "Hello there",
            "voice": "coral",
            "response_format": wanted,
            "speed": 1.5,
            "instructions": "Whisper",
        }
        ours, theirs = same(site, "audio/speech", body)
        assert ours.content == theirs.content
        assert ours.headers["content-type"] == theirs.headers["content-type"]
        assert ours.headers["content-type"].startswith(kind)
        first, second = site.simulator.requests
        assert first.json == second.json == body

    def test_the_sdk_reads_it_whole_and_piece_by_piece(self, site: Site, ask: Any) -> None:
        site.connect(openai_like(site, SPEECH))
        asked: Any = {"model": "auto", "input": "Hello there", "voice": "alloy"}
        whole = ask(lambda sdk: sdk.audio.speech.create(**asked)).content
        assert whole.startswith(MP3)
        with site.sdk().audio.speech.with_streaming_response.create(**asked) as response:
            assert b"".join(response.iter_bytes(64)) == whole
            assert response.headers["content-type"] == "audio/mpeg"
        assert asyncio.run(_streamed(site, asked)) == whole

    def test_google_speaks_with_a_voice_that_it_knows(self, site: Site, ask: Any) -> None:
        site.connect(google(site, GOOGLE_SPEECH))
        for voice, said in (("alloy", "Kore"), ("Puck", "Puck")):
            site.simulator.clear()
            answer = ask(
                lambda sdk, voice=voice: sdk.audio.speech.with_raw_response.create(
                    model="auto", input="Hello there", voice=voice
                )
            )
            assert header(answer, "content-type") == "audio/wav"
            speech = upstream_body(site)["generationConfig"]["speechConfig"]
            assert speech["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] == said
        assert [row.warnings for row in site.rows()] == [["voice"], []]

    def test_bare_samples_are_those_of_googles_file(self, site: Site, ask: Any) -> None:
        site.connect(google(site, GOOGLE_SPEECH))
        wav, pcm = (
            ask(
                lambda sdk, wanted=wanted: sdk.audio.speech.with_raw_response.create(
                    model="auto", input="Hello there", voice="alloy", response_format=wanted
                )
            )
            for wanted in ("wav", "pcm")
        )
        assert header(pcm, "content-type") == "audio/pcm"
        assert wav.content[44:] == pcm.content != b""

    @pytest.mark.parametrize(
        "more",
        [{"response_format": "mp3"}, {"instructions": "Whisper"}, {"voice": {"id": "voice_1"}}],
        ids=str,
    )
    def test_what_google_cannot_do_is_refused_before_it_is_asked(
        self, site: Site, ask: Any, more: Any
    ) -> None:
        site.connect(google(site, GOOGLE_SPEECH))
        asked = {"input": "Hello", "voice": "alloy", **more}
        with pytest.raises(openai.BadRequestError) as caught:
            ask(lambda sdk: sdk.audio.speech.create(model="auto", **asked))
        assert caught.value.code == "unsupported_feature"
        assert site.simulator.requests == []

    def test_azure_speaks(self, site: Site, ask: Any, resource: AzureSimulator) -> None:
        site.connect(azure(resource))
        said = ask(lambda sdk: sdk.audio.speech.create(model="tts-1", input="x", voice="alloy"))
        assert said.content.startswith(MP3)

    @pytest.mark.parametrize("upstream", ["openai", "google"])
    def test_speech_as_events_is_refused(self, site: Site, ask: Any, upstream: str) -> None:
        if upstream == "openai":
            site.connect(openai_like(site, SPEECH))
        else:
            site.connect(google(site, GOOGLE_SPEECH))
        with pytest.raises(openai.BadRequestError) as caught:
            ask(
                lambda sdk: sdk.audio.speech.create(
                    model="auto", input="x", voice="alloy", stream_format="sse"
                )
            )
        assert (caught.value.code, caught.value.param) == ("unsupported_feature", "stream_format")
        assert site.simulator.requests == []


async def _streamed(site: Site, asked: Any) -> bytes:
    async with (
        site.async_sdk() as sdk,
        sdk.audio.speech.with_streaming_response.create(**asked) as response,
    ):
        return b"".join([piece async for piece in response.iter_bytes(64)])


def _embed(sdk: Any) -> Awaitable[Any] | Any:
    return sdk.embeddings.with_raw_response.create(model="auto", input="x")


def _draw(sdk: Any) -> Awaitable[Any] | Any:
    return sdk.images.with_raw_response.generate(model="auto", prompt="x")


def _say(sdk: Any) -> Awaitable[Any] | Any:
    return sdk.audio.speech.with_raw_response.create(model="auto", input="x", voice="alloy")


@pytest.mark.parametrize(
    ("asking", "model"),
    [(_embed, EMBEDDING), (_draw, IMAGE), (_say, SPEECH)],
    ids=["embeddings", "images", "speech"],
)
class TestFailures:
    @pytest.mark.parametrize("failure", ["status-500", "rate-limit", "html", "cut-json", "empty"])
    def test_the_next_connection_answers_unnoticed(
        self, site: Site, ask: Any, asking: Asking, model: str, failure: str
    ) -> None:
        if failure == "cut-json" and model == SPEECH:
            pytest.skip("Sound has no end that could be missed.")
        site.connect(
            openai_like(site, model, name="first", failure=failure),
            openai_like(site, model, name="second"),
        )
        answer = ask(asking)
        assert header(answer, "x-koneek-connection") == "second"
        assert header(answer, "x-koneek-attempts") == "2"
        assert [each["connection"] for each in site.row().attempts] == ["first", "second"]

    @pytest.mark.parametrize(
        ("failure", "error", "status"),
        [
            ("status-400", openai.BadRequestError, 400),
            ("rate-limit", openai.RateLimitError, 429),
            ("status-401", openai.InternalServerError, 502),
            ("status-500", openai.InternalServerError, 502),
            ("status-404", openai.NotFoundError, 404),
        ],
    )
    def test_an_upstreams_error_arrives_as_the_sdks_class(
        self,
        site: Site,
        ask: Any,
        asking: Asking,
        model: str,
        failure: str,
        error: type[openai.APIStatusError],
        status: int,
    ) -> None:
        site.connect(openai_like(site, model, failure=failure))
        with pytest.raises(error) as caught:
            ask(asking)
        assert caught.value.status_code == status
        assert caught.value.response.headers["content-type"] == "application/json"
        row = site.row()
        assert (row.outcome, row.status) == ("error", status)
        assert row.request_id == caught.value.request_id

    def test_fallback_can_be_forbidden_per_request(
        self, site: Site, asking: Asking, model: str
    ) -> None:
        site.connect(
            openai_like(site, model, name="first", failure="status-500"),
            openai_like(site, model, name="second"),
        )
        with pytest.raises(openai.InternalServerError):
            asking(site.sdk(default_headers={"x-koneek-fallback": "false"}))
        assert len(site.simulator.requests) == 1
