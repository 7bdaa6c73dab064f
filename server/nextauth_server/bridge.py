"""The wire of NextAuth.js v4 over accounts that an app has already. No I/O, and no framework.

A `Bridge` says what to answer to a `Visit`. What it must know or have done of the app's accounts it yields as calls,
and goes on with what they gave, so that sync and async frameworks share it: `answer` and `answer_async` make the calls.
"""

import hashlib
import hmac
import html
import inspect
import json
import logging
import re
import secrets
from collections.abc import Callable, Generator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode

from nextauth_client import protocol

from .embed import json_text
from .finding import forget_sessions
from .origins import DEFAULT_PORTS, comes_from_elsewhere
from .providers import LONGEST_CALLBACK_URL, Begun

logger = logging.getLogger("nextauth_server")

NAME = "nextauth_server"  # of the bridge's routes, where a framework has names for them
LARGEST_BODY = 1_000_000  # bytes, as in v4
MOST_FIELDS = 1000  # of a form, as in Django: reading more would hold an event loop up
NOT_CACHED = {"Cache-Control": "private, no-cache, no-store", "Vary": "Cookie"}
OWN_FIELDS = frozenset({"callbackUrl", "csrfToken", "json"})  # of a form with credentials, which are the protocol's
# What stays as it is in a URL that is text already, for headers hold ASCII.
URL_CHARACTERS = "%:/?#[]@!$&'()*+,;=~"
# Browsers drop some of these, and read a backslash as a slash: the URL would lead elsewhere than it says.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")

Steps = Generator[Callable[[], Any], Any, "Reply"]


class SignInRefused(Exception):
    """Raised by an app's own sign-in: nobody is signed in, and the page's result has `code` as its `error`.

    `"AccessDenied"` is for a person who is known and may not come in, `"TooManyRequests"` for too many tries; any other
    code reaches the page as it is (`"SecondFactorRequired"`), and everybody may read it.
    """

    def __init__(self, code: str = "CredentialsSignin") -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class SignedIn:
    """Who a request is from: the user as the page may see them, the app's own object, the end of the session."""

    user: Mapping[str, Any]
    account: Any
    expires: datetime


class Accounts(Protocol):
    """The accounts of an app, for one request. Each call may give an awaitable where the bridge is an async one.

    What has to do with a provider raises `SignInRefused`, too, with the code for the page.
    """

    def who(self) -> Any:
        """`SignedIn`, or `None` when nobody is, or somebody who may not be any more."""

    def sign_in(self, fields: Mapping[str, str]) -> Any:
        """Whether these credentials are somebody's, who is signed in from now on. Raises `SignInRefused`."""

    def sign_out(self) -> Any:
        """Nobody is signed in any more."""

    def update(self, data: Any) -> Any:
        """What `update_session` of a page wants to be changed; the app decides what that is."""

    def providers(self) -> Any:
        """Each `Provider` that people may sign in with instead of a password."""

    def begin(self, provider: str, redirect_uri: str, callback_url: str, parameters: Mapping[str, str]) -> Any:
        """The URL at the provider, which sends the person back to `redirect_uri`; they shall end at `callback_url`."""

    def end(self, provider: str, state: str) -> Any:
        """The sign-in that began so, as `Begun`, which is forgotten; `None` for one that did not begin here."""

    def finish(self, begun: Begun, redirect_uri: str, code: str) -> Any:
        """Whether whom the provider names by that code is somebody, who is signed in from now on."""


class Named:
    """Which fields of a form reach a function: those that its parameters are named after.

    Whoever posts a form chooses the names in it, so no other parameter is given anything.
    """

    def __init__(self, function: Callable[..., Any], first: int = 0) -> None:
        """`first` parameters are given by position."""
        all_parameters = list(inspect.signature(function).parameters.values())
        by_position, parameters = all_parameters[:first], all_parameters[first:]
        self.taken = {one.name for one in by_position}
        by_name = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
        self.takes_any = any(one.kind is one.VAR_KEYWORD for one in parameters)
        self.takes = {one.name for one in by_name}
        self.needs = {one.name for one in by_name if one.default is one.empty}

    def of(self, fields: Mapping[str, str]) -> Mapping[str, str] | None:
        """`None` where one is missing that the function needs."""
        names = fields.keys() - self.taken if self.takes_any else self.takes
        given = {name: value for name, value in fields.items() if name in names}
        return given if self.needs <= given.keys() else None


@dataclass(frozen=True)
class Visit:
    """A request, as plain data. `base` is the absolute URL before `/session`, `action` the path after it."""

    method: str
    base: str
    action: str
    query: Mapping[str, str]
    header: Callable[[str], str | None]  # whatever the case of its name
    cookies: Mapping[str, str]
    fields: Mapping[str, Any] = field(default_factory=dict)  # of the form, or of the JSON object

    @property
    def origin(self) -> str:
        scheme, _, rest = self.base.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"

    @property
    def is_secure(self) -> bool:
        return self.base.startswith("https:")


@dataclass
class Reply:
    """What to answer. `cookies` are set for the whole site and no script: (name, value, is_secure)."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[tuple[str, str, bool]] = field(default_factory=list)


class BadRequest(Exception):
    """A request that cannot be read: who sent it is told why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def reply(self) -> Reply:
        return _text(self.status, self.message)


def unchanged(session: dict[str, Any], account: Any) -> dict[str, Any]:
    return session


@dataclass(frozen=True)
class Bridge:
    """The endpoints. `secret()` signs CSRF tokens; `sign_in_page()` is the app's own, a path or URL that takes `next=`.

    `session_callback(session, account)` gives what a page may know of the app's account. Pages of `allowed_origins` may
    sign in, too.
    """

    secret: Callable[[], str]
    sign_in_page: Callable[[], str | None]
    session_callback: Callable[[dict[str, Any], Any], Mapping[str, Any]] = unchanged
    name: str = "Password"
    allowed_origins: frozenset[str] = frozenset()

    def answer(self, visit: Visit, accounts: Accounts) -> Reply:
        """For frameworks whose accounts answer at once."""
        steps = self.steps(visit, accounts)
        try:
            call = next(steps)
            while True:
                try:
                    given = call()
                except SignInRefused as refusal:
                    call = steps.throw(refusal)
                else:
                    call = steps.send(given)
        except StopIteration as end:
            return _finished(end)

    async def answer_async(self, visit: Visit, accounts: Accounts) -> Reply:
        """The same where calls may give awaitables."""
        steps = self.steps(visit, accounts)
        try:
            call = next(steps)
            while True:
                try:
                    given = call()
                    if inspect.isawaitable(given):
                        given = await given
                except SignInRefused as refusal:
                    call = steps.throw(refusal)
                else:
                    call = steps.send(given)
        except StopIteration as end:
            return _finished(end)

    def steps(self, visit: Visit, accounts: Accounts) -> Steps:
        """Yields the calls to make, each of which is answered with what it gave."""
        if visit.method == "POST" and is_foreign(visit, self.allowed_origins):
            return _text(403, "This came from a page of another site, and was refused. " + HINT_AT_ORIGIN)
        action, _, provider = visit.action.strip("/").partition("/")
        handle = ENDPOINTS.get((visit.method, action))
        is_longer = provider != "" and action not in ("signin", "callback")  # no file's name: caches go by it
        is_passwords = provider == "credentials"
        if handle is None or is_longer or (action == "callback" and is_passwords is not (visit.method == "POST")):
            return _unsupported(visit)
        answer = handle(self, visit, accounts)
        return answer if isinstance(answer, Reply) else (yield from answer)

    def _csrf_of(self, visit: Visit) -> "CSRF":
        return CSRF.of(visit, self.secret())

    # ── the endpoints ──

    def _session(self, visit: Visit, accounts: Accounts) -> Steps:
        signed_in = yield accounts.who
        return _json(self._session_of(signed_in))

    def _session_of(self, signed_in: SignedIn | None) -> Mapping[str, Any]:
        if signed_in is None:
            return {}
        expires = signed_in.expires.astimezone(timezone.utc).isoformat(timespec="milliseconds")
        user = {name: value for name, value in signed_in.user.items() if value is not None}
        session = {"user": user, "expires": expires.replace("+00:00", "Z")}
        return self.session_callback(session, signed_in.account)

    def _update(self, visit: Visit, accounts: Accounts) -> Steps:
        if not self._csrf_of(visit).is_verified:
            return _json({}, 400)
        signed_in = yield accounts.who
        if signed_in is not None and "data" in visit.fields:
            yield lambda: accounts.update(visit.fields["data"])
            forget_sessions()
            signed_in = yield accounts.who
        return _json(self._session_of(signed_in))

    def _csrf(self, visit: Visit, accounts: Accounts) -> Reply:
        csrf = self._csrf_of(visit)
        return csrf.kept_by(_json({"csrfToken": csrf.token}), visit)

    def _providers(self, visit: Visit, accounts: Accounts) -> Steps:
        known = yield accounts.providers
        told = {"credentials": _told(visit, "credentials", self.name, "credentials")}
        for one in known:
            told[one.id] = _told(visit, one.id, one.name, "oauth", one.callback_path)
        return _json(told)

    def _show_sign_in(self, visit: Visit, accounts: Accounts) -> Reply:
        return self._to_sign_in_page(visit, visit.query.get("callbackUrl"), visit.query.get("error"))

    def _start_sign_in(self, visit: Visit, accounts: Accounts) -> Steps:
        provider = _provider_of(visit)
        callback_url = callback_url_of(visit)
        nowhere = f"{visit.base}/signin?csrf=true"
        if not self._csrf_of(visit).is_verified:
            return _leading(visit, nowhere)
        if provider in ("", "credentials"):
            return _leading(visit, protocol.sign_in_page(visit.base, callback_url))
        known = yield accounts.providers
        if provider not in [one.id for one in known]:
            return _leading(visit, nowhere)
        redirect_uri = _callback_of(visit, provider)
        if len(quote(callback_url, safe=URL_CHARACTERS)) > LONGEST_CALLBACK_URL:  # no shorter than in JSON
            callback_url = visit.origin
        try:
            url = yield lambda: accounts.begin(provider, redirect_uri, callback_url, visit.query)
        except SignInRefused as refusal:
            url = error_url(visit.base, refusal.code, callback_url)
        return _leading(visit, url)

    def _sign_in(self, visit: Visit, accounts: Accounts) -> Steps:
        if not self._csrf_of(visit).is_verified:
            return _leading(visit, f"{visit.base}/signin?csrf=true")
        credentials = {
            name: value for name, value in visit.fields.items() if name not in OWN_FIELDS and isinstance(value, str)
        }
        try:
            is_somebody = yield lambda: accounts.sign_in(credentials)
        except SignInRefused as refusal:
            return _sign_in_failed(visit, refusal.code)
        if not is_somebody:
            return _sign_in_failed(visit, "CredentialsSignin")
        forget_sessions()
        return _leading(visit, callback_url_of(visit))

    def _finish_sign_in(self, visit: Visit, accounts: Accounts) -> Steps:
        """Where a provider sends the person back to."""
        provider = _provider_of(visit)
        known = yield accounts.providers
        if provider not in [one.id for one in known if one.callback_path is None]:
            return _unsupported(visit)
        begun = yield lambda: accounts.end(provider, visit.query.get("state", ""))
        if begun is None:  # in another browser, too long ago, or it is over
            return _found(error_url(visit.base, "OAuthCallback"))
        callback_url = resolve_callback_url(begun.callback_url, visit)
        if "error" in visit.query:  # the person said no, for example
            return _found(error_url(visit.base, "Callback", callback_url))
        redirect_uri, code = _callback_of(visit, provider), visit.query.get("code", "")
        try:
            is_somebody = yield lambda: accounts.finish(begun, redirect_uri, code)
        except SignInRefused as refusal:
            return _found(error_url(visit.base, refusal.code, callback_url))
        if not is_somebody:
            return _found(error_url(visit.base, "AccessDenied", callback_url))
        forget_sessions()
        return _found(callback_url)

    def _show_sign_out(self, visit: Visit, accounts: Accounts) -> Reply:
        """For a link, in a browser without JavaScript: a GET changes nothing, so it asks."""
        csrf = self._csrf_of(visit)
        fields = {"csrfToken": csrf.token, "callbackUrl": resolve_callback_url(visit.query.get("callbackUrl"), visit)}
        return csrf.kept_by(_page("Sign out", f"{visit.base}/signout", fields), visit)

    def _sign_out(self, visit: Visit, accounts: Accounts) -> Steps:
        if not self._csrf_of(visit).is_verified:
            return _leading(visit, f"{visit.base}/signout?csrf=true")
        yield accounts.sign_out
        forget_sessions()
        return _leading(visit, callback_url_of(visit))

    def _log(self, visit: Visit, accounts: Accounts) -> Reply:
        """What the JavaScript clients tell the backend's logger. Nobody reads it."""
        return Reply(200, "", dict(NOT_CACHED))

    def _to_sign_in_page(self, visit: Visit, callback_url: str | None, error: str | None) -> Reply:
        page = self.sign_in_page()
        if page is None:
            return _text(404, "There is no sign-in page here: tell the bridge where the app's own is (sign_in_page=).")
        url = resolve_callback_url(callback_url, visit)
        # A path, for an app's page may take nothing else; with one slash at its start, or it would name a host.
        back = "/" + url.removeprefix(visit.origin).lstrip("/")
        query = {"next": back, **({"error": error} if error else {})}
        return _found(page + ("&" if "?" in page else "?") + urlencode(query))


ENDPOINTS: dict[tuple[str, str], Callable[[Bridge, Visit, Accounts], Reply | Steps]] = {
    ("GET", "session"): Bridge._session,
    ("POST", "session"): Bridge._update,
    ("GET", "csrf"): Bridge._csrf,
    ("GET", "providers"): Bridge._providers,
    ("GET", "signin"): Bridge._show_sign_in,
    ("GET", "error"): Bridge._show_sign_in,
    ("POST", "signin"): Bridge._start_sign_in,
    ("POST", "callback"): Bridge._sign_in,
    ("GET", "callback"): Bridge._finish_sign_in,
    ("GET", "signout"): Bridge._show_sign_out,
    ("POST", "signout"): Bridge._sign_out,
    ("POST", "_log"): Bridge._log,
}


# ── where a request may come from, and lead to ────────────────────────────────────────────────────

HINT_AT_ORIGIN = (
    "If the page is this app's own, behind a proxy, let the framework know its scheme and host, or tell the bridge "
    "with url=; if it is another that may come, name it in allowed_origins=."
)


def is_foreign(visit: Visit, allowed_origins: frozenset[str] = frozenset()) -> bool:
    """Whether a page of another origin has sent it."""
    site = visit.header("Sec-Fetch-Site") or ""
    origin = visit.header("Origin") or ""
    if origin in allowed_origins:
        return False
    foreign = comes_from_elsewhere(site, origin, lambda: origin == visit.origin)
    if foreign:
        logger.warning("A request from %.200r to %.200r was refused.", origin or site, visit.origin)
    return foreign


def origin_of(scheme: str, host: str) -> str:
    """As browsers write it: in small letters, and without a port that is the scheme's own."""
    scheme, host = scheme.lower(), host.lower()
    return f"{scheme}://{host.removesuffix(DEFAULT_PORTS.get(scheme, ''))}"


def callback_url_of(visit: Visit) -> str:
    return resolve_callback_url(visit.fields.get("callbackUrl"), visit)


def resolve_callback_url(url: object, visit: Visit) -> str:
    """Where a sign-in or sign-out may lead: an absolute URL of the request's own origin, or that origin.

    Source: PROTOCOL.md, callbackUrl. v4 answers 500 to a path without a slash, and this the origin.
    """
    origin = visit.origin
    if not isinstance(url, str) or _AMBIGUOUS.search(url):
        return origin
    if url.startswith("/"):
        return origin + url
    is_own = url[: len(origin)].lower() == origin and url[len(origin) : len(origin) + 1] in ("", "/", "?", "#")
    return origin + url[len(origin) :] if is_own else origin


# ── the end of a session ──────────────────────────────────────────────────────────────────────────

ENDS = "nextauth_server.ends"  # a key of sessions whose store does not tell when they end


def note_end(session: MutableMapping[str, Any], lifetime: float, now: datetime) -> None:
    """For who signs in: a session that is renewed when it is saved does not say itself when that was."""
    session[ENDS] = now.timestamp() + lifetime


def noted_end(session: Mapping[str, Any], lifetime: float, now: datetime) -> datetime:
    """When a session ends as far as it is known: what the app has saved since makes it longer.

    Without a note, or when that is over, it is as if it were saved now. Nothing is written: where the session is a
    cookie, the answer to a question would bring it back after a sign-out that came in between.
    """
    noted = session.get(ENDS)
    if not isinstance(noted, float) or not now.timestamp() < noted <= now.timestamp() + lifetime:
        noted = now.timestamp() + lifetime
    return datetime.fromtimestamp(noted, timezone.utc)


# ── the CSRF token ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class CSRF:
    """Double submit: a cookie that only this app can have made, and the token in it, repeated by the page."""

    token: str
    signed: str
    is_new: bool
    is_verified: bool

    @classmethod
    def of(cls, visit: Visit, secret: str) -> "CSRF":
        """The token of a good cookie goes on; without one there is another."""
        # A value with a bar is quoted by some, as v4 does it.
        cookie = visit.cookies.get(cls.cookie_name(visit), "").replace("%7C", "|")
        token = cookie.partition("|")[0]
        if token and _equal(cookie, _sign(token, secret)):
            told = visit.fields.get("csrfToken")
            return cls(token, cookie, is_new=False, is_verified=isinstance(told, str) and _equal(told, token))
        token = secrets.token_hex(32)
        return cls(token, _sign(token, secret), is_new=True, is_verified=False)

    def kept_by(self, reply: Reply, visit: Visit) -> Reply:
        """The reply, which gives the browser the cookie where it has none."""
        if self.is_new:
            reply.cookies.append((self.cookie_name(visit), self.signed, visit.is_secure))
        return reply

    @staticmethod
    def cookie_name(visit: Visit) -> str:
        """As v4 names it. Over https no other name below the domain can set it."""
        return "__Host-next-auth.csrf-token" if visit.is_secure else "next-auth.csrf-token"


def _sign(token: str, secret: str) -> str:
    text = f"nextauth_server.bridge csrf {token}"
    return f"{token}|{hmac.new(secret.encode(), text.encode('utf-8', 'replace'), hashlib.sha256).hexdigest()}"


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


# ── bodies, and answers ───────────────────────────────────────────────────────────────────────────


def check_length(length: int) -> None:
    """Of a body, in bytes. Raises `BadRequest` where it is more than a form needs."""
    if length > LARGEST_BODY:
        raise BadRequest(413, f"Error: a form here has at most {LARGEST_BODY // 1000} kB")


def parse_fields(content_type: str, body: bytes) -> Mapping[str, Any]:
    """The fields of a form or a JSON object; none for anything else. Raises `BadRequest`."""
    check_length(len(body))
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == protocol.FORM_TYPE:
        text = body.decode("utf-8", "replace")
        try:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise BadRequest(400, f"Error: a form here has at most {MOST_FIELDS} fields") from None
        return dict(reversed(pairs))  # so that the first of several fields with one name counts
    if media_type == protocol.JSON_TYPE and body:
        try:
            fields = json.loads(body)
            json.dumps(fields, ensure_ascii=False).encode()  # half of a surrogate pair could not be told again
        except (ValueError, RecursionError):
            raise BadRequest(400, "Error: the JSON cannot be read") from None
        return fields if isinstance(fields, dict) else {}
    return {}


def _finished(end: StopIteration) -> Reply:
    reply = end.value
    assert isinstance(reply, Reply)
    return reply


def _text(status: int, text: str) -> Reply:
    return Reply(status, text, {**NOT_CACHED, "Content-Type": "text/plain; charset=utf-8"})


def _json(data: Any, status: int = 200) -> Reply:
    return Reply(status, json_text(data), {**NOT_CACHED, "Content-Type": protocol.JSON_TYPE})


def _found(url: str) -> Reply:
    return Reply(302, "", {**NOT_CACHED, "Location": quote(url, safe=URL_CHARACTERS)})


def _unsupported(visit: Visit) -> Reply:
    """The client knows an action that there is not by these words of v4's."""
    action = visit.action.strip("/").partition("/")[0]
    return _text(400, f"Error: {visit.method} /{action} is not supported by NextAuth.js bridges")


def _provider_of(visit: Visit) -> str:
    return visit.action.strip("/").partition("/")[2]


def _callback_of(visit: Visit, provider: str) -> str:
    return f"{visit.base}/callback/{quote(provider, safe='')}"


def _told(visit: Visit, provider: str, name: str, kind: str, callback_path: str | None = None) -> dict[str, str]:
    """A provider as pages know it."""
    return {
        "id": provider,
        "name": name,
        "type": kind,
        "signinUrl": f"{visit.base}/signin/{quote(provider, safe='')}",
        "callbackUrl": visit.origin + callback_path if callback_path else _callback_of(visit, provider),
    }


def error_url(base: str, code: str, callback_url: str | None = None) -> str:
    """Where an error is shown, as v4 puts it; the next try can still end where this one was to."""
    query = {"error": code, **({"callbackUrl": callback_url} if callback_url else {})}
    return f"{base}/error?{urlencode(query, quote_via=quote)}"


def _leading(visit: Visit, url: str, status: int = 200) -> Reply:
    """Where a POST ends: a script is told, with the status, and a form is sent there."""
    return _json({"url": url}, status) if visit.fields.get("json") in ("true", True) else _found(url)


def _sign_in_failed(visit: Visit, code: str) -> Reply:
    """As v4 puts it: the URL has the error, and the status is for whoever reads no further."""
    if code == "CredentialsSignin":
        query = urlencode({"error": code, "provider": "credentials"})
    else:
        query = urlencode({"error": code}, quote_via=quote)
    status = {"AccessDenied": 403, "TooManyRequests": 429}.get(code, 401)
    return _leading(visit, f"{visit.base}/error?{query}", status)


def _page(title: str, action: str, fields: Mapping[str, str]) -> Reply:
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<form method="post" action="{html.escape(action)}">{hidden}<button>{title}</button></form></html>'
    )
    headers = {
        **NOT_CACHED,
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "X-Frame-Options": "DENY",
    }
    return Reply(200, body, headers)
