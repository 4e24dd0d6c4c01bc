"""What a connection may say about requests for pictures, speech and videos.

Each of them costs far more than a sentence, and an upstream that is too slow for us may still
finish, and charge for, what it was asked for.
"""

from ai_client.providers import Field
from ai_client.providers import gettext_noop as _

FALLBACK_AFTER_TIMEOUT = Field(
    "media_fallback_after_timeout",
    _("Fall back after a timeout of pictures and speech"),
    kind="boolean",
    default=False,
    help=_(
        "Asks the next connection when this one does not answer in time. It may still charge for "
        "what it was asked for."
    ),
)
