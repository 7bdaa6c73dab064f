"""Real backends that refuse a CSRF token, because its cookie was lost before the POST that carries the token."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route

from tests.support.workbench import Raised, Workbench

BROWSERS_OWN = "Failed to load resource"  # for an update that is refused: it answers 400
ADA = {"username": "ada", "password": "lovelace"}
ALWAYS = 1000


def lose_csrf_cookie(workbench: Workbench, endpoint: str, times: int) -> None:
    """So many times the cookie is gone when the browser posts to the endpoint."""
    left = [times]
    cookie = "authjs.csrf-token" if workbench.backend.version == 5 else "next-auth.csrf-token"

    def send(route: Route) -> None:
        if left[0] and route.request.method == "POST":
            left[0] -= 1
            workbench.page.context.clear_cookies(name=cookie)
        route.continue_()

    workbench.page.unroute_all()
    workbench.page.route(f"{workbench.backend.base}/{endpoint}", send)


def posts(workbench: Workbench, endpoint: str) -> int:
    return [request.method for request in workbench.requests(endpoint)].count("POST")


def test_s19_a_lost_csrf_cookie_is_replaced_by_a_fresh_token(workbench: Workbench) -> None:
    lose_csrf_cookie(workbench, "callback/credentials", times=1)
    assert workbench.call("sign_in", "credentials", redirect=False, **ADA)["ok"]
    workbench.shows(status="authenticated", name="Ada Lovelace", error="")
    assert posts(workbench, "callback/credentials") == len(workbench.requests("csrf")) == 2

    if workbench.backend.version > 3:
        workbench.expect_problem(BROWSERS_OWN)
        lose_csrf_cookie(workbench, "session", times=1)
        assert workbench.call("update_session", {"name": "Countess"})["user"]["name"] == "Countess"
        workbench.shows(name="Countess", error="")
        assert posts(workbench, "session") == 2

    lose_csrf_cookie(workbench, "signout", times=1)
    assert workbench.call("sign_out", redirect=False) == {"url": workbench.url}
    workbench.shows(status="unauthenticated", error="")
    assert posts(workbench, "signout") == 2
    assert workbench.call("get_session") is None


def test_a_csrf_token_that_is_always_refused_is_an_error_and_changes_nothing(workbench: Workbench) -> None:
    lose_csrf_cookie(workbench, "callback/credentials", times=ALWAYS)
    with pytest.raises(Raised, match=r"^CSRFRefused: .*so it did not sign in\. Check that cookies are allowed"):
        workbench.call("sign_in", "credentials", redirect=False, **ADA)
    assert posts(workbench, "callback/credentials") == 2, "tried once more, and not again"
    assert workbench.call("get_session") is None
    workbench.shows(status="unauthenticated", error="")

    workbench.page.unroute_all()
    workbench.sign_in("ada")
    if workbench.backend.version > 3:
        workbench.expect_problem(BROWSERS_OWN)
        lose_csrf_cookie(workbench, "session", times=ALWAYS)
        with pytest.raises(Raised, match=r"^CSRFRefused: .*so it did not update the session\."):
            workbench.call("update_session", {"name": "Countess"})
        assert posts(workbench, "session") == 2
        assert workbench.call("get_session")["user"]["name"] == "Ada Lovelace"

    lose_csrf_cookie(workbench, "signout", times=ALWAYS)
    with pytest.raises(Raised, match=r"^CSRFRefused: .*so it did not sign out\."):
        workbench.call("sign_out", redirect=False)
    assert posts(workbench, "signout") == 2
    assert workbench.call("get_session")["user"]["name"] == "Ada Lovelace"
    workbench.shows(status="authenticated", name="Ada Lovelace", error="")
