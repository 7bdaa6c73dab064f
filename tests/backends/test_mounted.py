"""A real backend on another port, mounted by `auth_proxy` in the FastAPI app that serves the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import fastapi
import httpx
import pytest
from nextauth_server import auth_proxy
from starlette.staticfiles import StaticFiles

from server_stub.server import Server, listen
from tests.backends.conftest import OpenWorkbench
from tests.backends.visits import allow, log_in
from tests.support import PATIENCE
from tests.support.real_backends import Mailbox, Program, RealBackend
from tests.support.site import Site

# v4 is told by NEXTAUTH_URL where browsers see it; Auth.js in Express sees it by the Host alone.
PRESERVE_HOST = {"v4": False, "v5-express": True}


class Mounted(RealBackend):
    """A backend as the page sees it."""

    def __init__(self, name: str, program: Program, page: str) -> None:
        super().__init__(name, program)
        self.program = program
        self.behind = self.url
        self.url = page
        self.base = page + self.base_path
        self.host_of_page = httpx.URL(page).host
        self._said: list[list[str]] | None = None

    def go_down(self) -> None:
        self._said = self.logged()
        self.program.stop()

    def logged(self) -> list[list[str]]:
        return super().logged() if self._said is None else self._said


def serve(app: Any, listener: Any) -> tuple[Server, threading.Thread]:
    started = threading.Event()
    server = Server(app, on_start=started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    assert started.wait(PATIENCE)
    return server, thread


@pytest.fixture(params=PRESERVE_HOST)
def mounted(request: pytest.FixtureRequest, site: Site, identity_provider: str, mailbox: Mailbox) -> Iterator[Mounted]:
    name = str(request.param)
    listener = listen("127.0.0.1", 0)
    page = f"http://page-of-{name}.localhost:{listener.getsockname()[1]}"
    usual = {"folder": str(site.folder), "issuer": identity_provider, "smtp": mailbox.smtp}
    with Program(name, host="auth.localhost", seenAt=page, **usual) as program:
        backend = Mounted(name, program, page)
        address = httpx.URL(backend.behind).copy_with(host="127.0.0.1", path=backend.base_path)
        app = fastapi.FastAPI()
        app.mount(
            backend.base_path, auth_proxy(str(address), origin=page, preserve_host=PRESERVE_HOST[name], timeout=10)
        )
        app.mount("/", StaticFiles(directory=site.folder))
        server, thread = serve(app, listener)
        yield backend
        server.should_exit = True
        thread.join(PATIENCE)


def test_one_signs_in_and_out_by_password_through_the_proxy(mounted: Mounted, open_workbench: OpenWorkbench) -> None:
    workbench = open_workbench(mounted)
    workbench.shows(status="unauthenticated")
    workbench.sign_in()
    assert [name for name, _ in workbench.call("get_providers")] == ["credentials", "email", "oidc"]
    cookies = workbench.page.context.cookies()
    assert {cookie["domain"] for cookie in cookies} == {mounted.host_of_page}
    workbench.go()
    workbench.shows(status="authenticated", name="Ada Lovelace")
    workbench.call("sign_out", redirect=False)
    workbench.shows(status="unauthenticated", name="")
    assert workbench.call("get_session") is None


def test_one_signs_in_at_an_identity_provider_through_the_proxy(
    mounted: Mounted, open_workbench: OpenWorkbench
) -> None:
    tail = "?a=1#part-2"
    workbench = open_workbench(mounted, tail)
    workbench.shows(status="unauthenticated")
    workbench.start("sign_in", "oidc")
    log_in(workbench.page, "grace")
    allow(workbench.page)
    workbench.is_at(workbench.url + tail)
    workbench.shows(status="authenticated", name="grace of elsewhere")


def test_a_wrong_password_and_the_backends_own_pages_stay_at_the_pages_origin(
    mounted: Mounted, open_workbench: OpenWorkbench
) -> None:
    workbench = open_workbench(mounted)
    workbench.shows(status="unauthenticated")
    workbench.expect_problem("the server responded with a status of 401")
    result = workbench.call("sign_in", "credentials", redirect=False, username="ada", password="wrong")
    assert (result["ok"], result["error"]) == (False, "CredentialsSignin")
    workbench.page.goto(f"{mounted.base}/signin?callbackUrl={workbench.url}")
    workbench.page.locator("[name=username]").fill("ada")
    workbench.page.locator("[name=password]").fill("lovelace")
    workbench.page.get_by_role("button", name="Password").click()
    workbench.is_at(workbench.url)
    workbench.shows(status="authenticated", name="Ada Lovelace")


def test_a_backend_that_goes_down_signs_nobody_out(mounted: Mounted, open_workbench: OpenWorkbench) -> None:
    workbench = open_workbench(mounted)
    workbench.shows(status="unauthenticated")
    workbench.sign_in()
    mounted.go_down()
    workbench.expect_problem("the server responded with a status of 502")
    with pytest.raises(Exception, match="UnexpectedAnswer"):
        workbench.call("get_session")
    workbench.shows(status="authenticated", name="Ada Lovelace", error="UnexpectedAnswer")
