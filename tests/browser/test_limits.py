"""What an interpreter or a page cannot take, and that what the docs say to do instead works."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator

from scripts.steps import ROOT
from tests.support.backend import Backend
from tests.support.proxy import Proxy
from tests.support.site import Site
from tests.support.tabs import Tabs

ASK = """
import js
from nextauth_client import Provider, effect, use_session

Provider(timeout=60)


@effect
def show():
    state = use_session()
    js.document.getElementById("problem").textContent = str(state.error)
    js.document.getElementById("status").textContent = state.status
"""


def test_a_time_limit_in_a_task_of_its_own_works_as_the_guide_has_it(tabs: Tabs, backend: Backend) -> None:
    guide = (ROOT / "docs" / "signing-in.md").read_text(encoding="utf-8").partition("asyncio.wait_for")[2]
    [sample] = re.findall(r"```python\n(.*?)```", guide.partition("## By attributes")[0], re.DOTALL)
    backend.sign_in(tabs.context)
    tab = tabs.python(sample, html='<p id="who"></p> <button id="look">Look</button>')
    for _ in range(2):
        tab.page.evaluate("document.getElementById('who').textContent = ''")
        tab.element("look").click()
        tab.shows(who="Ada Lovelace")


def test_an_answer_without_an_end_is_given_up_once_it_is_larger_than_a_page_takes(
    tabs: Tabs, backend: Backend, site: Site, interpreter: str
) -> None:
    given_up = threading.Event()

    def endless() -> Generator[bytes, None, None]:
        try:
            yield b'{"user": {"name": "'
            while True:
                yield b"A" * 65536
        finally:
            given_up.set()

    with Proxy(backend) as proxy:
        proxy.streams["/api/auth/session"] = endless
        with Tabs(tabs.context, site, proxy, interpreter, None) as tabs:
            tab = tabs.python(ASK, html='<p id="problem"></p><p id="status"></p>')
            tab.expect_problem("Nobody knows yet who is signed in")
            tab.contains(problem="is too large for a page: more than 1200 kB", status="loading")
            assert given_up.wait(30)  # the time limit is longer
