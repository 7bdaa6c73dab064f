"""What the flows do, in order, in every interpreter."""

import asyncio
import json

from nextauth_client import options, protocol
from nextauth_client.errors import (
    BackendUnreachable,
    CookiesBlocked,
    CSRFRefused,
    NotAvailableHere,
    PopupClosed,
    PopupTimedOut,
    UnexpectedAnswer,
    UnsafeURL,
    explain_error,
)
from nextauth_client.events import ADOPT, CHANGED, NAVIGATED, NOTHING
from nextauth_client.flows import Flows, Mutations
from nextauth_client.host import Answer
from nextauth_client.urls import in_ascii, parse_query, resolve

from .helpers import raised, raised_by, turns

ORIGIN = "https://site.example"
BASE = ORIGIN + "/api/auth"
PAGE = ORIGIN + "/page?x=1#top"
PROVIDERS = {
    "credentials": {"id": "credentials", "name": "Password", "type": "credentials"},
    "email": {"id": "email", "name": "E-mail", "type": "email"},
    "google": {"id": "google", "name": "Google", "type": "oidc"},
}
WRONG_PASSWORD = BASE + "/signin?error=CredentialsSignin&code=credentials"
REFUSED = BASE + "/signin?csrf=true"


class Backend:
    """A host whose backend answers from a script, and everything that happens to it in `log`."""

    def __init__(self, page=PAGE, **answers):
        self.page = page
        self.is_page = True
        self.without_cookies = False
        self.log = []
        self.forms = []
        self.tokens = 0
        self.answers = answers  # by the last word of the path: one answer for each request, the last one for all later

    async def fetch(self, request, timeout):
        assert timeout == 10
        path = request.url[len(BASE) :]
        self.log.append(request.method + " " + path)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if path == "/csrf":
            self.tokens += 1
        if request.method == "POST":
            self.forms.append(self.read(request))
        name = path.split("/")[1].split("?")[0]
        script = self.answers.get(name)
        answer = self.by_default(name) if script is None else script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, Answer):
            return answer
        return Answer(200, json.dumps(answer), False, 1000.0)

    def read(self, request):
        if request.headers["Content-Type"] == "application/json":
            return json.loads(request.body)
        return dict(parse_query(request.body))

    def by_default(self, name):
        if name == "providers":
            return PROVIDERS
        if name == "csrf":
            return {"csrfToken": f"token{self.tokens}"}
        if name == "session":
            return {"user": {"name": "Ada"}}
        return {"url": self.forms[-1]["callbackUrl"]}

    async def blocks_cookies(self):
        return self.without_cookies

    def can_navigate(self):
        return self.is_page

    async def navigate(self, url):
        self.log.append("navigate " + url)

    def page_url(self):
        return self.page

    def resolve(self, url):
        return in_ascii(resolve(url, self.page))

    def note_departure(self):
        self.log.append("departure")


class Told(Mutations):
    """Writes the mutations into the log of the host."""

    def __init__(self, log):
        self.log = log
        self.open = []

    def begin(self, mutation):
        if self.open == [mutation]:  # said again before the POST
            return
        assert not self.open, "two mutations at once"
        self.open.append(mutation)
        self.log.append("begin")

    def end(self, mutation, outcome, session=None, date=None):
        assert self.open == [mutation]
        self.open.clear()
        self.log.append(("end", outcome, session, date))


def start(**answers):
    page = answers.pop("page", PAGE)
    backend = Backend(page, **answers)
    return backend, Flows(backend, protocol, BASE, 10, Told(backend.log))


def url_of(url, status=200):
    return Answer(status, json.dumps({"url": url}), False, 1000.0)


def sign_in(flow, provider="credentials", callback_url=None, redirect=False, params=(), fields=None):
    return flow.sign_in(provider, callback_url, redirect, list(params), fields or {})


# ── queries ────────────────────────────────────────────────────────────────────────────────────


async def test_the_session_comes_with_the_backends_clock():
    backend, flow = start()
    assert await flow.query_session() == ({"user": {"name": "Ada"}}, 1000.0)
    assert backend.log == ["GET /session"]
    backend, flow = start(session=[{}])
    assert await flow.query_session() == (None, 1000.0)


async def test_queries_that_fail_raise():
    for answer, kind in ((BackendUnreachable("x"), BackendUnreachable), (Answer(500, "oops"), UnexpectedAnswer)):
        _, flow = start(session=[answer], csrf=[answer], providers=[answer])
        await raised_by(kind, flow.query_session())
        await raised_by(kind, flow.get_csrf_token())
        await raised_by(kind, flow.get_providers())
        await raised_by(kind, sign_in(flow))
        await raised_by(kind, flow.sign_out(None, False))
        await raised_by(kind, flow.update_session(None))


async def test_a_token_and_the_providers_are_asked_for_anew_each_time():
    backend, flow = start()
    assert await flow.get_csrf_token() == "token1"
    assert await flow.get_csrf_token() == "token2"
    assert sorted(await flow.get_providers()) == ["credentials", "email", "google"]
    assert backend.log == ["GET /csrf", "GET /csrf", "GET /providers"]


async def test_what_may_set_the_tokens_cookie_is_asked_one_after_the_other():
    backend, flow = start()
    running = []

    async def fetch(request, timeout, fetch=backend.fetch):
        running.append(True)
        assert len(running) == 1
        try:
            return await fetch(request, timeout)
        finally:
            running.pop()

    backend.fetch = fetch
    calls = [flow.get_csrf_token(), flow.get_providers(), sign_in(flow), flow.get_csrf_token(), flow.get_providers()]
    for task in [asyncio.create_task(call) for call in calls]:
        await task


# ── signing in with credentials ──────────────────────────────────────────────────────────────────


async def test_credentials_are_posted_with_a_fresh_token():
    backend, flow = start()
    result = await sign_in(flow, fields={"username": "ada", "password": "x"})
    assert result.ok and result.url == PAGE and result.status == 200
    assert backend.log == [
        "GET /providers",
        "begin",
        "GET /csrf",
        "POST /callback/credentials",
        ("end", CHANGED, None, None),
    ]
    assert backend.forms == [
        {"username": "ada", "password": "x", "csrfToken": "token1", "callbackUrl": PAGE, "json": "true"}
    ]


async def test_with_a_redirect_the_page_leaves_when_all_is_told():
    backend, flow = start()
    result = await sign_in(flow, callback_url="/home", redirect=True)
    assert result.ok and result.url == ORIGIN + "/home"
    assert backend.log[-3:] == [("end", NAVIGATED, None, None), "departure", "navigate " + ORIGIN + "/home"]


async def test_a_wrong_password_is_a_result_and_changes_nothing():
    backend, flow = start(callback=[url_of(WRONG_PASSWORD)])
    result = await sign_in(flow)
    assert not result
    assert (result.error, result.code, result.url) == ("CredentialsSignin", "credentials", None)
    assert backend.log[-1] == ("end", NOTHING, None, None)


async def test_a_wrong_password_with_a_redirect_leads_to_the_page_that_says_so():
    backend, flow = start(callback=[url_of(WRONG_PASSWORD)])
    result = await sign_in(flow, redirect=True)
    assert not result
    assert backend.log[-1] == "navigate " + WRONG_PASSWORD
    assert ("end", NOTHING, None, None) in backend.log


async def test_a_token_that_is_refused_once_is_fetched_again():
    backend, flow = start(callback=[url_of(REFUSED), url_of(PAGE)])
    assert await sign_in(flow)
    assert backend.log[2:-1] == ["GET /csrf", "POST /callback/credentials"] * 2
    assert [form["csrfToken"] for form in backend.forms] == ["token1", "token2"]
    assert backend.log[-1] == ("end", CHANGED, None, None)


async def test_a_token_that_is_refused_twice_raises_and_nothing_has_changed():
    for redirect in (False, True):
        backend, flow = start(callback=[url_of(REFUSED)])
        error = await raised_by(CSRFRefused, sign_in(flow, redirect=redirect))
        assert "sign in" in error.message and "cookies" in error.message
        assert len(backend.forms) == 2
        assert backend.log[-1] == ("end", NOTHING, None, None)


async def test_where_cookies_are_blocked_a_refused_token_says_so():
    backend, flow = start(callback=[url_of(REFUSED)], signout=[url_of(REFUSED)])
    backend.without_cookies = True
    for what, action in (("sign in", sign_in(flow)), ("sign out", flow.sign_out(None, False))):
        error = await raised_by(CookiesBlocked, action)
        assert what in error.message and "blocks cookies" in error.message
        assert "cookies" in explain_error(error.code) and "Allow" in explain_error(error.code)


async def test_a_failure_on_the_way_ends_the_mutation_which_may_be_done_once_it_was_posted():
    for answers, outcome in (
        ({"csrf": [BackendUnreachable("x")]}, NOTHING),
        ({"callback": [BackendUnreachable("x")]}, CHANGED),
        ({"callback": [Answer(500, "oops")]}, CHANGED),
        ({"callback": [url_of("javascript:alert(1)")]}, CHANGED),
    ):
        backend, flow = start(**answers)
        await raised_by((BackendUnreachable, UnexpectedAnswer, UnsafeURL), sign_in(flow, redirect=True))
        assert backend.log[-1][:2] == ("end", outcome)
        assert backend.log.count("begin") == 1
        assert await flow.get_csrf_token() if "csrf" not in answers else True


async def test_a_cancelled_mutation_ends_and_lets_the_next_one_go():
    for wait in range(1, 12):
        backend, flow = start()
        task = asyncio.create_task(sign_in(flow))
        await turns(wait)
        if task.done():
            break
        task.cancel()
        await raised_by(asyncio.CancelledError, task)
        ends = [entry for entry in backend.log if entry[0] == "end"]
        assert len(ends) == backend.log.count("begin")
        posted = any(entry.startswith("POST") for entry in backend.log if isinstance(entry, str))
        assert [entry[1] for entry in ends] == ([CHANGED if posted else NOTHING] if ends else [])
        assert await asyncio.create_task(sign_in(flow))
    assert wait > 5


async def test_two_mutations_at_once_are_one_after_the_other():
    backend, flow = start()
    tasks = [
        asyncio.create_task(sign_in(flow, fields={"username": "ada"})),
        asyncio.create_task(sign_in(flow, fields={"username": "eve"})),
        asyncio.create_task(flow.sign_out(None, False)),
        asyncio.create_task(flow.update_session({"a": 1})),
    ]
    for task in tasks:
        await task
    steps = [entry for entry in backend.log if entry not in ("GET /providers", "begin") and entry[0] != "end"]
    assert steps[::2] == ["GET /csrf"] * 4
    assert sorted(steps[1::2]) == ["POST /callback/credentials"] * 2 + ["POST /session", "POST /signout"]
    assert sorted(form["csrfToken"] for form in backend.forms) == ["token1", "token2", "token3", "token4"]


# ── signing in in other ways ─────────────────────────────────────────────────────────────────────


async def test_an_email_is_a_result_and_no_mutation():
    sent = BASE + "/verify-request?provider=email&type=email"
    backend, flow = start(signin=[url_of(sent)])
    result = await sign_in(flow, "email", fields={"email": "ada@example.org"})
    assert result.ok and result.url == sent
    assert backend.log == ["GET /providers", "GET /csrf", "POST /signin/email"]
    assert backend.forms[0]["email"] == "ada@example.org"
    await sign_in(flow, "email", redirect=True, fields={"email": "ada@example.org"})
    assert backend.log[-2:] == ["departure", "navigate " + sent]


async def test_an_address_without_an_at_never_leaves_the_page():
    for fields in ({}, {"email": ""}, {"email": "ada"}, {"email": None}, {"email": 1}):
        backend, flow = start()
        assert "@" in str(await raised_by(ValueError, sign_in(flow, "email", fields=fields)))
        assert backend.forms == []


async def test_only_email_needs_an_address():
    backend, flow = start()
    await sign_in(flow, "credentials", fields={"email": "no address"})
    await sign_in(flow, "google")
    assert len(backend.forms) == 2


async def test_an_identity_provider_always_means_leaving():
    for redirect in (True, False):
        backend, flow = start(signin=[url_of("https://idp.example/authorize?x=1")])
        result = await sign_in(flow, "google", redirect=redirect, params=[("prompt", "login")])
        assert result.ok and result.url == "https://idp.example/authorize?x=1"
        assert backend.log == [
            "GET /providers",
            "GET /csrf",
            "POST /signin/google?prompt=login",
            "departure",
            "navigate https://idp.example/authorize?x=1",
        ]


async def test_no_provider_or_an_unknown_one_leads_to_the_backends_page():
    page = BASE + "/signin?callbackUrl=https%3A%2F%2Fsite.example%2Fpage%3Fx%3D1%23top"
    backend, flow = start()
    assert await sign_in(flow, None)
    assert backend.log == ["departure", "navigate " + page]
    backend, flow = start()
    assert await sign_in(flow, "nosuch", redirect=False)
    assert backend.log == ["GET /providers", "departure", "navigate " + page]


# ── where the person ends ────────────────────────────────────────────────────────────────────────


async def test_the_way_back_is_always_absolute_and_ascii():
    for given, sent in (
        (None, PAGE),
        ("", PAGE),
        ("/home", ORIGIN + "/home"),
        ("home", ORIGIN + "/home"),
        ("?y=2", ORIGIN + "/page?y=2"),
        ("https://other.example/x", "https://other.example/x"),
        ("//other.example/x", "https://other.example/x"),
        ("/Zoë 🐘?q=漢#ß", ORIGIN + "/Zo%C3%AB%20%F0%9F%90%98?q=%E6%BC%A2#%C3%9F"),
        ("/a%20b+c?%41=%", ORIGIN + "/a%20b+c?%41=%"),
    ):
        backend, flow = start()
        await sign_in(flow, callback_url=given)
        await flow.sign_out(given, False)
        assert [form["callbackUrl"] for form in backend.forms] == [sent, sent], given


async def test_a_way_back_that_is_no_page_is_refused_before_anything_is_sent():
    for url in ("javascript:alert(1)", " data:text/html,x"):
        backend, flow = start()
        await raised_by(UnsafeURL, sign_in(flow, callback_url=url))
        await raised_by(UnsafeURL, flow.sign_out(url, True))
        assert backend.log == []


async def test_an_error_of_the_sign_in_before_is_left_behind():
    for page, sent in (
        ("/login?error=CredentialsSignin&code=credentials&x=1#top", "/login?x=1#top"),
        ("/login?error=OAuthCallback", "/login"),
        ("/login?error=Whatever%20was%20thrown&x=1", "/login?x=1"),
        ("/login?code=1", "/login?code=1"),
    ):
        backend, flow = start(page=ORIGIN + page)
        assert await sign_in(flow)
        assert backend.forms[0]["callbackUrl"] == ORIGIN + sent


async def test_a_sign_in_on_a_page_with_an_error_succeeds_and_fails_as_elsewhere():
    for page in ("/login?error=CredentialsSignin&code=credentials", "/login?error=Whatever"):
        _, flow = start(page=ORIGIN + page)
        assert await sign_in(flow)
        assert await flow.sign_out(None, False)
        _, flow = start(page=ORIGIN + page, callback=[url_of(WRONG_PASSWORD)])
        assert not await sign_in(flow)


async def test_a_refusal_that_leads_back_to_the_page_with_its_error_is_one_each_time():
    # `authorize` (v3) or `callbacks.signIn` (v4, v5) may answer with a URL of the site's own.
    for page in ("/login", "/login?error=EmailNotVerified"):
        _, flow = start(page=ORIGIN + page, callback=[url_of("/login?error=EmailNotVerified")])
        result = await sign_in(flow)
        assert (result.ok, result.error) == (False, "EmailNotVerified")


async def test_a_bad_request_is_no_reason_to_send_a_password_twice():
    for text in ('"Bad request."', "<h1>Bad Request</h1>", ""):
        backend, flow = start(callback=[Answer(400, text)])
        await raised_by(UnexpectedAnswer, sign_in(flow))
        assert backend.log.count("POST /callback/credentials") == 1


# ── in a window of its own ───────────────────────────────────────────────────────────────────────

AUTHORIZE = "https://accounts.example/authorize"


class Window:
    """A window that shows these addresses, one a look; after the last one it is closed. None is another origin's."""

    def __init__(self, *addresses):
        self.addresses = list(addresses)
        self.went = []
        self.closed = False
        self.hides = False

    async def may_hide(self):
        return self.hides

    def go(self, url):
        self.went.append(url)

    async def address(self):
        return self.addresses.pop(0)

    def is_closed(self):
        return self.closed or not self.addresses

    def close(self):
        self.closed = True


class Asked(Told):
    """Mutations of which somebody is, or is not, signed in in the end."""

    def __init__(self, log, signed_in):
        Told.__init__(self, log)
        self.signed_in = signed_in

    async def is_signed_in(self):
        self.log.append("ask")
        return self.signed_in

    def newest(self):
        return 7

    async def signed_in_since(self, newest, timeout):
        assert (newest, timeout) == (7, 300)
        self.log.append("wait")
        return self.signed_in


async def in_a_window(window, signed_in=True, provider="google", **answers):
    answers.setdefault("signin", [url_of(AUTHORIZE)])
    backend = Backend(PAGE, **answers)
    flow = Flows(backend, protocol, BASE, 10, Asked(backend.log, signed_in))
    try:
        return backend, await flow.sign_in(provider, None, True, [], {}, window)
    finally:
        assert window.closed


async def test_a_sign_in_in_a_window_ends_where_it_began_and_the_page_stays():
    for last in (PAGE, PAGE.split("#")[0] + "#other", ORIGIN + "/", ORIGIN):
        window = Window("about:blank", None, None, BASE + "/verify", last, "never looked at")
        backend, result = await in_a_window(window)
        assert (result.ok, result.url) == (True, last)
        assert window.went == [AUTHORIZE]
        assert backend.log == ["GET /providers", "GET /csrf", "POST /signin/google", "ask"]


async def test_a_sign_in_in_a_window_ends_on_any_page_of_the_site_once_somebody_is_signed_in():
    window = Window("about:blank", None, BASE + "/verify", ORIGIN + "/docs/", "never looked at")
    backend, result = await in_a_window(window)
    assert (result.ok, result.url) == (True, ORIGIN + "/docs/")
    assert backend.log[-2:] == ["ask", "ask"]


async def test_a_page_of_the_sites_own_to_sign_in_on_is_not_the_end_and_asks_once():
    login = ORIGIN + "/login?callbackUrl=x"
    backend, result = await in_a_window(Window(login, login, login, PAGE), signed_in=False)
    assert backend.log.count("ask") == 2  # on that page, and in the end
    assert not result.ok


async def test_a_sign_in_in_a_window_that_is_refused_says_why():
    _, result = await in_a_window(Window(None, BASE + "/error?error=AccessDenied"))
    assert (result.ok, result.error, result.url) == (False, "AccessDenied", None)
    _, result = await in_a_window(Window(ORIGIN + "/login?error=CredentialsSignin&code=locked"))
    assert (result.error, result.code) == ("CredentialsSignin", "locked")


async def test_a_window_that_is_closed_is_a_failure_unless_somebody_has_signed_in():
    await raised_by(PopupClosed, in_a_window(Window(None, None), signed_in=False))
    _, result = await in_a_window(Window(None, None), signed_in=True)
    assert result.ok


async def test_a_window_that_hides_is_over_when_any_tab_knows_that_somebody_signed_in():
    for signed_in in (True, False):
        window = Window("about:blank")
        window.hides = True
        if signed_in:
            backend, result = await in_a_window(window)
            assert (result.ok, result.url) == (True, PAGE)
            assert backend.log[-1] == "wait"
        else:
            await raised_by(PopupTimedOut, in_a_window(window, signed_in=False))


async def test_a_window_that_came_back_with_nobody_signed_in_is_a_refusal():
    _, result = await in_a_window(Window(PAGE), signed_in=False)
    assert (result.ok, result.error) == (False, "Callback")


async def test_the_backends_own_page_opens_in_a_window_too():
    window = Window(PAGE)
    backend, result = await in_a_window(window, provider=None)
    assert result.ok
    assert window.went[0].startswith(BASE + "/signin?callbackUrl=")
    assert not [entry for entry in backend.log if entry.startswith("navigate")]


async def test_what_needs_no_window_closes_it():
    window = Window("about:blank")
    backend, result = await in_a_window(window, provider="credentials")
    assert result.ok and window.went == []
    assert backend.log[-1] == "navigate " + PAGE
    window = Window("about:blank")
    await raised_by(UnsafeURL, in_a_window(window, signin=[url_of("javascript:alert(1)")]))


# ── signing out ──────────────────────────────────────────────────────────────────────────────────


async def test_signing_out_is_confirmed_before_the_page_leaves():
    backend, flow = start()
    result = await flow.sign_out("/bye", True)
    assert result.url == ORIGIN + "/bye"
    assert backend.log == [
        "begin",
        "GET /csrf",
        "POST /signout",
        ("end", ADOPT, None, 1000.0),
        "navigate " + ORIGIN + "/bye",
    ]
    backend, flow = start()
    assert (await flow.sign_out(None, False)).url == PAGE
    assert backend.log[-1] == ("end", ADOPT, None, 1000.0)


async def test_where_a_sign_out_leads_is_the_backends_word():
    _, flow = start(signout=[url_of(ORIGIN)])
    assert (await flow.sign_out("https://other.example/", False)).url == ORIGIN


async def test_a_sign_out_that_fails_raises_and_is_looked_into_unless_the_token_was_refused():
    for url, kind, outcome in (
        (BASE + "/signout?csrf=true", CSRFRefused, NOTHING),
        (BASE + "/error?error=Configuration", UnexpectedAnswer, CHANGED),
    ):
        backend, flow = start(signout=[url_of(url)])
        await raised_by(kind, flow.sign_out(None, True))
        assert backend.log[-1][:2] == ("end", outcome)
    backend, flow = start(signout=[url_of(BASE + "/signout?csrf=true"), url_of(PAGE)])
    await flow.sign_out(None, False)
    assert backend.log[-1] == ("end", ADOPT, None, 1000.0)
    assert [form["csrfToken"] for form in backend.forms] == ["token1", "token2"]


# ── updating ─────────────────────────────────────────────────────────────────────────────────────


async def test_an_update_gives_the_new_session():
    backend, flow = start()
    assert await flow.update_session({"a": 1}) == {"user": {"name": "Ada"}}
    assert backend.forms == [{"csrfToken": "token1", "data": {"a": 1}}]
    assert backend.log == [
        "begin",
        "GET /csrf",
        "POST /session",
        ("end", ADOPT, {"user": {"name": "Ada"}}, 1000.0),
    ]


async def test_an_update_can_find_that_nobody_is_signed_in():
    backend, flow = start(session=[Answer(200, "null")])
    assert await flow.update_session(None) is None
    assert backend.log[-1] == ("end", ADOPT, None, None)


async def test_an_update_that_is_refused_is_tried_once_more():
    for text in ("{}", "null", "[object Object]"):
        backend, flow = start(session=[Answer(400, text), Answer(200, "{}")])
        assert await flow.update_session(None) is None
        assert len(backend.forms) == 2
        backend, flow = start(session=[Answer(400, text)])
        await raised_by(CSRFRefused, flow.update_session(None))
        assert len(backend.forms) == 2
        assert backend.log[-1] == ("end", NOTHING, None, None)


async def test_a_backend_that_cannot_update_is_asked_once():
    backend, flow = start(session=[Answer(400, "Error: This action with HTTP POST is not supported by NextAuth.js")])
    error = await raised_by(UnexpectedAnswer, flow.update_session({"a": 1}))
    assert "cannot update" in error.message
    assert [line for line in backend.log if line != "begin"] == [
        "GET /csrf",
        "POST /session",
        ("end", NOTHING, None, None),
    ]


# ── backends that say it in other ways ───────────────────────────────────────────────────────────


class Slashes(Backend):
    """Redirects what has no slash at the end of its path, or what has one."""

    wants = True

    async def fetch(self, request, timeout):
        path, _mark, _query = request.url.partition("?")
        if path.endswith("/") is not self.wants:
            self.log.append("redirect")
            return Answer(0, "", True)
        other = request.with_other_slash() if self.wants else request
        return await Backend.fetch(self, other, timeout)


async def test_a_backend_that_wants_a_slash_at_the_end_is_asked_again_there_and_then_always():
    backend = Slashes()
    flow = Flows(backend, protocol, BASE, 10, Told(backend.log))
    assert (await flow.query_session())[0] == {"user": {"name": "Ada"}}
    assert backend.log == ["redirect", "GET /session"]
    assert (await sign_in(flow, "credentials", fields={"password": "pw"})).ok
    assert "redirect" not in backend.log[1:]
    backend.wants = False
    assert (await flow.query_session())[0] == {"user": {"name": "Ada"}}


async def test_a_redirect_of_another_kind_is_asked_again_once():
    backend, flow = start(session=[Answer(0, "", True)])
    for _ in range(3):
        await raised_by(UnexpectedAnswer, flow.query_session())
    assert backend.log == ["GET /session", "GET /session/", "GET /session", "GET /session"]


async def test_a_sign_out_that_is_answered_with_nothing_is_done_when_nobody_is_signed_in():
    backend = Backend(signout=[{}])
    flow = Flows(backend, protocol, BASE, 10, Asked(backend.log, False))
    assert (await flow.sign_out("/bye", False)).url == ORIGIN + "/bye"
    assert ("end", CHANGED, None, None) in backend.log
    assert backend.log[-1] == "ask"


async def test_and_refused_when_somebody_is_still():
    backend = Backend(signout=[{}])
    flow = Flows(backend, protocol, BASE, 10, Asked(backend.log, True))
    await raised_by(UnexpectedAnswer, flow.sign_out(None, True))
    assert not [entry for entry in backend.log if str(entry).startswith("navigate")]


async def test_a_worker_posts_nothing_for_a_provider_that_leads_elsewhere():
    for provider in ("google", "nosuch"):
        backend, flow = start()
        backend.is_page = False
        error = await raised_by(NotAvailableHere, sign_in(flow, provider))
        assert f'<button data-auth-signin="{provider}">' in error.message
        assert backend.log == ["GET /providers"]


async def test_a_worker_signs_in_with_what_needs_no_other_page():
    backend, flow = start()
    backend.is_page = False
    for provider, fields in (("credentials", {"username": "a"}), ("email", {"email": "a@example.org"})):
        assert await sign_in(flow, provider, fields=fields)
    assert not [entry for entry in backend.log if str(entry).startswith("navigate")]


# ── spellings ────────────────────────────────────────────────────────────────────────────────────


def test_a_javascript_spelling_is_refused_with_the_python_word():
    for name, word in (
        ("callbackUrl", "callback_url="),
        ("refetchInterval", "keep_alive="),
        ("basePath", "base_path="),
    ):
        message = str(raised(TypeError, options.refuse_javascript, {name: 1}))
        assert name in message and word in message
    options.refuse_javascript({"callback_url": 1, "username": 2})


def test_an_unknown_keyword_is_refused_with_the_one_that_was_meant():
    known = ("callback_url", "redirect")
    for name, end in (
        ("redirct", "redirct=. Did you mean redirect=?"),
        ("callback_ulr", "callback_ulr=. Did you mean callback_url=?"),
        ("callbackUrl", "write callback_url="),
        ("nosuch", "unexpected keyword argument nosuch="),
    ):
        message = str(raised(TypeError, options.refuse_unknown, {name: 1}, known))
        assert message.endswith(end), message
    options.refuse_unknown({}, known)


def test_a_slip_of_the_pen_is_told_from_another_word():
    known = ("callback_url", "redirect", "popup", "host")
    for name, meant in (
        ("calback_url", "callback_url"),
        ("callbackurl", "callback_url"),
        ("callback_uri", "callback_url"),
        ("Redirect", "redirect"),
        ("rediretc", "redirect"),
        ("pop_up", "popup"),
        ("popups", "popup"),
        ("hots", None),
        ("ghost", "host"),
        ("callback", None),
        ("url", None),
        ("email", None),
        ("username", None),
        ("password", None),
        ("csrfToken", None),
        ("", None),
    ):
        assert options.similar(name, known) == meant, name
