"""Signing in by e-mail at real backends; the mail comes to a real mailbox."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.backends.conftest import OpenWorkbench, of_versions
from tests.support.real_backends import Mailbox
from tests.support.workbench import Raised, Workbench

_numbers = itertools.count(1)


@pytest.fixture
def address() -> str:
    """Nobody has used it yet."""
    return f"reader{next(_numbers)}@example.com"


def test_s13_s16_an_address_gives_a_result_and_a_mail_whose_link_signs_in(
    workbench: Workbench, mailbox: Mailbox, address: str
) -> None:
    result = workbench.call("sign_in", "email", redirect=False, email=address)
    assert (result["ok"], result["error"], result["status"]) == (True, None, 200)
    assert "verify-request" in result["url"]
    workbench.shows(status="unauthenticated", error="")
    assert workbench.navigations == [workbench.url]

    workbench.page.goto(mailbox.link_to(address))
    workbench.is_at(workbench.url)
    workbench.shows(status="authenticated", name=address)


def test_s26_a_link_that_is_followed_in_another_tab_signs_this_one_in(
    workbench: Workbench, open_workbench: OpenWorkbench, mailbox: Mailbox, address: str
) -> None:
    other = open_workbench(workbench.backend)
    assert workbench.call("sign_in", "email", redirect=False, email=address)["ok"]
    asked = len(workbench.requests("session"))
    other.page.goto(mailbox.link_to(address))
    other.shows(status="authenticated", name=address)
    workbench.shows(status="authenticated", name=address)
    assert len(workbench.requests("session")) == asked, "tabs share answers"


def test_s14_s20_a_link_that_is_followed_in_another_profile_signs_in_there(
    workbench: Workbench, open_workbench: OpenWorkbench, other_profile: BrowserContext, mailbox: Mailbox, address: str
) -> None:
    callback_url = workbench.url + "?a=1#part"
    result = workbench.call("sign_in", "email", redirect=False, email=address, callback_url=callback_url)
    assert result["ok"]
    there = open_workbench(workbench.backend, context=other_profile)
    there.page.goto(mailbox.link_to(address))
    if workbench.backend.version == 3:  # its mail does not say where to go, so the person ends at home
        there.is_at(workbench.backend.url + "/")
        there.go()
    else:
        there.is_at(callback_url)
    there.shows(status="authenticated", name=address)
    assert workbench.call("get_session") is None, "the person has signed in there, not here"


def test_a_link_that_is_used_twice_leads_to_an_error_that_can_be_explained(
    workbench: Workbench, other_profile: BrowserContext, open_workbench: OpenWorkbench, mailbox: Mailbox, address: str
) -> None:
    workbench.call("sign_in", "email", redirect=False, email=address)
    link = mailbox.link_to(address)
    workbench.page.goto(link)
    workbench.shows(status="authenticated", name=address)

    again = open_workbench(workbench.backend, context=other_profile)
    again.expect_problem("the server responded with a status of 403")
    again.page.goto(link)
    expect(again.page).to_have_url(re.compile(r"[?&]error=Verification\b"))
    again.go("?" + again.page.url.partition("?")[2])
    again.shows(status="unauthenticated")
    assert "used already" in again.call("explain_error", again.error_in_url())


def test_s16_by_e_mail_with_a_redirect_the_backend_says_to_look_for_a_mail(
    workbench: Workbench, mailbox: Mailbox, address: str
) -> None:
    workbench.start("sign_in", "email", email=address)
    workbench.page.wait_for_url("**/verify-request?*")
    workbench.page.goto(mailbox.link_to(address))
    workbench.is_at(workbench.url)
    workbench.shows(status="authenticated", name=address)


def test_s13_an_address_may_have_any_character(workbench: Workbench, mailbox: Mailbox) -> None:
    address = "zoë🐘漢字@example.com"
    assert workbench.call("sign_in", "email", redirect=False, email=address)["ok"]
    workbench.page.goto(mailbox.link_to(address))
    workbench.is_at(workbench.url)
    workbench.shows(status="authenticated", name=address)


def test_a_mail_that_cannot_be_sent_is_a_result_with_an_error(workbench: Workbench) -> None:
    result = workbench.call("sign_in", "email", redirect=False, email="unknown@example.com")
    error = "Configuration" if workbench.backend.version == 5 else "EmailSignin"
    assert (result["ok"], result["error"], result["url"]) == (False, error, None)
    workbench.shows(status="unauthenticated", error="")
    assert workbench.navigations == [workbench.url]


def test_a_link_that_was_cut_short_leads_to_an_error_that_can_be_explained(
    workbench: Workbench, mailbox: Mailbox, address: str
) -> None:
    workbench.call("sign_in", "email", redirect=False, email=address)
    link = mailbox.link_to(address)
    workbench.expect_problem("the server responded with a status of 403", "the server responded with a status of 500")
    workbench.page.goto(re.sub(r"token=\w+", "", link))
    expect(workbench.page).to_have_url(re.compile(rf"^{workbench.backend.base}/error\?error=\w+"))
    workbench.go("?" + workbench.page.url.partition("?")[2])
    sentence = {3: "no longer valid", 4: "incomplete", 5: "not set up correctly"}[workbench.backend.version]
    workbench.contains(problem=sentence)
    workbench.shows(status="unauthenticated")


@of_versions(4)
def test_s13_what_is_no_address_is_refused_before_it_is_sent(workbench: Workbench) -> None:
    with pytest.raises(Raised, match="an address with an @"):
        workbench.call("sign_in", "email", redirect=False, email="ada")
    assert workbench.requests("signin/email") == []
