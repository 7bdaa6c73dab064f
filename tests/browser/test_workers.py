"""Python in a worker: by PyScript, by hand and in an editor, in isolated pages and in others."""

from __future__ import annotations

import time
from urllib.parse import parse_qs

import pytest

from tests.browser.following import HTML, UNMOVED, following, press, session_queries
from tests.browser.workers import ISOLATED, KINDS, open_worker
from tests.support.backend import Backend
from tests.support.tabs import Tabs, contract, first_on_pyodide, micropython_only

isolated_or_not = pytest.mark.parametrize("headers", [ISOLATED, {}], ids=["isolated", "not isolated"])
of_each_kind = pytest.mark.parametrize("kind", KINDS)
of_two_kinds = pytest.mark.parametrize("kind", ["by PyScript", "by hand"])
# Of each kind and manner one.
isolated_and_not = pytest.mark.parametrize(
    ("kind", "headers"), [("by PyScript", ISOLATED), ("by hand", {})], ids=["by PyScript, isolated", "by hand"]
)


@contract
@isolated_or_not
@of_each_kind
def test_what_needs_no_page_works(tabs_with_headers: Tabs, kind: str, headers: dict[str, str]) -> None:
    worker = open_worker(tabs_with_headers, kind)
    tab = worker.tab
    assert worker.is_isolated == bool(headers)
    tab.shows(status="unauthenticated", who="nobody", error="none")
    assert worker.call("get_session()") == "None"
    assert "credentials" in worker.call("get_providers()")
    worker.sign_in()
    tab.shows(status="authenticated", who="Ada Lovelace")
    assert "Ada Lovelace" in worker.call("get_session()")
    assert "200" in worker.call("auth_fetch('/api/auth/providers')")
    assert "Ada Byron" in worker.call("update_session({'name': 'Ada Byron'})")
    tab.shows(who="Ada Byron")
    worker.sign_out()
    tab.shows(status="unauthenticated", who="nobody", error="none")


TO_THE_PAGE = "write `await sign_in('credentials', redirect=False, ...)`, or `<button data-auth-signin>` there"
REFUSED = {
    "sign_in()": TO_THE_PAGE,
    "sign_in('credentials', popup=True)": TO_THE_PAGE,
    "sign_in('credentials', username='ada', password='lovelace')": TO_THE_PAGE,
    "sign_in('dev-idp', redirect=False)": 'let the page have `<button data-auth-signin="dev-idp">`',
    "sign_out()": "write `await sign_out(redirect=False)`",
    "use_session(required=True)": "ask `if use_session().session:`",
    "require_session(lambda: 'ran')()": "ask `if use_session().session:`",
    "component('#who')": "call it in a `<script>` without `worker`",
    "bind()": "call it in a `<script>` without `worker`",
}


@first_on_pyodide
@contract
@isolated_or_not
@of_two_kinds
def test_what_needs_the_page_is_refused_before_anything_is_sent(
    tabs_with_headers: Tabs, backend: Backend, kind: str, headers: dict[str, str]
) -> None:
    worker = open_worker(tabs_with_headers, kind)
    worker.tab.shows(status="unauthenticated")
    for call, instead in REFUSED.items():
        asked = len(backend.log())
        said = worker.call(call)
        assert said.startswith("NotAvailableHere: ") and instead in said, call
        # Whether a provider takes a form, and so stays here, the backend has to say.
        sent = [entry["path"] for entry in backend.log()[asked:] if entry["path"].startswith("/api/auth/")]
        assert sent == (["/api/auth/providers"] if "dev-idp" in call else []), call
    assert len(worker.tab.navigations) == 1


@micropython_only
@of_two_kinds
def test_without_a_provider_a_worker_acts_and_is_refused_the_same(
    tabs_with_headers: Tabs, backend: Backend, kind: str
) -> None:
    worker = open_worker(tabs_with_headers, kind, "")
    for call in ("sign_in()", "sign_in('dev-idp', redirect=False)", "sign_out()"):
        assert REFUSED[call] in worker.call(call)
    worker.sign_in()
    assert "Ada Lovelace" in worker.call("get_session()")
    worker.sign_out()
    assert worker.call("get_session()") == "None"
    posted = [entry["path"] for entry in backend.log() if entry["method"] == "POST"]
    assert posted == ["/api/auth/callback/credentials", "/api/auth/signout"]


@micropython_only
@isolated_or_not
@of_each_kind
def test_the_way_back_is_the_sites_first_page(tabs_with_headers: Tabs, kind: str, headers: dict[str, str]) -> None:
    """The worker's own is a script, or `blob:`, which the backend would keep in its cookie, and lead to later."""
    worker = open_worker(tabs_with_headers, kind)
    worker.sign_in()
    worker.sign_out()
    for endpoint in ("callback/credentials", "signout"):
        [post] = worker.tab.requests(endpoint)
        [callback_url] = parse_qs(post.post_data or "")["callbackUrl"]
        assert callback_url == worker.tab.backend.url + "/", endpoint


@first_on_pyodide
@contract
@isolated_and_not
def test_a_session_ends_in_a_worker_when_its_time_has_come(
    tabs_with_headers: Tabs, backend: Backend, kind: str, headers: dict[str, str]
) -> None:
    worker = open_worker(tabs_with_headers, kind)
    assert worker.is_isolated == bool(headers)
    backend.session_length(4)
    worker.sign_in()
    worker.tab.shows(status="authenticated")
    signed_in_at = time.time()
    backend.fault("session", "hang")  # nobody says that it is over
    worker.tab.shows(status="unauthenticated")
    assert time.time() - signed_in_at > 3


@contract
@isolated_and_not
def test_a_tab_follows_a_worker_and_a_worker_a_tab(
    tabs_with_headers: Tabs, backend: Backend, kind: str, headers: dict[str, str]
) -> None:
    tab = tabs_with_headers.python(following(UNMOVED), html=HTML)
    tab.shows(status="unauthenticated")
    worker = open_worker(tabs_with_headers, kind)
    assert worker.is_isolated == bool(headers)
    worker.tab.shows(status="unauthenticated")
    asked = len(session_queries(backend))
    worker.sign_in()
    tab.shows(who="Ada Lovelace")
    assert len(session_queries(backend)) == asked + 1
    press(tab, "sign-out")
    worker.tab.shows(status="unauthenticated")
    assert len(session_queries(backend)) == asked + 1
    press(tab, "sign-in")
    worker.tab.shows(who="Ada Lovelace")
    worker.sign_out()
    tab.shows(status="unauthenticated", error="none")
    assert len(session_queries(backend)) == asked + 2
