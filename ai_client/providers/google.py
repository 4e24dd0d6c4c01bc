"""Google: the Gemini models behind their own dialect. https://ai.google.dev/gemini-api/docs"""

from dataclasses import replace
from urllib.parse import urlsplit

from ai_client.providers import Auth, Call, Capability, Operation, Provider, WireRequest
from ai_client.providers import gettext_noop as _
from ai_client.providers.google_kinds import KINDS
from ai_client.providers.media_fields import FALLBACK_AFTER_TIMEOUT

VERSION = "/v1beta"

OPERATIONS = (
    Operation(Capability.EMBEDDING_GENERATION, "google_embeddings"),
    Operation(Capability.IMAGE_GENERATION, "google_imagen", ("imagen-*", "models/imagen-*")),
    Operation(Capability.IMAGE_GENERATION, "google_generate"),
    Operation(Capability.TEXT_TO_SPEECH_CONVERSION, "google_generate"),
    Operation(Capability.SPEECH_GENERATION, "google_generate"),
    Operation(Capability.VIDEO_GENERATION, "google_videos"),
)


def address(call: Call) -> WireRequest:
    """The request below the API's version; a file's content is below ``/download`` before that.

    Google redirects there from the address that its answers name, and no redirect is followed.
    """
    base = urlsplit(call.base_url).path.rstrip("/").removesuffix(VERSION)
    is_content = call.request.query.get("alt") == "media"
    folder = "/download" if is_content else ""
    return replace(call.request, path=f"{base}{folder}{VERSION}/{call.request.path}")


PROVIDER = Provider(
    slug="google",
    name="Google",
    wire="google_generate",
    base_url="https://generativelanguage.googleapis.com",
    version_path=VERSION,
    # Never the ``key`` parameter of the URL: URLs end up in logs.
    auth=Auth("x-goog-api-key"),
    env_key="GOOGLE_API_KEY",
    env_base_url="GOOGLE_GEMINI_BASE_URL",
    default_model="gemini-flash-latest",
    credentials_url="https://aistudio.google.com/app/api-keys",
    description=_("Text and image generation with Gemini."),
    price_id="google",
    operations=OPERATIONS,
    fields=(FALLBACK_AFTER_TIMEOUT,),
    kinds=KINDS,
    counts_in="google_count_tokens",
    address=address,
)
