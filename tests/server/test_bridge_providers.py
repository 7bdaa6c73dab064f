"""Signing in with a provider at the bridges that take Authlib's registry: its real clients, and a server to ask."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations import flask_client
from authlib.oidc.core import CodeIDToken
from joserfc.errors import InvalidClaimError, MissingClaimError
from joserfc.jwk import RSAKey
from nextauth_server import AuthBridge, SignInRefused, bridge_asgi, bridge_flask, providers
from starlette.requests import Request

from tests.server import test_bridge_asgi, test_bridge_flask
from tests.server.bridges import BASE, FOREIGN, ORIGIN, Answer, Visitor, app_with_google_of_the_page
from tests.server.frameworks import Run
from tests.server.identity_provider import CLIENT, IdentityProvider

with warnings.catch_warnings():  # of httpx, which is all that Python 3.10 has
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations import starlette_client

pytestmark = pytest.mark.heavy("each case signs in at a provider, some of them eleven times")

PEOPLE = {"ada": "Ada", "alan": "Alan"}
NAMES: dict[str, Any] = {"provider_names": {"idp": "Identity provider"}}
THERE = f"{ORIGIN}/there?a=1#part"


class Person(test_bridge_flask.Ada):
    def __init__(self, sub: str) -> None:
        super().__init__()
        self.id = sub
        self.name = PEOPLE[sub]


class App:
    """An app of a framework, whose bridge knows "idp"; Ada and Alan may come in. `told` is what it said of whom."""

    def __init__(self, framework: str, run: Run, idp: IdentityProvider, empties: bool = False) -> None:
        """`empties`: the session of whoever was here before."""
        self.framework = framework
        self.run = run
        self.idp = idp
        self.told: list[Mapping[str, Any]] = []
        self.refusal: str | None = None
        self.empties = empties
        self.build()

    def build(self, **registration: Any) -> None:
        module: Any = flask_client if self.framework == "flask" else starlette_client
        self.oauth = module.OAuth()
        self.oauth.register("idp", **{**self.idp.registration, **registration})
        if self.framework == "flask":
            flask_site = test_bridge_flask.Site(
                providers=self.oauth, sign_in_with=self.user_of, sign_in_page="/enter", **NAMES
            )
            self.oauth.init_app(flask_site.app)
            flask_site.people |= {sub: Person(sub) for sub in PEOPLE}
            self.visitor: Callable[[], Visitor] = flask_site.visitor
        else:
            is_async = self.framework == "starlette"
            sign_in_with = test_bridge_asgi.in_async(self.sign_in_with) if is_async else self.sign_in_with
            options = {"providers": self.oauth, "sign_in_with": sign_in_with, "sign_in_page": "/enter", **NAMES}
            site = test_bridge_asgi.Site(self.run, is_async, **options)
            site.people = {sub: {"name": name} for sub, name in PEOPLE.items()}
            self.visitor = site.visitor

    def sign_in_with(self, request: Request, provider: str, userinfo: Mapping[str, Any]) -> bool:
        person = self.user_of(provider, userinfo)
        if person is not None:
            if self.empties:
                request.session.clear()
            request.session["user"] = person.id
        return person is not None

    def user_of(self, provider: str, userinfo: Mapping[str, Any]) -> Any:
        assert provider == "idp"
        self.told.append(userinfo)
        if self.refusal is not None:
            raise SignInRefused(self.refusal)
        return Person(userinfo["sub"]) if userinfo["sub"] in PEOPLE else None


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    provider = IdentityProvider()
    yield provider
    provider.stop()


@pytest.fixture(params=["starlette", "starlette in threads", "flask"])
def app(request: pytest.FixtureRequest, run: Run, idp: IdentityProvider) -> App:
    return App(request.param, run, idp)


@pytest.fixture
def browser(app: App) -> Visitor:
    return app.visitor()


def start(browser: Visitor, callback_url: str = THERE, parameters: str = "") -> str:
    """The URL of the provider to go to."""
    answer = browser.post(f"signin/idp{parameters}", callbackUrl=callback_url)
    assert answer.status == 200
    return str(answer.data["url"])


def place_of(answer: Answer) -> str:
    assert answer.status == 302
    return answer.headers["Location"]


def back(browser: Visitor, query: str) -> str:
    """Where somebody ends who comes back from the provider."""
    return place_of(browser.get(f"callback/idp?{query}"))


def failed(code: str, callback_url: str | None = THERE) -> str:
    query = {"error": code, **({"callbackUrl": callback_url} if callback_url else {})}
    return f"{BASE}/error?{urlencode(query)}"


def asked_with(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def name_in_session(browser: Visitor) -> str | None:
    session = browser.session()
    return session["user"]["name"] if session else None


def test_a_page_is_told_of_each_provider(app: App, browser: Visitor) -> None:
    app.oauth.register("later one", **app.idp.registration)
    listed = browser.get("providers").data
    assert list(listed) == ["credentials", "idp", "later one"]
    assert listed["credentials"]["type"] == "credentials"
    assert listed["idp"] == {
        "id": "idp",
        "name": "Identity provider",
        "type": "oauth",
        "signinUrl": f"{BASE}/signin/idp",
        "callbackUrl": f"{BASE}/callback/idp",
    }
    assert (listed["later one"]["name"], listed["later one"]["callbackUrl"]) == (
        "Later one",
        f"{BASE}/callback/later%20one",
    )


def test_a_person_signs_in_with_a_provider_and_ends_where_they_started(app: App, browser: Visitor) -> None:
    url = start(browser)
    asked = asked_with(url)
    assert asked["redirect_uri"] == f"{BASE}/callback/idp"
    assert (asked["response_type"], asked["scope"]) == ("code", "openid email")
    assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
    assert len(asked["state"]) >= 20 and len(asked["nonce"]) >= 20
    assert browser.session() == {}
    assert back(browser, app.idp.allow(url)) == THERE
    assert name_in_session(browser) == "Ada"
    assert [(told["sub"], told["email"]) for told in app.told] == [("ada", "ada@elsewhere.example")]
    assert browser.send("GET", "/name").text in ("ada", "Ada")


def test_an_answer_under_way_when_that_person_signs_out_does_not_bring_the_session_back(
    app: App, browser: Visitor
) -> None:
    back(browser, app.idp.allow(start(browser)))
    answer = browser.get("session")
    assert (answer.data["user"]["name"], answer.headers.get("Set-Cookie")) == ("Ada", None)


def test_a_form_without_a_script_is_sent_there(app: App, browser: Visitor) -> None:
    url = place_of(browser.post("signin/idp", json="", callbackUrl="/there"))
    assert back(browser, app.idp.allow(url)) == f"{ORIGIN}/there"
    assert name_in_session(browser) == "Ada"


def test_a_provider_without_id_tokens_is_asked_for_whom_it_means(app: App, browser: Visitor) -> None:
    app.idp.is_openid = False
    assert back(browser, app.idp.allow(start(browser))) == THERE
    assert name_in_session(browser) == "Ada"
    assert "/userinfo" in app.idp.asked


def test_a_provider_that_names_nobody_signs_in_nobody(
    app: App, browser: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    app.idp.is_openid = False
    app.build(
        server_metadata_url=None,
        authorize_url=f"{app.idp.url}/authorize",
        access_token_url=f"{app.idp.url}/token",
        client_kwargs={"scope": "email", "code_challenge_method": "S256"},
    )
    browser = app.visitor()
    assert back(browser, app.idp.allow(start(browser))) == failed("OAuthCallback")
    assert "userinfo_endpoint=" in caplog.text
    assert app.told == []


def test_whom_the_app_does_not_take_is_denied_access(app: App, browser: Visitor) -> None:
    assert back(browser, app.idp.allow(start(browser), "mallory")) == failed("AccessDenied")
    assert browser.session() == {}


def test_a_refusal_of_the_apps_own_reaches_the_page(app: App, browser: Visitor) -> None:
    app.refusal = "OAuthAccountNotLinked"
    assert back(browser, app.idp.allow(start(browser))) == failed("OAuthAccountNotLinked")
    assert browser.session() == {}


def test_a_person_who_says_no_comes_to_the_sign_in_page_and_their_next_try_ends_where_this_was_to(
    app: App, browser: Visitor
) -> None:
    url = start(browser)
    error = back(browser, app.idp.refuse(url))
    assert error == failed("Callback")
    page = place_of(browser.send("GET", error.removeprefix(ORIGIN)))
    assert page == "/enter?next=%2Fthere%3Fa%3D1%23part&error=Callback"
    assert app.told == []
    assert back(browser, app.idp.allow(url)) == failed("OAuthCallback", None), "it is over"


def test_what_says_that_a_person_said_no_needs_a_sign_in_that_began_here(app: App, browser: Visitor) -> None:
    url = start(browser)
    assert back(browser, "error=access_denied&state=forged") == failed("OAuthCallback", None)
    assert back(browser, app.idp.allow(url)) == THERE, "that did not end this one"


@pytest.mark.parametrize("state", ["", "state=", "state=forged", "state=%00", "state=%ED%A0%80"])
def test_a_forged_state_signs_in_nobody(app: App, browser: Visitor, state: str) -> None:
    code = asked_with("?" + app.idp.allow(start(browser)))["code"]
    asked = len(app.idp.asked)
    assert back(browser, f"code={code}&{state}") == failed("OAuthCallback", None)
    assert (browser.session(), app.told, len(app.idp.asked)) == ({}, [], asked)


def test_a_sign_in_that_another_browser_began_signs_in_nobody(app: App, browser: Visitor) -> None:
    mallory = app.visitor()
    query = app.idp.allow(start(mallory), "alan")
    assert back(browser, query) == failed("OAuthCallback", None)
    start(browser)
    assert back(browser, query) == failed("OAuthCallback", None)
    assert (browser.session(), app.told) == ({}, [])


def test_a_callback_counts_once(app: App, browser: Visitor) -> None:
    query = app.idp.allow(start(browser))
    assert back(browser, query) == THERE
    browser.post("signout")
    assert back(browser, query) == failed("OAuthCallback", None)
    assert browser.session() == {}
    assert len(app.told) == 1


def test_a_code_that_is_not_the_providers_signs_in_nobody(app: App, browser: Visitor) -> None:
    state = asked_with(start(browser))["state"]
    assert back(browser, f"code=forged&state={state}") == failed("OAuthCallback")
    assert back(browser, f"state={asked_with(start(browser))['state']}") == failed("OAuthCallback")
    assert (browser.session(), app.told) == ({}, [])


def test_a_code_of_another_sign_in_signs_in_nobody(app: App, browser: Visitor) -> None:
    """It needs the verifier that only the other one has (PKCE)."""
    code = asked_with("?" + app.idp.allow(start(app.visitor()), "alan"))["code"]
    state = asked_with(start(browser))["state"]
    assert back(browser, f"code={code}&state={state}") == failed("OAuthCallback")
    assert (browser.session(), app.told) == ({}, [])


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"aud": "another", "azp": "app"},
        {"aud": ["another", "more"], "azp": "app"},
        {"aud": "app of another", "azp": "app"},
        {"aud": [], "azp": "app"},
        {"aud": "", "azp": "app"},
        {"sub": None},
        {"sub": ""},
        {"nonce": None},
    ],
    ids=str,
)
def test_an_id_token_that_is_not_for_this_sign_in_signs_in_nobody(
    app: App, browser: Visitor, claims: dict[str, Any]
) -> None:
    app.idp.claims = claims
    assert back(browser, app.idp.allow(start(browser))) == failed("OAuthCallback")
    assert (browser.session(), app.told) == ({}, [])


TENANT, OTHER = "72f988bf-86f1-41af-91ab-2d7cd011db47", "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize("tenant", [TENANT, OTHER, None])
def test_the_issuer_may_be_each_tenants_own(app: App, browser: Visitor, tenant: str | None) -> None:
    """As Microsoft's "common" and "organizations" say it."""
    metadata = json.loads(app.idp.answer("/.well-known/openid-configuration", {}, None)[1])
    metadata["issuer"] = f"{app.idp.url}/{{tenantid}}/v2.0"
    app.idp.answers["/.well-known/openid-configuration"] = json.dumps(metadata).encode()
    app.idp.claims = {"iss": f"{app.idp.url}/{TENANT}/v2.0", "tid": tenant}
    if tenant == TENANT:
        assert back(browser, app.idp.allow(start(browser))) == THERE
        assert name_in_session(browser) == "Ada"
        assert app.told[0]["tid"] == TENANT, "so an app can say whose people may come in"
    else:
        assert back(browser, app.idp.allow(start(browser))) == failed("OAuthCallback")
        assert (browser.session(), app.told) == ({}, [])


TEMPLATE = "https://provider.example/{tenantid}/v2.0"
ISSUER = f"https://provider.example/{TENANT}/v2.0"


def is_right(claims: dict[str, Any], *keys: dict[str, Any]) -> bool:
    """Whether Authlib takes an ID token's issuer that the key with the id "1" has signed."""
    options = providers.claims_options({"issuer": TEMPLATE, "jwks": {"keys": keys}})
    now = int(time.time())
    others = {"sub": "ada", "aud": "app", "iat": now, "exp": now + 60}
    try:
        CodeIDToken({**others, **claims}, {"alg": "RS256", "kid": "1"}, options).validate()
    except (InvalidClaimError, MissingClaimError):
        return False
    return True


@pytest.mark.parametrize("key", [{}, {"issuer": TEMPLATE}, {"issuer": ISSUER}], ids=str)
def test_an_issuer_is_right_if_it_is_the_tenants_and_the_keys(key: dict[str, str]) -> None:
    assert is_right({"iss": ISSUER, "tid": TENANT}, {"kid": "2", "issuer": "another"}, {"kid": "1", **key})


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": ISSUER},
        {"iss": ISSUER, "tid": None},
        {"iss": ISSUER, "tid": OTHER},
        {"iss": ISSUER, "tid": [TENANT]},
        {"iss": ISSUER, "tid": TENANT.upper()},
        {"iss": ISSUER + "/", "tid": TENANT},
        {"iss": [ISSUER], "tid": TENANT},
        {"iss": ISSUER.replace("provider", "evil"), "tid": TENANT},
        {"iss": TEMPLATE, "tid": "{tenantid}"},
        {"iss": TEMPLATE, "tid": TENANT},
        {"iss": TEMPLATE.replace("{tenantid}", "evil"), "tid": "evil"},
        {"iss": TEMPLATE.replace("{tenantid}", ""), "tid": ""},
        {"iss": ISSUER.replace("/v2", "\n/v2"), "tid": f"{TENANT}\n"},
        {"iss": None, "tid": TENANT},
        {"tid": TENANT},
    ],
    ids=str,
)
def test_an_issuer_that_is_not_the_tenants_is_wrong(claims: dict[str, Any]) -> None:
    assert not is_right(claims, {"kid": "1"})


@pytest.mark.parametrize("issuer", [ISSUER.replace(TENANT, OTHER), TEMPLATE.replace("provider", "evil"), ""])
def test_a_key_signs_for_its_own_issuer_alone(issuer: str) -> None:
    assert not is_right({"iss": ISSUER, "tid": TENANT}, {"kid": "1", "issuer": issuer})
    assert not is_right({"iss": ISSUER, "tid": TENANT}, {"kid": "1"}, {"kid": "1", "issuer": issuer})
    assert not is_right({"iss": ISSUER, "tid": TENANT}, {"kid": "2"})
    assert not is_right({"iss": issuer.replace("{tenantid}", TENANT), "tid": TENANT}, {"kid": "1", "issuer": issuer})


def test_a_provider_that_names_one_issuer_has_that_alone() -> None:
    assert providers.claims_options({"issuer": ISSUER}) is None, "Authlib's own check"
    assert providers.claims_options({}) is None


def test_an_id_token_may_be_for_another_app_too(app: App, browser: Visitor) -> None:
    app.idp.claims = {"aud": ["another", "app"], "azp": "app"}
    assert back(browser, app.idp.allow(start(browser))) == THERE
    assert name_in_session(browser) == "Ada"


@pytest.mark.parametrize("said", [{"ok": False}, {"id": None, "message": "no"}, {"id": "", "sub": ""}, {}], ids=str)
def test_whom_a_provider_of_oauth_2_does_not_name_is_nobody(
    app: App, caplog: pytest.LogCaptureFixture, said: dict[str, Any]
) -> None:
    browser = visitor_of_oauth_2(app, said)
    assert back(browser, app.idp.allow(start(browser))) == failed("OAuthCallback")
    assert (browser.session(), app.told) == ({}, [])
    assert "does not say who" in caplog.text


@pytest.mark.parametrize("said", [{"sub": "ada"}, {"id": 7, "sub": "ada"}, {"id": "ada", "sub": None}], ids=str)
def test_whom_a_provider_of_oauth_2_names_in_either_way_the_app_is_told_of(app: App, said: dict[str, Any]) -> None:
    browser = visitor_of_oauth_2(app, said)
    app.refusal = "ItWasTold"
    assert back(browser, app.idp.allow(start(browser))) == failed("ItWasTold")
    assert app.told == [said]


def visitor_of_oauth_2(app: App, said: dict[str, Any]) -> Visitor:
    """The provider has no ID tokens, and says that of whoever it is."""
    app.idp.is_openid = False
    app.idp.answers["/userinfo"] = json.dumps(said).encode()
    app.build(
        server_metadata_url=None,
        authorize_url=f"{app.idp.url}/authorize",
        access_token_url=f"{app.idp.url}/token",
        userinfo_endpoint=f"{app.idp.url}/userinfo",
        client_kwargs={"scope": "email", "code_challenge_method": "S256"},
    )
    return app.visitor()


def test_an_id_token_that_another_key_signed_signs_in_nobody(app: App, browser: Visitor) -> None:
    other = RSAKey.generate_key(2048, {"kid": "1"})
    app.idp.answers["/keys"] = json.dumps({"keys": [other.as_dict(private=False)]}).encode()
    assert back(browser, app.idp.allow(start(browser))) == failed("OAuthCallback")
    assert (browser.session(), app.told) == ({}, [])


def test_two_tabs_sign_in_at_once(app: App, browser: Visitor) -> None:
    first, second = start(browser, "/first"), start(browser, "/second")
    assert asked_with(first)["state"] != asked_with(second)["state"]
    assert back(browser, app.idp.allow(first)) == f"{ORIGIN}/first"
    assert back(browser, app.idp.allow(second)) == f"{ORIGIN}/second"
    assert name_in_session(browser) == "Ada"


@pytest.mark.parametrize("framework", ["starlette", "starlette in threads"])
def test_an_app_that_empties_the_session_for_who_comes_ends_no_sign_in_of_another_tab(
    run: Run, idp: IdentityProvider, framework: str
) -> None:
    app = App(framework, run, idp, empties=True)
    browser = app.visitor()
    first, second, third = (start(browser, place) for place in ("/first", "/second", "/third"))
    assert back(browser, idp.allow(first)) == f"{ORIGIN}/first"
    browser.sign_in()
    assert back(browser, idp.allow(second, "alan")) == f"{ORIGIN}/second"
    assert name_in_session(browser) == "Alan"
    browser.post("signout")
    assert back(browser, idp.allow(third)) == failed("OAuthCallback", None)


def test_whoever_is_signed_in_is_that_person_until_another_has_come(app: App, browser: Visitor) -> None:
    browser.sign_in()
    assert name_in_session(browser) == "Ada"
    for query, name in (
        (app.idp.refuse(start(browser)), "Ada"),
        (app.idp.allow(start(browser), "mallory"), "Ada"),
        (app.idp.allow(start(browser), "alan"), "Alan"),
    ):
        back(browser, query)
        assert name_in_session(browser) == name


def test_sign_ins_that_nobody_ends_do_not_fill_the_session(app: App, browser: Visitor) -> None:
    long = "/" + "a" * (providers.LONGEST_CALLBACK_URL - 100)
    for _ in range(6):
        start(browser)
        start(browser, long)
    assert len(browser.cookies()["session"]) < 4000
    url = start(browser, long)
    assert back(browser, app.idp.allow(url)) == ORIGIN + long


def test_a_callback_url_that_no_cookie_could_keep_leads_home(app: App, browser: Visitor) -> None:
    assert back(browser, app.idp.allow(start(browser, "/" + "a" * 100_000))) == ORIGIN
    assert name_in_session(browser) == "Ada"


@pytest.mark.parametrize("first", ["a", "à", "一", "🌀"])
def test_a_long_callback_url_fits_into_the_cookie_in_any_script(app: App, browser: Visitor, first: str) -> None:
    for length in range(10, 1000, 90):
        place = f"{ORIGIN}/" + "".join(chr(ord(first) + i * 7 % 26) for i in range(length))
        url = start(browser, place)
        assert len(browser.cookies()["session"]) < 4000
        assert unquote(back(browser, app.idp.allow(url))) in (ORIGIN, place)
        browser.post("signout")


def test_a_sign_in_that_took_too_long_is_over(app: App, browser: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    query = app.idp.allow(start(browser))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + providers.LIFETIME + 1)
    assert back(browser, query) == failed("OAuthCallback", None)
    assert app.told == []


FOREIGN_URLS = [
    "https://evil.example/x",
    "//evil.example/x",
    "javascript:alert(1)",
    "/\\evil.example",
    "http://app.test@evil.example",
]


@pytest.mark.parametrize("url", FOREIGN_URLS)
def test_a_sign_in_leads_to_no_other_origin(app: App, browser: Visitor, url: str) -> None:
    place = back(browser, app.idp.allow(start(browser, url)))
    assert place in (ORIGIN, f"{ORIGIN}//evil.example/x")


def test_authorization_parameters_of_a_page_arrive_but_for_the_servers_own(app: App, browser: Visitor) -> None:
    pinned = {
        "redirect_uri": "https://evil.example",
        "scope": "admin",
        "state": "mine",
        "nonce": "mine",
        "client_id": "mine",
        "response_type": "token",
        "response_mode": "fragment",
        "code_challenge": "mine",
        "code_challenge_method": "plain",
        "request": "mine",
        "request_uri": "https://evil.example",
    }
    free = {"prompt": "login", "login_hint": "zoë 🐘 & co", "url": "mine", "code_verifier": "mine", "self": ""}
    url = start(browser, parameters="?" + urlencode({**pinned, **free}))
    asked = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    assert {name: asked[name] for name in free} == free
    assert [name for name, value in pinned.items() if asked.get(name) == value] == []
    assert back(browser, app.idp.allow(url)) == THERE


def test_authorization_parameters_that_the_app_has_registered_stay_as_they_are(app: App) -> None:
    registered = {"hd": "example.org", "prompt": "login", "acr_values": "mfa", "empty": ""}
    app.build(authorize_params=registered)
    wanted = {"hd": "*", "prompt": "none", "acr_values": "", "empty": "no", "max_age": "1"}
    url = start(app.visitor(), parameters="?" + urlencode(wanted))
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert sorted(pair for pair in pairs if pair[0] in wanted) == sorted([*registered.items(), ("max_age", "1")])


def test_a_provider_that_is_down_cannot_be_gone_to(app: App, browser: Visitor) -> None:
    app.build(server_metadata_url="http://127.0.0.1:1/")
    browser = app.visitor()
    assert start(browser) == failed("OAuthSignin")
    answer = browser.post("signin/idp", json="", callbackUrl=THERE)
    assert place_of(answer) == failed("OAuthSignin")


METADATA = "/.well-known/openid-configuration"
NONSENSE = [
    b"",
    b"no JSON",
    b"[]",
    b"null",
    b"{}",
    b'"text"',
    b"[" * 50_000,
    b'{"authorization_endpoint": "javascript:x"}',
]


@pytest.mark.parametrize("answer", NONSENSE, ids=lambda answer: str(answer[:30]))
def test_nonsense_from_a_provider_is_an_error_that_a_page_can_explain(
    app: App, browser: Visitor, answer: bytes
) -> None:
    app.idp.answers[METADATA] = answer
    assert start(browser) == failed("OAuthSignin")
    del app.idp.answers[METADATA]
    app.build()
    for path in ("/token", "/keys", "/userinfo"):
        browser = app.visitor()
        url = start(browser)
        app.idp.answers = {path: answer}
        app.idp.is_openid = path == "/keys"
        assert back(browser, app.idp.allow(url)) == failed("OAuthCallback"), path
        app.idp.answers = {}
        assert browser.session() == {}
    assert app.told == []


def test_a_provider_that_does_not_answer_is_not_waited_for(
    app: App, browser: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(hangs: bool) -> None:
        app.idp.hangs = hangs
        for module in (bridge_asgi, bridge_flask):  # an answer that comes has the time that a busy machine takes
            monkeypatch.setattr(module, "TIMEOUT", 0.2 if hangs else 30)

    hang(True)
    assert start(browser) == failed("OAuthSignin")
    hang(False)
    url = start(browser)
    hang(True)
    assert back(browser, app.idp.allow(url)) == failed("OAuthCallback")


def test_what_a_provider_or_the_app_is_told_is_in_no_log(
    app: App, browser: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    url = start(browser)
    code = asked_with("?" + app.idp.allow(url))["code"]
    app.idp.claims = {"nonce": "another"}
    back(browser, f"code={code}&state={asked_with(url)['state']}")
    ours = "".join(record.getMessage() for record in caplog.records if record.name == "nextauth_server")
    assert "Signing in with idp failed" in ours
    assert code not in ours and "of ada" not in ours


def test_a_token_in_a_url_is_in_no_log(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.idp.is_openid = False
    app.build(
        server_metadata_url=None,
        authorize_url=f"{app.idp.url}/authorize",
        access_token_url=f"{app.idp.url}/token",
        userinfo_endpoint="http://127.0.0.1:1/userinfo",
        client_kwargs={"scope": "email", "code_challenge_method": "S256", "token_placement": "uri"},
    )
    for path in ("http://127.0.0.1:1/userinfo", f"{app.idp.url}/refused"):
        app.oauth.idp.server_metadata["userinfo_endpoint"] = path
        browser = app.visitor()
        assert back(browser, app.idp.allow(start(browser))) == failed("OAuthCallback")
    ours = [record.getMessage() for record in caplog.records if record.name == "nextauth_server"]
    assert len(ours) == 2
    assert not [line for line in ours if "access_token" in line or "ada" in line]


def test_what_a_provider_says_is_one_line_of_the_log(
    app: App, browser: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"error": "invalid_grant", "error_description": "no\nWARNING:nextauth_server:all is well" + "!" * 10_000}
    app.idp.answers["/token"] = json.dumps(said).encode()
    assert back(browser, app.idp.allow(start(browser))) == failed("OAuthCallback")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "nextauth_server"]
    assert "all is well" in line and "\n" not in line and len(line) < 300


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_origin_begins_no_sign_in(app: App, browser: Visitor, headers: dict[str, str]) -> None:
    assert browser.post("signin/idp", headers=headers).status == 403
    assert app.idp.asked == []


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_without_the_right_csrf_token_no_sign_in_begins(app: App, browser: Visitor, token: str) -> None:
    assert browser.post("signin/idp", token=token).data == {"url": f"{BASE}/signin?csrf=true"}
    assert app.idp.asked == []


@pytest.mark.parametrize("name", ["nobody", "_registry", "idp/x", "register", "%00", "ü"])
def test_a_provider_that_there_is_not_leads_to_the_sign_in_page(app: App, browser: Visitor, name: str) -> None:
    assert browser.post(f"signin/{name}").data == {"url": f"{BASE}/signin?csrf=true"}
    answer = browser.get(f"callback/{name}?code=x&state=y")
    assert (answer.status, "is not supported by NextAuth.js" in answer.text) == (400, True)


def test_a_link_begins_no_sign_in(app: App, browser: Visitor) -> None:
    assert place_of(browser.get("signin/idp?callbackUrl=/there")) == "/enter?next=%2Fthere"
    assert app.idp.asked == []


def test_providers_need_a_function_that_signs_in_and_the_other_way_round(run: Run) -> None:
    usual = {"user_of": len, "sign_in": len, "sign_out": len, "secret": "not one"}
    manager = test_bridge_flask.Site().manager
    for options in ({"providers": starlette_client.OAuth()}, {"sign_in_with": len}):
        with pytest.raises(ValueError, match="both, or neither"):
            AuthBridge(**usual, **options)
        with pytest.raises(ValueError, match="both, or neither"):
            AuthBridge.flask_login(manager, authenticate=len, **options)


def test_a_session_is_needed_for_what_a_sign_in_has_to_remember(run: Run, idp: IdentityProvider) -> None:
    oauth = starlette_client.OAuth()
    oauth.register("idp", **idp.registration)
    site = test_bridge_asgi.Site(run, providers=oauth, sign_in_with=lambda request, provider, userinfo: True)
    site.app = site.bridge  # without any middleware
    browser = site.visitor("")
    with pytest.raises(RuntimeError, match="SessionMiddleware"):
        browser.post("signin/idp")
    with pytest.raises(RuntimeError, match="SessionMiddleware"):
        browser.get("callback/idp?state=s")


def test_the_tokens_are_told_to_a_function_that_asks_for_them(run: Run, idp: IdentityProvider) -> None:
    told: list[Any] = []

    def with_request(request: Any, provider: str, userinfo: Any, token: Any) -> bool:
        told.append(token["access_token"])
        return False

    def without(provider: str, userinfo: Any, *, token: Any) -> None:
        told.append(token["access_token"])

    module: Any
    for module, make, function in (
        (starlette_client, lambda **options: test_bridge_asgi.Site(run, **options), with_request),
        (flask_client, test_bridge_flask.Site, without),
    ):
        oauth = module.OAuth()
        oauth.register("idp", **idp.registration)
        site = make(providers=oauth, sign_in_with=function)
        if module is flask_client:
            oauth.init_app(site.app)
        browser = site.visitor()
        assert back(browser, idp.allow(start(browser))) == failed("AccessDenied")
    assert told == ["of ada", "of ada"]


@pytest.mark.parametrize("framework", ["FastAPI and Starlette", "Flask"])
def test_the_app_of_the_documentation_signs_in_with_google(run: Run, idp: IdentityProvider, framework: str) -> None:
    made = app_with_google_of_the_page(framework, idp.url)
    made.oauth.google.client_id, made.oauth.google.client_secret = CLIENT.values()
    site: Any = test_bridge_flask.Site() if framework == "Flask" else test_bridge_asgi.Site(run)
    site.app = made.app
    browser = site.visitor()
    assert list(browser.get("providers").data) == ["credentials", "google"]
    url = str(browser.post("signin/google", callbackUrl=THERE).data["url"])
    assert asked_with(url)["scope"] == "openid email profile"
    assert place_of(browser.get(f"callback/google?{idp.allow(url)}")) == THERE
    assert name_in_session(browser) == "Ada"
    browser.post("signout")
    assert browser.sign_in().status == 200, "a password still does"
    assert name_in_session(browser) == "Ada Lovelace"


def test_whoever_signs_in_with_google_finds_nothing_of_the_person_before(run: Run, idp: IdentityProvider) -> None:
    made = app_with_google_of_the_page("FastAPI and Starlette", idp.url)
    made.oauth.google.client_id, made.oauth.google.client_secret = CLIENT.values()
    site = test_bridge_asgi.Site(run)
    site.app = made.app
    browser = test_bridge_asgi.with_cart(made.app, site.visitor())
    browser.sign_in()
    browser.send("GET", "/cart?add=tea")
    assert browser.send("GET", "/cart").text == "tea"
    url = str(browser.post("signin/google", callbackUrl=THERE).data["url"])
    assert place_of(browser.get(f"callback/google?{idp.allow(url, 'grace')}")) == THERE
    assert (name_in_session(browser), browser.send("GET", "/cart").text) == ("Grace", "")
