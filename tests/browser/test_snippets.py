"""Blocks of HTML and JavaScript, and a header, that only a browser can run, as the guides show them; the others run in
tests/unit/test_snippets.py. What they load is there whatever the interpreter, so one is enough.
"""

from __future__ import annotations

import re
from typing import Any

from scripts.steps import ROOT
from tests.browser.snippets import FOLLOW, HTML, SHOW
from tests.support.backend import Backend
from tests.support.engines import expect
from tests.support.site import page
from tests.support.tabs import Tab, Tabs, micropython_only


def shown(path: str, words: str) -> str:
    """The only block of a page of docs/ with these words."""
    text = (ROOT / "docs" / path).read_text(encoding="utf-8")
    [code] = [code for code in re.findall(r"^```\w+\n(.*?)^```$", text, re.M | re.S) if words in code]
    return str(code)


def opened(tabs: Tabs, html: str) -> Tab:
    tabs.site.write("/guide.html", html)
    tab = tabs.tab()
    tab.page.goto("/guide.html")
    return tab


@micropython_only
def test_the_pages_form_signs_in_its_worker_as_the_guide_has_it(tabs: Tabs) -> None:
    tabs.site.write("/worker.py", "from nextauth_client import Provider\nProvider()")
    tab = opened(tabs, page("", shown("pages.md", "worker.py")))
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("wrong")
    tab.expect_problem("status of 401")
    tab.button("Sign in").click()
    expect(tab.page.get_by_role("alert")).to_be_visible()
    tab.page.get_by_label("Password").fill("lovelace")
    tab.button("Sign in").click()
    expect(tab.button("Sign in")).to_be_hidden()


@micropython_only
def test_the_pages_buttons_sign_its_worker_in_and_out_as_the_guide_has_it(tabs: Tabs) -> None:
    tabs.site.write("/worker.py", "from nextauth_client import Provider\nProvider()")
    buttons = shown("workers.md", "nextauth-page.js").replace('"google"', '"dev-idp"')  # the provider that is here
    tab = opened(tabs, page("", buttons))
    tab.button("Sign in").click()
    expect(tab.page.get_by_role("heading", name="Development ID")).to_be_visible()
    tab.page.get_by_role("button").first.click()
    tab.button("Sign out").click()
    expect(tab.button("Sign in")).to_be_visible()


@micropython_only
def test_a_worker_that_the_page_starts_itself_knows_who_is_signed_in_as_the_guide_has_it(
    tabs: Tabs, backend: Backend
) -> None:
    backend.sign_in(tabs.context)
    tabs.site.write("/worker.js", shown("workers.md", "loadMicroPython"))
    tabs.site.write("/worker.py", (ROOT / "examples" / "worker" / "main.py").read_text(encoding="utf-8"))
    start = """<p id="who"></p><script>
      const who = document.getElementById("who");
      new BroadcastChannel("worker").onmessage = event => { who.textContent = event.data; };
      new Worker("worker.js", { type: "module" });
    </script>"""
    tab = opened(tabs, page("", start))
    tab.shows(who="Signed in as Ada Lovelace")


@micropython_only
def test_a_session_in_the_page_is_shown_without_a_request_as_the_guide_has_it(tabs: Tabs) -> None:
    head = shown("pages.md", "nextauth-session").partition("<head>")[2].partition("</head>")[0]
    who = '<p data-auth-show="authenticated" hidden>Signed in as <b data-auth-text="user.name"></b></p>'
    tab = opened(tabs, page(head, who))
    expect(tab.page.get_by_text("Signed in as Ada")).to_be_visible()
    tab.wait(lambda: [one for one in tab.all_requests if one.url.endswith("/pyscript/core.js")], "Python is loaded")
    assert tab.requests("session") == []


@micropython_only
def test_python_starts_behind_the_script_for_blocked_cookies_as_the_guide_has_it(tabs: Tabs) -> None:
    tab = tabs.python(SHOW + FOLLOW, html=HTML, head=shown("pages.md", "nextauth-blocked.js"))
    tab.shows(status="unauthenticated")


@micropython_only
def test_a_page_runs_under_the_content_security_policy_that_the_guide_shows(tabs: Tabs) -> None:
    name, _, policy = " ".join(shown("content-policy.md", "Content-Security-Policy").split()).partition(": ")
    violations = "addEventListener('securitypolicyviolation', event => console.error(event.violatedDirective))"

    def under_it(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, name: policy})

    tab = tabs.tab()
    tab.page.add_init_script(violations)
    tab.page.route("**/policed.html", under_it)
    tab.expect_problem("'data:,'", "img-src")  # the icon of a page under test
    tabs.site.write_page("/policed.html", python=SHOW + FOLLOW, html=HTML, interpreter=tabs.interpreter)
    response = tab.page.goto("/policed.html")
    assert response is not None and response.headers[name.lower()] == policy
    tab.shows(status="unauthenticated")
