"""Vendors that need no more than a row: OpenAI's chat completions at an address of their own.

A row's ``options`` say where the vendor departs from OpenAI, by its own reference.
"""

from ai_client.providers import Provider
from ai_client.providers import gettext_noop as _
from ai_client.providers.open_models import KINDS

PROVIDERS = (
    Provider(
        # https://openrouter.ai/docs/api-reference/parameters
        slug="openrouter",
        name="OpenRouter",
        wire="openai_chat",
        base_url="https://openrouter.ai/api/v1",
        version_path="/v1",
        env_key="OPENROUTER_API_KEY",
        default_model="openrouter/auto",
        options={"max_tokens_parameter": "max_tokens", "top_k": True},
        credentials_url="https://openrouter.ai/settings/keys",
        description=_("Models of many vendors behind one key."),
        kinds=KINDS,
        price_id="openrouter",
    ),
    Provider(
        # https://console.groq.com/docs/openai
        slug="groq",
        name="Groq",
        wire="openai_chat",
        base_url="https://api.groq.com/openai/v1",
        # GROQ_BASE_URL holds the host only.
        version_path="/openai/v1",
        env_key="GROQ_API_KEY",
        env_base_url="GROQ_BASE_URL",
        # https://console.groq.com/docs/structured-outputs: strict is for some of its models.
        options={"max_tokens_parameter": "max_completion_tokens", "strict_schemas": False},
        credentials_url="https://console.groq.com/keys",
        description=_("Fast inference of open models."),
        kinds=KINDS,
        price_id="groq",
    ),
    Provider(
        # https://docs.api.nvidia.com/nim/reference/llm-apis
        slug="nvidia-nim",
        name="NVIDIA NIM",
        wire="openai_chat",
        base_url="https://integrate.api.nvidia.com/v1",
        version_path="/v1",
        env_key="NVIDIA_API_KEY",
        options={"max_tokens_parameter": "max_tokens"},
        credentials_url="https://build.nvidia.com/settings/api-keys",
        description=_("Open models hosted by NVIDIA."),
        kinds=KINDS,
    ),
    Provider(
        # https://inference-docs.cerebras.ai/resources/openai
        slug="cerebras",
        name="Cerebras",
        wire="openai_chat",
        base_url="https://api.cerebras.ai/v1",
        version_path="/v1",
        env_key="CEREBRAS_API_KEY",
        env_base_url="CEREBRAS_BASE_URL",
        options={"max_tokens_parameter": "max_completion_tokens"},
        credentials_url="https://cloud.cerebras.ai/",
        description=_("Fast inference of open models."),
        kinds=KINDS,
        price_id="cerebras",
    ),
    Provider(
        # https://docs.sambanova.ai/docs/api-reference/chat-completions/create-chat-based-completion
        slug="sambanova",
        name="SambaNova",
        wire="openai_chat",
        base_url="https://api.sambanova.ai/v1",
        version_path="/v1",
        env_key="SAMBANOVA_API_KEY",
        env_base_url="SAMBA_NOVA_BASE_URL",
        options={"max_tokens_parameter": "max_tokens", "top_k": True},
        credentials_url="https://cloud.sambanova.ai/apis",
        description=_("Fast inference of open models."),
        kinds=KINDS,
    ),
    Provider(
        # https://opencode.ai/docs/zen/
        slug="opencode-zen",
        name="OpenCode Zen",
        wire="openai_chat",
        base_url="https://opencode.ai/zen/v1",
        version_path="/v1",
        env_key="OPENCODE_API_KEY",
        options={"max_tokens_parameter": "max_tokens"},
        credentials_url="https://opencode.ai/auth",
        description=_("Models chosen for programming, paid by use."),
        kinds=KINDS,
    ),
    Provider(
        # https://opencode.ai/docs/go/ refuses a request without a session.
        slug="opencode-go",
        name="OpenCode Go",
        wire="openai_chat",
        base_url="https://opencode.ai/zen/go/v1",
        version_path="/v1",
        headers={"x-opencode-session": "koneek"},
        env_key="OPENCODE_API_KEY",
        options={"max_tokens_parameter": "max_tokens"},
        credentials_url="https://opencode.ai/auth",
        description=_("Open models for programming, by subscription."),
        kinds=KINDS,
    ),
)
