"""A folder of pages with the auth endpoints beside it, as one app."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from .auth import DEVELOPMENT_SECRET, ONE_DAY, THIRTY_DAYS, AuthApp
from .database import Database
from .dev_controls import DevControls, State
from .emails import MagicLinks
from .errors import Refused
from .identity_provider import PATH as IDP_PATH
from .identity_provider import DevIdentityProvider
from .inbox import PATH as INBOX_PATH
from .inbox import Inbox
from .oidc import OIDCProvider
from .origin import request_origin
from .proxy import Proxy
from .static import StaticFolder
from .users import DEMO_USERS, User


class AuthFirst:
    """The auth endpoints, past the routes: a page asks for its session far more often than for anything else."""

    def __init__(self, app: ASGIApp, auth: AuthApp, base_path: str) -> None:
        self.app = app
        self.auth = auth
        self.base_path = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root_path = scope.get("root_path", "") + self.base_path
        if scope["type"] == "http" and scope["path"].startswith(f"{root_path}/"):
            await self.auth({**scope, "root_path": root_path}, receive, send)
        else:
            await self.app(scope, receive, send)


class KnownHost:
    """An app that answers by the names that the auth endpoints have, and by no other.

    A page that makes its own name resolve to this machine (DNS rebinding) must not read the folder.
    """

    def __init__(self, app: ASGIApp, auth: AuthApp) -> None:
        self.app = app
        self.auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        try:
            request_origin(Request(scope), self.auth.url, self.auth.trust_proxy)
        except Refused as refusal:
            await PlainTextResponse(refusal.message, refusal.status)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def create_app(
    directory: str | os.PathLike[str] = ".",
    *,
    base_path: str = "/api/auth",
    dialect: str = "v4",
    users: Mapping[str, User] = DEMO_USERS,
    secret: str = DEVELOPMENT_SECRET,
    session: str = "jwt",
    session_max_age: float = THIRTY_DAYS,
    session_update_age: float = ONE_DAY,
    url: str | None = None,
    trust_proxy: bool = False,
    magic_links: MagicLinks | None = None,
    providers: Sequence[OIDCProvider] = (),
    dev_idp: bool = False,
    database: Database | None = None,
    dev_controls: bool | State = False,
    private: Iterable[Path] = (),
    proxy: str | None = None,
) -> Starlette:
    """Serve ``directory`` at ``/`` and the auth endpoints at ``base_path``; see ``AuthApp`` for the rest.

    The ``private`` files of the directory are not served, nor its dotfiles and the files of ``database``.

    With ``magic_links`` that have no mail server, the mails are at ``/dev/inbox``.
    ``dev_idp`` adds sign-in at ``/dev/idp``, where everybody may sign in as anybody.
    ``dev_controls`` adds the JSON API of ``dev_controls.py`` under ``/dev``, for tests; with a ``State`` that another
    app had before, it goes on with that.
    What is under ``/dev`` answers this machine alone.
    ``proxy`` is the origin of an app that is served instead of the directory: ``http://localhost:5000``.
    """
    if not re.fullmatch(r"(/\w[\w.~-]*)+", base_path, re.ASCII):
        raise ValueError(f"the base path must look like /api/auth, not {base_path!r}")
    if f"{base_path}/".startswith("/dev/"):
        raise ValueError(f"the base path must not be under /dev, where the pages for developers are: {base_path!r} is")
    idp = DevIdentityProvider(users, base_path) if dev_idp else None
    auth = AuthApp(
        dialect=dialect,
        users=users,
        secret=secret,
        session=session,
        session_max_age=session_max_age,
        session_update_age=session_update_age,
        url=url,
        trust_proxy=trust_proxy,
        magic_links=magic_links,
        providers=[*providers, *([idp.provider] if idp else [])],
        database=database,
    )
    inbox = []
    if magic_links is not None and magic_links.smtp is None:
        inbox = [Route(INBOX_PATH, Inbox(magic_links, base_path))]
    middleware = []
    if dev_controls:
        state = dev_controls if isinstance(dev_controls, State) else State()
        middleware.append(Middleware(DevControls, auth=auth, base_path=base_path, state=state))
    middleware.append(Middleware(AuthFirst, auth=auth, base_path=base_path))
    pages: ASGIApp = StaticFolder(directory, [*private, *auth.database.files])
    if proxy is not None:
        pages = Proxy(proxy, base_path)
    return Starlette(
        routes=[
            *inbox,
            *([Mount(IDP_PATH, idp)] if idp else []),
            Mount("/", KnownHost(pages, auth)),
        ],
        middleware=middleware,
    )
