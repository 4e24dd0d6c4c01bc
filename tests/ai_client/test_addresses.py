"""Which addresses a request may go to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.addresses import AllowList, is_public, literal

REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
]
ALLOWED = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", REFUSED)
def test_private_and_reserved_addresses_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not AllowList().permits("example.com", 443, ip_address(address))


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(ip_address(address))
    assert AllowList().permits("example.com", 443, ip_address(address))


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_public(address: IPv4Address | IPv6Address) -> None:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return
    if address.is_private or address.is_multicast or address.is_loopback or address.is_reserved:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_when_written_as_ipv6(address: IPv4Address) -> None:
    assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(address)


def test_a_listed_host_may_be_private_on_every_port() -> None:
    allowed = AllowList.parse(["Ollama.", "[::1]"])
    assert allowed.permits("ollama", 11434, ip_address("10.0.0.5"))
    assert allowed.permits("::1", 80, ip_address("::1"))
    assert not allowed.permits("other", 11434, ip_address("10.0.0.5"))


def test_a_listed_host_with_port_may_be_private_on_that_port_only() -> None:
    allowed = AllowList.parse(["127.0.0.1:9100", "[::1]:8080"])
    assert allowed.permits("127.0.0.1", 9100, ip_address("127.0.0.1"))
    assert not allowed.permits("127.0.0.1", 9101, ip_address("127.0.0.1"))
    assert allowed.permits("[::1]", 8080, ip_address("::1"))
    assert not allowed.permits("[::1]", 8081, ip_address("::1"))


def test_a_metadata_service_has_to_be_listed_by_its_address() -> None:
    metadata = ip_address("169.254.169.254")
    assert not AllowList.parse(["innocent.example"]).permits("innocent.example", 80, metadata)
    assert AllowList.parse(["169.254.169.254"]).permits("169.254.169.254", 80, metadata)


@pytest.mark.parametrize(
    "entry", ["http://x", "a b", "*.example.com", "host:", ":80", "host:99999", "host:x", "u@h"]
)
def test_a_malformed_entry_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="is not host or host:port"):
        AllowList.parse(["good", entry])


def test_blank_entries_are_nothing() -> None:
    assert AllowList.parse(["", "  "]) == AllowList()


@pytest.mark.parametrize("text", ["127.0.0.1", "[::1]", "::1", "fe80::1%eth0"])
def test_literals_are_recognised(text: str) -> None:
    assert literal(text) is not None


@pytest.mark.parametrize("text", ["localhost", "127.1", "0x7f000001", "2130706433"])
def test_names_and_odd_spellings_are_left_to_the_resolver_whose_answer_is_checked(
    text: str,
) -> None:
    assert literal(text) is None
