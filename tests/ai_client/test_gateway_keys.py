"""Gateway keys: made, reduced to an HMAC, read from headers, checked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_client.errors import AuthenticationFailed
from ai_client.gateway_keys import (
    authenticate,
    derive_pepper,
    digest_key,
    generate_key,
    key_matches,
    key_prefix,
    read_key,
)
from ai_client.snapshot import GatewayKeyConfig

PEPPER = derive_pepper("the site's secret")
NOW = 1_780_000_000.0


def known(plain: str, expires_at: float | None = None) -> dict[str, GatewayKeyConfig]:
    prefix = key_prefix(plain)
    config = GatewayKeyConfig(1, "alice", prefix, digest_key(plain, PEPPER), expires_at=expires_at)
    return {prefix: config}


def test_a_key_is_long_random_and_recognizable() -> None:
    keys = {generate_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("kn_") and len(key) == 46 for key in keys)


def test_the_prefix_does_not_give_the_key_away() -> None:
    key = generate_key()
    assert key.startswith(key_prefix(key))
    assert len(key_prefix(key)) == 11


def test_peppers_of_different_secrets_differ() -> None:
    assert derive_pepper("a") != derive_pepper("b")
    assert derive_pepper("a") == derive_pepper(b"a")
    assert len(derive_pepper("")) == 32


def test_a_digest_made_before_the_secret_key_was_rotated_still_matches() -> None:
    key = generate_key()
    digest = digest_key(key, derive_pepper("old"))
    assert key_matches(key, digest, [derive_pepper("new"), derive_pepper("old")])
    assert not key_matches(key, digest, [derive_pepper("new")])


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_digest_matches_its_own_key_alone(one: str, other: str) -> None:
    assert key_matches(one, digest_key(one, PEPPER), [PEPPER])
    assert key_matches(other, digest_key(one, PEPPER), [PEPPER]) is (one == other)


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", "Bearer kn_abc"),
        ("authorization", "bearer kn_abc"),
        ("AUTHORIZATION", " BEARER \t kn_abc "),
        ("X-Api-Key", "kn_abc"),
        ("x-goog-api-key", " kn_abc "),
        (b"Authorization", b"Bearer kn_abc"),
        (b"X-API-KEY", b"kn_abc"),
        (b"x-goog-api-key", b"kn_abc"),
    ],
)
def test_a_key_is_read_wherever_a_dialect_puts_it(header: tuple[str | bytes, str | bytes]) -> None:
    assert read_key([("accept", "*/*"), header, ("x-api-key-id", "kn_other")]) == "kn_abc"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", "Basic a25fYWJj")],
        [("authorization", "kn_abc")],
        [("x-api-key", " ")],
        [("cookie", "kn_abc")],
    ],
)
def test_no_key_is_read_where_there_is_none(headers: list[tuple[str, str]]) -> None:
    assert read_key(headers) is None


def test_the_same_key_twice_is_one_key() -> None:
    headers = [("authorization", "Bearer kn_abc"), ("x-api-key", "kn_abc"), ("x-api-key", "")]
    assert read_key(headers) == "kn_abc"


@pytest.mark.parametrize("second", ["x-api-key", "x-goog-api-key", "X-API-Key"])
def test_different_keys_in_one_request_are_refused(second: str) -> None:
    with pytest.raises(AuthenticationFailed, match="different"):
        read_key([("authorization", "Bearer kn_abc"), (second, "kn_xyz")])
    with pytest.raises(AuthenticationFailed, match="different"):
        read_key([(second, "kn_abc"), (second, "kn_xyz")])


_names = st.sampled_from([b"Authorization", b"x-api-key", b"X-Goog-Api-Key"]) | st.binary(
    max_size=9
)
_values = st.sampled_from([b"Bearer ", b"Bearer kn_a", b"kn_a"]) | st.binary(max_size=40)


@given(st.lists(st.tuples(_names, _values), max_size=5), st.data())
def test_the_order_and_case_of_headers_do_not_matter(
    headers: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    def outcome(given_headers: list[tuple[bytes, bytes]]) -> str | None:
        try:
            return read_key(given_headers)
        except AuthenticationFailed as error:
            return error.message

    shuffled = data.draw(st.permutations(headers))
    assert outcome(headers) == outcome([(name.swapcase(), value) for name, value in shuffled])


def test_a_known_key_is_let_in_through_every_header() -> None:
    plain = generate_key()
    for header in (
        ("Authorization", f"Bearer {plain}"),
        ("x-api-key", plain),
        ("x-goog-api-key", plain),
    ):
        assert authenticate([header], known(plain), [PEPPER], NOW).name == "alice"


def test_charlie_is_kept_out() -> None:
    plain = generate_key()
    stolen_prefix = key_prefix(plain) + "A" * (len(plain) - 11)
    for attempt in (generate_key(), stolen_prefix, key_prefix(plain), plain + "x", plain[:-1]):
        with pytest.raises(AuthenticationFailed, match="Unknown gateway key") as caught:
            authenticate([("x-api-key", attempt)], known(plain), [PEPPER], NOW)
        assert attempt not in caught.value.message
    with pytest.raises(AuthenticationFailed, match="No gateway key"):
        authenticate([], known(plain), [PEPPER], NOW)


def test_an_unknown_prefix_with_an_all_zero_digest_cannot_be_forged() -> None:
    with pytest.raises(AuthenticationFailed):
        authenticate([("x-api-key", "kn_anything")], {}, [], NOW)


def test_a_key_is_refused_from_its_expiry_on() -> None:
    plain = generate_key()
    headers = [("x-api-key", plain)]
    assert authenticate(headers, known(plain, NOW + 0.001), [PEPPER], NOW).name == "alice"
    for expired in (NOW, NOW - 1):
        with pytest.raises(AuthenticationFailed, match="expired"):
            authenticate(headers, known(plain, expired), [PEPPER], NOW)


def test_neither_a_digest_nor_a_key_is_in_a_repr() -> None:
    plain = generate_key()
    shown = repr(known(plain))
    assert plain not in shown
    assert "digest" not in shown
