"""Workers that lack something, that end at a bad moment, and that are many."""

from __future__ import annotations

import pytest

from tests.browser.following import HTML, UNMOVED, Bystander, all_show, following, press, session_queries
from tests.browser.snippets import FOLLOW
from tests.browser.workers import Worker, open_worker, script
from tests.support.backend import Backend
from tests.support.engines import NO_COOKIES, Engine
from tests.support.site import Site, page
from tests.support.tabs import Tab, Tabs, contract, micropython_only

pytestmark = micropython_only

WITHOUT_CHANNEL = "self.TestChannel = self.BroadcastChannel; delete self.BroadcastChannel;"


def stored_epoch(tab: Tab) -> str | None:
    found: str | None = tab.page.evaluate(
        "name => localStorage.getItem(name)", f"nextauth-client:1:{tab.backend.base}:epoch"
    )
    return found


def posted(backend: Backend) -> list[str]:
    return [entry["path"] for entry in backend.log() if entry["method"] == "POST"]


def tokens_asked_for(backend: Backend) -> int:
    return sum(entry["path"].endswith("/csrf") for entry in backend.log())


# Tells it without a channel, of which Firefox has none where cookies are off.
SIGNS_IN = """
import asyncio
import js
from nextauth_client import *

async def enter():
    try:
        result = await sign_in("credentials", redirect=False, username="ada", password="lovelace")
        js.postMessage(result.error or "ok")
    except NextAuthError as error:
        js.postMessage(explain_error(error.code))

entering = asyncio.create_task(enter())
"""
BLOCKED = "Your browser blocks cookies. Allow them for this site, reload the page and try again."
REFUSED = "The server did not accept the form. Allow cookies for this site, reload the page and try again."


@contract
def test_where_cookies_are_off_a_sign_in_in_a_worker_says_what_is_wrong(
    engine: Engine, site: Site, backend: Backend, interpreter: str
) -> None:
    with (
        engine.placed_context(backend.url, NO_COOKIES) as context,
        Tabs(context, site, backend, interpreter, None) as tabs,
    ):
        _, in_body = script(tabs, "by hand", SIGNS_IN, "without-cookies")
        hear = (
            "<script>worker.onmessage = ({ data }) => { document.getElementById('said').textContent = data; };</script>"
        )
        site.write("/without-cookies.html", page("", f'<p id="said"></p>{in_body}{hear}'))
        tab = tabs.tab()
        tab.page.goto(f"{backend.url}/without-cookies.html")
        tab.shows(said=BLOCKED if engine.tells_workers_of_cookies else REFUSED)


@contract
def test_a_worker_without_a_channel_works_alone(tabs: Tabs) -> None:
    worker = open_worker(tabs, "by hand", before=WITHOUT_CHANNEL)
    assert worker.call("hasattr(js, 'BroadcastChannel')") == "False"
    worker.tab.shows(status="unauthenticated")
    worker.sign_in()
    worker.tab.shows(who="Ada Lovelace")
    worker.sign_out()
    worker.tab.shows(status="unauthenticated", error="none")


@contract
def test_a_tab_stores_for_a_worker_what_that_cannot(tabs: Tabs, backend: Backend) -> None:
    """The next page that comes back knows that what it showed is outdated."""
    backend.sign_in(tabs.context)
    tab = tabs.python(following(UNMOVED), html=HTML)
    worker = open_worker(tabs, "by hand")
    all_show([tab, worker.tab], who="Ada Lovelace")
    assert stored_epoch(tab) is None
    worker.sign_out()
    tab.shows(status="unauthenticated")
    first = stored_epoch(tab)
    assert first is not None
    worker.sign_in()
    tab.shows(status="authenticated")
    assert int(str(stored_epoch(tab))) > int(first)


@contract
def test_a_worker_that_ends_while_it_asks_for_all_leaves_that_to_a_tab(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    worker = open_worker(tabs, "by hand", "Provider(client_max_age=1)\n" + FOLLOW)
    tab = tabs.python(following("timeout=60, " + UNMOVED), html=HTML)
    all_show([tab, worker.tab], who="Ada Lovelace")
    backend.fault("session", "hang", times=1)
    with Bystander(tabs) as bystander:
        # It reads what is older than a second, so it asks, and holds the lock meanwhile.
        bystander.until(lambda: worker.call("use_session().refreshing") == "True")
        assert bystander.page.evaluate("navigator.locks.query().then(locks => locks.held.length)") == 1
        backend.rename("Ada Byron")
        bystander.send_as_v5()
        worker.tab.page.evaluate("worker.terminate()")
        tab.shows(who="Ada Byron", error="none")  # without the lock it would, after a minute


@contract
def test_a_worker_that_ends_in_the_middle_of_a_sign_out_holds_up_no_tab_for_ever(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    worker = open_worker(tabs, "by hand")
    tab = tabs.python(following("timeout=3, " + UNMOVED), html=HTML)
    all_show([tab, worker.tab], who="Ada Lovelace")
    backend.latency("csrf", 60)
    backend.rename("Ada Byron")
    asked, tokens = len(session_queries(backend)), tokens_asked_for(backend)
    with Bystander(tabs) as bystander:
        worker.tab.page.evaluate("tell('gone', 'sign_out(redirect=False)')")
        bystander.until(lambda: tokens_asked_for(backend) > tokens)
        worker.tab.page.evaluate("worker.terminate()")
        tab.shows(who="Ada Byron", error="none")  # it asks when it has waited long enough
        assert bystander.until_quiet(1) == asked + 1
    backend.latency("csrf", 0)
    press(tab, "sign-out")
    tab.shows(status="unauthenticated", error="none")
    assert posted(backend)[-1:] == ["/api/auth/signout"]


@contract
def test_two_workers_and_four_tabs_are_one(tabs: Tabs, backend: Backend) -> None:
    opened = [tabs.python(following(UNMOVED), html=HTML) for _ in range(4)]
    workers = [open_worker(tabs, "by hand"), open_worker(tabs, "by PyScript")]
    every = opened + [worker.tab for worker in workers]
    all_show(every, status="unauthenticated")
    with Bystander(tabs) as bystander:
        asked = bystander.until_quiet(0.5)
        workers[0].sign_in()
        all_show(every, who="Ada Lovelace")
        assert bystander.until_quiet(0.5) == asked + 1
        backend.rename("Ada Byron")
        bystander.send_as_v5()
        all_show(every, who="Ada Byron")
        assert bystander.until_quiet(0.5) == asked + 2
        press(opened[2], "sign-out")
        all_show(every, status="unauthenticated", error="none")
        assert bystander.until_quiet(0.5) == asked + 2


# As for pages whose host gives them no headers (`mini-coi`, `coi-serviceworker`): the page loads itself anew behind it.
SERVICE_WORKER = """
addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(clients.claim()));
addEventListener("fetch", event => event.respondWith(isolated(event.request)));
async function isolated(request) {
  const answer = await fetch(request);
  const { body, status, statusText } = answer;
  if (!status || status > 399) return answer;
  const headers = new Headers(answer.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "cross-origin");
  return new Response(status == 204 ? null : body, { status, statusText, headers });
}
"""
REGISTER = """<script>
  navigator.serviceWorker.register("/isolate.js");
  navigator.serviceWorker.ready.then(() => crossOriginIsolated || location.reload());
</script>"""


@contract
@pytest.mark.parametrize("kind", ["by PyScript", "by hand"])
def test_a_page_that_a_service_worker_isolates_has_a_worker_as_any_other(tabs: Tabs, kind: str) -> None:
    tabs.site.write("/isolate.js", SERVICE_WORKER)
    tabs.site.write("/register.html", page(REGISTER, ""))
    first = tabs.tab()
    first.page.goto("/register.html")
    first.until("crossOriginIsolated")
    worker: Worker = open_worker(tabs, kind)
    worker.tab.until("crossOriginIsolated")
    worker.tab.shows(ready="yes", status="unauthenticated")
    worker.sign_in()
    worker.tab.shows(who="Ada Lovelace")
    worker.sign_out()
    worker.tab.shows(status="unauthenticated", error="none")


@contract
def test_a_page_that_loads_itself_anew_to_be_isolated_starts_its_worker_then(tabs: Tabs) -> None:
    tabs.site.write("/isolate.js", SERVICE_WORKER)
    worker = open_worker(tabs, "by PyScript", head=REGISTER)
    # What was on its way fails then, by many names; and without its configuration PyScript takes its own interpreter.
    worker.tab.expect_problem("")
    worker.tab.may_ask("https://cdn.jsdelivr.net")
    worker.tab.until("crossOriginIsolated")
    worker.tab.shows(ready="yes", status="unauthenticated")
    worker.sign_in()
    worker.tab.shows(who="Ada Lovelace")
