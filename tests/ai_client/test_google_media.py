"""Google beyond text, over real sockets: from ``AiClient`` to the simulator and back."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ai_client import conf
from ai_client.capabilities import Capability, MediaOrientation, Modality
from ai_client.client import AiClient
from ai_client.errors import (
    AiClientError,
    BadContent,
    ContentFiltered,
    EmptyAnswer,
    InvalidArgument,
    InvalidRequest,
    KeyRejected,
    MalformedAnswer,
    QuotaExhausted,
    UpstreamModelMissing,
)
from ai_client.events import PartStart, collect
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    File,
    FunctionDeclaration,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    ModelConfig,
    OperationState,
    WebSearch,
    user_message,
)
from ai_client.operations import read_handle
from ai_client.plan import Plan
from ai_client.providers.google import PROVIDER
from ai_client.router import Route
from ai_client.simulator import Simulator
from ai_client.snapshot import ConnectionConfig, Snapshot
from ai_client.transport.async_engine import AiohttpEngine
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from tests import upstreams
from tests.upstreams import KEY

simulator = upstreams.locked_simulator

EMBEDS = "gemini-embedding-2"
DRAWS = "gemini-3.1-flash-image"
IMAGEN = "imagen-4.0-generate-001"
VEO = "veo-3.1-generate-preview"
SPEAKS = "gemini-2.5-flash-preview-tts"

pytestmark = pytest.mark.usefixtures("allow_local", "db")


class Caller:
    """Asks one connection to the simulator, blocking or awaiting."""

    def __init__(self, simulator: Simulator, *, awaiting: bool) -> None:
        self.simulator = simulator
        self.connection = ConnectionConfig(
            "1", "google", PROVIDER, "gemini-3.5-flash", simulator.base_url("google"), api_key=KEY
        )
        self._awaiting = awaiting

    def ask(
        self, capability: Capability, model: str, *texts: Any, failure: str = "", **config: Any
    ) -> Any:
        messages = tuple(
            user_message(*(text if isinstance(text, tuple) else (text,))) for text in texts
        )
        request = GenerationRequest(messages, ModelConfig(**config), capability=capability)
        asked = f"fail-{failure}--{model}" if failure else model
        route = Route(self.connection, asked, PROVIDER.wire_for(capability, model) or "")
        plan = Plan(request, (route,))
        return self._run(lambda client: client.ask(plan), lambda client: client.aask(plan))

    def stream(self, capability: Capability, model: str, text: str) -> list[Any]:
        request = GenerationRequest((user_message(text),), capability=capability)
        plan = Plan(request, (Route(self.connection, model, "google_generate"),))

        async def events(client: AiClient) -> list[Any]:
            return [event async for event in client.aevents(plan)]

        found: list[Any] = self._run(lambda client: list(client.events(plan)), events)
        return found

    def look(self, operation_id: str) -> GenerativeAiOperation:
        found: GenerativeAiOperation = self._run(
            lambda client: client.operation(operation_id),
            lambda client: client.aoperation(operation_id),
        )
        return found

    def _run(self, blocking: Callable[[AiClient], Any], awaiting: Callable[[AiClient], Any]) -> Any:
        if not self._awaiting:
            client = self._client()
            try:
                return blocking(client)
            finally:
                client.engine.close()

        async def run() -> Any:
            client = self._client()
            try:
                return await awaiting(client)
            finally:
                await client.close()

        return asyncio.run(run())

    def _client(self) -> AiClient:
        guard = Guard(conf.allowed_private_hosts)
        return AiClient(
            snapshot=lambda: Snapshot(connections=(self.connection,)),
            engine=HttpxEngine(guard),
            async_engine=AiohttpEngine(guard),
            record=lambda record: None,
        )


@pytest.fixture(params=["blocking", "awaiting"])
def caller(request: pytest.FixtureRequest, simulator: Simulator) -> Caller:
    return Caller(simulator, awaiting=request.param == "awaiting")


def files(result: AnyResult) -> list[File]:
    assert isinstance(result, GenerativeAiResult)
    parts = [part for each in result.candidates for part in each.message.parts]
    return [part.content for part in parts if isinstance(part.content, File)]


class TestEmbeddings:
    def test_one_text_and_several(self, caller: Caller) -> None:
        one = caller.ask(Capability.EMBEDDING_GENERATION, EMBEDS, "Gravity", dimensions=8)
        both = caller.ask(Capability.EMBEDDING_GENERATION, EMBEDS, "Gravity", "Light", dimensions=8)
        assert isinstance(one, EmbeddingResult)
        assert len(one.embeddings[0]) == 8
        assert one.usage is not None
        assert one.usage.prompt_tokens == 1
        assert both.embeddings[0] == one.embeddings[0] != both.embeddings[1]
        first, second = caller.simulator.requests
        assert first.path == f"/v1beta/models/{EMBEDS}:embedContent"
        assert second.path == f"/v1beta/models/{EMBEDS}:batchEmbedContents"

    def test_a_task_changes_the_vector(self, caller: Caller) -> None:
        embed = Capability.EMBEDDING_GENERATION
        plain = caller.ask(embed, EMBEDS, "Gravity", dimensions=4)
        task = {"taskType": "RETRIEVAL_QUERY"}
        query = caller.ask(embed, EMBEDS, "Gravity", dimensions=4, custom_options=task)
        assert plain.embeddings != query.embeddings

    def test_pictures_have_vectors_too(self, caller: Caller) -> None:
        picture = ("This", File("image/png", "iVBORw0KGgo="))
        result = caller.ask(Capability.EMBEDDING_GENERATION, EMBEDS, picture, dimensions=4)
        assert len(result.embeddings) == 1

    def test_what_google_refuses_is_told(self, caller: Caller) -> None:
        with pytest.raises(InvalidRequest, match="99999"):
            caller.ask(Capability.EMBEDDING_GENERATION, EMBEDS, "Gravity", dimensions=99999)
        with pytest.raises(InvalidRequest, match="task_type"):
            caller.ask(
                Capability.EMBEDDING_GENERATION,
                EMBEDS,
                "Gravity",
                custom_options={"taskType": "CHATTING"},
            )


class TestPictures:
    def test_gemini_draws_with_words(self, caller: Caller) -> None:
        result = caller.ask(
            Capability.IMAGE_GENERATION,
            DRAWS,
            "A cat",
            output_modalities=(Modality.TEXT, Modality.IMAGE),
            output_media_orientation=MediaOrientation.LANDSCAPE,
        )
        (picture,) = files(result)
        assert picture.mime_type == "image/png"
        data = picture.as_bytes()
        assert int.from_bytes(data[16:20]) > int.from_bytes(data[20:24])
        assert result.candidates[0].message.text() == "Echo: A cat"

    def test_gemini_draws_alone(self, caller: Caller) -> None:
        result = caller.ask(Capability.IMAGE_GENERATION, DRAWS, "A cat")
        assert len(files(result)) == 1
        assert result.candidates[0].message.text() == ""
        streamed = collect(caller.stream(Capability.IMAGE_GENERATION, DRAWS, "A cat"))
        assert len(files(streamed)) == 1

    def test_imagen_draws_several(self, caller: Caller) -> None:
        result = caller.ask(
            Capability.IMAGE_GENERATION,
            IMAGEN,
            "A cat",
            candidate_count=2,
            output_media_aspect_ratio="3:4",
            output_mime_type="image/jpeg",
        )
        first, second = files(result)
        assert first.mime_type == second.mime_type == "image/jpeg"
        assert first.as_bytes().startswith(b"\xff\xd8")

    def test_what_a_filter_keeps_back_is_told(self, caller: Caller) -> None:
        with pytest.raises(EmptyAnswer):
            caller.ask(Capability.IMAGE_GENERATION, IMAGEN, "filtered")
        reasons = {"parameters": {"includeRaiReason": True}}
        with pytest.raises(ContentFiltered, match="Responsible AI"):
            caller.ask(Capability.IMAGE_GENERATION, IMAGEN, "filtered", custom_options=reasons)


class TestSpeech:
    @pytest.mark.parametrize("model", [SPEAKS, "gemini-3.8-flash-tts"])
    def test_speech_plays_whatever_it_came_as(self, caller: Caller, model: str) -> None:
        result = caller.ask(
            Capability.TEXT_TO_SPEECH_CONVERSION, model, "Good morning", output_speech_voice="Puck"
        )
        (sound,) = files(result)
        assert sound.mime_type == "audio/wav"
        with wave.open(io.BytesIO(sound.as_bytes())) as played:
            assert played.getframerate() == 24_000
            assert played.getnframes() > 0

    def test_a_stream_of_samples_is_one_file(self, caller: Caller) -> None:
        text = " ".join(["word"] * 30)
        events = caller.stream(Capability.SPEECH_GENERATION, SPEAKS, text)
        assert len([event for event in events if isinstance(event, PartStart)]) == 1
        whole = caller.ask(Capability.SPEECH_GENERATION, SPEAKS, text)
        assert files(collect(events)) == files(whole)

    def test_a_voice_that_google_does_not_have_is_refused(self, caller: Caller) -> None:
        with pytest.raises(InvalidRequest, match="Voice name Alloy"):
            caller.ask(Capability.SPEECH_GENERATION, SPEAKS, "Hi", output_speech_voice="Alloy")


class TestTheWeb:
    @pytest.mark.parametrize("functions", [None, (FunctionDeclaration("weather"),)])
    def test_an_answer_cites_what_was_found(self, caller: Caller, functions: Any) -> None:
        result = caller.ask(
            Capability.TEXT_GENERATION,
            "gemini-3.5-flash",
            "What is new?",
            web_search=WebSearch(),
            function_declarations=functions,
        )
        parts = result.candidates[0].message.parts
        cited = [citation for part in parts for citation in part.citations]
        if functions:
            assert parts[0].content.name == "weather"
        else:
            assert cited[0]["uri"] == "https://echo.example/"


class TestVideos:
    def start(self, caller: Caller, prompt: str = "A cat", **config: Any) -> GenerativeAiOperation:
        started: GenerativeAiOperation = caller.ask(
            Capability.VIDEO_GENERATION, VEO, prompt, **config
        )
        assert started.state is OperationState.STARTING
        return started

    def test_a_video_is_started_looked_at_and_fetched(self, caller: Caller) -> None:
        started = self.start(
            caller,
            output_media_aspect_ratio="9:16",
            custom_options={"parameters": {"durationSeconds": 6, "resolution": "720p"}},
        )
        handle = read_handle(started.id)
        assert handle.wire == "google_videos"
        assert handle.id.startswith(f"models/{VEO}/operations/")
        running = caller.look(started.id)
        assert (running.state, running.id) == (OperationState.PROCESSING, started.id)
        done = caller.look(started.id)
        assert done.state is OperationState.SUCCEEDED
        assert done.id == started.id
        assert done.result is not None
        (film,) = files(done.result)
        assert film.mime_type == "video/mp4"
        assert film.as_bytes()[4:8] == b"ftyp"

    def test_everything_is_asked_of_the_connection_with_its_key(self, caller: Caller) -> None:
        started = self.start(caller)
        for _ in range(2):
            caller.look(started.id)
        name = read_handle(started.id).id
        assert [(each.method, each.path) for each in caller.simulator.requests] == [
            ("POST", f"/v1beta/models/{VEO}:predictLongRunning"),
            ("GET", f"/v1beta/{name}"),
            ("GET", f"/v1beta/{name}"),
            ("GET", f"/download/v1beta/files/{name.rpartition('/')[2]}:download"),
        ]
        for each in caller.simulator.requests:
            assert each.headers["x-goog-api-key"] == KEY
            assert KEY not in each.target
        # A status is written down just after the answer left, so the last one is waited for.
        caller.simulator.wait_for(lambda request: request.done and ":download" in request.path)
        assert [each.status for each in caller.simulator.requests] == [200] * 4

    @pytest.mark.parametrize(
        ("prompt", "said"), [("please fail", "internal server issue"), ("filtered", "real people")]
    )
    def test_an_end_without_a_video_says_why(self, caller: Caller, prompt: str, said: str) -> None:
        started = self.start(caller, prompt)
        caller.look(started.id)
        ended = caller.look(started.id)
        assert ended.state is OperationState.FAILED
        assert said in ended.error
        assert ended.result is None

    def test_work_that_nobody_knows_is_told(self, caller: Caller) -> None:
        started = self.start(caller)
        caller.simulator.clear()
        with pytest.raises(AiClientError, match="not found"):
            caller.look(started.id)
        with pytest.raises(InvalidArgument):
            caller.look("op_nonsense")

    def test_a_handle_names_no_other_path(self, caller: Caller) -> None:
        started = self.start(caller)
        for name in ("../../v1/secrets", "models/x:generateContent", "files/abc"):
            forged = replace(read_handle(started.id), id=name)
            with pytest.raises(InvalidRequest):
                caller.look(str(forged))
        assert len(caller.simulator.requests) == 1


CALLS = [
    pytest.param(Capability.EMBEDDING_GENERATION, EMBEDS, id="embeddings"),
    pytest.param(Capability.IMAGE_GENERATION, IMAGEN, id="imagen"),
    pytest.param(Capability.VIDEO_GENERATION, VEO, id="videos"),
    pytest.param(Capability.IMAGE_GENERATION, DRAWS, id="pictures"),
]


@pytest.mark.parametrize(("capability", "model"), CALLS)
@pytest.mark.parametrize(
    ("failure", "errors"),
    [
        ("quota", QuotaExhausted),
        ("status-404", UpstreamModelMissing),
        ("html", BadContent),
        ("wrong-json", (BadContent, MalformedAnswer)),
        ("cut-json", MalformedAnswer),
        ("error-in-200-401", KeyRejected),
    ],
)
def test_failures_are_told_apart(
    caller: Caller, capability: Capability, model: str, failure: str, errors: Any
) -> None:
    with pytest.raises(errors):
        caller.ask(capability, model, "A cat", failure=failure)


@pytest.mark.parametrize(("capability", "model"), CALLS)
def test_a_wrong_key_is_told(caller: Caller, capability: Capability, model: str) -> None:
    caller.connection = replace(caller.connection, api_key="another")
    with pytest.raises(KeyRejected):
        caller.ask(capability, model, "A cat")


@pytest.mark.parametrize("version", ["", "/v1beta", "/gateway", "/gateway/v1beta/"])
def test_a_base_url_may_include_the_version_and_more(caller: Caller, version: str) -> None:
    base_url = caller.simulator.base_url("google") + version
    caller.connection = replace(caller.connection, base_url=base_url)
    started = caller.ask(Capability.VIDEO_GENERATION, VEO, "A cat")
    caller.look(started.id)
    done = caller.look(started.id)
    assert done.result is not None
    assert files(done.result)
