"""Python in a worker of a page under test, which does what the test tells it to, and says how that went.

A worker has no elements: the page around it shows what it says, each text in the element of that name.
"""

from __future__ import annotations

import itertools
import json

from tests.browser.snippets import BARE_SCRIPTS, FOLLOW
from tests.support.engines import expect
from tests.support.site import INTERPRETERS, PYSCRIPT, SCRIPT_TYPES, page
from tests.support.tabs import Tab, Tabs

KINDS = ["by PyScript", "by hand", "in an editor"]
ISOLATED = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}

# Channels, because they are the same for each kind of worker.
HEAR = """<script>
const ears = new BroadcastChannel("said-%(name)s");
ears.onmessage = ({ data }) => {
  const [id, text] = JSON.parse(data);
  const element = document.getElementById(id) ?? document.body.appendChild(document.createElement("p"));
  element.id = id;
  element.textContent = text;
};
const mouth = new BroadcastChannel("do-%(name)s");
const tell = (id, code) => mouth.postMessage(JSON.stringify([id, code]));
</script>"""

# show("id", value), and every public name.
IN_WORKER = """
import asyncio
import json
import sys
import js
from nextauth_client import *
if sys.implementation.name == "micropython":
    from jsffi import create_proxy
else:
    from pyodide.ffi import create_proxy

channels = js.TestChannel if hasattr(js, "TestChannel") else js.BroadcastChannel
mouth = channels.new("said-%(name)s")

def show(name, value):
    mouth.postMessage(json.dumps([name, str(value)]))

async def do(name, code):
    try:
        value = eval(code, globals())
        if hasattr(value, "send") or hasattr(value, "done"):
            value = await value
        show(name, value)
    except Exception as error:
        show(name, type(error).__name__ + ": " + str(error))

tasks = []

def told(event):
    tasks.append(asyncio.create_task(do(*json.loads(str(event.data)))))

ears = channels.new("do-%(name)s")
ears.onmessage = create_proxy(told)
"""
READY = '\nshow("ready", "yes")\n'

_numbers = itertools.count(1)


class Worker:
    """Tell it what to do; `tab` is the page around it."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self._calls = itertools.count(1)

    @property
    def is_isolated(self) -> bool:
        return bool(self.tab.page.evaluate("crossOriginIsolated"))

    def call(self, code: str) -> str:
        """What the Python expression gives, awaited, as text."""
        name = f"call-{next(self._calls)}"
        self.tab.page.evaluate("([name, code]) => tell(name, code)", [name, code])
        self.tab.until(f"document.getElementById('{name}') !== null")
        return str(self.tab.page.evaluate("name => document.getElementById(name).textContent", name))

    def sign_in(self, username: str = "ada", password: str = "lovelace") -> None:
        fields = f"username={username!r}, password={password!r}"
        assert self.call(f"sign_in('credentials', redirect=False, {fields})").startswith("SignInResult(")

    def sign_out(self) -> None:
        assert self.call("sign_out(redirect=False)").startswith("SignOutResult(")


def script(tabs: Tabs, kind: str, python: str, name: str, before: str = "") -> tuple[str, str]:
    """What loads the Python in a worker: in the head, and in the body of a page called `name`.

    One that is made by hand runs the JavaScript `before` all else, and is the page's variable `worker`.
    """
    site, interpreter = tabs.site, tabs.interpreter
    site.write(f"/{name}.py", python)
    if kind == "by hand":
        loading = BARE_SCRIPTS[interpreter] % {"interpreter": INTERPRETERS[interpreter], "archive": site.archive}
        lines = loading.replace("/bare-page.py", f"/{name}.py").partition("\n")[2]
        site.write(f"/{name}.js", lines.replace(";\n", f";\n{before}\n", 1))  # imports come first
        return "", f'<script>worker = new Worker("/{name}.js", {{ type: "module" }});</script>'
    site.write(f"/{name}.json", json.dumps({"interpreter": INTERPRETERS[interpreter], "files": site.files}))
    head = f'<script type="module" src="{PYSCRIPT}"></script>'
    config = f'config="/{name}.json"'
    kind_of_script = SCRIPT_TYPES[interpreter]
    if kind == "in an editor":  # which shows no `src`
        return head, f'<script type="{kind_of_script}-editor" {config}>{python}</script>'
    return head, f'<script type="{kind_of_script}" src="/{name}.py" {config} worker></script>'


def open_worker(
    tabs: Tabs,
    kind: str,
    python: str = "Provider()\n" + FOLLOW,
    *,
    html: str = "",
    head: str = "",
    before: str = "",
) -> Worker:
    """A page whose Python is all in a worker, and has come to its end.

    By itself it shows what it knows in #status, #who and #error. `html` and `head` are the page's; for `before` see
    `script`.
    """
    name = f"worker-{next(_numbers)}"
    in_head, in_body = script(tabs, kind, IN_WORKER % {"name": name} + python + READY, name, before)
    tabs.site.write(f"/{name}.html", page(HEAR % {"name": name} + head + in_head, html + in_body))
    tab = tabs.tab()
    tab.page.goto(f"{tabs.backend.url}/{name}.html")
    start(tabs, tab, kind)
    return Worker(tab)


def start(tabs: Tabs, tab: Tab, kind: str) -> None:
    """Wait until its Python has run; somebody has to press a button in an editor."""
    if kind == "in an editor":
        button = tab.page.locator(f".{SCRIPT_TYPES[tabs.interpreter]}-editor-run-button")
        expect(button).to_be_visible()
        button.click()
    tab.shows(ready="yes")
