"""What an endpoint of Azure is, by its address: which type, and which API it is asked by.

Sources: https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/endpoints,
https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle and, for endpoints of a
single model, https://learn.microsoft.com/rest/api/aifoundry/modelinference/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

from ai_client.providers import BEARER, Auth, JsonValue
from ai_client.providers import gettext_noop as _

OPENAI_VERSION: Final = "2025-04-01-preview"
"""Of the deployments of Azure OpenAI."""

INFERENCE_VERSION: Final = "2024-05-01-preview"
"""Of the Model Inference API, and so of endpoints with a single model."""

API_KEY: Final = Auth("api-key")

_Word = TypeVar("_Word", bound=StrEnum)


class EndpointType(StrEnum):
    """What stands behind an address."""

    FOUNDRY = "foundry"
    OPENAI = "openai"
    COGNITIVE_SERVICES = "cognitive-services"
    SINGLE_MODEL = "single-model"
    GATEWAY = "gateway"


class Surface(StrEnum):
    """The APIs of a resource. What Model Inference does not have is asked of the deployments."""

    DEPLOYMENTS = "deployments"
    MODEL_INFERENCE = "model-inference"
    V1 = "v1"


_CLOUD = r"azure\.(?:com|us|cn)"
_HOSTS: Final = (
    (EndpointType.FOUNDRY, re.compile(rf"[^.]+\.services\.ai\.{_CLOUD}")),
    (EndpointType.OPENAI, re.compile(rf"[^.]+\.openai\.{_CLOUD}")),
    (
        EndpointType.COGNITIVE_SERVICES,
        re.compile(rf"[^.]+\.(?:cognitiveservices\.{_CLOUD}|api\.cognitive\.microsoft\.com)"),
    ),
    (
        EndpointType.SINGLE_MODEL,
        re.compile(rf"[^.]+\.[^.]+\.(?:models\.ai|inference\.ai|inference\.ml)\.{_CLOUD}"),
    ),
)
_PORTALS: Final = frozenset(
    ("ai.azure.com", "oai.azure.com", "portal.azure.com", "ml.azure.com", "learn.microsoft.com")
)
_AZURE = re.compile(rf"(?:.*\.)?{_CLOUD}")
_WITHOUT_RESOURCE = re.compile(
    rf"(?:services\.ai|openai|cognitiveservices|models\.ai|inference\.ai)\.{_CLOUD}"
)
_OWN_PATH = re.compile(r"/(?:openai|models|api/projects)(?:/.*)?$")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with what it means. ``prefix`` stands before every path; ``version`` is the API
    version that the connection wants instead of the usual one, else blank.
    """

    type: EndpointType
    surface: Surface
    prefix: str = ""
    version: str = ""

    @classmethod
    def of(cls, base_url: str, options: Mapping[str, JsonValue]) -> Self:
        """The endpoint of a connection, from its base URL and its fields.

        The path of the base URL is dropped, ``/api/projects/…`` included, since every API of a
        resource begins at its host; behind a gateway the path leads to the resource and stays.
        """
        parts = urlsplit(base_url)
        kind = _word(EndpointType, options.get("endpoint_type")) or endpoint_type(parts.hostname)
        surface = _word(Surface, options.get("surface")) or Surface.DEPLOYMENTS
        prefix = ""
        if kind is EndpointType.GATEWAY:
            prefix = _OWN_PATH.sub("", parts.path.rstrip("/"))
        version = options.get("api_version")
        return cls(kind, surface, prefix, version if isinstance(version, str) else "")

    @property
    def has_single_model(self) -> bool:
        return self.type is EndpointType.SINGLE_MODEL

    @property
    def openai_query(self) -> dict[str, str]:
        return {"api-version": self.version or OPENAI_VERSION}

    @property
    def inference_query(self) -> dict[str, str]:
        return {"api-version": self.version or INFERENCE_VERSION}


def endpoint_type(host: str | None) -> EndpointType:
    """What a host is, by its name; a resource of Foundry where the name says nothing."""
    for kind, pattern in _HOSTS:
        if pattern.fullmatch((host or "").lower()):
            return kind
    return EndpointType.FOUNDRY


def check_address(base_url: str) -> None:
    """Raises ValueError for an address that cannot be an endpoint, saying what to write."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    if not host:
        raise ValueError(
            _("The endpoint has no host. Write it like https://my-resource.services.ai.azure.com.")
        )
    if host in _PORTALS:
        raise ValueError(
            _(
                "This is a page for people, not an endpoint. Write it like "
                "https://my-resource.services.ai.azure.com, as the page of your resource says."
            )
        )
    if _WITHOUT_RESOURCE.fullmatch(host):
        raise ValueError(
            _(
                "The host lacks the name of your resource. Write it like "
                "https://my-resource.services.ai.azure.com."
            )
        )
    if parts.scheme != "https" and _AZURE.fullmatch(host):
        raise ValueError(
            _(
                "Azure takes no key without encryption. Write it like "
                "https://my-resource.services.ai.azure.com."
            )
        )


def authentication(base_url: str, options: Mapping[str, JsonValue]) -> Auth:
    """How an endpoint takes its key: resources as ``api-key``, single models as a bearer token."""
    return BEARER if Endpoint.of(base_url, options).has_single_model else API_KEY


def _word(kind: type[_Word], value: JsonValue) -> _Word | None:
    return kind(value) if value in tuple(kind) else None
