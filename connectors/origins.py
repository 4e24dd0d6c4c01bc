"""Base URLs and their origins, pure: which address a key is bound to."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NoReturn
from unicodedata import normalize
from urllib.parse import SplitResult, urlsplit

from connectors.errors import InvalidBaseUrl
from connectors.texts import gettext as _

DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[0-9]{1,5}")


def normalise_base_url(text: str, *, field: str = "base_url") -> str:
    """One spelling of an address: lower-case ASCII host, no default port, no slash at the end.

    Raises InvalidBaseUrl for anything but http and https, for user names, queries, fragments and
    for characters that two URL parsers could read differently.
    """
    parts = _split(text.strip(), field)
    host = _host(parts, field)
    port = _port(parts, field)
    shown = "" if port == DEFAULT_PORTS[parts.scheme] else f":{port}"
    if not _PATH.fullmatch(parts.path):
        _refuse(field, _("The %(field)s has characters in its path that must be percent-encoded."))
    path = parts.path.rstrip("/")
    if any(segment in {"", ".", ".."} for segment in path.split("/")[1:]):
        _refuse(field, _("The %(field)s has an empty, '.' or '..' segment in its path."))
    return f"{parts.scheme}://{host}{shown}{path}"


def origin_of(base_url: str) -> str:
    """``scheme://host:port`` of a base URL, the port always written. Raises InvalidBaseUrl."""
    parts = urlsplit(normalise_base_url(base_url))
    host = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
    return f"{parts.scheme}://{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def _split(text: str, field: str) -> SplitResult:
    if not text:
        _refuse(field, _("The %(field)s is blank."))
    if any(ord(character) < 33 or ord(character) == 127 for character in text) or "\\" in text:
        _refuse(field, _("The %(field)s holds a space, a control character or a backslash."))
    try:
        parts = urlsplit(text)
    except ValueError:
        _refuse(field, _("The %(field)s is not a URL."))
    if parts.scheme not in DEFAULT_PORTS:
        _refuse(field, _("The %(field)s must start with http:// or https://."))
    if "@" in parts.netloc:
        _refuse(
            field,
            _("The %(field)s must not hold a user name or password; the key has its own field."),
        )
    if "?" in text or "#" in text:
        _refuse(field, _("The %(field)s must not have a query or a fragment."))
    return parts


def _host(parts: SplitResult, field: str) -> str:
    if parts.netloc.startswith("["):
        try:
            address = IPv6Address(parts.hostname or "")
        except ValueError:
            _refuse(field, _("The %(field)s has an invalid IPv6 address."))
        if address.scope_id:
            _refuse(field, _("The %(field)s has an IPv6 address with a zone."))
        return f"[{address.compressed}]"
    host = parts.netloc.partition(":")[0]
    if not host.isascii():
        try:
            host = _in_ascii(host)
        except ValueError:
            _refuse(field, _("The %(field)s has a host name that cannot be written in DNS."))
    host = host.lower().removesuffix(".")
    if len(host) > 253 or not _HOST.fullmatch(host):
        _refuse(field, _("The %(field)s has no valid host name."))
    # 127.1, 2130706433 and 0x7f.1 are addresses to some parsers and names to others:
    # https://url.spec.whatwg.org/#ends-in-a-number-checker
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            IPv4Address(host)
        except ValueError:
            _refuse(field, _("The %(field)s has an invalid IPv4 address."))
    return host


def _in_ascii(host: str) -> str:
    """A host name as DNS has it, by the client that may be sent there; ``ValueError`` if none.

    That encodes names (IDNA 2008) and does not map them: case and width are settled before.
    """
    # Where a name is not plain, and only there: this module is loaded where nothing is sent.
    from httpx import URL, InvalidURL

    try:
        return URL(scheme="https", host=normalize("NFKC", host).lower()).raw_host.decode("ascii")
    except InvalidURL as error:
        raise ValueError(str(error)) from error


def _port(parts: SplitResult, field: str) -> int:
    written = parts.netloc.rpartition("]")[2].partition(":")[2]
    if not written:
        return DEFAULT_PORTS[parts.scheme]
    if not _PORT.fullmatch(written) or not 0 < int(written) < 65536:
        _refuse(field, _("The %(field)s has a port outside 1 to 65535."))
    return int(written)


def _refuse(field: str, what: str) -> NoReturn:
    way_out = _("Write it like https://api.example.com/v1.")
    raise InvalidBaseUrl(f"{what % {'field': field}} {way_out}", field=field) from None
