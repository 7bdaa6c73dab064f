"""The mails of magic links, and where they go. The tokens in the links are in the database."""

from __future__ import annotations

import re
import smtplib
import unicodedata
from collections import deque
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

MOST_MAILS = 50  # in the inbox page

# Nothing that a mail program could read as a second recipient or as a header.
_ADDRESS = re.compile(r"[^\s@\"<>()\[\]:;,\\]+@[^\s@\"<>()\[\]:;,\\]+")


@dataclass(frozen=True)
class Mail:
    to: str
    link: str
    time: float


class MagicLinks:
    """Sign-in by links that work once. Their mails go to ``smtp``, else to ``inbox``."""

    def __init__(self, smtp: str | None = None, sender: str = "noreply@localhost") -> None:
        if smtp is not None and urlsplit(smtp).scheme not in ("smtp", "smtps"):
            raise ValueError(f"{smtp!r} is not a mail server like smtp://localhost:25")
        self.smtp = smtp
        self.sender = sender
        self.inbox: deque[Mail] = deque(maxlen=MOST_MAILS)

    def send(self, mail: Mail) -> None:
        """OSError or SMTPException if the mail server does not take it."""
        if self.smtp is None:
            self.inbox.appendleft(mail)
            return
        server = urlsplit(self.smtp)
        kind = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
        with kind(server.hostname or "localhost", server.port or 0, timeout=10) as connection:
            if server.username:
                connection.login(unquote(server.username), unquote(server.password or ""))
            connection.send_message(self.message(mail))

    def message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = mail.to
        message["Subject"] = f"Sign in to {urlsplit(mail.link).netloc}"
        message.set_content(f"Sign in to {urlsplit(mail.link).netloc}\n{mail.link}\n", cte="8bit")
        return message


def normalize_address(text: object, *, needs_dot: bool) -> str | None:
    """The address in lower case, or None if it is none. What follows a comma in the domain is dropped, as in v4."""
    if not isinstance(text, str):
        return None
    address = unicodedata.normalize("NFKC", text).strip().lower()
    if address.count("@") == 1:
        address = address.partition("@")[0] + "@" + address.partition("@")[2].partition(",")[0]
    if len(address) > 254 or not address.isascii() or not _ADDRESS.fullmatch(address):
        return None
    return None if needs_dot and "." not in address.partition("@")[2] else address
