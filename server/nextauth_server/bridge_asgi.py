"""The bridge as an ASGI app, over functions of an app's own: Starlette, FastAPI."""

import inspect
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from .bridge import (
    BadRequest,
    Bridge,
    Named,
    Reply,
    SignedIn,
    SignInRefused,
    Visit,
    check_length,
    note_end,
    noted_end,
    origin_of,
    parse_fields,
)
from .providers import (
    BEGUN,
    TIMEOUT,
    Begun,
    Provider,
    begin,
    check_audience,
    claims_options,
    end,
    log_failure,
    no_userinfo,
    registered,
    said,
    token_request,
)
from .requests import paths_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

Function = Callable[..., Any]  # sync or async


class ASGIBridge:
    """The endpoints as an app: `app.mount("/api/auth", bridge)`."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        user_of: Function,
        sign_in: Function,
        sign_out: Function,
        update: Function | None,
        may_try: Function | None,
        expires_of: Function | None,
        session_max_age: float,
        url: str | None,
        oauth: Any,
        provider_names: Mapping[str, str],
        sign_in_with: Function | None,
    ) -> None:
        self.bridge = bridge
        self.user_of = user_of
        self.sign_in = sign_in
        self.named = Named(sign_in, first=1)
        self.sign_out = sign_out
        self.update = update
        self.may_try = may_try
        self.expires_of = expires_of
        self.session_max_age = session_max_age
        self.url = url
        self.oauth = oauth
        self.provider_names = provider_names
        self.sign_in_with = sign_in_with
        self.takes_token = sign_in_with is not None and "token" in Named(sign_in_with, first=3).takes

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        from starlette.requests import ClientDisconnect, Request
        from starlette.responses import Response
        from starlette.websockets import WebSocketClose

        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await WebSocketClose()(scope, receive, send)
            return
        try:
            reply = await self._reply(Request(scope, receive))
        except BadRequest as error:
            reply = error.reply()
        except ClientDisconnect:
            return
        response = Response(reply.body, reply.status, reply.headers)
        for name, value, is_secure in reply.cookies:
            response.set_cookie(name, value, secure=is_secure, httponly=True, samesite="lax")
        await response(scope, receive, send)

    async def _reply(self, request: "Request") -> Reply:
        scope = request.scope
        root, action = paths_of(scope)
        host = request.headers.get("host") or ":".join(map(str, scope.get("server") or ()))
        is_form = request.method == "POST"
        fields = parse_fields(request.headers.get("content-type", ""), await _body(request)) if is_form else {}
        visit = Visit(
            method=request.method,
            base=(self.url or origin_of(scope["scheme"], host)) + root,
            action=action,
            query=dict(request.query_params),
            header=request.headers.get,
            cookies=request.cookies,
            fields=fields,
        )
        return await self.bridge.answer_async(visit, _Accounts(self, request))


class _Accounts:
    """An app's own functions, for one request."""

    def __init__(self, bridge: ASGIBridge, request: "Request") -> None:
        self.bridge = bridge
        self.request = request

    async def who(self) -> SignedIn | None:
        user = await _call(self.bridge.user_of, self.request)
        if user is None:
            return None
        if not isinstance(user, Mapping):
            raise TypeError("user_of gives what a page may know of the user, as a dict: {'name': 'Ada'}; or None")
        return SignedIn(user, user, await self._end())

    async def _end(self) -> datetime:
        if self.bridge.expires_of is not None:
            end = await _call(self.bridge.expires_of, self.request)
            if not isinstance(end, datetime) or end.tzinfo is None:
                raise TypeError("expires_of gives a datetime with a time zone: datetime.now(timezone.utc) + …")
            return end
        return noted_end(self._session_that_ends, self.bridge.session_max_age, datetime.now(timezone.utc))

    @property
    def _session_that_ends(self) -> MutableMapping[str, Any]:
        return self._session("or say when the session ends: expires_of=lambda request: …")

    def _session(self, or_else: str) -> MutableMapping[str, Any]:
        if "session" not in self.request.scope:
            raise RuntimeError(
                f"The bridge knows no session here. Add Starlette's SessionMiddleware to the app, {or_else}"
            )
        return self.request.session

    async def sign_in(self, fields: Mapping[str, str]) -> bool:
        bridge = self.bridge
        if bridge.may_try is not None and not await _call(bridge.may_try, self.request, fields):
            raise SignInRefused("TooManyRequests")
        given = bridge.named.of(fields)
        return given is not None and await self._is_signed_in(bridge.sign_in, **given)

    async def _is_signed_in(self, function: Function, /, *arguments: Any, **keywords: Any) -> bool:
        """Whether a function of the app's takes them, from now on."""
        session = self.request.scope.get("session", {})
        begun = session.get(BEGUN)
        if not await _call(function, self.request, *arguments, **keywords):
            return False
        if begun is not None:  # of other tabs, whatever the app has emptied the session of
            session[BEGUN] = begun
        if self.bridge.expires_of is None:
            note_end(self._session_that_ends, self.bridge.session_max_age, datetime.now(timezone.utc))
        return True

    async def sign_out(self) -> None:
        await _call(self.bridge.sign_out, self.request)

    async def update(self, data: Any) -> None:
        if self.bridge.update is not None:
            await _call(self.bridge.update, self.request, data)

    def providers(self) -> list[Provider]:
        return registered(self.bridge.oauth, self.bridge.provider_names)

    @property
    def _begun(self) -> MutableMapping[str, Any]:
        return self._session("which keeps what a sign-in with a provider has to remember.")

    async def begin(self, provider: str, redirect_uri: str, callback_url: str, parameters: Mapping[str, str]) -> str:
        session = self._begun
        try:
            with anyio.fail_after(TIMEOUT):
                authorization = await self.bridge.oauth.create_client(provider).create_authorization_url(redirect_uri)
            return begin(session, provider, authorization, callback_url, parameters)
        except Exception as problem:  # whatever a foreign server does is no fault of the app's
            log_failure(provider, problem)
            raise SignInRefused("OAuthSignin") from None

    def end(self, provider: str, state: str) -> Begun | None:
        return end(self._begun, provider, state)

    async def finish(self, begun: Begun, redirect_uri: str, code: str) -> bool:
        try:
            with anyio.fail_after(TIMEOUT):
                token, userinfo = await self._ask(begun, redirect_uri, code)
        except Exception as problem:
            log_failure(begun.provider, problem)
            raise SignInRefused("OAuthCallback") from None
        more = {"token": token} if self.bridge.takes_token else {}
        assert self.bridge.sign_in_with is not None
        return await self._is_signed_in(self.bridge.sign_in_with, begun.provider, userinfo, **more)

    async def _ask(self, begun: Begun, redirect_uri: str, code: str) -> tuple[Any, Mapping[str, Any]]:
        """The tokens for that code, and what the provider says of the person."""
        client = self.bridge.oauth.create_client(begun.provider)
        token = await client.fetch_access_token(**token_request(begun, redirect_uri, code))
        if "id_token" in token and begun.nonce is not None:
            options = claims_options(await client.load_server_metadata())
            userinfo = await client.parse_id_token(token, nonce=begun.nonce, claims_options=options)
            check_audience(userinfo, client.client_id)
        elif "userinfo_endpoint" in await client.load_server_metadata():
            userinfo = await client.userinfo(token=token)
        else:
            raise ValueError(no_userinfo(begun.provider))
        return token, said(begun, userinfo)


async def _call(function: Function, /, *arguments: Any, **keywords: Any) -> Any:
    """A sync function, which may be slow (a password's hash is), holds nobody else up."""
    call = partial(function, *arguments, **keywords)
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
    given = call() if is_async else await anyio.to_thread.run_sync(call)
    return await given if inspect.isawaitable(given) else given


async def _body(request: "Request") -> bytes:
    """Refused as soon as it is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        check_length(len(body))
    return bytes(body)
