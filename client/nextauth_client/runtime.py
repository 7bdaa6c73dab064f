"""Where this Python runs: a page, a worker or a server; and what to do instead where a call has no meaning."""

import sys

from .errors import NotAvailableHere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .host import Host

# What to do on a server instead of a call that belongs in a page.
_INSTEAD = {
    "Provider": "ask with `await get_session(request)`, and give the answer to the page with `session_script`",
    "sign_in": "send the person to the backend's sign-in page, as `nextauth_server.login_required` does",
    "sign_out": "link to the backend's own page for it, such as /api/auth/signout",
    "update_session": "there is nothing to call: let the page do it",
    "auth_fetch": "call the API with an HTTP client of your own, such as httpx",
    "explain_error": "give it the code: `explain_error(code)`",
    "component": "there is no page to show anything in: render with your templates",
    "bind": "there is no page to serve: write the attributes, and let the page call it",
    "require_session": "use `nextauth_server.login_required`",
}


_make_host: "Optional[Callable[[], Host]]" = None


def make_hosts_by(make: "Optional[Callable[[], Host]]") -> None:
    """For tests: take this Python for a page's, whose hosts are made so; `None` ends that."""
    global _make_host
    _make_host = make


def is_browser() -> bool:
    """Whether this Python runs in a browser. Not found out by importing `js`: a server may have such a module."""
    return _make_host is not None or sys.platform in ("emscripten", "webassembly")


def page_host(caller: str) -> "Host":
    """The page's or worker's host. Raises `NotAvailableHere`, for `caller`, where there is none."""
    if not is_browser():
        instead = _INSTEAD.get(caller, "ask with `await get_session(request)`")
        raise NotAvailableHere(f"{caller}() belongs in a page, and this is none. On a server {instead}.")
    if _make_host is not None:
        return _make_host()
    from .browser import BrowserHost

    return BrowserHost()


def server_module() -> "Any":
    """The module that answers queries on a server; `None` in a browser."""
    if is_browser():
        return None
    try:
        import nextauth_server
    except ImportError as error:
        if error.name != "nextauth_server":
            raise
        raise ImportError("Asking from a Python server needs nextauth_server: pip install nextauth-server")
    return nextauth_server


def require_elements(caller: str) -> None:
    """Raises `NotAvailableHere`, for `caller`, where there is no page with elements."""
    if not is_browser():
        page_host(caller)
    from .bridge import is_page

    if not is_page():
        raise NotAvailableHere(
            f"{caller}() belongs in a page, and a worker has no elements: call it in a `<script>` without `worker`."
        )


def require_page(host: "Host", call: str, instead: str) -> None:
    """Raises `NotAvailableHere` where `call` would have to leave a page, and there is none."""
    if not host.can_navigate():
        raise NotAvailableHere(f"{call} leads to another page, which a worker cannot go to: {instead}.")


def refuse_request(request: "Any", caller: str) -> None:
    """Raises `NotAvailableHere` for a request that a page was given."""
    if request is not None:
        raise NotAvailableHere(
            f"{caller}(request) reads a request's cookie, which only a server has: "
            f"use nextauth_server there, and {caller}() in a page."
        )
