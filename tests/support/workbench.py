"""The side of the tests to `workbench_page.py`."""

from __future__ import annotations

import hashlib
import json
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from playwright.sync_api import Page, expect

from scripts.steps import ROOT
from tests.support.real_backends import RealBackend
from tests.support.site import Site, page
from tests.support.tabs import Tab

CLIENT = ROOT / "client" / "nextauth_client"
PYTHON = Path(__file__).with_name("workbench_page.py")
NO_OPTIONS: dict[str, Any] = {}
LONGEST_START = 120_000  # milliseconds; Pyodide's, on a machine with much else to do
QUIET = "/client.json"  # of a page's own origin, and does nothing
# No script of the page's own in its HTML and none made of text: PyScript's core alone needs that.
POLICY = "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'"
HTML = """
<script src="/workbench.js"></script>
<main data-provider="%s">
  <p id="problem" data-auth-error></p>
  <p id="status"></p> <p id="name"></p> <p id="error"></p> <p id="reason"></p> <p id="seen"></p>
  <pre id="session"></pre>
</main>
"""
CALLS = """
window.violations = [];
addEventListener("securitypolicyviolation", event => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
window.python = new Promise(resolve => {
    window.pythonIsReady = () => {
        document.documentElement.dataset.python = "ready";
        resolve();
    };
});
window.callPython = async (name, positional, keywords) => {
    await python;
    return new Promise(resolve => startCall(name, JSON.stringify([positional, keywords]), resolve));
};
"""
# An interpreter that the page loads by itself; MicroPython starts twice as fast so, and there are many pages to open.
FILES = """
const folder = "/lib/nextauth_client";
const [client, python] = await Promise.all([
    fetch("/client.json").then(response => response.json()),
    fetch("/workbench.py").then(response => response.text()),
]);
export async function run(interpreter) {
    interpreter.FS.mkdirTree(folder);
    for (const [name, source] of Object.entries(client)) interpreter.FS.writeFile(`${folder}/${name}`, source);
    await interpreter.runPythonAsync(python);
}
"""
BARE = {
    "micropython": """
import { loadMicroPython } from "/static/vendor/micropython/micropython.mjs";
import { run } from "/bare.js";
await run(await loadMicroPython({ stderr: line => console.error(line) }));
""",
    "bare-pyodide": """
import { loadPyodide } from "/static/vendor/pyodide/pyodide.mjs";
import { run } from "/bare.js";
const pyodide = await loadPyodide();
pyodide.runPython("import sys; sys.path.append('/lib')");
await run(pyodide);
""",
}

Options = dict[str, Any]  # of the page's Provider; `None` stands for a page without one


def path_of(base_path: str, interpreter: str, options: Options | None = NO_OPTIONS) -> str:
    name = f"/{base_path.strip('/').replace('/', '-')}-{interpreter}"
    if options != NO_OPTIONS:
        name += "-" + hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:8]
    return name + ".html"


def write_client(site: Site) -> None:
    """What every page needs."""
    site.write("/workbench.js", CALLS)
    site.write("/bare.js", FILES)
    for interpreter, script in BARE.items():
        site.write(f"/{interpreter}.js", script)
    site.write("/workbench.py", PYTHON.read_text(encoding="utf-8"))
    site.write(QUIET, json.dumps({file.name: file.read_text("utf-8") for file in CLIENT.glob("*.py")}))


def write_page(site: Site, base_path: str, interpreter: str, options: Options | None) -> str:
    """Write the page and return its path."""
    path = path_of(base_path, interpreter, options)
    if (site.folder / path.lstrip("/")).exists():
        return path
    given = None if options is None else {"base_path": base_path, **options}
    html = HTML % escape(json.dumps(given))
    if interpreter in BARE:
        policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        site.write(path, page(policy, f'{html}<script type="module" src="/{interpreter}.js"></script>'))
    else:
        site.write_page(path, python=PYTHON.read_text(encoding="utf-8"), html=html, interpreter=interpreter)
    return path


class Raised(Exception):
    """A function of the client raised in the page. `kind` is the exception's name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class Workbench(Tab):
    """A tab with the page. `go` opens it; the page may leave for elsewhere and come back."""

    def __init__(self, page: Page, backend: RealBackend, path: str, identity_provider: str) -> None:
        super().__init__(page, backend)
        self.backend: RealBackend = backend
        self.path = path
        self.identity_provider = identity_provider
        self.may_ask(identity_provider)

    def assert_keeps_passwords(self) -> None:
        """No password is in an address, on the console, or in what the backend has logged."""
        said = [unquote_plus(request.url) for request in self.all_requests] + self.console
        said += [json.dumps(entry, ensure_ascii=False) for entry in self.backend.logged()]
        told = [line for line in said if any(person.password in line for person in self.backend.users.values())]
        assert not told, f"a password was told: {told}"

    def check(self) -> None:
        super().check()
        self.assert_keeps_passwords()

    @property
    def url(self) -> str:
        return self.backend.url + self.path

    def go(self, tail: str = "") -> Workbench:
        """Open the page; `tail` is its query and fragment."""
        self.page.goto(self.url + tail)
        return self

    def shows(self, **texts: str) -> None:
        expect(self.page.locator("html")).to_have_attribute("data-python", "ready", timeout=LONGEST_START)
        super().shows(**texts)

    def is_at(self, url: str) -> None:
        """Wait until the page is at this address, fragment and all."""
        expect(self.page).to_have_url(url)

    def error_in_url(self) -> str | None:
        """The error code that a backend has put into the page's address."""
        code = self.page.evaluate("new URL(location).searchParams.get('error')")
        return None if code is None else str(code)

    def call(self, name: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of `nextauth_client` in the page, and wait for what it gives, as plain data."""
        script = "given => callPython(...given)"
        outcome = json.loads(self.page.evaluate(script, [name, list(arguments), keywords]))
        if "raised" in outcome:
            raise Raised(outcome["raised"], outcome["message"])
        return outcome["value"]

    def start(self, name: str, *arguments: Any, **keywords: Any) -> None:
        """Call one that leaves the page."""
        self.page.evaluate("given => { callPython(...given); }", [name, list(arguments), keywords])

    def start_and_keep(self, name: str, *arguments: Any, **keywords: Any) -> None:
        """Call one whose outcome is asked for later, by `kept` or `kept_error`."""
        script = "given => { window.kept = callPython(...given); }"
        self.page.evaluate(script, [name, list(arguments), keywords])

    def kept(self) -> Any:
        """What the call gave, as plain data."""
        return json.loads(self.page.evaluate("kept"))["value"]

    def kept_error(self) -> str:
        """What the call raised."""
        return str(json.loads(self.page.evaluate("kept"))["raised"])

    def sign_in(self, username: str = "ada") -> None:
        """Sign in as somebody who has a password, without leaving the page."""
        person = self.backend.users[username]
        result = self.call("sign_in", "credentials", redirect=False, username=username, password=person.password)
        assert result["ok"], result
        self.shows(status="authenticated", name=person.name)

    def session(self) -> Any:
        """The session that the page shows."""
        expect(self.element("session")).not_to_have_text("")
        return json.loads(self.element("session").text_content() or "")
