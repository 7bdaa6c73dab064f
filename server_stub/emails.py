"""The mails of magic links, and where they go. The tokens in the links are in the database."""

from __future__ import annotations

import re
import smtplib
import ssl
import unicodedata
from collections import deque
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from .origin import is_loopback

MOST_MAILS = 50  # in the inbox page
TIMEOUT = 10  # seconds that a mail server may take

# Nothing that a mail program could read as a second recipient or as a header, and no control characters.
_ADDRESS = re.compile(r"[^\s\0-\x1f\x7f@\"<>()\[\]:;,\\]+@[^\s\0-\x1f\x7f@\"<>()\[\]:;,\\]+")


@dataclass(frozen=True)
class Mail:
    to: str
    link: str
    time: float


@dataclass(frozen=True)
class MailServer:
    """Where mails are sent. ``tls`` says whether the connection is encrypted from its start."""

    host: str
    port: int  # 0: the usual one
    tls: bool
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """ValueError if the URL is none of a mail server. It does not repeat the URL, which may hold a password."""
        try:
            parts = urlsplit(url)
            port = parts.port or 0
            (parts.hostname or "").encode("idna")
            username, password = (unquote(text or "", errors="strict") for text in (parts.username, parts.password))
        except ValueError:
            parts, port, username, password = urlsplit(""), 0, "", ""
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(
                "the URL of the mail server must look like smtp://localhost:25 or smtps://user:password@example.com, "
                "with a port up to 65535, and / in a password as %2F"
            )
        if not f"{username}{password}".isascii():
            raise ValueError("a mail server takes a user name and a password in ASCII only")
        return cls(parts.hostname, port, parts.scheme == "smtps", username, password)

    def send(self, message: EmailMessage) -> None:
        """OSError or SMTPException if it does not take the message, or cannot prove that it is the one."""
        with self.connect() as connection:
            if self.username:
                connection.login(self.username, self.password)
            connection.send_message(message)

    def connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        connection = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        try:
            connection.ehlo_or_helo_if_needed()
            if connection.has_extn("starttls"):
                connection.starttls(context=context)
            elif self.username and not is_loopback(self.host):
                raise smtplib.SMTPException(f"{self.host} offers no TLS, so it gets no password: try smtps://")
        except BaseException:
            connection.close()
            raise
        return connection


class MagicLinks:
    """Sign-in by links that work once. Their mails go to the server of the URL ``smtp``, else to ``inbox``."""

    def __init__(self, smtp: str | None = None, sender: str = "noreply@localhost") -> None:
        """ValueError if that is none of a mail server, or ``sender`` no address."""
        self.smtp = None if smtp is None else MailServer.parse(smtp)
        if not is_sender(sender):
            raise ValueError("the sender of mails must look like noreply@example.com or Example <noreply@example.com>")
        self.sender = sender
        self.inbox: deque[Mail] = deque(maxlen=MOST_MAILS)
        self.has_page = False  # whether people can look into it, at ``/dev/inbox``

    def send(self, mail: Mail) -> None:
        """OSError or SMTPException if the mail server does not take it."""
        if self.smtp is None:
            self.inbox.appendleft(mail)
            return
        self.smtp.send(self.message(mail))

    def message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = mail.to
        message["Subject"] = f"Sign in to {urlsplit(mail.link).netloc}"
        message.set_content(f"Sign in to {urlsplit(mail.link).netloc}\n{mail.link}\n", cte="8bit")
        return message


def is_sender(text: str) -> bool:
    """Whether a text can be the From of a mail."""
    message = EmailMessage()
    try:
        message["From"] = text
    except (IndexError, MessageError, ValueError):  # all of which its parser raises
        return False
    addresses = message["From"].addresses
    return len(addresses) == 1 and bool(addresses[0].username and addresses[0].domain)


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
