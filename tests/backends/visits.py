"""What a person does at the identity provider."""

from __future__ import annotations

import json

from playwright.sync_api import Page


def log_in(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Log in").click()


def allow(page: Page) -> None:
    page.get_by_role("button", name="Allow").click()


def refuse(page: Page) -> None:
    page.get_by_role("button", name="Refuse").click()


def parameters(page: Page) -> dict[str, str]:
    """What the identity provider was asked with."""
    return dict(json.loads(page.locator("#parameters").text_content() or ""))
