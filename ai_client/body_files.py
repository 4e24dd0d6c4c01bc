"""Files in a caller's body: addresses, data URIs and base64, never a path on this machine."""

from __future__ import annotations

import binascii
from urllib.parse import urlsplit

from ai_client.errors import InvalidRequest
from ai_client.messages import File
from ai_client.messages.mime_types import BY_EXTENSION

_PHOTOS = {"heic": "image/heic", "heif": "image/heif"}
"""What telephones make, and the PHP AI Client's list of extensions lacks."""


def type_of_name(name: str) -> str | None:
    """The MIME type that the extension of a file name tells; None where it tells none."""
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return _PHOTOS.get(extension) or BY_EXTENSION.get(extension)


def file_at(address: str, path: str, otherwise: str, name: str | None = None) -> File:
    """The file of a ``data:`` URI or at a web address, which is not fetched here.

    ``path`` is the field's, for the refusal; ``otherwise`` the MIME type where none is told.
    """
    if address[:5].lower() == "data:":
        head, comma, data = address[5:].partition(",")
        kind, *parameters = head.split(";")
        if not comma or "base64" not in (each.strip().lower() for each in parameters):
            raise InvalidRequest(
                f"'{path}' must be a data: URI in base64 (data:<type>;base64,<data>).", param=path
            )
        return File(kind.strip().lower() or otherwise, base64_data=base64_in(data, path), name=name)
    try:
        parts = urlsplit(address)
        reachable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        reachable = False
    if not reachable:
        raise InvalidRequest(
            f"'{path}' must be an http or https address or a data: URI.", param=path
        )
    return File(type_of_name(parts.path) or otherwise, url=address, name=name)


def base64_in(data: str, path: str) -> str:
    """Base64 as a caller sent it, without white space; refused where it is none, or empty."""
    if any(sign in data for sign in "\n\r \t"):
        data = "".join(data.split())
    try:
        is_empty = not binascii.a2b_base64(data, strict_mode=True)
    except (ValueError, binascii.Error):
        raise InvalidRequest(f"'{path}' is not valid base64.", param=path) from None
    if is_empty:
        raise InvalidRequest(f"'{path}' is empty.", param=path)
    return data
