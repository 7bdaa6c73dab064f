"""The bridge over Flask-Login: Flask's real request handling and session."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar
from urllib.parse import urlencode

import flask
import flask_login
import itsdangerous
import pytest
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from nextauth_server import AuthBridge, SignInRefused
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.server.bridges import BASE, FOREIGN, ORIGIN, OWN, POSTS, Answer, GuardWithCache, Visitor, app_of_the_page

MONTH = timedelta(days=31)  # Flask's own lifetime of a session


class Ada(flask_login.UserMixin):
    id = "1"
    is_authenticated = True  # Flask-Login's own says no when `is_active` does; an app's may not

    def __init__(self) -> None:
        self.name = "Ada"
        self.email = "ada@example.com"
        self.is_deactivated = False

    @property
    def is_active(self) -> bool:
        return not self.is_deactivated


class Site:
    """An app with one user; `people` may be emptied."""

    def __init__(self, **options: Any) -> None:
        self.ada = Ada()
        self.people = {"1": self.ada}
        self.app = flask.Flask("app")
        self.app.secret_key = "not one"
        self.manager = flask_login.LoginManager(self.app)
        self.manager.login_view = "enter"
        self.manager.user_loader(self.people.get)
        self.app.add_url_rule("/name", "name", self.name)
        self.app.add_url_rule("/enter", "enter", lambda: "")
        usual: dict[str, Any] = {"authenticate": self.check}
        self.bridge = AuthBridge.flask_login(self.manager, **{**usual, **options})
        self.app.register_blueprint(self.bridge.blueprint)

    def check(self, username: str, password: str) -> Ada | None:
        return self.ada if (username, password) == ("ada", "lovelace") else None

    def name(self) -> str:
        user = flask_login.current_user
        return user.name if user.is_authenticated else ""

    def visitor(self, base: str = "/api/auth") -> Visitor:
        client: FlaskClient = self.app.test_client()

        def send(method: str, path: str, *, form: Any = None, json: Any = None, headers: Any = None) -> Answer:
            more: dict[str, Any] = {"headers": headers or {}, "base_url": ORIGIN}
            if form is not None:
                more |= {"data": urlencode(form), "content_type": "application/x-www-form-urlencoded"}
            elif json is not None:
                more |= {"json": json}
            response = client.open(path, method=method, **more)
            data = response.get_json() if response.headers.get("Content-Type") == "application/json" else None
            return Answer(response.status_code, response.headers, response.get_data(as_text=True), data)

        def cookies() -> dict[str, str]:
            return {cookie.key: cookie.value for cookie in client._cookies.values()}

        browser = Visitor(send, cookies, base)
        browser.client = client  # type: ignore[attr-defined]
        return browser


@pytest.fixture
def site() -> Site:
    return Site()


def seconds_left(session: Any) -> float:
    end = datetime.fromisoformat(session["expires"].replace("Z", "+00:00"))
    return (end - datetime.now(timezone.utc)).total_seconds()


def test_a_person_signs_in_is_known_to_the_app_and_signs_out(site: Site) -> None:
    browser = site.visitor()
    assert browser.session() == {}
    answer = browser.sign_in(callbackUrl=f"{ORIGIN}/there")
    assert (answer.status, answer.data) == (200, {"url": f"{ORIGIN}/there"})
    session = browser.session()
    assert session["user"] == {"name": "Ada", "email": "ada@example.com"}
    assert abs(seconds_left(session) - MONTH.total_seconds()) < 60
    assert browser.send("GET", "/name").text == "Ada"
    assert set(browser.cookies()) == {"session", "next-auth.csrf-token"}
    assert browser.post("signout", callbackUrl="/bye").data == {"url": f"{ORIGIN}/bye"}
    assert browser.session() == {}
    assert browser.send("GET", "/name").text == ""


def test_the_app_of_the_documentation_signs_in_whom_it_knows(site: Site) -> None:
    site.app = app_of_the_page("Flask").app
    browser = site.visitor()
    assert browser.sign_in(password="wrong").status == 401
    assert browser.sign_in().status == 200
    assert browser.session()["user"] == {"name": "Ada Lovelace"}


@pytest.mark.parametrize(
    "fields", [{"password": "wrong"}, {"username": "nobody"}, {"password": ""}, {"username": "\x00"}], ids=str
)
def test_other_credentials_are_refused(site: Site, fields: dict[str, str]) -> None:
    browser = site.visitor()
    answer = browser.sign_in(**fields)
    assert (answer.status, answer.data["url"]) == (401, f"{BASE}/error?error=CredentialsSignin&provider=credentials")
    assert browser.session() == {}


def test_a_form_without_the_fields_that_the_app_needs_is_refused(site: Site) -> None:
    assert site.visitor().post("callback/credentials", username="ada").status == 401


def test_fields_reach_the_parameters_that_are_called_so_and_no_others() -> None:
    told: list[Any] = []

    def check(username: str, password: str, code: str = "") -> None:
        told.append((username, password, code))

    Site(authenticate=check).visitor().sign_in(is_trusted="yes", code="123")
    assert told == [("ada", "lovelace", "123")]
    Site(authenticate=lambda **fields: told.append(fields)).visitor().sign_in(more="yes")
    assert told[1] == {"username": "ada", "password": "lovelace", "more": "yes"}


def test_flask_logins_signals_are_fired(site: Site) -> None:
    heard: list[str] = []

    def came(app: Any, user: Any) -> None:
        heard.append(f"came {user.name}")

    def went(app: Any, user: Any) -> None:
        heard.append(f"went {user.name}")

    with flask_login.user_logged_in.connected_to(came), flask_login.user_logged_out.connected_to(went):
        browser = site.visitor()
        browser.sign_in(password="wrong")
        browser.sign_in()
        browser.post("signout")
    assert heard == ["came Ada", "went Ada"]


def test_guards_with_a_cache_hear_of_logins_and_logouts_by_the_apps_own_views(site: Site) -> None:
    site.app.add_url_rule("/in", "in", lambda: str(flask_login.login_user(site.ada)))
    site.app.add_url_rule("/out", "out", lambda: str(flask_login.logout_user()))
    Site()  # one more app with a bridge, in the same process
    browser = site.visitor()
    guard = GuardWithCache()
    for path in ("/in", "/out"):
        guard.asks_again()
        assert not guard.asks_again()
        browser.send("GET", path)
        assert guard.asks_again(), path


def test_somebody_deleted_is_nobody(site: Site) -> None:
    browser = site.visitor()
    browser.sign_in()
    site.people.clear()
    assert browser.session() == {}
    assert browser.update({}).data == {}


def test_somebody_deactivated_is_nobody_and_cannot_sign_in(site: Site) -> None:
    browser = site.visitor()
    browser.sign_in()
    site.ada.is_deactivated = True
    assert browser.session() == {}
    assert browser.sign_in().status == 401


def test_a_copy_of_a_cookie_is_good_after_its_owner_has_signed_out_for_it_is_the_session(site: Site) -> None:
    browser = site.visitor()
    browser.sign_in()
    copied = dict(browser.cookies())
    browser.post("signout")
    assert browser.session() == {}
    other = site.visitor()
    other.client.set_cookie("session", copied["session"], domain="app.test")  # type: ignore[attr-defined]
    assert other.session()["user"]["name"] == "Ada"
    site.people.clear()
    assert other.session() == {}


def test_after_another_secret_key_everybody_is_nobody(site: Site) -> None:
    browser = site.visitor()
    browser.sign_in()
    site.app.secret_key = "another"
    assert browser.session() == {}
    assert browser.sign_in().status == 200


class OwnInterface(SecureCookieSessionInterface):
    """Of an app; nothing says what it does with the cookie."""


@pytest.mark.parametrize("interface", [SecureCookieSessionInterface, OwnInterface])
def test_a_question_does_not_move_the_end_of_a_session_that_flask_does_not_renew(
    interface: type[SecureCookieSessionInterface], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.app.session_interface = interface()
    browser = site.visitor()
    later = int(datetime.now().timestamp()) - 1000
    monkeypatch.setattr("itsdangerous.TimestampSigner.get_timestamp", lambda self: later)
    browser.sign_in()
    monkeypatch.undo()
    for _ in range(2):
        assert abs(seconds_left(browser.session()) - (MONTH.total_seconds() - 1000)) < 10


def test_a_question_has_the_cookies_signature_checked_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.visitor()
    browser.sign_in()
    checked: list[Any] = []
    unsign = itsdangerous.TimestampSigner.unsign

    def counting(self: Any, value: Any, *arguments: Any, **options: Any) -> Any:
        checked.append(value)
        return unsign(self, value, *arguments, **options)

    monkeypatch.setattr(itsdangerous.TimestampSigner, "unsign", counting)
    assert browser.session()["user"]["name"] == "Ada"
    assert len(checked) == 1


@pytest.mark.parametrize("written", ["AAAAAA", "zzzzzzzzzz", "", "!"])
def test_a_forged_cookie_says_nothing_of_the_end_where_somebody_is_known_otherwise(written: str, site: Site) -> None:
    site.manager.request_loader(lambda request: site.ada)
    browser = site.visitor()
    browser.client.set_cookie("session", f"eyJfdXNlcl9pZCI6IjEifQ.{written}.AAAA", domain="app.test")  # type: ignore[attr-defined]
    assert abs(seconds_left(browser.session()) - MONTH.total_seconds()) < 60


@pytest.mark.parametrize("cookie", ["a", "a.b", "x.____________________.y", "x.!.y", "x.zzzzzzzz.y"])
def test_nor_where_the_app_fills_a_session_that_is_not_sent(cookie: str, site: Site) -> None:
    def fill() -> None:
        flask_login.login_user(site.ada)
        flask.session.modified = False

    site.app.before_request(fill)
    browser = site.visitor()
    browser.client.set_cookie("session", cookie, domain="app.test")  # type: ignore[attr-defined]
    assert seconds_left(browser.session()) < MONTH.total_seconds() + 60


def test_the_end_of_a_permanent_session_moves_as_flask_moves_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def make_permanent() -> None:
        flask.session.permanent = True

    site.app.before_request(make_permanent)
    site.app.permanent_session_lifetime = timedelta(seconds=2000)
    browser = site.visitor()
    earlier = int(datetime.now().timestamp()) - 1000
    monkeypatch.setattr("itsdangerous.TimestampSigner.get_timestamp", lambda self: earlier)
    browser.sign_in()
    monkeypatch.undo()
    assert 1990 < seconds_left(browser.session()) <= 2000


def test_flask_login_remembers_whom_it_is_told_to() -> None:
    browser = Site(remember=True).visitor()
    browser.sign_in()
    browser.client.delete_cookie("session", domain="app.test")  # type: ignore[attr-defined]
    assert browser.session()["user"]["name"] == "Ada"
    browser.post("signout")
    assert browser.session() == {}
    assert "remember_token" not in browser.cookies()


def test_somebody_else_who_signs_in_takes_the_remembered_ones_place(site: Site) -> None:
    grace = Ada()
    grace.id, grace.name = "2", "Grace"
    site.people["2"] = grace
    site.app.add_url_rule("/as-ada", "as-ada", lambda: str(flask_login.login_user(site.ada, remember=True)))
    site.bridge.authenticate = lambda username, password: grace if username == "grace" else site.check("ada", password)
    left: list[str] = []

    def leave(app: flask.Flask, user: Ada) -> None:
        left.append(user.name)

    browser = site.visitor()
    browser.send("GET", "/as-ada")
    assert "remember_token" in browser.cookies()
    with flask_login.user_logged_out.connected_to(leave):
        browser.sign_in()
        assert left == [] and "remember_token" in browser.cookies(), "she is herself"
        browser.sign_in(username="grace")
        assert left == ["Ada"], "so an app forgets what it has kept of her in the session"
    assert browser.session()["user"]["name"] == "Grace"
    browser.client.delete_cookie("session", domain="app.test")  # type: ignore[attr-defined]
    assert browser.session() == {}


def test_somebody_deactivated_who_signs_in_takes_nobodys_place(site: Site) -> None:
    grace = Ada()
    grace.id, grace.is_deactivated = "2", True
    site.bridge.authenticate = lambda username, password: grace if username == "grace" else site.ada
    browser = site.visitor()
    browser.sign_in()
    assert browser.sign_in(username="grace").status == 401
    assert browser.session()["user"]["name"] == "Ada"


def test_a_session_from_before_has_another_id_afterwards_where_the_server_keeps_sessions(site: Site) -> None:
    class Kept(SecureCookieSessionInterface):  # as Flask-Session does it
        regenerated: ClassVar[list[dict[str, Any]]] = []

        def regenerate(self, session: Any) -> None:
            self.regenerated.append(dict(session))

    site.app.session_interface = Kept()
    browser = site.visitor()
    browser.sign_in(password="wrong")
    assert Kept.regenerated == []
    browser.sign_in()
    assert [session["_user_id"] for session in Kept.regenerated] == ["1"]


def test_the_apps_own_page_signs_in(site: Site) -> None:
    answer = site.visitor().get("signin?callbackUrl=http%3A%2F%2Fapp.test%2Fthere%3Fa%3D1")
    assert (answer.status, answer.headers["Location"]) == (302, "/enter?next=%2Fthere%3Fa%3D1")
    site.manager.login_view = "/elsewhere"
    assert site.visitor().get("signin").headers["Location"] == "/elsewhere?next=%2F"
    site.manager.login_view = None
    assert site.visitor().get("signin").status == 404
    assert Site(sign_in_page="/in").visitor().get("signin").headers["Location"] == "/in?next=%2F"


def test_who_may_not_try_is_told_so_before_the_password_is_looked_at() -> None:
    def check(username: str, password: str) -> None:
        raise AssertionError("it was looked at")

    browser = Site(may_try=lambda fields: flask.request.remote_addr is None, authenticate=check).visitor()
    answer = browser.sign_in()
    assert (answer.status, answer.data["url"]) == (429, f"{BASE}/error?error=TooManyRequests")


def test_an_update_and_what_a_page_may_know_are_the_apps() -> None:
    def update(data: Any) -> None:
        flask_login.current_user.name = data["name"]

    def check(username: str, password: str) -> Any:
        if username == "alan":
            raise SignInRefused("AccessDenied")
        return site.ada

    site = Site(
        authenticate=check,
        update=update,
        describe_user=lambda user: {"name": user.name, "id": user.id},
        session_callback=lambda session, user: {**session, "mail": user.email},
    )
    browser = site.visitor()
    assert browser.sign_in(username="alan").status == 403
    assert browser.update({"name": "Nobody"}).data == {}
    browser.sign_in()
    session = browser.update({"name": "Countess"}).data
    assert (session["user"], session["mail"]) == ({"name": "Countess", "id": "1"}, "ada@example.com")
    assert browser.session()["user"] == session["user"]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_origin_changes_nothing(site: Site, headers: dict[str, str]) -> None:
    browser = site.visitor()
    browser.sign_in()
    for action in POSTS:
        assert browser.post(action, headers=headers, username="ada", password="lovelace").status == 403
    assert browser.session() != {}


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_the_apps_own_page_may(site: Site, headers: dict[str, str]) -> None:
    answer = site.visitor().post("callback/credentials", headers=headers, username="ada", password="lovelace")
    assert answer.status == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
def test_without_the_right_csrf_token_nothing_changes(site: Site, token: str) -> None:
    browser = site.visitor()
    answer = browser.post("callback/credentials", token=token, username="ada", password="lovelace")
    assert answer.data == {"url": f"{BASE}/signin?csrf=true"}
    assert browser.session() == {}
    browser.sign_in()
    assert browser.post("signout", token=token).data == {"url": f"{BASE}/signout?csrf=true"}
    assert browser.session() != {}


def test_bodies_that_cannot_be_read_are_bad_requests(site: Site) -> None:
    client = site.visitor().client  # type: ignore[attr-defined]
    for kind, body, status in (
        ("application/json", b"{", 400),
        ("application/json", b"\xff", 400),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 1_000_000, 413),
        ("application/x-www-form-urlencoded", b"a&" * 1001, 400),
    ):
        assert client.post("/api/auth/signout", data=body, content_type=kind).status_code == status
    endless = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert client.post("/api/auth/signout", data=b"a=b", environ_overrides=endless).status_code == 411


def test_a_form_that_something_has_read_before_is_read_all_the_same(site: Site) -> None:
    site.app.before_request(lambda: flask.request.form.get("x"))
    assert site.visitor().sign_in().status == 200


def test_other_methods_are_refused_by_flask(site: Site) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert site.visitor().send(method, "/api/auth/session").status == 405


def test_without_a_secret_key_it_says_what_to_set(site: Site) -> None:
    site.app.secret_key = None
    site.app.testing = True
    with pytest.raises(RuntimeError, match=r"app\.secret_key"):
        site.visitor().token()


def under_a_prefix(app: Any) -> Any:
    return DispatcherMiddleware(flask.Flask("outside"), {"/site": app})


def test_under_another_prefix_and_under_one_of_the_servers_own() -> None:
    site = Site(url_prefix="/deep/er")
    base = f"{ORIGIN}/deep/er"
    browser = site.visitor("/deep/er")
    assert browser.get("providers").data["credentials"]["callbackUrl"] == f"{base}/callback/credentials"
    assert browser.sign_in(password="wrong").data["url"].startswith(f"{base}/error?")
    site.app.wsgi_app = under_a_prefix(site.app.wsgi_app)  # type: ignore[method-assign]
    answer = site.visitor("/site/deep/er").get("providers")
    assert answer.data["credentials"]["callbackUrl"] == f"{ORIGIN}/site/deep/er/callback/credentials"


def test_a_second_bridge_in_one_app_needs_a_name_of_its_own(site: Site) -> None:
    second = AuthBridge.flask_login(site.manager, authenticate=site.check, url_prefix="/other").blueprint
    with pytest.raises(ValueError, match="already registered for a different blueprint"):
        site.app.register_blueprint(second)
    site.app.register_blueprint(second, name="other")
    browser = site.visitor("/other")
    assert browser.sign_in().status == 200
    assert browser.get("providers").data["credentials"]["callbackUrl"].startswith(f"{ORIGIN}/other/")
    browser.base = "/api/auth"
    assert browser.session()["user"]["name"] == "Ada", "it is one session"
    assert browser.post("signout").status == 200
    assert browser.session() == {}


def test_under_a_prefix_that_says_something_to_the_app() -> None:
    answer = Site(url_prefix="/sites/<site>/auth").visitor("/sites/one/auth").get("providers")
    assert answer.data["credentials"]["callbackUrl"] == f"{ORIGIN}/sites/one/auth/callback/credentials"


@pytest.mark.parametrize("told", ["by the proxy", "by the app"])
def test_https_behind_a_proxy(told: str) -> None:
    site = Site(url="https://app.test") if told == "by the app" else Site()
    if told == "by the proxy":
        site.app.wsgi_app = ProxyFix(site.app.wsgi_app)  # type: ignore[method-assign]
    forwarded = {"X-Forwarded-Proto": "https"}
    client = site.app.test_client()
    answer = client.get("/api/auth/csrf", headers=forwarded, base_url=ORIGIN)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-next-auth.csrf-token=") and "; Secure;" in cookie and "Path=/" in cookie
    form = {"csrfToken": answer.get_json()["csrfToken"], "json": "true", "username": "ada", "password": "lovelace"}
    sent: dict[str, Any] = {"data": form, "base_url": ORIGIN}
    headers = {**forwarded, "Origin": "https://app.test", "Cookie": cookie.partition(";")[0]}
    answer = client.post("/api/auth/callback/credentials", headers=headers, **sent)
    assert (answer.status_code, answer.get_json()) == (200, {"url": "https://app.test"})
    refused = client.post("/api/auth/callback/credentials", headers={**headers, "Origin": ORIGIN}, **sent)
    assert refused.status_code == 403
