"""``/dev/inbox``: the mails of magic links, for whoever develops a page."""

from __future__ import annotations

from datetime import datetime, timezone

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from . import pages
from .emails import MagicLinks
from .errors import Refused
from .origin import local_origin

PATH = "/dev/inbox"


class Inbox:
    """The ASGI app to mount at ``/dev/inbox``. ``base_path`` is where the auth endpoints are, with the style sheet."""

    def __init__(self, links: MagicLinks, base_path: str = "/api/auth") -> None:
        self.links = links
        self.base_path = base_path
        links.has_page = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        assert scope["type"] == "http", "the inbox speaks only HTTP"
        await self.answer(Request(scope))(scope, receive, send)

    def answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("Method Not Allowed", 405, {"Allow": "GET, HEAD"})
        try:
            # Whoever reads the links signs in as anybody.
            local_origin(request)
        except Refused as refusal:
            return PlainTextResponse(refusal.message, refusal.status)
        mails = [
            (mail.to, mail.link, datetime.fromtimestamp(mail.time, timezone.utc).strftime("%H:%M:%S UTC"))
            for mail in self.links.inbox
        ]
        return HTMLResponse(pages.inbox(mails, base_path=self.base_path), headers=pages.SECURITY_HEADERS)
