"""The wire without a framework: routes, tokens, and where a sign-in may lead."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nextauth_server import SignInRefused
from nextauth_server.bridge import (
    LARGEST_BODY,
    MOST_FIELDS,
    BadRequest,
    Bridge,
    Reply,
    SignedIn,
    Visit,
    callback_url_of,
    origin_of,
    parse_fields,
    resolve_callback_url,
)
from nextauth_server.providers import Begun, Provider, begin, end

from scripts.node import find_node
from tests.server.bridges import ADA, BASE, FOREIGN, ORIGIN, OWN, POSTS, GuardWithCache

ENDS = datetime(2030, 1, 2, 3, 4, 5, 678000, timezone.utc)
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Accounts:
    """Of one person, Ada; notes what was asked for. Two providers know her, one of which ends elsewhere than here."""

    def __init__(self) -> None:
        self.known = [Provider("idp", "Identity provider"), Provider("o/ther", "Other", "/ends/here")]
        self.kept: dict[str, Any] = {}  # the framework's session
        self.signed_in = False
        self.name = "Ada"
        self.calls: list[str] = []
        self.refusal: str | None = None

    def who(self) -> SignedIn | None:
        if not self.signed_in:
            return None
        return SignedIn({"name": self.name, "email": None}, self, ENDS)

    def sign_in(self, fields: Mapping[str, str]) -> bool:
        self.calls.append(f"sign_in {dict(fields)}")
        if self.refusal is not None:
            raise SignInRefused(self.refusal)
        self.signed_in = dict(fields) == ADA
        return self.signed_in

    def sign_out(self) -> None:
        self.calls.append("sign_out")
        self.signed_in = False

    def update(self, data: Any) -> None:
        self.calls.append(f"update {data}")
        self.name = data["name"]

    def providers(self) -> list[Provider]:
        return self.known

    def begin(self, provider: str, redirect_uri: str, callback_url: str, parameters: Mapping[str, str]) -> str:
        self.calls.append(f"begin {redirect_uri} {dict(parameters)}")
        if self.refusal is not None:
            raise SignInRefused(self.refusal)
        return begin(self.kept, provider, {"url": "https://idp.example/", "state": "s"}, callback_url, parameters)

    def end(self, provider: str, state: str) -> Begun | None:
        return end(self.kept, provider, state)

    def finish(self, begun: Begun, redirect_uri: str, code: str) -> bool:
        self.calls.append(f"finish {redirect_uri} {code}")
        if self.refusal is not None:
            raise SignInRefused(self.refusal)
        self.signed_in = code == "ada"
        return self.signed_in


class AsyncAccounts(Accounts):
    """The same, but each call gives an awaitable."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name not in ("who", "sign_in", "sign_out", "update", "providers", "begin", "end", "finish"):
            return value

        async def later(*arguments: Any) -> Any:
            return value(*arguments)

        return later


class Browser:
    """Keeps the cookies of the answers."""

    def __init__(self, accounts: Accounts, bridge: Bridge, base: str = BASE) -> None:
        self.accounts = accounts
        self.bridge = bridge
        self.base = base
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, action: str, headers: Mapping[str, str] = {}, **fields: Any) -> Reply:
        path, _, query = action.partition("?")
        pairs = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        visit = Visit(method, self.base, path, pairs, headers.get, dict(self.cookies), fields)
        if isinstance(self.accounts, AsyncAccounts):
            reply = asyncio.run(self.bridge.answer_async(visit, self.accounts))
        else:
            reply = self.bridge.answer(visit, self.accounts)
        self.cookies |= {name: value for name, value, _ in reply.cookies}
        return reply

    def token(self) -> str:
        return str(json.loads(self.ask("GET", "csrf").body)["csrfToken"])

    def post(self, action: str, headers: Mapping[str, str] = {}, **fields: Any) -> Reply:
        return self.ask("POST", action, headers, **{"csrfToken": self.token(), "json": "true", **fields})


@pytest.fixture(params=[Accounts, AsyncAccounts])
def browser(request: pytest.FixtureRequest) -> Browser:
    return Browser(request.param(), Bridge(secret=lambda: "secret", sign_in_page=lambda: "/login/"))


def told(reply: Reply) -> Any:
    assert reply.headers["Content-Type"] == JSON
    return json.loads(reply.body)


def test_nobody_is_an_empty_object_and_somebody_a_user_with_an_end(browser: Browser) -> None:
    assert told(browser.ask("GET", "session")) == {}
    browser.accounts.signed_in = True
    assert told(browser.ask("GET", "session")) == {"user": {"name": "Ada"}, "expires": "2030-01-02T03:04:05.678Z"}


def test_every_answer_says_that_no_cache_may_share_it(browser: Browser) -> None:
    asked = [("GET", action) for action in ("session", "csrf", "providers", "signin", "signout", "error", "nothing")]
    for method, action in [*asked, *(("POST", action) for action in POSTS)]:
        reply = browser.ask(method, action)
        assert "private" in reply.headers["Cache-Control"] and "no-store" in reply.headers["Cache-Control"]
        assert reply.headers["Vary"] == "Cookie"


def test_a_password_and_each_provider_are_ways_to_sign_in(browser: Browser) -> None:
    assert told(browser.ask("GET", "providers")) == {
        "idp": {
            "id": "idp",
            "name": "Identity provider",
            "type": "oauth",
            "signinUrl": f"{BASE}/signin/idp",
            "callbackUrl": f"{BASE}/callback/idp",
        },
        "o/ther": {
            "id": "o/ther",
            "name": "Other",
            "type": "oauth",
            "signinUrl": f"{BASE}/signin/o%2Fther",
            "callbackUrl": f"{ORIGIN}/ends/here",
        },
        "credentials": {
            "id": "credentials",
            "name": "Password",
            "type": "credentials",
            "signinUrl": f"{BASE}/signin/credentials",
            "callbackUrl": f"{BASE}/callback/credentials",
        },
    }


def test_the_csrf_token_is_the_same_while_its_cookie_is(browser: Browser) -> None:
    first = browser.token()
    assert len(first) == 64
    assert browser.token() == first
    browser.cookies.clear()
    assert browser.token() != first


def test_the_csrf_cookie_is_the_whole_sites_own_over_https(browser: Browser) -> None:
    [(name, _, is_secure)] = browser.ask("GET", "csrf").cookies
    assert (name, is_secure) == ("next-auth.csrf-token", False)
    browser.base = BASE.replace("http:", "https:")
    [(name, _, is_secure)] = browser.ask("GET", "csrf").cookies
    assert (name, is_secure) == ("__Host-next-auth.csrf-token", True)


def test_a_right_password_signs_in_and_a_wrong_one_is_told_as_v4_does(browser: Browser) -> None:
    reply = browser.post("callback/credentials", username="ada", password="wrong")
    assert (reply.status, told(reply)) == (
        401,
        {"url": f"{BASE}/error?error=CredentialsSignin&provider=credentials"},
    )
    reply = browser.post("callback/credentials", callbackUrl=f"{ORIGIN}/there?a=1#part", **ADA)
    assert (reply.status, told(reply)) == (200, {"url": f"{ORIGIN}/there?a=1#part"})
    assert told(browser.ask("GET", "session"))["user"] == {"name": "Ada"}


def test_a_form_without_a_script_is_sent_there(browser: Browser) -> None:
    reply = browser.post("callback/credentials", json="", callbackUrl="/Zoë there", **ADA)
    assert (reply.status, reply.headers["Location"]) == (302, ORIGIN)
    reply = browser.post("callback/credentials", json="", callbackUrl="/Zoë", **ADA)
    assert (reply.status, reply.headers["Location"]) == (302, f"{ORIGIN}/Zo%C3%AB")


def test_a_sign_in_with_a_provider_ends_where_it_was_to(browser: Browser) -> None:
    reply = browser.post("signin/idp?prompt=login&scope=all", callbackUrl=f"{ORIGIN}/there#part")
    assert (reply.status, told(reply)) == (200, {"url": "https://idp.example/?prompt=login"})
    reply = browser.ask("GET", "callback/idp?state=s&code=ada")
    assert (reply.status, reply.headers["Location"]) == (302, f"{ORIGIN}/there#part")
    assert told(browser.ask("GET", "session"))["user"] == {"name": "Ada"}
    redirect_uri = f"{BASE}/callback/idp"
    assert browser.accounts.calls[1:] == [f"finish {redirect_uri} ada"]
    assert browser.accounts.calls[0].startswith(f"begin {redirect_uri} ")


@pytest.mark.parametrize(
    ("query", "code", "ends_there"),
    [
        ("state=s&code=nobody", "AccessDenied", True),
        ("state=s&error=access_denied&code=ada", "Callback", True),
        ("state=s&error=", "Callback", True),
        ("state=forged&code=ada", "OAuthCallback", False),
        ("code=ada", "OAuthCallback", False),
        ("", "OAuthCallback", False),
    ],
)
def test_a_sign_in_with_a_provider_that_fails_is_told_as_v4_does(
    browser: Browser, query: str, code: str, ends_there: bool
) -> None:
    browser.post("signin/idp", callbackUrl="/there")
    there = "&callbackUrl=http%3A%2F%2Fapp.test%2Fthere" if ends_there else ""
    reply = browser.ask("GET", f"callback/idp?{query}")
    assert (reply.status, reply.headers["Location"]) == (302, f"{BASE}/error?error={code}{there}")
    assert told(browser.ask("GET", "session")) == {}


def test_what_a_provider_or_the_app_refuses_reaches_the_page(browser: Browser) -> None:
    browser.post("signin/idp")
    browser.accounts.refusal = "Not you & co"
    error = f"{BASE}/error?error=Not%20you%20%26%20co&callbackUrl=http%3A%2F%2Fapp.test"
    assert browser.ask("GET", "callback/idp?state=s&code=ada").headers["Location"] == error
    reply = browser.post("signin/idp")
    assert (reply.status, told(reply)) == (200, {"url": error})


def test_a_provider_that_ends_elsewhere_ends_not_here(browser: Browser) -> None:
    browser.post("signin/o/ther")
    reply = browser.ask("GET", "callback/o/ther?state=s&code=ada")
    assert (reply.status, "is not supported by NextAuth.js" in reply.body) == (400, True)
    assert told(browser.ask("GET", "session")) == {}


def test_a_sign_in_ends_at_the_provider_where_it_began(browser: Browser) -> None:
    browser.accounts.known = [Provider("idp", "One"), Provider("another", "Another")]
    browser.post("signin/another")
    reply = browser.ask("GET", "callback/idp?state=s&code=ada")
    assert reply.headers["Location"] == f"{BASE}/error?error=OAuthCallback"
    assert told(browser.ask("GET", "session")) == {}


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        ({"url": "javascript:alert(1)", "state": "s"}, "no URL"),
        ({"url": "/here", "state": "s"}, "no URL"),
        ({"url": "https://idp.example", "state": "s", "request_token": {}}, "OAuth 1"),
    ],
)
def test_a_provider_that_a_browser_cannot_be_sent_to_is_refused(authorization: dict[str, Any], reason: str) -> None:
    session: dict[str, Any] = {}
    with pytest.raises(ValueError, match=reason):
        begin(session, "idp", authorization, "", {})
    assert session == {}


@pytest.mark.parametrize(
    ("code", "status", "query"),
    [
        ("AccessDenied", 403, "error=AccessDenied"),
        ("TooManyRequests", 429, "error=TooManyRequests"),
        ("Second factor & more", 401, "error=Second%20factor%20%26%20more"),
    ],
)
def test_a_refusal_of_the_apps_own_reaches_the_page(browser: Browser, code: str, status: int, query: str) -> None:
    browser.accounts.refusal = code
    reply = browser.post("callback/credentials", **ADA)
    assert (reply.status, told(reply)) == (status, {"url": f"{BASE}/error?{query}"})


def test_an_accounts_own_error_is_the_apps_to_hear(browser: Browser) -> None:
    browser.accounts.signed_in = True
    with pytest.raises(KeyError):
        browser.post("session", data={})


def test_signing_out_is_the_end_and_may_be_done_twice(browser: Browser) -> None:
    browser.accounts.signed_in = True
    for _ in range(2):
        reply = browser.post("signout", callbackUrl=f"{ORIGIN}/bye")
        assert (reply.status, told(reply)) == (200, {"url": f"{ORIGIN}/bye"})
        assert told(browser.ask("GET", "session")) == {}


def test_guards_with_a_cache_ask_again_when_a_bridge_has_changed_who_is_there(browser: Browser) -> None:
    guard = GuardWithCache()
    assert (guard.asks_again(), guard.asks_again()) == (True, False)
    browser.post("signout", csrfToken="wrong")
    browser.post("callback/credentials", username="ada", password="wrong")
    browser.post("signin/idp")
    browser.ask("GET", "callback/idp?state=s&code=mallory")
    browser.post("session", data={"name": "Nobody"})
    assert not guard.asks_again()
    browser.post("callback/credentials", **ADA)
    assert guard.asks_again()
    browser.post("session")
    browser.ask("GET", "session")
    assert not guard.asks_again()
    browser.post("session", data={"name": "Countess"})
    assert guard.asks_again()
    browser.post("signout")
    assert guard.asks_again()
    browser.post("signin/idp")
    browser.ask("GET", "callback/idp?state=s&code=ada")
    assert guard.asks_again()


def test_an_update_gives_the_app_the_data_and_answers_the_session(browser: Browser) -> None:
    assert told(browser.post("session", data={"name": "Nobody"})) == {}
    assert browser.accounts.calls == []
    browser.accounts.signed_in = True
    assert told(browser.post("session", data={"name": "Countess"}))["user"] == {"name": "Countess"}
    assert told(browser.post("session"))["user"] == {"name": "Countess"}, "without data it is a question"
    assert browser.accounts.calls == ["update {'name': 'Countess'}"]


def test_the_session_callback_says_what_a_page_may_know(browser: Browser) -> None:
    browser.bridge = replace(browser.bridge, session_callback=lambda session, account: {**session, "is": account.name})
    browser.accounts.signed_in = True
    assert told(browser.ask("GET", "session"))["is"] == "Ada"


def test_what_json_cannot_say_is_null_as_in_javascript(browser: Browser) -> None:
    numbers = [float("nan"), float("inf"), 1.5]
    browser.bridge = replace(browser.bridge, session_callback=lambda session, account: {**session, "is": numbers})
    browser.accounts.signed_in = True
    assert json.loads(browser.ask("GET", "session").body)["is"] == [None, None, 1.5]


BAD_TOKENS = ["", "0" * 64, "ü", None, 7, ["a"], "other", "|", "lone \ud800"]


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_a_wrong_csrf_token_changes_nothing_and_is_told_as_v4_does(browser: Browser, token: Any) -> None:
    browser.accounts.signed_in = True
    for action, status, answer in (
        ("callback/credentials", 200, {"url": f"{BASE}/signin?csrf=true"}),
        ("signin/credentials", 200, {"url": f"{BASE}/signin?csrf=true"}),
        ("signout", 200, {"url": f"{BASE}/signout?csrf=true"}),
        ("session", 400, {}),
    ):
        reply = browser.post(action, csrfToken=token, data={"name": "Mallory"}, **ADA)
        assert (reply.status, told(reply)) == (status, answer)
    assert browser.accounts.calls == []


@pytest.mark.parametrize("cookie", ["", "|", "mine", "mine|", "mine|mine", "mine|" + "0" * 64, "ü|ü", "\ud800|x"])
def test_a_csrf_cookie_that_the_app_did_not_make_counts_for_nothing(browser: Browser, cookie: str) -> None:
    browser.cookies["next-auth.csrf-token"] = cookie
    reply = browser.ask("POST", "signout", csrfToken=cookie.partition("|")[0], json="true")
    assert told(reply) == {"url": f"{BASE}/signout?csrf=true"}
    assert browser.token() not in cookie
    assert browser.accounts.calls == []


def test_another_apps_csrf_cookie_counts_for_nothing(browser: Browser) -> None:
    other = Browser(Accounts(), replace(browser.bridge, secret=lambda: "another"))
    token = other.token()
    browser.cookies |= other.cookies
    assert told(browser.ask("POST", "signout", csrfToken=token, json="true")) == {"url": f"{BASE}/signout?csrf=true"}


@pytest.mark.parametrize("action", POSTS)
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_post_from_a_page_of_another_origin_is_refused(
    browser: Browser, action: str, headers: Mapping[str, str]
) -> None:
    browser.accounts.signed_in = True
    reply = browser.post(action, headers, data={"name": "Mallory"}, **ADA)
    assert reply.status == 403
    assert "url=" in reply.body, "it says what to do"
    assert browser.accounts.calls == []


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_a_post_from_the_apps_own_page_or_from_no_browser_is_not(browser: Browser, headers: Mapping[str, str]) -> None:
    assert browser.post("callback/credentials", headers, **ADA).status == 200


def test_a_page_of_another_origin_may_come_that_the_app_names(browser: Browser) -> None:
    browser.bridge = replace(browser.bridge, allowed_origins=frozenset({"http://www.test"}))
    for headers in ({"Origin": "http://www.test", "Sec-Fetch-Site": "same-site"}, {"Origin": "http://www.test"}):
        assert browser.post("callback/credentials", headers, **ADA).status == 200
    for headers in ({"Origin": "http://other.test", "Sec-Fetch-Site": "same-site"}, {"Origin": "http://www.test.x"}):
        assert browser.post("callback/credentials", headers, **ADA).status == 403


def test_the_apps_own_page_signs_in_and_sends_back(browser: Browser) -> None:
    reply = browser.ask("GET", f"signin?callbackUrl={ORIGIN}/there")
    assert (reply.status, reply.headers["Location"]) == (302, "/login/?next=%2Fthere")
    reply = browser.ask("GET", "error?error=CredentialsSignin&provider=credentials")
    assert (reply.status, reply.headers["Location"]) == (302, "/login/?next=%2F&error=CredentialsSignin")
    reply = browser.post("signin/credentials", callbackUrl=f"{ORIGIN}/there")
    assert told(reply) == {"url": f"{BASE}/signin?callbackUrl=http%3A%2F%2Fapp.test%2Fthere"}
    assert told(browser.post("signin/nobody")) == {"url": f"{BASE}/signin?csrf=true"}


@pytest.mark.parametrize("url", ["//evil.example", "///evil.example/x", "/\\evil.example", "https://evil.example"])
def test_a_sign_in_page_that_believes_its_next_leads_nowhere_else(browser: Browser, url: str) -> None:
    place = browser.ask("GET", f"signin?callbackUrl={url}").headers["Location"]
    assert place.startswith("/login/?next=%2F")
    assert not place.startswith(("/login/?next=%2F%2F", "/login/?next=%2F%5C"))


def test_without_a_sign_in_page_it_says_what_to_do(browser: Browser) -> None:
    browser.bridge = replace(browser.bridge, sign_in_page=lambda: None)
    reply = browser.ask("GET", "signin")
    assert (reply.status, "sign_in_page=" in reply.body) == (404, True)


def test_a_link_to_sign_out_asks_and_changes_nothing(browser: Browser) -> None:
    browser.accounts.signed_in = True
    reply = browser.ask("GET", 'signout?callbackUrl=/"><script>')
    assert (reply.status, browser.accounts.calls) == (200, [])
    assert "<script>" not in reply.body
    assert f'value="{browser.token()}"' in reply.body
    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("GET", ""),
        ("GET", "nothing"),
        ("GET", "callback/credentials"),
        ("POST", "callback/google"),
        ("POST", "callback/idp"),
        ("GET", "callback/google"),
        ("GET", "callback"),
        ("POST", "callback"),
        ("POST", "csrf"),
        ("PUT", "session"),
        ("DELETE", "session"),
        ("POST", "_session"),
        ("GET", "session/picture.css"),  # which caches may take for a file of everybody's
        ("GET", "csrf/more"),
        ("POST", "signout/more"),
    ],
)
def test_what_there_is_not_is_said_in_words_that_clients_know(browser: Browser, method: str, action: str) -> None:
    reply = browser.ask(method, action)
    assert (reply.status, "is not supported by NextAuth.js" in reply.body) == (400, True)


def test_what_the_javascript_clients_log_is_taken(browser: Browser) -> None:
    assert browser.ask("POST", "_log").status == 200


VISIT = Visit("POST", BASE, "signin", {}, {}.get, {})


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"{ORIGIN}/a?b=1#c", f"{ORIGIN}/a?b=1#c"),
        (f"{ORIGIN}#c", f"{ORIGIN}#c"),
        (f"{ORIGIN}?b", f"{ORIGIN}?b"),
        (ORIGIN, ORIGIN),
        ("HTTP://App.Test/There", f"{ORIGIN}/There"),
        ("/rel?a#b", f"{ORIGIN}/rel?a#b"),
        ("//evil.example/x", f"{ORIGIN}//evil.example/x"),
        ("rel", ORIGIN),
        ("", ORIGIN),
        (None, ORIGIN),
        (["/a"], ORIGIN),
        ("javascript:alert(1)", ORIGIN),
        ("https://app.test/x", ORIGIN),
        ("http://app.test:8000/x", ORIGIN),
        ("http://app.test.evil.example/", ORIGIN),
        ("http://app.test@evil.example/", ORIGIN),
        ("http://app.test:x@evil.example/", ORIGIN),
        ("http://app.test\\@evil.example/", ORIGIN),
        ("/\\evil.example", ORIGIN),
        ("/\t/evil.example", ORIGIN),
        ("\x00http://evil.example", ORIGIN),
    ],
)
def test_a_callback_url_is_of_this_origin_or_that_origin(url: object, place: str) -> None:
    assert resolve_callback_url(url, VISIT) == place


PIECES = st.sampled_from(
    [
        *(
            "http:",
            "https:",
            "/",
            "//",
            "\\",
            "@",
            ":",
            "app.test",
            "evil.example",
            "?",
            "#",
            "\t",
            "\n",
            ".",
            "..",
            "%2f",
        ),
        *("javascript:", "[::1]", ":80", ":8000", "é", "。", "%00", "\u2028", "x", "&", ";", ORIGIN, ORIGIN.upper()),
    ]
)
URLS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=30))
JUDGE = """
const places = JSON.parse(require("fs").readFileSync(0, "utf-8"));
console.log(JSON.stringify(places.map(place => new URL(place, "http://app.test/login/").origin)));
"""


@pytest.mark.heavy("ten thousand URLs, asked of Node.js")
def test_no_callback_url_leads_to_another_origin_as_nodes_own_urls_read_it() -> None:
    places: list[str] = []

    @settings(max_examples=10_000, deadline=None, database=None)
    @given(URLS)
    def resolve(url: str) -> None:
        browser = Browser(Accounts(), Bridge(secret=lambda: "secret", sign_in_page=lambda: "/login/"))
        visit = Visit("GET", BASE, "signin", {"callbackUrl": url}, {}.get, {})
        places.append(resolve_callback_url(url, VISIT))
        place = browser.bridge.answer(visit, browser.accounts).headers["Location"]
        places.append(dict(parse_fields_of(place))["next"])
        browser.accounts.begin("idp", "", callback_url_of(replace(VISIT, fields={"callbackUrl": url})), {})
        visit = Visit("GET", BASE, "callback/idp", {"state": "s", "code": "ada"}, {}.get, {})
        place = browser.bridge.answer(visit, browser.accounts).headers["Location"]
        assert "error=" not in place or "error=" in url
        places.append(place)

    resolve()
    node = find_node()
    assert node is not None
    text = json.dumps(places)
    judged = subprocess.run([str(node.node), "-e", JUDGE], input=text, capture_output=True, text=True, check=True)
    origins = json.loads(judged.stdout)
    assert len(origins) == len(places) >= 3 * 10_000, "an example leads to three places"
    assert [place for place, origin in zip(places, origins, strict=True) if origin != ORIGIN] == []


def parse_fields_of(url: str) -> Mapping[str, Any]:
    return parse_fields(FORM, url.partition("?")[2].encode())


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("http", "App.test:80", "http://app.test"),
        ("https", "app.test:443", "https://app.test"),
        ("https", "app.test:80", "https://app.test:80"),
        ("http", "[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(scheme: str, host: str, origin: str) -> None:
    assert origin_of(scheme, host) == origin


def test_forms_and_json_are_read_and_nothing_else() -> None:
    assert parse_fields(FORM + "; charset=UTF-8", b"a=1&a=2&b=%C3%BC&c=") == {"a": "1", "b": "ü", "c": ""}
    assert parse_fields(JSON, b'{"a": [1]}') == {"a": [1]}
    assert parse_fields(JSON, b"[1]") == parse_fields("text/plain", b"a=1") == parse_fields("", b"") == {}


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"\\ud800"', b"[" * 50_000])
def test_json_that_cannot_be_read_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_fields(JSON, body)
    assert caught.value.reply().status == 400


def test_a_form_has_so_many_fields_and_no_more() -> None:
    assert parse_fields(FORM, b"&".join([b"a=1"] * MOST_FIELDS)) == {"a": "1"}
    with pytest.raises(BadRequest) as caught:
        parse_fields(FORM, b"&".join([b"a=1"] * (MOST_FIELDS + 1)))
    assert caught.value.reply().status == 400


def test_a_body_has_a_limit() -> None:
    with pytest.raises(BadRequest) as caught:
        parse_fields(FORM, b"a" * (LARGEST_BODY + 1))
    assert caught.value.reply().status == 413
