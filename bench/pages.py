"""What a page costs beside next-auth v3 and React 17, in one run.

`.venv/bin/python -m bench.pages`, or that and `load`, `change`, `seconds`, `paint` or `calls`, after `make test` has
installed everything and while the machine does nothing else. Prints medians in milliseconds, and how they compare to
the first.

- load: from "the body of the first session's answer is there" to "every element shows the name", while the page loads
- change: the same for the name's later changes in a page where everything has run before
- seconds: from the timer of a countdown to "every element shows one second less", beside a change of the name
- calls: one of 100 sequential calls of an API, by `auth_fetch` and by the browser's `fetch` alone, beside the latter
- paint: from the navigation to "Signed in as …" painted; cold is a new browser profile, warm its second visit
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nextauth_client.packing import EARLY as EARLY_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from scripts.browsers import chromium_args, find_chromium
from scripts.javascript_pages import BUILD
from tests.support.backend import StubBackend
from tests.support.engines import new_context
from tests.support.site import INTERPRETERS, PYSCRIPT, Site, page

ROUNDS = 5
PAINTS = 7
CHANGES = 9
SAMPLE = 0.2  # seconds in which the browser's processor time is measured
IDLE = 0.01  # seconds of it, of all processes, in a browser that does nothing
LATENCY = 0.05  # seconds that the backend takes for a session, when something is to be painted
REACT = "next-auth v3 + React 17"

# ── pages ────────────────────────────────────────────────────────────────────────────────────────

# Notes when a body has come, and when the last element, hence all, shows what it holds.
TIMES = """
const isSession = response => response.url.endsWith("/api/auth/session");
const noted = piece => {
  if (piece?.done) return piece;
  window.bodyCame = performance.now();
  return piece;
};
for (const kind of ["text", "json", "arrayBuffer"]) {
  const read = Response.prototype[kind];
  Response.prototype[kind] = function () {
    return isSession(this) ? read.call(this).then(noted) : read.call(this);
  };
}
const body = Object.getOwnPropertyDescriptor(Response.prototype, "body");
Object.defineProperty(Response.prototype, "body", {
  get() {
    const stream = body.get.call(this);
    if (stream && isSession(this)) {
      const getReader = stream.getReader;
      stream.getReader = () => {
        const reader = getReader.call(stream);
        const read = reader.read;
        reader.read = () => read.call(reader).then(noted);
        return reader;
      };
    }
    return stream;
  },
});
window.shown = name => new Promise(resolve => {
  const elements = document.getElementsByTagName("p");
  const observer = new MutationObserver(() => {
    if (elements[elements.length - 1]?.textContent !== name) return;
    const took = performance.now() - window.bodyCame;
    observer.disconnect();
    const wrong = [...elements].filter(element => element.textContent !== name).length;
    resolve(isNaN(took) ? "no body was seen" : wrong ? `${wrong} elements are wrong` : took);
  });
  observer.observe(document, { childList: true, characterData: true, subtree: true });
});
window.change = (ask, name) => {
  const changed = shown(name);
  ask();
  return changed;
};
window.loaded = shown("Ada Lovelace");
"""
ASK_REACT = """() => dispatchEvent(new StorageEvent("storage", { key: "nextauth.message", newValue: JSON.stringify(
  { event: "session", data: { trigger: "getSession" }, clientId: "another", timestamp: Date.now() }) }))"""
ASK_PYTHON = "() => refresh()"

# Notes when the newest timer rang, and when the last element shows what it led to. No other timer is between the two.
TIMERS = """
const wait = window.setTimeout;
window.setTimeout = (call, ...rest) =>
  typeof call !== "function" ? wait(call, ...rest) : wait((...values) => {
    window.timerRang = performance.now();
    return call(...values);
  }, ...rest);
window.second = () => new Promise(resolve => {
  const elements = document.getElementsByTagName("p");
  const last = elements[elements.length - 1];
  const before = last.textContent;
  const observer = new MutationObserver(() => {
    if (last.textContent === before) return;
    const took = performance.now() - window.timerRang;
    observer.disconnect();
    const wrong = [...elements].filter(element => element.textContent !== last.textContent).length;
    resolve(isNaN(took) ? "no timer rang" : wrong ? `${wrong} elements are wrong` : took);
  });
  observer.observe(last, { childList: true, characterData: true, subtree: true });
});
"""

# Python makes the elements, as React does.
BOUND = """
import js
from nextauth_client import Provider, bind
count = {count}
js.document.querySelector("main").innerHTML = '<p data-auth-text="user.name">nobody</p>' * count
provider = Provider()
bind()
"""
EFFECTS = """
import js
from nextauth_client import Provider, effect, use_session
js.document.querySelector("main").innerHTML = "<p>nobody</p>" * {count}
provider = Provider()

def follow(element):
    text = element.firstChild

    @effect
    def show():
        session = use_session().session
        text.data = session.user.name if session else "nobody"

for element in js.document.querySelectorAll("main p"):
    follow(element)
"""
REFRESH = """
import asyncio
from pyscript import ffi

def refresh(*_):
    global asking
    asking = asyncio.create_task(provider.refresh())

js.globalThis.refresh = ffi.create_proxy(refresh)
js.document.documentElement.setAttribute("data-python", "done")
"""

# Calls `painted` with the milliseconds since the navigation in the frame after the one that shows it.
PAINT = """
const look = () => {
  const who = document.getElementById("who");
  if (who && who.checkVisibility() && who.textContent.trim() === "Signed in as Ada Lovelace") {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (window.painted = performance.now());
    port2.postMessage(0);
  } else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
EARLY = '<script src="/static/nextauth-early.js"></script>'
EARLY_THEN = f'<script src="/static/nextauth-early.js" data-then="{PYSCRIPT}"></script>'
EARLY_INLINE = f"<script data-then='{PYSCRIPT}'>{EARLY_SCRIPT.read_text(encoding='utf-8')}</script>"
SESSION = """<script type="application/json" id="nextauth-session">
{"user": {"name": "Ada Lovelace"}, "expires": "2999-01-01T00:00:00.000Z"}</script>"""
STATUS = """<p data-auth-show="loading">Loading</p>
<p id="who" data-auth-show="authenticated" hidden>Signed in as <span data-auth-text="user.name"></span></p>"""
# A page that loads MicroPython itself, without PyScript.
BARE = """
import { loadMicroPython } from "%(interpreter)s";
const python = await loadMicroPython();
python.FS.mkdirTree("/lib/nextauth_client");
python.FS.writeFile("/client", new Uint8Array(await (await fetch("%(archive)s")).arrayBuffer()));
python.runPython(`if True:
    import gzip, tarfile
    for member in (archive := tarfile.TarFile(fileobj=gzip.GzipFile(fileobj=open("/client", "rb")))):
        with open("/lib/" + member.name, "wb") as file:
            file.write(archive.extractfile(member).read())
`);
await python.runPythonAsync(%(python)s);
"""
BIND = "from nextauth_client import Provider, bind\nProvider()\nbind()\n"
CALLS = """
import asyncio
import json
import js
from nextauth_client import Provider, auth_fetch

async def bare():
    response = await js.fetch("/answer.json")
    return json.loads(await response.text())

async def ours():
    answer = await auth_fetch("/answer.json")
    return await answer.json()

async def took(call):
    start = js.performance.now()
    for _ in range(100):
        assert (await call())["answer"] == 42
    return (js.performance.now() - start) / 100

async def measure():
    await Provider().ready()
    await took(bare)
    await took(ours)
    found = []
    for _ in range(%d):
        found.append([await took(bare), await took(ours)])  # MicroPython awaits in no comprehension
    js.document.documentElement.setAttribute("data-calls", json.dumps(found))

task = asyncio.create_task(measure())
"""


class Bench:
    def __init__(self, browser: Browser, backend: StubBackend, site: Site) -> None:
        self.browser = browser
        self.backend = backend
        self.site = site
        self._cdp = browser.new_browser_cdp_session()

    @contextmanager
    def signed_in(self) -> Iterator[BrowserContext]:
        with new_context(self.browser, base_url=self.backend.url) as context:
            self.backend.sign_in(context)
            yield context

    # ── many elements ────────────────────────────────────────────────────────────────────────────

    def loads(self, path: str) -> list[float]:
        self.backend.latency("session", LATENCY)
        found = []
        for _ in range(ROUNDS):
            with self.signed_in() as context:
                tab = context.new_page()
                tab.add_init_script(TIMES)
                tab.goto(path)
                found.append(self._took(tab, tab.evaluate("loaded")))
        self.backend.reset()
        return found

    def changes(self, path: str, ask: str) -> list[float]:
        """The first change is not counted: whoever it is, it compiles what it runs."""
        with self.signed_in() as context:
            tab = context.new_page()
            tab.add_init_script(TIMES)
            tab.goto(path)
            tab.wait_for_function("document.querySelector('main p')?.textContent === 'Ada Lovelace'", timeout=60_000)
            if ask == ASK_PYTHON:
                tab.wait_for_selector("[data-python]", timeout=60_000)
            found = [self._change(tab, ask, f"Ada {number}") for number in range(CHANGES + 1)]
        self.backend.reset()
        return found[1:]

    def _change(self, tab: Page, ask: str, name: str) -> float:
        self.backend.rename(name)
        return self._took(tab, tab.evaluate(f"name => change({ask}, name)", name))

    def _took(self, tab: Page, took: float | str) -> float:
        if isinstance(took, str):
            raise RuntimeError(f"{tab.url}: {took}")
        return took

    def compare_loads(self) -> None:
        self._compare("The first session known, until {} are right", lambda path, _ask: self.loads(path))

    def compare_changes(self) -> None:
        self._compare("Another name known, until {} are right", self.changes)

    def _compare(self, title: str, measure: Callable[[str, str], list[float]]) -> None:
        self.site.write("/many.js", (BUILD / "v3-many.js").read_text(encoding="utf-8"))
        self.site.write("/many.html", page("", '<main></main><script src="/many.js"></script>'))
        for kind, python in (("bound elements", BOUND), ("effects", EFFECTS)):
            for count in (1000, 5000) if python is BOUND else (1000,):
                times = {REACT: measure(f"/many.html?count={count}", ASK_REACT)}
                for interpreter in INTERPRETERS:
                    path = f"/{interpreter}-{count}.html"
                    source = python.format(count=count) + REFRESH
                    self.site.write_page(path, python=source, html="<main></main>", interpreter=interpreter)
                    times[interpreter] = measure(path, ASK_PYTHON)
                # Once more, so that a machine that slows down meanwhile is noticed.
                times[REACT] += measure(f"/many.html?count={count}", ASK_REACT)
                show(title.format(f"{count:,} {kind}"), times)

    def compare_seconds(self) -> None:
        for interpreter in INTERPRETERS:
            times = {}
            for what in ("user.name", "expires_in"):
                source = BOUND.format(count=1000).replace("user.name", what) + REFRESH
                self.site.write_page("/counts.html", python=source, html="<main></main>", interpreter=interpreter)
                times[what] = self.changes("/counts.html", ASK_PYTHON) if what == "user.name" else self.seconds()
            show(f"1,000 bound elements change, {interpreter}", times)

    def seconds(self) -> list[float]:
        with self.signed_in() as context:
            tab = context.new_page()
            tab.add_init_script(TIMERS)
            tab.goto("/counts.html")
            tab.wait_for_function("Number(document.querySelector('main p')?.textContent) > 0", timeout=60_000)
            return [self._took(tab, tab.evaluate("second()")) for _ in range(CHANGES + 1)][1:]

    # ── calls ────────────────────────────────────────────────────────────────────────────────────

    def compare_calls(self) -> None:
        self.site.write("/answer.json", '{"answer": 42}')
        for interpreter in INTERPRETERS:
            self.site.write_page("/calls.html", python=CALLS % ROUNDS, html="", interpreter=interpreter)
            with self.signed_in() as context:
                tab = context.new_page()
                tab.goto("/calls.html")
                tab.wait_for_selector("[data-calls]", timeout=60_000)
                found = json.loads(tab.evaluate("document.documentElement.dataset.calls"))
            bare, ours = ([float(pair[which]) for pair in found] for which in (0, 1))
            show(f"A call of an API, {interpreter}", {"fetch": bare, "auth_fetch": ours})

    # ── the first paint ──────────────────────────────────────────────────────────────────────────

    def compare_paints(self) -> None:
        self.site.write("/v3.js", (BUILD / "v3.js").read_text(encoding="utf-8"))
        self.site.write("/v3.html", page("", '<main></main><script src="/v3.js"></script>'))
        paths = {REACT: "/v3.html"}
        for interpreter in INTERPRETERS:
            heads = {"early script": EARLY, "session in the page": SESSION + EARLY, "alone": ""}
            for number, (name, head) in enumerate(heads.items()):
                path = f"/paint-{interpreter}-{number}.html"
                self.site.write_page(path, python=BIND, html=STATUS, head=head, interpreter=interpreter)
                paths[f"{interpreter}, {name}"] = path
            for number, (name, head) in enumerate({"data-then": EARLY_THEN, "data-then, inline": EARLY_INLINE}.items()):
                path = f"/then-{interpreter}-{number}.html"
                self.site.write_page(path, python=BIND, html=STATUS, head=head, interpreter=interpreter, pyscript="")
                paths[f"{interpreter}, early script, {name}"] = path
        path = "/wheel.html"
        config = {"files": {self.site.wheel: "./*"}}
        self.site.write_page(path, python=BIND, html=STATUS, interpreter="micropython", config=config)
        paths["micropython, alone, out of the wheel"] = path
        names = {
            "interpreter": INTERPRETERS["micropython"],
            "archive": self.site.archive,
            "python": json.dumps(BIND),
        }
        self.site.write("/bare.js", BARE % names)
        self.site.write("/bare.html", page('<script type="module" src="/bare.js"></script>', STATUS))
        paths["micropython without PyScript, alone"] = "/bare.html"
        cold: dict[str, list[float]] = {name: [] for name in paths}
        warm: dict[str, list[float]] = {name: [] for name in paths}
        self.backend.latency("session", LATENCY)
        for _ in range(PAINTS):
            for name, path in paths.items():
                with self.signed_in() as context:
                    cold[name].append(self._paint(context, path))
                    warm[name].append(self._paint(context, path))
        self.backend.reset()
        show("Navigation until painted, cold", cold)
        show("Navigation until painted, warm", warm)

    def _paint(self, context: BrowserContext, path: str) -> float:
        tab = context.new_page()
        tab.add_init_script(PAINT)
        self._settle()
        tab.goto(path)
        tab.wait_for_function("window.painted", timeout=60_000)
        painted: float = tab.evaluate("painted")
        tab.wait_for_load_state("networkidle")  # what is still loading is in the cache for the next visit
        tab.close()
        return painted

    def _settle(self) -> None:
        """Wait until the browser has done what the page before left it to do, such as to keep compiled wasm."""
        before, spent = -1.0, 0.0
        while spent - before > IDLE:
            time.sleep(SAMPLE)  # what is awaited is a rate, and that needs an interval
            processes = self._cdp.send("SystemInfo.getProcessInfo")["processInfo"]
            before, spent = spent, sum(process["cpuTime"] for process in processes)


def show(title: str, times: dict[str, list[float]]) -> None:
    print(f"\n{title} (ms: median, least, most)")
    first = statistics.median(next(iter(times.values())))
    for name, found in times.items():
        median = statistics.median(found)
        print(f"  {name:40} {median:8.1f} {min(found):8.1f} {max(found):8.1f}   {median / first:5.2f} x", flush=True)


PARTS: dict[str, Callable[[Bench], None]] = {
    "load": Bench.compare_loads,
    "change": Bench.compare_changes,
    "seconds": Bench.compare_seconds,
    "paint": Bench.compare_paints,
    "calls": Bench.compare_calls,
}


def main(arguments: list[str]) -> int:
    parts = arguments or list(PARTS)
    if any(part not in PARTS for part in parts):
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp())
    try:
        site = Site(folder)
        backend = StubBackend(site.folder)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=find_chromium(), args=chromium_args())
                for part in parts:
                    PARTS[part](Bench(browser, backend, site))
                browser.close()
        finally:
            backend.stop()
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
