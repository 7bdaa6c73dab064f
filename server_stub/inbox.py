"""``/dev/inbox``: the mails of magic links, for whoever develops a page."""

from __future__ import annotations

from datetime import datetime, timezone

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from . import pages
from .auth import AuthApp
from .errors import Refused
from .origin import local_origin

PATH = "/dev/inbox"


class Inbox:
    def __init__(self, auth: AuthApp, base_path: str) -> None:
        self.auth = auth
        self.base_path = base_path

    async def page(self, request: Request) -> Response:
        try:
            # Whoever reads the links signs in as anybody.
            local_origin(request)
        except Refused as refusal:
            return PlainTextResponse(refusal.message, refusal.status)
        links = self.auth.magic_links
        mails = [
            (mail.to, mail.link, datetime.fromtimestamp(mail.time, timezone.utc).strftime("%H:%M:%S UTC"))
            for mail in (links.inbox if links else ())
        ]
        return HTMLResponse(pages.inbox(mails, base_path=self.base_path), headers=pages.SECURITY_HEADERS)
