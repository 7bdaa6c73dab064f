"""sign_in and sign_out, as a page's own Python calls them."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from tests.browser.following import UNMOVED
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.tabs import Tabs, contract, contract_in_one, micropython_only

STATUS_401 = "the server responded with a status of 401"

ACT = """
Provider()

@on_click("go")
async def act(event):
    try:
        result = await {call}
        show("result", result)
        show("url", result.url)
    except NextAuthError as error:
        show("result", error.code)
"""


def acting(call: str) -> str:
    """A page whose button calls this and shows the result."""
    return SHOW + ACT.format(call=call) + FOLLOW


@contract
def test_without_a_provider_one_signs_in_on_the_backends_page_and_comes_back(tabs: Tabs, backend: Backend) -> None:
    signs_in_on_the_backends_page(tabs, backend, "sign_in()")


@micropython_only
def test_with_an_unknown_provider_one_signs_in_on_the_backends_page_and_comes_back(
    tabs: Tabs, backend: Backend
) -> None:
    signs_in_on_the_backends_page(tabs, backend, "sign_in('unknown')")


def signs_in_on_the_backends_page(tabs: Tabs, backend: Backend, call: str) -> None:
    tab = tabs.python(acting(call), html=HTML, path="?q=a%26b#part")
    tab.shows(status="unauthenticated")
    came_from = tab.page.url
    tab.element("go").click()
    expect(tab.page).to_have_url(re.compile(re.escape(backend.base) + r"/signin\?"))
    assert parse_qs(urlsplit(tab.page.url).query) == {"callbackUrl": [came_from]}
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("lovelace")
    tab.button("Sign in").click()
    expect(tab.page).to_have_url(came_from)
    tab.shows(who="Ada Lovelace")


@micropython_only
def test_s12_a_provider_leads_to_its_page_and_back_to_where_one_started(tabs: Tabs, backend: Backend) -> None:
    tab = tabs.python(acting("sign_in('dev-idp')"), html=HTML, path="?q=a%26b#part")
    tab.shows(status="unauthenticated")
    came_from = tab.page.url
    tab.element("go").click()
    expect(tab.page.get_by_role("heading")).to_have_text("Development ID")
    tab.page.get_by_label("Alan Turing").check()
    tab.button("Allow").click()
    expect(tab.page).to_have_url(came_from)
    tab.shows(who="Alan Turing")


@micropython_only
def test_whoever_refuses_at_the_provider_learns_of_it_and_may_try_again(tabs: Tabs, backend: Backend) -> None:
    tab = tabs.python(acting("sign_in('dev-idp')"), html=HTML)
    came_from = tab.page.url
    tab.element("go").click()
    tab.button("Refuse").click()
    expect(tab.page).to_have_url(backend.base + "/signin?error=Callback")
    expect(tab.page.get_by_role("alert")).to_have_text("Try signing in with a different account.")
    tab.button("Sign in with Development ID").click()
    tab.page.get_by_label("Somebody else").check()
    tab.page.get_by_label("Name").fill("Grace Hopper")
    tab.page.get_by_label("E-mail").fill("grace@example.com")
    tab.button("Allow").click()
    # The cookie has kept where the first try came from.
    expect(tab.page).to_have_url(came_from)
    tab.shows(who="Grace Hopper")


@micropython_only
def test_a_callback_url_says_where_a_redirect_ends(tabs: Tabs, backend: Backend) -> None:
    call = "sign_in('credentials', username='ada', password='lovelace', callback_url='/blank.html?x=1')"
    tabs.site.write("/blank.html", "")
    tab = tabs.python(acting(call), html=HTML)
    tab.element("go").click()
    expect(tab.page).to_have_url(backend.url + "/blank.html?x=1")
    assert tabs.context.request.get(backend.base + "/session").json()["user"]["name"] == "Ada Lovelace"


@contract
def test_a_result_says_how_a_sign_in_without_redirect_went(tabs: Tabs) -> None:
    tab = tabs.python(acting("sign_in('credentials', redirect=False, username='ada', password='lovelace')"), html=HTML)
    tab.element("go").click()
    url = tab.page.url
    tab.shows(result=f"SignInResult(error=None, status=200, ok=True, url='{url}', code=None)", who="Ada Lovelace")


def test_a_result_says_why_a_sign_in_without_redirect_was_refused(tabs: Tabs) -> None:
    tab = tabs.python(acting("sign_in('credentials', redirect=False, username='ada', password='no')"), html=HTML)
    tab.expect_problem(STATUS_401)
    tab.element("go").click()
    tab.shows(
        result="SignInResult(error='CredentialsSignin', status=401, ok=False, url=None, code=None)",
        who="nobody",
        error="none",
    )


def test_signing_out_without_redirect_gives_the_url_and_stays(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(acting("sign_out(redirect=False, callback_url='/elsewhere?x=1')"), html=HTML)
    tab.shows(who="Ada Lovelace")
    before = len(tab.navigations)
    tab.element("go").click()
    tab.shows(who="nobody", status="unauthenticated", url=backend.url + "/elsewhere?x=1")
    assert len(tab.navigations) == before
    assert len(tab.requests("session")) == 1


@contract_in_one
def test_signing_out_with_redirect_loads_the_page_again(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tab = tabs.python(acting("sign_out()"), html=HTML, path="?x=1#part")
    tab.shows(who="Ada Lovelace")
    came_from = tab.page.url
    with tab.page.expect_navigation():
        tab.element("go").click()
    tab.shows(who="nobody", status="unauthenticated")
    assert tab.page.url == came_from


@micropython_only
def test_signing_out_with_a_callback_url_goes_there(tabs: Tabs, backend: Backend) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write("/blank.html", "")
    tab = tabs.python(acting("sign_out(callback_url='/blank.html')"), html=HTML)
    tab.shows(who="Ada Lovelace")
    tab.element("go").click()
    expect(tab.page).to_have_url(backend.url + "/blank.html")
    assert tabs.context.request.get(backend.base + "/session").json() == {}


@micropython_only
def test_a_sign_in_that_nobody_awaits_works_as_well(tabs: Tabs) -> None:
    python = """
Provider()

@on_click("go")
def act(event):
    sign_in("credentials", redirect=False, username="ada", password="lovelace")
"""
    tab = tabs.python(SHOW + python + FOLLOW, html=HTML)
    tab.element("go").click()
    tab.shows(who="Ada Lovelace")


@micropython_only
def test_a_failure_that_nobody_awaits_is_shown_and_logged(tabs: Tabs, backend: Backend) -> None:
    python = """
Provider()

@on_click("go")
def act(event):
    sign_out()
"""
    backend.sign_in(tabs.context)
    tab = tabs.python(SHOW + python + FOLLOW, html=HTML)
    tab.shows(who="Ada Lovelace")
    tab.expect_problem("")  # the traceback, in many lines
    backend.fault("signout", "503")
    tab.element("go").click()
    tab.shows(error="UnexpectedAnswer", who="Ada Lovelace")
    assert "nextauth_client: an action failed:" in "\n".join(tab.console)


# Of one click, `ask` or `leave`, in a page that shows nothing and has no Provider.
WITHOUT_A_PROVIDER = (
    SHOW
    + """
@on_click("ask")
async def ask(event):
    session = await get_session()
    show("who", session.user.name if session else "nobody")

@on_click("go")
async def leave(event):
    await sign_out(redirect=False)
    show("result", "signed out")
"""
)


@contract_in_one
def test_what_a_page_without_a_provider_asks_and_does_reaches_the_other_tabs(tabs: Tabs, backend: Backend) -> None:
    other = tabs.python(SHOW + f"Provider({UNMOVED})\n" + FOLLOW, html=HTML)
    other.shows(status="unauthenticated")
    page = tabs.python(WITHOUT_A_PROVIDER, html=HTML)
    backend.sign_in(tabs.context)
    asked = len(backend.log())
    page.element("ask").click()
    page.shows(who="Ada Lovelace")
    other.shows(who="Ada Lovelace")
    page.element("go").click()
    page.shows(result="signed out")
    other.shows(status="unauthenticated")
    assert [entry["path"] for entry in backend.log()[asked:]] == [
        "/api/auth/session",
        "/api/auth/csrf",
        "/api/auth/signout",
    ]
    assert not [kept for kept in page.page.evaluate("keptByPage()") if "storage" in kept], "something stayed"


def test_the_error_of_a_failed_redirect_is_explained_without_naming_it(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + 'show("result", explain_error())', html=HTML, path="?error=AccessDenied#part")
    tab.shows(result="You are not allowed to sign in here.")
