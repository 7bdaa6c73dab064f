"""How a page follows the session at real backends, and what that costs in requests.

Where hours matter the browser's clock is set forward, in a profile of the test's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.backends.conftest import EACH_VERSION, OpenWorkbench, StartBackend, each_version, of_versions
from tests.support.real_backends import Mailbox, RealBackend
from tests.support.workbench import Raised, Workbench

MINUTE, HOUR, DAY = 60, 3600, 86400
LIFETIME = 30 * DAY  # of the backends' sessions


@pytest.fixture
def timeless(other_profile: BrowserContext) -> Iterator[BrowserContext]:
    """A profile in which `pass_time` makes time pass."""
    other_profile.clock.install()
    yield other_profile


def pass_time(workbench: Workbench, seconds: int) -> None:
    workbench.page.context.clock.fast_forward(seconds * 1000)


def asked(workbench: Workbench) -> int:
    """How many queries for the session have left the page so far, and been answered."""
    workbench.call("get_csrf_token")  # whatever was about to be asked is asked before this
    queries = workbench.requests("session")
    for query in queries:
        query.response()
    return len(queries)


def hold_the_first_answer(place: Page | BrowserContext) -> Callable[[], None]:
    """The first query for the session stays on its way until the function is called that this gives."""
    held: list[Route] = []
    is_free = False

    def hold(route: Route) -> None:
        if is_free or held:
            route.continue_()
        else:
            held.append(route)

    def let_go() -> None:
        nonlocal is_free
        is_free = True  # a page may show that it is loading before its query has left it
        for route in held:
            route.continue_()

    place.route("**/auth/session", hold)
    return let_go


def lose_the_session(workbench: Workbench) -> None:
    """As it would be if somebody else had ended it: no page is told."""
    workbench.page.context.clear_cookies()


# ── the first answer ─────────────────────────────────────────────────────────────────────────────


@each_version
def test_s4_loading_is_true_only_before_the_first_answer(
    backend: RealBackend, open_workbench: OpenWorkbench, other_profile: BrowserContext
) -> None:
    let_go = hold_the_first_answer(other_profile)
    workbench = open_workbench(backend, context=other_profile)
    workbench.shows(status="loading", seen="loading")
    let_go()
    workbench.shows(status="unauthenticated", seen="loading nobody")
    workbench.sign_in()
    workbench.call("get_session")
    workbench.call("sign_out", redirect=False)
    workbench.shows(status="unauthenticated", seen="loading nobody somebody nobody")


@each_version
def test_s5_without_a_provider_the_session_is_followed_too(backend: RealBackend, open_workbench: OpenWorkbench) -> None:
    workbench = open_workbench(backend, options=None)
    workbench.shows(status="unauthenticated")
    workbench.sign_in()
    workbench.shows(name="Ada Lovelace", seen="loading nobody somebody")
    workbench.go()
    workbench.shows(status="authenticated", name="Ada Lovelace", seen="loading somebody")


@each_version
def test_s24_any_number_of_readers_share_one_session_and_one_request(workbench: Workbench) -> None:
    workbench.sign_in()
    let_go = hold_the_first_answer(workbench.page)
    with workbench.page.expect_request("**/auth/session"):
        workbench.go()
    workbench.shows(status="loading")
    before = len(workbench.requests("session"))
    workbench.call("add_readers", 50)
    readers = workbench.page.locator(".reader")
    expect(readers).to_have_text(["loading"] * 50)
    let_go()
    expect(readers).to_have_text(["Ada Lovelace"] * 50)
    assert asked(workbench) == before
    workbench.call("sign_out", redirect=False)
    expect(readers).to_have_text(["nobody"] * 50)
    assert asked(workbench) == before


@each_version
def test_s25_a_session_that_is_given_costs_no_request(workbench: Workbench, open_workbench: OpenWorkbench) -> None:
    workbench.sign_in()
    given = open_workbench(workbench.backend, options={"session": workbench.session()})
    given.shows(status="authenticated", name="Ada Lovelace", seen="somebody")
    assert asked(given) == 0
    nobody = open_workbench(workbench.backend, options={"session": None})
    nobody.shows(status="unauthenticated", seen="nobody")
    assert asked(nobody) == 0


@of_versions(4)
def test_s36_a_base_url_elsewhere_is_asked_and_a_refusal_names_cors(
    backend: RealBackend, start_backend: StartBackend, open_workbench: OpenWorkbench
) -> None:
    other = start_backend(backend.name, strategy="database")
    workbench = open_workbench(backend, options={"base_url": other.url})
    workbench.may_ask(other.url)
    workbench.expect_problem("CORS", "net::ERR_FAILED")
    workbench.shows(status="loading", error="ClientFetchError")
    assert {request.url for request in workbench.all_requests if "/session" in request.url} == {other.base + "/session"}
    with pytest.raises(Raised, match=r"\(CORS\).*reverse proxy"):
        workbench.call("get_session")


def test_s36_a_base_url_elsewhere_is_followed_when_it_allows_this_page_and_its_cookies(
    backend: RealBackend, start_backend: StartBackend, open_workbench: OpenWorkbench
) -> None:
    # Another origin of the same site: to another site a browser does not send the cookies (SameSite=Lax).
    elsewhere = start_backend(backend.name, host=f"auth.{backend.host}", allow=backend.url)
    workbench = open_workbench(backend, options={"base_url": elsewhere.url})
    workbench.may_ask(elsewhere.url)
    workbench.shows(status="unauthenticated", error="")
    workbench.sign_in("ada")
    assert workbench.call("get_session")["user"]["name"] == "Ada Lovelace"
    assert workbench.call("sign_out", redirect=False)["url"].rstrip("/") == elsewhere.url, "it does not know this page"
    workbench.shows(status="unauthenticated", error="")
    assert workbench.call("get_session") is None
    assert {request.url for request in workbench.all_requests if "/auth/" in request.url} == {
        f"{elsewhere.base}/{endpoint}"
        for endpoint in ("session", "providers", "csrf", "callback/credentials", "signout")
    }


# ── being brought up to date ─────────────────────────────────────────────────────────────────────


@each_version
def test_s27_gaining_or_losing_focus_brings_the_page_up_to_date(
    backend: RealBackend, open_workbench: OpenWorkbench, timeless: BrowserContext
) -> None:
    workbench = open_workbench(backend, context=timeless)
    workbench.shows(status="unauthenticated")
    for event in ("focus", "blur"):
        workbench.sign_in()
        lose_the_session(workbench)
        pass_time(workbench, 2)
        workbench.shows(status="authenticated")
        before = len(workbench.requests("session"))
        workbench.page.evaluate("event => { dispatchEvent(new Event(event)); }", event)
        workbench.shows(status="unauthenticated", name="")
        assert asked(workbench) == before + 1, event


@each_version
def test_s28_get_session_in_one_tab_updates_every_tab(workbench: Workbench, open_workbench: OpenWorkbench) -> None:
    others = [open_workbench(workbench.backend) for _ in range(2)]
    for other in others:
        other.shows(status="unauthenticated")
    workbench.sign_in()
    for other in others:
        other.shows(status="authenticated", name="Ada Lovelace")
    before = [len(other.requests("session")) for other in others]
    lose_the_session(workbench)
    assert workbench.call("get_session") is None
    for other in others:
        other.shows(status="unauthenticated", name="")
    assert [asked(other) for other in others] == before, "tabs share answers"


# ── as time passes ───────────────────────────────────────────────────────────────────────────────


@each_version
def test_s29_s34_keep_alive_asks_every_so_many_seconds_and_the_end_reaches_every_tab(
    backend: RealBackend, open_workbench: OpenWorkbench, timeless: BrowserContext
) -> None:
    keeping = open_workbench(backend, context=timeless, options={"keep_alive": MINUTE})
    keeping.shows(status="unauthenticated")
    keeping.sign_in()
    other = open_workbench(backend, context=timeless)
    other.shows(status="authenticated")
    for _ in range(3):
        before = asked(keeping)
        pass_time(keeping, MINUTE - 10)
        assert asked(keeping) == before, "earlier than it was told to"
        with keeping.page.expect_response("**/auth/session"):
            pass_time(keeping, 15)
    before = asked(other)
    lose_the_session(keeping)
    pass_time(keeping, MINUTE + 5)
    keeping.shows(status="unauthenticated", name="")
    other.shows(status="unauthenticated", name="")
    assert asked(other) == before, "tabs share answers"


@each_version
def test_s29_s33_client_max_age_lets_a_read_of_older_data_ask_again(
    backend: RealBackend, open_workbench: OpenWorkbench, timeless: BrowserContext
) -> None:
    workbench = open_workbench(backend, context=timeless, options={"client_max_age": MINUTE})
    workbench.shows(status="unauthenticated")
    workbench.sign_in()
    before = asked(workbench)
    pass_time(workbench, MINUTE - 10)
    workbench.call("use_session")
    assert asked(workbench) == before, "it was fresh"
    pass_time(workbench, 15)
    assert asked(workbench) == before, "nobody has read it"
    lose_the_session(workbench)
    assert workbench.call("use_session") == {"status": "authenticated", "loading": False}, "the old is shown meanwhile"
    workbench.shows(status="unauthenticated", name="")
    assert asked(workbench) == before + 1


@each_version
def test_s30_the_options_cost_a_signed_out_page_no_request(
    backend: RealBackend, open_workbench: OpenWorkbench, timeless: BrowserContext
) -> None:
    options = {"keep_alive": MINUTE, "client_max_age": MINUTE}
    workbench = open_workbench(backend, context=timeless, options=options)
    workbench.shows(status="unauthenticated")
    for _ in range(3):
        pass_time(workbench, HOUR)
        workbench.call("use_session")
    assert asked(workbench) == 1, "the one at the start"


@each_version
def test_s32_by_default_neither_time_nor_reading_asks_again(
    backend: RealBackend, open_workbench: OpenWorkbench, timeless: BrowserContext
) -> None:
    workbench = open_workbench(backend, context=timeless)
    workbench.shows(status="unauthenticated")
    workbench.sign_in()
    before = asked(workbench)
    for _ in range(3):
        pass_time(workbench, HOUR)
        workbench.call("use_session")
    assert asked(workbench) == before
    assert workbench.call("get_session")["user"]["name"] == "Ada Lovelace"
    assert asked(workbench) == before + 1


@each_version
def test_s35_an_option_above_the_sessions_lifetime_is_warned_of_with_both_numbers(
    backend: RealBackend, open_workbench: OpenWorkbench
) -> None:
    lower, higher = LIFETIME - DAY, LIFETIME + DAY
    for option in ("client_max_age", "keep_alive"):
        workbench = open_workbench(backend, options={option: higher})
        workbench.shows(status="unauthenticated")
        assert warnings(workbench) == []
        workbench.expect_problem("is not lower")
        workbench.sign_in()
        workbench.call("get_session")
        [warning] = warnings(workbench)
        assert f"{option}={higher}" in warning
        # The backend's clock is read from a header that knows whole seconds.
        assert re.search(rf"lifetime of ({LIFETIME - 1}|{LIFETIME}|{LIFETIME + 1}) seconds", warning)
        workbench.call("sign_out", redirect=False)

    content = open_workbench(backend, options={"client_max_age": lower, "keep_alive": lower})
    content.shows(status="unauthenticated")
    content.sign_in()
    content.call("get_session")
    assert warnings(content) == []


def warnings(workbench: Workbench) -> list[str]:
    return [line for line in workbench.console if "is not lower than" in line]


# ── the end ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", EACH_VERSION)
def test_a_session_that_was_renewed_outlives_its_first_end_and_then_ends(
    name: str, start_backend: StartBackend, open_workbench: OpenWorkbench
) -> None:
    workbench = open_workbench(start_backend(name, maxAge=6))
    workbench.shows(status="unauthenticated")
    workbench.sign_in()
    first_end = workbench.session()["expires"]
    workbench.page.wait_for_function("end => Date.now() > Date.parse(end) - 3000", arg=first_end)
    later_end = workbench.call("get_session")["expires"]
    assert later_end > first_end, "a JWT session rolls with each answer"
    workbench.page.wait_for_function("end => Date.now() > Date.parse(end) + 200", arg=first_end)
    workbench.shows(status="authenticated")
    assert workbench.session()["expires"] == later_end
    workbench.shows(status="unauthenticated", name="", reason="expired")
    assert workbench.page.evaluate("end => Date.now() >= Date.parse(end) - 1000", later_end)


@pytest.mark.parametrize("name", EACH_VERSION)
def test_a_session_in_a_database_ends_when_it_was_to_end_at_first(
    name: str, start_backend: StartBackend, open_workbench: OpenWorkbench, mailbox: Mailbox
) -> None:
    workbench = open_workbench(start_backend(name, strategy="database", maxAge=8))
    workbench.shows(status="unauthenticated")
    address = f"somebody-at-{name}@example.com"
    # Where no page with Python is, so that all of the time is left.
    workbench.call("sign_in", "email", redirect=False, email=address, callback_url="/client.json")
    workbench.page.context.new_page().goto(mailbox.link_to(address))
    end = workbench.call("get_session")["expires"]
    workbench.shows(status="authenticated", name=address)
    assert workbench.call("get_session")["expires"] == end, "it does not roll"
    workbench.shows(status="unauthenticated", name="")
    assert workbench.page.evaluate("end => Date.now() >= Date.parse(end) - 1000", end)
    assert workbench.call("get_session") is None
