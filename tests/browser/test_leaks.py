"""Many mounts and disposals leave nothing behind: no node, no listener, no proxy, no object of Python's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.snippets import SHOW
from tests.support.tabs import Tabs

MOUNTS = 10_000
# On Pyodide they take 1 to 5 ms each, and what a page mounts most are components.
FEWER = {("pyodide", mount): 1_000 for mount in ("effect", "binding", "listener", "provider", "bound_node")}
AT_A_TIME = 500  # as long as JavaScript keeps it, garbage has a place in MicroPython's tables, which only grow
FEWER["micropython", "panel"] = AT_A_TIME
# However many mounts there were. Python's is in bytes on MicroPython, and in objects on Pyodide, where a timer of the
# Provider's that is set meanwhile is a dozen; what each mount left would be a thousand.
MOST = {"page": 0, "listeners": 0, "proxies": 2, "nodes": 5, "bytes": 100_000}
MOST_OF_PYTHON = {"micropython": 1_000, "pyodide": 50}

PYTHON = """
import asyncio
import gc
import js
from pyscript import ffi

try:
    import pyodide_js
    module = pyodide_js._module
    module.enable_pyproxy_allocation_tracing()
except ImportError:
    pass

def proxies():
    # What each language holds of the other's.
    if hasattr(js, "proxy_js_map"):  # MicroPython's tables
        return js.proxy_js_ref_map.size + js.proxy_js_map.size
    return module._hiwire_num_refs() + module.pyproxy_alloc_map.size

provider = Provider(session={"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"})
place = document.getElementById("place")
HTML = '<p data-auth-show="authenticated" hidden><b data-auth-text="user.name">?</b>' \
    '<img data-auth-src="user.image"><button data-auth-signout>x</button></p><p data-auth-error></p>' \
    '<form data-auth-form="credentials"><p data-auth-error></p></form>'

def mount_component():
    component(place)(lambda: [use_session().session.user.name, document.createElement("hr")]).dispose()

def mount_effect():
    def outer():
        use_session().status
        effect(lambda: use_session().session.user.name)
    effect(outer).dispose()

def mount_binding():
    place.innerHTML = HTML
    bind(place).dispose()
    place.replaceChildren()

def mount_listener():
    on_session_change(lambda state, previous: None).dispose()

def mount_provider():
    Provider(session=None, default=False).stop()

# What a standing binding serves and lets go of.
def mount_bound_node():
    place.innerHTML = HTML
    place.replaceChildren()

def mount_nothing():
    pass

async def run(name, times):
    for number in range(int(times)):
        globals()["mount_" + name]()
        if number % 50 == 0:
            await asyncio.sleep(0)  # tasks and the observer of nodes have their turn
    await asyncio.sleep(0)
    for _ in range(3):
        gc.collect()
    python = gc.mem_alloc() if hasattr(gc, "mem_alloc") else len(gc.get_objects())
    return ffi.to_js([python, proxies()])

js.globalThis.run = ffi.create_proxy(run)
"""


def measured(tabs: Tabs, mount: str, first: str = "") -> dict[str, float]:
    """How much more there is after many mounts than after some before (tables have grown to their size by then)."""
    tab = tabs.python(SHOW + PYTHON + first, html='<div id="place"></div>', boot=True)
    metrics = tabs.context.new_cdp_session(tab.page)
    metrics.send("Performance.enable")
    metrics.send("HeapProfiler.enable")

    def there_is(times: int) -> dict[str, Any]:
        for _ in range(times // AT_A_TIME):
            tab.page.evaluate("([name, times]) => run(name, times)", [mount, AT_A_TIME])
            metrics.send("HeapProfiler.collectGarbage")
        for _ in range(8):  # what JavaScript lets go of, Python can let go of, and the other way round
            metrics.send("HeapProfiler.collectGarbage")
            python, proxies = tab.page.evaluate(
                "new Promise(resolve => setTimeout(resolve)).then(() => run('nothing', 0))"
            )
        found = {metric["name"]: metric["value"] for metric in metrics.send("Performance.getMetrics")["metrics"]}
        page = tab.page.evaluate("keptByPage().length + document.adoptedStyleSheets.length")
        return {
            "python": python,
            "proxies": proxies,
            "page": page,
            "nodes": found["Nodes"],
            "listeners": found["JSEventListeners"],
            "bytes": found["JSHeapUsedSize"],
        }

    mounts = FEWER.get((tabs.interpreter, mount), MOUNTS)
    before, after = there_is(2 * AT_A_TIME), there_is(mounts)
    return {name: after[name] - before[name] for name in after}


@pytest.mark.parametrize("mount", ["component", "effect", "binding", "listener", "provider", "bound_node"])
def test_many_mounts_leave_nothing_behind(tabs: Tabs, mount: str) -> None:
    more = measured(tabs, mount, "bind()\n" if mount == "bound_node" else "")
    most = {**MOST, "python": MOST_OF_PYTHON[tabs.interpreter]}
    assert {name: count for name, count in more.items() if count > most[name]} == {}, more
