"""Azure AI Foundry: https://learn.microsoft.com/azure/ai-foundry/

A connection is a resource, or an endpoint with a single model. What it can be asked for are its
deployments, which have names of their own; they are typed in, or found out by ``detection``.
"""

from __future__ import annotations

from ai_client.providers import Auth, Capability, Field, Operation, Provider
from ai_client.providers import gettext_noop as _
from ai_client.providers.azure_ai_foundry.addressing import address
from ai_client.providers.azure_ai_foundry.deployments import KINDS, name_models
from ai_client.providers.azure_ai_foundry.detection import detect
from ai_client.providers.azure_ai_foundry.endpoint import (
    EndpointType,
    Surface,
    authentication,
    check_address,
)
from ai_client.providers.media_fields import FALLBACK_AFTER_TIMEOUT
from ai_client.providers.openai_kinds import KINDS as OPENAI_KINDS

PROVIDER = Provider(
    slug="azure-ai-foundry",
    name="Azure AI Foundry",
    wire="openai_chat",
    auth=Auth("api-key", by_address=authentication),
    env_key="AZURE_AI_FOUNDRY_API_KEY",
    env_base_url="AZURE_AI_FOUNDRY_ENDPOINT",
    environment={
        "deployments": "AZURE_AI_FOUNDRY_MODEL",
        "capabilities": "AZURE_AI_FOUNDRY_CAPABILITIES",
    },
    fields=(
        Field(
            "deployments",
            _("Deployments"),
            help=_("Names of deployments, with commas between them: gpt-4.1, gpt-image-1"),
        ),
        Field(
            "capabilities",
            _("Capabilities"),
            help=_(
                "What they are for, with commas: text_generation, chat_history, "
                "image_generation, embedding_generation, text_to_speech_conversion. Blank: text."
            ),
        ),
        Field(
            "endpoint_type",
            _("Type of endpoint"),
            kind="choice",
            choices=tuple(EndpointType),
            help=_("Blank: by its host name. gateway keeps the path of the base URL."),
        ),
        Field(
            "surface",
            _("API"),
            kind="choice",
            choices=tuple(Surface),
            help=_("Blank: the deployments of Azure OpenAI."),
        ),
        Field(
            "api_version",
            _("API version"),
            help=_("Blank: the version this was made for."),
        ),
        FALLBACK_AFTER_TIMEOUT,
    ),
    credentials_url="https://ai.azure.com/",
    description=_("Models that are deployed in Microsoft Azure."),
    price_id="azure",
    operations=(
        Operation(Capability.IMAGE_GENERATION, "openai_images"),
        Operation(Capability.EMBEDDING_GENERATION, "openai_embeddings"),
        Operation(Capability.TEXT_TO_SPEECH_CONVERSION, "openai_speech"),
        Operation(Capability.SPEECH_GENERATION, "openai_speech"),
    ),
    kinds=KINDS,
    tuned_like=OPENAI_KINDS,
    address=address,
    name_models=name_models,
    detect=detect,
    check_address=check_address,
    also_speaks=("openai_responses",),
    also_where={"surface": Surface.V1.value},
)
