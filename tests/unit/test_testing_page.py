"""The small page that tests have outside a browser: what `component`, `bind` and a page's own Python find there."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nextauth_client
import pytest
from nextauth_client import Provider, auth_fetch, bind, component, get_session, sign_in, sign_out, use_session
from nextauth_client.testing import ApiAnswer, Browser

from scripts.steps import ROOT

ATTRIBUTES = """
<p data-auth-show="authenticated" hidden>
  Hello <b data-auth-text="user.name">you</b> <img data-auth-src="user.image"> <button data-auth-signout>Out</button>
</p>
<form data-auth-form="credentials" method="post" data-auth-show="unauthenticated" hidden>
  <input name="username"> <input name="password" type="password"> <input type="checkbox" name="keep" checked>
  <button name="pressed" value="yes">In</button> <p data-auth-error hidden></p>
</form>
<div data-auth-providers data-auth-show="unauthenticated" hidden>
  <template><button>by <i data-auth-text="provider.name"></i></button></template>
</div>
"""


# ── component, bind ──────────────────────────────────────────────────────────────────────────────


async def test_a_component_follows(auth_browser: Browser) -> None:
    auth_browser.signed_in_as("Ada")
    document = auth_browser.document
    document.body.innerHTML = '<p id="who">as written</p> <button id="out">Out</button>'
    bold = document.createElement("b")

    @component("#who")
    def who() -> object:
        session, loading = use_session()
        bold.textContent = "" if session is None else session.user.name
        return "…" if loading else ["Hello ", bold] if session else "nobody"

    assert document.getElementById("who").innerHTML == "…"
    await asyncio.sleep(1)
    assert document.getElementById("who").innerHTML == "Hello <b>Ada</b>"
    await sign_out(redirect=False)
    assert document.visible_text() == "nobody Out"
    who.dispose()
    assert document.visible_text() == "Out"


async def test_a_component_says_what_is_wrong_with_its_target(auth_browser: Browser) -> None:
    auth_browser.document.body.innerHTML = '<p class="two"></p><p class="two"></p>'
    for target, words in ((".two", "2 elements match"), ("#none", "no element matches"), ("p..", "not a CSS selector")):
        with pytest.raises(ValueError, match=words):
            component(target)(lambda: "")
    with pytest.raises(TypeError, match=r'write @component\("#id"\) over'):
        component(lambda: "")


async def test_a_page_of_attributes_signs_in_and_out(auth_browser: Browser) -> None:
    document = auth_browser.document
    document.body.innerHTML = ATTRIBUTES
    binding = bind(messages={"authenticated": "Welcome."})
    assert document.visible_text() == ""
    await asyncio.sleep(1)
    assert document.visible_text() == "In by Password by GitHub"

    username, password, button = (document.querySelector(f"form [{name}]") for name in NAMES)
    username.value, password.value = "jsmith", "wrong"
    button.click()
    assert button.disabled
    await asyncio.sleep(1)
    assert "Sign in failed" in document.visible_text()
    assert not button.disabled

    password.value = "pw"
    button.click()
    await asyncio.sleep(1)
    assert document.visible_text() == "Hello jsmith Out Welcome."
    assert password.value == ""

    line = document.createElement("i")
    line.setAttribute("data-auth-text", "user.email")
    document.body.append(line)
    await asyncio.sleep(0)
    assert line.textContent == "jsmith@example.org"

    document.querySelector("[data-auth-signout]").click()
    await asyncio.sleep(15)
    assert document.visible_text().startswith("In by Password")
    binding.dispose()
    assert document.querySelector("b").outerHTML == '<b data-auth-text="user.name">you</b>'
    assert not document.querySelector("form").is_visible(), "as it was written"


NAMES = ("name=username", "name=password", "name=pressed")


async def test_what_is_ignored_is_not_served(auth_browser: Browser) -> None:
    auth_browser.signed_in_as("Ada")
    auth_browser.document.body.innerHTML = '<p data-auth-ignore><b data-auth-text="user.name">own</b></p>'
    bind()
    await asyncio.sleep(1)
    assert auth_browser.document.visible_text() == "own"


async def test_what_loads_when_it_is_called_takes_no_public_name(auth_browser: Browser) -> None:
    auth_browser.document.body.innerHTML = '<p id="who"></p>'
    bind().dispose()
    component("#who")(lambda: "")
    for name in nextauth_client.__all__:
        assert not inspect.ismodule(getattr(nextauth_client, name)), name


# ── a page's own Python ──────────────────────────────────────────────────────────────────────────

PAGE = """
from nextauth_client import component, get_session, on_session_change, require_session, sign_out, use_session
from pyscript import display, document, when
import basket

changes = []
first = await get_session()

@component("#who")
def who():
    session = use_session().session
    return session.user.name if session else "nobody"

@on_session_change
def changed(state, previous):
    changes.append(state.status)

@when("click", "#out")
async def leave(event):
    await sign_out(redirect=False)

@require_session
def order(article):
    basket.articles.append(article)
    return article

if __name__ == "__main__":
    display("ready", target="log")
"""
HTML = f"""<!doctype html>
<html lang="en"><head><title>Shop</title><script src="core.js"></script></head>
<body><p id="who"></p><button id="out">Out</button> <p id="log"></p>
<script type="mpy">{PAGE}</script>
<script type="py" worker>raise LookupError("in a worker")</script>
<script type="py" src="./more.py"></script>
</body></html>"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "basket.py").write_text("articles = []\n")
    (tmp_path / "shop.py").write_text(PAGE)
    (tmp_path / "shop.html").write_text(HTML)
    (tmp_path / "more.py").write_text("more = len(changes)\n")
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    yield tmp_path
    assert sys.path == path
    assert "basket" not in sys.modules


@pytest.mark.parametrize("time", ["first", "again"])
@pytest.mark.parametrize("name", ["shop.html", "shop.py"])
async def test_a_page_runs_as_in_a_browser(name: str, time: str, folder: Path, auth_browser: Browser) -> None:
    auth_browser.signed_in_as("Ada")
    document = auth_browser.document
    if name == "shop.py":
        document.body.innerHTML = '<p id="who"></p><button id="out">Out</button><p id="log"></p>'
    page: Any = await auth_browser.load(name)
    assert page.first.user.name == "Ada"
    await asyncio.sleep(1)
    assert document.visible_text() == "Ada Out ready"
    assert await page.order("apples") == "apples"
    assert page.basket.articles == ["apples"], f"{time}: each test has the page anew"
    document.getElementById("out").click()
    await asyncio.sleep(1)
    assert document.visible_text() == "nobody Out ready"
    assert await page.order("pears") is None
    assert auth_browser.tabs[-1].visited[-1].startswith("https://example.org/api/auth/signin")
    assert page.changes == ["authenticated", "unauthenticated"]
    assert hasattr(page, "more") == (name == "shop.html")


async def test_a_module_of_the_path_is_a_page_too(tmp_path: Path, auth_browser: Browser) -> None:
    (tmp_path / "asks.py").write_text("from nextauth_client import get_session\nfound = await get_session()\n")
    sys.path.insert(0, str(tmp_path))
    try:
        page: Any = await auth_browser.load("asks")
    finally:
        sys.path.remove(str(tmp_path))
    assert page.found is None


async def test_what_is_installed_below_a_page_is_imported_once(folder: Path, auth_browser: Browser) -> None:
    installed = folder / ".venv" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "heavy_thing.py").write_text("")
    (folder / "uses.py").write_text(f"import sys\nsys.path.append({str(installed)!r})\nimport heavy_thing\n")
    await auth_browser.load("uses.py")


def test_and_stays() -> None:
    assert sys.modules.pop("heavy_thing")


async def test_what_a_listener_raises_is_reported(auth_browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    from pyscript import when  # type: ignore[import-not-found, unused-ignore]

    auth_browser.document.body.innerHTML = "<button>Go</button>"

    @when("click", "button")
    async def fails() -> None:
        raise LookupError("on purpose")

    auth_browser.document.querySelector("button").click()
    await asyncio.sleep(1)
    assert "nextauth_client: what click does failed:" in capsys.readouterr().err


async def test_what_is_wrong_with_a_page_names_its_line(folder: Path, auth_browser: Browser) -> None:
    (folder / "wrong.html").write_text("<p></p>\n<script type='py'>\n  1 / 0\n</script>")
    with pytest.raises(ZeroDivisionError) as raised:
        await auth_browser.load("wrong.html")
    assert (raised.traceback[-1].path, raised.traceback[-1].lineno + 1) == (folder / "wrong.html", 3)
    with pytest.raises(ModuleNotFoundError, match=r"'no_such' is no module: load\(\) takes the name of one, or a file"):
        await auth_browser.load("no_such")
    with pytest.raises(FileNotFoundError):
        await auth_browser.load("no_such.py")


async def test_the_modules_functions_need_no_provider(auth_browser: Browser) -> None:
    auth_browser.backend.api["/api/orders"] = lambda request, session: ApiAnswer(200 if session else 401)
    assert (await auth_fetch("/api/orders")).status == 401
    assert await get_session() is None
    assert await sign_in("credentials", redirect=False, username="jsmith", password="pw")
    assert (await auth_fetch("/api/orders")).status == 200
    assert Provider.current() is None


# ── what it is and what it is not ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("p", "ab"),
        ("#a", "a"),
        (".x", "bc"),
        ("p.x.y", "b"),
        ("[k]", "abc"),
        ("[k=v]", "a"),
        ('[k="v w"]', "b"),
        ("[k~=w]", "b"),
        ("[k=V i]", "a"),
        ("*:not(p, div)", "c"),
        (":is(i, #a)", "ac"),
        ("div i", "c"),
        ("div > i", ""),
        ("div>p", "ab"),
        ("div p > i", "c"),
        (" #a , i ", "ac"),
        ("p:not([k=v]):where(.y)", "b"),
        ("p:not(:is(.x))", "a"),
    ],
)
async def test_which_elements_a_selector_finds(selector: str, found: str, auth_browser: Browser) -> None:
    body = auth_browser.document.body
    body.innerHTML = '<div><p id="a" k="v"></p><p id="b" class="x y" k="v w"><i id="c" class="x" k></i></p></div>'
    assert "".join([element.id for element in body.querySelector("div").querySelectorAll(selector)]) == found


@pytest.mark.parametrize(
    "selector", ["", "p,", ",p", "p >", "> p", "p[", "[k=", "p)", ":not(p", ":not()", "p!", "..x", ":is(p,)"]
)
async def test_what_is_no_selector_is_refused(selector: str, auth_browser: Browser) -> None:
    with pytest.raises(ValueError, match="is not a CSS selector"):
        auth_browser.document.querySelector(selector)


async def test_what_it_lacks_says_so(auth_browser: Browser) -> None:
    document = auth_browser.document
    words = "not part of the small page that tests have outside a browser"
    with pytest.raises(AttributeError, match=rf"Element.style is {words}: test what needs it in a real one"):
        _ = document.body.style
    with pytest.raises(AttributeError, match=rf"Element.innerTextt is {words}"):
        document.body.innerTextt = "misspelt"
    for selector, named in (("p:first-child", ":first-child"), ("p + i", r"p \+ i"), ("[k^=v]", r"\[k\^=v\]")):
        with pytest.raises(NotImplementedError, match=f"{named} is {words}: test"):
            document.querySelector(selector)
    with pytest.raises(NotImplementedError, match=f"<select> is {words}"):
        document.createElement("select")


async def test_html_is_read_and_written(auth_browser: Browser) -> None:
    body = auth_browser.document.body
    written = '<p title="a &quot;b&quot;">1 &lt; 2 <br>&amp; <template><b hidden=""></b></template></p>'
    body.innerHTML = written
    assert body.innerHTML == written
    assert body.querySelector("b") is None, "it is in the template"
    copy = body.firstChild.cloneNode(True)
    assert copy.outerHTML == written
    assert not copy.isConnected
    body.innerHTML = "<p>One<p>Two</div></p>"
    assert body.textContent == "OneTwo"


async def test_a_form_sends_what_a_browser_would(auth_browser: Browser) -> None:
    import js  # type: ignore[import-not-found, unused-ignore]

    auth_browser.document.body.innerHTML = """<form><input name="a" value="1"><input name="b" type="checkbox">
    <input name="c" type="checkbox" checked><input name="d" value="x" disabled><input value="nameless">
    <textarea name="e">text</textarea><button name="f" value="1">One</button><button name="f" value="2">Two</button>
    </form>"""
    form = auth_browser.document.querySelector("form")
    two = form.querySelectorAll("button").item(1)
    assert js.Object.fromEntries(js.FormData.new(form, two)) == {"a": "1", "c": "on", "e": "text", "f": "2"}
    assert js.Object.fromEntries(js.FormData.new(form)) == {"a": "1", "c": "on", "e": "text"}
    form.querySelector("[name=b]").click()
    form.querySelector("[name=a]").value = "typed"
    assert js.Object.fromEntries(js.FormData.new(form)) == {"a": "typed", "b": "on", "c": "on", "e": "text"}
    form.reset()
    assert form.querySelector("[name=a]").value == "1"


async def test_the_page_of_one_test_is_not_the_next_ones(auth_browser: Browser) -> None:
    assert auth_browser.document.body.innerHTML == ""
    import js

    assert not hasattr(js, "kept")
    js.kept = True
    auth_browser.document.body.innerHTML = "left"
    assert auth_browser.document.URL == "https://example.org/"


test_nor_after_it = test_the_page_of_one_test_is_not_the_next_ones


async def test_the_page_that_new_writes_can_be_tested(auth_browser: Browser) -> None:
    """Its scripts' addresses begin where the site does."""
    auth_browser.signed_in_as("Ada")
    await auth_browser.load(str(ROOT / "examples" / "page" / "pages" / "index.html"))
    await asyncio.sleep(1)
    assert "Ada" in auth_browser.document.querySelector("h1").textContent
