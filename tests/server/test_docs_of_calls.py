"""Every snippet of docs/calling-your-api.md for a server, and for a test, does what the page says."""

from __future__ import annotations

import re

import pytest

from scripts.steps import ROOT

from .conftest import Backend
from .frameworks import Run
from .test_docs import app_of, load

PAGE = (ROOT / "docs" / "calling-your-api.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
APIS = [snippet for snippet in SNIPPETS if "nextauth_server" in snippet]


def test_the_page_has_an_api_in_each_framework() -> None:
    assert [re.findall("fastapi|django|flask", snippet)[0] for snippet in APIS] == ["fastapi", "django", "flask"]


@pytest.mark.parametrize("code", APIS)
def test_an_api_of_the_page_answers_ada_and_refuses_others(code: str, run: Run, backend: Backend) -> None:
    app = app_of(code, run)
    assert app.get("/api/orders", cookie=backend.cookie).json() == [{"article": "Apples of Ada Lovelace"}]
    assert app.get("/api/orders").status_code == 401
    evil = {"cookie": backend.cookie, "origin": "https://evil.example", "content_type": "text/plain"}
    assert app.send("POST", "/api/orders", **evil).status_code == 403


def test_the_test_of_the_page_passes() -> None:
    [code] = [snippet for snippet in SNIPPETS if "testing" in snippet]
    load(code).test_an_order_arrives()
