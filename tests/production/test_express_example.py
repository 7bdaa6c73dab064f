"""examples/express, used as a person uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from scripts.backends import BACKENDS
from tests.support.accessible import assert_serves_everybody
from tests.support.deployment import EXAMPLES, Ports, filled_in, start_caddy, start_express
from tests.support.ports import free_port
from tests.support.site import Site

EXAMPLE = EXAMPLES / "express"
NO_ADMIN = {"\tskip_install_trust\n": "\tskip_install_trust\n\tadmin off\n"}


@pytest.fixture
def address(site: Site, tmp_path: Path) -> Iterator[str]:
    """Where the page is, while both of its programs run."""
    port, behind = free_port(), free_port()
    express = start_express(site.folder, behind, "of a test " * 4)
    config = filled_in(
        (EXAMPLE / "Caddyfile").read_text(),
        {
            "https://localhost:8443": f"https://localhost:{port}",
            "{$PORT:3000}": str(behind),
            **NO_ADMIN,
        },
    )
    caddy = start_caddy(tmp_path, config, Ports(http=0, https=port), site.folder / "examples" / "express")
    yield f"https://localhost:{port}/"
    caddy.stop()
    express.stop()


def test_a_python_page_signs_in_to_auth_js_in_an_express_server(address: str, profile: BrowserContext) -> None:
    page = profile.new_page()
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
    assert {cookie["secure"] for cookie in profile.cookies()} == {True}

    page.reload()
    expect(page.locator("html")).to_have_attribute("data-auth-state", "authenticated")  # a click before that is lost
    expect(page.locator("#who")).to_contain_text("Signed in as Ada Lovelace")
    page.get_by_role("button", name="Sign out").click()
    expect(password).to_be_visible()


def test_files_whose_names_begin_with_a_dot_are_not_given_to_anybody(tmp_path: Path) -> None:
    port = free_port()
    config = filled_in((EXAMPLE / "Caddyfile").read_text(), {"localhost:8443": f"localhost:{port}", **NO_ADMIN})
    page = tmp_path / "examples" / "express" / "page"
    for folder in (page, tmp_path / "static"):
        folder.mkdir(parents=True)
        for name in ("seen", ".env"):
            (folder / name).write_text(name)
    caddy = start_caddy(tmp_path, config, Ports(http=0, https=port), page.parent)
    try:
        with httpx.Client(verify=False, base_url=f"https://localhost:{port}") as visitor:
            answers = [visitor.get(path).status_code for path in ("/seen", "/static/seen", "/.env", "/static/.env")]
    finally:
        caddy.stop()
    assert answers == [200, 200, 404, 404]


def test_it_asks_for_the_versions_that_the_tests_run() -> None:
    wanted = json.loads((EXAMPLE / "package.json").read_text())["dependencies"]
    tested = json.loads((BACKENDS / "package.json").read_text())["dependencies"]
    assert wanted == {name: tested[name] for name in wanted}
