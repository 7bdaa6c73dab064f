"""A page that Flask serves, behind the port of `python -m server_stub --proxy`."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import flask
import pytest
import werkzeug.serving
from nextauth_server import login_required
from playwright.sync_api import Browser, expect

from scripts.steps import ROOT
from tests.support.engines import new_context

app = flask.Flask("app")


@app.get("/")
def home() -> str:
    return '<!doctype html><title>Home</title><a href="/account?from=home">My account</a>'


@app.get("/account")
@login_required
def account() -> str:
    return (
        f"<!doctype html><title>Account</title><h1>Hello {flask.g.nextauth_session.user.name}</h1>"
        '<form method="post"><button>Change</button></form>'
    )


@app.post("/account")
@login_required
def change() -> str:
    return f"<!doctype html><title>Account</title><h1>Changed by {flask.g.nextauth_session.user.name}</h1>"


class Quiet(werkzeug.serving.WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a browser finds the app and the backend."""
    behind = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=behind.serve_forever)
    thread.start()
    proxy = f"http://localhost:{behind.server_port}"
    command = [sys.executable, "-m", "server_stub", "--port", "0", "--proxy", proxy]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as stub:
        assert stub.stdout is not None
        url = stub.stdout.readline().strip().replace("127.0.0.1", "localhost")
        monkeypatch.setenv("NEXTAUTH_URL", url)
        yield url
        stub.terminate()
    behind.shutdown()
    thread.join()
    behind.server_close()


def test_one_signs_in_and_lands_on_flasks_own_page(browser: Browser, address: str) -> None:
    with new_context(browser) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("link", name="My account").click()
        page.get_by_label("Username").fill("ada")
        page.get_by_label("Password").fill("lovelace")
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="Hello Ada Lovelace")).to_be_visible()
        assert page.url == f"{address}/account?from=home"
        page.get_by_role("button", name="Change").click()
        expect(page.get_by_role("heading", name="Changed by Ada Lovelace")).to_be_visible()
