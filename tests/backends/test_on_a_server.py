"""The questions of a Python server to real backends, with the cookies of a browser that is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from nextauth_client import UnexpectedAnswer
from nextauth_client.server import get_csrf_token_sync, get_providers_sync, get_session_sync

from tests.backends.servers import RealBackend
from tests.backends.workbench import Workbench


@pytest.fixture
def to(backend: RealBackend) -> Iterator[dict[str, Any]]:
    """How to ask this backend: by an address that this machine knows, under its own name."""
    with httpx.Client(transport=ByAddress()) as client:
        yield {"base_url": backend.url, "base_path": backend.base_path, "client": client}


class ByAddress(httpx.HTTPTransport):
    """Browsers resolve `*.localhost` to this machine, other programs may not."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host="127.0.0.1")  # the Host header has been made already
        return super().handle_request(request)


def cookies_of(workbench: Workbench) -> str:
    found = workbench.page.context.cookies(workbench.backend.url)
    return "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in found)


def test_s8_a_server_learns_who_a_real_backend_has_signed_in(workbench: Workbench, to: dict[str, Any]) -> None:
    workbench.sign_in()
    session = get_session_sync(cookies_of(workbench), **to)
    assert session is not None
    assert session.to_dict()["user"] == workbench.session()["user"]
    assert session.expires.endswith("Z")


def test_s8_nobody_is_signed_in_without_a_cookie(to: dict[str, Any]) -> None:
    assert get_session_sync("", **to) is None


def test_s9_a_server_gets_the_token_that_belongs_to_the_cookie(workbench: Workbench, to: dict[str, Any]) -> None:
    token = workbench.call("get_csrf_token")
    assert get_csrf_token_sync(cookies_of(workbench), **to) == token


def test_s10_a_server_gets_the_providers_of_a_real_backend(workbench: Workbench, to: dict[str, Any]) -> None:
    found = get_providers_sync(**to)
    assert list(found) == [id for id, _ in workbench.call("get_providers")]
    assert found["credentials"].type == "credentials"


def test_a_real_backend_that_fails_is_unexpected_on_a_server(backend: RealBackend, to: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer):
        get_session_sync("", **{**to, "base_path": backend.base_path + "/nothing"})
