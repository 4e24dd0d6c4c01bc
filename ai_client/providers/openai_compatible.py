"""Any other server that speaks OpenAI's chat completions: vLLM, llama.cpp, LM Studio, a proxy.

The base URL is taken as it is typed; such servers keep their API under paths of every kind.
"""

from ai_client.providers import Field, Provider, ProviderType
from ai_client.providers import gettext_noop as _
from ai_client.providers.media_fields import FALLBACK_AFTER_TIMEOUT
from ai_client.providers.open_models import KINDS
from ai_client.providers.openai_kinds import MEDIA_KINDS
from ai_client.providers.openai_operations import OPERATIONS

PROVIDER = Provider(
    slug="openai-compatible",
    name=_("OpenAI-compatible"),
    wire="openai_chat",
    key_required=False,
    fields=(
        Field(
            "max_tokens_parameter",
            _("Name of the token limit"),
            kind="choice",
            default="max_tokens",
            choices=("max_tokens", "max_completion_tokens"),
            help=_("The parameter by which this server limits an answer's length."),
        ),
        Field(
            "stream_usage",
            _("Token counts in streams"),
            kind="boolean",
            default=True,
            help=_(
                "Asks for token counts at the end of streams (stream_options.include_usage). "
                "Switch off for a server that refuses it."
            ),
        ),
        FALLBACK_AFTER_TIMEOUT,
    ),
    type=ProviderType.SERVER,
    operations=OPERATIONS,
    kinds=(*MEDIA_KINDS, *KINDS),
    description=_("Any server with OpenAI's chat completions API; give its base URL."),
)
