"""Real backends, and pages, that are given what nobody expects."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from tests.backends.conftest import BACKENDS, OpenWorkbench, StartBackend, of_versions
from tests.backends.visits import allow, log_in
from tests.support.real_backends import RealBackend
from tests.support.workbench import Raised, Workbench

ADA = {"username": "ada", "password": "lovelace"}
LONG = "x" * 100_000
BROWSERS_OWN = "Failed to load resource"
OURS = "Nobody knows yet who is signed in"  # what we write there, too, while the first answer is missing


def test_a_cookie_that_the_backend_stumbles_over_leaves_open_who_is_signed_in(
    backend: RealBackend, open_workbench: OpenWorkbench, profile: BrowserContext
) -> None:
    name = "authjs.callback-url" if backend.version == 5 else "next-auth.callback-url"
    profile.add_cookies([{"name": name, "value": "no-address", "url": backend.url}])
    workbench = open_workbench(backend)
    workbench.expect_problem(BROWSERS_OWN, OURS)
    # v3 redirects to its error page, and from there again, without end; the others answer 500.
    workbench.shows(status="loading", error="UnexpectedAnswer")
    with pytest.raises(Raised, match="a redirect" if backend.version == 3 else "500"):
        workbench.call("get_session")
    profile.clear_cookies()
    assert workbench.call("get_session") is None
    workbench.shows(status="unauthenticated", error="")


def test_an_address_of_100_kb_is_kept(workbench: Workbench) -> None:
    for mark in "?#":
        here = workbench.url + mark + LONG
        # As a page gives itself one: servers refuse such a query.
        workbench.page.evaluate("here => history.replaceState(null, '', here)", here)
        assert workbench.call("sign_in", "credentials", redirect=False, **ADA)["url"] == here
        workbench.shows(status="authenticated")
        assert workbench.call("sign_out", redirect=False)["url"] == here
        workbench.shows(status="unauthenticated")

    there = f"{workbench.url}?there#{LONG}"
    workbench.start("sign_in", "credentials", callback_url=there, **ADA)
    workbench.is_at(there)
    workbench.shows(status="authenticated")
    with workbench.page.expect_navigation(url=there):  # it is there already: what leads back is a reload
        workbench.start("sign_out")
    workbench.shows(status="unauthenticated")


def test_from_an_address_of_100_kb_a_provider_leads_home(backend: RealBackend, open_workbench: OpenWorkbench) -> None:
    workbench = open_workbench(backend, "#" + LONG)
    workbench.shows(status="unauthenticated")
    workbench.expect_problem("404")  # the demo at home expects another base path than that of the last backend
    workbench.start("sign_in", "oidc")
    log_in(workbench.page, "grace")
    allow(workbench.page)
    workbench.is_at(backend.url + "/")  # backends keep the way back in a cookie, where browsers take 4 KB at most
    workbench.go()
    workbench.shows(status="authenticated", name="grace of elsewhere")


def test_every_character_in_an_address_is_kept(backend: RealBackend, open_workbench: OpenWorkbench) -> None:
    workbench = open_workbench(backend)
    workbench.shows(status="unauthenticated")
    given = "?q=Zoë 🐘&r=a+b%20c&s=漢字#Teil-ß-🐘"
    there = workbench.page.evaluate("given => new URL(given, location).href", given)
    assert workbench.call("sign_in", "credentials", redirect=False, callback_url=given, **ADA)["url"] == there
    workbench.start("sign_out", callback_url=given)
    workbench.is_at(there)
    workbench.shows(status="unauthenticated")


@of_versions(4)
def test_an_empty_callback_url_is_the_page_itself(workbench: Workbench) -> None:
    result = workbench.call("sign_in", "credentials", redirect=False, callback_url="", **ADA)
    assert result["url"] == workbench.url


@of_versions(4)
@pytest.mark.parametrize("url", ["javascript:alert(1)", "JavaScript:alert(1)", " data:text/html,x", "java\nscript:x"])
def test_a_callback_url_that_is_no_page_is_refused_before_anything_is_sent(workbench: Workbench, url: str) -> None:
    asked = len(workbench.all_requests)
    for name, arguments in (("sign_in", ["credentials"]), ("sign_in", ["oidc"]), ("sign_in", []), ("sign_out", [])):
        with pytest.raises(Raised) as raised:
            workbench.call(name, *arguments, callback_url=url)
        assert raised.value.kind == "UnsafeURL"
    assert len(workbench.all_requests) == asked


@pytest.mark.parametrize("name", BACKENDS)
def test_a_providers_id_may_have_any_character(
    name: str, start_backend: StartBackend, open_workbench: OpenWorkbench
) -> None:
    ids = ["pass/word", "Zoë🐘", "a b?c=d&e#f%41"]
    workbench = open_workbench(start_backend(name, passwordIds=ids))
    workbench.shows(status="unauthenticated")
    providers = dict(workbench.call("get_providers"))
    assert [providers[provider]["name"] for provider in ids] == ["Password"] * 3
    for provider in ids:
        if workbench.backend.version == 5:  # it looks for the id as the address spells it, and finds no such provider
            workbench.expect_problem(BROWSERS_OWN)
            if name == "v5-express":
                with pytest.raises(Raised, match="status 400 and no url"):
                    workbench.call("sign_in", provider, redirect=False, **ADA)
            else:
                result = workbench.call("sign_in", provider, redirect=False, **ADA)
                assert (result["ok"], result["error"], result["url"]) == (False, "Configuration", None)
        else:
            assert workbench.call("sign_in", provider, redirect=False, **ADA)["ok"]
            workbench.shows(status="authenticated", name="Ada Lovelace")
            workbench.call("sign_out", redirect=False)
        workbench.shows(status="unauthenticated")
