"""Why nobody is signed in any more: `state.reason`, in the tab that acted and in the others."""

from __future__ import annotations

import re

from scripts.steps import ROOT
from tests.browser.following import Bystander, open_in_turn, press
from tests.browser.snippets import GIVEN, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Tab, Tabs, contract_in_one, micropython_only

HTML = """
<p id="who"></p> <p id="reason"></p> <p id="told"></p> <p id="bound" data-auth-text="reason">none of its own</p>
<button id="ask">Ask</button> <button id="sign-out">Sign out</button>
"""

PYTHON = (
    SHOW
    + """
Provider(refetch_on_focus=False)

@component("#who")
def who():
    session = use_session().session
    return session.user.name if session else "nobody"

@effect
def why():
    show("reason", use_session().reason)

told = []

@on_session_change
def tell(state, previous):
    told.append(str(previous.reason) + " " + str(state.reason))
    show("told", ", ".join(told))

@on_click("ask")
async def ask(event):
    await get_session()

@on_click("sign-out")
async def leave(event):
    await sign_out(redirect=False)

bind()
"""
)


def two_tabs(tabs: Tabs, backend: Backend) -> tuple[Tab, Tab]:
    backend.sign_in(tabs.context)
    one, other = open_in_turn(tabs, 2, PYTHON, HTML, who="Ada Lovelace", reason="None", bound="none of its own")
    return one, other


def end(tab: Tab, reason: str) -> None:
    """It shows nobody, and this is why."""
    tab.shows(who="nobody", reason=reason, bound=reason)
    tab.shows(told=f"None None, None {reason}")


@contract_in_one
def test_a_sign_out_is_signed_out_here_and_signed_out_elsewhere_there(tabs: Tabs, backend: Backend) -> None:
    one, other = two_tabs(tabs, backend)
    press(one, "sign-out")
    end(one, "signed_out")
    end(other, "signed_out_elsewhere")
    one.page.reload()
    one.shows(who="nobody", reason="None", bound="none of its own")
    backend.sign_in(tabs.context)
    press(one, "ask")
    for tab in (one, other):
        tab.shows(who="Ada Lovelace", reason="None", bound="none of its own")


def test_a_session_that_the_backend_has_ended_is_revoked_in_all_tabs(tabs: Tabs, backend: Backend) -> None:
    opened = two_tabs(tabs, backend)
    backend.revoke()
    press(opened[0], "ask")
    for tab in opened:
        end(tab, "revoked")


def test_a_session_that_runs_out_is_expired_in_all_tabs(tabs: Tabs, backend: Backend) -> None:
    opened = two_tabs(tabs, backend)
    backend.session_length(2)
    press(opened[0], "ask")
    for tab in opened:
        end(tab, "expired")


def test_another_person_who_takes_over_is_switched_in_all_tabs(tabs: Tabs, backend: Backend) -> None:
    opened = two_tabs(tabs, backend)
    backend.sign_in(tabs.context, "alan")
    press(opened[0], "ask")
    for tab in opened:
        tab.shows(who="Alan Turing", reason="switched", bound="switched", told="None None, None switched")


def test_a_sign_out_of_a_javascript_client_is_signed_out_elsewhere(tabs: Tabs, backend: Backend) -> None:
    for say in (
        """localStorage.setItem("nextauth.message", JSON.stringify(
            { event: "session", data: { trigger: "signout" }, timestamp: Math.floor(Date.now() / 1000) }))""",
        """new BroadcastChannel("next-auth").postMessage({ event: "session", data: { trigger: "signout" } })""",
    ):
        backend.sign_in(tabs.context)
        tab = tabs.python(PYTHON, html=HTML)
        tab.shows(who="Ada Lovelace")
        tabs.context.clear_cookies()
        with Bystander(tabs) as bystander:
            bystander.page.evaluate(say)
            end(tab, "signed_out_elsewhere")


@micropython_only
def test_what_the_guide_shows_says_why_and_drops_what_was_anothers(tabs: Tabs, backend: Backend) -> None:
    guide = (ROOT / "docs" / "session-end.md").read_text(encoding="utf-8")
    snippets = [part.partition("```")[0] for part in guide.split("```python\n")[1:]]
    idle = next(snippet for snippet in snippets if snippet.startswith("Provider(idle_timeout="))
    snippets.remove(idle)
    # A page has one Provider: the one of the section on idle people stands for the plain one above.
    python = "".join(snippets).replace("Provider()\n", idle, 1)
    html = "".join(part.partition("```")[0] for part in guide.split("```html\n")[1:])
    python += """
drafts["a"] = "Ada's"

@effect
def follow():
    show("who", use_session().session)

@on_click("ask")
async def ask(event):
    await get_session()
    show("drafts", len(drafts))

bind()
"""
    backend.sign_in(tabs.context)
    tab = tabs.python(
        SHOW + python,
        html=html + '<p id="why"></p> <p id="left"></p> <p id="who"></p> <p id="drafts"></p> <p id="ask"></p>',
    )
    tab.contains(who="Ada Lovelace")
    press(tab, "ask")
    tab.shows(drafts="1", why="")
    backend.sign_in(tabs.context, "alan")
    press(tab, "ask")
    tab.shows(drafts="0", why="")
    tab.expect_problem("idle_timeout=900 is not lower than the session's own lifetime")
    backend.session_length(10)
    press(tab, "ask")
    tab.contains(left=re.compile(r"^Your session ends in 0:0\d\.$"))
    expect(tab.page.get_by_text(re.compile(r"Your session ends in \d seconds\."))).to_be_visible()
    tab.shows(left="", why="Your session has ended. Sign in to go on.")
    expect(tab.page.get_by_text("Not signed in (expired)")).to_be_visible()


COUNTING_HTML = """
<p id="who"></p> <p id="left"></p> <p id="counts"></p> <button id="ask">Ask</button>
<p data-auth-show="authenticated" hidden>Signed in for <b id="bound" data-auth-text="expires_in">some</b> s</p>
<p id="soon" data-auth-show="expiring" hidden>Your session is about to end</p>
<p id="later" data-auth-show="authenticated" hidden>Signed in</p>
"""

COUNTING = (
    SHOW
    + """
import time

Provider(refetch_on_focus=False, expiring=4)
bind()
counts = []

@effect
def count():
    counts.append(use_session().expires_in)
    show("counts", " ".join([str(left) for left in counts]))

@component("#left")
def left():
    return use_session().expires_in

@effect
def who():
    show("who", use_session().session is not None)

@on_click("ask")
async def ask(event):
    await get_session()
"""
)


@contract_in_one
def test_the_seconds_left_are_counted_down_and_shown_and_a_session_that_ends_soon_says_so(
    tabs: Tabs, backend: Backend
) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(COUNTING, html=COUNTING_HTML)
    tab.shows(who="True")
    tab.contains(left=re.compile("^25[0-9]{5}$"))
    backend.session_length(8)
    press(tab, "ask")
    tab.contains(left=re.compile("^[5-8]$"), bound=re.compile("^[5-8]$"))
    backend.revoke()  # when it is asked at the end, which a browser that keeps cookies to the second may prolong
    expect(tab.element("soon")).to_be_hidden()
    expect(tab.element("soon")).to_be_visible()
    expect(tab.element("later")).to_be_visible()
    tab.contains(left=re.compile("^[0-3]$"), bound=re.compile("^[0-3]$"))
    tab.shows(who="False", left="", bound="some")
    expect(tab.element("soon")).to_be_hidden()
    text = str(tab.page.evaluate("document.getElementById('counts').textContent"))
    counts = [int(count) for count in text.split() if count != "None"]
    assert counts == sorted(set(counts), reverse=True), "each once"
    assert len(counts) >= 5


@micropython_only
def test_a_thousand_elements_that_show_the_seconds_left_ask_for_them_once_a_second(tabs: Tabs) -> None:
    python = """
asked = []

def count(name, follow):
    asked.append(follow)
    return 1000 - len(asked)

for number in range(1000):
    element = document.createElement("b")
    element.setAttribute("data-auth-text", "expires_in")
    document.body.append(element)
store.replace(SessionState(session("Ada"), expires_in=1000, count=count))
bind()
for number in range(10):
    store.replace(SessionState(session("Ada"), expires_in=999 - number, count=count))
show("result", asked == [True] * 11 and {element.textContent for element in document.querySelectorAll("b")})
"""
    tab = tabs.python(SHOW + GIVEN + python, html='<p id="result"></p>')
    tab.shows(result="{'989'}")
