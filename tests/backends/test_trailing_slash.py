"""Real backends whose server wants a slash at the end of each path (`trailingSlash: true` in Next.js)."""

from __future__ import annotations

import pytest

from tests.backends.conftest import EACH_VERSION, OpenWorkbench, StartBackend
from tests.support.tabs import pyodide_only


@pytest.mark.parametrize("name", EACH_VERSION)
def test_one_signs_in_updates_and_signs_out(
    start_backend: StartBackend, open_workbench: OpenWorkbench, name: str
) -> None:
    backend = start_backend(name, trailingSlash=True)
    workbench = open_workbench(backend)
    workbench.expect_problem("the server responded with a status of 401")
    workbench.shows(status="unauthenticated", error="")
    wrong = workbench.call("sign_in", "credentials", redirect=False, username="ada", password="wrong")
    assert (wrong["ok"], wrong["error"], wrong["url"]) == (False, "CredentialsSignin", None)
    assert [name for name, _ in workbench.call("get_providers")] == backend.providers
    workbench.sign_in()
    if backend.version > 3:
        workbench.call("update_session", {"name": "Countess"})
        workbench.shows(name="Countess")
    assert workbench.call("sign_out", redirect=False) == {"url": workbench.url}
    workbench.shows(status="unauthenticated", name="", error="")
    assert workbench.call("get_session") is None
    posts = [request.url for request in workbench.all_requests if request.method == "POST"]
    assert [url for url in posts if not url.endswith("/")] == [], "a password was sent without the slash"


@pyodide_only
@pytest.mark.parametrize("name", EACH_VERSION[-1:])
def test_the_page_leaves_for_the_provider_and_comes_back(
    start_backend: StartBackend, open_workbench: OpenWorkbench, name: str
) -> None:
    workbench = open_workbench(start_backend(name, trailingSlash=True))
    workbench.shows(status="unauthenticated")
    workbench.start("sign_in", "credentials", username="alan", password="turing")
    workbench.shows(status="authenticated", name="Alan Turing")
