"""Values that make no sense, from other tabs, the storage, the backend or the page's own code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Route

from tests.browser.following import HTML, Bystander, all_show, following, open_together, press
from tests.browser.snippets import SHOW
from tests.support.backend import Backend
from tests.support.tabs import Tab, Tabs, contract, first_on_pyodide, micropython_only

LONG = 1_000_000
DEEP = 10_000
DAY = 86_400_000

# Puts into `texts` and `values` what no tab of ours, and no JS client, would send.
NONSENSE = f"""
    const now = Date.now();
    const texts = [
        "", " ", "x", "0", "-1", "1e999", "NaN", "null", "true", "[]", "{{}}", "[[]]", '"', "{{", "\\ud800", "\\0",
        "x".repeat({LONG}), "9".repeat(400),
        "[".repeat({DEEP}) + "]".repeat({DEEP}), '{{"type":'.repeat({DEEP}) + "1" + "}}".repeat({DEEP}),
    ];
    const stamps = [
        undefined, null, 0, "x", [], [now], [now, "a", 1], ["x", "a"], [now, 1], [null, "a"], [true, "a"], [-1, "a"],
        [0, "a"], [1e300, "a"], [now + 365 * {DAY}, "a"], [now + 2 * {DAY}, "a"], {{ 0: now, 1: "a" }}, [[now], "a"],
    ];
    for (const type of ["answer", "start", "end", "changed", "else", 1, null, []])
        for (const stamp of stamps)
            texts.push(JSON.stringify({{
                type, stamp, start: stamp, outcome: "adopt", asked: now, told: true, session: null, ends: null
            }}));
    const stamp = [now, "a"];
    for (const type of ["answer", "else", 1, null, []])
        for (const session of [undefined, 1, "x", true, [], {{}}, {{ user: 1 }}, {{ user: null }}, {{ user: [] }}])
            texts.push(JSON.stringify({{ type, stamp, asked: now, session }}));
    for (const asked of [undefined, null, "x", [], {{}}, true])
        texts.push(JSON.stringify({{ type: "answer", stamp, asked, session: null }}));
    for (const error of [1, "x", [], [1, 2], ["a"], ["a", "b", "c"], {{}}])
        texts.push(JSON.stringify({{ type: "answer", stamp, asked: now, error }}));
    let deep = null;
    for (let level = 0; level < 1000; level++) deep = {{ event: deep, data: [deep && level] }};
    const values = [
        undefined, null, true, 0, -1, 1e308, NaN, 2n ** 70n, new Date(), /x/, new Map([[1, 2]]), new Set([1]),
        new Error("x"), new ArrayBuffer(8), new Blob(["x"]), [], [1], {{}}, {{ type: "answer" }}, deep, ...texts,
    ];
"""

THROW = """
([channels, keys]) => {
    %s
    for (const name of channels) {
        const channel = new BroadcastChannel(name);
        for (const value of values) channel.postMessage(value);
        channel.close();
    }
    for (const key of keys) {
        for (const text of texts) localStorage.setItem(key, text);
        localStorage.removeItem(key);
    }
    localStorage.clear();
    return [values.length * channels.length, texts.length * keys.length];
}
"""


@contract
def test_messages_and_stored_values_of_any_shape_leave_a_page_unmoved(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    opened = [tabs.python(following(), html=HTML) for _ in range(2)]
    all_show(opened, who="Ada Lovelace")
    name = f"nextauth-client:1:{backend.base}"
    with Bystander(tabs) as bystander:
        thrown = bystander.page.evaluate(
            THROW % NONSENSE, [[name, "next-auth"], ["nextauth.message", name + ":epoch", "nextauth-client:departure"]]
        )
        assert min(thrown) > 300
        # What was sent later is heard later.
        backend.rename("Ada King")
        press(opened[0], "ask")
        all_show(opened, who="Ada King", status="authenticated", error="none")
        bystander.until_quiet(0.5)
        all_show(opened, who="Ada King", status="authenticated", error="none")


ELSEWHERE = """
() => {
    const message = { event: "session", data: { trigger: "getSession" }, timestamp: Date.now() };
    localStorage.setItem("other.message", JSON.stringify(message));
    const channel = new BroadcastChannel("other");
    channel.postMessage(message);
    channel.close();
}
"""


@micropython_only
def test_what_looks_like_a_message_elsewhere_is_none(tabs: Tabs) -> None:
    tab = tabs.python(following(), html=HTML)
    tab.shows(status="unauthenticated")
    with Bystander(tabs) as bystander:
        bystander.page.evaluate(ELSEWHERE)
        assert bystander.until_quiet(0.5) == 1


@first_on_pyodide
@pytest.mark.parametrize("value", ["", "x", "-5", "1e5", "9" * 17, "9" * 400, "12.5", "NaN", "null", "٣"])
def test_a_stored_epoch_that_is_none_does_not_keep_a_page_from_starting(
    tabs: Tabs, backend: Backend, value: str
) -> None:
    backend.sign_in(tabs.context)
    with Bystander(tabs) as bystander:
        key = f"nextauth-client:1:{backend.base}:epoch"
        bystander.page.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, value])
        tab = tabs.python(following(), html=HTML)
        tab.shows(who="Ada Lovelace")
        press(tab, "sign-out")
        tab.shows(status="unauthenticated")


def answer_with(tab: Tab, session: Any) -> None:
    def fulfil(route: Route) -> None:
        route.fulfill(status=200, content_type="application/json", body=json.dumps(session))

    tab.page.unroute_all()
    tab.page.route("**/api/auth/session", fulfil)


def test_a_session_of_a_megabyte_reaches_every_tab(tabs: Tabs) -> None:
    opened = open_together(tabs, 2, following())
    all_show(opened, status="unauthenticated")
    user = {"name": "Ada Lovelace", "notes": "x" * LONG, "roles": list(range(2000))}
    answer_with(opened[0], {"user": user, "expires": "2999-01-01T00:00:00.000Z"})
    press(opened[0], "ask")
    opened[0].shows(done="ask")
    all_show(opened, status="authenticated", who="Ada Lovelace", error="none")


def test_an_answer_that_is_too_large_for_a_page_is_unknown(tabs: Tabs) -> None:
    tab = tabs.python(following(), html=HTML)
    tab.shows(status="unauthenticated")
    answer_with(tab, {"user": {"name": "Ada Lovelace", "notes": "x" * (3 * LONG)}})
    press(tab, "ask")
    tab.shows(done="ask:UnexpectedAnswer", status="unauthenticated", error="UnexpectedAnswer")


EXPIRES = {
    "null": None,
    "empty": "",
    "a word": "soon",
    "a number": 4102444800,
    "a list": ["2999-01-01T00:00:00.000Z"],
    "past": "2001-01-01T00:00:00.000Z",
    "no day": "2999-02-31T00:00:00.000Z",
    "far": "9999-12-31T23:59:59.999Z",
    "farther": "+123456-01-01T00:00:00.000Z",
    "long": "2999-01-01T00:00:00." + "0" * 10_000 + "Z",
}


def test_a_session_is_believed_whatever_it_says_of_its_end(tabs: Tabs) -> None:
    tab = tabs.python(following("timeout=1"), html=HTML)
    tab.shows(status="unauthenticated")
    done = []
    sessions = {name: {"user": {"name": name}, "expires": expires} for name, expires in EXPIRES.items()}
    for name, session in {**sessions, "missing": {"user": {"name": "missing"}}}.items():
        answer_with(tab, session)
        press(tab, "ask")
        done.append("ask")
        tab.shows(who=name, done=" ".join(done), status="authenticated", error="none")
    with Bystander(tabs) as bystander:
        bystander.until_quiet(1.5)  # more than a tick
    tab.shows(who="missing", status="authenticated", error="none")


OPTIONS = """
refused = []
for name in ("client_max_age", "keep_alive", "timeout"):
    for value in (-1, float("nan"), float("inf"), "10", None, True, [1], 1e300):
        try:
            Provider(**{name: value})
            refused.append("TAKEN: " + name + "=" + repr(value))
        except (TypeError, ValueError) as error:
            refused.append(name in str(error) and "number of seconds" in str(error))
for options in (
    {"timeout": 0},
    {"base_url": "example.org"},
    {"base_url": "javascript:alert(1)"},
    {"base_url": 1},
    {"base_path": "api/auth"},
    {"base_path": None},
    {"session": "Ada"},
    {"session": [1]},
    {"keepAlive": 1},
    {"colour": 1},
):
    try:
        Provider(**options)
        refused.append("TAKEN: " + repr(options))
    except (TypeError, ValueError) as error:
        [name] = options
        refused.append(name in str(error) or str(error))
show("result", [answer for answer in refused if answer is not True])
Provider(client_max_age=0, keep_alive=0.5, timeout=3)
show("who", "started")
"""


def test_options_that_make_no_sense_raise_and_start_nothing(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + OPTIONS, html='<p id="result"></p><p id="who"></p>')
    tab.shows(result="[]", who="started")
