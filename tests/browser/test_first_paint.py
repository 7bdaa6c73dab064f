"""What a page shows before its Python runs, by the early script or the server's session; and who is asked for it."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest
from nextauth_client.server import session_script
from nextauth_client.session import Session
from playwright.sync_api import Route, expect

from scripts.steps import ROOT
from tests.browser.backend import Backend
from tests.browser.site import page
from tests.browser.tabs import Tab, Tabs, micropython_only

EARLY = '<script src="/static/nextauth-early.js"></script>'
GUIDE = ROOT / "docs" / "pages.md"
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


def frames(tab: Tab) -> list[dict[str, Any]]:
    """What was painted, frames that are alike counted once; two more frames have passed."""
    two = "new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(frames_))))"
    found: list[dict[str, Any]] = tab.page.evaluate(two)
    return found


def test_it_is_small_and_a_script_that_needs_nothing() -> None:
    source = SCRIPT.read_bytes()
    assert len(gzip.compress(source, 9)) <= 1536
    assert not re.search(
        rb"\beval\b|\bFunction\b|\bimport\b|\brequire\b|innerHTML|insertAdjacent|document\.write", source
    )


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
    assert not painted[known]["python"], "it was shown before Python ran"
    assert {frame["seen"] for frame in painted[known:]} == {"in"}, "it stays when Python takes over"
    with_picture = next(number for number, frame in enumerate(painted) if frame["picture"])
    assert all(frame["picture"] for frame in painted[with_picture:]), painted
    assert len(tab.requests("session")) == 1


@micropython_only
def test_inline_and_with_python_behind_it_as_the_guide_has_it(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    backend.latency("session", 0.3)
    [later] = re.findall(r"<script type=.module.>[^<]*nextauthEarly\.done.*?</script>", GUIDE.read_text(), re.DOTALL)
    inline = f"<script>{SCRIPT.read_text()}</script>"
    tabs.site.write_page(
        "/later.html", python=PYTHON, html=HTML, interpreter=tabs.interpreter, head=inline, pyscript=later
    )
    tab = tabs.tab()
    tab.page.add_init_script(FRAMES)
    tab.page.goto("/later.html")
    tab.page.wait_for_function("frames_.at(-1).python")
    painted = frames(tab)
    assert {frame["seen"] for frame in painted} <= {"", "wait", "in"}, painted
    loads = {
        entry["name"].split("/")[-1]: entry for entry in tab.page.evaluate("performance.getEntriesByType('resource')")
    }
    assert loads["core.js"]["startTime"] > loads["session"]["responseEnd"]
    assert len(tab.requests("session")) == 1


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


@micropython_only  # Pyodide may take longer to start than the question may take
def test_an_early_question_that_is_still_in_flight_is_the_only_one(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    held: list[Route] = []
    tabs.context.route("**/api/auth/session", lambda route: held.append(route))
    tab = tabs.python(PYTHON, html=HTML, head=EARLY, before=FRAMES)
    expect(tab.element("wait")).to_be_visible()
    held[0].continue_()
    tab.shows(name="Ada Lovelace")
    assert {frame["seen"] for frame in frames(tab)} <= {"", "wait", "in"}
    assert len(held) == 1
    tabs.context.unroute_all()


@pytest.mark.parametrize("kind", ["500-json", "html-200", "reset", "empty"])
@micropython_only
def test_an_early_question_that_fails_changes_nothing(tabs: Tabs, backend: Backend, kind: str) -> None:
    backend.sign_in(tabs.context)
    backend.fault("session", kind, times=1)
    tab = tabs.python(PYTHON, html=HTML, head=EARLY, before=FRAMES)
    tab.expect_problem("Failed to load resource")
    tab.shows(name="Ada Lovelace")
    assert {frame["seen"] for frame in frames(tab)} <= {"", "wait", "in"}


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
def test_an_early_question_is_given_up_when_another_tab_signs_out(tabs: Tabs, backend: Backend, python: str) -> None:
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
def test_an_early_question_is_given_up_at_the_end_of_a_change_that_began_before_the_page(
    tabs: Tabs, backend: Backend
) -> None:
    held: list[Route] = []
    tabs.context.route("**/api/auth/session", lambda route: held.append(route))
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
    held: list[Route] = []
    tabs.context.route("**/api/auth/session", lambda route: held.append(route))
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
    held[0].continue_()
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


# ── the server's session ─────────────────────────────────────────────────────────────────────────

ADA = Session({"user": {"name": "Ada </script>", "image": "/face.png"}, "expires": "2999-01-01T00:00:00.000Z"})


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
