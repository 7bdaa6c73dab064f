"""auth_fetch in a page, towards a FastAPI app: at the page's own origin, and at another that is named."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.steps import ROOT
from tests.browser.following import BROWSERS_OWN, UNMOVED
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.browser.workers import open_worker
from tests.support.api import PIECE, Api
from tests.support.backend import Backend
from tests.support.proxy import Proxy
from tests.support.tabs import Tab, Tabs, contract, first_on_pyodide, micropython_only

PAGE = """
import asyncio
import json

Provider({options})

async def call():
{body}

async def run():
    await Provider.current().ready()
    try:
        show("result", json.dumps(await call()))
    except Exception as error:
        show("result", json.dumps([type(error).__name__, str(error)]))

task = asyncio.create_task(run())
"""


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(backend) as proxy:
        yield proxy


@pytest.fixture
def api(proxy: Proxy, backend: Backend) -> Iterator[Api]:
    with Api(backend, [proxy.url]) as api:
        proxy.moved = api.moved
        yield api


@pytest.fixture
def beside(api: Api, proxy: Proxy, tabs: Tabs) -> Iterator[Tabs]:
    """Tabs whose origin has pages, backend and API."""
    with Tabs(tabs.context, tabs.site, proxy, tabs.interpreter, None) as beside:
        yield beside


def open_page(tabs: Tabs, body: str, options: str = "") -> Tab:
    """What `body` returns is in #result, as JSON."""
    python = PAGE.format(options=f"{UNMOVED}, {options}", body=textwrap.indent(textwrap.dedent(body), "    "))
    tab = tabs.python(SHOW + python + FOLLOW, html=HTML)
    tab.expect_problem(BROWSERS_OWN)
    return tab


def result(tab: Tab) -> Any:
    return json.loads(tab.until("document.getElementById('result').textContent"))


def called(tabs: Tabs, body: str, options: str = "") -> Any:
    return result(open_page(tabs, body, options))


@contract
def test_each_kind_of_body_comes_to_the_api_of_who_is_signed_in(beside: Tabs, backend: Backend, api: Api) -> None:
    backend.sign_in(beside.context)
    found = called(
        beside,
        """
        found = []
        for method, options in (
            ("GET", {}),
            ("POST", {"json": [1, "a"]}),
            ("PUT", {"data": "\\u00e4"}),
            ("PATCH", {"data": bytes([0, 255, 10])}),
            ("DELETE", {"data": {"a b": "c&d"}, "headers": {"Authorization": "Basic x"}}),
        ):
            answer = await auth_fetch("/app/orders", method=method, **options)
            found.append([answer.status, answer.ok, answer.headers["Content-Type"], await answer.json()])
        return found
        """,
    )
    assert [one[:3] for one in found] == [[200, True, "application/json"]] * 5
    answers = [one[3] for one in found]
    assert {answer["of"] for answer in answers} == {"Ada Lovelace"}
    assert [(answer["method"], answer["kind"], bytes(answer["body"])) for answer in answers] == [
        ("GET", None, b""),
        ("POST", "application/json", b'[1, "a"]'),
        ("PUT", "text/plain;charset=UTF-8", "ä".encode()),
        ("PATCH", "application/octet-stream", b"\x00\xff\n"),
        ("DELETE", "application/x-www-form-urlencoded", b"a%20b=c%26d"),
    ]
    assert answers[4]["bearer"] == "Basic x"


def test_a_body_is_bytes_text_or_json_and_an_empty_one_says_so(beside: Tabs) -> None:
    found = called(
        beside,
        """
        empty = await auth_fetch("/app/empty")
        found = [empty.status, await empty.text(), list(await empty.bytes())]
        try:
            await empty.json()
        except UnexpectedAnswer as error:
            found.append(str(error))
        page = await auth_fetch("/app/refuses?secret=1")
        found += [page.status, await page.text(), list((await page.bytes())[:4]), repr(page)]
        return found
        """,
    )
    assert found == [
        *(204, "", [], f"The answer from {beside.backend.url}/app/empty is empty, which is no JSON (status 204)."),
        *(401, "<h1>No</h1>", list(b"<h1>"), f"Response(401 {beside.backend.url}/app/refuses)"),
    ]


@contract
def test_calls_that_are_refused_in_several_tabs_cost_one_question_and_all_follow(
    beside: Tabs, proxy: Proxy, backend: Backend, api: Api
) -> None:
    backend.sign_in(beside.context)
    body = """
    while not document.hidden and document.title != "go":
        await asyncio.sleep(0.01)
    answers = await asyncio.gather(*[auth_fetch("/app/orders") for _ in range(5)])
    return [answer.status for answer in answers]
    """
    opened = [open_page(beside, body) for _ in range(2)]
    for tab in opened:
        tab.shows(status="authenticated")
    backend.revoke()
    asked, asked_by_api = proxy.asked.count("GET /api/auth/session"), len(api.seen)
    for tab in opened:
        tab.page.evaluate("document.title = 'go'")
    for tab in opened:
        assert result(tab) == [401] * 5
        tab.shows(status="unauthenticated")
    assert len(api.seen) - asked_by_api == 10
    # Two, if the second tab's calls have left when the first tab's were answered already.
    assert proxy.asked.count("GET /api/auth/session") - asked in (1, 2)


@first_on_pyodide
@pytest.mark.parametrize("is_gone", [False, True], ids=["signed in", "signed out"])
def test_fifty_calls_that_are_refused_in_five_tabs_cost_one_question(
    beside: Tabs, proxy: Proxy, backend: Backend, api: Api, is_gone: bool
) -> None:
    backend.sign_in(beside.context)
    body = """
    while document.title != "go":
        await asyncio.sleep(0.01)
    calls = [asyncio.create_task(auth_fetch("/app/refuses_together", timeout=60)) for _ in range(10)]
    await asyncio.sleep(0)
    document.documentElement.setAttribute("data-called", "")
    return [answer.status for answer in await asyncio.gather(*calls)]
    """
    opened = [open_page(beside, body) for _ in range(5)]
    for tab in opened:
        tab.shows(status="authenticated")
    for tab in opened:
        tab.page.evaluate("document.title = 'go'")
    for tab in opened:
        tab.until("document.documentElement.hasAttribute('data-called')")
    if is_gone:
        backend.revoke()
    asked = proxy.asked.count("GET /api/auth/session")
    api.may_refuse.set()
    for tab in opened:
        assert result(tab) == [401] * 10
        tab.shows(status="unauthenticated" if is_gone else "authenticated")
    assert proxy.asked.count("GET /api/auth/session") == asked + 1
    assert len(api.seen) == (50 if is_gone else 100)


@micropython_only
def test_a_call_that_is_refused_for_ever_is_sent_twice(beside: Tabs, backend: Backend, api: Api) -> None:
    backend.sign_in(beside.context)
    tab = open_page(beside, "return (await auth_fetch('/app/refuses', method='POST', json=1)).status")
    assert result(tab) == 401
    tab.shows(status="authenticated", error="none")
    assert [(method, path) for method, path, _, _ in api.seen] == [("POST", "/app/refuses")] * 2


@contract
def test_another_origin_gets_cookie_and_token_when_it_is_named_and_else_nothing(
    beside: Tabs, backend: Backend, api: Api
) -> None:
    backend.sign_in(beside.context)
    body = f"""
    answer = await auth_fetch("{api.url}/app/orders", method="POST", json=1, token="user.email")
    return [answer.status, (await answer.json())["bearer"]]
    """
    kind, words = called(beside, body)
    assert (kind, api.seen) == ("ValueError", [])
    assert words == (
        f"auth_fetch() goes to {beside.backend.url} and to what Provider(api_origins=(…,)) names, not to {api.url}: "
        "nothing was sent."
    )
    tab = open_page(beside, body, f"api_origins=('{api.url}',)")
    assert result(tab) == [200, "Bearer ada@example.com"]
    [(_, _, cookie, token)] = api.seen
    assert "session-token" in (cookie or "") and token == "Bearer ada@example.com"
    leave_home(beside, tab)


def leave_home(tabs: Tabs, tab: Tab) -> None:
    """It is to call another origin, which tabs are not."""
    tab.assert_no_problem()
    tabs.opened.remove(tab)
    tab.page.close()


HOSTILE = [
    "http://evil@{host}/app/orders",
    "http://{host}@localhost:1/app/orders",
    "//localhost:1/app/orders",
    "\\\\\\\\localhost:1/app/orders",
    "/\\t/localhost:1/app/orders",
    "javascript:document.title='evil'",
    "http://127.0.0.1:1/app/orders",
    "https://{host}/app/orders",
    "http://127.0.0.\\u0661:1/app/orders",
    "http://ex\\u0430mple.org/app/orders",
    "blob:http://{host}/1",
    "data:text/plain,1",
    "http://",
]


@micropython_only
def test_a_hostile_address_is_refused_before_anything_is_sent(beside: Tabs, api: Api) -> None:
    host = beside.backend.url.partition("//")[2]
    body = "found = []\n"
    for address in HOSTILE:
        body += f'''
try:
    await auth_fetch("{address.format(host=host)}", method="POST", data="x")
    found.append("sent")
except ValueError as error:
    found.append("refused" if "nothing was sent" in str(error) else str(error))
'''
    tab = open_page(beside, body + "\nreturn found")
    assert result(tab) == ["refused"] * len(HOSTILE)
    assert api.seen == [] and tab.page.title() != "evil"


@micropython_only
def test_a_redirect_takes_nothing_to_where_it_leads(beside: Tabs, backend: Backend, api: Api) -> None:
    backend.sign_in(beside.context)
    with Api(backend, [beside.backend.url]) as elsewhere:
        for to in (elsewhere.url + "/app/orders", beside.backend.url + "/app/orders"):
            body = f"""
            await auth_fetch("/app/moved?to={to}", method="POST", json=1, token="user.email")
            """
            tab = open_page(beside, body)
            kind, words = result(tab)
            assert kind == "UnexpectedAnswer"
            leave_home(beside, tab)  # Chromium tells of a request that is never sent
            assert f"{beside.backend.url}/app/moved answered with a redirect, which is not followed" in words
        assert elsewhere.seen == []
    assert {path for _, path, _, _ in api.seen} == {"/app/moved"}


def test_an_answer_that_is_too_large_is_given_up_while_it_comes(beside: Tabs, backend: Backend, api: Api) -> None:
    body = f"""
    answer = await auth_fetch("{api.url}/app/large?count=1600")
    found = [answer.status]
    try:
        await answer.text()
    except UnexpectedAnswer as error:
        found.append(str(error))
    small = await auth_fetch("{api.url}/app/large?count=2")
    return found + [len(await small.text())]
    """
    tab = open_page(beside, body, f"api_origins=('{api.url}',), timeout=60")
    assert result(tab) == [
        200,
        f"The answer from {api.url}/app/large is too large for a page. Let the API answer in parts, or less.",
        2 * len(PIECE),
    ]
    assert api.sent < 1000 * len(PIECE), "it came to its end"
    leave_home(beside, tab)


@micropython_only
def test_a_busy_api_is_asked_once_more(beside: Tabs, api: Api) -> None:
    assert called(beside, "return await (await auth_fetch('/app/busy')).text()") == "done"
    assert len(api.seen) == 2


CANCELLED = """
made = asyncio.create_task(auth_fetch("{url}/app/slow"))
await asyncio.sleep(0.5)
{end}
try:
    await made
except asyncio.CancelledError:
    return "cancelled"
except BackendUnreachable as error:
    return str(error)
"""


@pytest.mark.parametrize("end", ["made.cancel()", "Provider.current().stop()", "pass"])
def test_cancelling_stopping_and_the_time_out_abort_the_request(beside: Tabs, api: Api, end: str) -> None:
    # Not by the proxy, which would not hear of it.
    options = f"api_origins=('{api.url}',), timeout={1 if end == 'pass' else 60}"
    tab = open_page(beside, CANCELLED.format(url=api.url, end=end), options)
    said = {
        "made.cancel()": "cancelled",
        "Provider.current().stop()": "The Provider was stopped before the backend answered.",
        "pass": f"The backend did not answer within 1 seconds. Try again; see whether {api.url}/app/slow answers.",
    }
    assert result(tab) == said[end]
    assert api.aborted.wait(10)
    leave_home(beside, tab)


def test_what_keeps_an_answer_from_coming_is_named(beside: Tabs, backend: Backend) -> None:
    with Api(backend, []) as closed:
        body = f"await auth_fetch('{closed.url}/app/orders?secret=1')"
        tab = open_page(beside, body, f"api_origins=('{closed.url}',)")
        tab.expect_problem("blocked by CORS policy", "Cross-Origin Request Blocked")
        kind, words = result(tab)
    assert kind == "BackendUnreachable"
    assert "secret" not in words
    assert words.startswith(
        f"The backend at {closed.url}/app/orders could not be reached from {beside.backend.url}. It"
    )
    assert "(CORS)" in words
    leave_home(beside, tab)


@micropython_only
def test_what_the_guide_shows_runs(beside: Tabs, backend: Backend, api: Api) -> None:
    text = (ROOT / "docs" / "calling-your-api.md").read_text()
    sample = text.partition("```python\n")[2].partition("```")[0].replace("/api/orders", "/app/shop")
    start = "\nimport asyncio\ntask = asyncio.create_task({})\n"
    tab = beside.python(sample + start.format("show_orders()"), html='<p id="orders"></p>')
    tab.expect_problem(BROWSERS_OWN)
    tab.shows(orders="Sign in to see your orders.")
    backend.sign_in(beside.context)
    beside.python(sample + start.format('order("Pears")'), html='<p id="orders"></p>').shows(orders="Apples, Pears")


@micropython_only
def test_a_page_without_a_provider_calls_its_api(beside: Tabs, backend: Backend, api: Api) -> None:
    backend.sign_in(beside.context)
    python = """
import asyncio
import json

async def run():
    one = await auth_fetch("/app/orders", token="user.email")
    other = await auth_fetch("/app/refuses")
    show("result", json.dumps([(await one.json())["bearer"], other.status, Provider.current() is None]))

task = asyncio.create_task(run())
"""
    tab = beside.python(SHOW + python, html=HTML)
    tab.expect_problem(BROWSERS_OWN)
    assert result(tab) == ["Bearer ada@example.com", 401, True]
    assert len(api.seen) == 2


def test_a_worker_calls_the_api(beside: Tabs, backend: Backend, api: Api) -> None:
    worker = open_worker(beside, "by hand")
    worker.sign_in()
    worker.tab.expect_problem(BROWSERS_OWN)
    assert worker.call("auth_fetch('/app/orders', method='POST', json=[1])") == (
        f"Response(200 {beside.backend.url}/app/orders)"
    )
    backend.revoke()
    assert worker.call("auth_fetch('app/orders')").startswith("Response(401")
    worker.tab.shows(status="unauthenticated")
