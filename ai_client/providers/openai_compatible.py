"""Any other server that speaks OpenAI's chat completions: vLLM, llama.cpp, LM Studio, a proxy.

The base URL is taken as it is typed; such servers keep their API under paths of every kind.
"""

from ai_client.providers import Field, Provider

PROVIDER = Provider(
    slug="openai-compatible",
    name="OpenAI-compatible",
    wire="openai_chat",
    key_required=False,
    fields=(
        Field(
            "max_tokens_parameter",
            "Name of the token limit",
            kind="choice",
            default="max_tokens",
            choices=("max_tokens", "max_completion_tokens"),
            help="The parameter by which this server limits an answer's length.",
        ),
        Field(
            "stream_usage",
            "Token counts in streams",
            kind="boolean",
            default=True,
            help="Asks for token counts at the end of streams (stream_options.include_usage). "
            "Switch off for a server that refuses it.",
        ),
    ),
    description="Any server with OpenAI's chat completions API; give its base URL.",
)
