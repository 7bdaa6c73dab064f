"""Signing in with django-allauth's providers at the bridge: allauth's real flow, and a real server to ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import RequestFactory
from django.test.utils import override_settings
from django.urls import include, path
from nextauth_server import AuthBridge

from tests.server.bridges import BASE, FOREIGN, ORIGIN, Visitor, google_of_the_page
from tests.server.identity_provider import CLIENT, IdentityProvider
from tests.server.test_bridge_django import MIDDLEWARE, name_of, tables, visitor  # noqa: F401

APPS = [
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",  # allauth reads the list once; without an app there is no such provider
    "allauth.socialaccount.providers.openid_connect",
]
OWN_MIDDLEWARE = "allauth.account.middleware.AccountMiddleware"
CALLBACK = "/accounts/oidc/idp/login/callback/"
THERE = f"{ORIGIN}/there?a=1#part"


@contextmanager
def allauth_is_installed(**more: Any) -> Iterator[None]:
    # It looks for its middleware while it is installed.
    with override_settings(**more), override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, *APPS]):
        yield


@pytest.fixture(scope="session")
def tables_of_allauth(tables: None) -> None:  # noqa: F811
    with allauth_is_installed(MIDDLEWARE=[OWN_MIDDLEWARE]):
        call_command("migrate", run_syncdb=True, verbosity=0)


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    provider = IdentityProvider()
    yield provider
    provider.stop()


def urls() -> ModuleType:
    module = ModuleType("urls")
    module.urlpatterns = [  # type: ignore[attr-defined]
        path("api/auth/", include(AuthBridge.django(sign_in_page="/enter").urls)),
        path("accounts/", include("allauth.urls")),
        path("name", name_of),
    ]
    return module


def options(idp: IdentityProvider, **more: Any) -> dict[str, Any]:
    client = {"provider_id": "idp", "name": "Identity provider"}
    client |= {"client_id": CLIENT["client_id"], "secret": CLIENT["client_secret"]}
    apps = [{**client, "settings": {"server_url": idp.url, **more}}]
    return {"openid_connect": {"APPS": apps, "OAUTH_PKCE_ENABLED": True}}


@pytest.fixture
def django(tables_of_allauth: None, idp: IdentityProvider) -> Iterator[None]:
    with allauth_is_installed(
        MIDDLEWARE=[*MIDDLEWARE, OWN_MIDDLEWARE],
        ALLOWED_HOSTS=["app.test"],
        AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
        SOCIALACCOUNT_ADAPTER="nextauth_server.allauth.SocialAccountAdapter",
        SOCIALACCOUNT_PROVIDERS=options(idp),
        ACCOUNT_EMAIL_VERIFICATION="none",
        SOCIALACCOUNT_ONLY=True,
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
    ):
        with override_settings(ROOT_URLCONF=urls()):  # which wants it installed
            yield
        get_user_model().objects.all().delete()


@pytest.fixture
def browser(django: None) -> Visitor:
    return visitor()


def start(browser: Visitor, callback_url: str = THERE, parameters: str = "") -> str:
    answer = browser.post(f"signin/idp{parameters}", callbackUrl=callback_url)
    assert answer.status == 200
    return str(answer.data["url"])


def asked_with(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def back(browser: Visitor, query: str) -> str:
    answer = browser.send("GET", f"{CALLBACK}?{query}")
    assert answer.status == 302, answer.text
    return answer.headers["Location"]


def failed(code: str) -> str:
    return f"{BASE}/error?{urlencode({'error': code, 'callbackUrl': THERE})}"


def name_in_session(browser: Visitor) -> str | None:
    session = browser.session()
    return session["user"]["name"] if session else None


def test_a_page_is_told_of_allauths_providers(browser: Visitor) -> None:
    assert browser.get("providers").data["idp"] == {
        "id": "idp",
        "name": "Identity provider",
        "type": "oauth",
        "signinUrl": f"{BASE}/signin/idp",
        "callbackUrl": ORIGIN + CALLBACK,
    }


def test_an_app_that_allauth_hides_is_hidden(browser: Visitor, idp: IdentityProvider) -> None:
    with override_settings(SOCIALACCOUNT_PROVIDERS=options(idp, hidden=True)):
        assert list(browser.get("providers").data) == ["credentials"]
        assert browser.post("signin/idp").data == {"url": f"{BASE}/signin?csrf=true"}


def test_without_allauth_a_password_is_the_one_way(django: None) -> None:
    with override_settings(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"]):
        browser = visitor()
        assert list(browser.get("providers").data) == ["credentials"]
        assert browser.post("signin/idp").data == {"url": f"{BASE}/signin?csrf=true"}


def test_an_app_in_the_database_counts_too(browser: Visitor, idp: IdentityProvider) -> None:
    from allauth.socialaccount.models import SocialApp

    with override_settings(SOCIALACCOUNT_PROVIDERS={}):
        assert list(browser.get("providers").data) == ["credentials"]
        SocialApp.objects.create(
            provider="openid_connect",
            provider_id="stored",
            name="Stored",
            client_id=CLIENT["client_id"],
            secret=CLIENT["client_secret"],
            settings={"server_url": idp.url, "oauth_pkce_enabled": True},
        )
        assert list(browser.get("providers").data) == ["credentials", "stored"]
        SocialApp.objects.all().delete()


def test_a_person_signs_in_with_a_provider_and_is_djangos_user(browser: Visitor, idp: IdentityProvider) -> None:
    signals: list[str] = []

    def note(user: Any, **_: Any) -> None:
        signals.append(user.email)

    user_logged_in.connect(note)
    url = start(browser)
    asked = asked_with(url)
    assert (asked["redirect_uri"], asked["code_challenge_method"]) == (ORIGIN + CALLBACK, "S256")
    assert browser.session() == {}
    assert back(browser, idp.allow(url)) == THERE
    user_logged_in.disconnect(note)
    assert browser.session()["user"] == {"name": "Ada", "email": "ada@elsewhere.example"}
    assert browser.send("GET", "/name").text == "ada"
    assert signals == ["ada@elsewhere.example"]
    assert browser.post("signout").status == 200
    assert browser.session() == {}


def test_a_form_without_a_script_is_sent_there(browser: Visitor, idp: IdentityProvider) -> None:
    answer = browser.post("signin/idp", json="", callbackUrl="/there")
    assert answer.status == 302
    assert back(browser, idp.allow(answer.headers["Location"])) == f"{ORIGIN}/there"
    assert name_in_session(browser) == "Ada"


def test_the_same_person_is_the_same_user_next_time(browser: Visitor, idp: IdentityProvider) -> None:
    for _ in range(2):
        back(browser, idp.allow(start(browser)))
        browser.post("signout")
    assert get_user_model().objects.count() == 1


def test_whom_somebody_has_deactivated_is_nobody(browser: Visitor, idp: IdentityProvider) -> None:
    back(browser, idp.allow(start(browser)))
    get_user_model().objects.update(is_active=False)
    assert browser.session() == {}
    other = visitor()
    other.send("GET", f"{CALLBACK}?{idp.allow(start(other))}")
    assert other.session() == {}


def test_a_person_who_says_no_comes_to_the_sign_in_page(browser: Visitor, idp: IdentityProvider) -> None:
    error = back(browser, idp.refuse(start(browser)))
    assert error == failed("Callback")
    page = browser.send("GET", error.removeprefix(ORIGIN)).headers["Location"]
    assert page == "/enter?next=%2Fthere%3Fa%3D1%23part&error=Callback"
    assert browser.session() == {}


class Doorkeeper:
    """What an app's adapter may say of whoever comes."""

    def pre_social_login(self, request: Any, sociallogin: Any) -> None:
        if sociallogin.account.uid == "mallory":
            raise PermissionDenied


def test_whom_the_apps_adapter_denies_is_denied_access(
    browser: Visitor, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nextauth_server import allauth

    monkeypatch.setattr(allauth.SocialAccountAdapter, "pre_social_login", Doorkeeper.pre_social_login)
    assert back(browser, idp.allow(start(browser), "mallory")) == failed("AccessDenied")
    assert browser.session() == {}
    assert back(browser, idp.allow(start(browser))) == THERE


UNKNOWN = "/api/auth/error?error=OAuthCallback"  # nothing says where it was to end


@pytest.mark.parametrize("state", ["", "state=", "state=forged"])
def test_a_forged_state_signs_in_nobody(browser: Visitor, idp: IdentityProvider, state: str) -> None:
    code = asked_with("?" + idp.allow(start(browser)))["code"]
    assert back(browser, f"code={code}&{state}") == UNKNOWN
    assert browser.send("GET", UNKNOWN).headers["Location"] == "/enter?next=%2F&error=OAuthCallback"
    assert browser.session() == {}


def test_where_no_bridge_is_mounted_that_anybody_can_find_allauth_shows_its_page(browser: Visitor) -> None:
    elsewhere = urls()
    elsewhere.urlpatterns[0] = path("sites/<site>/auth/", include(AuthBridge.django().urls))
    with override_settings(ROOT_URLCONF=elsewhere):
        assert browser.send("GET", f"{CALLBACK}?code=forged&state=forged").status == 401


def test_a_callback_counts_once_and_in_the_browser_where_it_began(browser: Visitor, idp: IdentityProvider) -> None:
    query = idp.allow(start(browser))
    assert back(visitor(), query) == UNKNOWN
    assert back(browser, query) == THERE
    browser.post("signout")
    assert back(browser, query) == UNKNOWN
    assert browser.session() == {}


def test_a_code_that_is_not_the_providers_signs_in_nobody(browser: Visitor) -> None:
    assert back(browser, f"code=forged&state={asked_with(start(browser))['state']}") == failed("OAuthCallback")
    assert browser.session() == {}


def test_two_tabs_sign_in_at_once(browser: Visitor, idp: IdentityProvider) -> None:
    first, second = start(browser, "/first"), start(browser, "/second")
    assert back(browser, idp.allow(first)) == f"{ORIGIN}/first"
    assert back(browser, idp.allow(second)) == f"{ORIGIN}/second"
    assert name_in_session(browser) == "Ada"


def test_whoever_is_signed_in_is_that_person_until_another_has_come(browser: Visitor, idp: IdentityProvider) -> None:
    back(browser, idp.allow(start(browser)))
    for query, name in ((idp.refuse(start(browser)), "Ada"), (idp.allow(start(browser), "alan"), "Alan")):
        back(browser, query)
        assert name_in_session(browser) == name


@pytest.mark.parametrize("url", ["https://evil.example/x", "javascript:alert(1)", "http://app.test@evil.example"])
def test_a_sign_in_leads_to_no_other_origin(browser: Visitor, idp: IdentityProvider, url: str) -> None:
    assert back(browser, idp.allow(start(browser, url))) == ORIGIN


def test_authorization_parameters_of_a_page_arrive_but_for_the_servers_own(
    browser: Visitor, idp: IdentityProvider
) -> None:
    pinned = {"redirect_uri": "https://evil.example", "scope": "admin", "state": "mine", "client_id": "mine"}
    free = {"prompt": "login", "login_hint": "zoë 🐘 & co"}
    url = start(browser, parameters="?" + urlencode({**pinned, **free}))
    asked = asked_with(url)
    assert {name: asked[name] for name in free} == free
    assert [name for name, value in pinned.items() if asked.get(name) == value] == []
    assert back(browser, idp.allow(url)) == THERE


def test_a_provider_that_is_down_cannot_be_gone_to(browser: Visitor, idp: IdentityProvider) -> None:
    with override_settings(SOCIALACCOUNT_PROVIDERS=options(idp, server_url="http://127.0.0.1:1")):
        assert start(browser) == failed("OAuthSignin")


@pytest.mark.parametrize("answer", [b"", b"no JSON", b"[]", b'{"authorization_endpoint": "javascript:x"}'], ids=str)
def test_nonsense_from_a_provider_is_an_error_that_a_page_can_explain(
    browser: Visitor, idp: IdentityProvider, answer: bytes
) -> None:
    idp.answers["/.well-known/openid-configuration"] = answer
    assert start(browser) == failed("OAuthSignin")


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_origin_begins_no_sign_in(
    browser: Visitor, idp: IdentityProvider, headers: dict[str, str]
) -> None:
    assert browser.post("signin/idp", headers=headers).status == 403
    assert browser.post("signin/idp", token="0" * 64).data == {"url": f"{BASE}/signin?csrf=true"}
    assert idp.asked == []


def test_allauths_own_sign_in_shows_its_own_errors(browser: Visitor, idp: IdentityProvider) -> None:
    with override_settings(SOCIALACCOUNT_LOGIN_ON_GET=True):
        url = browser.send("GET", "/accounts/oidc/idp/login/").headers["Location"]
    assert back(browser, idp.refuse(url)) == "/accounts/3rdparty/login/cancelled/"


def test_a_view_that_knows_a_good_state_by_its_id_alone_shows_allauths_own_error(browser: Visitor) -> None:
    from allauth.socialaccount.adapter import get_adapter

    request = RequestFactory().get("/accounts/telegram/login/callback/")
    get_adapter().on_authentication_error(request, object(), extra_context={"state_id": "known"})


def test_the_bridge_has_no_callback_of_its_own_for_them(browser: Visitor, idp: IdentityProvider) -> None:
    answer = browser.get(f"callback/idp?{idp.allow(start(browser))}")
    assert (answer.status, "is not supported by NextAuth.js" in answer.text) == (400, True)


def test_the_settings_of_the_documentation_lead_to_google(tables_of_allauth: None) -> None:
    given: dict[str, Any] = {"INSTALLED_APPS": list(settings.INSTALLED_APPS), "MIDDLEWARE": list(MIDDLEWARE)}
    exec(google_of_the_page("Django"), given)
    apps = given.pop("INSTALLED_APPS")
    more = {name: value for name, value in given.items() if name.isupper()}
    # The addresses are read where allauth is installed, and that where its middleware is.
    with override_settings(**more, ALLOWED_HOSTS=["app.test"]), override_settings(INSTALLED_APPS=apps):
        module = urls()
        with override_settings(ROOT_URLCONF=module):
            browser = visitor()
            google = browser.get("providers").data["google"]
            url = str(browser.post("signin/google").data["url"])
    assert (google["name"], google["callbackUrl"]) == ("Google", f"{ORIGIN}/accounts/google/login/callback/")
    assert url.startswith("https://accounts.google.com/")
    assert asked_with(url)["redirect_uri"] == google["callbackUrl"]
    assert asked_with(url)["code_challenge_method"] == "S256"
