"""The bridge over `django.contrib.auth`: Django's real request handling, users and sessions."""

from __future__ import annotations

import json as json_text
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from importlib import import_module
from io import BytesIO
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.sessions.backends import db
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.forms import CharField, ValidationError
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import include, path
from django.utils.functional import SimpleLazyObject
from django.utils.timezone import override
from nextauth_server import AuthBridge, SignInRefused

from tests.server.bridges import (
    ADA,
    BASE,
    FOREIGN,
    ORIGIN,
    OWN,
    POSTS,
    Answer,
    GuardWithCache,
    Visitor,
    app_of_the_page,
)

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
WITHOUT_CSRF = [one for one in MIDDLEWARE if "csrf" not in one]
ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]
TWO_WEEKS = 14 * 24 * 3600


@pytest.fixture(scope="session")
def tables() -> Iterator[None]:
    call_command("migrate", run_syncdb=True, verbosity=0)
    yield
    connection.close()
    connection.connection.close()  # which Django keeps open where it is the database itself


@pytest.fixture
def ada(tables: None) -> Iterator[Any]:
    user = get_user_model().objects.create_user("ada", "ada@example.com", "lovelace", first_name="Ada")
    yield user
    get_user_model().objects.all().delete()


def name_of(request: Any) -> HttpResponse:
    return HttpResponse(request.user.get_username())


def reads_forms(get_response: Any) -> Any:
    """A middleware that looks into every form."""

    def middleware(request: Any) -> Any:
        request.POST.get("x")
        return get_response(request)

    return middleware


REVOKED: set[str] = set()


class SessionStore(db.SessionStore):  # type: ignore[misc]
    """Of an app that revokes sessions."""

    def _get_session_from_db(self) -> Any:
        return None if self.session_key in REVOKED else super()._get_session_from_db()


def finds_the_session_lazily(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        session = request.session
        request.session = SimpleLazyObject(lambda: session)
        answer = get_response(request)
        assert "load" not in vars(session), "nothing of the bridge's stays"
        return answer

    return middleware


def reads_the_session(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        request.session.get("x")
        return get_response(request)

    return middleware


def urls(**options: Any) -> ModuleType:
    module = ModuleType("urls")
    bridge = AuthBridge.django(**options)
    module.urlpatterns = [  # type: ignore[attr-defined]
        path("api/auth/", include(bridge.urls)),
        path("deep/er/", include([path("auth/", include(bridge.urls))])),
        path("sites/<site>/auth/", include(bridge.urls)),
        path("name", name_of),
    ]
    return module


@pytest.fixture
def django(ada: Any) -> Iterator[None]:
    with override_settings(ROOT_URLCONF=urls(), MIDDLEWARE=MIDDLEWARE, ALLOWED_HOSTS=["app.test", "testserver"]):
        yield


def visitor(base: str = "/api/auth", **defaults: Any) -> Visitor:
    client = Client(enforce_csrf_checks=True, raise_request_exception=True, HTTP_HOST="app.test", **defaults)

    def send(method: str, path: str, *, form: Any = None, json: Any = None, headers: Any = None) -> Answer:
        more: dict[str, Any] = {"headers": headers or {}}
        if form is not None:
            more |= {"data": urlencode(form), "content_type": "application/x-www-form-urlencoded"}
        elif json is not None:
            more |= {"data": json_text.dumps(json), "content_type": "application/json"}
        response = client.generic(method, path, **more)
        text = response.content.decode()
        is_json = response.headers.get("Content-Type") == "application/json"
        return Answer(response.status_code, response.headers, text, json_text.loads(text) if is_json else None)

    browser = Visitor(send, lambda: {name: morsel.value for name, morsel in client.cookies.items()}, base)
    browser.client = client  # type: ignore[attr-defined]
    return browser


def seconds_left(session: Any) -> float:
    return (
        datetime.fromisoformat(session["expires"].replace("Z", "+00:00")) - datetime.now(timezone.utc)
    ).total_seconds()


@pytest.mark.usefixtures("django")
class TestSigningIn:
    def test_a_person_signs_in_is_known_to_the_app_and_signs_out(self) -> None:
        browser = visitor()
        assert browser.session() == {}
        answer = browser.sign_in(callbackUrl=f"{ORIGIN}/there")
        assert (answer.status, answer.data) == (200, {"url": f"{ORIGIN}/there"})
        session = browser.session()
        assert session["user"] == {"name": "Ada", "email": "ada@example.com"}
        assert TWO_WEEKS - 60 < seconds_left(session) <= TWO_WEEKS
        assert browser.send("GET", "/name").text == "ada"
        assert browser.post("signout", callbackUrl="/bye").data == {"url": f"{ORIGIN}/bye"}
        assert browser.session() == {}
        assert browser.send("GET", "/name").text == ""

    def test_who_signs_in_by_the_apps_own_means_is_known_to_the_page(self) -> None:
        browser = visitor()
        assert browser.client.login(**ADA)  # type: ignore[attr-defined]
        assert browser.session()["user"]["name"] == "Ada"

    def test_the_cookies_are_djangos_and_one_for_csrf(self) -> None:
        browser = visitor()
        browser.sign_in()
        assert set(browser.cookies()) == {"sessionid", "csrftoken", "next-auth.csrf-token"}
        morsel = browser.client.cookies["next-auth.csrf-token"]  # type: ignore[attr-defined]
        assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Lax", "/", "")

    def test_a_session_from_before_has_another_key_afterwards(self) -> None:
        browser = visitor()
        kept = browser.client.session  # type: ignore[attr-defined]
        kept["basket"] = 1
        kept.save()
        before = browser.cookies()["sessionid"]
        browser.sign_in()
        assert browser.cookies()["sessionid"] != before
        assert browser.client.session["basket"] == 1  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        "fields",
        [
            {"password": "wrong"},
            {"username": "nobody"},
            {"password": ""},
            {"username": ""},
            {"username": "ada\x00"},
            {"password": "lovelace\x00"},
            {"username": "a" * 10_000},
            {"username": "\ud7ff\U0010ffff"},
        ],
        ids=str,
    )
    def test_other_credentials_are_refused(self, fields: dict[str, str]) -> None:
        browser = visitor()
        answer = browser.sign_in(**fields)
        assert (answer.status, answer.data["url"]) == (
            401,
            f"{BASE}/error?error=CredentialsSignin&provider=credentials",
        )
        assert browser.session() == {}

    def test_djangos_signals_are_fired(self, ada: Any) -> None:
        heard: list[str] = []

        def hear(signal: Any, **told: Any) -> None:
            heard.append(f"{told.get('user') or told['credentials']} {told['request'].path}")

        signals = [user_logged_in, user_logged_out, user_login_failed]
        for signal in signals:
            signal.connect(hear)
        try:
            browser = visitor()
            browser.sign_in(password="wrong")
            browser.sign_in()
            browser.post("signout")
        finally:
            for signal in signals:
                signal.disconnect(hear)
        failed, came, went = heard
        assert failed.startswith("{'username': 'ada', 'password': '****")
        assert (came, went) == ("ada /api/auth/callback/credentials", "ada /api/auth/signout")

    def test_the_apps_own_page_signs_in(self) -> None:
        answer = visitor().get("signin?callbackUrl=http%3A%2F%2Fapp.test%2Fthere%3Fa%3D1%23part")
        assert (answer.status, answer.headers["Location"]) == (302, "/accounts/login/?next=%2Fthere%3Fa%3D1%23part")
        with override_settings(LOGIN_URL="/enter?from=page"):
            assert visitor().get("signin").headers["Location"] == "/enter?from=page&next=%2F"

    def test_guards_with_a_cache_hear_of_logins_and_logouts_by_djangos_own_views(self, ada: Any) -> None:
        urls()  # one more bridge, in the same process
        client = Client()
        guard = GuardWithCache()
        for change in (lambda: client.force_login(ada), client.logout):
            guard.asks_again()
            assert not guard.asks_again()
            change()
            assert guard.asks_again()


@pytest.mark.usefixtures("django")
class TestWhoIsNobody:
    def test_somebody_deleted(self, ada: Any) -> None:
        browser = visitor()
        browser.sign_in()
        ada.delete()
        assert browser.session() == {}
        assert browser.update({}).data == {}

    @pytest.mark.parametrize("backend", ["ModelBackend", "AllowAllUsersModelBackend"])
    def test_somebody_deactivated(self, ada: Any, backend: str) -> None:
        with override_settings(AUTHENTICATION_BACKENDS=[f"django.contrib.auth.backends.{backend}"]):
            browser = visitor()
            browser.sign_in()
            assert browser.session() != {}
            ada.is_active = False
            ada.save()
            assert browser.session() == {}
            assert browser.sign_in().status == 401

    def test_somebody_whose_password_was_changed_elsewhere(self, ada: Any) -> None:
        browser = visitor()
        browser.sign_in()
        ada.set_password("another")
        ada.save()
        assert browser.session() == {}

    @pytest.mark.parametrize("engine", ENGINES[:-1])
    def test_somebody_whose_session_was_flushed_on_the_server(self, engine: str) -> None:
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
            browser = visitor()
            browser.sign_in()
            key = browser.cookies()["sessionid"]
            import_module(settings.SESSION_ENGINE).SessionStore(key).flush()
            assert browser.session() == {}

    @pytest.mark.parametrize("engine", ENGINES)
    def test_who_sends_a_copy_of_a_cookie_after_its_owner_has_signed_out(self, engine: str) -> None:
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
            browser = visitor()
            browser.sign_in()
            copied = dict(browser.cookies())
            assert visitor().session_of(copied)["user"]["name"] == "Ada"
            browser.post("signout")
            is_the_session_itself = engine == "signed_cookies"
            assert (visitor().session_of(copied) != {}) is is_the_session_itself

    def test_somebody_whose_session_a_store_of_the_apps_own_does_not_give(self) -> None:
        with override_settings(SESSION_ENGINE=__name__):
            browser = visitor()
            browser.sign_in()
            assert browser.session()["user"]["name"] == "Ada"
            REVOKED.add(browser.cookies()["sessionid"])
            assert browser.session() == {}
            REVOKED.clear()

    @pytest.mark.parametrize("cookie", ["", "x", "ü", "0" * 32, "a" * 100_000])
    def test_somebody_with_a_cookie_that_is_none(self, cookie: str) -> None:
        browser = visitor()
        browser.client.cookies["sessionid"] = cookie  # type: ignore[attr-defined]
        assert browser.session() == {}


@pytest.mark.usefixtures("django")
class TestTheEndOfASession:
    @pytest.mark.parametrize("engine", ENGINES)
    def test_it_is_that_of_djangos_session_and_a_question_does_not_move_it(
        self, engine: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}", SESSION_COOKIE_AGE=1000):
            browser = visitor()
            browser.sign_in()
            first = browser.session()["expires"]
            now = time.time
            monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromtimestamp(now() + 400, timezone.utc))
            assert browser.session()["expires"] == first
            monkeypatch.undo()

    @pytest.mark.parametrize("engine", ENGINES)
    def test_an_answer_under_way_when_a_person_signs_out_does_not_bring_the_session_back(self, engine: str) -> None:
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
            browser = visitor()
            browser.sign_in()
            assert not browser.client.get("/api/auth/session").cookies  # type: ignore[attr-defined]
            assert browser.client.login(**ADA)  # type: ignore[attr-defined]
            assert not browser.client.get("/api/auth/session").cookies  # type: ignore[attr-defined]
            assert browser.session()["user"]["name"] == "Ada"

    @pytest.mark.parametrize("engine", ENGINES)
    def test_where_django_renews_it_with_each_request_it_moves(
        self, engine: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        options: Any = {"SESSION_COOKIE_AGE": 1000, "SESSION_SAVE_EVERY_REQUEST": True}
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}", **options):
            browser = visitor()
            browser.sign_in()
            assert 990 < seconds_left(browser.session()) <= 1000
            now = time.time
            monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromtimestamp(now() + 400, timezone.utc))
            assert 1390 < seconds_left(browser.session()) <= 1400
            monkeypatch.undo()

    @pytest.mark.parametrize("engine", ["db", "cached_db"])
    def test_in_the_database_it_moves_whenever_the_app_saves_the_session(
        self, engine: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}", SESSION_COOKIE_AGE=1000):
            browser = visitor()
            browser.sign_in()
            assert 990 < seconds_left(browser.session()) <= 1000
            now = time.time
            monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromtimestamp(now() + 400, timezone.utc))
            kept = browser.client.session  # type: ignore[attr-defined]
            kept["basket"] = 1
            kept.save()
            monkeypatch.undo()
            assert 1390 < seconds_left(browser.session()) <= 1400

    @pytest.mark.parametrize("engine", ENGINES)
    def test_the_apps_own_set_expiry_counts(self, engine: str) -> None:
        with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):

            def hear(request: Any, **_: Any) -> None:
                request.session.set_expiry(timedelta(seconds=100))

            user_logged_in.connect(hear)
            try:
                browser = visitor()
                browser.sign_in()
            finally:
                user_logged_in.disconnect(hear)
            assert 90 < seconds_left(browser.session()) <= 100

    def test_it_comes_with_the_session_and_takes_no_query_of_its_own(self) -> None:
        browser = visitor()
        browser.sign_in()
        with CaptureQueriesContext(connection) as of_a_view:
            assert browser.send("GET", "/name").text == "ada"
        with CaptureQueriesContext(connection) as of_the_bridge:
            assert seconds_left(browser.session()) > TWO_WEEKS - 60
        assert len(of_the_bridge) == len(of_a_view) == 2, "the session and the user"

    def test_it_is_asked_for_where_a_middleware_has_read_the_session_before(self) -> None:
        with override_settings(MIDDLEWARE=[*MIDDLEWARE, f"{__name__}.reads_the_session"], SESSION_COOKIE_AGE=1000):
            browser = visitor()
            browser.sign_in()
            assert 990 < seconds_left(browser.session()) <= 1000

    def test_it_is_that_of_a_session_that_a_middleware_finds_lazily(self) -> None:
        lazily = [*MIDDLEWARE, f"{__name__}.finds_the_session_lazily"]
        with override_settings(MIDDLEWARE=lazily, SESSION_COOKIE_AGE=1000):
            browser = visitor()
            assert browser.session() == {}
            browser.sign_in()
            assert 990 < seconds_left(browser.session()) <= 1000

    def test_it_is_asked_for_again_after_a_hook_of_the_apps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = time.time

        def update(request: Any, data: Any) -> None:
            monkeypatch.setattr("django.utils.timezone.now", lambda: datetime.fromtimestamp(now() + 400, timezone.utc))
            request.session.save()
            monkeypatch.undo()

        with override_settings(ROOT_URLCONF=urls(update=update), SESSION_COOKIE_AGE=1000):
            browser = visitor()
            browser.sign_in()
            assert 1390 < seconds_left(browser.update(None).data) <= 1400

    @pytest.mark.parametrize("activated", [None, "Asia/Tokyo"])
    def test_without_time_zones_it_is_the_same_moment(self, activated: str | None) -> None:
        with override_settings(USE_TZ=False, TIME_ZONE="America/New_York"), override(activated):
            browser = visitor()
            browser.sign_in()
            assert TWO_WEEKS - 60 < seconds_left(browser.session()) <= TWO_WEEKS


@pytest.mark.usefixtures("django")
def test_the_app_of_the_documentation_signs_in_whom_django_knows() -> None:
    with override_settings(ROOT_URLCONF=app_of_the_page("Django")):
        browser = visitor()
        assert browser.sign_in(password="wrong").status == 401
        assert browser.sign_in().status == 200
        assert browser.session()["user"]["name"] == "Ada"


class Form(AuthenticationForm):
    code = CharField(required=True)

    def clean_code(self) -> str:
        if self.cleaned_data["code"] != "123":
            raise ValidationError("wrong code")
        return "123"


@pytest.mark.usefixtures("django")
class TestWhatAnAppAdds:
    def test_the_apps_own_form_decides(self) -> None:
        with override_settings(ROOT_URLCONF=urls(form=Form)):
            browser = visitor()
            assert browser.sign_in().status == 401
            assert browser.sign_in(code="124").status == 401
            assert browser.sign_in(code="123").status == 200

    def test_a_form_that_finds_nobody_signs_nobody_in(self) -> None:
        class NeedsNoPassword(AuthenticationForm):
            password = CharField(required=False)

        with override_settings(ROOT_URLCONF=urls(form=NeedsNoPassword)):
            browser = visitor()
            assert browser.sign_in(password="").status == 401
            browser.sign_in()
            assert browser.sign_in(username="grace", password="").status == 401, "and not whoever is signed in"

    def test_fields_that_no_form_names_reach_no_authentication_backend(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[dict[str, Any]] = []

        def authenticate(self: Any, request: Any, **credentials: Any) -> None:
            told.append(credentials)

        monkeypatch.setattr("django.contrib.auth.backends.ModelBackend.authenticate", authenticate)
        visitor().sign_in(is_trusted="yes", user="1")
        assert told == [ADA]

    def test_who_may_not_try_is_told_so_before_the_password_is_looked_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tries: list[str] = []

        def may_try(request: Any, fields: Mapping[str, str]) -> bool:
            if fields["username"] == "mallory":
                raise SignInRefused("AccessDenied")
            tries.append(f"{request.META['REMOTE_ADDR']} {fields['username']}")
            return len(tries) < 2

        with override_settings(ROOT_URLCONF=urls(may_try=may_try)):
            browser = visitor()
            assert browser.sign_in(username="mallory").status == 403
            assert browser.sign_in(password="wrong").status == 401
            answer = browser.sign_in()
            assert (answer.status, answer.data["url"]) == (429, f"{BASE}/error?error=TooManyRequests")
            assert browser.session() == {}
        assert tries == ["127.0.0.1 ada"] * 2

    def test_an_update_and_what_a_page_may_know_are_the_apps(self) -> None:
        def update(request: Any, data: Any) -> None:
            request.user.first_name = data["name"]
            request.user.save()

        options: dict[str, Any] = {
            "update": update,
            "describe_user": lambda user: {"name": user.first_name, "id": str(user.pk), "image": None},
            "session_callback": lambda session, user: {**session, "is_staff": user.is_staff},
        }
        with override_settings(ROOT_URLCONF=urls(**options)):
            browser = visitor()
            assert browser.update({"name": "Nobody"}).data == {}
            browser.sign_in()
            session = browser.update({"name": "Countess"}).data
            assert session == browser.session()
            assert (session["user"]["name"], session["is_staff"]) == ("Countess", False)
            assert set(session["user"]) == {"name", "id"}

    def test_without_an_update_of_the_apps_nothing_changes(self) -> None:
        browser = visitor()
        browser.sign_in()
        assert browser.update({"name": "Countess"}).data["user"]["name"] == "Ada"


@pytest.mark.usefixtures("django")
class TestBadInput:
    @pytest.mark.parametrize("headers", FOREIGN, ids=str)
    def test_a_page_of_another_origin_changes_nothing(self, headers: dict[str, str]) -> None:
        browser = visitor()
        browser.sign_in()
        for action in POSTS:
            assert browser.post(action, headers=headers, **ADA).status == 403
        assert browser.session() != {}

    @pytest.mark.parametrize("headers", OWN, ids=str)
    def test_the_apps_own_page_may(self, headers: dict[str, str]) -> None:
        assert visitor().post("callback/credentials", headers=headers, **ADA).status == 200

    @pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
    def test_without_the_right_csrf_token_nothing_changes(self, token: str) -> None:
        browser = visitor()
        assert "csrf=true" in browser.post("callback/credentials", token=token, **ADA).data["url"]
        assert browser.session() == {}
        browser.sign_in()
        assert "csrf=true" in browser.post("signout", token=token).data["url"]
        assert browser.session() != {}

    @pytest.mark.parametrize("middleware", [MIDDLEWARE, WITHOUT_CSRF], ids=["with", "without"])
    def test_the_bridges_own_csrf_check_needs_none_of_djangos(self, middleware: list[str]) -> None:
        with override_settings(MIDDLEWARE=middleware):
            browser = visitor()
            for token in ("", "0" * 64):
                answer = browser.post("callback/credentials", token=token, **ADA)
                assert answer.data == {"url": f"{BASE}/signin?csrf=true"}
            token = browser.token()
            browser.client.cookies.clear()  # type: ignore[attr-defined]
            assert "csrf=true" in browser.post("callback/credentials", token=token, **ADA).data["url"]
            assert browser.post("callback/credentials", headers=FOREIGN[0], **ADA).status == 403
            assert browser.session() == {}
            assert browser.sign_in().data == {"url": ORIGIN}
            assert "csrf=true" in browser.post("signout", token="").data["url"]
            assert browser.session()["user"]["name"] == "Ada"

    def test_the_apps_own_views_keep_djangos_csrf_check(self) -> None:
        assert visitor().send("POST", "/name", form={}).status == 403

    def test_bodies_that_cannot_be_read_are_bad_requests(self) -> None:
        client = visitor().client  # type: ignore[attr-defined]
        for kind, body, status in (
            ("application/json", b"{", 400),
            ("application/json", b"\xff", 400),
            ("application/x-www-form-urlencoded", b"a=" + b"b" * 1_000_000, 413),
            ("application/x-www-form-urlencoded", b"a&" * 1001, 400),
        ):
            assert client.generic("POST", "/api/auth/signout", body, kind).status_code == status

    @pytest.mark.parametrize(
        ("length", "status"), [("999", 400), ("-1", 411), ("x", 411), ("9" * 30, 413), ("9" * 5000, 413)], ids=range(5)
    )
    def test_a_body_that_is_not_as_long_as_it_says(self, length: str, status: int) -> None:
        browser = visitor()
        form = urlencode({"csrfToken": browser.token(), **ADA}).encode()
        kind = "application/x-www-form-urlencoded"
        action = "/api/auth/callback/credentials"
        handler = browser.client.handler  # type: ignore[attr-defined]
        environ = browser.client._base_environ(  # type: ignore[attr-defined]
            REQUEST_METHOD="POST", PATH_INFO=action, CONTENT_TYPE=kind, CONTENT_LENGTH=length
        )
        environ["wsgi.input"] = BytesIO(form)
        assert handler(environ).status_code == status
        assert browser.session() == {}

    def test_a_body_that_breaks_off(self) -> None:
        class Broken(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise OSError("the connection was reset")

        client = visitor().client  # type: ignore[attr-defined]
        broken = {"wsgi.input": Broken(), "CONTENT_LENGTH": "5", "CONTENT_TYPE": "application/json"}
        environ = client._base_environ(REQUEST_METHOD="POST", PATH_INFO="/api/auth/signout", **broken)
        assert client.handler(environ).status_code == 400

    def test_a_body_that_something_has_read_before(self) -> None:
        with override_settings(MIDDLEWARE=[f"{__name__}.reads_forms", *MIDDLEWARE]):
            browser = visitor()
            assert browser.sign_in().status == 200
            answer = browser.client.post("/api/auth/signout", {"a": "b"})  # type: ignore[attr-defined]
            assert answer.status_code == 400, "no fault of the app's"

    def test_another_host_than_the_apps_is_refused(self) -> None:
        assert visitor().get("session", Host="evil.example").status == 400

    def test_without_djangos_middleware_it_says_what_to_add(self) -> None:
        with override_settings(MIDDLEWARE=[]), pytest.raises(ImproperlyConfigured, match="AuthenticationMiddleware"):
            visitor().session()


@pytest.mark.usefixtures("django")
class TestWhereItIsMounted:
    def test_twice_in_one_project(self) -> None:
        module = ModuleType("urls")
        module.urlpatterns = [  # type: ignore[attr-defined]
            path("api/auth/", include(AuthBridge.django().urls)),
            path("other/", include(AuthBridge.django(name="Passphrase").urls)),
        ]
        with override_settings(ROOT_URLCONF=module):
            browser = visitor()
            assert browser.sign_in().status == 200
            browser.base = "/other"
            assert browser.session()["user"]["name"] == "Ada", "it is one session"
            assert browser.get("providers").data["credentials"]["callbackUrl"].startswith(f"{ORIGIN}/other/")
            assert browser.post("signout").status == 200
            browser.base = "/api/auth"
            assert browser.session() == {}

    def test_under_a_deeper_prefix(self) -> None:
        browser = visitor("/deep/er/auth")
        base = f"{ORIGIN}/deep/er/auth"
        assert browser.get("providers").data["credentials"]["callbackUrl"] == f"{base}/callback/credentials"
        assert browser.sign_in(password="wrong").data["url"].startswith(f"{base}/error?")
        assert browser.sign_in().status == 200

    def test_under_a_prefix_that_says_something_to_the_app(self) -> None:
        base = f"{ORIGIN}/sites/one/auth"
        answer = visitor("/sites/one/auth").get("providers")
        assert answer.data["credentials"]["callbackUrl"] == f"{base}/callback/credentials"

    def test_behind_a_server_with_a_prefix_of_its_own(self) -> None:
        answer = visitor(SCRIPT_NAME="/site").get("providers")
        assert answer.data["credentials"]["signinUrl"] == f"{ORIGIN}/site/api/auth/signin/credentials"

    def test_with_a_slash_at_the_end(self) -> None:
        assert visitor().get("session/").data == {}

    def test_behind_a_proxy_that_speaks_https(self) -> None:
        with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"), SECURE_SSL_REDIRECT=True):
            browser = visitor()
            forwarded = {"X-Forwarded-Proto": "https"}
            browser.client.defaults["HTTP_X_FORWARDED_PROTO"] = "https"  # type: ignore[attr-defined]
            answer = browser.post("callback/credentials", headers={**forwarded, "Origin": "https://app.test"}, **ADA)
            assert (answer.status, answer.data) == (200, {"url": "https://app.test"})
            assert "__Host-next-auth.csrf-token" in browser.cookies()
            assert browser.client.cookies["__Host-next-auth.csrf-token"]["secure"] is True  # type: ignore[attr-defined]
            assert browser.post("signout", headers={**forwarded, "Origin": ORIGIN}).status == 403

    def test_behind_a_proxy_that_says_nothing_the_address_is_told(self) -> None:
        with override_settings(ROOT_URLCONF=urls(url="https://seen.example")):
            browser = visitor()
            answer = browser.get("providers").data["credentials"]["signinUrl"]
            assert answer == "https://seen.example/api/auth/signin/credentials"
            browser.token()
            assert set(browser.cookies()) == {"__Host-next-auth.csrf-token"}

    @pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "https://example.org?", ""])
    def test_an_address_that_is_none_is_an_error_at_once(self, url: str) -> None:
        with pytest.raises(ValueError, match="url is an absolute"):
            AuthBridge.django(url=url)

    def test_an_address_with_a_path_is_an_error_at_once(self) -> None:
        with pytest.raises(ValueError, match="url has no path"):
            AuthBridge.django(url="https://example.org/site")
        assert AuthBridge.django(url="https://EXAMPLE.org:443/").url == "https://example.org"

    def test_origins_that_are_none_are_an_error_at_once(self) -> None:
        for origins in (["https://example.org/"], ["https://EXAMPLE.org"], ["https://example.org:443"], ["*"]):
            with pytest.raises(ValueError, match="allowed_origins"):
                AuthBridge.django(allowed_origins=origins)
        with pytest.raises(TypeError, match="a list"):
            AuthBridge.django(allowed_origins="https://example.org")

    def test_where_everything_else_needs_a_login(self) -> None:
        middleware = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
        with override_settings(MIDDLEWARE=middleware):
            browser = visitor()
            assert browser.send("GET", "/name").status == 302
            assert browser.sign_in().status == 200
