"""The backend in a test: who can sign in, what sessions hold, and what goes wrong. Knows no browser."""

import json
import time
from collections import namedtuple

from .host import Answer
from .urls import parse_query, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping, Optional, Union

    from .host import Request

    Fault = Union[str, Answer, None]
    Answers = Callable[[Request, Optional[dict[str, Any]]], Answer]

# What may happen to a request; an `Answer` may stand here too, instead of the backend's own.
UNREACHABLE = "unreachable"  # refused at once
HANG = "hang"  # nothing comes back
TORN = "torn"  # the backend's cookies arrive, its answer does not

FOREVER = float("inf")

SESSION_LENGTH = 30 * 86400.0

# A session cookie, as the backend signs it: it knows nothing else of who is signed in.
Cookie = namedtuple("Cookie", ("name", "login", "data", "expires"))
KEEP = object()  # an answer without Set-Cookie


class ApiAnswer(Answer):
    """What the page's own API answers; `body` is text, bytes, or else what JSON can say."""

    def __init__(self, status: int = 200, body: "Any" = "", headers: "Optional[Mapping[str, str]]" = None) -> None:
        if type(status) is not int or not 200 <= status < 600:
            raise ValueError(f"A status is a number from 200 to 599, such as 500, not {status!r}")
        self.headers = dict(headers or {})
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            self.headers.setdefault("content-type", "application/json")
        self.body = body.encode() if isinstance(body, str) else body
        super().__init__(status, self.body.decode("utf-8", "replace"))


def check_seconds(name: str, value: "Any", least: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:  # nor NaN
        raise ValueError(f"{name} takes a number of seconds from {least:g} up, not {value!r}")
    return value


class ApiBody:
    """See `host.Body`."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def text(self) -> str:
        return self._body.decode("utf-8", "replace").removeprefix("\ufeff")

    def bytes(self) -> "bytes":
        return self._body


class Backend:
    """A v4 backend with JWT sessions: every answered `GET /session` sets the cookie again, and so prolongs it.

    `api` has what the page's own API answers, by path, or by the address where that is elsewhere (`auth_fetch`); the
    session is that of the cookie which comes with the request, as plain data, or `None`:

        browser.backend.api["/api/orders"] = lambda request, session: ApiAnswer(200 if session else 401, ["apples"])

    Change what it does by its attributes: `users` (name and password), `session_length` in seconds, `extra` (what a
    session callback adds), `revoked` (numbers of logins), `skew` (its clock against the browser's), `sends_date`.
    """

    def __init__(self, now: "Callable[[], float]") -> None:
        self._now = now
        self.users = {"jsmith": "pw"}
        self.session_length = SESSION_LENGTH
        self.extra: "dict[str, Any]" = {}
        self.revoked: "set[int]" = set()
        self.skew = 0.0
        self.sends_date = True
        self.csrf_token = "token"
        self.api: "dict[str, Answers]" = {}
        self.delay = 0.0  # seconds, besides the network's
        self._logins = 0
        self._trouble: "tuple[Fault, float]" = (None, 0.0)  # and when it ends, of the browser's time

    def now(self) -> float:
        return self._now() + self.skew

    def answers(self, status: int, body: "Any" = "", *, for_seconds: float = FOREVER) -> None:
        """Every request with this, such as 500 or 503, instead of doing anything. See `ApiAnswer`."""
        self._is_in_trouble(ApiAnswer(status, body), for_seconds)

    def sends_bad_json(self, *, for_seconds: float = FOREVER) -> None:
        """As of a proxy that answers with a page of its own."""
        self._is_in_trouble(Answer(200, "<!doctype html><title>Welcome</title>"), for_seconds)

    def is_unreachable(self, *, for_seconds: float = FOREVER) -> None:
        """Every request is refused at once."""
        self._is_in_trouble(UNREACHABLE, for_seconds)

    def hangs(self, *, for_seconds: float = FOREVER) -> None:
        """What arrives meanwhile is never answered."""
        self._is_in_trouble(HANG, for_seconds)

    def is_slow(self, seconds: float) -> None:
        """It takes so long for every answer."""
        self.delay = check_seconds("is_slow(…)", seconds)

    def is_well_again(self) -> None:
        self._trouble = (None, 0.0)
        self.delay = 0.0

    def ends_all_sessions(self) -> None:
        """Browsers keep cookies that nobody accepts any more."""
        self.revoked.update(range(1, self._logins + 1))

    def _is_in_trouble(self, fault: "Fault", seconds: float) -> None:
        self._trouble = (fault, self._now() + check_seconds("for_seconds", seconds))

    def trouble(self) -> "Fault":
        """What happens to a request that is sent now."""
        fault, end = self._trouble
        return fault if self._now() < end else None

    def login(self, name: str = "jsmith", session: "Optional[dict[str, Any]]" = None) -> Cookie:
        """The cookie of a new sign-in; `browser.cookie = backend.login()` is a person who comes back signed in."""
        self._logins += 1
        return Cookie(name, self._logins, session or {}, self.now() + self.session_length)

    def accepts(self, cookie: "Optional[Cookie]") -> bool:
        return cookie is not None and cookie.expires > self.now() and cookie.login not in self.revoked

    def handle(self, request: "Request", cookie: "Optional[Cookie]", *, has_token: bool = True) -> "tuple[Answer, Any]":
        """The answer, and the new cookie: a `Cookie`, `None` to take it away, or `KEEP`.

        `has_token`: whether the token's own cookie comes with it.
        """
        token = self.csrf_token if has_token else None
        origin, path, _, _ = split(request.url)
        own_api = self.api.get(request.address) or self.api.get(path)
        if own_api is not None or "/api/auth" not in path:
            session = json.loads(self._session(cookie)[0].text) or None
            if path[1:] in self.api:
                raise ValueError(f"api[{path[1:]!r}]: a path begins with a slash, so write api[{path!r}]")
            answer = ApiAnswer(404, "No such page") if own_api is None else own_api(request, session)
            if not isinstance(answer, Answer):
                raise TypeError(f"api[{path!r}] is a function that returns an ApiAnswer: it returned {answer!r}")
            return answer, KEEP
        path = path.partition("/api/auth")[2]
        body = request.body if isinstance(request.body, str) else ""
        if request.method == "GET":
            if path == "/session":
                return self._session(cookie)
            if path == "/csrf":
                return self._answer({"csrfToken": self.csrf_token}), KEEP
            if path == "/providers":
                return self._answer(_providers(origin + "/api/auth")), KEEP
            return self._answer("No such page", 404), KEEP
        if path == "/session":
            return self._update(json.loads(body or "null"), cookie, token)
        form = dict(parse_query(body))
        if form.get("csrfToken") != token:
            page = "/signout" if path == "/signout" else "/signin"
            return self._answer({"url": origin + "/api/auth" + page + "?csrf=true"}), KEEP
        if path == "/signout":
            return self._answer({"url": form["callbackUrl"]}), None
        if path == "/callback/credentials":
            name = form.get("username", "")
            if name in self.users and self.users[name] == form.get("password"):
                return self._answer({"url": form["callbackUrl"]}), self.login(name)
            return self._answer({"url": origin + "/api/auth/error?error=CredentialsSignin"}, 401), KEEP
        return self._answer({"url": "https://accounts.example/authorize"}), KEEP

    def _session(self, cookie: "Optional[Cookie]") -> "tuple[Answer, Any]":
        if cookie is None:
            return self._answer({}), KEEP
        if not self.accepts(cookie):
            return self._answer({}), None
        rolled = Cookie(cookie.name, cookie.login, cookie.data, self.now() + self.session_length)
        session: "dict[str, Any]" = {"user": {"name": cookie.name, "email": cookie.name + "@example.org"}}
        session["expires"] = iso(rolled.expires)
        session.update(self.extra)
        session.update(cookie.data)
        return self._answer(session), rolled

    def _update(self, body: "Any", cookie: "Optional[Cookie]", token: "Optional[str]") -> "tuple[Answer, Any]":
        if body["csrfToken"] != token:
            return self._answer({}, 400), KEEP
        if cookie is not None and isinstance(body["data"], dict):
            data = dict(cookie.data)
            data.update(body["data"])
            cookie = Cookie(cookie.name, cookie.login, data, cookie.expires)
        return self._session(cookie)

    def _answer(self, data: "Any", status: int = 200) -> Answer:
        return Answer(status, json.dumps(data), False, float(int(self.now())) if self.sends_date else None)


def _providers(base: str) -> "dict[str, dict[str, str]]":
    found = {}
    for name, title, kind in (("credentials", "Password", "credentials"), ("github", "GitHub", "oauth")):
        found[name] = {
            "id": name,
            "name": title,
            "type": kind,
            "signinUrl": base + "/signin/" + name,
            "callbackUrl": base + "/callback/" + name,
        }
    return found


def iso(seconds: float) -> str:
    """Unix seconds as the wire writes them: `2026-12-23T13:41:00.000Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
