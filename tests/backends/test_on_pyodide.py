"""The other tests here run on MicroPython; the same client does the same on Pyodide."""

from __future__ import annotations

import pytest

from tests.backends.conftest import each_version
from tests.support.tabs import pyodide_only
from tests.support.workbench import Raised, Workbench


@pyodide_only
@each_version
def test_s36_every_backend_on_pyodide(workbench: Workbench) -> None:
    backend = workbench.backend
    assert [name for name, _ in workbench.call("get_providers")] == backend.providers
    workbench.expect_problem("the server responded with a status of 401")
    wrong = workbench.call("sign_in", "credentials", redirect=False, username="ada", password="wrong")
    assert (wrong["ok"], wrong["error"], wrong["url"]) == (False, "CredentialsSignin", None)

    workbench.sign_in("ada")
    assert workbench.session()["team"]["name"] == "Grüße 👋"
    if backend.version == 3:
        workbench.expect_problem("the server responded with a status of 400")
        with pytest.raises(Raised, match="cannot update"):
            workbench.call("update_session", {"name": "Countess"})
    else:
        workbench.call("update_session", {"name": "Countess"})
        workbench.shows(name="Countess")

    assert workbench.call("sign_out", redirect=False) == {"url": workbench.url}
    workbench.shows(status="unauthenticated", name="")
    assert workbench.navigations == [workbench.url]
