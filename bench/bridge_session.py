"""What the bridge's `GET /session` costs beside a bare view that reads who is signed in: Django and Flask-Login.

Both are asked through WSGI without a server in between, which would take the same time for both and so flatter the
bridge; they take turns, and the medians are compared. A second is one of processor time.

`python -m bench.bridge_session [--rounds 20] [--seconds 0.25]`
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

from nextauth_server import AuthBridge

WSGIApp = Callable[..., Any]
FORM = "application/x-www-form-urlencoded"


class Browser:
    """Asks an app, and keeps its cookies."""

    def __init__(self, app: WSGIApp) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: dict[str, str] | None = None) -> bytes:
        body = b"" if form is None else urlencode(form).encode()
        environ = {
            "REQUEST_METHOD": "GET" if form is None else "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_COOKIE": "; ".join([f"{name}={value}" for name, value in self.cookies.items()]),
            "HTTP_ACCEPT": "*/*",
            "CONTENT_TYPE": "" if form is None else FORM,
            "CONTENT_LENGTH": "" if form is None else str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        answer = self.app(environ, self._start)
        try:
            return b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        assert status.startswith("200 "), status
        for name, value in headers:
            if name.lower() == "set-cookie":
                cookie, _, value = value.partition(";")[0].partition("=")
                self.cookies[cookie.strip()] = value

    def sign_in(self) -> None:
        token = self.ask("/api/auth/csrf").decode().split('"')[3]
        form = {"csrfToken": token, "username": "ada", "password": "lovelace", "json": "true"}
        self.ask("/api/auth/callback/credentials", form)
        for path in PATHS.values():
            assert b"ada@example.com" in self.ask(path), path


PATHS = {"bare view": "/who", "GET /session": "/api/auth/session"}


def django_app() -> WSGIApp:
    """With the middleware of `django-admin startproject`, and sessions and users in a database in memory."""
    import django  # type: ignore[import-untyped]
    from django.conf import settings  # type: ignore[import-untyped]

    settings.configure(
        SECRET_KEY="of the benchmark",
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "CONN_MAX_AGE": None}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        ROOT_URLCONF="bench.urls",
        USE_TZ=True,
    )
    django.setup()
    from django.contrib.auth import get_user_model  # type: ignore[import-untyped]
    from django.core.handlers.wsgi import WSGIHandler  # type: ignore[import-untyped]
    from django.core.management import call_command  # type: ignore[import-untyped]
    from django.http import JsonResponse  # type: ignore[import-untyped]
    from django.urls import include, path  # type: ignore[import-untyped]

    call_command("migrate", run_syncdb=True, verbosity=0)
    get_user_model().objects.create_user("ada", "ada@example.com", "lovelace", first_name="Ada")

    def who(request: Any) -> Any:
        return JsonResponse({"name": request.user.get_full_name(), "email": request.user.email})

    urls = ModuleType("bench.urls")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("who", who),
        path("api/auth/", include(AuthBridge.django().urls)),
    ]
    sys.modules["bench.urls"] = urls
    app: WSGIApp = WSGIHandler()
    return app


def flask_app() -> WSGIApp:
    import flask
    import flask_login  # type: ignore[import-untyped]

    class User(flask_login.UserMixin):  # type: ignore[misc]
        id = "1"
        name = "Ada"
        email = "ada@example.com"

    people = {"1": User()}
    app = flask.Flask("bench")
    app.secret_key = "of the benchmark"
    manager = flask_login.LoginManager(app)
    manager.user_loader(people.get)

    def authenticate(username: str, password: str) -> User | None:
        return people["1"] if (username, password) == ("ada", "lovelace") else None

    @app.get("/who")
    def who() -> dict[str, str]:
        return {"name": flask_login.current_user.name, "email": flask_login.current_user.email}

    app.register_blueprint(AuthBridge.flask_login(manager, authenticate=authenticate).blueprint)
    return app


def per_second(browser: Browser, path: str, seconds: float) -> float:
    count, start = 0, time.process_time()
    while (used := time.process_time() - start) < seconds:
        for _ in range(20):
            browser.ask(path)
        count += 20
    return count / used


def compare(name: str, app: WSGIApp, rounds: int, seconds: float) -> None:
    browser = Browser(app)
    browser.sign_in()
    found: dict[str, list[float]] = {view: [] for view in PATHS}
    for number in range(rounds + 1):
        for view, path in PATHS.items():
            rate = per_second(browser, path, seconds)
            if number:  # the first is to warm up
                found[view].append(rate)
    for view, rates in found.items():
        rate = statistics.median(rates)
        print(f"{name}, {view}: {rate:,.0f} a second, {1e6 / rate:.0f} µs")
    ratios = [ours / bare for bare, ours in zip(*found.values(), strict=True)]
    print(f"{name}: {statistics.median(ratios):.2f} in {rounds} rounds, from {min(ratios):.2f} to {max(ratios):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.25, help="of each view in each round")
    options = parser.parse_args()
    for name, make in {"Django": django_app, "Flask": flask_app}.items():
        compare(name, make(), options.rounds, options.seconds)


if __name__ == "__main__":
    main()
