"""OpenAI, by its chat completions. https://platform.openai.com/docs/api-reference/chat"""

from ai_client.providers import Provider

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
    description="Text and image generation with GPT models.",
    price_id="openai",
)
