"""The bridge over functions of an app's own: Starlette's and FastAPI's real request handling."""

from __future__ import annotations

import asyncio
import inspect
import runpy
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import fastapi
import httpx
import pytest
from nextauth_server import AuthBridge, SignInRefused
from nextauth_server.bridge import ENDS
from nextauth_server.testing import session_cookies
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from tests.server.bridges import BASE, FOREIGN, ORIGIN, OWN, POSTS, Answer, Visitor, app_of_the_page
from tests.server.frameworks import Run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FORTNIGHT = 14 * 24 * 3600


class Site:
    """An app with one user, whose functions are sync or async."""

    def __init__(self, run: Run, is_async: bool = True, mounted: str = "/api/auth", **options: Any) -> None:
        self.run = run
        self.people: dict[str, dict[str, Any]] = {"ada": {"name": "Ada", "email": None}}
        self.threads: set[str] = set()
        functions = {"user_of": self.user_of, "sign_in": self.sign_in, "sign_out": self.sign_out}
        if is_async:
            functions = {name: in_async(function) for name, function in functions.items()}
        self.bridge = AuthBridge(**{**functions, "secret": "not one", **options})
        self.app: Any = Starlette(
            routes=[Mount(mounted, self.bridge), Route("/name", self.name)],
            middleware=[Middleware(SessionMiddleware, secret_key="not one")],
        )

    def user_of(self, request: Request) -> Mapping[str, Any] | None:
        self.threads.add(threading.current_thread().name)
        return self.people.get(request.session.get("user", ""))

    def sign_in(self, request: Request, username: str, password: str) -> bool:
        if (username, password) != ("ada", "lovelace"):
            return False
        request.session["user"] = username
        return True

    def sign_out(self, request: Request) -> None:
        request.session.clear()

    def name(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.session.get("user", ""))

    def visitor(self, base: str = "/api/auth") -> Visitor:
        jar = httpx.Cookies()

        async def ask(method: str, path: str, content: str | None, json: Any, headers: Mapping[str, str]) -> Answer:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=jar) as client:
                more = {"content": content} if content is not None else {"json": json} if json is not None else {}
                response = await client.request(method, path, headers=headers, **more)
                jar.clear()
                jar.update(client.cookies)
            data = response.json() if response.headers.get("content-type") == "application/json" else None
            return Answer(response.status_code, response.headers, response.text, data)

        def send(method: str, path: str, *, form: Any = None, json: Any = None, headers: Any = None) -> Answer:
            named = dict(headers or {})
            if form is not None:
                named["Content-Type"] = "application/x-www-form-urlencoded"
            answer: Answer = self.run(ask(method, path, None if form is None else urlencode(form), json, named))
            return answer

        return Visitor(send, lambda: dict(jar), base)


def with_cart(app: Any, browser: Visitor) -> Visitor:
    """The app keeps something else in the session: `/cart?add=tea`."""

    def cart(request: Request) -> PlainTextResponse:
        if "add" in request.query_params:
            request.session["cart"] = request.query_params["add"]
        return PlainTextResponse(request.session.get("cart", ""))

    app.router.routes.insert(0, Route("/cart", cart))
    return browser


def in_async(function: Callable[..., Any]) -> Callable[..., Any]:
    async def later(*arguments: Any, **keywords: Any) -> Any:
        await asyncio.sleep(0)
        return function(*arguments, **keywords)

    later.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return later


@pytest.fixture(params=[True, False], ids=["async", "sync"])
def site(request: pytest.FixtureRequest, run: Run) -> Site:
    return Site(run, request.param)


def seconds_left(session: Any) -> float:
    end = datetime.fromisoformat(session["expires"].replace("Z", "+00:00"))
    return (end - datetime.now(timezone.utc)).total_seconds()


def test_a_person_signs_in_is_known_to_the_app_and_signs_out(site: Site) -> None:
    browser = site.visitor()
    assert browser.session() == {}
    answer = browser.sign_in(callbackUrl=f"{ORIGIN}/there")
    assert (answer.status, answer.data) == (200, {"url": f"{ORIGIN}/there"})
    session = browser.session()
    assert session["user"] == {"name": "Ada"}
    assert FORTNIGHT - 60 < seconds_left(session) <= FORTNIGHT
    assert browser.send("GET", "/name").text == "ada"
    assert set(browser.cookies()) == {"session", "next-auth.csrf-token"}
    assert browser.post("signout", callbackUrl="/bye").data == {"url": f"{ORIGIN}/bye"}
    assert browser.session() == {}
    assert browser.send("GET", "/name").text == ""


def test_the_app_of_the_documentation_signs_in_whom_it_knows(site: Site) -> None:
    site.app = app_of_the_page("FastAPI and Starlette").app
    browser = site.visitor()
    assert browser.sign_in(password="wrong").status == 401
    assert browser.sign_in().status == 200
    assert browser.session()["user"] == {"name": "Ada Lovelace"}
    browser.post("signout")
    assert browser.session() == {}


def test_whoever_comes_next_to_the_example_finds_nothing_of_the_person_before(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pages").mkdir()
    for name in ("app.py", "users.py"):
        shutil.copy(EXAMPLES / "fastapi" / name, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    made = SimpleNamespace(**runpy.run_path(str(tmp_path / "app.py")))
    del sys.modules["users"]
    made.users.save("ada", "lovelace")
    site = Site(run)
    site.app = made.app
    browser = with_cart(made.app, site.visitor())
    browser.sign_in()
    browser.send("GET", "/cart?add=tea")
    assert browser.send("GET", "/cart").text == "tea"
    browser.sign_in()
    assert browser.send("GET", "/cart").text == ""


def test_a_sync_function_runs_where_it_holds_nobody_up(run: Run) -> None:
    async def thread() -> str:
        return threading.current_thread().name

    for is_async in (True, False):
        site = Site(run, is_async)
        site.visitor().session()
        assert (run(thread()) in site.threads) is is_async


@pytest.mark.parametrize("fields", [{"password": "wrong"}, {"username": "nobody"}, {"password": ""}], ids=str)
def test_other_credentials_are_refused(site: Site, fields: dict[str, str]) -> None:
    browser = site.visitor()
    answer = browser.sign_in(**fields)
    assert (answer.status, answer.data["url"]) == (401, f"{BASE}/error?error=CredentialsSignin&provider=credentials")
    assert browser.session() == {}


def test_a_form_without_the_fields_that_the_app_needs_is_refused(site: Site) -> None:
    assert site.visitor().post("callback/credentials", username="ada").status == 401


def test_fields_reach_the_parameters_that_are_called_so_and_no_others(run: Run) -> None:
    told: list[Any] = []

    async def sign_in(request: Request, username: str, *, password: str, code: str = "") -> None:
        told.append((username, password, code))

    Site(run, sign_in=sign_in).visitor().sign_in(is_trusted="yes", request="x", code="123")
    assert told == [("ada", "lovelace", "123")]


def test_where_an_app_takes_any_field_no_name_of_one_is_an_error(run: Run) -> None:
    told: list[Any] = []

    def sign_in(request: Request, **fields: str) -> None:
        told.append(fields)

    given = {"function": "x", "func": "x", "call": "x"}
    Site(run, sign_in=sign_in).visitor().sign_in(request="mine", **given)
    assert told == [{"username": "ada", "password": "lovelace", **given}]


def test_a_copy_of_a_cookie_is_good_after_its_owner_has_signed_out_for_it_is_the_session(site: Site) -> None:
    browser = site.visitor()
    browser.sign_in()
    copied = dict(browser.cookies())
    browser.post("signout")
    assert browser.session() == {}
    assert site.visitor().session_of(copied)["user"] == {"name": "Ada"}
    site.people.clear()
    assert site.visitor().session_of(copied) == {}


def test_somebody_deleted_is_nobody(site: Site) -> None:
    browser = site.visitor()
    browser.sign_in()
    site.people.clear()
    assert browser.session() == {}
    assert browser.update({}).data == {}


def test_a_question_does_not_move_the_end_of_a_session(site: Site) -> None:
    browser = site.visitor()
    browser.sign_in()
    first = browser.session()["expires"]
    kept = browser.cookies()["session"]
    assert browser.session()["expires"] == first
    assert browser.cookies()["session"] == kept, "it was not written again"


def test_an_answer_under_way_when_a_person_signs_out_does_not_bring_the_session_back(site: Site) -> None:
    browser = site.visitor()
    browser.sign_in()
    answer = browser.get("session")
    assert (answer.data["user"], answer.headers.get("Set-Cookie")) == ({"name": "Ada"}, None)


def test_nor_does_one_about_who_signed_in_by_the_apps_own_means(site: Site) -> None:
    browser = site.visitor()
    (pair,) = session_cookies({"user": "ada"}, app=site.app).items()
    answer = browser.get("session", Cookie="=".join(pair))
    assert (answer.data["user"], answer.headers.get("Set-Cookie")) == ({"name": "Ada"}, None)
    assert FORTNIGHT - 60 < seconds_left(answer.data) <= FORTNIGHT


def test_whoever_signs_in_has_a_session_of_full_length_whatever_was_noted_before(run: Run) -> None:
    def sign_in(request: Request, username: str, password: str) -> bool:
        request.session.update({"user": username, ENDS: time.time() + 100})
        return True

    browser = Site(run, sign_in=sign_in).visitor()
    browser.sign_in()
    assert FORTNIGHT - 60 < seconds_left(browser.session()) <= FORTNIGHT


def test_the_end_of_a_session_of_another_kind_is_the_apps_to_say(run: Run) -> None:
    end = datetime(2030, 1, 2, 4, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    user = {"name": "Ada"}
    site = Site(run, user_of=lambda request: user, expires_of=lambda request: end)
    site.app = site.bridge  # without any middleware
    assert site.visitor("").session() == {"user": user, "expires": "2030-01-02T03:04:05.000Z"}


def test_mistakes_of_an_app_say_what_to_do(run: Run) -> None:
    site = Site(run, user_of=lambda request: {"name": "Ada"})
    site.app = site.bridge
    with pytest.raises(RuntimeError, match="SessionMiddleware"):
        site.visitor("").session()
    with pytest.raises(TypeError, match="as a dict"):
        Site(run, user_of=lambda request: "Ada").visitor().session()
    with pytest.raises(TypeError, match="time zone"):
        Site(run, user_of=lambda request: {}, expires_of=lambda request: datetime(2030, 1, 1)).visitor().session()
    with pytest.raises(ValueError, match="guess"):
        Site(run, secret="")


def test_the_apps_own_page_signs_in(run: Run) -> None:
    answer = Site(run, sign_in_page="/enter").visitor().get("signin?callbackUrl=http%3A%2F%2Fapp.test%2Fthere%3Fa%3D1")
    assert (answer.status, answer.headers["Location"]) == (302, "/enter?next=%2Fthere%3Fa%3D1")
    assert Site(run).visitor().get("signin").status == 404


def test_what_an_app_adds_counts(run: Run) -> None:
    async def update(request: Request, data: Any) -> None:
        site.people["ada"] = {"name": data["name"]}

    def may_try(request: Request, fields: Mapping[str, str]) -> bool:
        if fields["username"] == "alan":
            raise SignInRefused("AccessDenied")
        return fields["username"] != "grace"

    site = Site(run, update=update, may_try=may_try, session_callback=lambda session, user: {**session, "is": "more"})
    browser = site.visitor()
    assert browser.sign_in(username="alan").data["url"] == f"{BASE}/error?error=AccessDenied"
    assert browser.sign_in(username="grace").status == 429
    assert browser.update({"name": "Nobody"}).data == {}
    browser.sign_in()
    session = browser.update({"name": "Countess"}).data
    assert (session["user"], session["is"]) == ({"name": "Countess"}, "more")
    assert browser.session() == session


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_origin_changes_nothing(run: Run, headers: dict[str, str]) -> None:
    browser = Site(run).visitor()
    browser.sign_in()
    for action in POSTS:
        assert browser.post(action, headers=headers, username="ada", password="lovelace").status == 403
    assert browser.session() != {}


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_the_apps_own_page_may(run: Run, headers: dict[str, str]) -> None:
    browser = Site(run).visitor()
    assert browser.post("callback/credentials", headers=headers, username="ada", password="lovelace").status == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
def test_without_the_right_csrf_token_nothing_changes(site: Site, token: str) -> None:
    browser = site.visitor()
    answer = browser.post("callback/credentials", token=token, username="ada", password="lovelace")
    assert answer.data == {"url": f"{BASE}/signin?csrf=true"}
    assert browser.session() == {}
    browser.sign_in()
    assert browser.post("signout", token=token).data == {"url": f"{BASE}/signout?csrf=true"}
    assert browser.session() != {}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"\xff", 400),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 1_000_000, 413),
        ("application/x-www-form-urlencoded", b"a&" * 1001, 400),
    ],
    ids=["half", "not UTF-8", "too large", "too many"],
)
def test_bodies_that_cannot_be_read_are_bad_requests(run: Run, kind: str, body: bytes, status: int) -> None:
    async def post() -> int:
        transport = httpx.ASGITransport(Site(run).app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            answer = await client.post("/api/auth/signout", content=body, headers={"Content-Type": kind})
        return answer.status_code

    assert run(post()) == status


def test_an_endless_body_is_refused_before_its_end(run: Run) -> None:
    pieces = 0
    sent: list[Any] = []

    async def receive() -> Any:
        nonlocal pieces
        pieces += 1
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": pieces < 50}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        **{"type": "http", "method": "POST", "scheme": "http", "path": "/api/auth/signout", "query_string": b""},
        **{"headers": [(b"host", b"app.test")], "root_path": "", "server": ("app.test", 80)},
    }
    run(Site(run).app(scope, receive, send))
    assert (sent[0]["status"], pieces) == (413, 11)


def test_a_websocket_is_closed(run: Run) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/api/auth/session", "root_path": "", "headers": [], "query_string": b""}
    run(Site(run).bridge(scope, receive, send))
    assert sent == ["websocket.close"]


def test_under_another_prefix_and_in_apps_in_an_app(run: Run) -> None:
    site = Site(run, mounted="/deep/er")
    base = f"{ORIGIN}/deep/er"
    browser = site.visitor("/deep/er")
    assert browser.get("providers").data["credentials"]["callbackUrl"] == f"{base}/callback/credentials"
    assert browser.sign_in(password="wrong").data["url"].startswith(f"{base}/error?")
    outside = fastapi.FastAPI()
    outside.mount("/site", site.app)
    site.app = outside
    answer = site.visitor("/site/deep/er").get("providers")
    assert answer.data["credentials"]["callbackUrl"] == f"{ORIGIN}/site/deep/er/callback/credentials"


@pytest.mark.parametrize("other", ["the same", "another"])
def test_twice_in_one_app(other: str, run: Run) -> None:
    site = Site(run)
    bridge = site.bridge if other == "the same" else Site(run).bridge
    site.app.routes.append(Mount("/other", bridge))
    browser = site.visitor("/other")
    assert browser.sign_in().status == 200
    assert browser.get("providers").data["credentials"]["callbackUrl"].startswith(f"{ORIGIN}/other/")
    browser.base = "/api/auth"
    assert browser.session()["user"] == {"name": "Ada"}, "it is one session"
    assert browser.post("signout").status == 200
    assert browser.session() == {}


@pytest.mark.parametrize("path", ["/api/auth", "/app/api/auth"], ids=["taken off", "left on"])
def test_behind_a_server_with_a_prefix_of_its_own(path: str, run: Run) -> None:
    site = Site(run)
    app = site.app

    async def below(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/app"}, receive, send)

    site.app = below
    answer = site.visitor(path).get("providers")
    assert answer.data["credentials"]["callbackUrl"] == f"{ORIGIN}/app/api/auth/callback/credentials"
    assert site.visitor(path).sign_in().status == 200


def test_https_behind_a_proxy_that_hides_it_is_told(run: Run) -> None:
    browser = Site(run, url="https://app.test").visitor()
    answer = browser.get("csrf")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-next-auth.csrf-token=") and "; Secure" in cookie and "Path=/" in cookie
    headers = {"Cookie": cookie.partition(";")[0], "Origin": "https://app.test"}
    token = answer.data["csrfToken"]
    form = {"username": "ada", "password": "lovelace"}
    assert browser.post("callback/credentials", token=token, headers=headers, **form).data == {
        "url": "https://app.test"
    }
    headers["Origin"] = ORIGIN
    assert browser.post("callback/credentials", token=token, headers=headers, **form).status == 403
