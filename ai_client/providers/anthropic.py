"""Anthropic: the Claude models behind their own dialect. https://platform.claude.com/docs"""

from ai_client.providers import (
    PENALTIES,
    PROBABILITIES,
    SAMPLING,
    TALKS,
    Auth,
    Field,
    Modality,
    ModelKind,
    Option,
    Provider,
    text_options,
)
from ai_client.providers import gettext_noop as _

_DROPPED = (*PENALTIES, *PROBABILITIES)
_SEES = (Modality.IMAGE, Modality.DOCUMENT)
_SEARCHES = (Option.WEB_SEARCH,)
_SETTLED = text_options(
    *_SEES,
    candidates=(1,),
    without=(*_DROPPED, *SAMPLING, Option.TOP_K),
    others=_SEARCHES,
)

# https://platform.claude.com/docs/en/about-claude/models/overview, and the migration guides there:
# since 4.7 sampling is not for the caller to set. Structured outputs came with 4.1.
KINDS = (
    ModelKind(
        (
            "claude-opus-[5-9]*",
            "claude-sonnet-[5-9]*",
            "claude-haiku-[5-9]*",
            "claude-fable-*",
            "claude-mythos-*",
            "claude-*-4-[7-9]*",
        ),
        TALKS,
        _SETTLED,
    ),
    ModelKind(
        ("claude-*-4-[1-6]", "claude-*-4-[1-6]-*"),
        TALKS,
        text_options(*_SEES, candidates=(1,), without=_DROPPED, others=_SEARCHES),
    ),
    ModelKind(
        ("claude-*-4", "claude-*-4-*", "claude-3-[57]-*"),
        TALKS,
        text_options(
            *_SEES,
            candidates=(1,),
            without=(*_DROPPED, Option.OUTPUT_SCHEMA),
            others=_SEARCHES,
            mime_types=("text/plain",),
        ),
    ),
    ModelKind(
        ("claude-3-*",),
        TALKS,
        text_options(
            Modality.IMAGE,
            candidates=(1,),
            without=(*_DROPPED, Option.OUTPUT_SCHEMA),
            mime_types=("text/plain",),
        ),
    ),
    ModelKind(("claude-*",), TALKS, _SETTLED, guessed=True),
)

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
            _("Longest answer"),
            kind="integer",
            help=_(
                "Tokens, thinking included, where a request does not say. Empty: 16384 for "
                "Claude, 4096 for other models."
            ),
        ),
    ),
    credentials_url="https://platform.claude.com/settings/keys",
    description=_("Text generation with Claude."),
    price_id="anthropic",
    kinds=KINDS,
    counts_in="anthropic_count_tokens",
)
