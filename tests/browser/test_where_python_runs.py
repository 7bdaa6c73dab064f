"""Pages and workers whose own address is not the site's: `blob:`, `srcdoc`, `data:`, sandboxed; and blocked storage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest

from scripts.steps import ROOT
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.proxy import Proxy
from tests.support.site import SCRIPT_TYPES, Site, page
from tests.support.tabs import Tab, Tabs, contract, contract_in_one, first_on_pyodide

CLIENT = ROOT / "client" / "nextauth_client"

# PyScript itself does not start in some of these places; an interpreter that is loaded alone does.
LOAD = {
    "micropython": """
import { loadMicroPython } from "%(url)s/static/vendor/micropython/micropython.mjs";
const runtime = await loadMicroPython({ stderr: line => console.error(line) });
""",
    "pyodide": """
import { loadPyodide } from "%(url)s/static/vendor/pyodide/pyodide.mjs";
const runtime = await loadPyodide({ indexURL: "%(url)s/static/vendor/pyodide/" });
runtime.runPython("import sys; sys.path.append('/lib')");
""",
}
RUN = """
const files = await (await fetch("%(url)s/client.json")).json();
runtime.FS.mkdirTree("/lib/nextauth_client");
for (const [name, source] of Object.entries(files)) runtime.FS.writeFile(`/lib/nextauth_client/${name}`, source);
await runtime.runPythonAsync(%(python)s);
"""

IN_PAGE = """
import asyncio
import js
from nextauth_client import *

def show(name, value):
    js.document.getElementById(name).textContent = str(value)
"""
# What stands around a frame, or has made a worker, shows what comes from there.
TELL = """
import asyncio
import js, json
from nextauth_client import *

def show(name, value):
    js.%s.postMessage(json.dumps(["tests", name, str(value)])%s)
"""
IN_FRAME = TELL % ("parent", ', "*"')
HEAR = """
<script>
    const hear = ({ data }) => {
        const [tests, name, text] = JSON.parse(data);
        if (tests === "tests") document.getElementById(name).textContent = text;
    };
    addEventListener("message", hear);
</script>
"""
IN_WORKER = TELL % ("self", "")
SIGN_IN = """
async def enter():
    try:
        result = await sign_in("credentials", redirect=False, username="ada", password="lovelace")
        show("result", result.error or "ok")
        show("url", result.url)
    except Exception as error:
        show("result", repr(error))

task = asyncio.create_task(enter())
"""


@pytest.fixture
def headers() -> dict[str, str]:
    return {}


@pytest.fixture
def proxy(backend: Backend, headers: dict[str, str]) -> Iterator[Proxy]:
    with Proxy(backend, headers=headers) as proxy:
        yield proxy


@pytest.fixture
def odd_tabs(tabs: Tabs, proxy: Proxy, site: Site, interpreter: str) -> Iterator[Tabs]:
    with Tabs(tabs.context, site, proxy, interpreter, None) as tabs:
        write_client(tabs)
        yield tabs


def write_client(tabs: Tabs) -> None:
    sources = {file.name: file.read_text("utf-8") for file in CLIENT.glob("*.py")}
    tabs.site.write("/client.json", json.dumps(sources))


def script(tabs: Tabs, python: str) -> str:
    return (LOAD[tabs.interpreter] + RUN) % {"url": tabs.backend.url, "python": json.dumps(python)}


def blob_frame(tabs: Tabs, html: str) -> str:
    return f"""<script>
        const frame = document.body.appendChild(document.createElement("iframe"));
        frame.src = URL.createObjectURL(new Blob([{quoted(html)}], {{ type: "text/html" }}));
    </script>"""


def srcdoc_frame(tabs: Tabs, html: str) -> str:
    return f'<script>document.body.appendChild(document.createElement("iframe")).srcdoc = {quoted(html)};</script>'


def data_frame(tabs: Tabs, html: str) -> str:
    return f"""<script>
        const frame = document.body.appendChild(document.createElement("iframe"));
        frame.src = "data:text/html;charset=utf-8," + encodeURIComponent({quoted(html)});
    </script>"""


def sandboxed_frame(tabs: Tabs, html: str) -> str:
    tabs.site.write("/sandboxed.html", html)
    return '<iframe sandbox="allow-scripts" src="/sandboxed.html"></iframe>'


def quoted(text: str) -> str:
    return json.dumps(text).replace("</", "<\\/")


Frame = Callable[[Tabs, str], str]


def in_frame(tabs: Tabs, frame: Frame, python: str) -> Tab:
    html = page("", f'<script type="module">{script(tabs, IN_FRAME + python)}</script>')
    tabs.site.write("/around.html", page("", HTML + HEAR + frame(tabs, html)))
    tab = tabs.tab()
    tab.page.goto(tabs.backend.url + "/around.html")
    return tab


def assert_callback_is_http(tabs: Tabs) -> None:
    """The address is in the backend's cookie from now on."""
    [kept] = [cookie["value"] for cookie in tabs.context.cookies() if "callback-url" in cookie["name"]]
    assert unquote(kept).startswith(tabs.backend.url + "/")
    assert tabs.context.request.get(tabs.backend.base + "/session").json()["user"]["name"] == "Ada Lovelace"


@first_on_pyodide
@contract_in_one
@pytest.mark.parametrize("frame", [blob_frame, srcdoc_frame])
def test_a_page_without_an_address_of_its_own_signs_in_at_its_origin(odd_tabs: Tabs, frame: Frame) -> None:
    tab = in_frame(odd_tabs, frame, "Provider(timeout=30)\n" + FOLLOW + SIGN_IN)
    tab.shows(result="ok", status="authenticated", who="Ada Lovelace", error="none")
    assert_callback_is_http(odd_tabs)


ASK_FOR_HELP = """
try:
    Provider()
except ValueError as error:
    show("result", str(error))

async def ask():
    try:
        await get_session()
    except ValueError as error:
        show("url", str(error))

task = asyncio.create_task(ask())
"""
FOR_ANYBODY = {
    "access-control-allow-origin": "null",
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": "content-type, x-auth-return-redirect",
}
without_origin = pytest.mark.parametrize("frame", [data_frame, sandboxed_frame])
for_anybody = pytest.mark.parametrize("headers", [FOR_ANYBODY], ids=["cors"])


@first_on_pyodide
@contract_in_one
@without_origin
@for_anybody
def test_a_page_without_an_origin_is_told_to_say_where_the_backend_is(
    odd_tabs: Tabs, proxy: Proxy, frame: Frame
) -> None:
    tab = in_frame(odd_tabs, frame, ASK_FOR_HELP)
    for name in ("result", "url"):
        tab.contains(**{name: "base_url="})
    assert proxy.asked and not [asked for asked in proxy.asked if "null" in asked or "/api/auth" in asked]


@first_on_pyodide
@contract
@without_origin
@for_anybody
def test_a_page_without_an_origin_and_storage_follows_the_backend_that_it_names(odd_tabs: Tabs, frame: Frame) -> None:
    """Storage, cookies and locks throw there; no cookie of the backend's is sent, so nobody is signed in."""
    url = odd_tabs.backend.url
    tab = in_frame(odd_tabs, frame, f"Provider(timeout=30, base_url={url!r})\n{FOLLOW}\n{ASK_LATER}")
    tab.expect_problem("has been rejected because it is in a cross-site context")  # Firefox, of cookies
    tab.shows(status="unauthenticated", result="None", error="none")


ASK_LATER = """
async def ask():
    show("result", await get_session())

task = asyncio.create_task(ask())
"""


@contract
def test_a_worker_that_was_made_of_a_blob_signs_in_with_an_http_callback_url(odd_tabs: Tabs) -> None:
    source = script(odd_tabs, IN_WORKER + "Provider(timeout=30)\n" + FOLLOW + SIGN_IN)
    start = f"""<script>
        const blob = new Blob([{quoted(source)}], {{ type: "text/javascript" }});
        const worker = new Worker(URL.createObjectURL(blob), {{ type: "module" }});
        worker.onerror = event => console.error(event.message);
        worker.onmessage = hear;
    </script>"""
    odd_tabs.site.write("/around.html", page("", HTML + HEAR + start))
    tab = odd_tabs.tab()
    tab.page.goto(odd_tabs.backend.url + "/around.html")
    tab.shows(result="ok", status="authenticated", who="Ada Lovelace", error="none")
    assert_callback_is_http(odd_tabs)


ISOLATED = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}


def pyscript_worker(tabs: Tabs, python: str) -> Tab:
    tabs.site.write_page("/worker.html", python=python, html=HTML, interpreter=tabs.interpreter)
    html = (tabs.site.folder / "worker.html").read_text()
    kind = f'<script type="{SCRIPT_TYPES[tabs.interpreter]}"'
    tabs.site.write("/worker.html", html.replace(kind, kind + " worker"))
    tab = tabs.tab()
    tab.page.goto(tabs.backend.url + "/worker.html")
    return tab


@pytest.mark.parametrize("headers", [ISOLATED], ids=["isolated"])
def test_pyscripts_worker_of_an_isolated_page_signs_in(odd_tabs: Tabs) -> None:
    """There a worker has a `document`, which stands for the page's."""
    python = SHOW.replace("document, when", "document") + "import asyncio\nProvider(timeout=30)\n" + FOLLOW + SIGN_IN
    tab = pyscript_worker(odd_tabs, python)
    tab.shows(result="ok", status="authenticated", who="Ada Lovelace", error="none")
    assert tab.page.evaluate("crossOriginIsolated")
    assert_callback_is_http(odd_tabs)


# ── storage that is blocked ──────────────────────────────────────────────────────────────────────

BLOCKED = """
for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, {
        get() { throw new DOMException("Access is denied for this document.", "SecurityError"); },
    });
LockManager.prototype.request = () => Promise.reject(new DOMException("Denied.", "SecurityError"));
"""


@contract_in_one
def test_blocked_storage_stops_nothing(odd_tabs: Tabs) -> None:
    html = page(
        f"<script>{BLOCKED}</script>",
        f"""{HTML}<script type="module">{
            script(odd_tabs, IN_PAGE + "Provider(timeout=30)" + FOLLOW + SIGN_IN)
        }</script>""",
    )
    odd_tabs.site.write("/around.html", html)
    tab = odd_tabs.tab()
    tab.page.goto(odd_tabs.backend.url + "/around.html")
    tab.shows(result="ok", status="authenticated", who="Ada Lovelace", error="none")
