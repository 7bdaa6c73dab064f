"""Effects and the Provider: what runs when, and what it costs."""

from __future__ import annotations

from tests.browser.following import Bystander
from tests.browser.snippets import FOLLOW, GIVEN, HTML, SHOW
from tests.support.backend import Backend
from tests.support.tabs import Tabs, contract, contract_in_one

COUNT = """
runs = {}

def count(name):
    runs[name] = runs.get(name, 0) + 1
    show(name + "-runs", runs[name])

@on_click("ask")
async def ask(event):
    await Provider.current().refresh()
    show("asked", runs.get("asked", 0) + 1)
    runs["asked"] = runs.get("asked", 0) + 1
"""

COUNTERS = HTML + "".join(
    f'<p id="{name}"></p>' for name in ("asked", "status-runs", "name", "name-runs", "expires", "expires-runs")
)


def test_three_effects_share_one_request(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    python = """
def show_name(name):
    def run():
        session, loading = use_session()
        show(name, "loading" if loading else session.user.name)
    return run

for name in ("status", "who", "result"):
    effect(show_name(name))
"""
    tab = tabs.python(SHOW + python, html=HTML)
    tab.shows(status="Ada Lovelace", who="Ada Lovelace", result="Ada Lovelace")
    assert len(tab.requests("session")) == 1


def test_an_effect_that_reads_the_status_does_not_run_when_only_the_name_changes(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    python = """
Provider()

@effect
def read_status():
    use_session().status
    count("status")

@effect
def read_name():
    session = use_session().session
    count("name")
    show("name", session.user.name if session else "nobody")
"""
    tab = tabs.python(SHOW + COUNT + python, html=COUNTERS)
    tab.shows(name="Ada Lovelace", name_runs="2", status_runs="2")
    backend.rename("Ada King")
    tab.element("ask").click()
    tab.shows(asked="1", name="Ada King", name_runs="3", status_runs="2")


def test_a_rolling_expiry_runs_only_the_effects_that_read_it(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    python = """
Provider()

@effect
def read_name():
    session = use_session().session
    if session:
        session.user.name
    count("name")

@effect
def read_expires():
    session = use_session().session
    count("expires")
    show("expires", session.expires if session else "")
"""
    tab = tabs.python(SHOW + COUNT + python, html=COUNTERS)
    tab.shows(name_runs="2", expires_runs="2")
    first = tab.element("expires").inner_text()
    tab.element("ask").click()
    tab.shows(asked="1", expires_runs="3")
    tab.element("ask").click()
    tab.shows(asked="2", expires_runs="4", name_runs="2")
    assert first < tab.element("expires").inner_text()
    assert len(tab.requests("session")) == 3


def test_an_async_function_is_told_of_a_change_and_a_failure_names_the_function(tabs: Tabs) -> None:
    python = """
import asyncio

@on_session_change
async def tells(state, previous):
    await asyncio.sleep(0)
    show("result", previous.session.user.name + " → " + state.session.user.name)

@on_session_change
async def fails_later(state, previous):
    await asyncio.sleep(0)
    raise ValueError("on purpose")

@on_session_change
def fails_at_once(state, previous):
    raise ValueError("on purpose")

becomes(session("Eve"))
"""
    tab = tabs.python(SHOW + GIVEN + python, html=HTML)
    tab.expect_problem(
        "on_session_change fails_", "on purpose", "Traceback", "File ", "nextauth_client", "await cor", "^^^"
    )
    tab.expect_problem("function(state.view")
    tab.shows(result="Ada → Eve")
    for name in ("fails_later", "fails_at_once"):
        assert any(f"on_session_change {name} failed" in line for line in tab.console), tab.console


def test_a_session_that_is_given_costs_no_request(tabs: Tabs) -> None:
    python = """
Provider(session={"user": {"name": "Grace Hopper"}, "expires": "2999-01-01T00:00:00.000Z"})
"""
    token = """
show("result", len(await get_csrf_token()))
"""
    tab = tabs.python(SHOW + python + FOLLOW + token, html=HTML)
    tab.shows(status="authenticated", who="Grace Hopper", error="none", result="64")
    assert tab.requests("session") == []


def test_nobody_that_is_given_costs_no_request(tabs: Tabs) -> None:
    tab = tabs.python(
        SHOW + "Provider(session=None)\n" + FOLLOW + "show('result', len(await get_csrf_token()))", html=HTML
    )
    tab.shows(status="unauthenticated", who="nobody", result="64")
    assert tab.requests("session") == []


@contract_in_one
def test_stop_takes_away_whatever_the_provider_added(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    python = """
import js

show("status", js.keptByPage().join(", "))
provider = Provider()
await provider.ready()
show("who", js.keptByPage().join(", "))

@on_click("go")
async def stop(event):
    await sign_out(redirect=False)
    provider.stop()
    provider.stop()
    show("result", js.keptByPage().join(", "))
"""
    tab = tabs.python(SHOW + python, html=HTML)
    for added in ("Window focus", "Window storage", "Document visibilitychange", "BroadcastChannel message"):
        tab.contains(who=added)
    tab.element("go").click()
    tab.contains(result="Window")
    assert tab.element("result").inner_text() == tab.element("status").inner_text()


@contract
def test_what_javascript_throws_at_once_ends_neither_the_other_effects_nor_the_session(
    tabs: Tabs, backend: Backend
) -> None:
    backend.sign_in(tabs.context)
    python = """
Provider()

@effect
def before():
    session = use_session().session
    show("who", session.user.name if session else "nobody")

@effect
def throws():
    session = use_session().session
    if session and session.user.name != "Ada Lovelace":
        js.JSON.parse("{broken")
    show("status", session.user.name if session else "nobody")

@effect
def after():
    session = use_session().session
    show("result", session.user.name if session else "nobody")

@on_click("ask")
async def throw(event):
    js.JSON.parse("{broken")

@on_click("go")
def leave(event):
    sign_out(redirect=False)
"""
    tab = tabs.python("import js\n" + SHOW + python, html=HTML)
    tab.expect_problem("JSON", "throw", "Traceback", "File ", "nextauth_client", "own(", "function(")
    tab.shows(who="Ada Lovelace", status="Ada Lovelace", result="Ada Lovelace")
    with Bystander(tabs) as bystander:
        for name in ("Ada King", "Ada Byron"):  # the first time may be the last
            backend.rename(name)
            bystander.send_as_v4()
            tab.shows(who=name, status="Ada Lovelace", result=name)
        tab.element("ask").click()
        backend.rename("Ada Lovelace")
        bystander.send_as_v4()
        tab.shows(who="Ada Lovelace", status="Ada Lovelace", result="Ada Lovelace")
    tab.element("go").click()
    tab.shows(who="nobody", result="nobody")
