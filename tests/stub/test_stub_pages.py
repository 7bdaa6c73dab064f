"""The pages work without JavaScript, say what is wrong, and render nothing that they are sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from server_stub import create_app
from server_stub.dialects import SHOWN_AT_SIGN_IN
from server_stub.pages import SIGN_IN_ERRORS

ORIGIN = "http://127.0.0.1:4400"
ROOT = Path(__file__).parents[2]


class Page(HTMLParser):
    """The form of a page, its fields, and the names of all elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.action = ""
        self.fields: dict[str, str] = {}
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append(tag)
        if tag == "form":
            self.action = attributes["action"] or ""
        if tag == "input":
            self.fields[attributes["name"] or ""] = attributes.get("value") or ""
        if tag == "a":
            self.links.append(attributes["href"] or "")


def post_form(client: Any, page: Page, **filled_in: str) -> Any:
    return client.post(page.action, data={**page.fields, **filled_in})


def test_a_person_without_javascript_signs_in_and_out(client: Any) -> None:
    page = Page(client.get("/api/auth/signin?callbackUrl=/inside").text)
    response = post_form(client, page, username="ada", password="lovelace")
    assert (response.status_code, response.headers["location"]) == (302, f"{ORIGIN}/inside")
    assert client.session()["user"]["name"] == "Ada Lovelace"

    page = Page(client.get("/api/auth/signout?callbackUrl=/outside").text)
    response = post_form(client, page)
    assert (response.status_code, response.headers["location"]) == (302, f"{ORIGIN}/outside")
    assert client.session() == {}


def test_a_wrong_password_leads_back_to_the_form_with_a_reason(client: Any) -> None:
    page = Page(client.get("/api/auth/signin?callbackUrl=/inside").text)
    response = post_form(client, page, username="ada", password="wrong")
    while response.status_code == 302:
        response = client.get(response.headers["location"])
    assert 'role="alert">Sign in failed. Check the details' in response.text
    assert Page(response.text).fields["callbackUrl"] == f"{ORIGIN}/inside"


def test_a_stale_form_is_explained(client: Any) -> None:
    assert "open for too long" in client.get("/api/auth/signin?csrf=true").text


@pytest.mark.parametrize("code", sorted(SHOWN_AT_SIGN_IN))
def test_the_errors_that_v4_shows_on_the_sign_in_page_lead_there(client: Any, code: str) -> None:
    response = client.get(f"/api/auth/error?error={code}")
    assert response.headers["location"] == f"{ORIGIN}/api/auth/signin?error={code}"


@pytest.mark.parametrize("code", SIGN_IN_ERRORS)
def test_an_error_of_signing_in_is_explained_on_each_page_that_shows_it(
    connect: Callable[..., Any], tmp_path: Path, code: str
) -> None:
    client = connect(create_app(tmp_path, dialect="v5"))
    for page in ("signin", "error"):
        assert SIGN_IN_ERRORS[code] in client.get(f"/api/auth/{page}?error={code}").text


@pytest.mark.parametrize(
    ("code", "status", "text"),
    [
        ("Configuration", 500, "problem with the server configuration"),
        ("AccessDenied", 403, "do not have permission"),
        ("Verification", 403, "no longer valid"),
        ("Default", 200, "Signing in did not work. Please try again."),
        ("OAuthCallbackError", 200, "Try signing in with a different account."),
        ("Whatever", 200, "Signing in did not work. Please try again."),
        ("", 200, "Signing in did not work. Please try again."),
    ],
)
def test_other_errors_have_their_own_page_and_status(client: Any, code: str, status: int, text: str) -> None:
    response = client.get(f"/api/auth/error?error={code}")
    assert response.status_code == status
    assert text in response.text
    assert ORIGIN in Page(response.text).links
    assert ("/api/auth/signin" in Page(response.text).links) == (status != 500)


@pytest.mark.parametrize("path", ["signin", "signout", "error", "error?error=AccessDenied"])
def test_pages_have_a_policy_and_nothing_inline(client: Any, path: str) -> None:
    response = client.get(f"/api/auth/{path}")
    elements = Page(response.text).elements
    assert "script" not in elements
    assert "style" not in elements
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_the_style_sheet_is_served(client: Any) -> None:
    response = client.get("/api/auth/assets/style.css")
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert client.get("/api/auth/assets/nosuch").status_code == 404


def test_pages_have_the_colours_of_the_demo_in_light_and_dark() -> None:
    def colours(style_sheet: Path) -> list[tuple[str, str]]:
        return re.findall(r"(--[\w-]+): (#\w+);", style_sheet.read_text(encoding="utf-8"))

    own = colours(ROOT / "server_stub" / "assets" / "style.css")
    assert own == [(name, value) for name, value in colours(ROOT / "static" / "demo.css") if name in dict(own)]
    assert len(own) == 2 * len(dict(own))


def test_a_callback_url_is_shown_as_text(client: Any) -> None:
    page = Page(client.get("/api/auth/signin", params={"callbackUrl": '/"><script>alert(1)</script>'}).text)
    assert "script" not in page.elements
    assert page.fields["callbackUrl"] == f'{ORIGIN}/"><script>alert(1)</script>'


def test_whatever_a_page_names_is_there(client: Any) -> None:
    named = re.findall(r'<link [^>]*href="([^"]+)"', client.get("/api/auth/signin").text)
    assert len(named) == 2
    assert [client.get(path).status_code for path in named] == [200, 200]
