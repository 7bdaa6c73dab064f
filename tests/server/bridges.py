"""What every bridge has to show, whatever the framework: a browser's requests to an app with it, and what they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import httpx
from nextauth_client import Session
from nextauth_server.finding import Finder

from tests.support.documents import code_of

ORIGIN = "http://app.test"
BASE = f"{ORIGIN}/api/auth"
ADA = {"username": "ada", "password": "lovelace"}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str
    data: Any  # of JSON, else None


class Send(Protocol):
    def __call__(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer: ...


class Visitor:
    """A browser with its cookies, as far as a bridge can tell. `send` is the framework's own test client."""

    def __init__(self, send: Send, cookies: Callable[[], Mapping[str, str]], base: str = "/api/auth") -> None:
        self.send = send
        self.cookies = cookies
        self.base = base

    def get(self, action: str, **headers: str) -> Answer:
        return self.send("GET", f"{self.base}/{action}", headers=named(headers))

    def token(self) -> str:
        return str(self.get("csrf").data["csrfToken"])

    def session(self) -> Any:
        return self.get("session").data

    def post(self, action: str, *, token: str | None = None, headers: Mapping[str, str] = {}, **fields: str) -> Answer:
        form = {"csrfToken": self.token() if token is None else token, "json": "true", **fields}
        return self.send("POST", f"{self.base}/{action}", form=form, headers=headers)

    def session_of(self, copied: Mapping[str, str]) -> Any:
        """Whose these cookies are."""
        header = "; ".join(f"{name}={value}" for name, value in copied.items())
        return self.get("session", Cookie=header).data

    def sign_in(self, **fields: str) -> Answer:
        return self.post("callback/credentials", **{**ADA, **fields})

    def update(self, data: Any) -> Answer:
        return self.send("POST", f"{self.base}/session", json={"csrfToken": self.token(), "data": data})


class GuardWithCache:
    """One that keeps for a minute what a backend said of Ada."""

    def __init__(self) -> None:
        self.asked = 0
        self.client = httpx.Client(transport=httpx.MockTransport(self.answer))
        self.finder = Finder(Session, self.client, cache=60, base_url=ORIGIN)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, json={"user": {"name": "Ada"}})

    def asks_again(self) -> bool:
        before = self.asked
        assert self.finder.find_sync("a=b") is not None
        return self.asked > before


def named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


# What a page of another origin sends, and what the app's own does.
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://app.test.evil.example"},
    {"Origin": "http://app.test:8000"},
    {"Origin": "https://app.test"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://app.test"},
]
OWN = [{}, {"Origin": "http://app.test"}, {"Sec-Fetch-Site": "same-origin", "Origin": "https://seen.elsewhere"}]
POSTS = ["session", "signin", "signin/credentials", "callback/credentials", "signout", "_log", "no-such-thing"]


def app_of_the_page(framework: str) -> ModuleType:
    """The app that docs/login.md shows for a framework."""
    return _run(code_of("login.md", framework))


def app_with_google_of_the_page(framework: str, at: str) -> ModuleType:
    """The same with what the page shows in place of the last line, and Google's address replaced by `at`."""
    *first, mounts, _ = code_of("login.md", framework).split("\n")
    assert mounts.startswith(("app.mount(", "app.register_blueprint("))
    more = google_of_the_page(framework)
    assert "https://accounts.google.com/" in more
    return _run("\n".join([*first, more.replace("https://accounts.google.com", at)]))


def google_of_the_page(framework: str) -> str:
    """The code for signing in with Google."""
    return code_of("login.md", f"Google with {framework}")


def _run(code: str) -> ModuleType:
    module = ModuleType("app")
    exec(compile(code, "docs/login.md", "exec"), module.__dict__)
    return module
