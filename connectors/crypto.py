"""Secrets at rest: the key ring and the envelope.

``kn1$<key id>$<base64url(nonce 12 | ciphertext | tag)>``, AES-256-GCM. The additional data are the
canonical JSON of table, row, field and origin, so an envelope that is moved to another row, or a
row that is pointed at another address, no longer opens. The first key of the ring encrypts; each
decrypts what carries its id.
"""

from __future__ import annotations

import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from functools import lru_cache
from hashlib import sha256
from hmac import digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from connectors import conf
from connectors.errors import MalformedKeyRing, Undecryptable

VERSION = "kn1"
_NONCE_BYTES = 12
_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_DERIVATION = b"connectors: secrets at rest, version 1"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a secret belongs, and the origin (``scheme://host:port``) that it may be sent to."""

    table: str
    row: str
    field: str
    origin: str

    def additional_data(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, UTF-8."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key of the ring; only its id is ever shown."""

    id: str
    cipher: AESGCM = dataclass_field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys in order; the first encrypts. ``derived`` says that it comes from SECRET_KEY."""

    keys: tuple[RingKey, ...]
    derived: bool


def current_ring() -> KeyRing:
    """The ring that the settings now describe. Raises MalformedKeyRing.

    Keys derived from SECRET_KEY and SECRET_KEY_FALLBACKS come last in every ring, so that what
    was stored before KONEEK_ENCRYPTION_KEYS existed can still be read, and rotated.
    """
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return _ring(conf.encryption_keys(), tuple(force_bytes(secret) for secret in secrets))


@sensitive_variables()
def encrypt(plaintext: str, binding: Binding) -> str:
    """The envelope of a secret under the first key. Raises MalformedKeyRing."""
    key = current_ring().keys[0]
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + key.cipher.encrypt(nonce, plaintext.encode(), binding.additional_data())
    return f"{VERSION}${key.id}${_encode(sealed)}"


@sensitive_variables()
def decrypt(envelope: str, binding: Binding) -> str:
    """The secret in an envelope. Raises Undecryptable and MalformedKeyRing, never returns less."""
    key_id, sealed = _open(envelope)
    for key in current_ring().keys:
        if key.id == key_id:
            break
    else:
        raise Undecryptable(
            gettext(
                "It was encrypted with the key %(id)r, which is not in KONEEK_ENCRYPTION_KEYS "
                "(or SECRET_KEY_FALLBACKS) any more. Put that key back, or type the secret again."
            )
            % {"id": key_id}
        )
    try:
        data = binding.additional_data()
        return key.cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], data).decode()
    except (InvalidTag, ValueError):
        raise Undecryptable(
            gettext(
                "It was altered, or what it is bound to (row, field, address) was changed. Type "
                "the secret again."
            )
        ) from None


def needs_rotation(envelope: str) -> bool:
    """Whether a key other than the first of the ring encrypted it. Raises MalformedKeyRing."""
    return not envelope.startswith(f"{VERSION}${current_ring().keys[0].id}$")


@lru_cache(maxsize=4)
@sensitive_variables()
def _ring(written: str, secrets: tuple[bytes, ...]) -> KeyRing:
    texts = written.split(",") if written else []
    explicit = [_parse(text.strip(), place) for place, text in enumerate(texts, 1)]
    ids = [key.id for key in explicit]
    if len(set(ids)) != len(ids):
        raise MalformedKeyRing(gettext("KONEEK_ENCRYPTION_KEYS holds two keys with the same id."))
    derived = [_ring_key(_derive(secret)) for secret in secrets]
    return KeyRing((*explicit, *derived), derived=not explicit)


@sensitive_variables()
def _parse(text: str, place: int) -> RingKey:
    key_id, separator, encoded = text.rpartition(":")
    if separator and not _KEY_ID.fullmatch(key_id):
        raise MalformedKeyRing(
            gettext(
                "Key number %(place)d of KONEEK_ENCRYPTION_KEYS has an id that is not 1 to 32 "
                "letters, digits, '_' or '-'."
            )
            % {"place": place}
        )
    octets = urlsafe_b64decode(encoded[:43] + "=") if _KEY.fullmatch(encoded) else b""
    if len(octets) != 32:
        raise MalformedKeyRing(
            gettext("Key number %(place)d of KONEEK_ENCRYPTION_KEYS is not 32 bytes in base64url.")
            % {"place": place}
        )
    return _ring_key(octets, key_id)


@sensitive_variables()
def _ring_key(octets: bytes, key_id: str = "") -> RingKey:
    return RingKey(key_id or digest(octets, b"key id", sha256)[:6].hex(), AESGCM(octets))


@sensitive_variables()
def _derive(secret: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_DERIVATION).derive(secret)


def _open(envelope: str) -> tuple[str, bytes]:
    version, _, rest = envelope.partition("$")
    key_id, _, encoded = rest.partition("$")
    try:
        sealed = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        sealed = b""
    # base64 leaves bits of its last character unused: only one spelling of the bytes is accepted.
    if version != VERSION or len(sealed) < _NONCE_BYTES + 16 or _encode(sealed) != encoded:
        raise Undecryptable(
            gettext("It is not in the form in which secrets are stored. Type it again.")
        )
    return key_id, sealed


def _encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
