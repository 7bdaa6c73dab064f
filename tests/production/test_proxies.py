"""Caddy and nginx as `examples/production` sets them, in front of apps with a bridge and of Auth.js, over https."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import BrowserContext

from tests.backends.workbench import Raised
from tests.production.conftest import OpenWorkbench
from tests.production.deployment import HOST, Deployment

FORGED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-For": "198.51.100.1",
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


def test_the_pages_policy_is_in_force(deployment: Deployment, open_workbench: OpenWorkbench) -> None:
    page = open_workbench()
    page.shows(status="unauthenticated")
    [document] = [request for request in page.all_requests if request.is_navigation_request()]
    answer = document.response()
    assert answer is not None
    policies = answer.header_values("content-security-policy")
    assert len(policies) == 1 and "script-src 'self' 'wasm-unsafe-eval';" in policies[0]
    assert answer.header_value("cache-control") == "no-cache"
    assert answer.header_values("strict-transport-security") == ["max-age=31536000"]


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


def test_http_leads_to_https(deployment: Deployment) -> None:
    answer = deployment.visitor(url="http://example.org").get("/a/page?with=this")
    assert (answer.status_code, answer.headers["location"]) == (308, "https://example.org/a/page?with=this")


def test_a_request_with_many_cookies_arrives(deployment: Deployment) -> None:
    visitor = deployment.signed_in()
    visitor.cookies.set("other", "x" * 12_000, domain=HOST)
    assert visitor.get(f"{deployment.base_path}/session").json()["user"]["name"] == "Ada Lovelace"
