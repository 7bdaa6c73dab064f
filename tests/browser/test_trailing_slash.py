"""A server that wants a slash at the end of each path, and answers a 308 without (`trailingSlash: true` in Next.js)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.proxy import Proxy, with_slashes
from tests.support.site import Site
from tests.support.tabs import Tabs

EARLY = '<script src="/static/nextauth-early.js"></script>'


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(backend, moved=with_slashes) as proxy:
        yield proxy


@pytest.fixture
def slash_tabs(tabs: Tabs, proxy: Proxy, site: Site, interpreter: str) -> Iterator[Tabs]:
    with Tabs(tabs.context, site, proxy, interpreter, None) as tabs:
        yield tabs


def test_one_signs_in_updates_and_signs_out_where_the_slash_is(slash_tabs: Tabs, proxy: Proxy) -> None:
    tab = slash_tabs.python(
        SHOW
        + f"""
Provider(timeout=30)
{FOLLOW}
async def outcome(action):
    try:
        result = await action
    except NextAuthError as error:
        return error.code
    return getattr(result, "error", None) or type(result).__name__

@on_click("go")
async def act(event):
    outcomes = [await outcome(sign_in("credentials", redirect=False, username="ada", password="wrong"))]
    outcomes.append(await outcome(sign_in("credentials", redirect=False, username="ada", password="lovelace")))
    outcomes.append((await get_session()).user.name)
    outcomes.append(await outcome(update_session({{"name": "Countess"}})))
    outcomes.append(await outcome(sign_out(redirect=False)))
    show("result", outcomes)
""",
        html=HTML,
    )
    tab.expect_problem("status of 401")
    tab.shows(status="unauthenticated", error="none")
    tab.element("go").click()
    tab.shows(
        result="['CredentialsSignin', 'SignInResult', 'Ada Lovelace', 'Session', 'SignOutResult']",
        status="unauthenticated",
        error="none",
    )
    posts = [line for line in proxy.asked if line.startswith("POST")]
    slashed = ["callback/credentials/", "callback/credentials/", "session/", "signout/"]
    assert posts == [f"POST /api/auth/{path}" for path in slashed]
    # Learnt from the first request.
    assert [line for line in proxy.asked if "/api/auth/" in line and not line.endswith("/")] == [
        "GET /api/auth/session"
    ]


def test_what_the_early_script_has_asked_there_does(slash_tabs: Tabs, proxy: Proxy) -> None:
    proxy.sign_in(slash_tabs.context)
    tab = slash_tabs.python(
        SHOW + "bind()\nProvider(timeout=30)\n" + FOLLOW,
        html=f'{HTML}<b id="name" data-auth-text="user.name">somebody</b>',
        head=EARLY,
    )
    tab.shows(who="Ada Lovelace", name="Ada Lovelace")
    assert [line for line in proxy.asked if "/api/auth/" in line] == ["GET /api/auth/session", "GET /api/auth/session/"]


def test_no_other_redirect_is_followed(tabs: Tabs, backend: Backend) -> None:
    def moved(path: str) -> tuple[str | None, str]:
        return ("/elsewhere/session" if "/api/auth/" in path else None), path

    with Proxy(backend, moved=moved) as proxy, Tabs(tabs.context, tabs.site, proxy, tabs.interpreter, None) as others:
        tab = others.python(SHOW + "Provider(timeout=30)\n" + FOLLOW, html=HTML)
        tab.expect_problem("Nobody knows yet")
        tab.shows(status="loading", error="UnexpectedAnswer")
        paths = {line for line in proxy.asked if "session" in line}
    assert paths == {"GET /api/auth/session", "GET /api/auth/session/"}
