"""What to do about a failure, in a sentence, for the person who sets a connection up."""

from __future__ import annotations

from django.utils.translation import gettext as _

from ai_client.errors import (
    AddressRefused,
    AiClientError,
    BadContent,
    ConnectFailed,
    ConnectTimedOut,
    DeadlineExceeded,
    EmptyAnswer,
    FirstEventTimedOut,
    HeadersTimedOut,
    IdleTimedOut,
    KeyRejected,
    KeyUnreadable,
    MalformedAnswer,
    NameNotResolved,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    RedirectRefused,
    RequestError,
    ResourceRefused,
    StreamTruncated,
    TlsFailed,
    UpstreamError,
    UpstreamModelMissing,
)

_SLOW = (HeadersTimedOut, FirstEventTimedOut, IdleTimedOut, DeadlineExceeded)
_NOT_THE_API = (BadContent, MalformedAnswer, EmptyAnswer, StreamTruncated)


def as_detail(message: str) -> str:
    """An error's own message, which is English, beside what is said in the person's language."""
    # Translators: the message stays in English, so quote it.
    return _("%(message)s") % {"message": message} if message else ""


def without_advice(error: AiClientError) -> str:
    """The error's own message, without what ``advice_for`` says of it too."""
    if not isinstance(error, AddressRefused):
        return error.message
    said, mark, _advised = error.message.partition(". ")
    return f"{said}." if mark else said


def advice_for(error: AiClientError) -> str:
    """What the site's owner can do about ``error``."""
    match error:
        case NameNotResolved():
            return _("Check the spelling of the host in the base URL, and this server's DNS.")
        case AddressRefused():
            return _(
                "If this host is meant, add it to KONEEK_ALLOW_PRIVATE_HOSTS (host or host:port)."
            )
        case ConnectFailed():
            return _("Check that the service is running, and the port in the base URL.")
        case ConnectTimedOut():
            return _("Check the base URL, and the firewall between this server and that host.")
        case TlsFailed():
            return _("Check that the base URL should begin with https://, and the certificate.")
        case KeyRejected() | KeyUnreadable():
            return _("Type the key again, or make a new one in the provider's console.")
        case QuotaExhausted():
            return _("Add credit or raise the limit in the provider's console.")
        case RateLimited() | Overloaded():
            return _("Wait a little, then test again.")
        case UpstreamModelMissing():
            return _("Choose a model that the provider lists, and check the base URL's path.")
        case RedirectRefused():
            return _("Put the final address into the base URL.")
        case _ if isinstance(error, _SLOW):
            return _("Test again, raise the connection's timeout, or choose a faster model.")
        case _ if isinstance(error, _NOT_THE_API):
            return _("Check the base URL and its path, and that the provider fits it.")
        case RequestError() | ResourceRefused():
            return _("Choose another model, or correct the connection's settings.")
        case UpstreamError():
            return _("Test again later; if it lasts, look at the provider's status page.")
        case _:
            return _("Look at the server's log.")
