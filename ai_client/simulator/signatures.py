"""Signatures over reasoning, as the vendors issue them, and the check when they come back.

A signature names the text that it was issued for. The key is fixed, so that two simulators of the
same vendor accept each other's signatures as two regions of a vendor do; another vendor's fails.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_KEY = b"simulated upstreams have no secrets"
_NAMED = 12


def issue(vendor: str, text: str) -> str:
    """The signature of ``text``, base64."""
    named = hashlib.sha256(text.encode()).digest()[:_NAMED]
    return base64.b64encode(named + _seal(vendor, named)).decode()


def issued(vendor: str, signature: str) -> bool:
    """Whether this vendor's simulator issued ``signature`` for any text."""
    named, seal = _split(signature)
    return hmac.compare_digest(seal, _seal(vendor, named))


def signs(vendor: str, signature: str, text: str) -> bool:
    """Whether ``signature`` was issued for exactly ``text``."""
    named = hashlib.sha256(text.encode()).digest()[:_NAMED]
    return issued(vendor, signature) and _split(signature)[0] == named


def _seal(vendor: str, named: bytes) -> bytes:
    return hmac.digest(_KEY, vendor.encode() + b"\0" + named, "sha256")[:20]


def _split(signature: str) -> tuple[bytes, bytes]:
    standard = signature.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        raw = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    return raw[:_NAMED], raw[_NAMED:]
