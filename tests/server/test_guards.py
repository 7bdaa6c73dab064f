"""Views that only signed-in people get into: a session, 401, a redirect to sign-in, or 503."""

import json
import logging
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import fastapi
import flask
import httpx
import pytest
from django.http import HttpResponse
from django.views import View
from nextauth_client import Session
from nextauth_server import finding, login_required, session_dependency
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from tests.support import PATIENCE

from .conftest import Backend, Scripted
from .frameworks import App, Run, django_app, flask_app

FUTURE = "2999-01-01T00:00:00.000Z"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


# FastAPI


@pytest.fixture
def api(run: Run) -> App:
    app = fastapi.FastAPI()

    @app.get("/me")
    async def me(session: Annotated[Session, fastapi.Depends(session_dependency())]) -> Any:
        return session.user.name

    @app.get("/anyone")
    async def anyone(session: Annotated[Session | None, fastapi.Depends(session_dependency(required=False))]) -> Any:
        return session and session.user.name

    return App(run, app, is_async=True)


def test_s8_fastapi_gives_the_view_its_session(api: App, backend: Backend) -> None:
    assert api.get("/me", cookie=backend.cookie).json() == "Ada Lovelace"
    assert api.get("/anyone", cookie=backend.cookie).json() == "Ada Lovelace"


def test_fastapi_answers_401_to_nobody(api: App, backend: Backend) -> None:
    answer = api.get("/me")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Please sign in to see this page."})


def test_fastapi_sends_a_browser_to_sign_in_and_back_to_the_same_path(api: App, backend: Backend) -> None:
    answer = api.get("/me?x=1&y=%2F%26", accept=HTML)
    assert (answer.status_code, answer.headers["cache-control"]) == (302, "private, no-store")
    page, _, query = answer.headers["location"].partition("?")
    assert page == f"{backend.url}/api/auth/signin"
    assert parse_qs(query) == {"callbackUrl": [f"{backend.url}/me?x=1&y=%2F%26"]}
    assert httpx.get(answer.headers["location"]).status_code == 200
    assert api.get("/anyone", accept=HTML).json() is None
    assert api.get("/me", accept=HTML, cookie=backend.cookie).json() == "Ada Lovelace"


@pytest.mark.parametrize(
    ("root", "path", "back"),
    [
        ("", "/a/b%20c/%C3%BC", "/a/b%20c/%C3%BC"),
        ("", "//evil.example/x", "//evil.example/x"),
        ("", "/@evil.example", "/@evil.example"),
        ("/app", "/x", "/app/x"),  # behind a proxy that takes it off
        ("/app", "/app/x", "/app/x"),
        ("/app", "/apples", "/app/apples"),
    ],
)
def test_nothing_in_a_request_to_fastapi_leads_to_another_site(
    root: str, path: str, back: str, run: Run, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTAUTH_URL_INTERNAL", backend.url)
    monkeypatch.setenv("NEXTAUTH_URL", "https://public.test/auth")
    app = fastapi.FastAPI(dependencies=[fastapi.Depends(session_dependency())])
    app.add_api_route("/{_:path}", lambda _: None)

    async def served_below_root(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": root}, receive, send)

    answer = App(run, served_below_root, is_async=True).get(path, accept=HTML, host="evil.example")
    assert answer.status_code == 302
    page, _, query = answer.headers["location"].partition("?")
    assert (page, parse_qs(query)["callbackUrl"]) == ("https://public.test/auth/signin", [f"https://public.test{back}"])


@pytest.mark.parametrize("path", ["@evil.example/x", ".evil.example", ":8000", "evil"])
def test_a_path_without_a_slash_at_its_start_leads_to_no_other_site(path: str, run: Run, backend: Backend) -> None:
    scope = {"type": "http", "path": path, "headers": [(b"accept", HTML.encode())]}
    with pytest.raises(HTTPException) as refused:
        run(session_dependency()(HTTPConnection(scope)))
    assert refused.value.headers is not None
    answer = flask_app(run, login_required(lambda _: "")).get(path, accept=HTML)
    for location in (refused.value.headers["Location"], answer.headers["location"]):
        [back] = parse_qs(urlsplit(location).query)["callbackUrl"]
        assert back == f"{backend.url}/{path}"


@pytest.mark.parametrize("path", ["/me", "/anyone"])
def test_fastapi_answers_400_to_a_cookie_that_no_header_may_hold(path: str, api: App, backend: Backend) -> None:
    answer = api.get(path, cookie="a=\x01")
    assert answer.status_code == 400
    assert "Delete this site's cookies" in answer.json()["detail"]
    assert backend.seen == []


def test_fastapi_gives_none_where_nobody_may_come_too(api: App, backend: Backend) -> None:
    answer = api.get("/anyone")
    assert (answer.status_code, answer.json()) == (200, None)


@pytest.mark.parametrize("path", ["/me", "/anyone"])
def test_fastapi_answers_503_when_it_is_unknown(
    path: str, api: App, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer(500, "{}")
    assert api.get(path, cookie="a=b").status_code == 503
    assert "status 500" in caplog.text
    scripted.stop()
    assert api.get(path, cookie="a=b").status_code == 503
    assert "No answer from" in caplog.text


def test_fastapi_asks_once_for_a_request(run: Run, backend: Backend) -> None:
    app = fastapi.FastAPI()
    current = fastapi.Depends(session_dependency())

    @app.get("/")
    async def view(one: Annotated[Session, current], two: Annotated[Session, current]) -> Any:
        return one == two

    assert App(run, app, is_async=True).get("/", cookie=backend.cookie).json() is True
    assert len(backend.seen) == 1


def test_fastapi_shows_no_parameter_for_it(api: App) -> None:
    assert "parameters" not in api.app.openapi()["paths"]["/me"]["get"]


def test_fastapi_guards_with_options(run: Run) -> None:
    class MySession(Session):
        role: str

    def backend(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"user": {}, "expires": FUTURE, "role": str(request.url)})

    client = httpx.AsyncClient(transport=httpx.MockTransport(backend))
    guard = session_dependency(session_type=MySession, base_url="http://b.test", base_path="/auth", client=client)
    app = fastapi.FastAPI()

    @app.get("/")
    async def view(session: Annotated[MySession, fastapi.Depends(guard)]) -> Any:
        return [type(session).__name__, session.role]

    answer = App(run, app, is_async=True).get("/", cookie="a=b")
    assert answer.json() == ["MySession", "http://b.test/auth/session"]
    run(client.aclose())


# Django and Flask


def django_view(run: Run, **options: Any) -> App:
    @guarded(**options)
    def view(request: Any) -> HttpResponse:
        return HttpResponse(request.nextauth_session.user.name)

    return django_app(run, view, is_async=False)


def django_async_view(run: Run, **options: Any) -> App:
    @guarded(**options)
    async def view(request: Any) -> HttpResponse:
        return HttpResponse(request.nextauth_session.user.name)

    return django_app(run, view, is_async=True)


def django_class(run: Run, **options: Any) -> App:
    class Page(View):
        def get(self, request: Any) -> HttpResponse:
            return HttpResponse(request.nextauth_session.user.name)

        post = get

    return django_app(run, guarded(**options)(Page.as_view()), is_async=False)


def django_async_class(run: Run, **options: Any) -> App:
    class Page(View):
        async def get(self, request: Any) -> HttpResponse:
            return HttpResponse(request.nextauth_session.user.name)

        post = get

    return django_app(run, guarded(**options)(Page.as_view()), is_async=True)


def flask_view(run: Run, **options: Any) -> App:
    @guarded(**options)
    def view() -> Any:
        return flask.g.nextauth_session.user.name

    return flask_app(run, view)


def flask_async_view(run: Run, **options: Any) -> App:
    @guarded(**options)
    async def view() -> Any:
        return flask.g.nextauth_session.user.name

    return flask_app(run, view)


def guarded(**options: Any) -> Callable[[Any], Any]:
    return login_required(**options) if options else login_required


VIEWS = [django_view, django_async_view, django_class, django_async_class, flask_view, flask_async_view]


@pytest.fixture(params=VIEWS, ids=lambda make: make.__name__)
def make(request: pytest.FixtureRequest, run: Run) -> Callable[..., App]:
    return lambda **options: request.param(run, **options)


@pytest.fixture
def app(make: Callable[..., App]) -> App:
    return make()


def test_s8_a_guarded_view_finds_its_session(app: App, backend: Backend) -> None:
    assert app.get("/", cookie=backend.cookie, accept=HTML).text == "Ada Lovelace"
    assert len(backend.seen) == 1


def test_nobody_is_sent_to_sign_in_and_comes_back_to_the_same_path(app: App, backend: Backend) -> None:
    answer = app.get("/a/b%20c/%C3%BC?x=1&y=%2F%26", accept=HTML)
    assert answer.status_code == 302
    page, _, query = answer.headers["location"].partition("?")
    assert page == f"{backend.url}/api/auth/signin"
    assert parse_qs(query) == {"callbackUrl": [f"{backend.url}/a/b%20c/%C3%BC?x=1&y=%2F%26"]}
    assert httpx.get(answer.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "//evil.example/x", "/\\evil.example", "/https://evil.example", "/@evil.example"]
)
def test_nothing_in_a_request_leads_to_another_site(
    path: str, app: App, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTAUTH_URL_INTERNAL", backend.url)
    monkeypatch.setenv("NEXTAUTH_URL", "https://public.test/auth")
    answer = app.get(path, accept=HTML, host="evil.example", x_forwarded_host="evil.example", x_forwarded_proto="http")
    assert answer.status_code == 302
    location = urlsplit(answer.headers["location"])
    assert (location.scheme, location.netloc, location.path) == ("https", "public.test", "/auth/signin")
    [callback_url] = parse_qs(location.query)["callbackUrl"]
    assert callback_url.startswith("https://public.test/")


def test_the_internal_address_is_shown_to_nobody(app: App, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTAUTH_URL_INTERNAL", backend.url)
    monkeypatch.setenv("NEXTAUTH_URL", "https://public.test")
    location = app.get("/x", accept=HTML).headers["location"]
    assert location == "https://public.test/api/auth/signin?callbackUrl=https%3A%2F%2Fpublic.test%2Fx"
    assert len(backend.seen) == 1


def test_with_the_internal_address_alone_nobody_can_be_sent_away(
    app: App, backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("NEXTAUTH_URL")
    monkeypatch.setenv("NEXTAUTH_URL_INTERNAL", backend.url)
    try:
        assert app.get("/x", accept=HTML).status_code == 500
        assert "set NEXTAUTH_URL or AUTH_URL" in caplog.text
    except RuntimeError as error:  # Django's ASGI handler in process lets it out
        assert "set NEXTAUTH_URL or AUTH_URL" in str(error)


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_a_script_gets_401_and_json(accept: str, app: App, backend: Backend) -> None:
    answer = app.get("/", accept=accept)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"error": "SessionRequired", "message": "Please sign in to see this page."}


@pytest.mark.parametrize("length", ["999", "9", "x", "9" * 5000], ids=["more", "less", "a word", "endless"])
def test_a_backend_that_lies_about_its_length_lets_nobody_in(length: str, app: App, scripted: Scripted) -> None:
    scripted.answer(200, '{"user": {"name": "Ada Lovelace"}}')
    assert app.get("/", cookie="a=b").status_code == 200
    scripted.length = length
    assert app.get("/", cookie="a=b").status_code == 503


def test_unknown_is_503_and_never_401(app: App, scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    scripted.answer(502, "<h1>Bad gateway</h1>")
    assert app.get("/", accept=HTML).status_code == 503
    answer = app.get("/", accept="application/json")
    assert (answer.status_code, answer.json()["error"]) == (503, "UnexpectedAnswer")
    scripted.stop()
    answer = app.get("/", accept=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert "cannot be reached" in answer.text
    ours = [record for record in caplog.records if record.name == "nextauth_server"]
    assert [record.levelno for record in ours] == [logging.WARNING] * 3


def test_a_cookie_that_no_header_may_hold_is_400_and_says_what_to_do(app: App, backend: Backend) -> None:
    answer = app.get("/", cookie="a=\x01", accept=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert "Delete this site's cookies" in answer.text
    answer = app.get("/", cookie="a=\x01", accept="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, "BadCookie")
    assert backend.seen == []


def test_a_refusal_is_kept_by_no_cache(app: App, scripted: Scripted) -> None:
    for accept in (HTML, "*/*"):
        for headers in ({}, {"cookie": "a=\x01"}, {"cookie": "a=unknown"}):
            scripted.answer(500 if headers == {"cookie": "a=unknown"} else 200, "{}")
            answer = app.get("/", accept=accept, **headers)
            assert answer.status_code in (302, 401, 400, 503)
            assert (answer.headers["cache-control"], answer.headers["vary"]) == ("private, no-store", "Cookie")


def test_a_guard_with_options(make: Callable[..., App], scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXTAUTH_URL")
    app = make(base_url=scripted.url, base_path="/auth", timeout=PATIENCE)
    location = app.get("/x", accept=HTML).headers["location"]
    assert location.startswith(f"{scripted.url}/auth/signin?callbackUrl=http")
    scripted.answer(200, json.dumps({"user": {"name": "Alan"}}))
    assert app.get("/", cookie="a=b").text == "Alan"
    assert [path for path, _ in scripted.seen] == ["/auth/session"] * 2


def test_a_guard_keeps_the_views_name() -> None:
    @login_required
    def account() -> None:
        """Mine."""

    assert (account.__name__, account.__doc__) == ("account", "Mine.")


def test_a_guard_outside_django_and_flask_names_the_other_ways() -> None:
    @login_required
    def view(request: object) -> None:
        raise AssertionError

    with pytest.raises(TypeError, match=r"session_dependency\(\), elsewhere get_session\(request\)"):
        view(object())


def test_a_guard_refuses_a_client_of_the_other_kind() -> None:
    with httpx.Client() as client, pytest.raises(TypeError, match=r"an httpx\.AsyncClient for this view, not Client"):

        @login_required(client=client)
        async def view() -> None: ...


# A word at start


@pytest.mark.parametrize("guard", [session_dependency, login_required])
def test_a_guard_that_nobody_told_where_the_backend_is_says_so_when_it_is_made(
    guard: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    finding._warn_once.cache_clear()
    guard()
    guard()
    [record] = caplog.records
    assert "set NEXTAUTH_URL_INTERNAL or NEXTAUTH_URL or AUTH_URL to its address" in record.getMessage()


@pytest.mark.parametrize("guard", [session_dependency, login_required])
def test_a_guard_that_can_know_it_says_nothing(
    guard: Callable[..., Any], backend: Backend, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding._warn_once.cache_clear()
    guard()
    monkeypatch.delenv("NEXTAUTH_URL")
    guard(base_url="https://example.org")
    assert caplog.records == []


@pytest.mark.parametrize("guard", [session_dependency, login_required])
def test_a_guard_refuses_a_wrong_address_when_it_is_made(
    guard: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="base_url is an absolute"):
        guard(base_url="example.org")
    with pytest.raises(ValueError, match="begins with a slash"):
        guard(base_url="https://example.org", base_path="auth")
    monkeypatch.setenv("NEXTAUTH_URL", "localhost:3000")
    with pytest.raises(ValueError, match="NEXTAUTH_URL is an absolute"):
        guard()


# Guards fail closed


LETS_NOBODY_IN = {
    "another API": ('{"status": "ok"}', "", 503),
    "another API, with a cookie": ('{"status": "ok"}', "a=b", 503),
    "an end that cannot be read": ('{"expires": "soon"}', "a=b", 503),
    "an end that cannot be read, of a user": ('{"user": {"name": "Ada"}, "expires": 1577836800}', "a=b", 503),
    "an empty user without an end": ('{"user": {}}', "a=b", 503),
    "a cache, for a cookie without a value": (json.dumps({"user": {"name": "Ada"}, "expires": FUTURE}), "a=", 401),
    "a cache": (json.dumps({"user": {"name": "Ada"}, "expires": FUTURE}), "", 401),
    "a cache, without a user": (json.dumps({"expires": FUTURE}), " ; ", 401),
    "an old answer": (json.dumps({"user": {"name": "Ada"}, "expires": "2020-01-01T00:00:00.000Z"}), "a=b", 401),
    "an old answer, without a user": (json.dumps({"expires": "2020-01-01T00:00:00.000Z"}), "a=b", 401),
}


@pytest.mark.parametrize(("body", "cookie", "status"), LETS_NOBODY_IN.values(), ids=LETS_NOBODY_IN)
def test_what_is_no_session_of_the_requests_cookie_lets_nobody_in(
    body: str, cookie: str, status: int, app: App, api: App, scripted: Scripted
) -> None:
    scripted.answer(200, body)
    headers = {"cookie": cookie} if cookie else {}
    assert app.get("/", **headers).status_code == status
    assert api.get("/me", **headers).status_code == status
    answer = api.get("/anyone", **headers)
    assert (answer.status_code, answer.json()) == (200, None) if status == 401 else answer.status_code == 503
