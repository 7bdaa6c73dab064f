"""The demo page: who is signed in, each function and attribute at work. Runs on MicroPython and Pyodide alike."""

import asyncio
import json
import sys
import time

from nextauth_client import (
    NextAuthError,
    Provider,
    bind,
    component,
    effect,
    explain_error,
    get_csrf_token,
    get_providers,
    get_session,
    on_session_change,
    require_session,
    sign_in,
    sign_out,
    update_session,
    use_session,
)
from nextauth_client.times import parse_iso
from pyscript import document, fetch, when

root = document.documentElement


def element(name):
    return document.getElementById(name)


def show_problem(name, text):
    element(name).textContent = text
    element(name).hidden = not text


def set_busy(name, busy):
    element(name).disabled = busy
    element(name).setAttribute("aria-busy", "true" if busy else "false")


running = []


def keep(coroutine):
    running[:] = [task for task in running if not task.done()]
    running.append(asyncio.create_task(coroutine))


def as_task(function):
    """A listener that starts the async function. Of two that are async themselves, MicroPython forgets the first."""

    def started(event):
        keep(function(event))

    return started


Provider()


@effect
def show_status():
    status = use_session().status
    element("status").textContent = status
    root.setAttribute("data-status", status)


def name_in(session):
    return str(session.user.name or session.user.email or "somebody")  # a backend may call somebody 5


@component("#who")
def who():
    session, loading = use_session()
    if not session:
        return "Loading" if loading else "Not signed in"
    name = document.createElement("bdi")  # a name may be written from right to left, or turn the direction
    name.textContent = name_in(session)
    return ["Signed in as ", name]


@effect
def show_person():
    session = use_session().session
    element("email").textContent = (session.user.email or "") if session else ""
    element("initial").textContent = name_in(session)[:1].upper() if session else "?"


@effect
def show_details():
    session = use_session().session
    element("session").textContent = json.dumps(session.to_dict()) if session else ""
    element("expires").textContent = session.get("expires", "") if session else ""


@effect
def show_error():
    error = use_session().error
    show_problem("problem", explain_error(error.code) if error else "")


@when("submit", "#sign-in")
def on_submit(event):
    event.preventDefault()  # an async handler would come too late for this on Pyodide
    try_to_sign_in(event)


@as_task
async def try_to_sign_in(event):
    show_problem("form-problem", "")
    set_busy("sign-in-button", True)
    try:
        result = await sign_in(
            "credentials",
            redirect=element("full-redirect").checked,
            username=element("username").value,
            password=element("password").value,
        )
        if not result:
            show_problem("form-problem", explain_error(result.error))
            element("password").select()
        elif not element("full-redirect").checked:
            element("password").value = ""
    except NextAuthError as error:
        show_problem("form-problem", explain_error(error.code))
    finally:
        set_busy("sign-in-button", False)


@when("click", "#sign-out-button")
@as_task
async def on_sign_out(event):
    show_problem("problem", "")
    set_busy("sign-out-button", True)
    try:
        await sign_out(redirect=False)
    except NextAuthError as error:
        show_problem("problem", explain_error(error.code))
    finally:
        set_busy("sign-out-button", False)


# ── right now ────────────────────────────────────────────────────────────────────────────────────

ends_at = None
asked_at = None


def in_words(seconds):
    seconds = int(seconds)
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return str(seconds // size) + " " + name
    return str(max(seconds, 0)) + " s"


def show_text(name, text):
    if element(name).textContent != text:
        element(name).textContent = text


def show_times():
    now = time.time()
    show_text("left", "–" if ends_at is None else in_words(ends_at - now))
    show_text("asked", "–" if asked_at is None else in_words(now - asked_at) + " ago")


@effect
def note_times():
    global ends_at, asked_at
    state = use_session()
    ends_at = parse_iso(state.session.get("expires")) if state.session else None
    if not state.refreshing and not state.loading:
        asked_at = time.time()
    element("refreshing").textContent = "yes" if state.refreshing or state.loading else "no"
    element("error").textContent = state.error.code if state.error else "none"
    show_times()


async def tick():
    while True:
        show_times()
        await asyncio.sleep(1)


# ── each function ────────────────────────────────────────────────────────────────────────────────


@component("#greeting")
def greeting():
    session = use_session().session
    return f"Hello {session.user.name or 'you'}" if session else "Hello"


@on_session_change
def note_change(state, previous):
    line = document.createElement("li")
    line.textContent = previous.status + " → " + state.status
    element("changes").prepend(line)
    while element("changes").children.length > 3:
        element("changes").lastElementChild.remove()


def runs(name):
    """The button's function shows what it returns, or what went wrong."""

    def decorate(function):
        def started(event):
            keep(run(name, function()))  # what must be done while the click is handled, a plain function does here

        when("click", "#run-" + name)(started)
        return started

    return decorate


async def run(name, result):
    set_busy("run-" + name, True)
    try:
        shown = await result
    except NextAuthError as error:
        shown = explain_error(error.code)
    finally:
        set_busy("run-" + name, False)
    element("got-" + name).textContent = shown


async def follow_up(signing_in):
    result = await signing_in
    return "Welcome." if result else explain_error(result.error)


@runs("sign-in")
def leave_for_the_provider():
    return follow_up(sign_in("dev-idp"))


@runs("sign-in-popup")
def enter_in_a_window():
    return follow_up(sign_in("dev-idp", popup=True))


@runs("sign-out")
async def leave():
    await sign_out(redirect=False)
    return "Goodbye."


@when("click", "#ask")
@runs("get-session")
async def who_is_it():
    session = await get_session()
    return (session.user.name or "somebody") if session else "nobody"


@runs("get-providers")
async def ways_in():
    return ", ".join([provider.name for provider in (await get_providers()).values()])


@runs("get-csrf-token")
async def a_token():
    return str(len(await get_csrf_token())) + " characters"


@runs("update-session")
async def update():
    session = await update_session({"theme": "dark"})
    return "ends " + session.expires if session else "nobody"


@when("click", "#run-require-session")
@require_session
def members(event):
    element("got-require-session").textContent = "Welcome in."


@when("change", "#code")
def explain(event):
    element("explained").textContent = explain_error(element("code").value)


# ── breaking things, where the backend has --dev-controls ────────────────────────────────────────

SESSION = "session"
BREAKERS = {
    "offline": [("fault", {"path": SESSION, "kind": "reset"})],
    "500": [("fault", {"path": SESSION, "kind": "500-html"})],
    "slow": [("latency", {"path": SESSION, "seconds": 3})],
    "expire": [("session-length", {"seconds": 10})],
    "revoke": [("revoke", {})],
    "rename": [("user", {"name": "Ada, Countess of Lovelace"})],
    "heal": [("reset", {})],
}


async def control(command, fields):
    headers = {"Content-Type": "application/json"}
    return await fetch("/dev/" + command, method="POST", headers=headers, body=json.dumps(fields))


@when("toggle", "#break")
@as_task
async def look_for_controls(event):
    if not element("break").open or not element("breakers").hidden:
        return
    there = (await fetch("/dev/log")).status == 200
    element("breakers").hidden = not there
    show_text("controls", "Press one, and watch the page." if there else "Start the backend with --dev-controls.")


@when("click", "[data-dev]")
@as_task
async def break_something(event):
    for command, fields in BREAKERS[event.target.getAttribute("data-dev")]:
        await control(command, fields)
    show_text("controls", event.target.textContent + ": done.")
    try:
        await get_session()
    except NextAuthError as error:
        show_text("controls", event.target.textContent + ": " + explain_error(error.code))


explain(None)
bind()
keep(tick())
version = ".".join([str(part) for part in sys.implementation.version[:3]])
element("runtime").textContent = "Running on " + sys.implementation.name + " " + version + "."
root.removeAttribute("data-booting")
