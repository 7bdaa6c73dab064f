"""Many mounts and disposals leave nothing behind: no node, no listener, no proxy, no object of Python's.

`MOUNTS=10000 .venv/bin/python -m pytest tests/browser/test_leaks.py` is the long form.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.browser.snippets import SHOW
from tests.browser.tabs import Tabs

MOUNTS = int(os.environ.get("MOUNTS", "400"))

PYTHON = """
import gc
import js
from pyscript import ffi

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
            await js.Promise.resolve()  # the observer of nodes has its turn
    await js.Promise.resolve()
    for _ in range(3):
        gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else len(gc.get_objects())

js.globalThis.run = ffi.create_proxy(run)
"""


def measured(tabs: Tabs, mount: str, first: str = "") -> dict[str, float]:
    """How much more there is after many mounts than after as many before (tables have grown to their size by then)."""
    tab = tabs.python(SHOW + PYTHON + first, html='<div id="place"></div>', boot=True)
    metrics = tabs.context.new_cdp_session(tab.page)
    metrics.send("Performance.enable")
    metrics.send("HeapProfiler.enable")

    def there_is(times: int) -> dict[str, Any]:
        tab.page.evaluate("([name, times]) => run(name, times)", [mount, times])
        for _ in range(8):  # what JavaScript lets go of, Python can let go of, and the other way round
            metrics.send("HeapProfiler.collectGarbage")
            python = tab.page.evaluate("new Promise(resolve => setTimeout(resolve)).then(() => run('nothing', 0))")
        found = {metric["name"]: metric["value"] for metric in metrics.send("Performance.getMetrics")["metrics"]}
        page = tab.page.evaluate("keptByPage().length + document.adoptedStyleSheets.length")
        return {
            "python": python,
            "page": page,
            "nodes": found["Nodes"],
            "listeners": found["JSEventListeners"],
            "bytes": found["JSHeapUsedSize"],
        }

    before, after = there_is(MOUNTS), there_is(MOUNTS)
    return {name: after[name] - before[name] for name in after}


@pytest.mark.parametrize("mount", ["component", "effect", "binding", "listener", "provider", "bound_node"])
def test_many_mounts_leave_nothing_behind(tabs: Tabs, mount: str) -> None:
    more = measured(tabs, mount, "bind()\n" if mount == "bound_node" else "")
    print(tabs.interpreter, mount, MOUNTS, more)
    assert more["page"] == 0
    assert more["listeners"] <= 0
    # A mount of which something stays has a node, an object (bytes on MicroPython), and hundreds of bytes.
    assert more["nodes"] < MOUNTS / 2
    assert more["python"] < MOUNTS * (50 if tabs.interpreter == "micropython" else 0.5)
    assert more["bytes"] < MOUNTS * 500
