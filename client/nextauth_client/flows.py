"""sign_in, sign_out, update and the plain queries: sequences of protocol steps over a host.

Knows the wire's order of steps, not who is shown as signed in: a mutation is announced through `mutations`.
"""

import asyncio

from .errors import (
    CookiesBlocked,
    CSRFRefused,
    NextAuthError,
    NotAvailableHere,
    PopupClosed,
    PopupTimedOut,
    UnexpectedAnswer,
)
from .events import ADOPT, CHANGED, NAVIGATED, NOTHING
from .session import SignInResult, SignOutResult
from .urls import scheme_of, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Protocol

    from .host import Answer, EarlyQuery, Host, Popup, Request
    from .session import AuthProvider

    Session = dict[str, Any]
    Resolve = Callable[[str], str]

    class Wire(Protocol):
        """The protocol of a kind of backend, as a value: `protocol` has it, and says what each of these does."""

        def session_request(self, base: str) -> Request: ...
        def understand_session(self, answer: Answer) -> Optional[Session]: ...
        def csrf_request(self, base: str) -> Request: ...
        def understand_csrf(self, answer: Answer) -> str: ...
        def providers_request(self, base: str) -> Request: ...
        def understand_providers(self, answer: Answer) -> dict[str, AuthProvider]: ...
        def pinned_and_free(self, params: Any) -> tuple[list[str], list[tuple[str, str]]]: ...
        def sign_in_page(self, base: str, callback_url: str, is_required: bool = False) -> str: ...
        def signs_in_at_once(self, provider: AuthProvider) -> bool: ...
        def check_fields(self, provider: AuthProvider, fields: dict[str, Any]) -> None: ...
        def sign_in_request(
            self,
            base: str,
            provider: AuthProvider,
            csrf_token: str,
            callback_url: str,
            fields: dict[str, Any],
            authorization_params: list[tuple[str, str]],
        ) -> Request: ...
        def understand_sign_in(
            self, answer: Answer, resolve: Resolve, callback_url: str
        ) -> tuple[str, SignInResult]: ...
        def understand_popup(self, address: str, callback_url: str) -> Optional[SignInResult]: ...
        def sign_out_request(self, base: str, csrf_token: str, callback_url: str) -> Request: ...
        def understand_sign_out(
            self, answer: Answer, resolve: Resolve, callback_url: str
        ) -> Optional[SignOutResult]: ...
        def is_csrf_refusal(self, answer: Answer) -> bool: ...
        def update_request(self, base: str, csrf_token: str, data: Any) -> Request: ...
        def understand_update(self, answer: Answer) -> Optional[Session]: ...
        def is_update_refusal(self, answer: Answer) -> bool: ...
        def is_unknown_action(self, answer: Answer) -> bool: ...
        def is_at_backend(self, address: str, base: str) -> bool: ...
        def error_in_page(self, page_url: str) -> Optional[str]: ...
        def without_error(self, page_url: str) -> str: ...


POLL_POPUP = 0.1  # seconds between two looks at a window of its own
POPUP_TIMEOUT = 300.0  # seconds that one which hides from the page may take


class Mutations:
    """Told when a mutation begins and ends; this one tells nobody: for tokens and lists, which change nothing."""

    def begin(self, mutation: object) -> None:
        """Before each request of a mutation."""

    def signs_out(self, mutation: object) -> None:
        """Once it has begun: what it does when it is done."""

    def has_signed_in(self) -> None:
        """Before the end of one that has signed somebody in."""

    def end(
        self,
        mutation: object,
        outcome: str,
        session: "Optional[dict[str, Any]]" = None,
        date: "Optional[float]" = None,
    ) -> None:
        """After its last; `outcome` as `events.MutationEnded` has it."""

    async def quiet(self) -> None:
        """Wait until no query is in flight: in a browser without cookies its answer sets a token's cookie, too."""

    async def is_signed_in(self) -> bool:
        """Ask whether somebody is, and let every tab know."""
        return False

    def newest(self) -> object:
        """What is known now, for `signed_in_since`."""

    async def signed_in_since(self, newest: object, timeout: float) -> bool:
        """Wait until any tab knows, later than that, of somebody who is signed in; `False` after so many seconds."""
        return False


class _Mutation:
    """One mutation, announced from before its first request until its answer is understood, or never came."""

    def __init__(self, mutations: Mutations) -> None:
        self._mutations = mutations
        self._end: "tuple[Any, ...]" = (NOTHING,)

    def __enter__(self) -> "_Mutation":
        self._mutations.begin(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._mutations.end(self, *self._end)

    def posts(self) -> None:
        """The POST goes out now: without an answer nobody knows whether it is done."""
        self.ends(CHANGED)
        self._mutations.begin(self)

    def ends(self, outcome: str, session: "Optional[dict[str, Any]]" = None, date: "Optional[float]" = None) -> None:
        self._end = (outcome, session, date)


class Flows:
    """The steps towards one backend at the absolute URL `base`; `timeout` in seconds, for each request."""

    def __init__(self, host: "Host", wire: "Wire", base: str, timeout: float, mutations: Mutations) -> None:
        self._host = host
        self._wire = wire
        self._base = base
        self.timeout = timeout
        self._mutations = mutations
        # Two parallel first requests for a token each set a cookie, and only the last is good (PROTOCOL.md, "CSRF").
        self._one_at_a_time = asyncio.Lock()
        self._other_slash = False  # the backend wants one at the end of each path, or none
        self._may_want_other_slash = True

    async def _fetch(self, request: "Request") -> "Answer":
        """Send it; once more to the path with a slash at its end when there was a redirect.

        No page sees where a redirect leads, and nothing of ours goes where it points; but a server that wants slashes
        (`trailingSlash: true` in Next.js) answers there.
        """
        if self._other_slash:
            answer = await self._host.fetch(request.with_other_slash(), self.timeout)
            if not answer.redirected and answer.status != 404:
                return answer
            self._other_slash = False  # it was learnt of somebody who answered in the backend's place
        answer = await self._host.fetch(request, self.timeout)
        if not answer.redirected:
            self._may_want_other_slash = True
        elif self._may_want_other_slash:
            answer = await self._host.fetch(request.with_other_slash(), self.timeout)
            self._other_slash = self._may_want_other_slash = not answer.redirected and answer.status < 400
        return answer

    # ── queries ──────────────────────────────────────────────────────────────────────────────────

    async def query_session(
        self, early: "Optional[EarlyQuery]" = None
    ) -> "tuple[Optional[dict[str, Any]], Optional[float]]":
        """The session as plain data or `None`, and the backend's clock. `early` has been sent already."""
        answer = await (early.wait() if early else self._fetch(self._wire.session_request(self._base)))
        return self._wire.understand_session(answer), answer.date

    async def get_csrf_token(self) -> str:
        await self._mutations.quiet()
        async with self._one_at_a_time:
            return await self._csrf_token()

    async def _csrf_token(self) -> str:
        return self._wire.understand_csrf(await self._fetch(self._wire.csrf_request(self._base)))

    async def get_providers(self) -> "dict[str, AuthProvider]":
        async with self._one_at_a_time:  # v3 sets the token's cookie here too
            answer = await self._fetch(self._wire.providers_request(self._base))
        return self._wire.understand_providers(answer)

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
            callback_url = self._callback_url(callback_url)
            configured = None if provider is None else (await self.get_providers()).get(provider)
            stays = not redirect and configured is not None and configured.needs_form
            if not stays and not self._host.can_navigate():
                raise NotAvailableHere(
                    f"{provider!r} leads to another page, which a worker cannot go to: let the page have "
                    f'`<button data-auth-signin="{provider}">` and nextauth-page.js.'
                )
            if configured is None:
                await self._mutations.quiet()  # the form of that page holds a token
                page = self._wire.sign_in_page(self._base, callback_url)
                return await (
                    self._leave_for(page, "signin") if popup is None else self._watch(popup, page, callback_url)
                )
            self._wire.check_fields(configured, fields)

            def request(csrf_token: str) -> "Request":
                return self._wire.sign_in_request(
                    self._base, configured, csrf_token, callback_url, fields, authorization_params
                )

            mutations = self._mutations if self._wire.signs_in_at_once(configured) else Mutations()
            async with self._one_at_a_time:
                with _Mutation(mutations) as mutation:
                    answer = await self._post("sign in", request, mutation, self._wire.is_csrf_refusal)
                    url, result = self._wire.understand_sign_in(answer, self._host.resolve, callback_url)
                    mutation.ends(NOTHING if not result.ok else CHANGED if stays else NAVIGATED)
                    if result.ok:
                        mutations.has_signed_in()
            if stays:
                return result
            if popup is not None and result.ok and not configured.needs_form:
                return await self._watch(popup, url, callback_url)
            if result.ok and not configured.needs_form:
                return await self._leave_for(url, "provider")
            await self._leave_for(url)
            return result
        finally:
            if popup is not None:
                popup.close()

    async def require_sign_in(self) -> SignInResult:
        """Go to the backend's sign-in page, which says that this page needs somebody signed in."""
        page = self._wire.sign_in_page(self._base, self._host.page_url(), True)
        return await self._leave_for(page, "signin")

    async def sign_out(self, callback_url: "Optional[str]", redirect: bool) -> "SignOutResult":
        callback_url = self._callback_url(callback_url)
        async with self._one_at_a_time:
            with _Mutation(self._mutations) as mutation:
                self._mutations.signs_out(mutation)
                answer = await self._post(
                    "sign out",
                    lambda token: self._wire.sign_out_request(self._base, token, callback_url),
                    mutation,
                    self._wire.is_csrf_refusal,
                )
                result = self._wire.understand_sign_out(answer, self._host.resolve, callback_url)
                if result is not None:
                    mutation.ends(ADOPT, None, answer.date)
        if result is None and await self._mutations.is_signed_in():
            raise UnexpectedAnswer("The backend signed nobody out: its answer is empty, and the session goes on.")
        result = result or SignOutResult(callback_url)
        if redirect:
            await self._host.navigate(result.url)
        return result

    async def update_session(self, data: "Any") -> "Optional[dict[str, Any]]":
        """The new session as plain data, or `None` when nobody is signed in."""
        async with self._one_at_a_time:
            with _Mutation(self._mutations) as mutation:
                answer = await self._post(
                    "update the session",
                    lambda token: self._wire.update_request(self._base, token, data),
                    mutation,
                    self._wire.is_update_refusal,
                )
                if self._wire.is_unknown_action(answer):
                    mutation.ends(NOTHING)
                session = self._wire.understand_update(answer)
                mutation.ends(ADOPT, session, answer.date)
        return session

    # ── steps ────────────────────────────────────────────────────────────────────────────────────

    async def _post(
        self,
        aim: str,
        request: "Callable[[str], Request]",
        mutation: _Mutation,
        is_refusal: "Callable[[Answer], bool]",
    ) -> "Answer":
        """Fetch a token and post with it; once more with a fresh token if it was refused (rule 8), and no more."""
        for _attempt in range(2):
            token = await self._csrf_token()
            mutation.posts()
            answer = await self._fetch(request(token))
            if not is_refusal(answer):
                return answer
        mutation.ends(NOTHING)
        raise await self._csrf_refused(aim)

    async def _watch(self, popup: "Popup", url: str, callback_url: str) -> SignInResult:
        """Until the sign-in in that window is over. Raises `PopupClosed`, or `PopupTimedOut` of one that hides.

        Nothing tells a page where a window of its own is, so it is looked at again and again. Of one that hides, the
        page hears what every tab hears: that somebody has signed in.
        """
        newest = self._mutations.newest()
        popup.go(url)
        result: "Optional[SignInResult]" = None
        looked_at = "about:blank"
        while result is None and not popup.is_closed():
            await asyncio.sleep(POLL_POPUP)
            address = await popup.address()
            if address is None or address == looked_at:
                continue
            looked_at = address
            result = self._wire.understand_popup(address, callback_url)
            if result is None and await self._has_arrived(address):
                result = SignInResult(url=address)
        if result is None and await popup.may_hide():
            if await self._mutations.signed_in_since(newest, POPUP_TIMEOUT):
                return SignInResult(url=callback_url)
            raise PopupTimedOut(
                "Nothing was heard of the window, which this page's Cross-Origin-Opener-Policy hides. Let it end on a "
                "page of this site that has a Provider, or leave popup=True out."
            )
        popup.close()
        if result is not None and not result.ok:
            return result
        if await self._mutations.is_signed_in():
            return result or SignInResult(url=callback_url)
        if result is not None:
            return SignInResult("Callback", ok=False)
        raise PopupClosed(
            "The window was closed before anybody had signed in: try again. If nobody closed it, the "
            "Cross-Origin-Opener-Policy of its page hides it: leave popup=True out."
        )

    async def _has_arrived(self, address: str) -> bool:
        """Whether the sign-in ended there, where a redirect callback or the server has led it; a page of the site's own
        may as well be one to sign in on.
        """
        return not self._wire.is_at_backend(address, self._base) and await self._mutations.is_signed_in()

    async def _leave_for(self, url: str, page: "Optional[str]" = None) -> SignInResult:
        """Go to where a sign-in goes on."""
        self._host.note_departure()
        await self._host.navigate(url)
        return SignInResult(url=url, page=page)

    async def _csrf_refused(self, aim: str) -> NextAuthError:
        refused = f"The backend refused a fresh CSRF token, so it did not {aim}. "
        if await self._host.blocks_cookies():
            return CookiesBlocked(
                refused
                + "This browser blocks cookies here, without which nobody can sign in: allow them for this site."
            )
        return CSRFRefused(refused + "Check that cookies are allowed and that page and backend share one host.")

    def _callback_url(self, callback_url: "Optional[str]") -> str:
        """Absolute, because v3 never answers a relative one, ASCII, because v5 puts it into a header, and http(s),
        because v4 and v5 keep it in a cookie, and fail with any other for ever after.
        """
        if callback_url:
            return self._host.resolve(callback_url)
        page = self._host.page_url()
        if not scheme_of(page):  # no origin, and no address that anybody else could go to
            page = split(self._base)[0] + "/"
        return self._host.resolve(self._wire.without_error(page))
