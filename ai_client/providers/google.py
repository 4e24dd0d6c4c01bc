"""Google: the Gemini models behind their own dialect. https://ai.google.dev/gemini-api/docs"""

from ai_client.providers import Auth, Provider

PROVIDER = Provider(
    slug="google",
    name="Google",
    wire="google_generate",
    base_url="https://generativelanguage.googleapis.com",
    version_path="/v1beta",
    # Never the ``key`` parameter of the URL: URLs end up in logs.
    auth=Auth("x-goog-api-key"),
    env_key="GOOGLE_API_KEY",
    env_base_url="GOOGLE_GEMINI_BASE_URL",
    default_model="gemini-flash-latest",
    credentials_url="https://aistudio.google.com/app/api-keys",
    description="Text and image generation with Gemini.",
    price_id="google",
)
