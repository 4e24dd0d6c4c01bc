"""OpenAI, by its chat completions; some models, and callers of it, by its Responses API.

https://platform.openai.com/docs/api-reference
"""

from ai_client.providers import Provider
from ai_client.providers import gettext_noop as _
from ai_client.providers.media_fields import FALLBACK_AFTER_TIMEOUT
from ai_client.providers.openai_kinds import KINDS
from ai_client.providers.openai_operations import OPERATIONS, RESPONSES

PROVIDER = Provider(
    slug="openai",
    name="OpenAI",
    wire="openai_chat",
    base_url="https://api.openai.com/v1",
    version_path="/v1",
    env_key="OPENAI_API_KEY",
    env_base_url="OPENAI_BASE_URL",
    default_model="gpt-5.4-mini",
    credentials_url="https://platform.openai.com/api-keys",
    description=_("Text and image generation with GPT models."),
    price_id="openai",
    operations=(*OPERATIONS, RESPONSES),
    fields=(FALLBACK_AFTER_TIMEOUT,),
    kinds=KINDS,
    also_speaks=("openai_responses",),
    counts_in="openai_input_tokens",
)
