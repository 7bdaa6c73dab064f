"""The endpoints of NextAuth.js as one ASGI app, to be mounted at the base path.

It knows no folder to serve, no command line and no test faults. Requests are dispatched as in v4: by method
and first path segment, the second segment naming the provider. What differs between v3, v4 and v5 is in
``dialects.py``.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from smtplib import SMTPException
from typing import Any, TypeVar
from urllib.parse import urlencode

from nextauth_server.tokens import Claims
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from . import flow, oidc, pages
from .accounts import AccountNotLinked, Accounts, new_user
from .database import Database, DatabaseError
from .dialects import DIALECTS, Dialect, found
from .emails import MagicLinks, Mail, normalize_address
from .errors import CredentialsSignin, Refused, SentElsewhere
from .exchange import Exchange, RedirectCallback, read_body, read_exchange
from .limits import TooManyTries, Tries
from .oidc import OIDCProvider
from .origin import (
    client_address,
    is_local,
    is_loopback,
    parse_origin,
    refuse_other_sites,
    request_origin,
    resolve_callback_url,
)
from .pools import Busy, Pool
from .sessions import DatabaseSessions, JWTCallback, JWTSessions, SessionCallback, Sessions
from .users import DEMO_PASSWORDS, DEMO_USERS, User, authenticate, check_users

logger = logging.getLogger("server_stub")

DEVELOPMENT_SECRET = "development only: whoever reads this can forge sessions"
SECRET_LENGTH = 32
GOOD_SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
THIRTY_DAYS = 30 * 24 * 60 * 60
ONE_DAY = 24 * 60 * 60
LINK_LIFETIME = ONE_DAY  # as the real backends

ASSETS = {"style.css": "text/css", "ada.svg": "image/svg+xml", "icon.svg": "image/svg+xml"}

OWN_FIELDS = {"callbackUrl", "csrfToken", "json"}  # of a form with credentials, which are the protocol's

SESSIONS = ("jwt", "database")  # where they are kept

T = TypeVar("T")
Endpoint = Callable[[Exchange], Awaitable[Response]]
SignInCallback = Callable[[User, str], bool | str]
AuthorizeCallback = Callable[[Mapping[str, Any]], User | str | None]


def take_over_name(claims: Claims, update: object) -> Claims:
    """The default ``jwt`` callback: an update may change one's own name and nothing else."""
    name = update.get("name") if isinstance(update, dict) else None
    return {**claims, "name": name} if isinstance(name, str) and name else claims


class AuthApp:
    """``app.mount("/api/auth", AuthApp())`` gives a Starlette app the endpoints of v4.

    ``dialect`` is "v3", "v4" or "v5". Without a ``secret`` that nobody can guess only this machine is answered. ``url``
    is the public origin; without it the server must be reached by a loopback name or its own address. ``session`` says
    where sessions are kept, "jwt" for cookies or "database"; a row there gets a new lifetime when it is
    ``session_update_age`` old.
    ``trust_proxy`` believes X-Forwarded-Proto and X-Forwarded-Host. ``jwt_callback(claims, update)`` returns
    the claims to keep each time a session is written, with the data of an update or None.
    ``session_callback(session, claims)`` returns what a client may know. ``authorize(credentials)`` returns the user
    whose they are, None or a URL to go to instead; the default looks into ``users``.
    ``sign_in_callback(user, provider)`` says whether a user may sign in: True, False or a URL to go to instead.
    ``redirect_callback(url, origin)`` returns where to go after a sign-in or sign-out; the default stays on this
    origin. ``magic_links`` adds sign-in by e-mail, ``providers`` sign-in at OpenID providers. Users who come by them
    are kept in ``database``, which is in memory unless one is given. Times are seconds.
    """

    def __init__(
        self,
        *,
        dialect: str = "v4",
        users: Mapping[str, User] = DEMO_USERS,
        secret: str = DEVELOPMENT_SECRET,
        session: str = "jwt",
        session_max_age: float = THIRTY_DAYS,
        session_update_age: float = ONE_DAY,
        url: str | None = None,
        trust_proxy: bool = False,
        jwt_callback: JWTCallback = take_over_name,
        session_callback: SessionCallback = lambda session, claims: session,
        authorize: AuthorizeCallback | None = None,
        sign_in_callback: SignInCallback = lambda user, provider: True,
        redirect_callback: RedirectCallback = resolve_callback_url,
        magic_links: MagicLinks | None = None,
        providers: Sequence[OIDCProvider] = (),
        database: Database | None = None,
    ) -> None:
        if not secret:
            raise ValueError("the secret must not be empty")
        if url is not None:
            url, host = parse_origin(url)
            if secret == DEVELOPMENT_SECRET and not is_loopback(host):
                raise ValueError(f"{url} needs a secret of its own: anyone can forge the default's sessions")
            if is_guessable(secret) and not is_loopback(host):
                raise ValueError(f"{url} needs a secret that nobody can guess, such as {GOOD_SECRET} prints")
        if dialect not in DIALECTS:
            raise ValueError(f"{dialect!r} is not a dialect; choose one of {', '.join(DIALECTS)}")
        check_users(users)
        check_ids([provider.id for provider in providers])
        check_callbacks(
            authorize=authorize,
            jwt_callback=jwt_callback,
            redirect_callback=redirect_callback,
            session_callback=session_callback,
            sign_in_callback=sign_in_callback,
        )
        if session not in SESSIONS:
            raise ValueError(f"sessions are kept in {' or '.join(SESSIONS)}, not {session!r}")
        self.dialect: Dialect = DIALECTS[dialect]
        self.users = users
        self.secret = secret
        self.can_be_forged = secret == DEVELOPMENT_SECRET or is_guessable(secret)
        self.url = url
        self.trust_proxy = trust_proxy
        self.authorize = authorize or self.check_password
        self.sign_in_callback = sign_in_callback
        self.redirect_callback = redirect_callback
        self.magic_links = magic_links
        self.providers = {provider.id: provider for provider in providers}
        self.database = database or Database()
        jwt_sessions = JWTSessions(self.dialect, secret, session_max_age, jwt_callback, session_callback)
        self.sessions: Sessions = jwt_sessions
        if session == "database":
            self.sessions = DatabaseSessions(
                self.dialect,
                secret,
                session_max_age,
                session_update_age,
                self.database,
                users.values(),
                jwt_sessions,
            )
        self.wrong_passwords = Tries(of_pair=20, of_name=100, of_address=100, seconds=60, waits=True)
        self.mails = Tries(of_pair=10, of_name=10, of_address=100, seconds=600)
        # A password is slow to check by design, a mail server may take its time, and so may what an author has written.
        self.checks = Pool("passwords", 4, most=200)
        self.posts = Pool("mails", 4, most=100)
        self.permissions = Pool("sign-in callback", 4)
        self.endpoints: Mapping[tuple[str, str], Endpoint] = {
            ("GET", "assets"): self.get_asset,
            ("GET", "callback"): self.get_callback,
            ("GET", "csrf"): self.get_csrf,
            ("GET", "error"): self.get_error,
            ("GET", "providers"): self.get_providers,
            ("GET", "session"): self.get_session,
            ("GET", "signin"): self.get_signin,
            ("GET", "signout"): self.get_signout,
            ("GET", "verify-request"): self.get_verify_request,
            ("POST", "callback"): self.post_callback,
            ("POST", "signin"): self.post_signin,
            ("POST", "signout"): self.post_signout,
            **({("POST", "_log"): self.post_log} if self.dialect.has_log else {}),
            **({("POST", "session"): self.post_session} if self.dialect.has_update else {}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        assert scope["type"] == "http", "the auth endpoints speak only HTTP"
        try:
            response = await self.answer(Request(scope, receive))
        except Refused as refusal:
            response = self.dialect.refused(refusal.message, refusal.status)
        except DatabaseError:
            logger.exception("The database does not do what it is asked to")
            response = self.dialect.refused("There is a problem with the server configuration.", 500)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        dialect = self.dialect
        origin = request_origin(request, self.url, self.trust_proxy)
        if self.can_be_forged and not is_local(request, origin):
            raise Refused(
                "Error: the secret is the default, which is published, or can be guessed, and with it anyone can forge "
                "sessions: it is for this machine alone. Set another with AuthApp(secret=…), --secret or "
                f"NEXTAUTH_SECRET, such as {GOOD_SECRET} prints.",
                403,
            )
        refuse_other_sites(request, origin)
        base_path = request.scope.get("root_path", "")
        action, provider, *more = [*filter(None, request.scope["path"].removeprefix(base_path).split("/")), "", ""]
        body = await read_body(request) if request.method == "POST" else {}
        exchange = None
        failed = False
        try:
            endpoint = self.endpoints.get((request.method, action))
            if endpoint is None or not (dialect.long_paths or is_short(action, provider, more)):
                raise dialect.unsupported(request.method, action, origin + base_path)
            exchange = read_exchange(
                request,
                body,
                dialect=dialect,
                origin=origin,
                address=client_address(request, self.trust_proxy),
                provider=provider,
                secret=self.secret,
                redirect_callback=self.redirect_callback,
            )
            response = await endpoint(exchange)
        except SentElsewhere as failure:
            as_json = dialect.wants_json(request.headers, body)
            response = JSONResponse({"url": failure.url}, failure.status) if as_json else found(failure.url)
            failed = True
            if failure.reason:
                logger.error("%s %.100r is a configuration error: %s", request.method, action, failure.reason)
        if exchange is not None and action not in dialect.quiet_endpoints:
            for cookie in exchange.set_cookies:
                # Who is refused gets no cookie, but may be rid of those of what is over.
                if not failed or (dialect.failures_delete_cookies and not cookie.value):
                    response.headers.append("Set-Cookie", cookie.header())
        return response

    async def get_csrf(self, exchange: Exchange) -> Response:
        return JSONResponse({"csrfToken": exchange.csrf_token}, headers=self.dialect.not_cached)

    async def get_providers(self, exchange: Exchange) -> Response:
        known = [
            ("credentials", "Credentials", "credentials"),
            *([("email", self.dialect.email_name, "email")] if self.magic_links else []),
            *((provider.id, provider.name, self.dialect.oidc_type) for provider in self.providers.values()),
        ]
        providers = {
            id: {
                "id": id,
                "name": name,
                "type": kind,
                "signinUrl": f"{exchange.base_url}/signin/{id}",
                "callbackUrl": f"{exchange.base_url}/callback/{id}",
            }
            for id, name, kind in known
        }
        return JSONResponse(providers)

    async def get_session(self, exchange: Exchange) -> Response:
        return JSONResponse(await self.sessions.roll(exchange), headers=self.dialect.not_cached)

    async def post_session(self, exchange: Exchange) -> Response:
        """``update()``: roll the session and offer the data to the ``jwt`` callback."""
        if not exchange.csrf_verified:
            exchange.set_cookies.clear()
            return JSONResponse(self.dialect.nobody, 400)
        return JSONResponse(await self.sessions.roll(exchange, exchange.body.get("data")))

    async def get_signin(self, exchange: Exchange) -> Response:
        if exchange.provider and not self.dialect.long_paths:
            raise self.dialect.unknown_provider("GET", "signin", exchange.base_url)
        page = pages.sign_in(
            base_path=exchange.base_path,
            csrf_token=exchange.csrf_token,
            callback_url=exchange.callback_url,
            error=exchange.query.get("error"),
            csrf_failed=exchange.query.get("csrf") == "true",
            hint=DEMO_PASSWORDS if self.users is DEMO_USERS else None,
            with_email=self.magic_links is not None,
            providers=[(provider.id, provider.name) for provider in self.providers.values()],
        )
        return page_response(page)

    async def post_signin(self, exchange: Exchange) -> Response:
        if not exchange.csrf_verified:
            raise self.dialect.csrf_failed("signin", exchange.base_url)
        if exchange.provider == "email" and self.magic_links:
            return await self.send_link(exchange, self.magic_links)
        if exchange.provider in self.providers:
            return await self.go_to_provider(exchange, self.providers[exchange.provider])
        if exchange.provider != "credentials" and (exchange.provider or self.dialect.long_paths):
            raise self.dialect.unknown_sign_in(exchange.base_url)
        return exchange.redirect(f"{exchange.base_url}/signin")

    async def get_callback(self, exchange: Exchange) -> Response:
        if exchange.provider == "email" and self.magic_links:
            return await self.follow_link(exchange)
        if exchange.provider in self.providers:
            return await self.come_from_provider(exchange, self.providers[exchange.provider])
        if exchange.provider != "credentials":
            raise self.dialect.unknown_provider("GET", "callback", exchange.base_url)
        raise self.dialect.no_get_callback(exchange.base_url)

    async def post_callback(self, exchange: Exchange) -> Response:
        """Check the name and the password, and start a session."""
        if exchange.provider != "credentials":
            raise self.dialect.unknown_provider("POST", "callback", exchange.base_url)
        if not exchange.csrf_verified:
            raise self.dialect.csrf_failed("callback", exchange.base_url)
        user = await self.ask_who_it_is(exchange)
        if isinstance(user, str):
            return exchange.redirect(user)
        elsewhere = await self.ask_whether_allowed(exchange, user)
        if elsewhere is None:
            await self.sessions.start_with_password(exchange, user)
        return elsewhere or exchange.redirect(exchange.callback_url)

    async def ask_who_it_is(self, exchange: Exchange) -> User | str:
        """Whose the credentials are, or where they lead instead."""
        username = exchange.body.get("username", "")
        if not isinstance(username, str):
            raise self.dialect.wrong_credentials(exchange.base_url)
        # Counted before it is known to be wrong: checking takes time, in which others are tried.
        try:
            in_time = await self.wrong_passwords.begin(username, exchange.address)
        except TooManyTries:
            raise self.dialect.too_many_tries(exchange.base_url) from None
        credentials = {name: value for name, value in exchange.body.items() if name not in OWN_FIELDS}
        code = CredentialsSignin().code
        try:
            user = await self.checks.run(self.authorize, credentials)
        except Busy:
            raise self.dialect.too_many_tries(exchange.base_url) from None
        except CredentialsSignin as refusal:
            user, code = None, refusal.code
        except Exception as problem:
            logger.exception("The authorize callback failed")
            raise self.dialect.authorize_failed(exchange.base_url, str(problem)) from None
        if user is None:
            if not in_time:
                raise self.dialect.too_many_tries(exchange.base_url)
            raise self.dialect.wrong_credentials(exchange.base_url, code)
        self.wrong_passwords.succeeded(username, exchange.address, counted=in_time)
        return user

    def check_password(self, credentials: Mapping[str, Any]) -> User | None:
        """The default ``authorize`` callback."""
        username, password = credentials.get("username"), credentials.get("password")
        if not isinstance(username, str) or not isinstance(password, str):
            return None
        return authenticate(self.users, username, password)

    async def send_link(self, exchange: Exchange, links: MagicLinks) -> Response:
        address = normalize_address(exchange.body.get("email"), needs_dot=self.dialect.addresses_need_dot)
        if address is None:
            raise self.dialect.mail_failed(exchange.base_url)
        try:
            await self.mails.begin(address, exchange.address)
        except TooManyTries:
            raise self.dialect.too_many_tries(exchange.base_url) from None
        known = await self.with_accounts(lambda accounts: accounts.with_email(address))
        elsewhere = await self.ask_whether_allowed(exchange, known or new_user(address))
        if elsewhere is not None:
            return elsewhere
        token = secrets.token_hex(32)
        await self.expect_link(token, address)
        query = {"token": token, "email": address}
        if self.dialect.names_callback_url_in_mail:
            query = {"callbackUrl": exchange.callback_url, **query}
        link = f"{exchange.base_url}/callback/email?{urlencode(query)}"
        try:
            await self.posts.run(links.send, Mail(address, link, time.time()))
        except Busy:
            raise self.dialect.too_many_tries(exchange.base_url) from None
        except (OSError, SMTPException):
            logger.exception("The mail server does not take the mail")
            raise self.dialect.mail_failed(exchange.base_url) from None
        return exchange.redirect(f"{exchange.base_url}/verify-request?provider=email&type=email")

    async def expect_link(self, token: str, address: str) -> None:
        expires = datetime.now(timezone.utc) + timedelta(seconds=LINK_LIFETIME)
        hashed = self.hash_of(token)
        await self.database.run(lambda adapter: adapter.create_verification_token(address, hashed, expires))

    def hash_of(self, token: str) -> str:
        """What is stored of a token: whoever can read the database still has no link."""
        return hashlib.sha256(f"{token}{self.secret}".encode(errors="replace")).hexdigest()

    async def follow_link(self, exchange: Exchange) -> Response:
        token, address = exchange.query.get("token"), exchange.query.get("email", "")
        if not token:
            raise self.dialect.link_without_token(exchange.base_url)
        # The address as it was stored: nothing else can be found, and not everything can be asked for.
        if normalize_address(address, needs_dot=False) != address:
            raise SentElsewhere(f"{exchange.base_url}/error?error=Verification")
        hashed = self.hash_of(token)
        expires = await self.database.run(lambda adapter: adapter.use_verification_token(address, hashed))
        if expires is None or expires < datetime.now(timezone.utc):
            raise SentElsewhere(f"{exchange.base_url}/error?error=Verification")
        known = await self.with_accounts(lambda accounts: accounts.with_email(address))
        elsewhere = await self.ask_whether_allowed(exchange, known or new_user(address))
        if elsewhere is None:
            signed_in = await self.sessions.user_id(exchange)
            user = await self.with_accounts(lambda accounts: accounts.sign_in_by_email(address, signed_in))
            self.mails.succeeded(address, exchange.address)
            await self.sessions.start(exchange, user)
        return elsewhere or exchange.redirect(exchange.callback_url)

    async def go_to_provider(self, exchange: Exchange, provider: OIDCProvider) -> Response:
        try:
            url, started = await oidc.start(
                provider,
                origin=exchange.origin,
                redirect_uri=f"{exchange.base_url}/callback/{provider.id}",
                parameters=exchange.query,
            )
        except oidc.SignInFailed:
            raise self.dialect.provider_unreachable(exchange.base_url) from None
        exchange.set_cookies += flow.remember(exchange, started, self.secret)
        return exchange.redirect(url)

    async def come_from_provider(self, exchange: Exchange, provider: OIDCProvider) -> Response:
        """Check what the provider sends, find out which user it means, and start a session."""
        if self.dialect.failures_end_flow:
            exchange.set_cookies += flow.forget(exchange)
        if "error" in exchange.query:
            logger.warning("%s answers with the error %.100r", provider.id, exchange.query["error"])
            raise self.dialect.provider_refused(exchange.base_url)
        started = flow.read(exchange, self.secret)
        if started is None:
            raise self.dialect.flow_not_started(exchange.base_url)
        try:
            account, profile = await oidc.finish(
                provider,
                origin=exchange.origin,
                redirect_uri=f"{exchange.base_url}/callback/{provider.id}",
                query=exchange.query,
                flow=started,
            )
        except oidc.SignInFailed:
            raise self.dialect.flow_failed(exchange.base_url) from None
        if not self.dialect.failures_end_flow:
            exchange.set_cookies += flow.forget(exchange)
        known = await self.with_accounts(lambda accounts: accounts.with_account(account))
        elsewhere = await self.ask_whether_allowed(exchange, known or profile)
        if elsewhere is not None:
            return elsewhere
        session_user = await self.sessions.user_id(exchange)

        def sign_in(accounts: Accounts) -> User:
            signed_in = accounts.with_id(session_user) if session_user else None
            own = provider.has_own_users and any(user.id == profile.id for user in self.users.values())
            same_user = accounts.with_email(profile.email) if own else None
            return accounts.sign_in_by_provider(account, profile, signed_in, same_user=same_user)

        try:
            user = await self.with_accounts(sign_in)
        except AccountNotLinked:
            raise self.dialect.account_not_linked(exchange.base_url) from None
        await self.sessions.start(exchange, user)
        return exchange.redirect(exchange.callback_url)

    async def with_accounts(self, work: Callable[[Accounts], T]) -> T:
        return await self.database.run(lambda adapter: work(Accounts(adapter, self.users.values())))

    async def ask_whether_allowed(self, exchange: Exchange, user: User) -> Response | None:
        """Nothing if the sign-in callback lets the user in, else where it sends the user."""
        try:
            allowed = await self.permissions.run(self.sign_in_callback, user, exchange.provider)
        except Exception as problem:
            logger.exception("The sign-in callback failed")
            raise self.dialect.sign_in_callback_failed(exchange.base_url, exchange.provider, str(problem)) from None
        if allowed and isinstance(allowed, str):
            stays = self.dialect.asks_where_sign_in_callback_leads
            return exchange.redirect(self.redirect_callback(allowed, exchange.origin) if stays else allowed)
        # Nothing else lets somebody in, such as a coroutine that nobody awaits.
        if allowed is not True:
            raise self.dialect.access_denied(exchange.base_url, exchange.provider)
        return None

    async def get_verify_request(self, exchange: Exchange) -> Response:
        has_inbox = self.magic_links is not None and self.magic_links.has_page
        return page_response(pages.verify_request(base_path=exchange.base_path, has_inbox=has_inbox))

    async def get_signout(self, exchange: Exchange) -> Response:
        page = pages.sign_out(
            base_path=exchange.base_path, csrf_token=exchange.csrf_token, callback_url=exchange.callback_url
        )
        return page_response(page)

    async def post_signout(self, exchange: Exchange) -> Response:
        if not exchange.csrf_verified:
            raise self.dialect.csrf_failed("signout", exchange.base_url)
        await self.sessions.end(exchange)
        return exchange.redirect(exchange.callback_url)

    async def get_error(self, exchange: Exchange) -> Response:
        exchange.set_cookies.clear()
        error = exchange.query.get("error", "")
        if error in self.dialect.shown_at_sign_in:
            return found(f"{exchange.base_url}/signin?{urlencode({'error': error})}")
        page, status = pages.error(error, base_path=exchange.base_path, home=exchange.origin)
        return page_response(page, status)

    async def post_log(self, exchange: Exchange) -> Response:
        """A browser reports an error of its own. The code alone is logged: the rest may hold anything."""
        logger.warning("A client reports %.100r", exchange.body.get("code"))
        return Response()

    async def get_asset(self, exchange: Exchange) -> Response:
        exchange.set_cookies.clear()
        if exchange.provider not in ASSETS:
            raise Refused("Not Found", 404)
        path = Path(__file__).parent / "assets" / exchange.provider
        return FileResponse(path, media_type=ASSETS[exchange.provider], headers={"Cache-Control": "no-cache"})


def is_guessable(secret: str) -> bool:
    """Whether somebody who has a cookie may find out by trying what it was made with."""
    return len(secret) < SECRET_LENGTH or len(set(secret)) < 8


def check_ids(ids: Sequence[str]) -> None:
    """ValueError if these cannot be the ids of providers: two of one name, or a name that means something else."""
    for id in ids:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", id) or id in ("credentials", "email") or ids.count(id) > 1:
            raise ValueError(f"a provider needs an id of its own, in small letters, digits, - and _, not {id!r}")


def check_callbacks(**callbacks: Callable[..., Any] | None) -> None:
    """TypeError if one of them would have to be awaited."""
    for name, callback in callbacks.items():
        if inspect.iscoroutinefunction(callback):
            raise TypeError(f"{name} must be a plain function, without async")


def is_short(action: str, provider: str, more: list[str]) -> bool:
    """Whether a path has nothing that its action does not need."""
    return not any(more) and (not provider or action in ("assets", "callback", "signin"))


def page_response(page: str, status: int = 200) -> Response:
    return HTMLResponse(page, status, headers=pages.SECURITY_HEADERS)
