"""Faults, delays and a request log for tests, switched on by ``--dev-controls``. All bodies are JSON.

- ``POST /dev/latency {"path": "session", "seconds": 0.5, "when": "before" | "after"}``: delay an endpoint.
  "before" (the default) waits before the request is handled, "after" holds back the finished answer, with its
  Set-Cookie computed. Zero seconds end it.
- ``POST /dev/fault {"path": "session", "kind": "503", "times": 2}``: answer with a fault; see ``FAULTS``.
  Without ``times`` until further notice; ``"kind": null`` ends it. Chromium silently repeats a request when a
  kept-alive connection is reset, so there ``"reset"`` needs ``"times": 2`` to be seen.
- ``POST /dev/session-length {"seconds": 5}``: lifetime of the sessions written from now on; null is the first one.
- ``POST /dev/revoke``: no session cookie that was issued so far is accepted any more.
- ``POST /dev/user {"name": …, "email": …, "image": …}``: what sessions say of their user from now on.
- ``GET /dev/state``: what is in force, as the commands that set it: ``[{"command": "fault", "path": "session", "kind":
  "503", "times": null, "age": 2.5}]``, with the seconds since then. What ``revoke`` did is done, and not in it.
- ``GET /dev/log``: ``[{time, method, path, tab, status, completed}]``, the last requests but those to ``/dev``.
  ``tab`` is the request's ``x-test-tab`` header or query field. ``status`` is null and ``completed`` false
  until the whole answer goes out to a client that still listens. ``DELETE /dev/log`` empties it.
- ``GET /dev``: a page with all of it, for people. Its forms come as forms, and lead back to the page.
- ``POST /dev/reset``: no faults, no delays, the first session length, no changed user, an empty log.

``path`` is the name of an endpoint: session, csrf, providers, signin, callback or signout.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nextauth_server.tokens import Claims
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .auth import AuthApp
from .dev_page import controls_page
from .errors import Refused
from .exchange import MAX_BODY, parse_body, read_content
from .identity_provider import PATH as IDP_PATH
from .inbox import PATH as INBOX_PATH
from .origin import local_origin, refuse_other_sites
from .pages import SECURITY_HEADERS
from .server import CLOSE_CONNECTION
from .sessions import USER_CLAIMS

MOST_ENTRIES = 10_000  # in the log; the oldest go first

FORM = "application/x-www-form-urlencoded"

ENDPOINTS = {"session", "csrf", "providers", "signin", "callback", "signout"}

# Faults that are answers. Two more are not: "reset" closes the connection, "hang" never answers.
FAULTS: Mapping[str, Callable[[], Response]] = {
    "500-json": lambda: JSONResponse({"message": "There is a problem with the server configuration."}, 500),
    "500-html": lambda: HTMLResponse("<!DOCTYPE html><h1>Internal Server Error</h1>", 500),
    "503": lambda: PlainTextResponse("Service Unavailable", 503),
    "html-200": lambda: HTMLResponse("<!DOCTYPE html><h1>Please accept our terms</h1>"),
    "malformed": lambda: Response('{"user": {"name": "A', media_type="application/json"),
    "empty": lambda: Response(media_type="application/json"),
    "redirect": lambda: RedirectResponse("/", 302),
}


@dataclass
class Entry:
    """A line of the log."""

    time: float
    method: str
    path: str
    tab: str | None
    status: int | None = None
    completed: bool = False


@dataclass
class Fault:
    kind: str
    times: int | None  # None: until further notice


class State:
    """What the controls are set to. It may outlive an app that is built again."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        self.latencies: dict[tuple[str, str], float] = {}
        self.user: dict[str, Any] = {}
        self.log: deque[Entry] = deque(maxlen=MOST_ENTRIES)
        self.session_max_age: float | None = None
        self.secret: str | None = None  # of the sessions since others were revoked
        self.set_at: dict[tuple[str, ...], float] = {}  # by command and what tells it from others of its name

    def in_force(self) -> list[dict[str, Any]]:
        """The commands that would bring about the present state, each with its age in seconds."""
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        for path, fault in self.faults.items():
            found["fault", path] = {"path": path, "kind": fault.kind, "times": fault.times}
        for (path, when), seconds in self.latencies.items():
            if seconds:
                found["latency", path, when] = {"path": path, "seconds": seconds, "when": when}
        if self.session_max_age is not None:
            found["session-length",] = {"seconds": self.session_max_age}
        if self.user:
            found["user",] = self.user
        now = time.time()
        return [{"command": key[0], **fields, "age": now - self.set_at[key]} for key, fields in found.items()]


class DevControls:
    """ASGI middleware around the whole site; its faults and delays concern the auth endpoints alone."""

    def __init__(self, app: ASGIApp, auth: AuthApp, base_path: str, state: State) -> None:
        self.app = app
        self.auth = auth
        self.base_path = base_path
        self.state = state
        self.first_session_max_age = auth.sessions.max_age
        self.session_callback = auth.sessions.session_callback
        auth.sessions.session_callback = self.change_user
        auth.sessions.max_age = state.session_max_age or auth.sessions.max_age
        auth.sessions.secret = state.secret or auth.sessions.secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif f"{scope['path']}/".startswith("/dev/") and not scope["path"].startswith((INBOX_PATH, f"{IDP_PATH}/")):
            response = await self.answer(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self.record(scope, receive, send)

    async def record(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        tab = request.headers.get("x-test-tab") or request.query_params.get("x-test-tab")
        entry = Entry(time.time(), request.method, scope["path"], tab)
        self.state.log.append(entry)
        connection = await Connection.open(receive, send, entry)
        try:
            await self.disturb(scope, connection)
        finally:
            connection.stop_watching()

    async def disturb(self, scope: Scope, connection: Connection) -> None:
        endpoint = self.endpoint(scope["path"])
        await connection.pause(self.state.latencies.get((endpoint, "before"), 0))
        connection.latency = self.state.latencies.get((endpoint, "after"), 0)
        kind = self.next_fault(endpoint)
        if connection.gone:
            return
        if kind == "hang":
            await connection.disconnected
        elif kind == "reset":
            scope["extensions"][CLOSE_CONNECTION]()
            await connection.disconnected
        else:
            app = self.app if kind is None else FAULTS[kind]()
            await app(scope, connection.receive, connection.send)

    def endpoint(self, path: str) -> str:
        """The name of the auth endpoint, empty for everything else."""
        prefix, _, rest = path.partition(f"{self.base_path}/")
        return rest.partition("/")[0] if not prefix else ""

    def next_fault(self, endpoint: str) -> str | None:
        fault = self.state.faults.get(endpoint)
        if fault is None:
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self.state.faults[endpoint]
        return fault.kind

    def change_user(self, session: dict[str, Any], claims: Claims) -> dict[str, Any]:
        session = {**session, "user": {**session["user"], **self.state.user}}
        return self.session_callback(session, claims)

    async def answer(self, request: Request) -> Response:
        """The API under ``/dev``."""
        try:
            return await self.command(request)
        except Refused as refusal:
            return JSONResponse({"message": refusal.message}, refusal.status)

    async def command(self, request: Request) -> Response:
        origin = local_origin(request)
        refuse_other_sites(request, origin)
        name = f"{request.method} {request.scope['path'].removeprefix('/dev').removeprefix('/')}"
        if name == "GET ":
            return self.page(done=request.url.query == "done")
        if name == "GET log":
            return JSONResponse([asdict(entry) for entry in self.state.log])
        if name == "GET state":
            return JSONResponse(self.state.in_force())
        commands: Mapping[str, Callable[[Fields], Awaitable[None] | None]] = {
            "DELETE log": lambda fields: self.state.log.clear(),
            "POST fault": self.set_fault,
            "POST latency": self.set_latency,
            "POST reset": self.reset,
            "POST revoke": self.revoke,
            "POST session-length": self.set_session_length,
            "POST user": self.set_user,
        }
        if name not in commands:
            known = ", ".join([*commands, "GET log", "GET state"])
            raise Refused(f"{name} is not a command here. The commands are {known}.", 404)
        content = await read_content(request)
        is_form = request.headers.get("content-type", "").startswith(FORM)
        fields = from_form(parse_body(content, FORM)) if is_form else parse_body(content, "application/json")
        under_way = commands[name](Fields(fields))
        if under_way is not None:
            await under_way
        return RedirectResponse("/dev?done", 303) if is_form else JSONResponse({"ok": True})

    def page(self, done: bool) -> Response:
        late = (f"{path} {seconds:g} s ({when})" for (path, when), seconds in self.state.latencies.items() if seconds)
        faults = (f"{path} {fault.kind}" for path, fault in self.state.faults.items())
        changed = (f"{key} {value}" for key, value in self.state.user.items())
        page = controls_page(
            base_path=self.base_path,
            endpoints=sorted(ENDPOINTS),
            faults=sorted({*FAULTS, "hang", "reset"}),
            state=[
                ("Lifetime of new sessions", f"{self.auth.sessions.max_age:,.10g} s"),
                ("Errors", ", ".join(faults) or "none"),
                ("Delays", ", ".join(late) or "none"),
                ("User changed to", ", ".join(changed) or "nobody else"),
            ],
            log=[(entry.time, entry.method, entry.path, entry.status) for entry in self.state.log],
            done=done,
        )
        return HTMLResponse(page, headers=SECURITY_HEADERS)

    def set_latency(self, fields: Fields) -> None:
        endpoint = fields.choice("path", ENDPOINTS)
        when = fields.choice("when", {"before", "after"}, default="before")
        self.state.latencies[endpoint, when] = fields.seconds()
        self.state.set_at["latency", endpoint, when] = time.time()

    def set_fault(self, fields: Fields) -> None:
        endpoint = fields.choice("path", ENDPOINTS)
        if fields.values.get("kind") is None:
            self.state.faults.pop(endpoint, None)
            return
        kind = fields.choice("kind", {*FAULTS, "hang", "reset"})
        times = fields.values.get("times")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise Refused("times must be a whole number from 1 on, or null")
        self.state.faults[endpoint] = Fault(kind, times)
        self.state.set_at["fault", endpoint] = time.time()

    def set_session_length(self, fields: Fields) -> None:
        if fields.values.get("seconds") is None and "seconds" in fields.values:
            self.auth.sessions.max_age, self.state.session_max_age = self.first_session_max_age, None
            return
        self.auth.sessions.max_age = self.state.session_max_age = fields.seconds()
        self.state.set_at["session-length",] = time.time()

    def set_user(self, fields: Fields) -> None:
        unknown = fields.values.keys() - USER_CLAIMS.keys()
        if unknown:
            raise Refused(f"a user has {', '.join(USER_CLAIMS)}, not {', '.join(unknown)}")
        self.state.user = {**fields.values}
        self.state.set_at["user",] = time.time()

    async def revoke(self, fields: Fields) -> None:
        await self.auth.sessions.revoke()
        self.state.secret = self.auth.sessions.secret

    def reset(self, fields: Fields) -> None:
        self.state.faults.clear()
        self.state.latencies.clear()
        self.state.user = {}
        self.state.log.clear()
        self.auth.sessions.max_age = self.first_session_max_age
        self.state.session_max_age = None


def from_form(fields: Mapping[str, str]) -> dict[str, object]:
    """The fields of a form as JSON would have them: numbers as numbers, and nothing that was left empty."""
    return {key: to_number(value) if key in ("seconds", "times") else value for key, value in fields.items() if value}


def to_number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


class Fields:
    """The fields of a command, checked as they are read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def choice(self, key: str, allowed: set[str], default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or value not in allowed:
            raise Refused(f"{key} must be one of {', '.join(sorted(allowed))}")
        return value

    def seconds(self) -> float:
        value = self.values.get("seconds")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise Refused("seconds must be a number from 0 on")
        return float(value)


class Connection:
    """One request's way in and out: it notices when the client goes, waits, and records the answer.

    A client's leaving can be heard only after its whole body has been read, so that is done first; the app
    reads it again from here.
    """

    def __init__(self, body: list[Message], receive: Receive, send: Send, entry: Entry) -> None:
        self.body = body
        self.disconnected = asyncio.ensure_future(receive())
        self.latency = 0.0
        self._send = send
        self._entry = entry
        self._status: int | None = None

    @classmethod
    async def open(cls, receive: Receive, send: Send, entry: Entry) -> Connection:
        body = [await receive()]
        size = len(body[0].get("body", b""))
        while body[-1].get("more_body") and size <= MAX_BODY:
            body.append(await receive())
            size += len(body[-1].get("body", b""))
        return cls(body, receive, send, entry)

    @property
    def gone(self) -> bool:
        return self.disconnected.done()

    async def receive(self) -> Message:
        return self.body.pop(0) if self.body else await asyncio.shield(self.disconnected)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            await self.pause(self.latency)
        if self.gone:
            return
        if message["type"] == "http.response.body" and not message.get("more_body"):
            # Before the send: then the client can rely on finding its answer in the log.
            self._entry.status = self._status
            self._entry.completed = True
        await self._send(message)

    async def pause(self, seconds: float) -> None:
        """Wait, but not for a client that has gone."""
        if seconds:
            await asyncio.wait({self.disconnected}, timeout=seconds)

    def stop_watching(self) -> None:
        self.disconnected.cancel()
