"""Signing in at a provider, step by step, with a client of ``conftest.py``."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
RETURN_JSON = {"X-Auth-Return-Redirect": "1"}  # how v5 is asked for JSON


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def start(client: Any, provider: str = "dev-idp", query: str = "", **fields: str) -> str:
    """The URL of the provider to go to."""
    fields = {"csrfToken": client.csrf(), "json": "true", **fields}
    path = f"/api/auth/signin/{provider}{query}"
    answer = client.post(path, content=urlencode(fields), headers={**FORM, **RETURN_JSON})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


def decide(client: Any, url: str, decision: str = "allow", **choice: str) -> str:
    """Choose a user at the built-in provider. The URL that it sends its user to."""
    answer = client.post(url, content=urlencode({**choice, "decision": decision}), headers=FORM)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def sign_in(client: Any, *, callback_url: str = "/after", **choice: str) -> httpx.Response:
    """All of it with the built-in provider; the answer of `/callback`."""
    back = decide(client, start(client, callbackUrl=callback_url), **choice)
    answer = client.get(back)
    assert isinstance(answer, httpx.Response)
    return answer
