"""The configuration file, and the callbacks of an app that mounts the endpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from server_stub import AuthApp, CredentialsSignin, OIDCProvider, User, create_app, hash_password
from server_stub.config import parse_config, read_config
from server_stub.reload import ReloadingApp
from server_stub.users import DEMO_USERS, password_matches

ORIGIN = "http://127.0.0.1:4400"

GRACE = """
[users.grace]
email = "grace@example.com"
password = "cobol"
"""

HOPPER = """
[users.hopper]
email = "hopper@example.com"
password = "cobol"
"""


def test_users_come_from_a_file(connect: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "stub.toml"
    file.write_text(GRACE)
    client = connect(create_app(tmp_path, users=read_config(file).users))
    assert client.sign_in("ada", "lovelace").status_code == 401
    assert client.sign_in("grace", "cobol").status_code == 200
    assert client.session()["user"] == {"name": "grace", "email": "grace@example.com", "image": None}


def test_a_user_can_have_everything() -> None:
    hashed = hash_password("cobol")
    text = f"""
    [users.g]
    id = "7"
    name = "Grace Hopper"
    email = "grace@example.com"
    image = "/grace.png"
    password_hash = "{hashed}"
    """
    assert parse_config(text).users == {
        "g": User("7", "Grace Hopper", "grace@example.com", hashed, "/grace.png"),
    }


def test_a_password_is_kept_as_a_hash() -> None:
    user = parse_config(GRACE).users["grace"]
    assert "cobol" not in repr(user)
    assert password_matches("cobol", user.password_hash)


@pytest.mark.parametrize("text", ["", "[users]"])
def test_without_users_there_are_the_demo_ones(text: str) -> None:
    assert parse_config(text).users is DEMO_USERS
    assert read_config(None).users is DEMO_USERS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("users = 5", "users must be a table"),
        ("[users]\ngrace = 5", "users.grace must be a table"),
        ("[users.grace]\nemail = 'a@b'", "either a password or a password_hash"),
        ("[users.grace]\npassword = 'x'", "users.grace needs an email"),
        ("[users.grace]\npassword = 5", "users.grace.password must be a text"),
        ("[users.grace]\nmail = 'a@b'", "not mail"),
        ("[user.grace]", "the file has providers, users, not user"),
        ("[users", "Expected"),
        ("[users.grace]\nemail = 'a@b'\npassword_hash = 'cobol'", "is not a hash"),
        (GRACE + "image = 'http://['", "the image of the user grace must be a path, or a URL"),
        (GRACE + "image = 'http://a:port/'", "the image of the user grace must be a path, or a URL"),
        (GRACE + "image = 'javascript:alert(1)'", "the image of the user grace must be a path, or a URL"),
        (GRACE + HOPPER.replace("hopper@", "Grace@"), "grace and hopper have the same address grace@example.com"),
        (GRACE + "id = '2'" + HOPPER, "grace and hopper have the same id 2"),
    ],
)
def test_a_mistake_in_the_file_is_explained(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "stub.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=reason) as problem:
        read_config(file)
    assert str(problem.value).startswith(f"{file}: ")


COMPANY = """
[[providers]]
type = "oidc"
id = "the-company"
issuer = "https://login.example.com"
client_id = "our-app"
"""


def test_providers_come_from_the_file_too() -> None:
    more = """
    name = "The Company"
    client_secret = "s3cret"
    scope = "openid email"
    token_endpoint_auth_method = "client_secret_post"
    authorization = { prompt = "login" }
    """
    (provider,) = parse_config(COMPANY + more, {}).providers
    assert provider == OIDCProvider(
        id="the-company",
        name="The Company",
        issuer="https://login.example.com",
        client_id="our-app",
        client_secret="s3cret",
        scope="openid email",
        authorization={"prompt": "login"},
        token_endpoint_auth_method="client_secret_post",
    )
    assert "s3cret" not in repr(provider)


def test_a_providers_secret_may_come_from_the_environment() -> None:
    environment = {"STUB_THE_COMPANY_CLIENT_SECRET": "from the environment"}
    for text in (COMPANY, COMPANY + 'client_secret = "s3cret"'):
        assert parse_config(text, environment).providers[0].client_secret == "from the environment"


def test_a_public_client_has_no_secret() -> None:
    (provider,) = parse_config(COMPANY, {}).providers
    assert (provider.name, provider.client_secret, provider.token_endpoint_auth_method) == ("the-company", "", "none")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("providers = 5", r"written as \[\[providers\]\]"),
        ("providers = [5]", "must be a table"),
        ("[[providers]]\nid = 'x'", "providers.x needs client_id, issuer, type"),
        (COMPANY.replace('"oidc"', '"saml"'), 'type must be "oidc"'),
        (COMPANY.replace("https://", ""), "must be a URL"),
        (COMPANY + "secret = 'x'", "not secret"),
        (COMPANY + "scope = 5", "scope must be a text"),
        (COMPANY + "authorization = { max_age = 5 }", "authorization.max_age must be a text"),
        (COMPANY + "token_endpoint_auth_method = 'private_key_jwt'", "must be one of client_secret_basic"),
        (COMPANY + "token_endpoint_auth_method = 'client_secret_post'", "or STUB_THE_COMPANY_CLIENT_SECRET"),
    ],
)
def test_a_mistake_in_a_provider_is_explained(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_config(text, {})


def test_a_changed_file_counts_at_once_and_sessions_go_on(
    connect: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stub.toml"
    file.write_text(GRACE)

    def save(text: str, at: int) -> None:
        file.write_text(text)
        os.utime(file, (at, at))

    client = connect(ReloadingApp(lambda: create_app(tmp_path, users=read_config(file).users), file))
    client.sign_in("grace", "cobol")
    save(GRACE.replace("cobol", "fortran"), 1)
    assert client.session()["user"]["name"] == "grace"
    assert client.sign_in("grace", "cobol").status_code == 401
    save("[users.", 2)
    assert client.sign_in("grace", "fortran").status_code == 200
    assert f"Not reloaded: {file}" in capsys.readouterr().err
    file.unlink()
    assert client.session()["user"]["name"] == "grace"


def test_a_changed_file_may_add_a_provider(connect: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "stub.toml"
    file.write_text("")

    def build() -> Any:
        config = read_config(file)
        return create_app(tmp_path, users=config.users, providers=config.providers)

    client = connect(ReloadingApp(build, file))
    assert list(client.get("/api/auth/providers").json()) == ["credentials"]
    file.write_text(COMPANY)
    assert list(client.get("/api/auth/providers").json()) == ["credentials", "the-company"]


def test_a_changed_page_needs_no_reload(connect: Callable[..., Any], tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("one")
    client = connect(create_app(tmp_path))
    answer = client.get("/")
    assert (answer.text, answer.headers["cache-control"]) == ("one", "no-cache")
    page.write_text("two, longer")
    assert client.get("/", headers={"If-None-Match": answer.headers["etag"]}).text == "two, longer"


def test_an_app_of_ones_own_has_no_two_users_in_one_either() -> None:
    user = User("1", "Grace", "grace@example.com", "")
    with pytest.raises(ValueError, match="a and b have the same id 1"):
        AuthApp(users={"a": user, "b": replace(user, email="other@example.com")})


# Callbacks


def mounted(connect: Callable[..., Any], **options: Any) -> Any:
    app = Starlette()
    app.mount("/api/auth", AuthApp(**options))
    return connect(app)


@pytest.mark.parametrize(
    ("dialect", "username", "status", "url"),
    [
        ("v3", "grace", 200, "/"),
        ("v4", "grace", 200, "/"),
        ("v5", "grace", 200, "/"),
        ("v3", "nobody", 401, "/api/auth/error?error=CredentialsSignin&provider=credentials"),
        ("v4", "locked", 401, "/api/auth/error?error=CredentialsSignin&provider=credentials"),
        ("v5", "nobody", 200, "/api/auth/signin?error=CredentialsSignin&code=credentials"),
        ("v5", "locked", 200, "/api/auth/signin?error=CredentialsSignin&code=locked_out"),
        ("v3", "broken", 200, "/api/auth/error?error=Custom%20failure!"),
        ("v4", "broken", 401, "/api/auth/error?error=Custom%20failure!"),
        ("v5", "broken", 200, "/api/auth/error?error=Configuration"),
        ("v4", "elsewhere", 200, "/custom-page"),
    ],
)
def test_an_authorize_callback_decides_whose_credentials_are(
    connect: Callable[..., Any], dialect: str, username: str, status: int, url: str
) -> None:
    asked = []

    def authorize(credentials: Mapping[str, Any]) -> User | str | None:
        asked.append(dict(credentials))
        if credentials["username"] == "broken":
            raise RuntimeError("Custom failure!")
        if credentials["username"] == "locked":
            raise CredentialsSignin("locked_out")
        return {"grace": User("7", "Grace", "grace@example.com"), "elsewhere": "/custom-page"}.get(username)

    client = mounted(connect, dialect=dialect, authorize=authorize)
    client.http.headers["X-Auth-Return-Redirect"] = "1"
    answer = client.sign_in(username, "x", callbackUrl="/", code="123456")
    assert (answer.status_code, answer.json()["url"].removeprefix(ORIGIN)) == (status, url)
    assert bool(client.session()) == (username == "grace")
    assert asked == [{"username": username, "password": "x", "code": "123456"}]


def test_a_user_without_a_password_is_signed_in_by_none(connect: Callable[..., Any]) -> None:
    client = mounted(connect, users={"grace": User("7", "Grace", "grace@example.com")})
    assert [client.sign_in("grace", password).status_code for password in ("", "x")] == [401, 401]


def test_a_session_callback_adds_data(connect: Callable[..., Any]) -> None:
    client = mounted(connect, session_callback=lambda session, claims: {**session, "id": claims["sub"]})
    client.sign_in()
    session = client.session()
    assert (session["id"], session["user"]["name"]) == ("1", "Ada Lovelace")


@pytest.mark.parametrize(("dialect", "status"), [("v3", 403), ("v4", 403), ("v5", 200)])
def test_a_sign_in_callback_can_refuse(connect: Callable[..., Any], dialect: str, status: int) -> None:
    asked = []

    def only_alan(user: User, provider: str) -> bool:
        asked.append(provider)
        return user.id == "2"

    client = mounted(connect, dialect=dialect, sign_in_callback=only_alan)
    client.http.headers["X-Auth-Return-Redirect"] = "1"
    response = client.sign_in()
    url = f"{ORIGIN}/api/auth/error?error=AccessDenied"
    assert (response.status_code, response.json()) == (status, {"url": url})
    assert not client.session()
    client.sign_in("alan", "turing")
    assert client.session()["user"]["name"] == "Alan Turing"
    assert asked == ["credentials", "credentials"]


@pytest.mark.parametrize(("dialect", "url"), [("v3", "/terms"), ("v4", "/terms"), ("v5", f"{ORIGIN}/terms")])
def test_a_sign_in_callback_can_send_elsewhere(connect: Callable[..., Any], dialect: str, url: str) -> None:
    client = mounted(connect, dialect=dialect, sign_in_callback=lambda user, provider: "/terms")
    client.http.headers["X-Auth-Return-Redirect"] = "1"
    assert client.sign_in().json() == {"url": url}
    assert not client.session()


@pytest.mark.parametrize(
    ("dialect", "error"), [("v3", "Not%20today%2C%20Ada"), ("v4", "Not%20today%2C%20Ada"), ("v5", "AccessDenied")]
)
def test_a_sign_in_callback_can_refuse_by_raising(connect: Callable[..., Any], dialect: str, error: str) -> None:
    def refuse(user: User, provider: str) -> bool:
        raise PermissionError(f"Not today, {user.name.split()[0]}")

    client = mounted(connect, dialect=dialect, sign_in_callback=refuse)
    client.http.headers["X-Auth-Return-Redirect"] = "1"
    answer = client.sign_in()
    assert (answer.status_code, answer.json()) == (200, {"url": f"{ORIGIN}/api/auth/error?error={error}"})
    assert not client.session()


async def somebody_must_await_this(*_: object) -> bool:
    return False


@pytest.mark.parametrize("answer", [None, "", 1, somebody_must_await_this])
def test_a_sign_in_callback_lets_in_whom_it_says_true_of_and_nobody_else(
    connect: Callable[..., Any], answer: object
) -> None:
    client = mounted(connect, sign_in_callback=lambda user, provider: answer)
    assert client.sign_in().json() == {"url": f"{ORIGIN}/api/auth/error?error=AccessDenied"}


@pytest.mark.parametrize(
    "name", ["authorize", "jwt_callback", "redirect_callback", "session_callback", "sign_in_callback"]
)
def test_a_callback_that_would_have_to_be_awaited_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a plain function"):
        AuthApp(**{name: somebody_must_await_this})  # type: ignore[arg-type]


def test_a_redirect_callback_decides_where_to_go(connect: Callable[..., Any]) -> None:
    client = mounted(connect, redirect_callback=lambda url, origin: f"{origin}/welcome")
    assert client.sign_in(callbackUrl="https://elsewhere.example/").json() == {"url": f"{ORIGIN}/welcome"}
    assert client.submit("/api/auth/signout").json() == {"url": f"{ORIGIN}/welcome"}
