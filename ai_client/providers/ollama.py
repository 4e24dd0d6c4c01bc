"""Ollama, models on one's own machine. https://docs.ollama.com/api/openai-compatibility

Its address is a private one, so it has to stand in KONEEK_ALLOW_PRIVATE_HOSTS. OLLAMA_HOST is not
read: it holds a host and port without scheme, and on a server the address to listen on.
"""

from ai_client.providers import Provider, ProviderType
from ai_client.providers import gettext_noop as _
from ai_client.providers.open_models import KINDS

PROVIDER = Provider(
    slug="ollama",
    name="Ollama",
    wire="openai_chat",
    base_url="http://127.0.0.1:11434/v1",
    version_path="/v1",
    key_required=False,
    env_key="OLLAMA_API_KEY",
    options={"max_tokens_parameter": "max_tokens"},
    type=ProviderType.SERVER,
    kinds=KINDS,
    description=_("Models on your own machine; needs no key."),
)
