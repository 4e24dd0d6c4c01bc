"""Anthropic: the Claude models behind their own dialect. https://platform.claude.com/docs"""

from ai_client.providers import Auth, Field, Provider

PROVIDER = Provider(
    slug="anthropic",
    name="Anthropic",
    wire="anthropic_messages",
    base_url="https://api.anthropic.com",
    version_path="/v1",
    auth=Auth("x-api-key"),
    env_key="ANTHROPIC_API_KEY",
    env_base_url="ANTHROPIC_BASE_URL",
    default_model="claude-sonnet-5-5",
    fields=(
        Field(
            "max_tokens",
            "Longest answer",
            kind="integer",
            help="Tokens, thinking included, where a request does not say. Empty: 16384 for "
            "Claude, 4096 for other models.",
        ),
    ),
    credentials_url="https://platform.claude.com/settings/keys",
    description="Text generation with Claude.",
    price_id="anthropic",
)
