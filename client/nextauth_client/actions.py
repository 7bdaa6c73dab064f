"""What a page can do at its backend: ask, sign in, sign out, update; and call its own API.

Checks what the page's author wrote, and has the driver carry it out.
"""

import asyncio

from . import runtime
from .console import warn_once
from .errors import PopupFailed
from .events import UNSET
from .jsontext import check_plain
from .options import refuse_javascript, refuse_unknown, similar
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, NoReturn, Optional, Union, overload

    from .calls import Body, Token
    from .driver import Driver
    from .flows import Flows
    from .host import Response
    from .options import JavaScriptSpelling
    from .session import AuthProvider, S, SignInResult, SignOutResult

SIGN_IN_OPTIONS = ("callback_url", "redirect", "popup", "authorization_params", "fields")
SIGN_OUT_OPTIONS = ("callback_url", "redirect")


class Actions:
    """The module's functions of the same names, for one driver."""

    def __init__(self, driver: "Driver") -> None:
        self._driver = driver
        self._sign_in_page: "Optional[asyncio.Task[SignInResult]]" = None  # on the way there

    @property
    def driver(self) -> "Driver":
        """Who carries them out, for tools."""
        return self._driver

    async def get_session(self, request: "Any" = None, *, session_type: "type[S]" = Session) -> "Optional[S]":  # type: ignore[assignment]
        """See `get_session`."""
        runtime.refuse_request(request, "get_session")
        data = await self._driver.callers.get_session()
        return None if data is None else session_type(data)

    async def get_csrf_token(self, request: "Any" = None) -> str:
        """See `get_csrf_token`."""
        runtime.refuse_request(request, "get_csrf_token")
        return await self._driver.act(self._driver.flows.get_csrf_token())

    async def get_providers(self) -> "dict[str, AuthProvider]":
        """See `get_providers`."""
        return await self._driver.act(self._driver.flows.get_providers())

    async def auth_fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        json: "Any" = UNSET,
        data: "Body" = None,
        headers: "Optional[Mapping[str, str]]" = None,
        token: "Token" = False,
        timeout: "Optional[float]" = None,
    ) -> "Response":
        """See `auth_fetch`."""
        from .calls import Call

        driver = self._driver
        call = Call(driver.host, driver.machine.options, url, method, json, data, headers, token, timeout)
        return await driver.act(call.send(driver))

    if TYPE_CHECKING:

        @overload
        def sign_in(
            self,
            provider: None = None,
            *,
            callback_url: Optional[str] = None,
            redirect: bool = True,
            popup: bool = False,
        ) -> asyncio.Task[SignInResult]: ...

        @overload
        def sign_in(
            self,
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
        self,
        provider: "Optional[str]" = None,
        *,
        callback_url: "Optional[str]" = None,
        redirect: bool = True,
        popup: bool = False,
        authorization_params: "Any" = None,
        fields: "Optional[Mapping[str, Any]]" = None,
        **more_fields: "Any",
    ) -> "asyncio.Task[SignInResult]":
        """See `sign_in`."""
        refuse_javascript(more_fields)
        if provider is not None and not isinstance(provider, str):
            raise TypeError(
                "sign_in(provider) takes the provider's id, such as 'google', or nothing for the sign-in page"
            )
        pinned, free = self._driver.wire.pinned_and_free(authorization_params)
        if pinned:
            warn_once("authorization_params: " + ", ".join(sorted(pinned)) + " are the server's own and were dropped.")
        if redirect or popup or provider is None:
            instead = "write `await sign_in('credentials', redirect=False, ...)`, or `<button data-auth-signin>` there"
            runtime.require_page(self._driver.host, "sign_in()", instead)
        for name in more_fields:
            meant = similar(name, SIGN_IN_OPTIONS)
            if meant:
                warn_once(
                    f"sign_in(): {name}= looks like {meant}=, and is sent as a form field. "
                    f"If it is one, write fields={{{name!r}: ...}}."
                )
        form = dict(fields or {})
        form.update(more_fields)
        driver = self._driver
        # Now, while the click is handled. Where none opens, the awaited task says so, as with any other failure.
        try:
            window = driver.host.open_popup() if popup else None
        except PopupFailed as failure:
            return driver.act(_fail(failure), "sign_in")
        return driver.act(driver.flows.sign_in(provider, callback_url, redirect, free, form, window), "sign_in")

    def sign_out(
        self, *, callback_url: "Optional[str]" = None, redirect: bool = True, **unknown: "NoReturn"
    ) -> "asyncio.Task[SignOutResult]":
        """See `sign_out`."""
        refuse_unknown(unknown, SIGN_OUT_OPTIONS)
        if redirect:
            runtime.require_page(self._driver.host, "sign_out()", "write `await sign_out(redirect=False)`")
        return self._driver.act(self._driver.flows.sign_out(callback_url, redirect), "sign_out")

    def update_session(self, data: "Any" = None) -> "asyncio.Task[Optional[Session]]":
        """See `update_session`."""
        check_plain(data)
        return self._driver.act(_update(self._driver.flows, data), "update_session")

    def require_sign_in(self) -> None:
        """Go to the sign-in page; all readers of one state go there together."""
        if self._sign_in_page is None or self._sign_in_page.done():
            self._sign_in_page = self._driver.act(self._leave())

    async def _leave(self) -> "SignInResult":
        """Rule 13: the sign-out of somebody who has idled would not outlive the page."""
        await self._driver.end_idling()
        return await self._driver.flows.require_sign_in()


async def _fail(error: PopupFailed) -> "NoReturn":
    await asyncio.sleep(0)  # who awaits this does so from the next turn on
    raise error


async def _update(flows: "Flows", data: "Any") -> "Optional[Session]":
    session = await flows.update_session(data)
    return None if session is None else Session(session)
