"""The development backend's own pages shut nobody out. There is no Python in them, so one interpreter is enough."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.steps import ROOT
from tests.support.accessible import assert_nobody_is_shut_out, by_tab
from tests.support.engines import new_context

PAGES = {
    "sign-in": "/api/auth/signin",
    "sign-in refused": "/api/auth/signin?error=CredentialsSignin",
    "sign-out": "/api/auth/signout",
    "verify-request": "/api/auth/verify-request?provider=email&type=email",
    "error": "/api/auth/error",
    "error with a sentence of its own": "/api/auth/error?error=AccessDenied",
    "configuration error": "/api/auth/error?error=Configuration",
    "controls": "/dev",
    "controls done": "/dev?done",
    "inbox": "/dev/inbox",
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A backend that has all the pages."""
    folder = tmp_path_factory.mktemp("pages")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "server_stub",
        "--dev-controls",
        "--port",
        "0",
        folder,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture(params=[("light", 320), ("dark", 1200)], ids=["phone, light", "desktop, dark"])
def page(request: pytest.FixtureRequest, browser: Browser, url: str) -> Iterator[Page]:
    scheme: Literal["light", "dark"]
    scheme, width = request.param
    with new_context(browser, base_url=url, color_scheme=scheme, viewport={"width": width, "height": 800}) as context:
        yield context.new_page()


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_nobody_is_shut_out_of_a_page(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert_nobody_is_shut_out(page)


def test_nobody_is_shut_out_of_the_inbox_with_a_mail_in_it(page: Page) -> None:
    page.goto("/api/auth/signin")
    page.get_by_label("E-mail").fill("somebody.with.a.long.name@department.example.com")
    page.get_by_role("button", name="Send me a link").click()
    page.get_by_role("link", name="Open the development inbox").click()
    expect(page.get_by_role("link", name="Sign in as somebody").first).to_be_visible()
    assert_nobody_is_shut_out(page)


def test_nobody_is_shut_out_of_the_identity_provider(page: Page) -> None:
    page.goto("/api/auth/signin")
    page.get_by_role("button", name="Sign in with Development ID").click()
    expect(page.get_by_role("heading", name="Development ID")).to_be_visible()
    assert_nobody_is_shut_out(page)
    page.get_by_label("Somebody else").check()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_nobody_is_shut_out(page)


def press_enter(page: Page) -> None:
    """And be on the next page, with its style: the focus cannot be seen before."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_one_signs_in_and_out_by_keyboard_alone(page: Page) -> None:
    page.goto("/api/auth/signin?callbackUrl=/api/auth/signout")
    for label, text in (("Username", "ada"), ("Password", "lovelace")):
        by_tab(page, page.get_by_label(label))
        page.keyboard.type(text)
    press_enter(page)
    by_tab(page, page.get_by_role("button", name="Sign out"))
    press_enter(page)
    assert page.request.get("/api/auth/session").json() == {}


def test_a_providers_page_is_used_by_keyboard_alone(page: Page) -> None:
    page.goto("/api/auth/signin?callbackUrl=/api/auth/signout")
    by_tab(page, page.get_by_role("button", name="Development ID"))
    press_enter(page)
    by_tab(page, page.get_by_role("button", name="Allow"))
    press_enter(page)
    expect(page).to_have_url(re.compile("/api/auth/signout$"))
    assert page.request.get("/api/auth/session").json()["user"]["name"]
