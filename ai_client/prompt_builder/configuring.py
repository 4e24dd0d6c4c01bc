"""What is asked, and how: the builder's ``with_…``, ``using_…`` and ``as_…`` methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal, Self

from ai_client.capabilities import FileType, MediaOrientation, Modality
from ai_client.errors import InvalidArgument
from ai_client.functions import Callee, Function, functions_from
from ai_client.messages import (
    FunctionDeclaration,
    FunctionResponse,
    JsonValue,
    Message,
    MessagePart,
    ModelConfig,
    Reasoning,
    RequestOptions,
    ToolChoice,
    WebSearch,
    lazy_texts,
)
from ai_client.messages.reading import json_value
from ai_client.prompt_builder import arguments
from ai_client.prompt_builder.asked import Door, Model, Prompt
from ai_client.prompt_builder.content import (
    file_from,
    message_from,
    part_from,
    text_from,
    with_part,
)
from ai_client.structured import fits_strict_mode, schema_for

JSON = "application/json"
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_TOOL_CHOICES: dict[str, ToolChoice] = {
    each.mode: each for each in (ToolChoice("auto"), ToolChoice("none"), ToolChoice("required"))
}


@dataclass(frozen=True, slots=True)
class Configuring:
    """A prompt in the making. No method changes it: each returns another one.

    Wrong arguments raise ``InvalidArgument``, whose ``param`` names the argument. ``said`` are the
    fields of a ``Prompt`` and ``configured`` those of its ``ModelConfig`` that were spoken of; the
    two are made of them once, when all is said.
    """

    door: Door
    said: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    configured: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    functions: tuple[Function, ...] = ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation so far."""
        messages: tuple[Message, ...] = self.said.get("messages", ())
        return messages

    @property
    def config(self) -> ModelConfig:
        """The settings so far."""
        return ModelConfig(**arguments.copied(self.configured))

    @property
    def asked(self) -> Prompt:
        """All of it so far."""
        return Prompt(config=self.config, **self.said)

    # What is said

    def with_text(self, text: str) -> Self:
        """More text at the end of what the user says."""
        return self._with_part(MessagePart(text_from(text, "text")))

    def with_file(self, file: Any, mime_type: str | None = None) -> Self:
        """A file at the end of what the user says.

        It is a ``File``, a ``Path``, bytes, a URL, a data URI, base64 text with its MIME type, or
        a file of a Django model or form. Text is never taken for a local path.
        """
        if mime_type is not None:
            mime_type = arguments.name(mime_type, "mime_type")
        return self._with_part(MessagePart(file_from(file, mime_type)))

    def with_function_response(self, response: FunctionResponse) -> Self:
        """What a function that the model asked for returned."""
        return self._with_part(MessagePart(arguments.response(response, "response")))

    def with_message_parts(self, *parts: MessagePart | Mapping[str, JsonValue]) -> Self:
        """Parts at the end of what the user says."""
        messages = self.messages
        for part in parts:
            messages = with_part(messages, part_from(part, "parts"))
        return self._asking(messages=messages)

    def with_history(self, *messages: Message | Mapping[str, JsonValue]) -> Self:
        """Messages that came before all that is there now."""
        earlier = tuple(message_from(each, "messages") for each in messages)
        return self._asking(messages=(*earlier, *self.messages))

    def with_input(self, *inputs: Any) -> Self:
        """More inputs for embeddings: texts, or files, each with a vector of its own."""
        messages = self.messages
        for each in inputs:
            messages = with_part(messages, part_from(each, "inputs"))
        return self._asking(messages=messages)

    # Who answers

    def using_model(self, model: str | tuple[str, str] | Model) -> Self:
        """This very model: its id, a pair (provider, id), or a ``Model`` with settings.

        An id may also be a connection's name, which stands for its own model, or
        ``connection/model``. Whether the model can do what is asked is not checked before it is
        asked. When it fails, models that can do it stand in, unless ``without_fallback``. Where
        the builder says nothing, the settings of the model hold.
        """
        chosen = arguments.model(model, "model")
        named = self._asking(model=(chosen.provider, chosen.id))
        return named._configured(**arguments.merged(chosen.config, self.configured, "model"))

    def using_model_preference(self, *models: str | tuple[str, str] | Model) -> Self:
        """Models in the order of preference; the first that can do it answers.

        Where none of them can, another one does.
        """
        if not models:
            raise InvalidArgument("At least one model has to be named.", param="models")
        chosen = [arguments.model(each, "models") for each in models]
        return self._asking(preferences=tuple((each.provider, each.id) for each in chosen))

    def using_provider(self, provider: str) -> Self:
        """Only connections of this provider, by its id (``anthropic``), or one, by its name."""
        return self._asking(provider=arguments.name(provider, "provider"))

    def using_request_options(self, options: RequestOptions) -> Self:
        """Time limits, in seconds; ``timeout`` bounds the request with all its attempts."""
        return self._asking(request_options=arguments.instance(RequestOptions, options, "options"))

    def using_caller(self, caller: str) -> Self:
        """The label of the app that asks, for the log and for approvals."""
        return self._asking(caller=arguments.text(caller, "caller"))

    def without_fallback(self) -> Self:
        """Only the first choice is asked: when it fails, the failure is raised."""
        return self._asking(fallback=False)

    # How it is answered

    def using_model_config(self, config: ModelConfig | Mapping[str, JsonValue]) -> Self:
        """Settings all at once. What the builder says already stays, key by key."""
        given = arguments.config(config, "config")
        return self._configured(**arguments.merged(given, self.configured, "config"))

    def using_system_instruction(self, instruction: str) -> Self:
        """What the model is to be or to keep to."""
        part = MessagePart(arguments.text(lazy_texts.read(instruction), "instruction"))
        return self._configured(system_instruction=(part,))

    def using_max_tokens(self, max_tokens: int) -> Self:
        """The longest answer, in tokens."""
        return self._configured(max_tokens=arguments.whole(max_tokens, "max_tokens", least=1))

    def using_temperature(self, temperature: float) -> Self:
        """How freely the model chooses its words."""
        return self._configured(temperature=arguments.number(temperature, "temperature"))

    def using_top_p(self, top_p: float) -> Self:
        """Only the likeliest tokens, whose probabilities sum up to this."""
        return self._configured(top_p=arguments.number(top_p, "top_p"))

    def using_top_k(self, top_k: int) -> Self:
        """Only this many of the likeliest tokens."""
        return self._configured(top_k=arguments.whole(top_k, "top_k"))

    def using_stop_sequences(self, *stop_sequences: str) -> Self:
        """Texts at which the answer ends."""
        found = tuple(arguments.text(each, "stop_sequences") for each in stop_sequences)
        return self._configured(stop_sequences=found)

    def using_candidate_count(self, candidate_count: int) -> Self:
        """How many answers to give."""
        count = arguments.whole(candidate_count, "candidate_count", least=1)
        return self._configured(candidate_count=count)

    def using_presence_penalty(self, presence_penalty: float) -> Self:
        """Against words that were said at all."""
        penalty = arguments.number(presence_penalty, "presence_penalty")
        return self._configured(presence_penalty=penalty)

    def using_frequency_penalty(self, frequency_penalty: float) -> Self:
        """Against words that were said often."""
        penalty = arguments.number(frequency_penalty, "frequency_penalty")
        return self._configured(frequency_penalty=penalty)

    def using_top_logprobs(self, top_logprobs: int | None = None) -> Self:
        """Log probabilities of the answer's tokens, with as many alternatives."""
        count = self.configured.get("top_logprobs")
        if top_logprobs is not None:
            count = arguments.whole(top_logprobs, "top_logprobs", least=0)
        return self._configured(logprobs=True, top_logprobs=count)

    def using_seed(self, seed: int) -> Self:
        """For answers that can be had again, as far as the model can."""
        return self._configured(seed=arguments.whole(seed, "seed"))

    def using_dimensions(self, dimensions: int) -> Self:
        """The length of embedding vectors."""
        return self._configured(dimensions=arguments.whole(dimensions, "dimensions", least=1))

    def using_reasoning(
        self, effort: str | None = None, *, budget_tokens: int | None = None
    ) -> Self:
        """How much the model may think: an effort word, or a budget in tokens; 0 is not at all."""
        if (effort is None) == (budget_tokens is None):
            raise InvalidArgument("Give effort or budget_tokens, and not both.", param="effort")
        if effort is not None:
            return self._configured(reasoning=Reasoning(effort=arguments.name(effort, "effort")))
        budget = arguments.whole(budget_tokens, "budget_tokens", least=0)
        return self._configured(reasoning=Reasoning(budget_tokens=budget))

    def using_custom_option(self, key: str, value: JsonValue) -> Self:
        """A key of the provider's own, for the request as it is."""
        name, own = arguments.name(key, "key"), json_value(value, "value")
        options = {**self.configured.get("custom_options", {}), name: own}
        return self._configured(custom_options=options)

    # Tools

    def using_function_declarations(
        self, *declarations: FunctionDeclaration | Mapping[str, JsonValue]
    ) -> Self:
        """The functions that the model may ask for; in the place of those declared before."""
        found = tuple(arguments.declaration(each, "declarations") for each in declarations)
        return replace(self._configured(function_declarations=found), functions=())

    def using_functions(self, *functions: Callee) -> Self:
        """Callables that the model may ask for, declared by their type hints and docstrings.

        ``run_functions`` calls them. In the place of the functions given before.
        """
        if not functions:
            raise InvalidArgument("At least one function has to be given.", param="functions")
        found = functions_from(functions)
        declarations = tuple(each.declaration for each in found)
        return replace(self._configured(function_declarations=declarations), functions=found)

    def using_tool_choice(
        self,
        mode: Literal["auto", "none", "required"] | str,
    ) -> Self:
        """``auto``, ``none``, ``required`` (any function), or the name of the one to call.

        When the prompt is asked, the function of that name has to be declared, or any at all. In
        ``run_functions`` the model is free again once it called one.
        """
        word = arguments.name(mode, "mode")
        choice = _TOOL_CHOICES.get(word) or ToolChoice("function", word)
        return self._configured(tool_choice=choice)

    def using_web_search(self, web_search: WebSearch | None = None) -> Self:
        """The model may look things up on the web."""
        found = WebSearch() if web_search is None else web_search
        return self._configured(web_search=arguments.instance(WebSearch, found, "web_search"))

    # What comes out

    def as_output_mime_type(self, mime_type: str) -> Self:
        """The format of the answer."""
        return self._configured(output_mime_type=arguments.name(mime_type, "mime_type"))

    def as_output_schema(self, schema: object) -> Self:
        """The JSON schema that the answer keeps to, or a type that says it.

        A type is asked for in OpenAI's strict mode where that takes its schema.
        """
        found, name = schema_for(schema, "schema")
        found = arguments.json_object(found, "schema")
        # What was said of another schema says nothing of this one.
        is_other = "output_schema" in self.configured
        strict = None if is_other else self.configured.get("output_schema_strict")
        if strict is None and name and fits_strict_mode(found):
            strict = True
        return self._configured(
            output_schema=found,
            output_schema_name=name or None,
            output_schema_strict=strict,
            output_mime_type=self.configured.get("output_mime_type") or JSON,
        )

    def as_output_modalities(self, *modalities: Modality | str) -> Self:
        """Whether text, images, audio or video come out."""
        found = tuple(arguments.choice(Modality, each, "modalities") for each in modalities)
        return self._configured(output_modalities=found)

    def as_output_file_type(self, file_type: FileType | str) -> Self:
        """Files in the answer, or URLs of them."""
        found = arguments.choice(FileType, file_type, "file_type")
        return self._configured(output_file_type=found)

    def as_output_media_orientation(self, orientation: MediaOrientation | str) -> Self:
        """The rough shape of images and videos."""
        found = arguments.choice(MediaOrientation, orientation, "orientation")
        arguments.require_one_shape(found, self.configured.get("output_media_aspect_ratio"))
        return self._configured(output_media_orientation=found)

    def as_output_media_aspect_ratio(self, aspect_ratio: str) -> Self:
        """The exact shape of images and videos, ``3:2``."""
        found = arguments.ratio(aspect_ratio, "aspect_ratio")
        arguments.require_one_shape(self.configured.get("output_media_orientation"), found)
        return self._configured(output_media_aspect_ratio=found)

    def as_output_speech_voice(self, voice: str) -> Self:
        """Who speaks, in the provider's words."""
        return self._configured(output_speech_voice=arguments.name(voice, "voice"))

    def as_json_response(self, schema: object = None) -> Self:
        """JSON, of any shape, or as a schema or a type says."""
        as_json = self.as_output_mime_type(JSON)
        return as_json if schema is None else as_json.as_output_schema(schema)

    def _with_part(self, part: MessagePart) -> Self:
        return self._asking(messages=with_part(self.messages, part))

    def _configured(self, **changes: Any) -> Self:
        configured = MappingProxyType({**self.configured, **changes})
        return type(self)(self.door, self.said, configured, self.functions)

    def _asking(self, **changes: Any) -> Self:
        said = MappingProxyType({**self.said, **changes})
        return type(self)(self.door, said, self.configured, self.functions)

    def __reduce__(self) -> tuple[Any, ...]:
        # The views that keep others from changing a prompt can be neither stored nor copied.
        return type(self), (self.door, dict(self.said), dict(self.configured), self.functions)
