"""What the page may load and run: its own files, and what carries the nonce of this answer."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from django.http.response import HttpResponseBase
from django.templatetags.static import PrefixNode

HEADER = "Content-Security-Policy"


def new_nonce() -> str:
    """A nonce for one answer."""
    return secrets.token_urlsafe(16)


def policy(nonce: str) -> str:
    """The policy of an answer; without a nonce nothing inline runs at all.

    A static file host of the site's own (an absolute STATIC_URL) may serve its files.
    """
    static = urlsplit(PrefixNode.handle_simple("STATIC_URL"))
    files = f"'self' {static.scheme or 'https'}://{static.netloc}" if static.netloc else "'self'"
    inline = f" 'nonce-{nonce}'" if nonce else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {files}{inline}",
            f"style-src {files}",
            f"img-src {files} data:",
            f"font-src {files}",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def protect(response: HttpResponseBase, nonce: str = "") -> None:
    """Puts the policy on an answer."""
    response.headers[HEADER] = policy(nonce)
