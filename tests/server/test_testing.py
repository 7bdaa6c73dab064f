"""`nextauth_server.testing`: somebody is signed in at an app with a bridge, by the session that its framework makes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import flask
import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import SynchronousOnlyOperation
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from nextauth_server.testing import session_cookies, signed_in
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.testclient import TestClient

from tests.server.bridges import app_of_the_page
from tests.server.test_bridge_django import MIDDLEWARE, urls


@pytest.fixture
def ada() -> Iterator[Any]:
    call_command("migrate", run_syncdb=True, verbosity=0)
    with override_settings(ROOT_URLCONF=urls(), MIDDLEWARE=MIDDLEWARE):
        yield get_user_model().objects.create_user("ada", "ada@example.com", "lovelace", first_name="Ada")
    get_user_model().objects.all().delete()
    connection.close()


def django_name(cookies: dict[str, str]) -> str | None:
    client = Client()
    client.cookies.load(cookies)
    return (client.get("/api/auth/session").json() or {"user": {"name": None}})["user"]["name"]


def test_a_user_of_django(ada: Any) -> None:
    assert django_name(session_cookies(ada)) == "Ada"
    assert django_name(session_cookies("ada")) == "Ada"
    with override_settings(
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies", SESSION_COOKIE_NAME="mine"
    ):
        assert list(session_cookies(ada)) == ["mine"]
        assert django_name(session_cookies(ada)) == "Ada"


def test_djangos_database_is_asked_although_a_loop_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Playwright's sync API leaves one, where Django has another connection, hence another database in memory."""

    def prepare() -> None:
        call_command("migrate", run_syncdb=True, verbosity=0)
        get_user_model().objects.create_user("ada", first_name="Ada")

    async def page() -> str | None:
        monkeypatch.setenv(VARIABLE, "true")
        prepare()
        for value in ("", None):
            monkeypatch.setenv(VARIABLE, "") if value is not None else monkeypatch.delenv(VARIABLE)
            with pytest.raises(SynchronousOnlyOperation):
                get_user_model().objects.get(username="ada")
            cookies = session_cookies("ada")
            assert os.environ.get(VARIABLE) == value
        monkeypatch.setenv(VARIABLE, "true")
        with override_settings(ROOT_URLCONF=urls(), MIDDLEWARE=MIDDLEWARE):
            name = django_name(cookies)
        connection.close()
        connection.connection.close()
        return name

    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(page()) == "Ada"
    finally:
        loop.close()


def test_threads_at_once_leave_djangos_rule_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    second_is_in = threading.Event()
    second = threading.Thread(target=lambda: session_cookies(b"second"))
    at_once: list[bool] = []
    ruled: list[str | None] = []

    def force_login(client: Client, user: Any) -> None:
        client.cookies["sessionid"] = "any"
        if user == b"first":
            second.start()
            at_once.append(second_is_in.wait(timeout=0.2))
        second_is_in.set()
        ruled.append(os.environ.get(VARIABLE))

    monkeypatch.setattr(Client, "force_login", force_login)
    session_cookies(b"first")
    second.join()
    assert (at_once, ruled) == ([False], ["true", "true"])
    assert VARIABLE not in os.environ


VARIABLE = "DJANGO_ALLOW_ASYNC_UNSAFE"


def test_nobody_of_that_name_in_django(ada: Any) -> None:
    with pytest.raises(LookupError, match="Django has no user 'eve': create one in the test"):
        session_cookies("eve")


@pytest.mark.parametrize("settings", [{}, {"SESSION_COOKIE_NAME": "mine", "SESSION_COOKIE_PATH": "/api"}])
def test_a_user_of_flask_login(settings: dict[str, str]) -> None:
    module = app_of_the_page("Flask")
    module.app.config.update(settings)
    for user in (module.USERS["ada"], "ada", {"_user_id": "ada"}):
        cookies = session_cookies(user, app=module.app)
        assert list(cookies) == [settings.get("SESSION_COOKIE_NAME", "session")]
        client = module.app.test_client()
        for name, value in cookies.items():
            client.set_cookie(name, value)
        assert client.get("/api/auth/session").json["user"]["name"] == "Ada Lovelace"


@pytest.mark.parametrize(
    "settings",
    [
        {"TRUSTED_HOSTS": ["example.org"]},
        {"SERVER_NAME": "example.org"},
        {"SERVER_NAME": "shop.example.org:5000", "SESSION_COOKIE_DOMAIN": "example.org"},
        {"SESSION_COOKIE_DOMAIN": "example.org"},
        {"SESSION_COOKIE_DOMAIN": ".example.org"},
        {"APPLICATION_ROOT": "/app"},
        {"SESSION_COOKIE_NAME": "__Host-s", "SESSION_COOKIE_SECURE": True},
    ],
)
def test_a_user_of_flask_login_whichever_hosts_the_app_answers(settings: dict[str, Any]) -> None:
    app = app_of_the_page("Flask").app
    app.config.update(settings)
    [(name, value)] = session_cookies("ada", app=app).items()
    assert name == app.config["SESSION_COOKIE_NAME"]
    with app.test_request_context(base_url="https://example.org/", headers={"Cookie": f"{name}={value}"}):
        assert flask.session["_user_id"] == "ada"


def test_what_an_app_of_fastapi_keeps_in_its_session() -> None:
    module = app_of_the_page("FastAPI and Starlette")
    with TestClient(module.app, cookies=session_cookies({"user": "ada"}, app=module.app)) as client:
        assert client.get("/api/auth/session").json()["user"]["name"] == "Ada Lovelace"


def test_the_cookie_of_starlette_has_the_name_that_the_app_gives_it() -> None:
    app = Starlette(middleware=[Middleware(SessionMiddleware, "secret", session_cookie="mine")])
    assert list(session_cookies({"user": "ada"}, app=app)) == ["mine"]


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="no SessionMiddleware"):
        session_cookies({"user": "ada"}, app=Starlette())
    with pytest.raises(TypeError, match="what the app's sign_in puts into"):
        session_cookies("ada", app=Starlette())
    with pytest.raises(TypeError, match="one of Flask, FastAPI or Starlette, not int"):
        session_cookies("ada", app=5)


def test_a_context_of_playwright_gets_the_cookies_of_the_apps_origin() -> None:
    app = app_of_the_page("Flask").app
    added: list[Any] = []
    signed_in(SimpleNamespace(add_cookies=added.extend), "ada", app=app, url="http://localhost:5000/shop")
    assert [(cookie["name"], cookie["url"]) for cookie in added] == [("session", "http://localhost:5000")]
    with pytest.raises(ValueError, match="url is an absolute"):
        signed_in(SimpleNamespace(add_cookies=added.extend), "ada", app=app, url="localhost")
