"""What belongs in a page says so on a server, and nothing is needed to import the package."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nextauth_client
import pytest
from nextauth_client import NotAvailableHere

from scripts.steps import ROOT

from .conftest import Backend
from .frameworks import Run

WHAT_TO_CALL_INSTEAD = {
    "use_session": (nextauth_client.use_session, r"get_session\(request\)"),
    "on_session_change": (lambda: nextauth_client.on_session_change(print), r"get_session\(request\)"),
    "Provider": (nextauth_client.Provider, r"get_session\(request\).*session_script"),
    "sign_in": (lambda: nextauth_client.sign_in("credentials"), "login_required"),
    "sign_out": (nextauth_client.sign_out, "/signout"),
    "update_session": (nextauth_client.update_session, "let the page do it"),
}


@pytest.mark.parametrize(("name", "call", "instead"), [(name, *rest) for name, rest in WHAT_TO_CALL_INSTEAD.items()])
def test_s6_what_belongs_in_a_page_is_refused_with_what_to_call_instead(
    name: str, call: Callable[[], object], instead: str, backend: Backend
) -> None:
    with pytest.raises(NotAvailableHere, match=rf"^{name}\(\) belongs in a page.* On a server .*{instead}"):
        call()
    assert nextauth_client.Provider.current() is None
    assert backend.seen == []


@pytest.mark.parametrize("ask", [nextauth_client.get_session, nextauth_client.get_csrf_token])
def test_s6_a_forgotten_request_is_named(ask: Callable[[], object], backend: Backend, run: Run) -> None:
    with pytest.raises(NotAvailableHere, match=r"hand over the request"):
        run(ask())


def test_a_module_of_the_servers_own_that_is_called_js_is_not_taken_for_a_page(
    run: Run, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "js.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert run(nextauth_client.get_session(backend.cookie)).user.name == "Ada Lovelace"


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run with only the package, and no httpx or framework, to be imported."""
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, 'client'); {code}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_package_is_imported_without_the_servers() -> None:
    done = python("import nextauth_client; assert 'nextauth_server' not in sys.modules")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ask", ["get_session('a=b')", "get_csrf_token('a=b')", "get_providers()"])
def test_asking_without_the_servers_package_says_what_to_install(ask: str) -> None:
    done = python(f"import asyncio, nextauth_client; asyncio.run(nextauth_client.{ask})")
    assert done.stderr.rstrip().endswith("needs nextauth_server: pip install nextauth-server")


def test_a_servers_package_that_lacks_something_itself_says_what() -> None:
    code = "sys.path.insert(0, 'server'); import asyncio, nextauth_client; asyncio.run(nextauth_client.get_providers())"
    assert re.search("No module named '(httpx|anyio)'", python(code).stderr)
