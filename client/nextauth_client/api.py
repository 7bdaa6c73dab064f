"""The module's functions: they speak to the default Provider, or do without one.

Questions and actions need no Provider and start none that stays.
"""

from . import errors, protocol, runtime
from .actions import SIGN_OUT_OPTIONS, Actions
from .driver import Driver
from .events import UNSET
from .flows import Flows, Mutations
from .options import Options, base_address, refuse_unknown
from .provider import Provider, default_provider, forget_default, guarded
from .provider import component as component_in
from .session import Session, SessionState
from .store import Subscription

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any, Awaitable, Callable, Mapping, NoReturn, Optional, Union, overload

    from .calls import Body, Token
    from .host import Host, Response
    from .options import JavaScriptSpelling
    from .provider import Function, Guard, Guarded, P, T, When
    from .reactive import Effect
    from .session import AuthProvider, S, SignInResult, SignOutResult


def use_session(session_type: "type[S]" = Session, *, required: bool = False) -> "SessionState[S]":  # type: ignore[assignment]
    """Who is signed in: `session, loading = use_session()`, or `.status`, `.error`, `.refreshing` of the result.

    Inside an `effect` or `component` the read is followed; elsewhere it is a snapshot. With no Provider one is started
    with the defaults. `required=True` sends a signed-out person to the sign-in page. Raises `NotAvailableHere` on a
    server. Source: the reference's useSession.
    """
    return default_provider("use_session").use_session(session_type, required=required)


async def get_session(request: "Any" = None, *, session_type: "type[S]" = Session) -> "Optional[S]":  # type: ignore[assignment]
    """Ask the backend who is signed in: a `Session`, or `None` when it says nobody. Updates every tab.

    A server hands over the request that it answers; `nextauth_server` has more options there. Raises
    `BackendUnreachable` or `UnexpectedAnswer`; an unknown never becomes `None`. Source: the reference's getSession.
    """
    running = Provider.current()
    if request is None and running is not None:
        return await running.get_session(session_type=session_type)
    server = runtime.server_module()
    if server is not None:
        found: "Optional[S]" = await server.get_session(request, session_type=session_type)
        return found
    runtime.refuse_request(request, "get_session")
    driver = _driver_for_one_action("get_session")
    data = await driver.act(driver.callers.get_session())
    return None if data is None else session_type(data)


async def get_csrf_token(request: "Any" = None) -> str:
    """The CSRF token for a POST of your own; a server hands over the request that it answers.

    Raises `BackendUnreachable` or `UnexpectedAnswer`. Source: the reference's getCsrfToken.
    """
    running = Provider.current()
    if running is not None:
        return await running.get_csrf_token(request)
    server = runtime.server_module()
    if server is not None:
        return str(await server.get_csrf_token(request))
    runtime.refuse_request(request, "get_csrf_token")
    return await _flows("get_csrf_token").get_csrf_token()


async def get_providers() -> "dict[str, AuthProvider]":
    """The configured ways to sign in, by id and in the backend's order. Raises as `get_csrf_token`.

    Source: the reference's getProviders.
    """
    running = Provider.current()
    if running is not None:
        return await running.get_providers()
    server = runtime.server_module()
    if server is not None:
        found: "dict[str, AuthProvider]" = await server.get_providers()
        return found
    return await _flows("get_providers").get_providers()


async def auth_fetch(
    url: str,
    *,
    method: str = "GET",
    json: "Any" = UNSET,
    data: "Body" = None,
    headers: "Optional[Mapping[str, str]]" = None,
    token: "Token" = False,
    timeout: "Optional[float]" = None,
) -> "Response":
    """Send a request to the page's own API, as the person who is signed in; needs no Provider.

    - `url`: at the page's origin or one of `Provider(api_origins=…)`; cookies and token go nowhere else, and a redirect
      is not followed
    - `json`: what JSON can say; or `data`: a text, bytes, or a mapping that is sent as a form
    - `token=True` sends the session's `accessToken` as `Authorization: Bearer`; a text names another path in the
      session, such as "user.token". Where nobody is signed in, nothing is sent
    - `timeout`: seconds for all of it, by default the Provider's

    A 401 has the tabs ask once, together, who is signed in. Somebody is: the call is sent once more, but where it
    changes something and another person is; nobody: every reader follows. The 401 is the answer then, as it is where
    no Provider runs. A GET that is answered 429 or 503 with `Retry-After` is sent once more, if that is soon enough.
    Whoever cancels the task, or stops the Provider, aborts it. Whoever has idled is signed out before anything is sent.

    Raises `ValueError` or `TypeError` for what cannot be sent or may not go there, `BackendUnreachable` when nothing
    comes, `UnexpectedAnswer` for a redirect; other answers are a `Response`, whatever their status.
    """
    running = Provider.current()
    if running is not None:
        return await running.auth_fetch(
            url, method=method, json=json, data=data, headers=headers, token=token, timeout=timeout
        )
    from .calls import Call

    call = Call(runtime.page_host("auth_fetch"), Options(), url, method, json, data, headers, token, timeout)
    if token:
        session = await get_session()
        call.authorize(None if session is None else session.to_dict())
    return await call.send()


if TYPE_CHECKING:

    @overload
    def sign_in(
        provider: None = None,
        *,
        callback_url: Optional[str] = None,
        redirect: bool = True,
        popup: bool = False,
    ) -> asyncio.Task[SignInResult]: ...

    @overload
    def sign_in(
        provider: Optional[str],
        *,
        callback_url: Optional[str] = None,
        redirect: bool = True,
        popup: bool = False,
        authorization_params: Union[Mapping[str, object], str, None] = None,
        fields: Optional[Mapping[str, object]] = None,
        callbackUrl: JavaScriptSpelling = ...,
        redirectTo: JavaScriptSpelling = ...,
        authorizationParams: JavaScriptSpelling = ...,
        **more_fields: str,
    ) -> asyncio.Task[SignInResult]: ...


def sign_in(
    provider: "Optional[str]" = None,
    *,
    callback_url: "Optional[str]" = None,
    redirect: bool = True,
    popup: bool = False,
    authorization_params: "Any" = None,
    fields: "Optional[Mapping[str, Any]]" = None,
    **more_fields: "Any",
) -> "asyncio.Task[SignInResult]":
    """Sign in with the provider of that id, or go to the backend's sign-in page. Starts at once.

    - `callback_url`: where the person ends, by default here
    - `redirect=False`: stay, and await the result; for credentials and e-mail
    - `popup=True`: what would leave the page goes on in a window of its own, and this page stays; call it at once in
      the handler of a click, or the browser opens none. Credentials and e-mail do not need it
    - `authorization_params`: mapping or query string for the provider's authorization endpoint
    - all other keywords are form fields, such as `username=` or `email=`; `fields=` takes those whose names are taken

    The awaited `SignInResult` is truthy when the backend accepted it; what it accepts without signing anybody in (a
    mail that has been sent, v4 with passwords and database sessions) the session tells. Raises `BackendUnreachable`,
    `UnexpectedAnswer`, `CSRFRefused`, `UnsafeURL` or `PopupFailed` when awaited; else they are logged and shown as
    `.error`. Source: the reference's signIn.
    """
    return _actions("sign_in").sign_in(
        provider,
        callback_url=callback_url,
        redirect=redirect,
        popup=popup,
        authorization_params=authorization_params,
        fields=fields,
        **more_fields,
    )


def sign_out(
    *, callback_url: "Optional[str]" = None, redirect: bool = True, **unknown: "NoReturn"
) -> "asyncio.Task[SignOutResult]":
    """End the session, then reload the page or go to `callback_url`. Starts at once.

    With `redirect=False` the page stays, every reader is told, and the awaited result's `url` is the validated URL.
    Raises as `sign_in`; then nothing has changed. Source: the reference's signOut.
    """
    refuse_unknown(unknown, SIGN_OUT_OPTIONS)
    return _actions("sign_out").sign_out(callback_url=callback_url, redirect=redirect)


def update_session(data: "Any" = None) -> "asyncio.Task[Optional[Session]]":
    """Give `data` to the backend's jwt callback and take the session it answers (v4 and v5 backends). Starts at once.

    `data` is what JSON can say; other things raise `TypeError` or `ValueError` at the call. Raises as `sign_in` when
    awaited; a v3 backend has no such endpoint (`UnexpectedAnswer`).
    """
    return _actions("update_session").update_session(data)


def on_session_change(function: "Callable[[SessionState, SessionState], object]") -> Subscription:
    """Call `function(state, previous)` when the state changes, but not for `expires` alone. Also a decorator.

    Returns a handle with `.dispose()`.
    """
    return default_provider("on_session_change").on_session_change(function)


def component(target: "Any") -> "Callable[[Callable[[], object]], Effect]":
    """Decorator: the element `target` shows what the function returns, and follows what it read, as an `effect` does.

    - `target`: an element, or a selector that exactly one element in the page matches
    - the function returns text (always shown as text), an element, a list of these, or `None` for nothing; it may be
      async. The same output again touches nothing, and an element that stays keeps its focus and contents

    What is decorated becomes a handle with `.dispose()`, which takes the output out of the page. Raises `ValueError` or
    `TypeError` for the target, `NotAvailableHere` outside a page; later errors are reported with function and target.
    """
    return component_in(target)


def bind(root: "Any" = None, *, messages: "Optional[dict[str, str]]" = None) -> Subscription:
    """Serve the `data-auth-*` attributes (docs/pages.md) in the whole page, or below `root`, now and later.

    - `root`: an element, or a selector of exactly one
    - `messages`: sentences by error code, and by "authenticated" and "unauthenticated", instead of the English ones

    Returns a handle with `.dispose()`; `Provider.stop()` disposes of it too. Raises `RuntimeError` where another `bind`
    serves the same elements, `ValueError` or `TypeError` for the root, `NotAvailableHere` outside a page.
    """
    runtime.require_elements("bind")
    return default_provider("bind").bind(root, messages=messages)


def explain_error(code: "Any" = UNSET, messages: "Optional[dict[str, str]]" = None) -> str:
    """A sentence for people about an error `code`, as results, `.error.code` and `?error=` in a URL carry it.

    - `code`: without one, that which a failed redirect has put into this page's URL
    - `messages`: sentences by code that replace or add to ours (for translation); its key `"default"` serves codes
      nobody knows

    `None` or an empty code gives an empty text: nothing went wrong. On a server, without a code, raises
    `NotAvailableHere`.
    """
    if code is UNSET:
        running = Provider.current()
        if running is not None:
            return running.explain_error(code, messages)
        code = protocol.error_in_page(runtime.page_host("explain_error").page_url())
    return errors.explain_error(code, messages)


if TYPE_CHECKING:

    @overload
    def require_session(function: Callable[P, Awaitable[T]]) -> Guarded[P, T]: ...

    @overload
    def require_session(function: Callable[P, T]) -> Guarded[P, T]: ...

    @overload
    def require_session(*, when: Optional[When] = None) -> Guard: ...


def require_session(function: "Optional[Function]" = None, *, when: "Optional[When]" = None) -> "Any":
    """Decorator for handlers and pages: the function runs only when somebody is signed in.

    Somebody who is not is sent to sign in (`error=SessionRequired`), and the result is `None`. Before the first answer
    the call waits for it. A call starts at once and returns an `asyncio.Task`; the function may be async. It hides and
    guides only: the server decides what a person may see.

    `@require_session(when=lambda session: session.user.role == "admin")` runs it only for whom that is true, too; what
    it raises comes out of the task. `when="user.role=admin"` says it in the words of `data-auth-show`, of several of
    which one has to hold; `ValueError` for others. Whoever it does not hold for stays, and the result is `None`.
    """
    return guarded(lambda: default_provider("require_session"), function, when)


# ── where no Provider runs ───────────────────────────────────────────────────────────────────────


def _actions(caller: str) -> Actions:
    """Who carries out an action."""
    return Provider.current() or Actions(_driver_for_one_action(caller))


def _driver_for_one_action(caller: str) -> Driver:
    """It follows the rules that hold between tabs; an action starts it, and ends it. Raises `NotAvailableHere`."""
    host = runtime.page_host(caller)
    return Driver(host, protocol, _base(host), Options(refetch_on_focus=False))


def _base(host: "Host") -> str:
    return base_address(host.origin(), None, protocol.BASE_PATH)


_shared_flows: "list[Flows]" = []  # one for the page, because its requests take turns


def _flows(caller: str) -> Flows:
    """Who asks for tokens and providers."""
    if not _shared_flows:
        host = runtime.page_host(caller)
        _shared_flows.append(Flows(host, protocol, _base(host), Options().timeout, Mutations()))
    return _shared_flows[0]


def reset() -> None:
    """For tests: stop the default Provider, and begin the next page as if there had been none."""
    _shared_flows.clear()
    forget_default()
