"""One spelling per address, and no address that two parsers read differently."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import InvalidBaseUrl
from connectors.origins import normalise_base_url, origin_of


@pytest.mark.parametrize(
    ("written", "normal", "origin"),
    [
        ("https://api.acme.example/v1/", "https://api.acme.example/v1", "https://api.acme.example:443"),
        (" HTTPS://API.Acme.Example:443 ", "https://api.acme.example", "https://api.acme.example:443"),
        ("http://localhost:80//", "http://localhost", "http://localhost:80"),
        ("http://127.0.0.1:9100/v1", "http://127.0.0.1:9100/v1", "http://127.0.0.1:9100"),
        ("http://[0:0::1]:8080/", "http://[::1]:8080", "http://[::1]:8080"),
        ("http://[::1]", "http://[::1]", "http://[::1]:80"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example:443"),
        ("https://straße.example", "https://xn--strae-oqa.example", "https://xn--strae-oqa.example:443"),
        ("https://host.example./v1", "https://host.example/v1", "https://host.example:443"),
        ("http://my_host:1/Case/%2f", "http://my_host:1/Case/%2f", "http://my_host:1"),
    ],
)  # fmt: skip
def test_an_address_is_brought_to_one_spelling(written: str, normal: str, origin: str) -> None:
    assert normalise_base_url(written) == normal
    assert origin_of(written) == origin


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "blank"),
        ("api.acme.example", "http://"),
        ("ftp://api.acme.example", "http://"),
        ("javascript:alert(1)", "http://"),
        ("https://", "host"),
        ("https:///v1", "host"),
        ("https://user:word@api.acme.example", "user name"),
        ("https://api.acme.example@evil.example", "user name"),
        ("https://api.acme.example?key=1", "query"),
        ("https://api.acme.example/?", "query"),
        ("https://api.acme.example/#", "fragment"),
        ("https://api.acme.example\\@evil.example", "backslash"),
        ("https://api.acme .example", "space"),
        ("https://api.acme.example/\tv1", "control"),
        ("https://api.acme.example:0", "port"),
        ("https://api.acme.example:65536", "port"),
        ("https://api.acme.example:80a", "port"),
        ("https://api..example", "host"),
        ("https://127.1", "IPv4"),
        ("https://2130706433", "IPv4"),
        ("https://127.0.0.0X1", "IPv4"),
        ("https://127.0.0.01", "IPv4"),
        ("https://api.acme.example:1:2", "port"),
        ("https://[::1", "not a URL"),
        ("https://[fe80::1%25eth0]", "zone"),
        ("https://[v1.a]", "IPv6"),
        ("https://api.acme.example/a//b", "empty"),
        ("https://api.acme.example/a/../b", r"'\.\.'"),
        ("https://api.acme.example/ü", "percent-encoded"),
        ("https://%61pi.acme.example", "host"),
        ("https://" + "a" * 64 + ".example", "host"),
        ("https://‥.example", "host"),
    ],
)
def test_what_is_no_plain_address_is_refused_with_the_reason(written: str, why: str) -> None:
    with pytest.raises(InvalidBaseUrl, match=why) as caught:
        normalise_base_url(written, field="endpoint")
    assert caught.value.field == "endpoint"
    assert "https://api.example.com/v1" in caught.value.message


pieces = st.sampled_from(
    ["http", "https", "://", ":", "/", "//", "@", "[", "]", "::1", "127.0.0.1", "evil.example",
     "api.acme.example", "%", "%2f", "?", "#", "\\", "。", "ü", "ß", "1", "443", ".", "..", " ",
     "\n"]
)  # fmt: skip


@given(st.lists(pieces, max_size=12).map(lambda parts: "https://" + "".join(parts)) | st.text())
def test_what_passes_is_stable_and_means_the_same_to_the_http_library(written: str) -> None:
    try:
        normal = normalise_base_url(written)
    except InvalidBaseUrl:
        return
    assert normalise_base_url(normal) == normal
    seen = httpx.URL(normal)
    host = f"[{seen.host}]" if ":" in seen.host else seen.raw_host.decode()
    port = seen.port or {"http": 80, "https": 443}[seen.scheme]
    assert f"{seen.scheme}://{host}:{port}" == origin_of(written)
