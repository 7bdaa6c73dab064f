"""Signed in without a password, in tests of an app with `AuthBridge`: by the session that its framework makes.

    def test_the_shop(page, live_server, ada):                       # Django, with Playwright
        signed_in(page.context, ada, url=live_server.url)
        page.goto(live_server.url + "/shop")

`session_cookies` gives the same to a test client. (With a password, and a server that runs, there is
`nextauth_client.testing.signed_in`.)
"""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from .requests import checked_address, origin_of

_ONE_AT_A_TIME = threading.RLock()


def signed_in(context: Any, user: Any, *, app: Any = None, url: str) -> Any:
    """Sign a browser context of Playwright in at the app that runs at `url`; with its async API, await it.

    `user` and `app` are those of `session_cookies`. Raises as that does, and `ValueError` for a `url` that is none.
    """
    origin = origin_of(checked_address("url", url))
    cookies = session_cookies(user, app=app)
    return context.add_cookies([{"name": name, "value": value, "url": origin} for name, value in cookies.items()])


def session_cookies(user: Any, *, app: Any = None) -> dict[str, str]:
    """The cookies, by name, of a session in which somebody is signed in.

    - Django (no `app`): a user, or the user's name. The session is `force_login`'s, where `settings` keep them
    - Flask-Login: a user, or the user's id; `app` is the Flask app
    - Starlette and FastAPI: what the app's own `sign_in` puts into `request.session`, such as `{"user": "ada"}`; `app`
      has the `SessionMiddleware`. A Flask app takes such a mapping, too

    Raises `TypeError` for what none of these is, `LookupError` for a name that nobody has, and `ValueError` for an app
    without a `SessionMiddleware`.
    """
    if app is None:
        return _of_django(user)
    if hasattr(app, "session_interface"):
        return _of_flask(app, user)
    if hasattr(app, "user_middleware"):
        return _of_starlette(app, user)
    raise TypeError(f"app is one of Flask, FastAPI or Starlette, not {type(app).__name__}; for Django there is none")


def _of_django(user: Any) -> dict[str, str]:
    try:
        from django.conf import settings  # type: ignore[import-untyped]
        from django.contrib.auth import get_user_model  # type: ignore[import-untyped]
        from django.test import Client  # type: ignore[import-untyped]
    except ImportError:
        raise TypeError("Without app= this is about a user of Django, which is not installed: say app=") from None
    client = Client()
    with _beside_an_event_loop():
        if isinstance(user, str):
            model = get_user_model()
            try:
                user = model.objects.get(**{model.USERNAME_FIELD: user})
            except model.DoesNotExist:
                raise LookupError(f"Django has no user {user!r}: create one in the test") from None
        client.force_login(user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


@contextmanager
def _beside_an_event_loop() -> Iterator[None]:
    """Playwright's sync API leaves a loop running, in which Django would ask nobody's database."""
    name = "DJANGO_ALLOW_ASYNC_UNSAFE"
    with _ONE_AT_A_TIME:  # each leaves it as it was, not as another had it
        before = os.environ.get(name)
        os.environ[name] = "true"
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before


def _of_flask(app: Any, user: Any) -> dict[str, str]:
    import flask

    trusted = app.config.get("TRUSTED_HOSTS")
    with app.test_request_context(base_url=f"http://{trusted[0].lstrip('.')}" if trusted else None):
        session = app.session_interface.open_session(app, flask.request)
        if isinstance(user, Mapping):
            session.update(user)
        else:
            session.update(_user_id=user if isinstance(user, str) else user.get_id(), _fresh=True)
        response = app.response_class()
        app.session_interface.save_session(app, session, response)
    return _by_name(response.headers.getlist("Set-Cookie"))


def _of_starlette(app: Any, session: Any) -> dict[str, str]:
    from starlette.middleware.sessions import SessionMiddleware

    if not isinstance(session, Mapping):
        raise TypeError("For Starlette the user is what the app's sign_in puts into request.session: {'user': 'ada'}")
    for middleware in app.user_middleware:
        if isinstance(middleware.cls, type) and issubclass(middleware.cls, SessionMiddleware):
            break
    else:
        raise ValueError("The app has no SessionMiddleware, whose cookie this would be: app.add_middleware(...)")
    answered: list[Any] = []

    async def signs_in(scope: Any, receive: Any, send: Any) -> None:
        scope["session"].update(session)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        answered.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    run = middleware.cls(signs_in, *middleware.args, **middleware.kwargs)
    coroutine = run({"type": "http", "headers": [], "path": "/", "root_path": ""}, receive, send)
    with suppress(StopIteration):
        coroutine.send(None)  # nothing in it waits
    cookies = [value.decode("latin-1") for name, value in answered[0]["headers"] if name.lower() == b"set-cookie"]
    return _by_name(cookies)


def _by_name(cookies: Iterable[str]) -> dict[str, str]:
    return dict([cookie.partition(";")[0].split("=", 1) for cookie in cookies])
