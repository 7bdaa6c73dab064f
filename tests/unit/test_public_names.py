"""What `from nextauth_client import *` gives."""

from __future__ import annotations

import inspect
import types
from typing import Any

import nextauth_client
import pytest
from nextauth_client import NotAvailableHere, Provider
from nextauth_client.events import UNSET

from tests.support.micropython import run_in_micropython

NAMES = {
    *("Provider", "use_session"),
    *("get_session", "get_csrf_token", "get_providers"),
    *("sign_in", "sign_out", "update_session"),
    *("effect", "component", "bind", "on_session_change", "require_session"),
    *("explain_error", "auth_fetch", "Response"),
    *("Session", "User", "SessionState", "SignInResult", "SignOutResult", "AuthProvider"),
    *("NextAuthError", "BackendUnreachable", "UnexpectedAnswer", "CSRFRefused", "UnsafeURL", "NotAvailableHere"),
    *("PopupFailed", "PopupBlocked", "PopupClosed", "PopupTimedOut", "CookiesBlocked"),
}

# Parameters with their defaults, as documented. `...` is a value of no meaning to a caller.
SIGNATURES: dict[str, str] = {
    "use_session": "session_type=Session, *, required=False",
    "get_session": "request=None, *, session_type=Session",
    "get_csrf_token": "request=None",
    "get_providers": "",
    "sign_in": (
        "provider=None, *, callback_url=None, redirect=True, popup=False, "
        "authorization_params=None, fields=None, **more_fields"
    ),
    "sign_out": "*, callback_url=None, redirect=True",
    "update_session": "data=None",
    "effect": "function",
    "component": "target",
    "bind": "root=None, *, messages=None",
    "require_session": "function=None, *, when=None",
    "on_session_change": "function",
    "auth_fetch": "url, *, method='GET', json=UNSET, data=None, headers=None, token=False, timeout=None",
    "explain_error": "code=UNSET, messages=None",
    "Provider": (
        "session=UNSET, *, client_max_age=0, keep_alive=0, base_url=None, base_path='/api/auth', "
        "refetch_on_focus=True, timeout=10, api_origins=(), expiring=60, "
        "idle_timeout=0, idle_warning=60, default=True, host=None"
    ),
    "SignInResult": "error=None, status=200, ok=True, url=None, code=None, page=None",
    "SignOutResult": "url",
}

METHODS = sorted(name for name in SIGNATURES if hasattr(Provider, name))


def written(function: Any) -> str:
    """The parameters of a function, as the table writes them."""
    parts = []
    star = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("self", "unknown"):  # `unknown` only refuses with a better message
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            parts.append(f"**{parameter.name}")
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        default = parameter.default
        if default is parameter.empty:
            parts.append(parameter.name)
        elif default is UNSET:
            parts.append(f"{parameter.name}=UNSET")
        else:
            parts.append(f"{parameter.name}={default.__name__ if isinstance(default, type) else repr(default)}")
    return ", ".join(parts)


def test_star_gives_exactly_the_public_names() -> None:
    namespace: dict[str, Any] = {}
    exec("from nextauth_client import *", namespace)
    namespace.pop("__builtins__")
    assert set(namespace) == set(nextauth_client.__all__)


def test_the_public_names_are_sorted_and_each_stands_once() -> None:
    assert nextauth_client.__all__ == sorted(set(nextauth_client.__all__))


def test_every_public_name_is_a_documented_one() -> None:
    assert set(nextauth_client.__all__) == NAMES


def test_nothing_else_in_the_package_looks_public() -> None:
    public = {
        name
        for name, value in vars(nextauth_client).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public == set(nextauth_client.__all__)


def test_the_version_stands_beside_them() -> None:
    assert nextauth_client.__version__.count(".") == 2


@pytest.mark.parametrize("name", nextauth_client.__all__)
def test_a_public_name_says_what_it_is(name: str) -> None:
    value = getattr(nextauth_client, name)
    assert value.__doc__
    assert value.__module__.startswith("nextauth_client.")


@pytest.mark.parametrize("name", sorted(set(SIGNATURES) & set(nextauth_client.__all__)))
def test_a_call_takes_what_is_documented(name: str) -> None:
    parameters = written(getattr(nextauth_client, name))
    assert parameters == SIGNATURES[name]


@pytest.mark.parametrize("name", METHODS)
def test_a_provider_has_the_same_call_as_a_method(name: str) -> None:
    assert written(getattr(Provider, name)) == written(getattr(nextauth_client, name))


def test_a_provider_has_all_the_calls_that_ask_act_or_follow() -> None:
    assert {
        *("use_session", "get_session", "get_csrf_token", "get_providers"),
        *("sign_in", "sign_out", "update_session", "on_session_change"),
        *("effect", "component", "bind", "require_session", "explain_error", "auth_fetch"),
    } == set(METHODS)
    for name in ("stop", "ready", "refresh", "current"):
        assert callable(getattr(Provider, name))
        assert getattr(Provider, name).__doc__


@pytest.mark.parametrize("name", ["get_session", "get_csrf_token", "get_providers", "auth_fetch"])
def test_queries_are_coroutines(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(nextauth_client, name))


@pytest.mark.parametrize("name", ["sign_in", "sign_out", "update_session"])
def test_actions_start_when_called(name: str) -> None:
    assert not inspect.iscoroutinefunction(getattr(nextauth_client, name))


def test_what_drives_a_page_says_on_a_server_that_there_is_none() -> None:
    for call in (
        lambda: nextauth_client.component("#who"),
        nextauth_client.bind,
        lambda: nextauth_client.require_session(print)("never"),
    ):
        with pytest.raises(NotAvailableHere, match="belongs in a page, and this is none"):
            call()


def test_a_browsers_python_without_a_document_says_so() -> None:
    code = """
from nextauth_client import NotAvailableHere, bind, component
for call in (bind, lambda: component("#who")):
    try:
        call()
    except NotAvailableHere as error:
        print(error)
"""
    words = "belongs in a page, and a worker has no elements: call it in a `<script>` without `worker`.\n"
    assert run_in_micropython(code) == f"bind() {words}component() {words}"
