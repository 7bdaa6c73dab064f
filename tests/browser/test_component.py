"""component: an element shows what a function returns, and follows what it read."""

from __future__ import annotations

import pytest

from tests.browser.snippets import GIVEN, HOSTILE, HTML, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Tabs, contract, contract_in_one, micropython_only

PAGE = HTML + '<div id="place">as it was written</div> <p class="two"></p> <p class="two"></p> <p id="kept"></p>'

PLACED = GIVEN + 'place = document.getElementById("place")\n'


@contract
def test_it_follows_the_backend_as_text(tabs: Tabs, backend: Backend) -> None:
    backend.rename(HOSTILE)
    backend.sign_in(tabs.context)
    python = """
Provider()

@component("#place")
def who():
    session, loading = use_session()
    return "…" if loading else "Signed in as " + session.user.name if session else "Not signed in"

@on_click("go")
async def leave(event):
    await sign_out(redirect=False)
"""
    tab = tabs.python(SHOW + python, html=PAGE)
    tab.shows(place=f"Signed in as {HOSTILE}")
    assert tab.page.evaluate("document.getElementById('place').children.length") == 0
    tab.element("go").click()
    tab.shows(place="Not signed in")


def test_it_takes_texts_numbers_elements_lists_and_nothing(tabs: Tabs) -> None:
    python = """
bold = document.createElement("b")
bold.textContent = "bold"
outputs = ["text", 3, bold, ["a ", bold, " b"], ("t", None, "u"), [], None, ""]
seen = []
for output in outputs:
    handle = component("#place")(lambda: output)
    seen.append(place.innerHTML)
    handle.dispose()
    seen.append(place.innerHTML)
show("result", "|".join(seen))
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(result="text||3||<b>bold</b>||a <b>bold</b> b||tu|||||||")


@contract
def test_it_takes_an_element_of_pyscript_web_as_target_and_as_output(tabs: Tabs) -> None:
    python = """
from pyscript import web

@component(web.page.find("#place")[0])
def who():
    return web.b(id="made", textContent=use_session().session.user.name)

becomes(session("Eve"))
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(made="Eve")
    expect(tab.page.locator("#place > b")).to_have_count(1)


def test_the_same_output_touches_nothing(tabs: Tabs) -> None:
    python = """
field = document.createElement("input")
field.id = "field"
line = document.createElement("p")
runs = []

@component("#place")
def form():
    session = use_session().session
    runs.append(session.user.get("role") if session else None)
    return ["Name: ", field, line] if session else None

@on_click("go")
async def change(event):
    becomes(session("Ada", role="admin"))
    show("result", len(runs))
    becomes(session("Ada", role="none"))
    show("url", len(runs))
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.element("field").fill("typed")
    tab.page.evaluate("""
        window.changes = 0;
        new MutationObserver(records => { changes += records.length })
            .observe(document.getElementById("place"), {childList: true, subtree: true, characterData: true});
        field.setSelectionRange(2, 4);
    """)
    tab.page.evaluate("document.getElementById('go').click()")
    tab.shows(result="2", url="3")
    assert tab.page.evaluate("[document.activeElement.id, field.value, field.selectionStart, field.selectionEnd]") == [
        *("field", "typed", 2, 4)
    ]
    assert tab.page.evaluate("changes") == 0


def test_an_element_that_stays_keeps_focus_and_caret_while_others_come_and_go(tabs: Tabs) -> None:
    python = """
def made(tag, name):
    element = document.createElement(tag)
    element.id = name
    return element

before, field, after = made("i", "before"), made("input", "field"), made("i", "after")
outputs = {
    "Ada": ["a", before, field, after],
    "Eve": [field],
    "Bob": ["x", after, field, "y", before],
    "Zoe": ["z", field, "z"],
    "Dan": [field, after, before, "d"],
    "Kim": [before, "k", after, field],
}

@component("#place")
def form():
    return outputs[use_session().session.user.name]

@on_click("go")
async def change(event):
    seen = []
    for name in ("Bob", "Eve", "Bob", "Dan", "Kim", "Zoe", "Ada"):
        becomes(session(name))
        seen.append(place.innerHTML.replace(' id="', " ").replace('"', ""))
    show("result", " ; ".join(seen))
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.element("field").fill("typed")
    tab.page.evaluate("field.setSelectionRange(2, 4); document.getElementById('go').click()")
    tab.shows(
        result="x<i after></i><input field>y<i before></i> ; <input field> ; "
        "x<i after></i><input field>y<i before></i> ; "
        "<input field><i after></i><i before></i>d ; <i before></i>k<i after></i><input field> ; z<input field>z ; "
        "a<i before></i><input field><i after></i>"
    )
    assert tab.page.evaluate("[document.activeElement.id, field.value, field.selectionStart]") == ["field", "typed", 2]


@micropython_only
def test_an_id_in_other_peoples_html_does_not_hide_the_pages_own(tabs: Tabs) -> None:
    html = '<div data-auth-ignore><p id="here">theirs</p></div> <p id="here">ours</p>'
    python = (
        'from nextauth_client import Provider, component\nProvider(session=None)\ncomponent("#here")(lambda: "shown")\n'
    )
    tab = tabs.python(python, html=html)
    tab.until("[...document.querySelectorAll('#here')].map(node => node.textContent).join() === 'theirs,shown'")


def test_a_target_that_is_no_single_element_is_refused_in_words(tabs: Tabs) -> None:
    python = """
run = lambda: "text"
lines = []
for target in ("#nothing", ".two", "#1", "a{} b", "#place{", "#place}", "", 5, None, js.window):
    line = raises(component(target), run)
    lines.append(line)
    js.console.log("said: " + line)
show("result", len(lines))
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(result="10")
    said = [line[6:] for line in tab.console if line.startswith("said: ")]
    assert "no element matches '#nothing'" in said[0]
    assert "2 elements match '.two'" in said[1]
    for line in said[2:7]:
        assert "is not a CSS selector" in line
    for line in said[:7]:
        assert line.startswith("ValueError: component ")
    for line in said[7:]:
        assert line.startswith("TypeError: component ")
        assert "takes a CSS selector or an element" in line


def test_without_parentheses_it_is_refused_in_words(tabs: Tabs) -> None:
    python = """
async def later():
    pass

lines = [raises(component, function) for function in (later, lambda: "text", raises, Provider)]
show("result", len([line for line in lines if line.startswith('TypeError: write @component("#id")')]))
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(result="4")


def test_an_error_names_function_and_target_and_keeps_the_last_output(tabs: Tabs) -> None:
    python = """
@component("#place")
def divides():
    name = use_session().session.user.name
    if name == "Eve":
        raise ValueError("on purpose")
    return name

@component("#kept")
def goes_on():
    return use_session().session.user.name

@on_click("go")
async def change(event):
    becomes(session("Eve"))
    show("result", place.textContent)
    becomes(session("Zoe"))
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.expect_problem("divides", "on purpose", "Traceback", "File ", "nextauth_client", "e.", "function(*args)")
    tab.element("go").click()
    tab.shows(result="Ada", kept="Zoe", place="Zoe")
    assert any("component divides in '#place' failed" in line for line in tab.console)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("{'a': 1}", "a component returns text"),
        ("use_session().session.user", "a component returns text"),
        ("[['nested']]", "a component returns text"),
        ("True", "a component returns text"),
        ("document.body", "holds its target"),
        ("place", "holds its target"),
    ],
)
@micropython_only
def test_what_is_no_output_is_said_and_shown_nowhere(tabs: Tabs, output: str, words: str) -> None:
    python = f"""
@component(place)
def wrong():
    return {output}
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.expect_problem("component wrong", words, "Traceback", "File ")
    tab.shows(place="as it was written")
    assert any("component wrong in <div id=" in line for line in tab.console)
    assert any(words in line for line in tab.console)


def test_an_async_component_shows_what_its_newest_run_returns(tabs: Tabs) -> None:
    python = """
import asyncio
gates = {"Ada": asyncio.Event(), "Eve": asyncio.Event()}

@component("#place")
async def who():
    name = use_session().session.user.name
    await gates[name].wait()
    return name

show("status", place.textContent)
becomes(session("Eve"))
gates["Ada"].set()
gates["Eve"].set()
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(status="as it was written", place="Eve")


def test_a_component_that_disposes_itself_leaves_nothing(tabs: Tabs) -> None:
    python = """
def who():
    name = use_session().session.user.name
    if name == "Eve":
        handle.dispose()
    return name

handle = component("#place")(who)
show("status", place.textContent)
becomes(session("Eve"))
show("result", "[" + place.innerHTML + "]")
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(status="Ada", result="[]")


def test_a_disposed_component_leaves_nothing_and_follows_no_more(tabs: Tabs) -> None:
    python = """
runs = []

@component("#place")
def who():
    runs.append(1)
    return use_session().session.user.name

who.dispose()
who.dispose()
becomes(session("Eve"))
show("result", len(runs))
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(result="1", place="")


def test_a_component_made_in_an_effect_goes_with_it(tabs: Tabs) -> None:
    python = """
@effect
def outer():
    if use_session().session:
        @component("#place")
        def inner():
            return use_session().session.user.name

show("status", place.textContent)
becomes(session("Eve"))
show("who", place.textContent)
becomes(None)
show("result", "[" + place.textContent + "]")
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(status="Ada", who="Eve", result="[]")


@micropython_only
def test_a_target_shows_one_component_and_an_element_stands_in_one_place(tabs: Tabs) -> None:
    python = """
rule = document.createElement("hr")
first = component("#place")(lambda: use_session().session.user.name)
again = raises(component(place), lambda: "another")
first.dispose()
second = component("#place")(lambda: ["b", rule, rule] if use_session().session.user.name == "Eve" else ["a", rule])
becomes(session("Eve"))
first.dispose()
show("result", [again, place.innerHTML, raises(component(place), lambda: "another") == again])
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.expect_problem("same element twice", "<lambda>", "Traceback", "File ", "e.", "function(", "raise ")
    expect(tab.element("result")).to_contain_text(
        "shows a component already: dispose of that one first', 'a<hr>', True]"
    )


def test_a_form_with_a_field_called_send_is_an_element(tabs: Tabs) -> None:
    python = """
form = document.createElement("form")
form.innerHTML = '<button name="send">Send</button>'
component(place)(lambda: form)
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    expect(tab.element("place").get_by_role("button")).to_have_text("Send")


@contract_in_one
def test_in_a_shadow_tree_an_element_that_stays_keeps_the_focus(tabs: Tabs) -> None:
    python = """
shadow = place.attachShadow(js.JSON.parse('{"mode": "open"}'))
target, field = document.createElement("p"), document.createElement("input")
shadow.append(target)
rule = document.createElement("hr")

@component(target)
def form():
    return [rule, field] if use_session().session.user.name == "Ada" else [field, rule]

field.focus()
left = []
field.addEventListener("blur", ffi.create_proxy(lambda event: left.append("blur")))
becomes(session("Eve"))
becomes(session("Ada"))
show("result", [field.isSameNode(shadow.activeElement), left])
"""
    tab = tabs.python("from pyscript import ffi\n" + SHOW + PLACED + python, html=PAGE)
    tab.shows(result="[True, []]")


def test_what_others_did_to_the_target_is_put_right_at_the_next_output(tabs: Tabs) -> None:
    python = """
@component("#place")
def who():
    return [use_session().session.user.name, document.createElement("hr")]

place.textContent = "somebody else"
becomes(session("Eve"))
show("result", place.innerHTML)
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(result="Eve<hr>", place="Eve")


def test_many_mounts_and_disposals_leave_nothing_behind(tabs: Tabs) -> None:
    python = """
before = js.keptByPage().join()
count = len(store.subscribers)
for number in range(1000):
    handle = component(place)(lambda: [use_session().session.user.name, str(number)])
    handle.dispose()
show("result", [place.childNodes.length, len(store.subscribers) - count, js.keptByPage().join() == before])
"""
    tab = tabs.python(SHOW + PLACED + python, html=PAGE)
    tab.shows(result="[0, 0, True]")
