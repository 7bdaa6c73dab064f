"""Caddy and nginx as `examples/production` sets them, in front of apps with a bridge and of Auth.js, over https."""

from __future__ import annotations

import json
import re
import socket
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from scripts.proxies import PROXIES
from scripts.steps import ROOT
from tests.production.conftest import OpenWorkbench
from tests.support.deployment import (
    HOST,
    START_PROXY,
    Deployment,
    Ports,
    free_port,
    open_visitor,
)
from tests.support.site import PYSCRIPT as PYSCRIPT_CORE
from tests.support.site import Site
from tests.support.site import page as page_of
from tests.support.workbench import Raised

GUIDE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
# The cells of its rows about policies: what Python runs by, `script-src`, and what else there has to be.
[BARE, PYSCRIPT, WORKER] = re.findall(r"^\| (by .*?) \| `(.*?)` \| `?(.*?)`? ?\|$", GUIDE, re.MULTILINE)
IN_A_WORKER = "/in-a-worker.html"
LISTEN = """
new BroadcastChannel("worker").onmessage = event => (document.getElementById("who").textContent = event.data);
"""

FORGED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "198.51.100.1",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "//evil.example",
    "X-Real-IP": "198.51.100.1",
    "X_Forwarded_Proto": "http",
    "Forwarded": "for=198.51.100.1;host=evil.example;proto=http",
}


def test_a_person_signs_in_and_out_in_every_tab(
    deployment: Deployment, open_workbench: OpenWorkbench, profile: BrowserContext
) -> None:
    first = open_workbench("?here")
    first.shows(status="unauthenticated")
    first.expect_problem("401")
    refused = first.call("sign_in", "credentials", redirect=False, username="ada", password="wrong")
    assert (refused["ok"], refused["error"]) == (False, "CredentialsSignin")
    first.shows(status="unauthenticated")

    first.start("sign_in", "credentials", username="ada", password="lovelace", callback_url="?there")
    first.is_at(f"{first.url}?there")
    first.shows(status="authenticated", name="Ada Lovelace")
    cookies = profile.cookies()
    assert cookies and all(cookie["secure"] for cookie in cookies), cookies
    assert {cookie["name"] for cookie in cookies if not cookie["httpOnly"]} <= {"csrftoken"}  # of Django's forms
    first.page.reload()
    first.shows(status="authenticated", name="Ada Lovelace")

    second = open_workbench()
    second.shows(status="authenticated", name="Ada Lovelace")
    second.call("sign_out", redirect=False)
    second.shows(status="unauthenticated")
    first.shows(status="unauthenticated")
    for tab in (first, second):
        assert tab.page.evaluate("violations") == []


def test_the_pages_headers_are_as_the_guide_says(deployment: Deployment, open_workbench: OpenWorkbench) -> None:
    page = open_workbench()
    page.shows(status="unauthenticated")
    [document] = [request for request in page.all_requests if request.is_navigation_request()]
    answer = document.response()
    assert answer is not None
    policies = answer.header_values("content-security-policy")
    assert len(policies) == 1 and f"; script-src {BARE[1]};" in policies[0]
    assert answer.header_value("cache-control") == "no-cache"
    assert answer.header_values("strict-transport-security") == ["max-age=31536000"]


@pytest.mark.parametrize(("path", "row"), [("/examples/hello/", PYSCRIPT), (IN_A_WORKER, WORKER)])
@pytest.mark.parametrize("running_deployment", ["caddy-fastapi"], indirect=True)
def test_a_page_with_pyscript_runs_under_the_policy_that_the_guide_names(
    deployment: Deployment, profile: BrowserContext, site: Site, path: str, row: list[str]
) -> None:
    worker = '<script type="mpy" src="/examples/worker/main.py" config="/static/micropython.json" worker></script>'
    core = f'<script src="/listen.js" defer></script><script type="module" src="{PYSCRIPT_CORE}"></script>'
    site.write("/listen.js", LISTEN)
    site.write(IN_A_WORKER, page_of(core, f'<p id="who">Loading</p>{worker}'))
    given = deployment.visitor().get(path)
    policy = given.headers["content-security-policy"].replace(f"script-src {BARE[1]}", f"script-src {row[1]}; {row[2]}")
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}

    page = profile.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.route(f"**{path}", lambda route: route.fulfill(body=given.text, headers=headers))
    page.goto(deployment.url + path)
    expect(page.locator("#who")).to_have_text("Not signed in")
    assert problems == []


def test_who_stops_answering_is_unknown_and_not_signed_out(
    deployment: Deployment, open_workbench: OpenWorkbench
) -> None:
    page = open_workbench()
    page.sign_in()
    deployment.stop_backend()
    try:
        page.expect_problem("502")
        with pytest.raises(Raised, match="status 502"):
            page.call("get_session")
        page.shows(status="authenticated", name="Ada Lovelace", error="UnexpectedAnswer")
        other = open_workbench()
        other.expect_problem("502")
        other.shows(status="loading", error="UnexpectedAnswer")
    finally:
        deployment.start_backend()
    other.shows(status="authenticated", name="Ada Lovelace", error="")


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_backend_that_does_not_answer_in_time_is_given_up(proxy: str, tmp_path: Path, site: Site) -> None:
    ports = Ports(free_port(), free_port())
    with socket.create_server(("127.0.0.1", 0)) as silent, ExitStack() as stack:
        port = silent.getsockname()[1]
        running = START_PROXY[proxy](tmp_path, ports, site.folder, port, port, wait="1s")
        stack.callback(running.stop)
        visitor = stack.enter_context(open_visitor(ports))
        assert visitor.get("/api/auth/session").status_code == 504


def test_cookies_are_for_https_alone(deployment: Deployment) -> None:
    visitor = deployment.signed_in()
    names = {cookie.name for cookie in visitor.cookies.jar}
    prefix = "next-auth" if deployment.is_bridge else "authjs"
    assert f"__Host-{prefix}.csrf-token" in names
    assert deployment.is_bridge or "__Secure-authjs.session-token" in names
    assert all(cookie.secure for cookie in visitor.cookies.jar)


def test_the_answer_of_a_guarded_view_stays_private(deployment: Deployment) -> None:
    nobody = deployment.visitor().get("/api/account")
    somebody = deployment.signed_in().get("/api/account")
    assert (nobody.status_code, somebody.status_code) == (401, 200)
    assert somebody.json() == {"name": "Ada Lovelace"}
    for answer in (nobody, somebody):
        assert "private" in answer.headers["cache-control"]
        assert "Cookie" in answer.headers["vary"]


def test_what_a_client_says_of_proxies_is_not_believed(deployment: Deployment) -> None:
    visitor = deployment.visitor()
    providers = visitor.get(f"{deployment.base_path}/providers", headers=FORGED).json()
    assert providers["credentials"]["callbackUrl"] == f"{deployment.base}/callback/credentials"
    csrf = visitor.get(f"{deployment.base_path}/csrf", headers=FORGED)
    assert "__Host-" in csrf.headers["set-cookie"] and "secure" in csrf.headers["set-cookie"].lower()


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that it was sent."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("path", ["/api/auth/session", "/api/orders", "/accounts/login/"])
def test_each_backend_is_told_what_is_so(proxy: str, path: str, tmp_path: Path, site: Site) -> None:
    ports = Ports(free_port(), free_port())
    with HTTPServer(("127.0.0.1", 0), Echo) as echo, ExitStack() as stack:
        stack.callback(echo.shutdown)
        Thread(target=echo.serve_forever, daemon=True).start()
        running = START_PROXY[proxy](tmp_path, ports, site.folder, echo.server_port, echo.server_port)
        stack.callback(running.stop)
        visitor = stack.enter_context(open_visitor(ports, "127.0.0.2"))
        told = visitor.get(path, headers=FORGED).json()
    assert {name: value for name, value in told.items() if name in [*map(str.lower, FORGED), "host"]} == {
        "host": HOST,
        "x-forwarded-for": "127.0.0.2",
        "x-forwarded-host": HOST,
        "x-forwarded-proto": "https",
    }


@pytest.mark.parametrize("proxy", PROXIES)
def test_files_whose_names_begin_with_a_dot_are_not_given_to_anybody(proxy: str, tmp_path: Path) -> None:
    ports = Ports(free_port(), free_port())
    given = ["a/b.txt", "a..b", ".well-known/security.txt", ".well-known/a/b"]
    hidden = [".env", "%2eenv", "a/.env", "a/../.env", "a//.env", ".git/config", ".well-known/.env", ".well-knownnot"]
    site = tmp_path / "site"
    for name in (*given, ".env", "a/.env", ".git/config", ".well-known/.env", ".well-knownnot"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(name)
    with ExitStack() as stack:
        stack.callback(START_PROXY[proxy](tmp_path, ports, site, 1, 1).stop)
        visitor = stack.enter_context(open_visitor(ports))
        answers = {name: visitor.get(f"/{name}").status_code for name in given + hidden}
    assert answers == dict.fromkeys(given, 200) | dict.fromkeys(hidden, 404)


def test_the_app_is_told_the_clients_address(deployment: Deployment) -> None:
    answer = deployment.visitor("127.0.0.2").get("/api/address", headers=FORGED)
    assert answer.json() == {"address": "127.0.0.2"}


def test_a_request_for_another_host_reaches_no_backend(deployment: Deployment) -> None:
    visitor = deployment.visitor()
    try:
        answer = visitor.get(f"{deployment.base_path}/providers", headers={"Host": "evil.example"})
    except httpx.RemoteProtocolError:  # nginx ends the connection
        return
    assert answer.content == b""


def test_a_page_of_another_origin_signs_nobody_out(deployment: Deployment) -> None:
    visitor = deployment.signed_in()
    token = visitor.get(f"{deployment.base_path}/csrf").json()["csrfToken"]
    elsewhere = {"Origin": "https://evil.example"}
    refused = visitor.post(f"{deployment.base_path}/signout", headers=elsewhere)
    assert visitor.get(f"{deployment.base_path}/session").json()["user"]["name"] == "Ada Lovelace"
    if deployment.is_bridge:
        assert refused.status_code == 403
    visitor.post(f"{deployment.base_path}/signout", data={"csrfToken": token}, headers={"Origin": deployment.url})
    assert not visitor.get(f"{deployment.base_path}/session").json()


def test_a_form_that_is_too_large_is_refused(deployment: Deployment) -> None:
    visitor = deployment.visitor()
    answer = visitor.post(f"{deployment.base_path}/callback/credentials", data={"username": "x" * 1_100_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("running_deployment", ["caddy-express"], indirect=True)
def test_auth_js_in_express_finds_nobody_when_it_is_asked_past_the_proxy(deployment: Deployment) -> None:
    visitor = deployment.signed_in()
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies.jar)
    past = f"http://127.0.0.1:{deployment.auth_port}{deployment.base_path}/session"
    assert httpx.get(past, headers={"Cookie": cookies}).json() is None
    assert visitor.get(f"{deployment.base_path}/session").json()["user"]["name"] == "Ada Lovelace"


def test_http_leads_to_https(deployment: Deployment) -> None:
    answer = deployment.visitor(url="http://example.org").get("/a/page?with=this")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://example.org/a/page?with=this")


def test_a_request_with_many_cookies_arrives(deployment: Deployment) -> None:
    visitor = deployment.signed_in()
    visitor.cookies.set("other", "x" * 12_000, domain=HOST)
    assert visitor.get(f"{deployment.base_path}/session").json()["user"]["name"] == "Ada Lovelace"


APPS = ["django", "flask", "fastapi"]  # the columns of the guide's table
SETTINGS = [
    (app, setting)
    for row in re.findall(r"^\| (?:browsers are on|which hosts|cookies for|the secret).*$", GUIDE, re.MULTILINE)
    for app, cell in zip(APPS, row.split("|")[2:5], strict=True)
    for setting in re.findall(r"`(.*?)`", cell)
]


@pytest.mark.parametrize(("app", "setting"), SETTINGS)
def test_the_apps_here_are_set_as_the_guide_says(app: str, setting: str) -> None:
    source = (Path(__file__).with_name(f"app_{app}.py")).read_text(encoding="utf-8")
    assert setting.replace("uvicorn --proxy-headers", "proxy_headers=True") in source
