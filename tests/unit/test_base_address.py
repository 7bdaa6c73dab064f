"""Where a Provider's backend is."""

from __future__ import annotations

from typing import Any

import pytest
from nextauth_client.options import base_address

PAGE = "https://site.example"


@pytest.mark.parametrize(
    ("base_url", "base_path", "address"),
    [
        (None, "/api/auth", "https://site.example/api/auth"),
        (None, "/auth/", "https://site.example/auth"),
        (None, "", "https://site.example"),
        (None, "/", "https://site.example"),
        ("https://other.example", "/api/auth", "https://other.example/api/auth"),
        ("https://other.example/", "/api/auth", "https://other.example/api/auth"),
        ("http://other.example:3000/app/", "/auth/", "http://other.example:3000/app/auth"),
    ],
)
def test_s36_any_base_url_and_path(base_url: str | None, base_path: str, address: str) -> None:
    assert base_address(PAGE, base_url, base_path) == address


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "/api",
        "other.example",
        "javascript:alert(1)",
        "data:,x",
        "ftp://other.example",
        "https://x/?a=1",
        "https://x/#a",
        5,
    ],
)
def test_what_is_no_base_url_is_refused_in_words(base_url: Any) -> None:
    with pytest.raises(ValueError, match=r"such as 'https://example\.org'"):
        base_address(PAGE, base_url, "/api/auth")


@pytest.mark.parametrize("base_path", ["auth", "api/auth", None, 5])
def test_what_is_no_base_path_is_refused_in_words(base_path: Any) -> None:
    with pytest.raises(ValueError, match="begins with a slash"):
        base_address(PAGE, None, base_path)
