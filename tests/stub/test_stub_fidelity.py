"""A real backend and the stub, with one secret, take each other's session cookies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette

from server_stub import DEMO_USERS, AuthApp, User, hash_password
from server_stub.dialects import DIALECTS
from tests.support.real_backends import Program

pytestmark = pytest.mark.heavy("needs the real backends")

PROGRAMS = {"v3": "v3", "v4": "v4", "v5": "v5-core"}


class Real:
    """A real backend, asked by a client that keeps cookies."""

    def __init__(self, dialect: str, program: Program) -> None:
        self.dialect = dialect
        self.base = program.addresses["base"]
        self.http = httpx.Client(headers={"X-Auth-Return-Redirect": "1"})

    def sign_in(self) -> None:
        token = self.http.get(f"{self.base}/csrf").json()["csrfToken"]
        fields = {"csrfToken": token, "username": "ada", "password": "lovelace", "json": "true"}
        content = urlencode({**fields, "callbackUrl": self.base}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.http.post(f"{self.base}/callback/credentials", content=content, headers=headers)
        assert answer.status_code == 200

    def session(self) -> Any:
        return self.http.get(f"{self.base}/session").raise_for_status().json()


@pytest.fixture(scope="module", params=PROGRAMS)
def real(request: pytest.FixtureRequest) -> Iterator[Real]:
    options = {"host": "127.0.0.1", "issuer": "http://127.0.0.1:9", "smtp": "smtp://127.0.0.1:9"}
    with Program(PROGRAMS[request.param], **options) as program:
        backend = Real(request.param, program)
        yield backend
        backend.http.close()


BIG = User("3", "Big" * 2000, "big@example.com", hash_password("pw"))


@pytest.fixture
def stub(real: Real, connect: Callable[..., Any]) -> Any:
    app = Starlette()
    users = {**DEMO_USERS, "big": BIG}
    app.mount("/api/auth", AuthApp(dialect=real.dialect, secret=f"a secret of {real.dialect}", users=users))
    client = connect(app)
    client.http.headers["X-Auth-Return-Redirect"] = "1"
    return client


def test_the_real_backend_takes_a_session_of_the_stub(real: Real, stub: Any) -> None:
    stub.sign_in()
    name = f"{DIALECTS[real.dialect].cookie_prefix}session-token"
    real.http.cookies.clear()
    assert not real.session()
    real.http.cookies.set(name, stub.cookies[name])
    assert real.session()["user"] == stub.session()["user"]
    real.http.cookies.clear()
    real.http.cookies.set(name, stub.cookies[name][:-2])
    assert not real.session()


def test_the_real_backend_takes_a_session_of_the_stub_that_is_too_large_for_one_cookie(real: Real, stub: Any) -> None:
    stub.sign_in("big", "pw")
    tokens = {name: value for name, value in stub.cookies.items() if "session-token" in name}
    assert len(tokens) == (1 if real.dialect == "v3" else 3)
    real.http.cookies.clear()
    for name, value in tokens.items():
        real.http.cookies.set(name, value)
    assert real.session()["user"]["name"] == BIG.name


def test_the_stub_takes_a_session_of_the_real_backend(real: Real, stub: Any) -> None:
    real.http.cookies.clear()
    real.sign_in()
    name = f"{DIALECTS[real.dialect].cookie_prefix}session-token"
    stub.cookies.set(name, real.http.cookies[name])
    assert stub.session()["user"] == real.session()["user"]
