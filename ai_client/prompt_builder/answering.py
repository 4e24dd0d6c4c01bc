"""The answers: methods of the builder that ask and wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from ai_client.capabilities import Capability, Modality
from ai_client.events import Event
from ai_client.functions import FunctionRun, ReadyCall, failure, response
from ai_client.messages import EmbeddingResult, File, FunctionResponse, GenerativeAiResult
from ai_client.prompt_builder.asked import StartedOperation
from ai_client.prompt_builder.asking import Asking, Turns, content_of, texts_in, vectors_of
from ai_client.structured import read_answer, require_type

Wanted = TypeVar("Wanted")


class Answering(Asking):
    """Blocking answers. Errors are those of ``ai_client.errors``."""

    __slots__ = ()

    def is_supported(self, capability: Capability | str | None = None) -> bool:
        """Whether some model can answer this prompt; False too where AI is switched off."""
        return self.door.is_supported(self._supposed(capability))

    def is_supported_for_text_generation(self) -> bool:
        """As ``is_supported``, for text."""
        return self.is_supported(Capability.TEXT_GENERATION)

    def is_supported_for_image_generation(self) -> bool:
        """As ``is_supported``, for images."""
        return self.is_supported(Capability.IMAGE_GENERATION)

    def is_supported_for_text_to_speech_conversion(self) -> bool:
        """As ``is_supported``, for text read aloud."""
        return self.is_supported(Capability.TEXT_TO_SPEECH_CONVERSION)

    def is_supported_for_video_generation(self) -> bool:
        """As ``is_supported``, for videos."""
        return self.is_supported(Capability.VIDEO_GENERATION)

    def is_supported_for_speech_generation(self) -> bool:
        """As ``is_supported``, for spoken answers."""
        return self.is_supported(Capability.SPEECH_GENERATION)

    def is_supported_for_music_generation(self) -> bool:
        """As ``is_supported``, for music."""
        return self.is_supported(Capability.MUSIC_GENERATION)

    def is_supported_for_embedding_generation(self) -> bool:
        """As ``is_supported``, for embeddings."""
        return self.is_supported(Capability.EMBEDDING_GENERATION)

    def generate_result(self, capability: Capability | str | None = None) -> GenerativeAiResult:
        """The whole answer, of whatever kind the prompt or its model is for."""
        return content_of(self.door.generate(self._for_content(capability)))

    def generate_text_result(self) -> GenerativeAiResult:
        """A text, with all that came with it."""
        return self._result(Capability.TEXT_GENERATION, Modality.TEXT)

    def generate_image_result(self) -> GenerativeAiResult:
        """An image, with all that came with it."""
        return self._result(Capability.IMAGE_GENERATION, Modality.IMAGE)

    def generate_speech_result(self) -> GenerativeAiResult:
        """A spoken answer, with all that came with it."""
        return self._result(Capability.SPEECH_GENERATION, Modality.AUDIO)

    def convert_text_to_speech_result(self) -> GenerativeAiResult:
        """The prompt read aloud, with all that came with it."""
        return self._result(Capability.TEXT_TO_SPEECH_CONVERSION, Modality.AUDIO)

    def generate_video_result(self) -> GenerativeAiResult:
        """A video, with all that came with it; waits until it is done. See ``start_video``."""
        return self._result(Capability.VIDEO_GENERATION, Modality.VIDEO)

    def generate_embedding_result(self) -> EmbeddingResult:
        """One vector for each part of the prompt, with all that came with them."""
        prompt = self._for_embeddings()
        return vectors_of(prompt, self.door.generate(prompt))

    def generate_text(self) -> str:
        """The text."""
        return self.generate_text_result().to_text()

    def generate_texts(self, candidate_count: int | None = None) -> list[str]:
        """The texts of all candidates."""
        return list(self._counting(candidate_count).generate_text_result().to_texts())

    def generate_object(self, kind: type[Wanted]) -> Wanted:
        """JSON read into a dataclass, a TypedDict or a pydantic model.

        Raises ``MalformedAnswer``, which says what does not fit; ``InvalidArgument``, before
        anything is sent, where ``kind`` is something else, such as a schema.
        """
        require_type(kind, "kind")
        return read_answer(kind, self.as_json_response(kind).generate_text_result())

    def generate_image(self) -> File:
        """The image."""
        return self.generate_image_result().to_file()

    def generate_images(self, candidate_count: int | None = None) -> list[File]:
        """The images of all candidates."""
        return list(self._counting(candidate_count).generate_image_result().to_files())

    def convert_text_to_speech(self) -> File:
        """The audio of the prompt read aloud."""
        return self.convert_text_to_speech_result().to_file()

    def convert_text_to_speeches(self, candidate_count: int | None = None) -> list[File]:
        """The audio of all candidates."""
        return list(self._counting(candidate_count).convert_text_to_speech_result().to_files())

    def generate_speech(self) -> File:
        """The audio of the spoken answer."""
        return self.generate_speech_result().to_file()

    def generate_speeches(self, candidate_count: int | None = None) -> list[File]:
        """The audio of all candidates."""
        return list(self._counting(candidate_count).generate_speech_result().to_files())

    def generate_video(self) -> File:
        """The video; waits until it is done."""
        return self.generate_video_result().to_file()

    def generate_videos(self, candidate_count: int | None = None) -> list[File]:
        """The videos of all candidates; waits until they are done."""
        return list(self._counting(candidate_count).generate_video_result().to_files())

    def generate_embedding(self) -> tuple[float, ...]:
        """The vector of the prompt, which is a single input; ``InvalidArgument`` for several."""
        return self._single_input().generate_embedding_result().to_vector()

    def generate_embeddings(self) -> list[tuple[float, ...]]:
        """A vector for each input, in their order."""
        return list(self.generate_embedding_result().to_vectors())

    def start_video(self) -> StartedOperation:
        """Has a video begin, and comes back at once."""
        prompt = self._finished(Capability.VIDEO_GENERATION, Modality.VIDEO)
        return StartedOperation(self.door, self.door.start(prompt), prompt.caller)

    def stream_events(self) -> Iterator[Event]:
        """The answer's events as they come. Closing the iterator ends the upstream call."""
        return self.door.stream(self._finished(Capability.TEXT_GENERATION, Modality.TEXT))

    def stream_text(self) -> Iterator[str]:
        """The first candidate's text as it comes, without thoughts.

        An answer that is complete and has no text gives nothing, where ``generate_text`` raises
        ``ContentMissing``.
        """
        return texts_in(self.stream_events())

    def run_functions(self, *, max_turns: int = 10) -> FunctionRun:
        """The answer, after the functions of ``using_functions`` that the model asked for.

        ``max_turns`` bounds how often the model is asked; ``TurnsExhausted`` beyond it. A
        function's exception becomes an error result for the model, without its text;
        ``FunctionRefused`` becomes one with it.
        """
        prompt = self._finished(Capability.TEXT_GENERATION, Modality.TEXT)
        turns = Turns(prompt, self.functions, max_turns)
        while True:
            run = turns.note(content_of(self.door.generate(turns.prompt)))
            if run is not None:
                return run
            turns.answer([self._called(each) for each in turns.calls])

    def _called(self, call: ReadyCall | FunctionResponse) -> FunctionResponse:
        if isinstance(call, FunctionResponse):
            return call
        try:
            returned = self.door.call(call.function.callee, call.arguments)
        except Exception as error:
            return failure(call.call, error)
        return response(call.call, returned)

    def _result(self, capability: Capability, modality: Modality) -> GenerativeAiResult:
        return content_of(self.door.generate(self._finished(capability, modality)))
