"""The answers: methods of the builder that ask and await."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from ai_client.capabilities import Capability, Modality
from ai_client.events import Event
from ai_client.functions import FunctionRun, ReadyCall, failure, response
from ai_client.messages import EmbeddingResult, File, FunctionResponse, GenerativeAiResult
from ai_client.prompt_builder.asked import StartedOperation
from ai_client.prompt_builder.asking import Asking, Turns, atexts_in, content_of, vectors_of
from ai_client.structured import read_answer, require_type

Wanted = TypeVar("Wanted")


class Awaiting(Asking):
    """The answers of ``Answering``, awaited: each as the method without the leading ``a``."""

    __slots__ = ()

    async def ais_supported(self, capability: Capability | str | None = None) -> bool:
        """Whether some model can answer this prompt."""
        return await self.door.ais_supported(self._supposed(capability))

    async def ais_supported_for_text_generation(self) -> bool:
        """As ``ais_supported``, for text."""
        return await self.ais_supported(Capability.TEXT_GENERATION)

    async def ais_supported_for_image_generation(self) -> bool:
        """As ``ais_supported``, for images."""
        return await self.ais_supported(Capability.IMAGE_GENERATION)

    async def ais_supported_for_text_to_speech_conversion(self) -> bool:
        """As ``ais_supported``, for text read aloud."""
        return await self.ais_supported(Capability.TEXT_TO_SPEECH_CONVERSION)

    async def ais_supported_for_video_generation(self) -> bool:
        """As ``ais_supported``, for videos."""
        return await self.ais_supported(Capability.VIDEO_GENERATION)

    async def ais_supported_for_speech_generation(self) -> bool:
        """As ``ais_supported``, for spoken answers."""
        return await self.ais_supported(Capability.SPEECH_GENERATION)

    async def ais_supported_for_music_generation(self) -> bool:
        """As ``ais_supported``, for music."""
        return await self.ais_supported(Capability.MUSIC_GENERATION)

    async def ais_supported_for_embedding_generation(self) -> bool:
        """As ``ais_supported``, for embeddings."""
        return await self.ais_supported(Capability.EMBEDDING_GENERATION)

    async def agenerate_result(
        self, capability: Capability | str | None = None
    ) -> GenerativeAiResult:
        """The whole answer, of whatever kind the prompt or its model is for."""
        return content_of(await self.door.agenerate(self._for_content(capability)))

    async def agenerate_text_result(self) -> GenerativeAiResult:
        """A text, with all that came with it."""
        return await self._aresult(Capability.TEXT_GENERATION, Modality.TEXT)

    async def agenerate_image_result(self) -> GenerativeAiResult:
        """An image, with all that came with it."""
        return await self._aresult(Capability.IMAGE_GENERATION, Modality.IMAGE)

    async def agenerate_speech_result(self) -> GenerativeAiResult:
        """A spoken answer, with all that came with it."""
        return await self._aresult(Capability.SPEECH_GENERATION, Modality.AUDIO)

    async def aconvert_text_to_speech_result(self) -> GenerativeAiResult:
        """The prompt read aloud, with all that came with it."""
        return await self._aresult(Capability.TEXT_TO_SPEECH_CONVERSION, Modality.AUDIO)

    async def agenerate_video_result(self) -> GenerativeAiResult:
        """A video, with all that came with it; waits until it is done. See ``astart_video``."""
        return await self._aresult(Capability.VIDEO_GENERATION, Modality.VIDEO)

    async def agenerate_embedding_result(self) -> EmbeddingResult:
        """One vector for each part of the prompt, with all that came with them."""
        prompt = self._for_embeddings()
        return vectors_of(prompt, await self.door.agenerate(prompt))

    async def agenerate_text(self) -> str:
        """The text."""
        return (await self.agenerate_text_result()).to_text()

    async def agenerate_texts(self, candidate_count: int | None = None) -> list[str]:
        """The texts of all candidates."""
        result = await self._counting(candidate_count).agenerate_text_result()
        return list(result.to_texts())

    async def agenerate_object(self, kind: type[Wanted]) -> Wanted:
        """JSON read into a dataclass, a TypedDict or a pydantic model."""
        require_type(kind, "kind")
        return read_answer(kind, await self.as_json_response(kind).agenerate_text_result())

    async def agenerate_image(self) -> File:
        """The image."""
        return (await self.agenerate_image_result()).to_file()

    async def agenerate_images(self, candidate_count: int | None = None) -> list[File]:
        """The images of all candidates."""
        result = await self._counting(candidate_count).agenerate_image_result()
        return list(result.to_files())

    async def aconvert_text_to_speech(self) -> File:
        """The audio of the prompt read aloud."""
        return (await self.aconvert_text_to_speech_result()).to_file()

    async def aconvert_text_to_speeches(self, candidate_count: int | None = None) -> list[File]:
        """The audio of all candidates."""
        result = await self._counting(candidate_count).aconvert_text_to_speech_result()
        return list(result.to_files())

    async def agenerate_speech(self) -> File:
        """The audio of the spoken answer."""
        return (await self.agenerate_speech_result()).to_file()

    async def agenerate_speeches(self, candidate_count: int | None = None) -> list[File]:
        """The audio of all candidates."""
        result = await self._counting(candidate_count).agenerate_speech_result()
        return list(result.to_files())

    async def agenerate_video(self) -> File:
        """The video; waits until it is done."""
        return (await self.agenerate_video_result()).to_file()

    async def agenerate_videos(self, candidate_count: int | None = None) -> list[File]:
        """The videos of all candidates; waits until they are done."""
        result = await self._counting(candidate_count).agenerate_video_result()
        return list(result.to_files())

    async def agenerate_embedding(self) -> tuple[float, ...]:
        """The vector of the prompt, which is a single input; ``InvalidArgument`` for several."""
        return (await self._single_input().agenerate_embedding_result()).to_vector()

    async def agenerate_embeddings(self) -> list[tuple[float, ...]]:
        """A vector for each input, in their order."""
        return list((await self.agenerate_embedding_result()).to_vectors())

    async def astart_video(self) -> StartedOperation:
        """Has a video begin, and comes back at once."""
        prompt = self._finished(Capability.VIDEO_GENERATION, Modality.VIDEO)
        return StartedOperation(self.door, await self.door.astart(prompt), prompt.caller)

    def astream_events(self) -> AsyncIterator[Event]:
        """The answer's events as they come. Closing the iterator ends the upstream call."""
        return self.door.astream(self._finished(Capability.TEXT_GENERATION, Modality.TEXT))

    def astream_text(self) -> AsyncIterator[str]:
        """As ``stream_text``, awaiting."""
        return atexts_in(self.astream_events())

    async def arun_functions(self, *, max_turns: int = 10) -> FunctionRun:
        """The answer, after the functions of ``using_functions`` that the model asked for.

        Functions may be blocking or awaiting; the calls of one turn come one after the other.
        """
        prompt = self._finished(Capability.TEXT_GENERATION, Modality.TEXT)
        turns = Turns(prompt, self.functions, max_turns)
        while True:
            run = turns.note(content_of(await self.door.agenerate(turns.prompt)))
            if run is not None:
                return run
            turns.answer([await self._acalled(each) for each in turns.calls])

    async def _acalled(self, call: ReadyCall | FunctionResponse) -> FunctionResponse:
        if isinstance(call, FunctionResponse):
            return call
        try:
            returned = await self.door.acall(call.function.callee, call.arguments)
        except Exception as error:
            return failure(call.call, error)
        return response(call.call, returned)

    async def _aresult(self, capability: Capability, modality: Modality) -> GenerativeAiResult:
        return content_of(await self.door.agenerate(self._finished(capability, modality)))
