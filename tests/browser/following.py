"""Pages that follow the session, several at a time, and what is counted and awaited while they do.

Nothing here sleeps: `Bystander.until` asks again and again until what is awaited is so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tests.browser.snippets import SHOW
from tests.support.backend import Backend
from tests.support.engines import close
from tests.support.tabs import Tab, Tabs

T = TypeVar("T")

# What Chromium itself writes into the console, whoever asked.
BROWSERS_OWN = "Failed to load resource"
# What we write there while a page says "Loading" for want of an answer.
OURS = "Nobody knows yet who is signed in"

# For pages whose queries are counted: on Firefox a page that opens, closes or is gone to moves the focus, for which
# pages ask. In Playwright's Chromium every page has it.
UNMOVED = "refetch_on_focus=False"

# The page shows in #done which of its buttons' actions have ended, in the order in which they did.
HTML = """
<p id="status"></p> <p id="who"></p> <p id="error"></p> <p id="done"></p>
<button id="ask">Ask</button> <button id="sign-in">Sign in</button> <button id="sign-out">Sign out</button>
<button id="stop">Stop</button> <button id="again">Again</button>
"""

FOLLOW = """
def look():
    state = use_session()
    show("status", state.status)
    show("who", state.session.user.name if state.session else "nobody")
    show("error", state.error.code if state.error else "none")

effect(look)
"""

# Each action is a task of its own: of two async listeners that wait at a time, MicroPython forgets the first.
ACTIONS = """
import asyncio
from pyscript.ffi import create_proxy

started = []
ended = []

def button(name):
    def decorate(action):
        async def run():
            try:
                await action()
                ended.append(name)
            except NextAuthError as error:
                ended.append(name + ":" + error.code)
            show("done", " ".join(ended))

        def start(event):
            started.append(asyncio.create_task(run()))

        document.getElementById(name).addEventListener("click", create_proxy(start))
    return decorate

@button("ask")
async def ask():
    await get_session()

@button("sign-in")
async def enter():
    await sign_in("credentials", redirect=False, username="ada", password="lovelace")

@button("sign-out")
async def leave():
    await sign_out(redirect=False)

@button("stop")
async def stop():
    Provider.current().stop()

@button("again")
async def again():
    Provider.current().stop()
    effect(look)
    await Provider(**AGAIN).ready()
"""


def following(options: str = "", again: str = "") -> str:
    """The Python of such a page; its Provider's options, and those of the one it has after #again was pressed."""
    return f"{SHOW}\nProvider({options})\n{FOLLOW}\nAGAIN = dict({again})\n{ACTIONS}"


def press(tab: Tab, name: str) -> None:
    """Click, without Playwright's waiting for the button to be free."""
    tab.page.evaluate("name => document.getElementById(name).click()", name)


def session_queries(backend: Backend) -> list[dict[str, Any]]:
    """The log's entries of GET /session."""
    path = urlsplit(backend.base).path + "/session"
    return [entry for entry in backend.log() if entry["method"] == "GET" and entry["path"] == path]


class Bystander:
    """A page of the same browser with no Python in it: what another client of the site does, and patience."""

    def __init__(self, tabs: Tabs) -> None:
        tabs.site.write("/blank.html", "")
        self.page = tabs.context.new_page()
        self.page.goto(tabs.backend.url + "/blank.html")
        self._backend = tabs.backend
        self._wait = getattr(tabs.context, "pause", self._wait_in_page)

    def __enter__(self) -> Bystander:
        return self

    def __exit__(self, *_: object) -> None:
        close(self.page)

    def send_as_v4(self, trigger: str = "getSession") -> None:
        """What the v3 and v4 clients tell other tabs."""
        self.page.evaluate(
            """trigger => localStorage.setItem("nextauth.message", JSON.stringify(
                { event: "session", data: { trigger }, timestamp: Date.now() }))""",
            trigger,
        )

    def send_as_v5(self) -> None:
        """What the v5 client tells other tabs."""
        self.page.evaluate(
            """{
                const channel = new BroadcastChannel("next-auth");
                channel.postMessage({ event: "session", data: { trigger: "getSession" } });
                channel.close();
            }"""
        )

    def everywhere(self, action: str) -> None:
        """A focus event, or a button's name to press, in all tabs that listen, as nearly at once as tabs can."""
        self.page.evaluate("action => localStorage.setItem('tests:do', action + ' ' + Math.random())", action)

    @staticmethod
    def listen(tab: Tab) -> None:
        tab.page.evaluate(
            """() => onstorage = event => {
                if (event.key !== "tests:do" || !event.newValue) return;
                const [action] = event.newValue.split(" ");
                if (action === "focus") dispatchEvent(new Event("focus"));
                else document.getElementById(action).click();
            }"""
        )

    def until(self, condition: Callable[[], T], seconds: float = 60) -> T:
        """What the condition gives as soon as that is true."""
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, f"still not so after {seconds} seconds: {condition.__qualname__}"
            self._wait()
        return found

    def _wait_in_page(self) -> None:
        self.page.evaluate("new Promise(done => setTimeout(done, 20))")  # in which Playwright tells what happens

    def until_quiet(self, seconds: float) -> int:
        """How often the session has been asked for, once nobody has done so for this long."""

        def quiet() -> list[dict[str, Any]] | None:
            asked = session_queries(self._backend)
            return asked if asked and time.time() - asked[-1]["time"] > seconds else None

        return len(self.until(quiet))


def open_together(tabs: Tabs, count: int, python: str) -> list[Tab]:
    """So many tabs with this Python that boot side by side."""
    opened = [tabs.python(python, html=HTML, wait=False) for _ in range(count)]
    for tab in opened:
        tab.page.wait_for_function("document.documentElement.dataset.python === 'done'")
        Bystander.listen(tab)
    return opened


def open_in_turn(tabs: Tabs, count: int, python: str, html: str, **texts: str) -> list[Tab]:
    """So many tabs, each once the one before shows this, so that each has asked: one that starts late takes an answer
    that another one gets meanwhile.
    """
    opened = []
    for _ in range(count):
        opened.append(tabs.python(python, html=html))
        opened[-1].shows(**texts)
    return opened


def all_show(opened: list[Tab], **texts: str) -> None:
    for tab in opened:
        tab.shows(**texts)
