"""The functions with which Python programs ask: ``prompt``, and its short forms.

All of them are to be had from ``ai_client`` itself::

    from ai_client import prompt

    prompt("Explain gravity").generate_text()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_client.capabilities import Capability
from ai_client.errors import InvalidArgument
from ai_client.generation import SiteDoor
from ai_client.messages import GenerativeAiResult, ModelConfig
from ai_client.messages.reading import unicode_text
from ai_client.prompt_builder import Model, PromptBuilder, StartedOperation

if TYPE_CHECKING:
    from ai_client.registry import ProviderRegistry


def prompt(
    text: object = None, *, caller: str = "", registry: ProviderRegistry | None = None
) -> PromptBuilder:
    """A builder for a prompt, answered by the site's connections in their order.

    ``text`` is text, a message, a part, a file, one of their dictionaries, a list of texts, parts
    and files, or a list of messages. ``caller`` is the label of the app that asks, for the log and
    for approvals. ``registry`` has its providers asked instead of the site's.
    """
    return PromptBuilder.of(_door(registry), text, caller=caller)


def operation(
    operation_id: str, *, caller: str = "", registry: ProviderRegistry | None = None
) -> StartedOperation:
    """Work that was started before, by its id, as it is now. Asks the upstream once."""
    door = _door(registry)
    unicode_text(operation_id, "operation_id")
    unicode_text(caller, "caller")
    return StartedOperation(door, door.look(operation_id, caller), caller)


async def aoperation(
    operation_id: str, *, caller: str = "", registry: ProviderRegistry | None = None
) -> StartedOperation:
    """As ``operation``, awaiting."""
    door = _door(registry)
    unicode_text(operation_id, "operation_id")
    unicode_text(caller, "caller")
    return StartedOperation(door, await door.alook(operation_id, caller), caller)


def is_configured(provider: str, *, registry: ProviderRegistry | None = None) -> bool:
    """Whether prompts can be sent to the provider, by its id; False for an unknown one."""
    if registry is None:
        from ai_client.registry import default_registry

        registry = default_registry()
    return _checked(registry).is_configured(provider)


def generate_result(
    text: object,
    model_or_config: Model | ModelConfig | None,
    *,
    capability: Capability | None = None,
    registry: ProviderRegistry | None = None,
) -> GenerativeAiResult:
    """The answer to a prompt by a model, or by whichever model can do what a config says."""
    return _asking(text, model_or_config, registry).generate_result(capability)


def generate_text_result(
    text: object,
    model_or_config: Model | ModelConfig | None = None,
    *,
    registry: ProviderRegistry | None = None,
) -> GenerativeAiResult:
    """As ``generate_result``, for text."""
    return _asking(text, model_or_config, registry).generate_text_result()


def generate_image_result(
    text: object,
    model_or_config: Model | ModelConfig | None = None,
    *,
    registry: ProviderRegistry | None = None,
) -> GenerativeAiResult:
    """As ``generate_result``, for an image."""
    return _asking(text, model_or_config, registry).generate_image_result()


def convert_text_to_speech_result(
    text: object,
    model_or_config: Model | ModelConfig | None = None,
    *,
    registry: ProviderRegistry | None = None,
) -> GenerativeAiResult:
    """As ``generate_result``, for text read aloud."""
    return _asking(text, model_or_config, registry).convert_text_to_speech_result()


def generate_speech_result(
    text: object,
    model_or_config: Model | ModelConfig | None = None,
    *,
    registry: ProviderRegistry | None = None,
) -> GenerativeAiResult:
    """As ``generate_result``, for a spoken answer."""
    return _asking(text, model_or_config, registry).generate_speech_result()


def generate_video_result(
    text: object,
    model_or_config: Model | ModelConfig | None = None,
    *,
    registry: ProviderRegistry | None = None,
) -> GenerativeAiResult:
    """As ``generate_result``, for a video; waits until it is done."""
    return _asking(text, model_or_config, registry).generate_video_result()


_site_door = SiteDoor()


def _door(registry: ProviderRegistry | None) -> SiteDoor:
    return _site_door if registry is None else SiteDoor(_checked(registry))


def _checked(registry: ProviderRegistry) -> ProviderRegistry:
    from ai_client.registry import ProviderRegistry

    if not isinstance(registry, ProviderRegistry):
        raise InvalidArgument(
            f"registry is a ProviderRegistry, not {type(registry).__name__}.", param="registry"
        )
    return registry


def _asking(
    text: object, model_or_config: Model | ModelConfig | None, registry: ProviderRegistry | None
) -> PromptBuilder:
    builder = prompt(text, registry=registry)
    match model_or_config:
        case None:
            return builder
        case Model():
            return builder.using_model(model_or_config)
        case ModelConfig():
            return builder.using_model_config(model_or_config)
    raise InvalidArgument(
        f"Give a Model, a ModelConfig or None, not {type(model_or_config).__name__}.",
        param="model_or_config",
    )
