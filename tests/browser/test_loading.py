"""The ways a page can load the client, and what one sees when it does not come."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from nextauth_client.packing import ARCHIVE

from scripts.cdn import lines_to_paste, write_cdn
from scripts.local_index import serving, write_index
from scripts.steps import ROOT
from tests.browser.snippets import BARE_SCRIPTS, FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.site import INTERPRETERS, Site, page
from tests.support.tabs import (
    END,
    Held,
    Tab,
    Tabs,
    contract,
    contract_in_one,
    first_on_pyodide,
    micropython_only,
    pyodide_only,
)

PYTHON = "from nextauth_client import Provider, bind\nProvider()\nbind()\n"

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


def signs_in_without_pyscript(tabs: Tabs, head: str = "") -> None:
    site = tabs.site
    site.write("/bare-page.py", BARE_PYTHON)
    names = {"interpreter": INTERPRETERS[tabs.interpreter], "archive": site.archive}
    site.write("/bare.js", BARE_SCRIPTS[tabs.interpreter] % names)
    site.write("/bare.html", page(head + '<script type="module" src="/bare.js"></script>', HTML))
    tab = tabs.tab()
    tab.page.goto("/bare.html")
    tab.shows(who="Ada Lovelace", result="True")


@contract
def test_a_page_without_pyscript_can_load_the_client_itself(tabs: Tabs) -> None:
    signs_in_without_pyscript(tabs)


@first_on_pyodide
@pytest.mark.parametrize("missing", ["BroadcastChannel", "navigator.__proto__.locks", "LockManager.prototype.request"])
def test_it_needs_neither_channels_nor_locks(tabs: Tabs, missing: str) -> None:
    signs_in_without_pyscript(tabs, f"<script>delete {missing}</script>")


@contract
def test_a_page_loads_the_archive_and_nothing_to_unpack_it(tabs: Tabs, backend: Backend) -> None:
    """`python -m nextauth_client files`, with PyScript; for a zip, it would load zip.js."""
    backend.sign_in(tabs.context)
    tab = tabs.python(PYTHON, html='<p id="who" data-auth-text="user.name"></p>', boot=True)
    tab.shows(who="Ada Lovelace")
    names = [urlsplit(request.url).path.rpartition("/")[2] for request in tab.all_requests]
    assert [name for name in names if name.startswith(("nextauth_client", "zip"))] == [ARCHIVE]


def loads_the_wheel(tabs: Tabs, backend: Backend, config: dict[str, object]) -> None:
    backend.sign_in(tabs.context)
    html = '<p id="who" data-auth-text="user.name"></p>'
    tabs.site.write_page("/wheel.html", python=PYTHON, html=html, interpreter=tabs.interpreter, config=config)
    tab = tabs.tab()
    tab.page.goto("/wheel.html")
    tab.shows(who="Ada Lovelace")


def test_a_page_can_load_the_wheel(tabs: Tabs, backend: Backend) -> None:
    loads_the_wheel(tabs, backend, {"files": {tabs.site.wheel: "./*"}})


@micropython_only
def test_micropythons_packages_take_the_address_of_the_wheel(tabs: Tabs, backend: Backend) -> None:
    loads_the_wheel(tabs, backend, {"packages": [tabs.site.wheel]})


@pytest.fixture(scope="module")
def index(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an index that has the client and nothing else."""
    folder = tmp_path_factory.mktemp("index")
    shutil.copy(site.folder / site.wheel.lstrip("/"), folder)
    write_index(folder)
    with serving(folder) as url:
        yield url


INSTALLED = """
import importlib.metadata
import micropip

Provider()
show("result", importlib.metadata.version("nextauth-client") + " " + micropip.list()["nextauth-client"].version)
"""
# As a page would that has no `packages`.
ONCE_MORE = """
import micropip
assert "nextauth-client" in micropip.list()
micropip.uninstall("nextauth-client")
assert "nextauth-client" not in micropip.list()
await micropip.install("nextauth-client", index_urls="%s")
"""


def micropip_installs_it(tabs: Tabs, index: str, config: dict[str, object], before: str = "") -> None:
    # Else PyScript keeps, in this browser, what micropip has found out, and leaves it out at the next visit.
    config = {"packages_cache": "never", **config}
    python = before + SHOW + INSTALLED + FOLLOW + END
    tabs.site.write_page("/micropip.html", python=python, html=HTML, interpreter="pyodide", config=config)
    tab = tabs.tab()
    tab.may_ask(index)
    tab.page.goto("/micropip.html")
    version = tabs.site.wheel.split("-")[1]
    tab.shows(who="Ada Lovelace", result=f"{version} {version}")
    assert any("/micropip-" in request.url for request in tab.all_requests)


@pyodide_only
def test_micropip_installs_the_same_wheel(tabs: Tabs, backend: Backend, index: str) -> None:
    """Recipe C of the facts, with the real micropip."""
    backend.sign_in(tabs.context)
    micropip_installs_it(tabs, index, {"packages": [tabs.site.wheel]})


@pyodide_only
def test_pyscript_and_micropip_install_it_by_its_name(tabs: Tabs, backend: Backend, index: str) -> None:
    backend.sign_in(tabs.context)
    config = {"packages": ["nextauth-client"], "index_urls": [index]}
    micropip_installs_it(tabs, index, config, before=ONCE_MORE % index)


@pytest.fixture
def cdn(tmp_path: Path) -> Iterator[str]:
    """The address of another host, which has what a release lays out for one; `tmp_path` is its folder."""
    write_cdn(tmp_path / "cdn")
    with serving(tmp_path) as url:
        yield url


def page_from_cdn(tabs: Tabs, tmp_path: Path, cdn: str) -> Tab:
    """Not opened yet: its early script and archive come from there, by the lines of the release."""
    lines = lines_to_paste(tmp_path / "cdn", f"{cdn}/cdn")
    [early] = [line for line in lines if "nextauth-early.js" in line]
    [files] = [line for line in lines if line.startswith('"files"')]
    tabs.site.write_page(
        "/from-cdn.html",
        head=early,
        html='<p id="who" data-auth-text="user.name">?</p> <p id="result"></p>',
        python=SHOW + 'Provider()\nbind()\nshow("result", "Python runs")\n' + END,
        interpreter=tabs.interpreter,
        config=json.loads(f"{{ {files} }}"),
    )
    tab = tabs.tab()
    tab.may_ask(cdn)
    return tab


@micropython_only
def test_what_a_release_lays_out_comes_from_another_host(
    tabs: Tabs, backend: Backend, tmp_path: Path, cdn: str
) -> None:
    backend.sign_in(tabs.context)
    tab = page_from_cdn(tabs, tmp_path, cdn)
    archive = Held(tab.page, f"{cdn}/**/{ARCHIVE}")
    tab.page.goto("/from-cdn.html")
    tab.shows(who="Ada Lovelace", result="")
    archive.go_on()
    tab.shows(who="Ada Lovelace", result="Python runs")
    assert len(tab.requests("session")) == 1


@micropython_only
def test_a_script_of_which_a_byte_has_changed_is_refused_and_python_does_without_it(
    tabs: Tabs, backend: Backend, tmp_path: Path, cdn: str
) -> None:
    backend.sign_in(tabs.context)
    tab = page_from_cdn(tabs, tmp_path, cdn)
    early = tmp_path / "cdn" / "nextauth-early.js"
    early.write_bytes(early.read_bytes().replace(b"1e3", b"1e4", 1))
    tab.expect_problem("integrity")
    tab.page.goto("/from-cdn.html")
    tab.shows(who="Ada Lovelace", result="Python runs")
    assert tab.page.evaluate("typeof nextauthEarly") == "undefined"
    assert "integrity" in "".join(tab.problems)


@first_on_pyodide
@pytest.mark.parametrize(
    ("interpreter", "file"),
    [
        ("micropython", "nextauth_client.*"),
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


@contract_in_one
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


def test_the_effect_that_keeps_its_text_node_works_as_the_guide_has_it(tabs: Tabs, backend: Backend) -> None:
    guide = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8")
    [sample] = re.findall(r"```python\n( *def follow.*?)```", guide, re.DOTALL)
    head = "from nextauth_client import Provider, effect, use_session\nfrom pyscript import document\nProvider()\n"
    last = '\nfor element in document.querySelectorAll("p"):\n    follow(element)\n'
    backend.sign_in(tabs.context)
    tab = tabs.python(head + textwrap.dedent(sample) + last, html='<p id="first"></p> <p id="second">?</p>')
    tab.shows(first="Ada Lovelace", second="Ada Lovelace")
