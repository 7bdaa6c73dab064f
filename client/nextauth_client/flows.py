"""sign_in, sign_out, update and the plain questions: sequences of protocol steps over a host.

Knows the wire's order of steps, not who is shown as signed in: a change is announced through `changes`.
"""

import asyncio

from . import protocol
from .errors import CSRFRefused, NextAuthError, PopupFailed, UnexpectedAnswer
from .session import SignInResult, SignOutResult
from .sync import ADOPT, CHANGED, LEAVING, NOTHING
from .urls import in_ascii, resolve, without_query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from .host import Early, Host, Popup
    from .session import AuthProvider

LOOK_AGAIN = 0.1  # seconds between two looks at a window of its own

# What somebody who knows the JavaScript client may write, and the Python word.
_JAVASCRIPT = {
    "callbackUrl": "callback_url",
    "authorizationParams": "authorization_params",
    "clientMaxAge": "client_max_age",
    "keepAlive": "keep_alive",
    "baseUrl": "base_url",
    "basePath": "base_path",
    "refetchOnWindowFocus": "refetch_on_focus",
    "refetchInterval": "keep_alive",
}


def refuse_javascript(names: "dict[str, Any]") -> None:
    """Raises `TypeError` for a JavaScript spelling among keyword names, with the Python word."""
    for name in names:
        if name in _JAVASCRIPT:
            raise TypeError(f"{name}= is the JavaScript spelling: write {_JAVASCRIPT[name]}=")


def refuse_unknown(names: "dict[str, Any]") -> None:
    """Raises `TypeError` for any keyword in `names`, which the call does not know."""
    refuse_javascript(names)
    for name in names:
        raise TypeError(f"unexpected keyword argument {name}=")


class Changes:
    """Told when a change begins and ends; this one tells nobody (an action without a Provider)."""

    def begin(self, change: object) -> None:
        """Before each request of a change."""

    def end(
        self,
        change: object,
        outcome: str,
        session: "Optional[dict[str, Any]]" = None,
        date: "Optional[float]" = None,
    ) -> None:
        """After its last; `outcome` as `sync.ChangeEnded` has it."""

    async def quiet(self) -> None:
        """Wait until no question is in the air: in a browser without cookies its answer sets a token's cookie, too."""

    async def is_signed_in(self) -> bool:
        """Ask whether somebody is, and let every tab know."""
        return False


class _Change:
    """One change, announced from before its first request until its answer is understood, or never came."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._end: "tuple[Any, ...]" = (NOTHING,)

    def __enter__(self) -> "_Change":
        self._changes.begin(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._changes.end(self, *self._end)

    def posts(self) -> None:
        """The POST goes out now: without an answer nobody knows whether it is done."""
        self.ends(CHANGED)
        self._changes.begin(self)

    def ends(self, outcome: str, session: "Optional[dict[str, Any]]" = None, date: "Optional[float]" = None) -> None:
        self._end = (outcome, session, date)


class Flows:
    """The steps towards one backend at the absolute URL `base`; `timeout` in seconds, for each request."""

    def __init__(self, host: "Host", base: str, timeout: float, changes: Changes) -> None:
        self._host = host
        self._base = base
        self._timeout = timeout
        self._changes = changes
        # Two parallel first requests for a token each set a cookie, and only the last is good (PROTOCOL.md, "CSRF").
        self._one_at_a_time = asyncio.Lock()

    async def _fetch(self, request: protocol.Request) -> protocol.Answer:
        return await self._host.fetch(request, self._timeout)

    # ── questions ────────────────────────────────────────────────────────────────────────────────

    async def ask_session(self, early: "Optional[Early]" = None) -> "tuple[Optional[dict[str, Any]], Optional[float]]":
        """The session as plain data or `None`, and the backend's clock. `early` has been asked already."""
        answer = await (early.wait() if early else self._fetch(protocol.session_request(self._base)))
        return protocol.understand_session(answer), answer.date

    async def get_csrf_token(self) -> str:
        await self._changes.quiet()
        async with self._one_at_a_time:
            return await self._csrf_token()

    async def _csrf_token(self) -> str:
        return protocol.understand_csrf(await self._fetch(protocol.csrf_request(self._base)))

    async def get_providers(self) -> "dict[str, AuthProvider]":
        async with self._one_at_a_time:  # v3 sets the token's cookie here too
            return protocol.understand_providers(await self._fetch(protocol.providers_request(self._base)))

    # ── actions ──────────────────────────────────────────────────────────────────────────────────

    async def sign_in(
        self,
        provider: "Optional[str]",
        callback_url: "Optional[str]",
        redirect: bool,
        authorization_params: "list[tuple[str, str]]",
        fields: "dict[str, Any]",
        popup: "Optional[Popup]" = None,
    ) -> SignInResult:
        """With `popup` what would leave the page goes on in that window, which is closed in the end."""
        try:
            return await self._sign_in(provider, callback_url, redirect, authorization_params, fields, popup)
        finally:
            if popup is not None:
                popup.close()

    async def _sign_in(
        self,
        provider: "Optional[str]",
        callback_url: "Optional[str]",
        redirect: bool,
        authorization_params: "list[tuple[str, str]]",
        fields: "dict[str, Any]",
        popup: "Optional[Popup]",
    ) -> SignInResult:
        callback_url = self._callback_url(callback_url)
        configured = None if provider is None else (await self.get_providers()).get(provider)
        if configured is None:
            await self._changes.quiet()  # the form of that page holds a token
            page = protocol.sign_in_page(self._base, callback_url)
            return await (self.leave_for(page) if popup is None else self._watch(popup, page, callback_url))
        if configured.type == "email":
            _check_address(fields.get("email"))
        stays = not redirect and configured.type in ("credentials", "email")  # S16

        def request(csrf_token: str) -> protocol.Request:
            assert configured is not None
            return protocol.sign_in_request(
                self._base, configured, csrf_token, callback_url, fields, authorization_params
            )

        # Only credentials change who is signed in now; the others do when the person comes back.
        changes = self._changes if configured.type == "credentials" else Changes()
        async with self._one_at_a_time:
            with _Change(changes) as change:
                answer = await self._post(request, change)
                url, result = protocol.understand_sign_in(answer, self._host.page_url(), callback_url)
                change.ends(NOTHING if not result.ok else CHANGED if stays else LEAVING)
                if result.error == "MissingCSRF":
                    raise _csrf_refused("sign in")
        if stays:
            return result
        if popup is not None and result.ok and configured.type not in ("credentials", "email"):
            return await self._watch(popup, url, callback_url)
        await self.leave_for(url)
        return result

    async def sign_out(self, callback_url: "Optional[str]", redirect: bool) -> SignOutResult:
        callback_url = self._callback_url(callback_url)
        async with self._one_at_a_time:
            with _Change(self._changes) as change:
                answer = await self._post(
                    lambda token: protocol.sign_out_request(self._base, token, callback_url), change
                )
                error, result = protocol.understand_sign_out(answer, self._host.page_url(), callback_url)
                change.ends(ADOPT if error is None else CHANGED, None, answer.date)
                if error == "MissingCSRF":
                    change.ends(NOTHING)
                    raise _csrf_refused("sign out")
                if error is not None:
                    raise UnexpectedAnswer(f"The backend refused to sign out ({error}). Look into its log.")
        if redirect:
            await self._host.navigate(result.url)
        return result

    async def update_session(self, data: "Any") -> "Optional[dict[str, Any]]":
        """`POST /session` (v4, v5): the new session as plain data, or `None` when nobody is signed in."""
        async with self._one_at_a_time:
            with _Change(self._changes) as change:
                answer = await self._post(
                    lambda token: protocol.update_request(self._base, token, data), change, protocol.is_update_refusal
                )
                if protocol.is_unknown_action(answer):
                    change.ends(NOTHING)
                    raise UnexpectedAnswer(
                        "This backend cannot update a session: NextAuth.js v4 and Auth.js v5 can, v3 cannot."
                    )
                if protocol.is_update_refusal(answer):
                    change.ends(NOTHING)
                    raise _csrf_refused("update the session")
                session = protocol.understand_session(answer)
                change.ends(ADOPT, session, answer.date)
        return session

    # ── steps ────────────────────────────────────────────────────────────────────────────────────

    async def _post(
        self,
        request: "Callable[[str], protocol.Request]",
        change: _Change,
        is_refusal: "Callable[[protocol.Answer], bool]" = protocol.is_csrf_refusal,
    ) -> protocol.Answer:
        """Fetch a token and post with it; once more with a fresh token if it was refused (rule 8)."""
        answer = await self._post_once(request, change)
        if is_refusal(answer):
            answer = await self._post_once(request, change)
        return answer

    async def _post_once(self, request: "Callable[[str], protocol.Request]", change: _Change) -> protocol.Answer:
        token = await self._csrf_token()
        change.posts()
        return await self._fetch(request(token))

    async def _watch(self, popup: "Popup", url: str, callback_url: str) -> SignInResult:
        """Until the sign-in in that window is over. Raises `PopupFailed` when it is closed and nobody has signed in.

        Nothing tells a page where a window of its own is, so it is looked at again and again.
        """
        popup.go(url)
        result: "Optional[SignInResult]" = None
        while result is None and not popup.is_closed():
            await asyncio.sleep(LOOK_AGAIN)
            address = await popup.address()
            if address is not None:
                result = protocol.understand_popup(address, callback_url)
        popup.close()
        if result is not None and not result.ok:
            return result
        if await self._changes.is_signed_in():
            return result or SignInResult(None, 200, True, callback_url, None)
        if result is not None:
            return SignInResult("Callback", 200, False, None, None)
        raise PopupFailed(
            "The window was closed before anybody had signed in: try again. If nobody closed it, this page's "
            "Cross-Origin-Opener-Policy hides the window: leave popup=True out."
        )

    async def leave_for(self, url: str) -> SignInResult:
        """Go to where a sign-in goes on."""
        self._host.note_departure()
        await self._host.navigate(url)
        return SignInResult(None, 200, True, url, None)

    def _callback_url(self, callback_url: "Optional[str]") -> str:
        """Absolute, because v3 never answers a relative one, and ASCII, because v5 puts it into a header."""
        page = self._host.page_url()
        if callback_url:
            return in_ascii(resolve(callback_url, page))
        # An error of the sign-in before, of whichever code, would be read as one of this sign-in.
        return page if protocol.error_in_page(page) is None else without_query(page, ("error", "code"))


def _check_address(email: object) -> None:
    if not isinstance(email, str) or "@" not in email:
        raise ValueError("Signing in by e-mail needs email='name@example.org', an address with an @.")


def _csrf_refused(what: str) -> NextAuthError:
    return CSRFRefused(
        f"The backend refused a fresh CSRF token, so it did not {what}. "
        "Check that cookies are allowed and that page and backend share one host."
    )
