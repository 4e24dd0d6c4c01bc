"""Opens what WordPress's AI plugin encrypted, given the key that its ``wp-config.php`` names.

The plugin uses libsodium's ``crypto_secretbox``: XSalsa20 with Poly1305. An option
``_secret_ai/{connector}_api_key`` is sealed under a random master key, and that, the option
``_secrets_master_key``, under BLAKE2b-256 of ``WP_SECRETS_KEY``, else of ``LOGGED_IN_KEY`` followed
by ``LOGGED_IN_SALT``. Each is base64 of a nonce of 24 bytes with the box. Reading only: nothing
here encrypts.

libsodium's boxes are opened by PyNaCl, the extra ``wordpress``: only a move from WordPress needs
it, once.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from hashlib import blake2b

from connectors.texts import gettext as _

try:
    from nacl.exceptions import CryptoError
    from nacl.secret import SecretBox
except ImportError:  # the extra is not installed
    _IS_THERE = False
else:
    _IS_THERE = True

MASTER_KEY = "_secrets_master_key"
"""The option that holds the master key."""

PREFIX = "_secret_ai/"
"""What the names of the options with secrets begin with."""

_NONCE = 24
_TAG = 16
_KEY = 32


class CannotOpen(ValueError):
    """The secret is damaged, or sealed under another key; the message says which may be."""


class SecretBoxes:
    """The boxes of one WordPress site. ``keys`` are tried in order: the current, the previous."""

    def __init__(self, master_key: str, keys: Iterable[str]) -> None:
        if not _IS_THERE:
            raise CannotOpen(
                _(
                    "Encrypted keys are opened by PyNaCl, which is not installed: pip install "
                    "pynacl."
                )
            )
        sealed = _decoded(master_key)
        if sealed is None:
            what = _("The option %(name)s holds no encrypted key in base64.")
            raise CannotOpen(what % {"name": MASTER_KEY})
        for key in keys:
            opened = _open(sealed, blake2b(key.encode(), digest_size=_KEY).digest())
            if opened is not None and len(opened) == _KEY:
                self._master = opened
                return
        raise CannotOpen(_("The master key is sealed under another WP_SECRETS_KEY."))

    def open(self, secret: str) -> str:
        """The text in a box. Raises CannotOpen."""
        sealed = _decoded(secret)
        if sealed is None:
            raise CannotOpen(_("It is no encrypted key in base64."))
        opened = _open(sealed, self._master)
        if opened is None:
            raise CannotOpen(_("It is sealed under another master key, or damaged."))
        try:
            return opened.decode()
        except UnicodeDecodeError:
            raise CannotOpen(_("It is no text.")) from None


def _decoded(text: str) -> bytes | None:
    """A nonce with its box; None where the text cannot be one."""
    try:
        sealed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return sealed if len(sealed) >= _NONCE + _TAG else None


def _open(sealed: bytes, key: bytes) -> bytes | None:
    """What is in a nonce with its box; None where the key or the box is wrong."""
    try:
        return SecretBox(key).decrypt(sealed)
    except CryptoError:
        return None
