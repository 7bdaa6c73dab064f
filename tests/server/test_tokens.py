"""Session tokens of the three generations: what is read of one, and what is none."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jws
from joserfc.jwk import OctKey
from nextauth_server.tokens import TokenFormat, V3Tokens, V4Tokens, V5Tokens, read_token

FORMATS = [V3Tokens(), V4Tokens(), V5Tokens()]
NAME = "authjs.session-token"

each_format = pytest.mark.parametrize("tokens", FORMATS, ids=lambda tokens: type(tokens).__name__)


def header_of(said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


@each_format
def test_a_token_is_read_whatever_its_generation(tokens: TokenFormat) -> None:
    token = tokens.encode({"sub": "1"}, "secret", 60, NAME)
    claims = read_token(token, ["secret"], NAME)
    assert claims is not None
    assert claims["sub"] == "1"
    assert 58 <= claims["exp"] - time.time() <= 60


@each_format
def test_one_of_several_secrets_is_enough(tokens: TokenFormat) -> None:
    token = tokens.encode({"sub": "1"}, "old", 60, NAME)
    assert read_token(token, ["new", "old"], NAME) is not None
    assert read_token(token, ["new"], NAME) is None
    assert read_token(token, [], NAME) is None


def test_a_v5_token_counts_for_the_cookie_that_it_was_made_for() -> None:
    token = V5Tokens().encode({"sub": "1"}, "secret", 60, NAME)
    assert read_token(token, ["secret"], f"__Secure-{NAME}") is None


@each_format
def test_the_clocks_may_differ_as_much_as_in_the_real_ones(tokens: TokenFormat) -> None:
    assert (tokens.decode(tokens.encode({}, "secret", -10, NAME), "secret", NAME) is None) == (tokens is FORMATS[0])
    assert tokens.decode(tokens.encode({}, "secret", -20, NAME), "secret", NAME) is None


@pytest.mark.parametrize("end", [None, "2040", [], float("nan"), float("-inf"), 0, True])
def test_a_token_that_does_not_say_when_it_ends_is_none(end: Any) -> None:
    key = V4Tokens().key("secret")
    token = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, json.dumps({"sub": "1", "exp": end}), key)
    assert read_token(token, ["secret"], NAME) is None


def test_the_fields_of_a_v4_tokens_header_may_be_in_another_order() -> None:
    tokens = V4Tokens()
    claims = json.dumps({"sub": "1", "exp": time.time() + 60})
    token = jwe.encrypt_compact({"enc": "A256GCM", "alg": "dir"}, claims, tokens.key("secret"))
    assert (read_token(token, ["secret"], NAME) or {}).get("sub") == "1"
    other = jwe.encrypt_compact({"enc": "A256GCM", "alg": "dir", "typ": "x"}, claims, tokens.key("secret"))
    assert read_token(other, ["secret"], NAME) is None


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "HS256", "RS256", ["HS512"], {"HS512": 1}])
def test_no_other_algorithm_is_taken_whatever_the_token_says(algorithm: Any) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "1", "exp": time.time() + 60}).encode()).decode().rstrip("=")
    for signature in ("", "AAAA"):
        assert read_token(f"{header_of({'alg': algorithm})}.{claims}.{signature}", ["secret"], NAME) is None


def test_a_token_signed_with_the_secret_itself_is_none() -> None:
    """Only a key derived from it counts: a secret that another program signs with makes no session."""
    claims = json.dumps({"sub": "1", "exp": time.time() + 60})
    secret = "a secret that others use as well, of some length, so that HS512 takes it: 64"
    token = jws.serialize_compact({"alg": "HS512"}, claims, OctKey.import_key(secret), ["HS512"])
    assert read_token(token, [secret], NAME) is None


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "dir", "enc": "A256GCM", "zip": "DEF"},
        {"alg": "dir", "enc": "A256CBC-HS512", "crit": ["b64"], "b64": False},
        {"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 10**9, "p2s": "AAAA"},
        {"alg": "HS512", "crit": ["b64"], "b64": False},
        {"alg": "HS512", "crit": None},
        {"alg": "HS512", "kid": None},
        {"alg": "dir", "enc": "A256GCM", "crit": None},
        {"alg": "dir", "enc": "A256CBC-HS512", "crit": None},
        {"alg": "HS512", "jwk": {"kty": "oct", "k": "AAAA"}},
        [],
        "HS512",
        7,
        None,
    ],
)
def test_no_other_header_is_followed(header: object) -> None:
    for rest in ("..AAAA.AAAA.AAAA", ".AAAA.AAAA"):
        assert read_token(header_of(header) + rest, ["secret"], NAME) is None
        for tokens in FORMATS:
            assert tokens.decode(header_of(header) + rest, "secret", NAME) is None


def test_a_header_that_never_ends_is_not_read() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 10**6).decode()
    assert read_token(f"{deep}..a.b.c", ["secret"], NAME) is None
    for tokens in FORMATS:
        assert tokens.decode(f"{deep}..a.b.c", "secret", NAME) is None
        assert tokens.decode(f"{deep}.b.c", "secret", NAME) is None


@given(data=st.data(), tokens=st.sampled_from(FORMATS))
def test_a_damaged_token_is_no_token(data: st.DataObject, tokens: TokenFormat) -> None:
    token = tokens.encode({"sub": "1"}, "secret", 60, NAME)
    start = data.draw(st.integers(0, len(token) - 1))
    end = data.draw(st.integers(start, len(token)))
    damaged = token[:start] + data.draw(st.text(max_size=5)) + token[end:]
    # A character may be written for itself.
    assert damaged == token or read_token(damaged, ["secret"], NAME) is None
    assert damaged == token or tokens.decode(damaged, "secret", NAME) is None


@given(st.text())
def test_junk_is_no_token(text: str) -> None:
    assert read_token(text, ["secret"], NAME) is None
    for tokens in FORMATS:
        assert tokens.decode(text, "secret", NAME) is None


said = st.one_of(
    st.sampled_from(["dir", "HS512", "A256GCM", "A256CBC-HS512", "none"]), st.integers(), st.none(), st.lists(st.text())
)


@given(
    header=st.dictionaries(st.sampled_from(["alg", "enc", "kid", "crit", "zip", "b64"]), said),
    parts=st.lists(st.text(alphabet="AZaz09-_=", max_size=30), min_size=1, max_size=5),
)
def test_a_token_of_any_header_that_nobody_made_is_none(header: dict[str, Any], parts: list[str]) -> None:
    token = ".".join([header_of(header), *parts])
    assert read_token(token, ["secret"], NAME) is None
    for tokens in FORMATS:
        assert tokens.decode(token, "secret", NAME) is None
