"""Sign-in at a provider that somebody else wrote: `oidc-provider` of npm, configured in a TOML file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server_stub import create_app
from server_stub.config import parse_config
from tests.stub.providers import query_of, start
from tests.support.real_backends import Program

pytestmark = pytest.mark.heavy("needs the identity provider of the real backends")

ORIGIN = "http://stub.localhost:4400"

CONFIG = """
[[providers]]
type = "oidc"
id = "oidc"
name = "Identity provider"
issuer = "{issuer}"
client_id = "backend"
token_endpoint_auth_method = "client_secret_post"
authorization = {{ prompt = "consent" }}
"""
SECRET = {"STUB_OIDC_CLIENT_SECRET": "a secret between a backend and the identity provider"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with Program("identity-provider") as program:
        yield program.addresses["url"]


@pytest.fixture(params=["v3", "v4", "v5"])
def client(request: pytest.FixtureRequest, issuer: str, connect: Callable[..., Any], tmp_path: Path) -> Any:
    providers = parse_config(CONFIG.format(issuer=issuer), SECRET).providers
    return connect(create_app(tmp_path, dialect=request.param, providers=providers), base_url=ORIGIN)


def visit(url: str, *steps: str) -> str:
    """Log in as grace and take the other steps at the provider. Where it sends the browser in the end."""
    with httpx.Client(follow_redirects=False) as browser:
        answer = browser.get(url)
        waiting = list(steps)
        while not answer.headers.get("location", "").startswith(ORIGIN):
            if answer.is_redirect:
                answer = browser.get(str(answer.url.join(answer.headers["location"])))
                continue
            step = waiting.pop(0)
            action = re.search(rf'action="([^"]+/{step})"', answer.text)
            assert action, answer.text
            answer = browser.post(str(answer.url.join(action[1])), data={"name": "grace"})
    assert not waiting
    return answer.headers["location"].removeprefix(ORIGIN)


def test_a_person_signs_in(client: Any) -> None:
    url = start(client, "oidc", callbackUrl="/after", query="?login_hint=grace&scope=openid")
    assert query_of(url)["scope"] == "openid profile email"
    answer = client.get(visit(url, "login", "allow"))
    assert (answer.status_code, answer.headers["location"]) == (302, f"{ORIGIN}/after")
    user = client.session()["user"]
    assert (user["name"], user["email"]) == ("grace of elsewhere", "grace@elsewhere.example")


def test_a_person_refuses(client: Any) -> None:
    answer = client.get(visit(start(client, "oidc"), "login", "refuse"))
    assert re.search(r"error=(Callback|OAuthCallbackError)$", answer.headers["location"])
    assert not client.session()


def test_the_providers_code_works_once(client: Any) -> None:
    url = start(client, "oidc")
    kept = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
    back = visit(url, "login", "allow")
    client.get(back)
    client.submit("/api/auth/signout")
    client.cookies.clear()
    answer = client.get(back, headers={"Cookie": kept})
    assert re.search(r"error=(Callback|OAuthCallback|Configuration)$", answer.headers["location"])


def test_a_wrong_secret_signs_nobody_in(issuer: str, connect: Callable[..., Any], tmp_path: Path) -> None:
    config = parse_config(CONFIG.format(issuer=issuer), {"STUB_OIDC_CLIENT_SECRET": "wrong"})
    client = connect(create_app(tmp_path, providers=config.providers), base_url=ORIGIN)
    answer = client.get(visit(start(client, "oidc"), "login", "allow"))
    assert answer.headers["location"] == f"{ORIGIN}/api/auth/error?error=OAuthCallback"
