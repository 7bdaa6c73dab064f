"""examples/nextjs, used as a person uses it; `make test-next` has built it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from scripts.next_sites import BUILT_EXAMPLE
from scripts.node import install_node
from tests.support.accessible import assert_serves_everybody
from tests.support.deployment import Running, free_port

TITLE = "Python in Next.js – nextauth_client"
SIGNED_IN = f"Ada Lovelace – {TITLE}"


@pytest.fixture
def address() -> Iterator[str]:
    """Where the page is, while its server runs as `npm start` starts it."""
    assert BUILT_EXAMPLE.is_dir(), "the example is not built: type `make test-next`"
    program, *words = json.loads((BUILT_EXAMPLE / "package.json").read_text())["scripts"]["start"].split()
    command = [install_node().node, (BUILT_EXAMPLE / "node_modules" / ".bin" / program).resolve(), *words]
    port = free_port()
    server = Running(command, port, BUILT_EXAMPLE, AUTH_SECRET="of a test " * 4, PORT=str(port))
    yield f"http://localhost:{port}/"
    server.stop()


def test_a_python_page_of_next_js_signs_in_to_auth_js_there(address: str, other_profile: BrowserContext) -> None:
    page = other_profile.new_page()
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("data-auth-state", "unauthenticated")  # by Python, which runs now
    password = page.get_by_label("Password")
    assert_serves_everybody(page)
    page.get_by_label("Username").fill("ada")
    password.fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Sign in failed. Check that what you typed is correct.")
    assert_serves_everybody(page)
    password.fill("lovelace")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#who")).to_contain_text("Signed in as Ada Lovelace")
    assert_serves_everybody(page)
    expect(page).to_have_title(SIGNED_IN)

    page.reload()
    expect(page.locator("#who")).to_contain_text("Signed in as Ada Lovelace")
    expect(page.locator("html")).to_have_attribute("data-auth-state", "authenticated")  # before, no button is heard
    page.get_by_role("button", name="Sign out").click()
    expect(password).to_be_visible()
    expect(page).to_have_title(TITLE)
