"""Sign-in by e-mail: the inbox page, a real mail server, links that work once, and what is refused."""

from __future__ import annotations

import contextlib
import email
import email.policy
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from ipaddress import ip_address
from pathlib import Path
from smtplib import SMTPException
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from server_stub import AuthApp, Inbox, MagicLinks, User, auth, create_app, limits
from server_stub.cli import main
from server_stub.emails import Mail, normalize_address
from tests.stub.strangers import SECRET

ORIGIN = "http://127.0.0.1:4400"
VERIFY = f"{ORIGIN}/api/auth/verify-request?provider=email&type=email"
NO_LONGER_VALID = f"{ORIGIN}/api/auth/error?error=Verification"


@pytest.fixture
def links() -> MagicLinks:
    return MagicLinks()


@pytest.fixture
def client(connect: Callable[..., Any], tmp_path: Path, links: MagicLinks) -> Any:
    return connect(create_app(tmp_path, magic_links=links, dev_controls=True))


def ask_for_mail(client: Any, address: str = "bob@example.com", **fields: str) -> Any:
    return client.submit("/api/auth/signin/email", email=address, **fields)


class Hrefs(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs)["href"] or "")


def test_a_person_signs_in_with_the_link_in_the_inbox(client: Any) -> None:
    assert client.get("/api/auth/providers").json()["email"] == {
        "id": "email",
        "name": "Email",
        "type": "email",
        "signinUrl": f"{ORIGIN}/api/auth/signin/email",
        "callbackUrl": f"{ORIGIN}/api/auth/callback/email",
    }
    assert 'action="/api/auth/signin/email"' in client.get("/api/auth/signin").text
    assert "No mail yet" in client.get("/dev/inbox").text
    assert ask_for_mail(client, "Bob@Example.com", callbackUrl="/inside").json() == {"url": VERIFY}
    page = client.get(VERIFY).text
    assert "Check your e-mail" in page
    inbox = client.get(Hrefs(page).found[0])
    assert "default-src 'none'" in inbox.headers["content-security-policy"]
    (link,) = Hrefs(inbox.text).found
    response = client.get(link)
    assert (response.status_code, response.headers["location"]) == (302, f"{ORIGIN}/inside")
    assert client.session()["user"] == {"email": "bob@example.com"}


def test_a_link_works_once(client: Any, links: MagicLinks) -> None:
    ask_for_mail(client)
    link = links.inbox[0].link
    client.get(link)
    client.submit("/api/auth/signout")
    assert client.get(link).headers["location"] == NO_LONGER_VALID
    assert client.session() == {}
    assert client.get(NO_LONGER_VALID).status_code == 403


def test_a_link_is_for_one_address(client: Any, links: MagicLinks) -> None:
    ask_for_mail(client)
    link = links.inbox[0].link
    assert client.get(link.replace("bob", "eve")).headers["location"] == NO_LONGER_VALID
    assert client.get(link).headers["location"] == ORIGIN


def test_a_link_is_good_for_a_day(client: Any, links: MagicLinks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "LINK_LIFETIME", -1)
    ask_for_mail(client)
    assert client.get(links.inbox[0].link).headers["location"] == NO_LONGER_VALID


def test_an_address_that_a_user_has_signs_in_as_that_user(client: Any, links: MagicLinks) -> None:
    ask_for_mail(client, "ADA@example.com")
    client.get(links.inbox[0].link)
    assert client.session()["user"]["name"] == "Ada Lovelace"


def test_somebody_new_is_the_same_user_each_time(connect: Callable[..., Any], links: MagicLinks) -> None:
    app = Starlette()
    asked = []

    def note(user: User, provider: str) -> bool:
        asked.append((user.id, provider))
        return True

    app.mount("/api/auth", AuthApp(magic_links=links, sign_in_callback=note))
    client = connect(app)
    for _ in range(2):
        ask_for_mail(client)
        client.get(links.inbox[0].link)
    # Asked before the mail is sent, and when the link is followed.
    assert len(asked) == 4
    assert len(set(asked)) == 1


def test_whom_the_callback_refuses_gets_no_mail(connect: Callable[..., Any], links: MagicLinks) -> None:
    app = Starlette()
    app.mount("/api/auth", AuthApp(magic_links=links, sign_in_callback=lambda user, provider: False))
    response = ask_for_mail(connect(app))
    assert response.status_code == 200
    assert response.json() == {"url": f"{ORIGIN}/api/auth/error?error=AccessDenied"}
    assert not links.inbox


def test_without_magic_links_there_is_no_such_provider(connect: Callable[..., Any], tmp_path: Path) -> None:
    client = connect(create_app(tmp_path))
    assert list(client.get("/api/auth/providers").json()) == ["credentials"]
    assert ask_for_mail(client).json()["url"].endswith("/signin?csrf=true")
    assert client.get("/api/auth/callback/email?token=x&email=a").status_code == 400
    assert client.get("/dev/inbox").status_code == 404


def test_the_inbox_is_for_this_machine_alone(client: Any) -> None:
    assert client.get("/dev/inbox", headers={"Host": "evil.example"}).status_code == 400


def test_the_inbox_mounts_in_an_app_of_ones_own(connect: Callable[..., Any]) -> None:
    links = MagicLinks()
    app = Starlette()
    app.mount("/api/auth", AuthApp(magic_links=links))
    client = connect(app)
    ask_for_mail(client)
    assert Hrefs(client.get(VERIFY).text).found == []  # nobody can look into it
    app.mount("/dev/inbox", Inbox(links))
    assert Hrefs(client.get(VERIFY).text).found == ["/dev/inbox"]
    page = client.get("/dev/inbox", follow_redirects=True)
    assert Hrefs(page.text).found == [links.inbox[0].link]
    assert client.post("/dev/inbox/").status_code == 405


@given(st.text() | st.none() | st.integers())
def test_what_passes_as_an_address_is_one(text: Any) -> None:
    address = normalize_address(text, needs_dot=False)
    if address is not None:
        assert address.count("@") == 1
        assert not re.search(r"[\s\"<>,;:]", address)
        assert address.isprintable()
        assert MagicLinks().message(Mail(address, "http://a/b", 0))["To"] == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bob",
        "bob@",
        "@b.com",
        "a@b@c.com",
        '"a@b.com"@c.com',
        "a@b.com\r\nBcc: c@d.com",
        "a@b＠c.com",
        "a\0b@c.d",
        "a@\x7fb.c",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert normalize_address(text, needs_dot=False) is None


# Limits


def test_an_address_gets_ten_mails_in_ten_minutes(
    client: Any, links: MagicLinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    # Not the module itself: other servers of this run live by its clock.
    monkeypatch.setattr(limits, "time", SimpleNamespace(monotonic=lambda: now))
    for _ in range(10):
        assert ask_for_mail(client).status_code == 200
    response = ask_for_mail(client)
    assert (response.status_code, "set-cookie" in response.headers) == (429, False)
    assert len(links.inbox) == 10
    assert ask_for_mail(client, "eve@example.com").status_code == 200
    now = 601.0
    assert ask_for_mail(client).status_code == 200


def test_who_followed_a_link_gets_mails_although_others_ask_for_them(
    connect: Callable[..., Any], tmp_path: Path
) -> None:
    links = MagicLinks()
    app = create_app(tmp_path, magic_links=links, secret=SECRET)
    bob, eve = connect(app, address="192.0.2.1"), connect(app, address="192.0.2.2")
    ask_for_mail(bob)
    bob.get(links.inbox[0].link)
    assert [ask_for_mail(eve).status_code for _ in range(11)] == [200] * 10 + [429]
    assert [ask_for_mail(bob).status_code for _ in range(11)] == [200] * 10 + [429]


def test_who_asks_gets_a_hundred_mails_sent_in_ten_minutes(client: Any) -> None:
    answers = [ask_for_mail(client, f"user{number}@example.com").status_code for number in range(101)]
    assert answers == [200] * 100 + [429]


# A real mail server


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to get one mail, and to encrypt it."""

    server: MailServer

    def handle(self) -> None:
        with contextlib.suppress(ssl.SSLError, ConnectionError):  # a client that does not trust the certificate goes
            if self.server.tls and not self.server.extensions:
                self.encrypt()
            self.wfile.write(b"220 test\r\n")
            while self.answer(self.rfile.readline()):
                pass

    def answer(self, line: bytes) -> bool:
        verb = line.split()[0].upper() if line else b""
        self.server.heard.append(verb)
        if verb == b"EHLO":
            self.wfile.writelines(b"250-" + extension + b"\r\n" for extension in self.server.extensions)
        if verb == b"STARTTLS":
            self.wfile.write(b"220 go on\r\n")
            self.encrypt()
            return True
        if verb == b"DATA":
            self.wfile.write(b"354 go on\r\n")
            self.server.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
        self.wfile.write({b"AUTH": b"235 fine\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 fine\r\n"))
        return verb not in (b"QUIT", b"")

    def encrypt(self) -> None:
        assert self.server.tls
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()


class MailServer(socketserver.TCPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.mails: list[bytes] = []
        self.heard: list[bytes] = []  # the commands
        self.extensions: list[bytes] = []
        self.tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody trusts yet, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


def test_mails_go_to_a_real_mail_server(connect: Callable[..., Any], tmp_path: Path, mail_server: Any) -> None:
    links = MagicLinks(f"smtp://{mail_server.address}", "stub@example.com")
    client = connect(create_app(tmp_path, magic_links=links))
    assert ask_for_mail(client).json() == {"url": VERIFY}
    assert "/dev/inbox" not in client.get(VERIFY).text
    assert client.get("/dev/inbox").status_code == 404
    mail = email.message_from_bytes(mail_server.mails[0], policy=email.policy.default)
    assert (mail["To"], mail["From"]) == ("bob@example.com", "stub@example.com")
    found = re.search(r"http\S+", mail.get_content())  # type: ignore[attr-defined]
    assert found
    client.get(found[0])
    assert client.session()["user"] == {"email": "bob@example.com"}


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("trusted", [True, False])
def test_mails_are_encrypted_for_a_server_that_can_prove_its_name(
    mail_server: MailServer, certificate: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, trusted: bool
) -> None:
    mail_server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    mail_server.tls.load_cert_chain(certificate)
    if scheme == "smtp":
        mail_server.extensions = [b"test", b"STARTTLS", b"AUTH PLAIN"]
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    links = MagicLinks(f"{scheme}://{mail_server.address}")
    with contextlib.nullcontext() if trusted else pytest.raises(ssl.SSLCertVerificationError):
        links.send(Mail("bob@example.com", "http://a/b", 0))
    assert len(mail_server.mails) == trusted
    assert (b"STARTTLS" in mail_server.heard) == (scheme == "smtp")


@pytest.mark.parametrize(("host", "sent"), [("mail.example.com", False), ("localhost", True)])
def test_a_password_goes_nowhere_unencrypted_but_to_this_machine(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch, host: str, sent: bool
) -> None:
    mail_server.extensions = [b"test", b"AUTH PLAIN"]
    found = socket.getaddrinfo("127.0.0.1", mail_server.server_address[1], type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    links = MagicLinks(f"smtp://user:hunter2@{host}:25")
    with contextlib.nullcontext() if sent else pytest.raises(SMTPException, match="try smtps://"):
        links.send(Mail("bob@example.com", "http://a/b", 0))
    assert (b"AUTH" in mail_server.heard, len(mail_server.mails)) == (sent, sent)


@pytest.mark.parametrize(
    "url",
    [
        *("user:hunter2@host:25", "http://user:hunter2@host", "smtp://user:hunter2@host:port", "smtp://u:hunter2@[::1"),
        *(
            "smtp://user:hunter2@host:70000",
            "smtp://user:hunter2@",
            "smtp://user:hunter2/@host",
            "smtp://u:hunter2%ff@h",
        ),
        *("smtp://user:hunter2é@host", "smtps://usér:hunter2@host", "smtp://user:hunter2@a..b"),
    ],
)
def test_a_mail_server_that_cannot_be_one_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="mail server") as problem:
        MagicLinks(url)
    assert "hunter2" not in str(problem.value)


@pytest.mark.parametrize("sender", ["", "nobody", "a@", "@b", "a@b\r\nBcc: eve@example.com", "a@b, c@d", "<>"])
def test_mails_come_from_one_address(sender: str) -> None:
    with pytest.raises(ValueError, match=r"must look like noreply@example\.com"):
        MagicLinks(sender=sender)


@pytest.mark.parametrize(("dialect", "error"), [("v3", "EmailSignin"), ("v4", "EmailSignin"), ("v5", "Configuration")])
def test_a_mail_server_that_is_not_there_is_an_error(
    connect: Callable[..., Any], tmp_path: Path, dialect: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), MailHandler) as server:
        port = server.server_address[1]
    links = MagicLinks(f"smtp://user:hunter2@127.0.0.1:{port}")
    client = connect(create_app(tmp_path, dialect=dialect, magic_links=links))
    client.http.headers["X-Auth-Return-Redirect"] = "1"
    assert ask_for_mail(client).json() == {"url": f"{ORIGIN}/api/auth/error?error={error}"}
    assert "mail server" in caplog.text
    assert "hunter2" not in repr(links.smtp)
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--smtp", "localhost:25"], "must look like smtp://localhost:25"),
        (["--mail-from", "nobody"], "must look like noreply@example.com"),
    ],
)
def test_an_option_that_cannot_work_is_explained(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert reason in capsys.readouterr().err
