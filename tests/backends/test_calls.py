"""`auth_fetch` to an API whose guard asks a real backend whose cookie it is."""

from __future__ import annotations

import httpx
import nextauth_server
from playwright.sync_api import Route

from tests.backends.conftest import OpenWorkbench, each_version
from tests.backends.test_on_a_server import ByAddress
from tests.support.workbench import Workbench

API = "/api/orders"


def serve_api(workbench: Workbench) -> list[int]:
    """Orders for whoever is signed in; gives the statuses that it will have answered."""
    backend = workbench.backend
    answered: list[int] = []

    def answer(route: Route) -> None:
        with httpx.Client(transport=ByAddress()) as client:
            cookie = route.request.all_headers().get("cookie", "")
            to = {"base_url": backend.url, "base_path": backend.base_path}
            session = nextauth_server.get_session_sync(cookie, client=client, **to)
        answered.append(200 if session else 401)
        route.fulfill(status=answered[-1], json={"for": session.user.name if session else None})

    workbench.page.context.route(f"**{API}", answer)
    return answered


def lose_the_session(workbench: Workbench) -> None:
    """As a sign-out in another program would, of which no tab hears."""
    workbench.page.context.clear_cookies()


@each_version
def test_a_call_is_made_as_whoever_is_signed_in(workbench: Workbench) -> None:
    answered = serve_api(workbench)
    workbench.sign_in()
    assert workbench.call("auth_fetch", API) == [200, {"for": "Ada Lovelace"}]
    workbench.call("sign_out", redirect=False)
    workbench.sign_in("alan")
    assert workbench.call("auth_fetch", API, method="POST", json={"item": 1}) == [200, {"for": "Alan Turing"}]
    assert answered == [200, 200]
    workbench.page.context.unroute_all()


@each_version
def test_a_refused_call_shows_every_tab_that_the_session_is_gone(
    workbench: Workbench, open_workbench: OpenWorkbench
) -> None:
    answered = serve_api(workbench)
    workbench.sign_in()
    other = open_workbench(workbench.backend)
    other.shows(status="authenticated", name="Ada Lovelace")
    asked = len(workbench.requests("session")) + len(other.requests("session"))
    lose_the_session(workbench)
    workbench.expect_problem("status of 401")
    assert workbench.call("auth_fetch", API) == [401, {"for": None}]
    for tab in (workbench, other):
        tab.shows(status="unauthenticated", name="")
    assert len(workbench.requests("session")) + len(other.requests("session")) == asked + 1
    assert answered == [401]
    workbench.page.context.unroute_all()


@each_version
def test_a_call_that_is_refused_to_somebody_is_sent_once_more(workbench: Workbench) -> None:
    statuses = [401, 200]
    workbench.page.route(f"**{API}", lambda route: route.fulfill(status=statuses.pop(0), json=[]))
    workbench.sign_in()
    workbench.expect_problem("status of 401")
    assert workbench.call("auth_fetch", API, method="DELETE") == [200, []]
    assert statuses == []
    workbench.shows(status="authenticated")
    workbench.page.unroute_all()
