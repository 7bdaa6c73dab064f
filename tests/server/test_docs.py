"""Every snippet of docs/server.md does what the page says."""

import re
from types import ModuleType
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler

from scripts.steps import ROOT
from server_stub.auth import DEVELOPMENT_SECRET

from .conftest import Backend, Scripted
from .frameworks import App, Run

PAGE = (ROOT / "docs" / "server.md").read_text()
SNIPPETS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
[READS] = [snippet for snippet in SNIPPETS if "read_session" in snippet]
VIEWS = [snippet for snippet in SNIPPETS if "account" in snippet and snippet != READS]
PROXIES = [snippet for snippet in SNIPPETS if "auth_proxy" in snippet]
OTHERS = [one for one in SNIPPETS if not any(word in one for word in ("account", "environ", "auth_proxy"))]
[WSGI] = [snippet for snippet in SNIPPETS if "environ" in snippet]


def load(code: str, name: str = "app") -> ModuleType:
    module = ModuleType(name)
    exec(compile(code, "docs/server.md", "exec"), module.__dict__)
    return module


def app_of(code: str, run: Run) -> App:
    module = load(code)
    if hasattr(module, "urlpatterns"):
        return App(run, ASGIHandler(), is_async=True, urls=module)
    return App(run, module.app, is_async="async def" in code)


def test_the_page_has_a_snippet_for_each_way() -> None:
    assert (len(VIEWS), len(PROXIES), len(OTHERS)) == (6, 3, 8)


@pytest.mark.parametrize("code", [*VIEWS, WSGI])
def test_s8_a_snippet_of_the_page_knows_ada(code: str, run: Run, backend: Backend) -> None:
    answer = app_of(code, run).get("/account", cookie=backend.cookie)
    assert answer.status_code == 200
    shown = "csrfToken" if "csrf" in code else "Ada Lovelace"
    assert shown in answer.text
    assert "private" in answer.headers["cache-control"] and "Cookie" in answer.headers["vary"]


@pytest.mark.parametrize("code", [*VIEWS, WSGI])
def test_s8_a_snippet_of_the_page_knows_nobody(code: str, run: Run, backend: Backend) -> None:
    answer = app_of(code, run).get("/account")
    guarded = "login_required" in code or "session_dependency" in code
    assert answer.status_code == (401 if guarded else 200)
    if not guarded:
        assert any(text in answer.text for text in ("nobody", ">null<", "csrfToken"))


def test_a_page_with_the_session_in_it_is_shown_when_the_backend_is_down(run: Run, backend: Backend) -> None:
    [code] = [snippet for snippet in VIEWS if "session_script" in snippet]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTAUTH_URL", "http://127.0.0.1:1")
        answer = app_of(code, run).get("/account", cookie=backend.cookie)
    assert (answer.status_code, answer.text) == (200, "<!doctype html><head></head>")
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("code", [snippet for snippet in [*VIEWS, WSGI] if "session_script" not in snippet])
def test_the_others_say_that_the_backend_is_down(code: str, run: Run, backend: Backend) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTAUTH_URL", "http://127.0.0.1:1")
        answer = app_of(code, run).get("/account", cookie=backend.cookie)
    assert answer.status_code == 503
    assert "cannot be reached" in answer.text
    assert "private" in answer.headers["cache-control"] and "Cookie" in answer.headers["vary"]


def test_s9_the_form_of_the_page_comes_with_its_cookie(run: Run, backend: Backend) -> None:
    [code] = [snippet for snippet in VIEWS if "csrf" in snippet]
    answer: Any = app_of(code, run).get("/account")
    [token] = re.findall(r'value="(\w+)"', answer.text)
    assert any(value.startswith(f"next-auth.csrf-token={token}") for value in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize("code", PROXIES)
def test_a_backend_of_another_host_is_mounted(code: str, run: Run, scripted: Scripted) -> None:
    scripted.answer(200, '{"user": {"name": "Ada Lovelace"}}', ("Set-Cookie", "a=1; Domain=auth.example.org; Path=/"))
    answer = app_of(code.replace("https://auth.example.org", scripted.url), run).get("/api/auth/session?a=1")
    assert (answer.status_code, answer.json()) == (200, {"user": {"name": "Ada Lovelace"}})
    assert answer.headers["set-cookie"].strip() == "a=1; Path=/"
    assert [path for path, _ in scripted.seen] == ["/api/auth/session?a=1"]


@pytest.mark.parametrize("code", OTHERS)
def test_the_other_snippets_run(code: str) -> None:
    load(code)


def test_the_snippet_that_does_not_ask_knows_ada_and_sends_nothing(
    run: Run, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTAUTH_SECRET", DEVELOPMENT_SECRET)
    app = app_of(READS, run)
    assert app.get("/account", cookie=backend.cookie).text == "Ada Lovelace"
    assert app.get("/account").text == "nobody"
    assert backend.seen == []
