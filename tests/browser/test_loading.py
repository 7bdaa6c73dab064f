"""The ways a page can load the client, and what one sees when it does not come."""

from __future__ import annotations

import json
import re

import pytest
from nextauth_client.__main__ import copy_modules
from playwright.sync_api import expect

from scripts.steps import ROOT
from tests.browser.backend import Backend
from tests.browser.site import INTERPRETERS, page
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.browser.tabs import END, Tab, Tabs, micropython_only, pyodide_only

PACKAGE = ROOT / "client" / "nextauth_client"

# What a page without PyScript has to do itself.
BARE_PYTHON = """
import js
from nextauth_client import Provider, effect, sign_in, use_session

Provider()

@effect
def follow():
    session, loading = use_session()
    who = "loading" if loading else session.user.name if session else "nobody"
    js.document.getElementById("who").textContent = who

result = await sign_in("credentials", redirect=False, username="ada", password="lovelace")
js.document.getElementById("result").textContent = str(bool(result))
"""

BARE_SCRIPTS = {
    "micropython": """
        import { loadMicroPython } from "%(interpreter)s";
        const python = await loadMicroPython();
        python.FS.mkdirTree("/lib/nextauth_client");
        for (const [name, source] of Object.entries(await (await fetch("/bare-sources.json")).json()))
            python.FS.writeFile("/lib/nextauth_client/" + name, source);
        await python.runPythonAsync(await (await fetch("/bare-page.py")).text());
    """,
    "pyodide": """
        import { loadPyodide } from "%(interpreter)s";
        const python = await loadPyodide();
        python.unpackArchive(await (await fetch("%(wheel)s")).arrayBuffer(), "wheel");
        await python.runPythonAsync(await (await fetch("/bare-page.py")).text());
    """,
}


def test_a_page_without_pyscript_can_load_the_client_itself(tabs: Tabs) -> None:
    site = tabs.site
    site.write("/bare-sources.json", json.dumps({file.name: file.read_text() for file in PACKAGE.glob("*.py")}))
    site.write("/bare-page.py", BARE_PYTHON)
    names = {"interpreter": INTERPRETERS[tabs.interpreter], "wheel": site.wheel}
    site.write("/bare.js", BARE_SCRIPTS[tabs.interpreter] % names)
    site.write("/bare.html", page('<script type="module" src="/bare.js"></script>', HTML))
    tab = tabs.tab()
    tab.page.goto("/bare.html")
    tab.shows(who="Ada Lovelace", result="True")


def test_a_page_can_load_the_modules_as_files_beside_it(tabs: Tabs, backend: Backend) -> None:
    """`python -m nextauth_client files`: PyScript has nothing to unpack."""
    backend.sign_in(tabs.context)
    site = tabs.site
    config = copy_modules(site.folder / "client", "/client")
    python = "from nextauth_client import Provider, bind\nProvider()\nbind()\n" + END
    html = '<p id="who" data-auth-text="user.name"></p>'
    site.write_page("/files.html", python=python, html=html, interpreter=tabs.interpreter, config=config)
    tab = tabs.tab()
    tab.page.goto("/files.html")
    tab.shows(who="Ada Lovelace")
    assert not any(request.url.endswith(".whl") for request in tab.all_requests)


@pyodide_only
def test_micropip_installs_the_same_wheel(tabs: Tabs, backend: Backend) -> None:
    """Recipe C of the facts, with the real micropip."""
    backend.sign_in(tabs.context)
    python = """
import importlib.metadata
import micropip

Provider()
show("result", importlib.metadata.version("nextauth-client") + " " + micropip.list()["nextauth-client"].version)
"""
    site = tabs.site
    python = SHOW + python + FOLLOW + END
    # Else PyScript keeps, in this browser, what micropip has found out, and leaves it out at the next visit.
    config = {"packages": [site.wheel], "packages_cache": "never"}
    site.write_page("/micropip.html", python=python, html=HTML, interpreter="pyodide", config=config)
    tab = tabs.tab()
    tab.page.goto("/micropip.html")
    version = site.wheel.split("-")[1]
    tab.shows(who="Ada Lovelace", result=f"{version} {version}")
    assert any("/micropip-" in request.url for request in tab.all_requests)


@pytest.mark.parametrize(
    ("interpreter", "file"),
    [
        ("micropython", "nextauth_client-*.whl"),
        ("micropython", "micropython.mjs"),
        ("micropython", "micropython.wasm"),
        ("micropython", "core.js"),
        ("pyodide", "pyodide.mjs"),
        ("pyodide", "python_stdlib.zip"),
    ],
    indirect=["interpreter"],
)
def test_a_file_that_is_not_there_is_explained(tabs: Tabs, file: str) -> None:
    tab = tabs.tab()
    # What PyScript and the interpreters make of it is theirs.
    tab.expect_problem("")
    tab.page.route(f"**/static/**/{file}", lambda route: route.fulfill(status=404, body="Not Found"))
    tab.page.goto(f"/?interpreter={tabs.interpreter}")
    expect(tab.page.get_by_role("alert").filter(visible=True)).to_have_text(
        "Python could not be loaded. Run `make demo` in the checkout: it installs what this page needs."
    )
    expect(tab.page.get_by_role("progressbar")).to_be_hidden()


@micropython_only
def test_python_that_fails_is_said_to_have_failed(tabs: Tabs) -> None:
    tab = tabs.tab()
    tab.expect_problem("on purpose", "Traceback", "File ")
    tab.page.route("**/static/demo.py", lambda route: route.fulfill(body="raise ValueError('on purpose')"))
    tab.page.goto(f"/?interpreter={tabs.interpreter}")
    expect(tab.element("boot").and_(tab.page.get_by_role("alert"))).to_contain_text("stopped with an error")


def test_the_page_of_the_readme_works_as_it_stands_and_as_it_says_for_pyodide(tabs: Tabs) -> None:
    [html] = re.findall(r"```html\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    if tabs.interpreter == "pyodide":
        html = html.replace('type="mpy"', 'type="py"').replace("micropython.json", "pyodide.json")
    tabs.site.write("/hello.html", html)
    tab = tabs.tab()
    tab.page.goto("/hello.html")
    tab.shows(who="Not signed in")
    tab.button("Sign in").click()
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("lovelace")
    tab.button("Sign in").click()
    tab.shows(who="Signed in as Ada Lovelace")
    tab.button("Sign out").click()
    tab.shows(who="Not signed in")


@micropython_only
def test_the_example_on_the_demo_page_works_as_it_stands(tabs: Tabs, backend: Backend, demo: Tab) -> None:
    example = demo.page.get_by_label("Example").inner_text()
    backend.sign_in(tabs.context)
    tabs.python(example, html='<p id="who"></p>').shows(who="Signed in as Ada Lovelace")
