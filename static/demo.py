"""The demo page: who is signed in, each function and attribute at work. Runs on MicroPython and Pyodide alike."""

import asyncio
import gzip
import io
import json
import math
import sys
import tarfile
import time

from nextauth_client import (
    NextAuthError,
    Provider,
    auth_fetch,
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


texts = {}  # text nodes: their `data` keeps the layout, which `textContent` throws away


def show_text(name, text):
    if name not in texts:
        texts[name] = document.createTextNode("")
        element(name).replaceChildren(texts[name])
    if texts[name].data != text:
        texts[name].data = text


def show_problem(name, text):
    element(name).textContent = text
    element(name).hidden = not text


def set_busy(name, busy):
    element(name).disabled = busy
    element(name).setAttribute("aria-busy", "true" if busy else "false")


def interpreter():
    version = ".".join([str(part) for part in sys.implementation.version[:3]])
    if sys.implementation.name == "micropython":
        return "MicroPython " + version
    import pyodide

    return f"Pyodide {pyodide.__version__}, Python {version}"


running = []


def keep(coroutine):
    running[:] = [task for task in running if not task.done()]
    running.append(asyncio.create_task(coroutine))


def as_task(function):
    """A listener that starts the async function. Of two that are async themselves, MicroPython forgets the first."""

    def started(event):
        keep(function(event))

    return started


Provider(idle_timeout=900)


@effect
def show_status():
    status = use_session().status
    show_text("status", status)
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
    show_text("email", (session.user.email or "") if session else "")
    show_text("initial", name_in(session)[:1].upper() if session else "?")


def indented(value, line="\n"):
    """JSON with a line for each key."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    inner = line + "  "
    return "{" + ",".join([inner + json.dumps(key) + ": " + indented(value[key], inner) for key in value]) + line + "}"


@effect
def show_session():
    session = use_session().session
    show_text("session", indented(session.to_dict()) if session else "")


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

# For each switch, what turns it on and what turns it off. The backend says in the same words what is on.
SWITCHES = {
    "unreachable": ("fault", {"path": "session", "kind": "reset"}, {"path": "session", "kind": None}),
    "failing": ("fault", {"path": "session", "kind": "500-html"}, {"path": "session", "kind": None}),
    "slow": ("latency", {"path": "session", "seconds": 3}, {"path": "session", "seconds": 0}),
    "short": ("session-length", {"seconds": 10}, {"seconds": None}),
    "renamed": ("user", {"name": "Grace Hopper"}, {}),
}
in_force = []  # what the backend says
on_since = {}  # the switches that are on, and when each was turned on


def in_words(seconds, whole=math.floor):
    seconds = max(seconds, 0)
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return str(whole(seconds / size)) + " " + name
    return str(whole(seconds)) + " s"


def show_times():
    now = time.time()
    # 30 days have just begun: that is not 29.
    show_text("left", "–" if ends_at is None else in_words(ends_at - now, math.ceil))
    show_text("asked", "–" if asked_at is None else in_words(now - asked_at) + " ago")
    for name in SWITCHES:
        is_on = name in on_since
        element("switch-" + name).setAttribute("aria-checked", "true" if is_on else "false")
        show_text("state-" + name, "on for " + in_words(now - on_since[name]) if is_on else "off")


@effect
def note_times():
    global ends_at, asked_at
    state = use_session()
    ends_at = parse_iso(state.session.get("expires")) if state.session else None
    if not state.refreshing and not state.loading:
        asked_at = time.time()
    show_text("refreshing", "yes" if state.refreshing or state.loading else "no")
    show_text("error", state.error.code if state.error else "none")
    show_times()


async def ask():
    """Ask who is signed in; the code of what went wrong, which the state has, too."""
    try:
        await get_session()
    except NextAuthError as error:
        return error.code


@when("click", "#ask")
@as_task
async def ask_now(event):
    set_busy("ask", True)
    await ask()
    set_busy("ask", False)


async def tick():
    while True:
        show_times()
        await asyncio.sleep(1)


# ── the developer tools, loaded by whoever asks for them ─────────────────────────────────────────

DEVTOOLS = "/static/client/nextauth_client-devtools.tar.gz.bin"
loaded = []


async def load_devtools():
    """Unpack them beside the client, as PyScript does with what its configuration names."""
    packed = io.BytesIO(bytes(await (await fetch(DEVTOOLS)).bytearray()))
    archive = tarfile.TarFile(fileobj=gzip.GzipFile(fileobj=packed))
    for member in archive:
        with open(member.name, "wb") as file:
            file.write(archive.extractfile(member).read())
    loaded.append(True)


@when("click", "#devtools")
@as_task
async def open_devtools(event):
    if not loaded:
        await load_devtools()
    from nextauth_client import devtools

    devtools.open()


# ── breaking the backend, where it has --dev-controls ────────────────────────────────────────────

reports = [0]


async def controls(path, fields=None):
    """What the backend answers under /dev: the status, or 0 where nothing came back, and the JSON."""
    options = {}
    if fields is not None:
        options = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": json.dumps(fields)}
    try:
        answer = await fetch("/dev/" + path, **options)
        text = await answer.text()
    except Exception:
        return 0, {"message": "the backend cannot be reached."}
    return answer.status, json.loads(text) if text[:1] in ("{", "[") else {}


async def look_at_controls(event=None):
    """Another tab, or the page at /dev, may have changed them."""
    status, found = await controls("state")
    if status:
        element("switches").hidden = status != 200
        element("without-controls").hidden = status == 200
    if status == 200:
        note_controls(found)


when("pointerenter", "#break")(as_task(look_at_controls))
when("focusin", "#break")(as_task(look_at_controls))


def note_controls(found):
    in_force[:] = found
    on_since.clear()
    for name in SWITCHES:
        command, on, _ = SWITCHES[name]
        for one in in_force:
            if one["command"] == command and all(one.get(key) == on[key] for key in on):
                on_since[name] = time.time() - one["age"]
    show_times()


@when("click", "#switches [role=switch]")
@as_task
async def on_switch(event):
    name = event.target.id[len("switch-") :]
    command, on, off = SWITCHES[name]
    turns_on = name not in on_since
    said = event.target.textContent.strip() + (": on." if turns_on else ": off.")
    await set_and_tell(said, command, on if turns_on else off)


@when("click", "#revoke")
@as_task
async def on_revoke(event):
    await set_and_tell("Every session has been ended.", "revoke", {})


@when("click", "#all-off")
@as_task
async def on_all_off(event):
    await set_and_tell("Everything is off." if in_force else "Nothing was on.", "reset", {})


async def set_and_tell(said, command, fields):
    """Change something in the backend, ask it who is signed in, and say what came of it."""
    reports[0] += 1
    this = reports[0]

    def tell(text):
        if this == reports[0]:  # nothing has been pressed since
            show_text("report", text)

    status, answer = await controls(command, fields)
    if status != 200:
        tell("Nothing has changed: " + answer.get("message", "the answer was " + str(status) + "."))
        return
    await look_at_controls()
    tell(said + " Asking who is signed in …")
    before, started = use_session(), time.time()
    problem = await ask()
    took = time.time() - started
    if problem:
        tell(f"{said} The request failed ({problem}), so who is signed in stays as it was.")
    else:
        taken = f"{took:.1f} s" if took >= 1 else f"{took * 1000:.0f} ms"
        tell(f"{said} The answer took {taken}: {difference(before, use_session())}")


def difference(before, after):
    if not after.session:
        return "you are signed out." if before.session else "nobody is signed in. Sign in to see more."
    found = []
    if not before.session or name_in(before.session) != name_in(after.session):
        found.append(f"you are {name_in(after.session)}")
    ends, ended = [parse_iso(state.session.get("expires")) if state.session else None for state in (after, before)]
    if ends and abs(ends - (ended or 0)) > 60:
        found.append(f"your session ends in {in_words(ends - time.time(), math.ceil)}")
    return (" and ".join(found) or "for you, nothing has changed") + "."


# ── each function: the page shows these from here on ─────────────────────────────────────────────


@component("#greeting")
def greeting():
    session = use_session().session
    return f"Hello {session.user.name or 'you'}" if session else "Hello"


@on_session_change
def note_change(state, previous):
    line = document.createElement("li")
    line.textContent = previous.status + " → " + state.status
    changes = element("changes")
    changes.prepend(line)
    if changes.children.length > 3:
        changes.lastElementChild.remove()


def runs(name):
    """A click on the button runs the function; what it returns, or what went wrong, is shown beside it."""

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
def leave_and_come_back():
    return follow_up(sign_in("dev-idp"))


@runs("sign-in-popup")
def enter_in_a_window():  # not async: it opens while the click is handled
    return follow_up(sign_in("dev-idp", popup=True))


@runs("sign-out")
async def leave():
    await sign_out(redirect=False)
    return "Goodbye."


@runs("get-session")
async def who_is_it():
    session = await get_session()
    return (session.user.name or "somebody") if session else "nobody"


@runs("get-providers")
async def list_providers():
    providers = await get_providers()
    return ", ".join([provider.name for provider in providers.values()])


@runs("auth-fetch")
async def call_an_api():
    answer = await auth_fetch("/dev/state")
    faults = await answer.json() if answer.ok else []
    return f"answered {answer.status}: {len(faults)} faults"


@runs("get-csrf-token")
async def fetch_a_token():
    token = await get_csrf_token()
    return f"a token of {len(token)} characters"


@runs("update-session")
async def update():
    session = await update_session({"theme": "dark"})
    return f"now ends {session.expires}" if session else "nobody is signed in"


@when("click", "#run-require-session")
@require_session
def members(event):
    element("got-require-session").textContent = "Welcome in."


@when("change", "#code")
def explain(event):
    element("explained").textContent = explain_error(element("code").value)


explain(None)
bind()
keep(look_at_controls())
keep(tick())
element("runtime").textContent = "Running on " + interpreter() + "."
root.removeAttribute("data-booting")
