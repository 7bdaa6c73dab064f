"""What a Provider keeps of a page: nothing after `stop()`, and no more after thousands of answers than after a few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import CDPSession

from tests.browser.following import BROWSERS_OWN, HTML, Bystander, following, press, session_queries
from tests.browser.snippets import HTML as COMMON_HTML
from tests.browser.snippets import SHOW
from tests.support.backend import Backend
from tests.support.tabs import Tab, Tabs, pyodide_only

# `timers()` gives the delays, in milliseconds, of those that have not rung yet; shorter ones are not ours.
WATCH_TIMERS = """
if (!window.timers) {
    const pending = new Map();
    const { setTimeout: set, clearTimeout: clear } = window;
    window.setTimeout = (callback, delay, ...given) => {
        const number = set(() => { pending.delete(number); callback(...given); }, delay);
        pending.set(number, delay ?? 0);
        return number;
    };
    window.clearTimeout = number => { pending.delete(number); clear(number); };
    window.timers = () => [...pending.values()].filter(delay => delay > 1000);
}
"""

STOP = f"""
import js
js.eval('''{WATCH_TIMERS}''')
js.window.keptBefore = js.keptByPage().join(", ")
""" + following("keep_alive=1000, timeout=1000")


def locks(tab: Tab) -> int:
    """How many of ours are held or waited for."""
    query = "navigator.locks.query().then(locks => [...locks.held, ...locks.pending].map(lock => lock.name))"
    return len([name for name in tab.page.evaluate(query) if name.startswith("nextauth-client")])


def test_stop_leaves_no_listener_timer_channel_lock_or_request(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(STOP, html=HTML)
    tab.expect_problem(BROWSERS_OWN)
    with Bystander(tabs) as bystander:
        tab.shows(who="Ada Lovelace")
        bystander.until_quiet(1)
        backend.fault("session", "hang")
        tab.page.evaluate("dispatchEvent(new Event('focus'))")
        bystander.until(lambda: len(session_queries(backend)) == 2)
        press(tab, "ask")
        bystander.until(lambda: len(session_queries(backend)) == 3)
        assert locks(tab) == 1
        assert tab.page.evaluate("timers()") != []
        assert tab.page.evaluate("keptByPage().join(', ') !== keptBefore")
        press(tab, "stop")
        tab.shows(done="stop ask:ClientFetchError")
        bystander.until(lambda: all(request.failure for request in tab.requests("session")[1:]))
        bystander.until(lambda: locks(tab) == 0)
        assert tab.page.evaluate("timers()") == []
        assert tab.page.evaluate("keptByPage().join(', ')") == tab.page.evaluate("keptBefore")
        # Nothing wakes it up.
        bystander.everywhere("focus")
        bystander.send_as_v4()
        bystander.send_as_v5()
        assert bystander.until_quiet(0.5) == 3


# ── thousands of answers ─────────────────────────────────────────────────────────────────────────

# Answers at once, with another name each time, so that every reader is told.
FAST_BACKEND = """() => {
    const { fetch } = window;
    let count = 0;
    // Answered by a task of its own, as from a network: timers that only timers lead to wait for 4 ms each.
    const { port1, port2 } = new MessageChannel();
    const waiting = [];
    port1.onmessage = () => waiting.shift()();
    window.fetch = async () => {
        await new Promise(answered => {
            waiting.push(answered);
            port2.postMessage(null);
        });
        return new Response(
            JSON.stringify({ user: { name: `Ada ${count++ % 7}` }, expires: "2999-01-01T00:00:00.000Z" }),
            { headers: { date: new Date().toUTCString() } },
        );
    };
    window.restoreFetch = () => { window.fetch = fetch; };
}"""

REFRESH = """
import gc

def measure():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else len(gc.get_objects())

@button("many")
async def many():
    for _ in range(js.window.times):
        await Provider.current().refresh()
    show("size", measure())

# As when the JavaScript client of another tab tells of a change: under the lock, which is then let go.
@button("told")
async def told():
    for _ in range(js.window.times):
        answered = asyncio.Event()
        subscription = on_session_change(lambda new, old: new.session != old.session and answered.set())
        await js.window.lockIsFree()
        js.window.tellAsV4()
        await answered.wait()
        subscription.dispose()
    show("size", measure())
"""
TELL_AS_V4 = """() => {
    const message = JSON.stringify({ event: "session", data: { trigger: "getSession" }, timestamp: 1 });
    const { request } = LockManager.prototype;
    window.locksAsked = 0;
    let name = "nobody's";
    LockManager.prototype.request = function (...given) {
        window.locksAsked++;
        name = given[0];
        return request.apply(this, given);
    };
    window.lockIsFree = () => request.call(navigator.locks, name, () => null);
    window.tellAsV4 = () =>
        dispatchEvent(new StorageEvent("storage", { key: "nextauth.message", newValue: message }));
}"""


class Heap:
    """How much a page's Python and its JavaScript hold, after each of some rounds of refreshes."""

    def __init__(self, tabs: Tabs, tab: Tab, times: int, button: str) -> None:
        self.tabs = tabs
        self.tab = tab
        self.times = times
        self._button = button
        self._devtools: CDPSession = tab.page.context.new_cdp_session(tab.page)
        self._rounds: list[str] = []
        tab.page.evaluate("times => { window.times = times }", times)

    def after_a_round(self) -> tuple[int, int, int]:
        """Python: bytes (MicroPython) or objects (Pyodide); JavaScript: bytes, and objects that Python refers to."""
        self._rounds.append(self._button)
        press(self.tab, self._button)
        self.tab.shows(done=" ".join(self._rounds))
        self._devtools.send("HeapProfiler.collectGarbage")
        used: Any = self._devtools.send("Runtime.getHeapUsage")
        proxies = self.tab.page.evaluate("(globalThis.proxy_js_ref ?? []).filter(one => one !== undefined).length")
        return int(self.tab.element("size").inner_text()), int(used["usedSize"]), int(proxies)


@contextmanager
def refreshing(tabs: Tabs, times: int, button: str = "many") -> Iterator[Heap]:
    html = HTML + '<p id="size"></p><button id="many">Many</button><button id="told">Told</button>'
    tab = tabs.python("import js\n" + following() + REFRESH, html=html)
    tab.shows(status="unauthenticated")
    tab.page.evaluate(FAST_BACKEND)
    tab.page.evaluate(TELL_AS_V4)
    try:
        yield Heap(tabs, tab, times, button)
    finally:
        tab.page.evaluate("restoreFetch()")


# What one query may seem to leave behind, as `after_a_round` measures it: when the collectors run is their business.
NOISE = {"micropython": (8, 80, 0.1), "pyodide": (0.06, 80, 0.1)}


def assert_that_it_does_not_grow(heap: Heap, rounds: int = 6) -> None:
    """The least that is held in the later half of the rounds is no more than that in the earlier half."""
    heap.after_a_round()
    sizes = [heap.after_a_round() for _ in range(rounds)]
    print("\n", *sizes, sep="\n")
    half = rounds // 2
    for earlier, later, noise in zip(
        zip(*sizes[:half], strict=True), zip(*sizes[half:], strict=True), NOISE[heap.tabs.interpreter], strict=True
    ):
        assert min(later) - min(earlier) < noise * heap.times * half


def test_refreshes_do_not_grow_the_heap(tabs: Tabs) -> None:
    with refreshing(tabs, 1700) as heap:
        assert_that_it_does_not_grow(heap)


def test_queries_under_the_lock_do_not_grow_the_heap(tabs: Tabs) -> None:
    with refreshing(tabs, 500, "told") as heap:
        assert_that_it_does_not_grow(heap)
        assert heap.tab.page.evaluate("locksAsked") >= 7 * heap.times


STOPPED_BEFORE_ITS_LOCK = """
import asyncio
import gc
import weakref

import js
from nextauth_client.events import ForeignChange
from pyodide.code import run_js

run_js('''() => {
    const { request } = LockManager.prototype;
    const later = new Promise(resolve => { window.answerLocks = resolve; });
    LockManager.prototype.request = async function (...given) {
        window.locksAreAsked = true;
        await later;
        LockManager.prototype.request = request;
        return request.apply(this, given);
    };
}''')()

provider = Provider(default=False)
await provider.ready()
host = weakref.ref(provider.driver.host)
provider.driver.receive(ForeignChange(None))
assert js.window.locksAreAsked
provider.stop()
del provider

@on_click("go")
async def look(event):
    js.window.answerLocks()
    for _ in range(100):
        await asyncio.sleep(0.05)
        gc.collect()
        if host() is None:
            break
    show("result", host())
"""


@pyodide_only
def test_a_lock_that_is_answered_after_stop_leaves_nothing_either(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + STOPPED_BEFORE_ITS_LOCK, html=COMMON_HTML)
    tab.element("go").click()
    tab.shows(result="None")
