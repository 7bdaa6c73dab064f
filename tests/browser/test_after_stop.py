"""What was made before `stop()` goes on with the next Provider, as the error about a second one advises."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.snippets import HTML, SHOW
from tests.support.backend import Backend
from tests.support.tabs import Tab, Tabs

PAGE = (
    HTML
    + '<p id="place"></p> <p id="bound" data-auth-text="user.name">nobody bound</p> <button id="stop">Stop</button>'
)

PYTHON = """
def name():
    session = use_session().session
    return session.user.name if session else "nobody"

Provider()
bind()

@effect
def follow():
    show("who", name())

@component("#place")
def place():
    return name()

@on_session_change
def changed(state, previous):
    show("status", state.status)

@on_click("stop")
async def stop(event):
    try:
        Provider()
    except RuntimeError as error:
        show("error", error)
    Provider.current().stop()
    show("result", "stopped")

@on_click("go")
async def go_on(event):
    Provider()
    bind()
    state = await Provider.current().ready()
    show("url", state.status)

@on_click("ask")
async def leave(event):
    await sign_out(redirect=False)
"""


def stop(tab: Tab) -> None:
    tab.element("stop").click()
    tab.shows(result="stopped")
    tab.contains(error="Stop it first (`Provider.current().stop()`)")
    tab.shows(bound="nobody bound")
    expect(tab.page.locator("html")).not_to_have_attribute("data-auth-state", "authenticated")


def test_effects_components_and_handlers_follow_the_next_provider(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(SHOW + PYTHON, html=PAGE)
    tab.shows(who="Ada Lovelace", place="Ada Lovelace", bound="Ada Lovelace", status="authenticated")
    stop(tab)
    backend.rename("Ada King")
    tab.element("go").click()
    tab.shows(url="authenticated", who="Ada King", place="Ada King", bound="Ada King")
    expect(tab.page.locator("html")).to_have_attribute("data-auth-state", "authenticated")
    tab.element("ask").click()
    tab.shows(who="nobody", place="nobody", bound="nobody bound", status="unauthenticated")


def test_what_changed_meanwhile_elsewhere_is_seen(tabs: Tabs, backend: Backend) -> None:
    tab = tabs.python(SHOW + PYTHON, html=PAGE)
    tab.shows(who="nobody", place="nobody", status="unauthenticated")
    stop(tab)
    backend.sign_in(tabs.context)
    tab.element("go").click()
    tab.shows(url="authenticated", who="Ada Lovelace", place="Ada Lovelace", bound="Ada Lovelace")
    tab.shows(status="authenticated")
