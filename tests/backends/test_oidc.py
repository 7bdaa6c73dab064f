"""Signing in at real backends through a real OpenID provider."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.backends.conftest import BACKENDS, OpenWorkbench, StartBackend, of_versions
from tests.backends.visits import allow, log_in, parameters, refuse
from tests.support.real_backends import Mailbox, RealBackend, version_of
from tests.support.workbench import Workbench, path_of

NOWHERE = "http://127.0.0.1:1"


def is_at_error(workbench: Workbench, code: str) -> None:
    """On the backend's page for it, or on the app's own sign-in page."""
    there = re.escape(workbench.backend.error_page)
    expect(workbench.page).to_have_url(re.compile(rf"^{there}\w*\?.*\berror={code}\b"))


def test_s12_s20_a_provider_leads_to_its_page_and_back_to_where_one_started(
    backend: RealBackend, open_workbench: OpenWorkbench
) -> None:
    tail = "?a=1&b=%C3%BC#part-2"
    workbench = open_workbench(backend, tail)
    workbench.shows(status="unauthenticated")
    workbench.start("sign_in", "oidc")
    log_in(workbench.page, "grace")
    allow(workbench.page)
    workbench.is_at(workbench.url + tail)
    workbench.shows(status="authenticated", name="grace of elsewhere")


def test_s14_s16_without_redirect_is_ignored_for_oauth_and_the_callback_url_counts(
    workbench: Workbench, identity_provider: str
) -> None:
    workbench.start("sign_in", "oidc", redirect=False, callback_url="?back")
    workbench.page.wait_for_url(f"{identity_provider}/interaction/*")
    log_in(workbench.page, "grace")
    allow(workbench.page)
    workbench.is_at(workbench.url + "?back")
    workbench.shows(status="authenticated")


def test_s18_authorization_parameters_arrive_but_for_the_servers_own(workbench: Workbench) -> None:
    free = {"prompt": "login", "login_hint": "zoë 🐘 & co+1@example.com", "ui_locales": "de fr"}
    pinned = {
        "redirect_uri": "https://elsewhere.example/",
        "scope": "openid",
        "state": "mine",
        "client_id": "mine",
        "response_type": "token",
        "nonce": "mine",
        "code_challenge": "mine",
        "code_challenge_method": "plain",
        "request": "mine",
        "request_uri": "https://elsewhere.example/",
    }
    ends_at = dict(workbench.call("get_providers"))["oidc"]["callback_url"]
    workbench.expect_problem("are the server's own and were dropped")
    workbench.start("sign_in", "oidc", authorization_params={**free, **pinned})
    expect(workbench.page.get_by_label("Name")).to_have_value(free["login_hint"])
    [warning] = [line for line in workbench.console if "were dropped" in line]
    assert all(name in warning for name in pinned)
    arrived = parameters(workbench.page)
    assert {name: arrived[name] for name in free} == free
    assert {name: arrived.get(name) for name in pinned if arrived.get(name) == pinned[name]} == {}
    assert arrived["redirect_uri"] == ends_at
    assert set(arrived["scope"].split()) == {"openid", "profile", "email"}
    assert arrived["client_id"] == "backend"
    assert arrived["state"]
    # The sign-in that was so decorated works.
    log_in(workbench.page, "grace")
    allow(workbench.page)
    workbench.is_at(workbench.url)
    workbench.shows(status="authenticated", name="grace of elsewhere")


@of_versions(4)
def test_s18_authorization_parameters_may_be_a_query_string(workbench: Workbench) -> None:
    workbench.expect_problem("are the server's own and were dropped")
    given = "?prompt=login&login_hint=zo%C3%AB+%F0%9F%90%98+%26%20co%2B1@example.com&ui_locales=de+fr&scope=openid"
    workbench.start("sign_in", "oidc", authorization_params=given)
    expect(workbench.page.get_by_label("Name")).to_have_value("zoë 🐘 & co+1@example.com")
    arrived = parameters(workbench.page)
    assert (arrived["ui_locales"], len(arrived["scope"].split())) == ("de fr", 3)


def test_a_refused_consent_leads_to_an_error_that_can_be_explained(workbench: Workbench) -> None:
    workbench.start("sign_in", "oidc")
    log_in(workbench.page, "grace")
    refuse(workbench.page)
    is_at_error(workbench, r"\w+")
    query = "?" + workbench.page.url.partition("?")[2]
    workbench.go(query)
    workbench.shows(status="unauthenticated")
    explained = workbench.call("explain_error", workbench.error_in_url())
    assert explained not in ("", workbench.call("explain_error", "a code that nobody knows"))


@pytest.mark.parametrize("name", BACKENDS)
def test_a_page_of_the_sites_own_says_what_went_wrong_until_a_sign_in_succeeds(
    name: str, start_backend: StartBackend, open_workbench: OpenWorkbench
) -> None:
    workbench = open_workbench(start_backend(name, pages=own_pages(name)), "#part")
    workbench.start("sign_in", "oidc")
    log_in(workbench.page, "grace")
    refuse(workbench.page)
    expect(workbench.page).to_have_url(re.compile(rf"^{workbench.url}\?.*\berror=\w+"))
    workbench.shows(status="unauthenticated")
    explained = workbench.call("explain_error")  # reads the code in the page's address
    assert explained == workbench.call("explain_error", workbench.error_in_url())
    assert explained not in ("", workbench.call("explain_error", "a code that nobody knows"))
    workbench.shows(problem=explained)

    workbench.expect_problem("the server responded with a status of 401")
    workbench.start("sign_in", "credentials", username="ada", password="wrong")
    workbench.shows(problem="Sign in failed. Check that what you typed is correct.")
    assert workbench.error_in_url() == "CredentialsSignin"

    workbench.start("sign_in", "credentials", username="ada", password="lovelace")
    workbench.shows(status="authenticated", name="Ada Lovelace", problem="")
    assert workbench.error_in_url() is None


def own_pages(name: str) -> dict[str, str]:
    """The backend's option `pages`: the workbench is its page for signing in and for errors."""
    path = path_of("/auth" if name == "v5-express" else "/api/auth", "micropython")
    return {"signIn": path, "error": path}


def test_somebody_whom_the_sign_in_callback_refuses_is_told_so(workbench: Workbench) -> None:
    workbench.start("sign_in", "oidc")
    log_in(workbench.page, "mallory")
    allow(workbench.page)
    is_at_error(workbench, "AccessDenied")
    workbench.expect_problem("the server responded with a status of 403")  # the backend's page
    workbench.go("?" + workbench.page.url.partition("?")[2])
    workbench.shows(status="unauthenticated", problem="You are not allowed to sign in here.")


@pytest.mark.parametrize("name", [name for name in BACKENDS if version_of(name) > 3])  # v3 does not ask it before
def test_an_identity_provider_that_is_down_leads_to_an_error_that_can_be_explained(
    name: str, start_backend: StartBackend, open_workbench: OpenWorkbench
) -> None:
    workbench = open_workbench(start_backend(name, issuer=NOWHERE))
    workbench.shows(status="unauthenticated")
    error, sentence = (
        ("Configuration", "The server is not set up correctly")
        if workbench.backend.version == 5
        else ("OAuthSignin", "The sign-in service could not be reached")
    )
    workbench.expect_problem("the server responded with a status of 500")  # the backend's page
    workbench.start("sign_in", "oidc")
    is_at_error(workbench, error)
    workbench.go("?" + workbench.page.url.partition("?")[2])
    workbench.contains(problem=sentence)
    workbench.shows(status="unauthenticated")


def test_an_account_that_is_not_linked_leads_to_an_error_that_can_be_explained(
    workbench: Workbench, mailbox: Mailbox
) -> None:
    address = "henry@elsewhere.example"
    workbench.call("sign_in", "email", redirect=False, email=address)
    workbench.page.goto(mailbox.link_to(address))
    workbench.shows(status="authenticated", name=address)
    workbench.call("sign_out", redirect=False)

    workbench.start("sign_in", "oidc")
    log_in(workbench.page, "henry")
    allow(workbench.page)
    expect(workbench.page).to_have_url(re.compile(r"[?&]error=OAuthAccountNotLinked\b"))
    workbench.go("?" + workbench.page.url.partition("?")[2])
    assert "the way you did the first time" in workbench.call("explain_error", workbench.error_in_url())
