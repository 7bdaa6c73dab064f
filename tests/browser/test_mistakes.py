"""What a page's author is told about a forgotten `await`, and names that are misspelt."""

from __future__ import annotations

from tests.browser.snippets import GIVEN, HTML, SHOW
from tests.support.backend import Backend
from tests.support.tabs import Tabs, pyodide_only

SIGN_IN = 'sign_in("credentials", redirect=False, username="ada", password="wrong")'


@pyodide_only
def test_a_forgotten_await_is_no_success_where_tasks_can_say_so(tabs: Tabs, backend: Backend) -> None:
    python = f"""
@on_click("go")
async def log_in(event):
    task = {SIGN_IN}
    try:
        show("result", "signed in" if task else "refused")
    except TypeError as error:
        show("result", error)
    result = await task
    show("who", [result.error, bool(result)])
    task.then(lambda result: show("url", result.status))
"""
    tab = tabs.python(SHOW + "Provider()\n" + python, html=HTML)
    tab.expect_problem("Failed to load resource")  # the wrong password is a 401
    tab.element("go").click()
    tab.contains(result="write `if await sign_in(...):`")
    tab.shows(who="['CredentialsSignin', False]", url="401")


def test_a_call_whose_task_nobody_keeps_runs_to_its_end_and_its_failure_is_told(tabs: Tabs, backend: Backend) -> None:
    """A handler may give it back to the browser, which knows nothing of it."""
    python = """
Provider()

@effect
def follow():
    state = use_session()
    show("error", state.error.code if state.error else "none")
    show("status", state.status)

@on_click("go")
def log_in(event):
    return sign_in("credentials", redirect=False, username="ada", password="lovelace")

@on_click("ask")
@require_session
def order(event):
    show("who", "ordered")
"""
    backend.fault("csrf", "500-json")
    tab = tabs.python(SHOW + python, html=HTML)
    tab.expect_problem("Failed to load resource", "an action failed", "UnexpectedAnswer", "Traceback", "File ", "  ")
    tab.expect_problem("Task exception wasn't retrieved", "future: <Task>")  # MicroPython's own
    tab.shows(error="none")
    tab.element("go").click()
    tab.shows(error="UnexpectedAnswer")
    backend.heal("csrf")
    tab.element("go").click()
    tab.shows(error="none", status="authenticated")
    tab.element("ask").click()
    tab.shows(who="ordered")
    assert len([line for line in tab.console if "an action failed" in line]) == 1


def test_misspelt_names_are_answered_with_the_right_ones(tabs: Tabs) -> None:
    python = """
show("who", raises(lambda: use_session().sesion))
show("result", raises(lambda: sign_out(redirct=False)))
show("error", raises(lambda: Provider(keepalive=60, default=False)))
show("url", raises(lambda: sign_in("google", callbackUrl="/")))
"""
    tab = tabs.python(SHOW + GIVEN + python, html=HTML)
    there = "error, expires_in, expiring, idle_in, loading, reason, refreshing, session, status"
    tab.contains(who=f"the SessionState has no 'sesion'; it has: {there}")
    tab.contains(result="Did you mean redirect=?", error="Did you mean keep_alive=?", url="write callback_url=")
