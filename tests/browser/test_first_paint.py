"""What a page shows before its Python runs, by the early script or the server's session; and who is asked for it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from nextauth_client.packing import make_script
from nextauth_client.session import Session
from nextauth_server import session_script
from playwright.sync_api import ConsoleMessage

from scripts.steps import ROOT
from tests.browser.following import UNMOVED, Bystander
from tests.browser.snippets import FOLLOW, SHOW
from tests.browser.snippets import HTML as SHOWN
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.site import PYSCRIPT, page
from tests.support.tabs import Held, Tab, Tabs, contract, contract_in_one, first_on_pyodide, micropython_only

EARLY = '<script src="/static/nextauth-early.js"></script>'
THEN = '<script src="/static/nextauth-early.js" data-then="/static/vendor/pyscript/core.js"></script>'
SCRIPT = ROOT / "static" / "nextauth-early.js"
# A page's own display is stronger than `hidden`.
STYLE = "form, p { display: grid }"

HTML = """
<p id="in" data-auth-show="authenticated" hidden>Signed in as <b id="name" data-auth-text="user.name">somebody</b>
  <img id="picture" data-auth-src="user.image" alt=""></p>
<p id="out" data-auth-show="unauthenticated" hidden>Not signed in</p>
<p id="wait" data-auth-show="loading" hidden>Loading</p>
<form id="form" data-auth-show="unauthenticated" hidden method="post" data-auth-form="credentials">
  <input id="username" name="username"> <input name="password" type="password"> <button>Sign in</button></form>
"""
PYTHON = """
import js
from nextauth_client import Provider, bind
Provider()
bind()
js.globalThis.pythonRuns = True
"""

LEAVE = """
from nextauth_client import sign_out
from pyscript import when
when("click", "#go")(lambda event: sign_out(redirect=False))
"""
GO = '<button id="go">Leave</button>'

# Before each paint, from the first frame on: which of the elements a person can see, and the name.
FRAMES = """
window.frames_ = [];
const visible = id => { const node = document.getElementById(id); return !!node && node.checkVisibility(); };
const look = () => {
  const picture = document.getElementById("picture");
  const frame = {
    seen: ["in", "out", "wait", "form"].filter(visible).join(" "),
    name: visible("name") ? document.getElementById("name").textContent : "",
    picture: visible("picture") && picture.complete && picture.naturalWidth > 0,
    python: !!window.pythonRuns,
  };
  const text = JSON.stringify(frame);
  if (text !== window.last_) frames_.push(frame);
  window.last_ = text;
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


# The second in which Python waits for the paint, for tests of what comes before.
NO_SECOND = """
const wait = window.setTimeout;
window.setTimeout = (call, time, ...rest) => (time === 1000 ? 0 : wait(call, time, ...rest));
"""


def frames(tab: Tab) -> list[dict[str, Any]]:
    """What was painted, frames that are alike counted once; two more frames have passed."""
    two = "new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(frames_))))"
    found: list[dict[str, Any]] = tab.page.evaluate(two)
    return found


def test_it_is_a_script_that_needs_nothing() -> None:
    """Its size has a test that needs no browser."""
    source = SCRIPT.read_text(encoding="utf-8").replace("then && import(resolve(then))", "")
    assert not re.search(
        r"\beval\b|\bFunction\b|\bimport\b|\brequire\b|innerHTML|insertAdjacent|document\.write", source
    )


@first_on_pyodide
@contract
@pytest.mark.parametrize("latency", [0, 0.3])
def test_a_signed_in_person_sees_nothing_else_at_any_moment(tabs: Tabs, backend: Backend, latency: float) -> None:
    backend.sign_in(tabs.context)
    backend.latency("session", latency)
    tab = tabs.python(PYTHON, html=HTML, head=f"{EARLY}<style>{STYLE}</style>", before=FRAMES)
    tab.shows(name="Ada Lovelace")
    tab.page.wait_for_function("frames_.at(-1).picture && frames_.at(-1).python")
    painted = frames(tab)
    assert {frame["seen"] for frame in painted} <= {"", "wait", "in"}, painted
    assert {frame["name"] for frame in painted} <= {"", "Ada Lovelace"}, painted
    known = next(number for number, frame in enumerate(painted) if frame["seen"] == "in")
    # Of an answer that takes its time, MicroPython may be the first to hear.
    assert latency or not painted[known]["python"], "it was shown before Python ran"
    assert {frame["seen"] for frame in painted[known:]} == {"in"}, "it stays when Python takes over"
    with_picture = next(number for number, frame in enumerate(painted) if frame["picture"])
    assert all(frame["picture"] for frame in painted[with_picture:]), painted
    assert len(tab.requests("session")) == 1


@first_on_pyodide
@pytest.mark.parametrize("head", [THEN, THEN.replace(" src", " data-src").replace("></", f">{SCRIPT.read_text()}</")])
def test_python_loads_once_somebody_is_painted(tabs: Tabs, backend: Backend, head: str) -> None:
    """As a file, and inline. The second after which it loads anyway never ends here."""
    backend.sign_in(tabs.context)
    backend.latency("session", 0.3)
    tabs.site.write_page("/then.html", python=PYTHON, html=HTML, interpreter=tabs.interpreter, head=head, pyscript="")
    tab = tabs.tab()
    tab.page.add_init_script(FRAMES + NO_SECOND)
    tab.page.goto("/then.html")
    tab.page.wait_for_function("frames_.at(-1).python && frames_.at(-1).picture")
    painted = frames(tab)
    assert {frame["seen"] for frame in painted} <= {"", "wait", "in"}, painted
    known = next(number for number, frame in enumerate(painted) if frame["seen"] == "in")
    assert not painted[known]["python"]
    loads = {
        entry["name"].split("/")[-1]: entry for entry in tab.page.evaluate("performance.getEntriesByType('resource')")
    }
    assert loads["core.js"]["startTime"] > loads["session"]["responseEnd"]
    assert len(tab.requests("session")) == 1


# What data-then names here: it says when it ran, and that it can import.
MODULE = 'import { word } from "/word.js"; document.documentElement.dataset.came = word;'


def module_comes(tabs: Tabs, head: str, before: str = "", html: str = HTML, path: str = "/then.html") -> Tab:
    tabs.site.write("/then.js", MODULE)
    tabs.site.write("/word.js", 'export const word = "yes";')
    tabs.site.write(path, page(head, html))
    tab = tabs.tab()
    tab.page.add_init_script(before)
    tab.page.goto(path)
    return tab


def in_the_page(script: str) -> str:
    return EARLY.replace(" src", f" {script} src")


@micropython_only
@pytest.mark.parametrize("kind", ["500-json", "html-200", "reset", "empty"])
def test_python_loads_when_the_query_fails(tabs: Tabs, backend: Backend, kind: str) -> None:
    backend.fault("session", kind, times=1)
    tab = module_comes(tabs, in_the_page('data-then="/then.js"'), NO_SECOND)
    tab.expect_problem("Failed to load resource")
    expect(tab.page.locator("html")).to_have_attribute("data-came", "yes")


@micropython_only
def test_python_loads_after_a_second_without_an_answer(tabs: Tabs) -> None:
    Held(tabs.context, "**/api/auth/session")
    tab = module_comes(tabs, in_the_page('data-then="/then.js"'))
    expect(tab.page.locator("html")).to_have_attribute("data-came", "yes")
    assert tab.page.evaluate("performance.getEntriesByName(new URL('/then.js', origin).href)[0].startTime") >= 1000
    assert tab.page.evaluate("nextauthEarly.over") is None
    tabs.context.unroute_all()


@micropython_only
def test_python_loads_where_the_script_itself_cannot_ask(tabs: Tabs) -> None:
    """A frame of no origin has no address to ask."""
    then = "data:text/javascript,document.documentElement.dataset.came='yes'"
    tabs.site.write("/alone.html", page(in_the_page(f'data-then="{then}"'), ""))
    tabs.site.write("/framed.html", page("", '<iframe sandbox="allow-scripts" src="/alone.html"></iframe>'))
    tab = tabs.tab()
    tab.expect_problem("Failed to construct 'URL'")
    tab.page.goto("/framed.html")
    expect(tab.page.frame_locator("iframe").locator("html")).to_have_attribute("data-came", "yes")


@micropython_only
@pytest.mark.parametrize(
    ("base", "then"), [("", "then.js"), ("", "./then.js"), ("/static/", "../then.js"), ("/static/", "/then.js")]
)
def test_what_loads_then_is_found_from_the_documents_base(tabs: Tabs, base: str, then: str) -> None:
    head = f'<base href="{base}">' if base else ""
    tab = module_comes(tabs, head + in_the_page(f'data-then="{then}"'))
    expect(tab.page.locator("html")).to_have_attribute("data-came", "yes")


@micropython_only
def test_what_loads_then_has_the_scripts_nonce(tabs: Tabs) -> None:
    policy = "script-src 'nonce-abc'; connect-src 'self'; base-uri 'none'"
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    tab = module_comes(tabs, meta + in_the_page('nonce="abc" data-then="/then.js"'))
    expect(tab.page.locator("html")).to_have_attribute("data-came", "yes")


@micropython_only
def test_nothing_loads_then_unless_it_is_said(tabs: Tabs) -> None:
    tab = module_comes(tabs, EARLY)
    expect(tab.element("out")).to_be_visible()
    tab.page.wait_for_function("performance.now() > 1100")
    assert [request.url for request in tab.all_requests if request.url.endswith("then.js")] == []


@contract_in_one
def test_a_signed_out_person_sees_nothing_else_at_any_moment(tabs: Tabs) -> None:
    tab = tabs.python(PYTHON, html=HTML, head=EARLY, before=FRAMES)
    expect(tab.element("form")).to_be_visible()
    painted = frames(tab)
    assert {frame["seen"] for frame in painted} <= {"", "wait", "out form"}, painted
    known = next(number for number, frame in enumerate(painted) if frame["seen"] == "out form")
    assert not painted[known]["python"]
    assert {frame["seen"] for frame in painted[known:]} == {"out form"}
    assert len(tab.requests("session")) == 1


def test_without_the_early_script_nothing_wrong_is_painted_either(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    rule = "[data-auth-show][hidden] { display: none !important }"  # what docs/pages.md says
    tab = tabs.python(PYTHON, html=HTML, head=f"<style>{STYLE} {rule}</style>", before=FRAMES, boot=True)
    tab.shows(name="Ada Lovelace")
    assert {frame["seen"] for frame in frames(tab)} <= {"", "wait", "in"}


@micropython_only  # Pyodide may take longer to start than the query may take
def test_an_early_query_that_is_still_in_flight_is_the_only_one(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    held = Held(tabs.context, "**/api/auth/session")
    tab = tabs.python(PYTHON, html=HTML, head=EARLY, before=FRAMES)
    expect(tab.element("wait")).to_be_visible()
    held.go_on()
    tab.shows(name="Ada Lovelace")
    assert {frame["seen"] for frame in frames(tab)} <= {"", "wait", "in"}
    assert len(held) == 1
    tabs.context.unroute_all()


@pytest.mark.parametrize("kind", ["500-json", "html-200", "reset", "empty"])
@micropython_only
def test_an_early_query_that_fails_changes_nothing(tabs: Tabs, backend: Backend, kind: str) -> None:
    backend.sign_in(tabs.context)
    backend.fault("session", kind, times=1)
    tab = tabs.python(PYTHON, html=HTML, head=EARLY, before=FRAMES)
    tab.expect_problem("Failed to load resource")
    tab.shows(name="Ada Lovelace")
    assert {frame["seen"] for frame in frames(tab)} <= {"", "wait", "in"}


@contract
def test_what_is_typed_before_python_runs_stays(tabs: Tabs) -> None:
    hold = """
    const fetchNow = window.fetch;
    window.fetch = async (...args) => {
        if (String(args[0]).endsWith(".html.py")) await new Promise(resolve => window.letPythonRun = resolve);
        return fetchNow(...args);
    };
    """
    tab = tabs.python(PYTHON, html=HTML, head=EARLY, before=hold, wait=False)
    expect(tab.element("form")).to_be_visible()
    tab.element("username").focus()
    tab.page.keyboard.type("adalove")
    tab.page.keyboard.press("ArrowLeft")
    tab.page.wait_for_function("typeof letPythonRun === 'function'")
    tab.page.evaluate("letPythonRun()")
    expect(tab.page.locator("html")).to_have_attribute("data-python", "done")
    tab.page.keyboard.type("X")
    expect(tab.element("username")).to_be_focused()
    expect(tab.element("username")).to_have_value("adalovXe")


@contract
def test_after_python_took_over_the_page_follows_and_gets_back_what_was_written(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    html = HTML + '<p id="bare" data-auth-text="user.name">nobody</p> <img id="face" data-auth-src="user.image">' + GO
    tab = tabs.python(PYTHON + LEAVE, html=html, head=EARLY)
    tab.shows(bare="Ada Lovelace")
    expect(tab.element("face")).to_have_attribute("src", re.compile("ada.svg"))
    tab.element("go").click()
    tab.shows(bare="nobody")
    expect(tab.element("face")).not_to_have_attribute("src", re.compile(""))
    expect(tab.element("out")).to_be_visible()
    expect(tab.element("in")).to_be_hidden()


@micropython_only
def test_a_sign_out_elsewhere_is_not_painted_over(tabs: Tabs, backend: Backend) -> None:
    """The tab whose Python is still to come forgets what it was told before."""
    backend.sign_in(tabs.context)
    other = tabs.python(PYTHON + LEAVE, html=HTML + GO)
    other.shows(name="Ada Lovelace")
    tabs.site.write("/early.html", page(EARLY, HTML))
    tab = tabs.tab()
    tab.page.goto("/early.html")
    tab.shows(name="Ada Lovelace")
    other.element("go").click()
    expect(tab.element("wait")).to_be_visible()
    expect(tab.element("in")).to_be_hidden()


@pytest.mark.parametrize("python", ["", PYTHON], ids=["before Python runs", "adopted"])
@micropython_only
def test_an_early_query_is_given_up_when_another_tab_signs_out(tabs: Tabs, backend: Backend, python: str) -> None:
    """Its answer would set the cookie again: rule 2."""
    backend.sign_in(tabs.context)
    other = tabs.python(PYTHON + LEAVE, html=HTML + GO)
    other.shows(name="Ada Lovelace")
    backend.latency("session", 20, when="after")
    tab = tabs.python(python, html=HTML, head=EARLY)
    tab.expect_problem("Failed to load resource", "net::ERR_ABORTED")
    with tab.page.expect_event("requestfailed", lambda request: request.url.endswith("/session")):
        other.element("go").click()
    backend.latency("session", 0, when="after")
    expect(other.element("out")).to_be_visible()
    assert tabs.context.request.get(backend.base + "/session").json() == {}


@micropython_only
def test_an_early_query_is_given_up_at_the_end_of_a_mutation_that_began_before_the_page(
    tabs: Tabs, backend: Backend
) -> None:
    Held(tabs.context, "**/api/auth/session")
    tabs.site.write("/early.html", page(EARLY, HTML))
    tab = tabs.tab()
    tab.expect_problem("Failed to load resource", "net::ERR_ABORTED")
    tab.page.goto("/early.html")
    for outcome, state in (("nothing", "undefined"), ("adopt", "true")):
        tab.page.evaluate(
            """([base, outcome]) => new BroadcastChannel("nextauth-client:1:" + base)
                .postMessage(JSON.stringify({ type: "end", outcome, told: true }))""",
            [backend.base, outcome],
        )
        tab.page.wait_for_function(f"`${{nextauthEarly.over}}` === '{state}'")
    tabs.context.unroute_all()


@micropython_only
def test_only_a_message_of_that_type_makes_it_give_up_or_forget(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    held = Held(tabs.context, "**/api/auth/session")
    tabs.site.write("/early.html", page(EARLY, HTML))
    tab = tabs.tab()
    tab.page.goto("/early.html")
    tell = """([url, type, outcome]) => new Promise(resolve => {
        const [sender, receiver] = [0, 1].map(() => new BroadcastChannel("nextauth-client:1:" + url));
        receiver.onmessage = () => resolve([sender, receiver].forEach(channel => channel.close()));
        sender.postMessage(JSON.stringify({ type, outcome, told: ["start", "end"] }));
    })"""
    tab.page.evaluate(tell, [backend.base, "answer"])
    tab.page.evaluate("base => new BroadcastChannel('nextauth-client:1:' + base).postMessage({})", backend.base)
    held.go_on()
    tab.shows(name="Ada Lovelace")
    tab.page.evaluate(tell, [backend.base, "answer"])
    tab.page.evaluate(tell, [backend.base, "end", "nothing"])  # a wrong password, for one
    expect(tab.element("in")).to_be_visible()
    tab.page.evaluate(tell, [backend.base, "end"])
    expect(tab.element("in")).to_be_hidden()
    tabs.context.unroute_all()


@micropython_only
def test_a_browser_without_channels_is_served_too(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write("/early.html", page(EARLY, HTML))
    tab = tabs.tab()
    tab.page.add_init_script("delete window.BroadcastChannel")
    tab.page.goto("/early.html")
    tab.shows(name="Ada Lovelace")
    tab.page.evaluate("nextauthEarly.stop()")
    tab.shows(name="somebody")
    expect(tab.element("in")).to_be_hidden()


@micropython_only
def test_it_runs_under_a_strict_policy_and_serves_what_is_parsed_later(tabs: Tabs, backend: Backend) -> None:
    backend.rename("<img src=x onerror='document.title=1'>")
    backend.sign_in(tabs.context)
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'self'; img-src 'self' data:\">"
    late = '<link rel="stylesheet" href="/strict.css"><script src="/late.js"></script>'
    tabs.site.write("/strict.css", STYLE)
    tabs.site.write(
        "/late.js",
        "const add = () => document.body.insertAdjacentHTML('beforeend', '<i id=late data-auth-text=user.email>?</i>');"
        "addEventListener('load', () => setTimeout(add, 50));",
    )
    html = HTML + '<p id="proto" data-auth-text="user.constructor">own</p><p id="deep" data-auth-text="user">own</p>'
    tabs.site.write("/strict.html", page(policy + EARLY + late, html))
    tab = tabs.tab()
    tab.page.goto("/strict.html")
    tab.shows(name="<img src=x onerror='document.title=1'>", late="ada@example.com", proto="own", deep="own")
    expect(tab.element("name").locator("*")).to_have_count(0)
    expect(tab.element("form")).to_be_hidden()
    assert tab.page.title() == "A page under test"


@micropython_only
@pytest.mark.parametrize("image", ["javascript:document.title=1", "data:text/html,1", "", 5, None])
def test_a_picture_has_an_http_address_or_none(tabs: Tabs, image: object) -> None:
    tabs.site.write("/strict.html", page(EARLY, HTML))
    tab = tabs.tab()
    tab.expect_problem("Failed to load resource")
    body = json.dumps({"user": {"name": "Ada", "image": image}})
    tab.page.route("**/api/auth/session", lambda route: route.fulfill(body=body, content_type="application/json"))
    tab.page.goto("/strict.html")
    tab.shows(name="Ada")
    expected = re.compile(r"/5$") if image == 5 else None
    if expected:
        expect(tab.element("picture")).to_have_attribute("src", expected)
    else:
        assert tab.element("picture").get_attribute("src") is None


@pytest.mark.parametrize(
    ("base", "path"), [("/auth", "/auth/session"), ("/auth/", "/auth/session"), ("", "/session"), ("/", "/session")]
)
@micropython_only
def test_another_base_path_can_be_said(tabs: Tabs, base: str, path: str) -> None:
    tabs.site.write("/strict.html", page(EARLY.replace(" src", f' data-base="{base}" src'), HTML))
    tab = tabs.tab()
    tab.page.route("**/session", lambda route: route.fulfill(body="null", content_type="application/json"))
    with tab.page.expect_request("**/session") as asked:
        tab.page.goto("/strict.html")
    assert asked.value.url == tab.backend.url + path
    expect(tab.element("out")).to_be_visible()


# ── people's HTML ────────────────────────────────────────────────────────────────────────────────

ELSEWHERE = "https://elsewhere.example/api/auth"
# Each stands in the page before the script, or is parsed while it runs.
NAMES = {
    "currentScript": f'<img name="currentScript" data-base="{ELSEWHERE}" data-then="{ELSEWHERE}/then.js">',
    "querySelectorAll": '<img name="querySelectorAll"> <form name="querySelector"></form>',
    "adoptedStyleSheets": '<img name="adoptedStyleSheets"> <img name="baseURI">',
    "nextauthEarly": '<a id="nextauthEarly" href="https://elsewhere.example/"></a>',
    "two of nextauthEarly": '<a id="nextauthEarly"></a><a id="nextauthEarly" name="url"></a>',
    "session": '<p id="nextauth-session">{"user": {"name": "Mallory"}}</p>',
    "template": '<template id="nextauth-session">{"user": {"name": "Mallory"}}</template>',
    "form": '<form data-auth-show="unauthenticated"><input name="dataset"><input name="hidden"></form>',
    "form's methods": '<form data-auth-show="error"><input name="getAttribute"><input name="matches"></form>',
    "form's text": '<form data-auth-text="user.name"><input name="textContent"><input name="closest"></form>',
}


@micropython_only
@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("name", NAMES)
def test_names_in_the_page_are_no_ones(tabs: Tabs, backend: Backend, name: str, place: str) -> None:
    backend.sign_in(tabs.context)
    html = NAMES[name] + EARLY + HTML if place == "before" else EARLY + NAMES[name] + HTML
    tabs.site.write("/names.html", page("", html))
    tab = tabs.tab()
    tab.page.goto("/names.html")
    tab.shows(name="Ada Lovelace")
    expect(tab.element("form")).to_be_hidden()
    assert len(tab.requests("session")) == 1
    assert tab.page.evaluate("nextauthEarly.url") == backend.base + "/session"


@micropython_only
def test_a_forms_fields_do_not_keep_it_shown_nor_hidden(tabs: Tabs, backend: Backend) -> None:
    fields = '<input name="dataset"><input name="hidden"><input name="getAttribute"><input name="toggleAttribute">'
    html = f"""{EARLY}<form id="first" data-auth-show="authenticated" hidden>{fields}</form>
        <form id="second" data-auth-show="unauthenticated" hidden>{fields}</form>"""
    tabs.site.write("/fields.html", page("", html))
    tab = tabs.tab()
    tab.page.goto("/fields.html")
    expect(tab.element("second")).to_be_visible()
    expect(tab.element("first")).to_be_hidden()
    backend.sign_in(tabs.context)
    tab.page.reload()
    expect(tab.element("first")).to_be_visible()
    expect(tab.element("second")).to_be_hidden()
    tab.page.evaluate("nextauthEarly.stop()")
    expect(tab.element("first")).to_be_hidden()


@micropython_only
def test_an_element_that_fails_takes_no_other_with_it(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    strange = """<script>
        const strange = document.createElementNS("urn:strange", "thing"); // has no dataset
        for (const kind of ["show", "text"]) strange.setAttribute("data-auth-" + kind, "user.name");
        document.currentScript.after(strange);
    </script>"""
    tabs.site.write("/strange.html", page(EARLY, strange + HTML))
    tab = tabs.tab()
    tab.page.goto("/strange.html")
    tab.shows(name="Ada Lovelace")
    expect(tab.element("out")).to_be_hidden()


IGNORED = """<div data-auth-ignore><p><i id="inside" data-auth-text="user.name">own</i>
    <img id="face" data-auth-src="user.image"><b id="shown" data-auth-show="unauthenticated">own</b></p></div>
<i id="itself" data-auth-ignore data-auth-text="user.name">own</i>
<script data-auth-ignore type="application/json" id="nextauth-session">{"user": {"name": "Mallory"}}</script>"""


@micropython_only
def test_attributes_are_off_below_data_auth_ignore(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write("/ignored.html", page("", IGNORED + EARLY + HTML))
    tab = tabs.tab()
    tab.page.goto("/ignored.html")
    tab.shows(name="Ada Lovelace", inside="own", shown="own", itself="own")
    expect(tab.element("shown")).to_be_visible()
    assert tab.element("face").get_attribute("src") is None


# Where a session's text would be sent, or run.
FIELDS = """<form hidden>
<textarea data-auth-text="user.email">own</textarea> <input data-auth-text="user.email" value="own">
<select data-auth-text="user.email"><option selected>own</option></select>
<select><option data-auth-text="user.email">own</option></select>
<select><optgroup data-auth-text="user.email"><option>own</option></optgroup></select>
<output data-auth-text="user.name">own</output> <button data-auth-text="user.name">own</button>
</form>
<datalist><option data-auth-text="user.email">own</option></datalist> <datalist data-auth-text="user.email"></datalist>
<object data-auth-text="user.email">own</object> <iframe data-auth-text="user.email"></iframe>
<object><b data-auth-text="user.email">own</b></object>
<style data-auth-text="user.email">own {}</style> <script type="text/plain" data-auth-text="user.email">own</script>
<svg><style data-auth-text="user.email">own {}</style></svg>"""


@micropython_only
def test_no_text_goes_into_form_fields_scripts_or_styles(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write("/fields.html", page(EARLY, FIELDS + HTML))
    tab = tabs.tab()
    tab.page.goto("/fields.html")
    tab.shows(name="Ada Lovelace")
    expect(tab.page.locator("output")).to_have_text("Ada Lovelace")
    expect(tab.page.locator("button").first).to_have_text("Ada Lovelace")
    assert "ada@" not in tab.page.evaluate("document.documentElement.outerHTML")
    assert "ada@" not in tab.page.evaluate("[...new FormData(document.forms[0]).values()].join()")


HEARD = {
    "v3 and v4": """localStorage.setItem("nextauth.message", JSON.stringify(
        { event: "session", data: { trigger: "getSession" }, timestamp: Math.floor(Date.now() / 1000) }))""",
    "v5": """new BroadcastChannel("next-auth").postMessage({ event: "session", data: { trigger: "getSession" } })""",
    "ours": """new BroadcastChannel("nextauth-client:1:" + base)
        .postMessage(JSON.stringify({ type: "changed", stamp: [Date.now(), "x"] }))""",
}


@micropython_only
@pytest.mark.parametrize("said", HEARD.values(), ids=HEARD.keys())
def test_what_is_said_between_the_early_answer_and_pythons_start_is_asked_for(
    tabs: Tabs, backend: Backend, said: str
) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write_page(
        "/late.html",
        python=f"{SHOW}\nProvider({UNMOVED})\n{FOLLOW}",
        html=SHOWN + HTML,
        interpreter=tabs.interpreter,
        head=EARLY,
        pyscript=f"<script>window.startPython = () => import('{PYSCRIPT}')</script>",
    )
    tab = tabs.tab()
    tab.page.goto("/late.html")
    tab.shows(name="Ada Lovelace")
    backend.sign_in(tabs.context, "alan")
    with Bystander(tabs) as other:
        other.page.evaluate("([said, base]) => new Function('base', said)(base)", [said, backend.base])
        tab.until("nextauthEarly.stale || localStorage['nextauth.message']")
    tab.page.evaluate("startPython()")
    tab.shows(who="Alan Turing")
    assert len(tab.requests("session")) == 2


@micropython_only
def test_a_form_that_could_put_a_password_into_the_address_is_named(tabs: Tabs) -> None:
    forms = """<form data-auth-form="credentials" id="good" method="POST"></form>
        <form data-auth-form="credentials" id="bad"><input name="method" value="post"></form>
        <form data-auth-form="credentials" id="worse" method="get"></form> <form id="others"></form>
        <script>addEventListener("load", () => { window.isLoaded = true; });</script>"""
    tabs.site.write("/forms.html", page(EARLY, forms))
    tab = tabs.tab()
    warned: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if "no method=post" in message.text:
            warned.append(message.args[1].evaluate("form => form.id"))

    tab.page.on("console", heard)
    tab.page.goto("/forms.html")
    expect(tab.page.locator("form").first).to_be_attached()
    tab.page.wait_for_function("window.isLoaded")
    assert warned == ["bad", "worse"]


# ── what the backend may say ─────────────────────────────────────────────────────────────────────

VALUES = [
    *("5", "0", "-5", "-0", "5.0", "0.1", "1e2", "1E400", "12345678901234567890", "1234567890123456789", "1.0e21"),
    *("true", "false", "null", '""', '" a "', '"5.0"', '"\\ud83d\\ude00"', '"\\ud83d"', '"a\\nb"'),
    *("[5]", '{"a": 5}', '"\\u202e"', '"&lt;"', "9" * 50, "4294967296"),
]


def test_what_is_painted_early_is_what_python_writes(tabs: Tabs) -> None:
    """The same text for every value that JSON has, or what stood there before."""
    user = ",".join(['"name": "Ada"', *(f'"v{number}": {value}' for number, value in enumerate(VALUES))])
    body = f'{{"user": {{{user}}}, "expires": "2999-01-01T00:00:00.000Z"}}'
    tabs.context.route(
        "**/api/auth/session", lambda route: route.fulfill(body=body, content_type="application/json; charset=utf-8")
    )
    html = HTML + "".join(f'<p data-auth-text="user.v{number}">own</p>' for number in range(len(VALUES)))
    texts = "[...document.querySelectorAll('[data-auth-text^=\"user.v\"]')].map(node => node.textContent)"
    tabs.site.write("/early.html", page(EARLY, html))
    tab = tabs.tab()
    tab.page.goto("/early.html")
    tab.shows(name="Ada")
    early = tab.page.evaluate(texts)
    with_python = tabs.python(PYTHON, html=html)
    with_python.shows(name="Ada")
    known = with_python.page.evaluate(texts)
    for value, painted, written in zip(VALUES, early, known, strict=True):
        assert painted in ("own", written), value
    assert early[: len(VALUES)].count("own") < len(VALUES) / 2
    assert early[VALUES.index("1234567890123456789")] == "1234567890123456789"
    tabs.context.unroute_all()


@micropython_only
def test_what_micropython_cuts_off_is_not_painted(tabs: Tabs) -> None:
    """Text ends at a NUL on the way to its page."""
    body = r'{"user": {"name": "Ada\u0000 Lovelace"}, "expires": "2999-01-01T00:00:00.000Z"}'
    tabs.context.route("**/api/auth/session", lambda route: route.fulfill(body=body, content_type="application/json"))
    tab = tabs.python(PYTHON, html=HTML, head=EARLY, before=FRAMES)
    tab.shows(name="Ada")
    assert {frame["name"] for frame in frames(tab)} == {"", "Ada"}
    tabs.context.unroute_all()


@pytest.mark.parametrize("python", ["", PYTHON], ids=["alone", "adopted"])
@pytest.mark.parametrize(("to", "shown"), [("/api/auth/session/", True), ("/elsewhere.json", False)])
@micropython_only
def test_a_redirect_that_adds_the_slash_alone_is_followed(
    tabs: Tabs, backend: Backend, to: str, shown: bool, python: str
) -> None:
    """Next.js with `trailingSlash`."""
    backend.sign_in(tabs.context)
    tabs.site.write("/elsewhere.json", '{"user": {"name": "Mallory"}, "expires": "2999-01-01T00:00:00.000Z"}')
    tabs.context.route(
        "**/api/auth/session", lambda route: route.fulfill(status=308, headers={"Location": to}), times=1
    )
    tab = tabs.python(python, html=HTML, head=EARLY, before=FRAMES)
    if shown or python:
        tab.shows(name="Ada Lovelace")
    asked = ["/api/auth/session", to] if shown or not python else ["/api/auth/session", to, "/api/auth/session"]
    fetched = [urlsplit(request.url).path for request in tab.all_requests]
    assert [path for path in fetched if path in asked] == asked
    assert {frame["name"] for frame in frames(tab)} <= {"", "Ada Lovelace"}
    tabs.context.unroute_all()


# ── the server's session ─────────────────────────────────────────────────────────────────────────

ADA = Session({"user": {"name": "Ada </script>", "image": "/face.png"}, "expires": "2999-01-01T00:00:00.000Z"})


@first_on_pyodide
@pytest.mark.parametrize("head", ["{session}", "{session}" + EARLY], ids=["alone", "with the early script"])
def test_the_servers_session_is_shown_with_no_request(tabs: Tabs, head: str) -> None:
    tabs.context.route("**/face.png", lambda route: route.fulfill(path=ROOT / "docs" / "demo.png"))
    head = head.format(session=session_script(ADA))
    tab = tabs.python(PYTHON, html=HTML, head=head, before=FRAMES)
    tab.shows(name="Ada </script>")
    painted = frames(tab)
    assert {frame["seen"] for frame in painted} <= {"", "wait", "in"}
    assert "wait" not in {frame["seen"] for frame in painted}, "it never was unknown"
    assert tab.requests("session") == []
    tabs.context.unroute_all()


@micropython_only
def test_the_server_may_say_that_nobody_is_signed_in(tabs: Tabs) -> None:
    tab = tabs.python(PYTHON, html=HTML, head=session_script(None) + EARLY)
    expect(tab.element("out")).to_be_visible()
    assert tab.requests("session") == []


@micropython_only
def test_bad_content_is_ignored_with_a_warning(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    broken = '<script type="application/json" id="nextauth-session">{"user": 5</script>'
    tab = tabs.python(PYTHON, html=HTML, head=broken + EARLY)
    tab.expect_problem("#nextauth-session holds no session")
    tab.shows(name="Ada Lovelace")
    assert [line for line in tab.console if "#nextauth-session holds no session" in line]
    assert len(tab.requests("session")) == 1


@micropython_only  # no Python runs at all
@pytest.mark.parametrize(
    ("at", "ended", "seen"),
    [("1790000000.250", -5, "in"), ("1790000000.250", 5, "wait"), (None, -5, "wait")],
    ids=["before it", "after it", "nobody knows when"],
)
def test_a_session_that_was_rendered_before_the_newest_mutation_ended_is_not_painted(
    tabs: Tabs, at: str | None, ended: int, seen: str
) -> None:
    rendered_at = 1_790_000_000
    says_when = "" if at is None else f' data-at="{at}"'
    embedded = (
        f'<script type="application/json" id="nextauth-session"{says_when}>'
        '{"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"}</script>'
    )
    tabs.site.write("/kept.html", page(embedded + EARLY, HTML))
    tabs.context.add_init_script(
        f"localStorage.setItem('nextauth-client:1:{tabs.backend.url}/api/auth:epoch', '{(rendered_at + ended) * 1000}')"
    )
    tab = tabs.tab()
    tab.page.goto("/kept.html")
    expect(tab.element(seen)).to_be_visible()
    tab.page.wait_for_function("nextauthEarly.over")
    assert [name for name in ("in", "out", "wait") if tab.element(name).is_visible()] == [seen]


CONDITIONS = [
    *(
        "user.role=admin",
        "user.role=other",
        "user.role!=admin",
        "user.role=",
        "user.role",
        "!user.role=admin",
        "!user.role",
    ),
    *("user.roles~=editor", "user.roles~=5", "user.roles~=true", "user.roles~=null", "user.roles~=none", "user.roles~"),
    *("user.roles=editor", "!user.roles~=editor", "!user.roles~=none", "user.role~=admin", "user.one=editor"),
    *(
        "user.verified",
        "user.verified=true",
        "user.verified=True",
        "!user.verified",
        "user.blocked",
        "user.blocked=false",
    ),
    *(
        "user.empty",
        "user.none",
        "user.none=null",
        "user.five",
        "user.org.active=false",
        "user.name.first=false",
        "user.none.at=false",
        "user.five=5",
        "user.no_list",
    ),
    *(
        "user.no_record",
        "user.record",
        "user.record.deep=x",
        "user.record=x",
        "user.nothing",
        "!user.nothing",
        "user.a.b.c",
    ),
    *(
        "expires",
        "expires=2999-01-01T00:00:00.000Z",
        "!expires=x",
        "user.",
        ".user",
        "user..role",
        "!user..role=admin",
        "!.role=admin",
        "!user.=admin",
        "!",
        "=",
        "!!user.role",
    ),
    *(
        "user.toString",
        "user.constructor",
        "user.__proto__",
        "user.length",
        "toString=x",
        "authenticated",
        "!authenticated",
    ),
    *(
        "unauthenticated user.role=admin",
        "unauthenticated user.role=x",
        "user.role=x loading !user.none",
        "user.sign=a=b",
    ),
]
ROLES = {
    **{"name": "Ada", "role": "admin", "roles": ["editor", 5, True, None], "one": ["editor"], "verified": True},
    **{"blocked": False, "empty": "", "none": None, "zero": 0, "five": 5, "no_list": [], "no_record": {}},
    **{"record": {"deep": "x"}, "sign": "a=b"},
}


@first_on_pyodide
@pytest.mark.parametrize("who", [{"user": ROLES, "expires": "2999-01-01T00:00:00.000Z"}, None], ids=["Ada", "nobody"])
def test_what_conditions_show_early_is_what_python_shows(tabs: Tabs, who: dict[str, Any] | None) -> None:
    tabs.context.route("**/api/auth/session", lambda route: route.fulfill(json=who or {}))
    html = HTML + "".join(f'<p data-auth-show="{words}" hidden>{words}</p>' for words in CONDITIONS)
    shown = (
        "[...document.querySelectorAll('p[data-auth-show]')].filter(p => p.checkVisibility()).map(p => p.textContent)"
    )
    tabs.site.write("/early.html", page(EARLY, html))
    tab = tabs.tab()
    tab.page.goto("/early.html")
    expect(tab.element("in" if who else "out")).to_be_visible()
    early = tab.page.evaluate(shown)
    with_python = tabs.python(PYTHON, html=html)
    expect(with_python.element("in" if who else "out")).to_be_visible()
    assert early == with_python.page.evaluate(shown)
    assert ("user.role=admin" in early) == (who is not None)
    tabs.context.unroute_all()


@micropython_only
def test_conditions_on_zero_and_on_numbers_that_are_no_integers_wait_for_python(tabs: Tabs) -> None:
    """Of JavaScript's texts of numbers some are others than Python's, and it keeps integers as texts, of which "0" is
    no integer's: such an element waits for Python."""
    user = '{"name": "Ada", "level": 5.0, "all": [5.0], "none": 0, "text": "0"}'
    who = f'{{"user": {user}, "expires": "2999-01-01T00:00:00.000Z"}}'
    tabs.context.route("**/api/auth/session", lambda route: route.fulfill(body=who, content_type="application/json"))
    words = ["user.level=5", "!user.level=5", "!user.level=6", "user.level", "!user.all~=5", "user.none", "!user.none"]
    words += ["user.text", "!user.text", "user.none=0", "!user.text=1"]
    html = f'{EARLY}<p id="in" data-auth-show="authenticated">In</p>'
    html += "".join(f'<p class="waits" data-auth-show="{word}">{word}</p>' for word in words)
    tabs.site.write("/early.html", page("", html))
    tab = tabs.tab()
    tab.page.goto("/early.html")
    expect(tab.element("in")).to_be_visible()
    assert [node.text_content() for node in tab.page.locator(".waits").all() if node.is_visible()] == []
    tabs.context.unroute_all()


@micropython_only
def test_it_works_as_the_package_prints_it(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write("/printed.js", make_script("early").decode())
    tabs.site.write("/early.html", page('<script src="/printed.js"></script>', HTML))
    tab = tabs.tab()
    tab.page.goto("/early.html")
    expect(tab.element("in")).to_be_visible()
    tab.shows(name="Ada Lovelace")


@micropython_only  # no Python runs at all
def test_who_has_idled_is_not_painted_until_the_sign_out_has_got_through(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    used = f"localStorage.setItem('nextauth-client:1:{tabs.backend.url}/api/auth:used', '0')"
    tabs.site.write("/idle.html", page(f"<script>{used}</script>" + EARLY, HTML))
    tab = tabs.tab()
    tab.page.goto("/idle.html")
    tab.page.wait_for_function("nextauthEarly.over")
    assert [name for name in ("in", "out", "wait") if tab.element(name).is_visible()] == ["wait"]


@micropython_only  # no Python runs at all
@pytest.mark.parametrize(
    "session",
    [
        '{"user": {"name": "Ada"}, "expires": "2001-01-01T00:00:00.000Z"}',
        r'{"user": {"name": "Ada\u0000x"}, "expires": "2999-01-01T00:00:00.000Z"}',
    ],
    ids=["over", "cut off by MicroPython"],
)
def test_an_embedded_session_that_python_would_show_otherwise_is_not_painted(tabs: Tabs, session: str) -> None:
    embedded = f'<script type="application/json" id="nextauth-session">{session}</script>'
    tabs.site.write("/embedded.html", page(embedded + EARLY, HTML))
    tab = tabs.tab()
    tab.page.goto("/embedded.html")
    tab.page.wait_for_function("nextauthEarly.over")
    assert [name for name in ("in", "out", "wait") if tab.element(name).is_visible()] == ["wait"]


@micropython_only  # no Python runs at all
@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ({"timestamp": 1_790_000_000}, "wait"),
        ({"timestamp": 1_790_000_009}, "wait"),
        ({"timestamp": 1_789_999_999}, "in"),
        ({"timestamp": 1_790_000_009, "nextauth-client": 1_790_000_009_000}, "in"),
    ],
    ids=["in its second", "after it", "before it", "by this client, which stores an epoch"],
)
def test_a_session_that_a_v3_or_v4_clients_message_outdates_is_not_painted(
    tabs: Tabs, said: dict[str, int], seen: str
) -> None:
    embedded = (
        '<script type="application/json" id="nextauth-session" data-at="1790000000.250">'
        '{"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"}</script>'
    )
    tabs.site.write("/kept.html", page(embedded + EARLY, HTML))
    text = json.dumps({"event": "session", "data": {"trigger": "signout"}, **said})
    tabs.context.add_init_script(f"localStorage.setItem('nextauth.message', {json.dumps(text)})")
    tab = tabs.tab()
    tab.page.goto("/kept.html")
    expect(tab.element(seen)).to_be_visible()
    tab.page.wait_for_function("nextauthEarly.over")
    assert [name for name in ("in", "out", "wait") if tab.element(name).is_visible()] == [seen]
