"""Elements that are called like what the client looks up: a name in the page is not to be trusted."""

from __future__ import annotations

import pytest
from nextauth_client.session import Session
from nextauth_server import session_script

from tests.browser.following import Bystander
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.tabs import Tab, Tabs, first_on_pyodide, micropython_only

PAGE = SHOW + "Provider(timeout=30)\n" + FOLLOW
MALLORY = '{"user": {"name": "Mallory"}, "expires": "2999-01-01T00:00:00.000Z"}'


@first_on_pyodide
@pytest.mark.parametrize(
    "html",
    [
        f'<p id="nextauth-session">{MALLORY}</p>',
        f'<template id="nextauth-session">{MALLORY}</template>',
        f'<textarea id="nextauth-session" type="application/json">{MALLORY}</textarea>',
    ],
)
def test_an_element_that_is_called_like_the_servers_session_signs_nobody_in(tabs: Tabs, html: str) -> None:
    tab = tabs.python(PAGE, html=HTML + html)
    tab.shows(status="unauthenticated", who="nobody")
    assert len(tab.requests("session")) == 1


def test_the_servers_own_session_is_found_behind_one(tabs: Tabs) -> None:
    ada = Session({"user": {"name": "Ada"}, "expires": "2999-01-01T00:00:00.000Z"})
    tab = tabs.python(PAGE, html=f'<p id="nextauth-session">{MALLORY}</p>{HTML}{session_script(ada)}')
    tab.shows(who="Ada")
    assert tab.requests("session") == []


EARLY = {
    "link": '<a id="nextauthEarly" href="/api/auth/session">x</a>',
    "two": '<a id="nextauthEarly" href="/x">x</a><a id="nextauthEarly" name="url" href="/api/auth/session">x</a>',
    "form": '<form id="nextauthEarly"><input name="url" value="/api/auth/session"><input name="stop"></form>',
    "frame": '<iframe name="nextauthEarly" srcdoc="<p>x</p>"></iframe>',
    # Of such a window nothing can be read, not even what it is.
    "foreign frame": '<iframe name="nextauthEarly" sandbox srcdoc="<p>x</p>"></iframe>',
}


@first_on_pyodide
@pytest.mark.parametrize("html", EARLY.values(), ids=EARLY)
def test_an_element_that_is_called_like_the_early_script_stops_neither_provider_nor_bind(
    tabs: Tabs, backend: Backend, html: str
) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(
        SHOW + "bind()\nProvider(timeout=30)\n" + FOLLOW,
        html=f'{HTML}{html}<b id="name" data-auth-text="user.name">somebody</b>',
    )
    tab.shows(who="Ada Lovelace", name="Ada Lovelace")


GLOBALS = ("WorkerGlobalScope", "nextauthBound", "pyscript", "Provider")


@micropython_only
@pytest.mark.parametrize("name", GLOBALS)
def test_an_element_that_is_called_like_a_global_variable_changes_nothing(
    tabs: Tabs, backend: Backend, name: str
) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(
        SHOW + "bind()\nProvider(timeout=30)\n" + FOLLOW,
        html=f'{HTML}<a id="{name}" href="/x">x</a><b id="name" data-auth-text="user.name">somebody</b>',
    )
    tab.shows(who="Ada Lovelace", name="Ada Lovelace")
    # What a page does, and a worker cannot.
    asked = len(tab.requests("session"))
    with Bystander(tabs) as bystander:
        bystander.until_quiet(1.0)
        tab.page.evaluate("dispatchEvent(new Event('focus'))")
        bystander.until(lambda: len(tab.requests("session")) > asked)


# Of the document's own. `getElementById` is the test's own way in, and what Playwright needs is missing too.
NAMES = (
    *("currentScript", "querySelector", "body", "baseURI", "visibilityState", "prerendering", "hidden", "readyState"),
    *("addEventListener", "removeEventListener", "documentElement", "defaultView", "cookie", "head", "title"),
    *("createElement", "createTextNode", "activeElement", "adoptedStyleSheets", "styleSheets", "nodeType", "hasFocus"),
)


def text_is(tab: Tab, name: str, text: str) -> None:
    tab.page.wait_for_function(
        "([name, text]) => Document.prototype.getElementById.call(document, name)?.textContent === text",
        arg=[name, text],
    )


@first_on_pyodide
@pytest.mark.parametrize("element", ['<img name="{}" alt="">', '<form name="{}"></form>', '<embed name="{}" hidden>'])
def test_names_in_the_page_hide_nothing_of_the_documents(tabs: Tabs, backend: Backend, element: str) -> None:
    names = "".join([element.format(name) for name in NAMES])
    python = f"""
import js
# Here, because PyScript itself does not start with such names.
js.document.getElementById("names").innerHTML = {names!r}
from nextauth_client import *

def show(name, value):
    js.document.getElementById(name).textContent = str(value)

Provider(timeout=30)
bind()
"""
    backend.sign_in(tabs.context)
    tab = tabs.python(
        python + FOLLOW,
        html=f'{HTML}<div id="names" hidden></div><b id="name" data-auth-text="user.name">somebody</b>'
        '<button id="leave" data-auth-signout data-auth-callback-url="?bye">Sign out</button>',
        wait=False,
    )
    text_is(tab, "who", "Ada Lovelace")
    text_is(tab, "name", "Ada Lovelace")
    assert len(tab.requests("session")) == 1
    with tab.page.expect_navigation(url="**?bye", wait_until="commit"):
        tab.page.evaluate("Document.prototype.getElementById.call(document, 'leave').click()")
    text_is(tab, "status", "unauthenticated")
