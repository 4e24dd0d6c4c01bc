"""Images, embeddings, speech and long operations through the client, over real sockets.

Each test runs twice: with the blocking engine and with the awaiting one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ai_client.addresses import AllowList
from ai_client.approvals import Approvals
from ai_client.capabilities import Capability, Modality
from ai_client.client import AiClient
from ai_client.errors import (
    AiClientError,
    AnswerTooLarge,
    BadContent,
    CapabilityUnsupported,
    ConnectorNotApproved,
    EmptyAnswer,
    InvalidArgument,
    KeyRejected,
    KeyUnreadable,
    MalformedAnswer,
    NoConnection,
    RateLimited,
    RedirectRefused,
    ServerFailed,
)
from ai_client.events import collect
from ai_client.messages import (
    AnyResult,
    EmbeddingResult,
    GenerationRequest,
    GenerativeAiOperation,
    GenerativeAiResult,
    ModelConfig,
    OperationState,
    user_message,
)
from ai_client.operations import OperationHandle, read_handle
from ai_client.plan import Plan
from ai_client.providers import Operation, Provider
from ai_client.providers.openai import PROVIDER
from ai_client.records import RequestRecord
from ai_client.router import Route
from ai_client.simulator import Simulator, running_simulator
from ai_client.snapshot import ConnectionConfig, Snapshot
from ai_client.transport.async_engine import AiohttpEngine
from ai_client.transport.guard import Guard
from ai_client.transport.sync_engine import HttpxEngine
from tests import upstreams
from tests.upstreams import KEY

simulator = upstreams.simulator

TEXT_ALONE = Provider(slug="plain", name="Plain", wire="openai_chat")


def guard() -> Guard:
    return Guard(lambda: AllowList.parse(("127.0.0.1",)))


@dataclass
class Site:
    """A client of a process of its own over some connections, blocking or awaiting."""

    connections: tuple[ConnectionConfig, ...]
    awaiting: bool
    approvals: Approvals

    def __post_init__(self) -> None:
        self.records: list[RequestRecord] = []

    def _use(self, of: Callable[[AiClient], Any]) -> Any:
        client = AiClient(
            snapshot=lambda: Snapshot(connections=self.connections, approvals=self.approvals),
            engine=HttpxEngine(guard()),
            async_engine=AiohttpEngine(guard()),
            record=self.records.append,
        )

        async def awaited() -> Any:
            try:
                return await of(client)
            finally:
                await client.close()

        if self.awaiting:
            return asyncio.run(awaited())
        try:
            return of(client)
        finally:
            client.engine.close()

    def ask(self, plan: Plan) -> AnyResult:
        result: AnyResult = self._use(lambda c: c.aask(plan) if self.awaiting else c.ask(plan))
        return result

    def operation(self, operation_id: str, **more: Any) -> GenerativeAiOperation:
        found: GenerativeAiOperation = self._use(
            lambda c: (
                c.aoperation(operation_id, **more)
                if self.awaiting
                else c.operation(operation_id, **more)
            )
        )
        return found


@pytest.fixture(params=["blocking", "awaiting"])
def site(request: pytest.FixtureRequest, simulator: Simulator) -> Site:
    first = ConnectionConfig(
        "7", "first", PROVIDER, "gpt-5.4-mini", simulator.base_url("openai"), api_key=KEY
    )
    return Site((first,), request.param == "awaiting", Approvals())


def plan(
    site: Site, wire: str, model: str, capability: Capability, *texts: str, **config: Any
) -> Plan:
    """A question for each of the site's connections in turn."""
    request = GenerationRequest(
        tuple(user_message(text) for text in texts or ("A small cat",)),
        ModelConfig(**config),
        capability=capability,
    )
    return Plan(request, tuple(Route(each, model, wire) for each in site.connections))


def video(site: Site, prompt: str = "A small cat", model: str = "sora-2") -> Plan:
    return plan(site, "openai_videos", model, Capability.VIDEO_GENERATION, prompt)


def test_images(site: Site) -> None:
    asked = plan(
        site,
        "openai_images",
        "gpt-image-1",
        Capability.IMAGE_GENERATION,
        candidate_count=2,
        output_mime_type="image/webp",
    )
    result = site.ask(asked)
    assert isinstance(result, GenerativeAiResult)
    first, second = result.to_image_files()
    assert (first.mime_type, first.is_inline) == ("image/webp", True)
    assert first != second
    assert result.usage is not None
    assert [record.model for record in site.records] == ["gpt-image-1"]


def test_embeddings(site: Site) -> None:
    ask = Capability.EMBEDDING_GENERATION, "one", "two words"
    model = "text-embedding-3-small"
    plain = site.ask(plan(site, "openai_embeddings", model, *ask, dimensions=8))
    packed = site.ask(
        plan(
            site,
            "openai_embeddings",
            model,
            *ask,
            dimensions=8,
            output_mime_type="application/base64",
        )
    )
    assert isinstance(plain, EmbeddingResult)
    assert isinstance(packed, EmbeddingResult)
    assert [len(each) for each in plain.embeddings] == [8, 8]
    assert plain.embeddings == packed.embeddings
    assert plain.usage is not None
    assert plain.usage.prompt_tokens == 3
    assert site.records[0].usage == plain.usage


@pytest.mark.parametrize(
    "mime_type",
    ["audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/wav", "audio/pcm"],
)
def test_speech(site: Site, mime_type: str) -> None:
    asked = plan(
        site,
        "openai_speech",
        "gpt-4o-mini-tts",
        Capability.TEXT_TO_SPEECH_CONVERSION,
        output_mime_type=mime_type,
    )
    result = site.ask(asked)
    assert isinstance(result, GenerativeAiResult)
    assert result.to_audio_file().mime_type == mime_type


def test_speech_whose_words_the_model_finds(site: Site) -> None:
    result = site.ask(
        plan(site, "openai_chat", "gpt-audio", Capability.SPEECH_GENERATION, "one two")
    )
    assert isinstance(result, GenerativeAiResult)
    assert result.to_text() == "Echo: one two"
    assert result.to_audio_file().mime_type == "audio/wav"


def test_a_failure_goes_on_to_the_next_connection(site: Site, simulator: Simulator) -> None:
    broken = replace(
        site.connections[0],
        id="1",
        name="broken",
        base_url=simulator.base_url("openai", "status-503"),
    )
    site.connections = (broken, *site.connections)
    started = site.ask(video(site))
    assert isinstance(started, GenerativeAiOperation)
    assert [each.connection for each in site.records[0].attempts] == ["broken", "first"]
    assert read_handle(started.id).connection == "7"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ("status-401", KeyRejected),
        ("rate-limit", RateLimited),
        ("error-in-200-500", ServerFailed),
        ("html", BadContent),
        ("wrong-json", BadContent),
        ("empty", EmptyAnswer),
        ("redirect", RedirectRefused),
        ("gzip-bomb", AnswerTooLarge),
    ],
)
@pytest.mark.parametrize(
    ("wire", "capability"),
    [
        ("openai_images", Capability.IMAGE_GENERATION),
        ("openai_embeddings", Capability.EMBEDDING_GENERATION),
        ("openai_speech", Capability.TEXT_TO_SPEECH_CONVERSION),
    ],
)
def test_failures_are_asked_for_by_the_model_as_for_chat(
    site: Site, wire: str, capability: Capability, failure: str, kind: type[AiClientError]
) -> None:
    with pytest.raises((kind, MalformedAnswer) if failure == "wrong-json" else kind):
        site.ask(plan(site, wire, f"fail-{failure}", capability))


def test_a_video_is_followed_by_other_processes_until_it_is_there(
    site: Site, simulator: Simulator
) -> None:
    started = site.ask(video(site))
    assert isinstance(started, GenerativeAiOperation)
    assert started.state is OperationState.STARTING
    stored = started.id.encode("ascii").decode()
    assert KEY not in stored
    states = []
    for _ in range(2):
        operation = site.operation(stored)
        assert operation.id == stored
        states.append((operation.state, operation.progress))
    assert states == [(OperationState.PROCESSING, 50), (OperationState.SUCCEEDED, 100)]
    assert operation.result is not None
    assert operation.result.to_video_file().mime_type == "video/mp4"
    asked = [(each.method, each.path) for each in simulator.requests]
    upstream_id = read_handle(stored).id
    look = ("GET", f"/v1/videos/{upstream_id}")
    assert asked == [("POST", "/v1/videos"), look, look, ("GET", f"{look[1]}/content")]
    assert {each.headers["authorization"] for each in simulator.requests} == {f"Bearer {KEY}"}
    assert all(not each.body for each in simulator.requests[1:])


def test_a_video_may_fail(site: Site) -> None:
    started = site.ask(video(site, "Please fail"))
    assert isinstance(started, GenerativeAiOperation)
    site.operation(started.id)
    ended = site.operation(started.id)
    assert ended.state is OperationState.FAILED
    assert "moderation" in ended.error
    assert ended.result is None


def test_a_look_leaves_no_record_in_the_log(site: Site) -> None:
    started = site.ask(video(site))
    assert isinstance(started, GenerativeAiOperation)
    site.operation(started.id)
    assert len(site.records) == 1


@pytest.mark.parametrize(
    ("failure", "kind"),
    [("status-401", KeyRejected), ("html", BadContent), ("redirect", RedirectRefused)],
)
def test_a_look_can_fail(
    site: Site, simulator: Simulator, failure: str, kind: type[AiClientError]
) -> None:
    started = site.ask(video(site))
    assert isinstance(started, GenerativeAiOperation)
    moved = replace(site.connections[0], base_url=simulator.base_url("openai", failure))
    site.connections = (moved,)
    with pytest.raises(kind) as caught:
        site.operation(started.id)
    assert KEY not in str(caught.value)


@pytest.fixture
def other_upstream() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


def test_only_the_connection_that_started_it_is_asked(
    site: Site, simulator: Simulator, other_upstream: Simulator
) -> None:
    started = site.ask(video(site))
    assert isinstance(started, GenerativeAiOperation)
    other = replace(
        site.connections[0], id="8", name="other", base_url=other_upstream.base_url("openai")
    )
    site.connections = (other, *site.connections)
    site.operation(started.id)
    site.connections = (other,)
    with pytest.raises(NoConnection):
        site.operation(started.id)
    assert other_upstream.requests == []
    assert len(simulator.requests) == 2


def test_connections_can_be_given(site: Site) -> None:
    started = site.ask(video(site))
    assert isinstance(started, GenerativeAiOperation)
    given, site.connections = site.connections, ()
    found = site.operation(started.id, connections=given)
    assert found.state is OperationState.PROCESSING


def handle(**changes: str) -> str:
    return str(replace(OperationHandle("7", "openai", "openai_videos", "m", "video_1"), **changes))


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("", InvalidArgument),
        ("video_1", InvalidArgument),
        ("op_", InvalidArgument),
        ("op_!!", InvalidArgument),
        ("op_WzFd", InvalidArgument),
        (handle(wire="anthropic_messages"), InvalidArgument),
        (handle(wire="no_such_wire"), InvalidArgument),
        (handle(wire="openai_images"), CapabilityUnsupported),
        (handle(provider="google"), NoConnection),
        (handle(connection="9"), NoConnection),
    ],
)
def test_what_is_no_handle_of_this_site_is_never_asked_for(
    site: Site, simulator: Simulator, given: str, kind: type[AiClientError]
) -> None:
    with pytest.raises(kind):
        site.operation(given)
    assert simulator.requests == []


@pytest.mark.parametrize("upstream_id", ["../models", "a/b", "http://a.example/", "", "é"])
def test_an_id_cannot_lead_elsewhere(site: Site, simulator: Simulator, upstream_id: str) -> None:
    with pytest.raises(AiClientError):
        site.operation(handle(id=upstream_id))
    assert simulator.requests == []


def test_a_connection_that_cannot_be_used_is_not_asked(site: Site, simulator: Simulator) -> None:
    site.connections = (replace(site.connections[0], unusable="Its key cannot be read."),)
    with pytest.raises(KeyUnreadable):
        site.operation(handle())
    assert simulator.requests == []


def test_a_caller_that_may_not_use_the_connector_may_not_look_either(
    site: Site, simulator: Simulator
) -> None:
    site.approvals = Approvals(asks=True, allowed=frozenset({("office", "openai")}))
    with pytest.raises(ConnectorNotApproved):
        site.operation(handle(), caller="shop")
    assert simulator.requests == []


def test_a_provider_without_videos_has_no_operations(site: Site) -> None:
    provider = replace(
        TEXT_ALONE, operations=(Operation(Capability.SPEECH_GENERATION, "openai_chat"),)
    )
    site.connections = (replace(site.connections[0], provider=provider),)
    with pytest.raises(CapabilityUnsupported):
        site.operation(handle(provider="plain", wire="openai_chat"))


def test_a_handle_says_what_it_was_made_of() -> None:
    made = OperationHandle("7", "openai", "openai_videos", "sora-2", "video_é/1")
    text = str(made)
    assert read_handle(text) == made
    assert all(sign.isalnum() or sign in "_-" for sign in text)


def test_spoken_answers_stream(simulator: Simulator) -> None:
    connection = ConnectionConfig("1", "one", PROVIDER, "gpt-audio", simulator.base_url("openai"))
    site = Site((connection,), awaiting=False, approvals=Approvals())
    spoken = plan(
        site,
        "openai_chat",
        "gpt-audio",
        Capability.TEXT_GENERATION,
        "one two",
        output_modalities=(Modality.TEXT, Modality.AUDIO),
    )
    client = AiClient(
        snapshot=lambda: Snapshot(connections=site.connections),
        engine=HttpxEngine(guard()),
        async_engine=AiohttpEngine(guard()),
        record=site.records.append,
    )
    result = collect(client.events(spoken))
    client.engine.close()
    assert result.to_text() == "Echo: one two"
    assert result.to_audio_file().mime_type == "audio/pcm;rate=24000"
