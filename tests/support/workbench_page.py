"""The page that the tests here drive: it shows the state, and calls the client's functions by name.

Runs on MicroPython and Pyodide alike; `workbench.py` is the side of the tests.
"""

import asyncio
import json
import sys

import js
import nextauth_client
from nextauth_client import (
    AuthProvider,
    Provider,
    Response,
    Session,
    SessionState,
    SignInResult,
    SignOutResult,
    bind,
    effect,
    use_session,
)

if sys.implementation.name == "micropython":
    from jsffi import create_proxy
else:
    from pyodide.ffi import create_proxy

FIELDS = (
    (SignInResult, ("error", "status", "ok", "url", "code")),
    (SignOutResult, ("url",)),
    (AuthProvider, ("id", "name", "type", "signin_url", "callback_url")),
    (SessionState, ("status", "loading")),
)
PLAIN = ("explain_error", "use_session", "add_readers", "read_state")  # the others are awaited

main = js.document.querySelector("main")
options = json.loads(main.dataset.provider)
if options is not None:
    Provider(**options)
    bind()  # for data-auth-error


def show(name, text):
    js.document.getElementById(name).textContent = text


@effect
def show_state():
    state = use_session()
    session = state.session
    show("status", state.status)
    show("name", (session.user.name or session.user.email) if session else "")
    show("session", json.dumps(session.to_dict()) if session else "")
    show("error", state.error.code if state.error else "")
    show("reason", state.reason or "")


seen = []


@effect
def remember_loading():
    session, loading = use_session()
    seen.append("loading" if loading else "somebody" if session else "nobody")
    show("seen", " ".join(seen))


def add_readers(count):
    """So many more that show the name, each in a line of its own."""
    for _ in range(count):
        add_reader()


def add_reader():
    line = main.appendChild(js.document.createElement("p"))
    line.className = "reader"

    @effect
    def read():
        session, loading = use_session()
        line.textContent = "loading" if loading else session.user.name if session else "nobody"


def read_state(name):
    return getattr(use_session(), name)


OWN = {"add_readers": add_readers, "read_state": read_state}


def plain(value):
    if isinstance(value, Session):
        return value.to_dict()
    if isinstance(value, dict):
        return [[key, plain(item)] for key, item in value.items()]  # an object would lose the order on MicroPython
    for kind, fields in FIELDS:
        if isinstance(value, kind):
            return {name: getattr(value, name) for name in fields}
    return value


async def call(name, given, answer):
    arguments, keywords = json.loads(given)
    try:
        function = OWN[name] if name in OWN else getattr(nextauth_client, name)
        value = function(*arguments, **keywords)
        if name not in PLAIN:
            value = await value
        if isinstance(value, Response):
            value = [value.status, await value.json()]
        outcome = {"value": plain(value)}
    except Exception as error:
        outcome = {"raised": type(error).__name__, "message": str(error)}
    answer(json.dumps(outcome))


def start_call(name, given, answer):
    task = asyncio.create_task(call(name, given, answer))
    running.append(task)  # an event loop keeps only a weak reference


running = []
js.window.startCall = create_proxy(start_call)
js.window.pythonIsReady()
