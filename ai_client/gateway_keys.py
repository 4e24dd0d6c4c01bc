"""Gateway keys without storage: made, reduced to an HMAC, read from headers, checked.

A key is ``kn_`` and 32 random bytes. What is stored is its prefix, by which it is found, and an
HMAC-SHA256 under a pepper derived from the site's secret key, by which it is compared. With 256
random bits in the key no slow hash is needed.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ai_client.errors import AuthenticationFailed
from ai_client.snapshot import GatewayKeyConfig

KEY_START = "kn_"
PREFIX_LENGTH = 11
"""Characters of a key that are stored and shown: ``kn_`` and 48 of its 256 random bits."""

_RANDOM_BYTES = 32
_PEPPER_PURPOSE = b"koneek gateway key digest v1"
_NOBODY = bytes(sha256().digest_size)

_MISSING = (
    "No gateway key. Send it as 'Authorization: Bearer kn_…', 'x-api-key' or 'x-goog-api-key'."
)
_CONFLICT = "The request carries different gateway keys in its headers. Send only one."
_UNKNOWN = "Unknown gateway key. Ask the owner of this site for a new one."
_EXPIRED = "This gateway key has expired. Ask the owner of this site for a new one."


def generate_key() -> str:
    """A new key in plain text, to be shown once."""
    return KEY_START + secrets.token_urlsafe(_RANDOM_BYTES)


def key_prefix(plain: str) -> str:
    """The part of a key that may be stored and shown."""
    return plain[:PREFIX_LENGTH]


def derive_pepper(secret: str | bytes) -> bytes:
    """The HMAC key for digests, from the site's secret key; 32 bytes."""
    material = secret.encode() if isinstance(secret, str) else secret
    return HKDF(SHA256(), sha256().digest_size, salt=None, info=_PEPPER_PURPOSE).derive(material)


def digest_key(plain: str, pepper: bytes) -> bytes:
    """What is stored of a key; 32 bytes."""
    keyed = _keyed(pepper).copy()
    keyed.update(plain.encode("utf-8", "surrogatepass"))
    return keyed.digest()


@lru_cache(maxsize=16)
def _keyed(pepper: bytes) -> hmac.HMAC:
    # Half the time of hmac.digest, which besides lets go of Python's lock at each request.
    return hmac.new(pepper, digestmod="sha256")


def key_matches(plain: str, digest: bytes, peppers: Sequence[bytes]) -> bool:
    """Whether ``digest`` is that of ``plain`` under any of the peppers, in constant time."""
    matched = False
    for pepper in peppers:
        matched |= hmac.compare_digest(digest_key(plain, pepper), digest)
    return matched


def read_key(headers: Iterable[tuple[str | bytes, str | bytes]]) -> str | None:
    """The gateway key in a request's headers, None where there is none.

    Reads ``Authorization: Bearer``, ``x-api-key`` and ``x-goog-api-key``, names and scheme in any
    case. Other schemes of ``Authorization`` are not ours and are passed over.
    ``AuthenticationFailed`` if two headers carry different keys, since one of them would go
    unchecked.
    """
    found: str | None = None
    for name, value in headers:
        lowered = name.lower()
        if lowered in _BEARER_NAMES:
            key = _bearer(_text(value))
        elif lowered in _KEY_NAMES:
            key = _text(value).strip()
        else:
            continue
        if not key:
            continue
        if found is not None and found != key:
            raise AuthenticationFailed(_CONFLICT)
        found = key
    return found


def authenticate(
    headers: Iterable[tuple[str | bytes, str | bytes]],
    keys: Mapping[str, GatewayKeyConfig],
    peppers: Sequence[bytes],
    now: float,
) -> GatewayKeyConfig:
    """The key that a request carries, checked against the known ``keys`` (by prefix).

    ``now`` is Unix seconds. ``AuthenticationFailed`` if it is missing, unknown or expired, or if
    there are several. An unknown prefix takes as long as a wrong key.
    """
    plain = read_key(headers)
    if plain is None:
        raise AuthenticationFailed(_MISSING)
    known = keys.get(key_prefix(plain))
    matched = key_matches(plain, _NOBODY if known is None else known.digest, peppers)
    if known is None or not matched:
        raise AuthenticationFailed(_UNKNOWN)
    if known.expires_at is not None and known.expires_at <= now:
        raise AuthenticationFailed(_EXPIRED)
    return known


_BEARER_NAMES = frozenset({"authorization", b"authorization"})
_KEY_NAMES = frozenset({"x-api-key", b"x-api-key", "x-goog-api-key", b"x-goog-api-key"})


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bearer(value: str) -> str:
    words = value.split(maxsplit=1)
    if len(words) != 2 or words[0].lower() != "bearer":
        return ""
    return words[1].strip()
